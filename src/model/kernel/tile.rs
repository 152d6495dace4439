//! One tile of pixels through the decoder, the likelihood and back.

use super::lanes::{activate, add, dot, first_layer, product, through};
use super::{Inputs, TILE, Task, place};
use crate::model::Activation;
use crate::model::likelihood::excess;

/// Where one row's gradients are added.
pub(super) struct RowSums<'a> {
    pub weight: f32,
    pub pose: &'a mut [f32],
    pub code: &'a mut [f32],
    pub parameters: &'a mut [f32],
}

/// The working memory of one thread: a tile's activations and their gradients.
pub(super) struct Scratch {
    arch: pulp::Arch,
    /// Coordinates of the tile before and after the pose, `[TILE, ndim]`.
    coordinates: Vec<f32>,
    /// The same with their waves, and the gradient by them, `[TILE, features]`; empty where there are no waves.
    features: Vec<f32>,
    to_features: Vec<f32>,
    /// After each non-linearity: `[TILE, width]` a layer.
    hidden: Vec<Vec<f32>>,
    pub logit: Vec<f32>,
    slope: Vec<f32>,
    /// Gradients of the layer being left and of the one being entered.
    above: Vec<f32>,
    below: Vec<f32>,
}

impl Scratch {
    pub fn new(task: &Task) -> Self {
        let mut hidden = vec![vec![0.0; TILE * task.widths[0]]];
        hidden.extend(task.layers().map(|(_, to)| vec![0.0; TILE * to]));
        let waved = if task.waves.is_empty() { 0 } else { TILE * task.features() };
        Self {
            arch: pulp::Arch::new(),
            coordinates: vec![0.0; TILE * task.ndim],
            features: vec![0.0; waved],
            to_features: vec![0.0; waved],
            hidden,
            logit: vec![0.0; TILE],
            slope: vec![0.0; TILE],
            above: vec![0.0; TILE * task.widest()],
            below: vec![0.0; TILE * task.widest()],
        }
    }

    /// One row: its excess negative log likelihood and, if asked, its gradients.
    pub fn row(&mut self, task: &Task, inputs: Inputs<'_>, row: usize, mut sums: Option<RowSums<'_>>) -> f32 {
        let pixels = task.pixels();
        let image = task.images[row] as usize;
        let target = &inputs.target[image * pixels..(image + 1) * pixels];
        let mut total = 0.0_f64;
        for start in (0..pixels).step_by(TILE) {
            let n = TILE.min(pixels - start);
            self.forward(task, inputs, row, start, n);
            let weight = sums.as_ref().map_or(0.0, |s| s.weight * task.pixel_weight);
            let mut tile = 0.0_f64;
            for ((slope, &o), &x) in self.slope[..n].iter_mut().zip(&self.logit[..n]).zip(&target[start..]) {
                let (value, d) = excess(task.likelihood, o, x);
                tile += f64::from(value);
                *slope = d * weight;
            }
            total += tile;
            if let Some(sums) = sums.as_mut()
                && sums.weight != 0.0
            {
                self.backward(task, inputs, row, start, n, sums);
            }
        }
        (total * f64::from(task.pixel_weight)) as f32
    }

    /// Pose, first layer, hidden layers and logits of `n` pixels from `start`.
    pub fn forward(&mut self, task: &Task, inputs: Inputs<'_>, row: usize, start: usize, n: usize) {
        self.place(task, &inputs.pose[row * 4..row * 4 + 4], start, n);
        let first = task.widths[0];
        let mut p = Parameters(inputs.parameters);
        let inputs_of_first = task.features();
        let (weight, bias) = (p.take(inputs_of_first * first), p.take(first));
        let code = &inputs.code[row * first..(row + 1) * first];
        let (arch, coordinates) = (self.arch, &self.coordinates[..n * task.ndim]);
        let out = &mut self.hidden[0][..n * first];
        let ndim = task.ndim;
        if task.waves.is_empty() {
            arch.dispatch(
                #[inline(always)]
                || first_layer(out, coordinates, ndim, weight, bias, code),
            );
        } else {
            let features = &mut self.features[..n * inputs_of_first];
            arch.dispatch(
                #[inline(always)]
                || {
                    place::features(features, coordinates, ndim, &task.waves);
                    place::first_layer(out, features, inputs_of_first, weight, bias, code);
                },
            );
        }
        for (l, (from, to)) in task.layers().enumerate() {
            let (weight, bias) = (p.take(from * to), p.take(to));
            let (before, after) = self.hidden.split_at_mut(l + 1);
            let out = &mut after[0][..n * to];
            product(n, to, from, out, false, &before[l][..n * from], (from, 1), weight, (to, 1));
            arch.dispatch(
                #[inline(always)]
                || activate(out, bias, task.activation),
            );
        }
        let last = task.last();
        let (weight, bias) = (p.take(last), p.take(1)[0]);
        let top = &self.hidden[self.hidden.len() - 1][..n * last];
        let logit = &mut self.logit[..n];
        arch.dispatch(
            #[inline(always)]
            || {
                for (o, h) in logit.iter_mut().zip(top.chunks_exact(last)) {
                    *o = bias + dot(h, weight);
                }
            },
        );
    }

    /// Coordinates of `n` pixels from `start` under one pose.
    fn place(&mut self, task: &Task, pose: &[f32], start: usize, n: usize) {
        let d = task.ndim;
        let grid = &task.grid[start * d..(start + n) * d];
        let out = &mut self.coordinates[..n * d];
        if d == 1 {
            for (o, g) in out.iter_mut().zip(grid) {
                *o = g + pose[1];
            }
            return;
        }
        let (sin, cos) = pose[0].sin_cos();
        for (o, g) in out.chunks_exact_mut(2).zip(grid.chunks_exact(2)) {
            o[0] = (g[0] * cos - g[1] * sin) * pose[3] + pose[1];
            o[1] = (g[0] * sin + g[1] * cos) * pose[3] + pose[2];
        }
    }

    /// From the slopes at the logits back to parameters, code and pose.
    fn backward(
        &mut self,
        task: &Task,
        inputs: Inputs<'_>,
        row: usize,
        start: usize,
        n: usize,
        sums: &mut RowSums<'_>,
    ) {
        let arch = self.arch;
        let last = task.last();
        let count = task.parameter_count();
        let mut at = count - last - 1;
        let weight = &inputs.parameters[at..at + last];
        let (to_weight, to_bias) = sums.parameters[at..].split_at_mut(last);
        let (above, slope) = (&mut self.above[..n * last], &self.slope[..n]);
        let top = &self.hidden[self.hidden.len() - 1][..n * last];
        let last_kind = task.activation;
        arch.dispatch(
            #[inline(always)]
            || {
                for ((g, h), &s) in above.chunks_exact_mut(last).zip(top.chunks_exact(last)).zip(slope) {
                    to_bias[0] += s;
                    for (((g, &h), t), &w) in g.iter_mut().zip(h).zip(to_weight.iter_mut()).zip(weight) {
                        *t += s * h;
                        *g = s * w;
                    }
                }
                through(above, top, last_kind);
            },
        );
        let layers: Vec<(usize, usize)> = task.layers().collect();
        for (l, &(from, to)) in layers.iter().enumerate().rev() {
            at -= from * to + to;
            let weight = &inputs.parameters[at..at + from * to];
            let (to_weight, to_bias) = sums.parameters[at..at + from * to + to].split_at_mut(from * to);
            let h = &self.hidden[l][..n * from];
            let above = &self.above[..n * to];
            let below = &mut self.below[..n * from];
            // weights: h^T above; bias: column sums; below: above W^T
            product(from, to, n, to_weight, true, h, (1, from), above, (to, 1));
            product(n, from, to, below, false, above, (to, 1), weight, (1, to));
            // The first layer's non-linearity is always tanh.
            let kind = if l == 0 { Activation::Tanh } else { task.activation };
            arch.dispatch(
                #[inline(always)]
                || {
                    for g in above.chunks_exact(to) {
                        add(to_bias, g);
                    }
                    through(below, h, kind);
                },
            );
            std::mem::swap(&mut self.above, &mut self.below);
        }
        self.backward_first(task, inputs, row, start, n, sums);
    }

    /// The first layer, the code and the pose.
    fn backward_first(
        &mut self,
        task: &Task,
        inputs: Inputs<'_>,
        row: usize,
        start: usize,
        n: usize,
        sums: &mut RowSums<'_>,
    ) {
        if !task.waves.is_empty() {
            return self.backward_waves(task, inputs, row, start, n, sums);
        }
        let (d, first) = (task.ndim, task.widths[0]);
        let weight = &inputs.parameters[..d * first];
        let pose = &inputs.pose[row * 4..row * 4 + 4];
        let (sin, cos) = pose[0].sin_cos();
        let (above, coordinates) = (&self.above[..n * first], &self.coordinates[..n * d]);
        let grid = &task.grid[start * d..(start + n) * d];
        let (to_weight, rest) = sums.parameters.split_at_mut(d * first);
        let to_bias = &mut rest[..first];
        let (to_code, to_pose) = (&mut *sums.code, &mut *sums.pose);
        // The tile's column sums serve both the bias and the code.
        let column = &mut self.below[..first];
        self.arch.dispatch(
            #[inline(always)]
            || {
                column.fill(0.0);
                for (i, g) in above.chunks_exact(first).enumerate() {
                    add(column, g);
                    let mut c = [0.0_f32; 2];
                    for axis in 0..d {
                        let x = coordinates[i * d + axis];
                        let w = &weight[axis * first..(axis + 1) * first];
                        c[axis] = dot(g, w);
                        for (t, &g) in to_weight[axis * first..(axis + 1) * first].iter_mut().zip(g) {
                            *t += x * g;
                        }
                    }
                    add_pose(to_pose, c, &grid[i * d..(i + 1) * d], pose, (sin, cos));
                }
                add(to_bias, column);
                add(to_code, column);
            },
        );
    }

    /// As [`Self::backward_first`], through the waves.
    fn backward_waves(
        &mut self,
        task: &Task,
        inputs: Inputs<'_>,
        row: usize,
        start: usize,
        n: usize,
        sums: &mut RowSums<'_>,
    ) {
        let (d, first, wide) = (task.ndim, task.widths[0], task.features());
        let weight = &inputs.parameters[..wide * first];
        let pose = &inputs.pose[row * 4..row * 4 + 4];
        let turn = pose[0].sin_cos();
        let grid = &task.grid[start * d..(start + n) * d];
        let (to_weight, rest) = sums.parameters.split_at_mut(wide * first);
        let to_bias = &mut rest[..first];
        let (to_code, to_pose) = (&mut *sums.code, &mut *sums.pose);
        let (above, features) = (&self.above[..n * first], &self.features[..n * wide]);
        let to_features = &mut self.to_features[..n * wide];
        let column = &mut self.below[..first];
        self.arch.dispatch(
            #[inline(always)]
            || {
                column.fill(0.0);
                place::backward(to_weight, to_features, column, above, features, wide, weight);
                let pixels = to_features.chunks_exact(wide).zip(features.chunks_exact(wide));
                for ((g, f), at) in pixels.zip(grid.chunks_exact(d)) {
                    let c = place::to_coordinate(g, f, d, &task.waves);
                    add_pose(to_pose, c, at, pose, turn);
                }
                add(to_bias, column);
                add(to_code, column);
            },
        );
    }
}

/// Adds what a pixel's gradient by its transformed coordinates says of the pose.
#[inline(always)]
fn add_pose(to_pose: &mut [f32], c: [f32; 2], grid: &[f32], pose: &[f32], (sin, cos): (f32, f32)) {
    to_pose[1] += c[0];
    if let [u, v] = *grid {
        let (turned_u, turned_v) = (u * cos - v * sin, u * sin + v * cos);
        to_pose[0] += pose[3] * (turned_u * c[1] - turned_v * c[0]);
        to_pose[2] += c[1];
        to_pose[3] += turned_u * c[0] + turned_v * c[1];
    }
}

/// Reads parameters in order.
struct Parameters<'a>(&'a [f32]);

impl<'a> Parameters<'a> {
    fn take(&mut self, n: usize) -> &'a [f32] {
        let (part, rest) = self.0.split_at(n);
        self.0 = rest;
        part
    }
}
