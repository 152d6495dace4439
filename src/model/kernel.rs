//! Decoder, likelihood and gradient in one pass over cache-sized tiles of pixels.
//!
//! Plain tensor operations write every activation of every pixel to memory and read it back; that traffic, not
//! arithmetic, is what a training step on a CPU waits for. Here a tile of pixels goes through the whole decoder, the
//! likelihood and back again while it sits in the cache, and nothing per pixel is kept.
//!
//! Rows are cut into a fixed number of pieces whose sums are added in order, so that the same input gives the same
//! bytes whatever the number of cores.

use super::likelihood::excess;
use super::{Activation, Likelihood};
use gemm::Parallelism;
use rayon::prelude::*;
use std::sync::Arc;

/// Pixels that travel together. Large enough for the matrix product, small enough for the second-level cache.
const TILE: usize = 128;
/// Pieces the rows are cut into; more than any desktop has cores, few enough that their sums cost nothing.
const PIECES: usize = 32;

/// What one evaluation works on, besides the tensors.
#[derive(Clone, Debug)]
pub struct Task {
    /// Coordinates `[pixels, ndim]`.
    pub grid: Arc<[f32]>,
    /// 1 or 2.
    pub ndim: usize,
    /// Width of the first hidden layer, then of each further one.
    pub widths: Vec<usize>,
    pub activation: Activation,
    pub likelihood: Likelihood,
    /// For each row the image it explains.
    pub images: Arc<[u32]>,
    /// Each pixel's term counts this often: all pixels / pixels in the grid.
    pub pixel_weight: f32,
}

/// Plain slices of the tensors of one evaluation.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// `[rows, 4]`: angle, shift, shift, scale.
    pub pose: &'a [f32],
    /// `[rows, widths[0]]`: what the first layer makes of content and class.
    pub code: &'a [f32],
    /// All per-pixel parameters, in the order of `Decoder::flat`.
    pub parameters: &'a [f32],
    /// `[images, pixels]`.
    pub target: &'a [f32],
}

/// Gradients of `sum(weight * excess)`, laid out like the inputs.
#[derive(Clone, Debug, Default)]
pub struct Gradient {
    pub pose: Vec<f32>,
    pub code: Vec<f32>,
    pub parameters: Vec<f32>,
}

impl Task {
    fn pixels(&self) -> usize {
        self.grid.len() / self.ndim
    }

    fn rows(&self) -> usize {
        self.images.len()
    }

    /// Number of per-pixel parameters.
    pub fn parameter_count(&self) -> usize {
        let first = self.widths[0];
        let hidden: usize = self.layers().map(|(from, to)| from * to + to).sum();
        self.ndim * first + first + hidden + self.last() + 1
    }

    /// (inputs, outputs) of each hidden layer after the first. As in pyroVED the first width is used twice: for the
    /// coordinate layer and for the layer after it.
    fn layers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        std::iter::once(self.widths[0]).chain(self.widths.iter().copied()).zip(self.widths.iter().copied())
    }

    fn last(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    fn widest(&self) -> usize {
        self.widths.iter().copied().max().unwrap_or(1)
    }
}

/// Excess negative log likelihood of each row (see [`super::likelihood`]), `[rows]`.
pub fn excess_rows(task: &Task, inputs: Inputs<'_>) -> Vec<f32> {
    evaluate(task, inputs, None).0
}

/// Excess negative log likelihood of each row, and the gradient of `sum(weight * excess)` with `weight` `[rows]`.
pub fn excess_rows_and_gradient(task: &Task, inputs: Inputs<'_>, weight: &[f32]) -> (Vec<f32>, Gradient) {
    evaluate(task, inputs, Some(weight))
}

/// Logits of every pixel, `[rows, pixels]`.
pub fn logits(task: &Task, inputs: Inputs<'_>) -> Vec<f32> {
    let pixels = task.pixels();
    let mut out = vec![0.0; task.rows() * pixels];
    out.par_chunks_mut(pixels).enumerate().for_each_init(
        || Scratch::new(task),
        |scratch, (row, out)| {
            for start in (0..pixels).step_by(TILE) {
                let n = TILE.min(pixels - start);
                scratch.forward(task, inputs, row, start, n);
                out[start..start + n].copy_from_slice(&scratch.logit[..n]);
            }
        },
    );
    out
}

fn evaluate(task: &Task, inputs: Inputs<'_>, weight: Option<&[f32]>) -> (Vec<f32>, Gradient) {
    let rows = task.rows();
    let width = task.widths[0];
    let per_piece = rows.div_ceil(PIECES).max(1);
    let mut excess = vec![0.0; rows];
    let gradient = weight.is_some();
    let mut pose = vec![0.0; if gradient { rows * 4 } else { 0 }];
    let mut code = vec![0.0; if gradient { rows * width } else { 0 }];
    let piece = |first: usize, out: &mut [f32], pose: &mut [f32], code: &mut [f32]| {
        let mut scratch = Scratch::new(task);
        let mut parameters = vec![0.0; if gradient { task.parameter_count() } else { 0 }];
        for (i, out) in out.iter_mut().enumerate() {
            let row = first + i;
            *out = match weight {
                None => scratch.row(task, inputs, row, None),
                Some(weight) => {
                    let sums = RowSums {
                        weight: weight[row],
                        pose: &mut pose[i * 4..(i + 1) * 4],
                        code: &mut code[i * width..(i + 1) * width],
                        parameters: &mut parameters,
                    };
                    scratch.row(task, inputs, row, Some(sums))
                }
            };
        }
        parameters
    };
    let parts: Vec<Vec<f32>> = if gradient {
        excess
            .par_chunks_mut(per_piece)
            .zip(pose.par_chunks_mut(per_piece * 4))
            .zip(code.par_chunks_mut(per_piece * width))
            .enumerate()
            .map(|(p, ((out, pose), code))| piece(p * per_piece, out, pose, code))
            .collect()
    } else {
        excess.par_chunks_mut(per_piece).enumerate().for_each(|(p, out)| {
            piece(p * per_piece, out, &mut [], &mut []);
        });
        Vec::new()
    };
    let mut parameters = vec![0.0; if gradient { task.parameter_count() } else { 0 }];
    for part in &parts {
        for (sum, x) in parameters.iter_mut().zip(part) {
            *sum += x;
        }
    }
    (excess, Gradient { pose, code, parameters })
}

/// Where one row's gradients are added.
struct RowSums<'a> {
    weight: f32,
    pose: &'a mut [f32],
    code: &'a mut [f32],
    parameters: &'a mut [f32],
}

/// The working memory of one thread: a tile's activations and their gradients.
struct Scratch {
    arch: pulp::Arch,
    /// Coordinates of the tile before and after the pose, `[TILE, ndim]`.
    coordinates: Vec<f32>,
    /// After each non-linearity: `[TILE, width]` a layer.
    hidden: Vec<Vec<f32>>,
    logit: Vec<f32>,
    slope: Vec<f32>,
    /// Gradients of the layer being left and of the one being entered.
    above: Vec<f32>,
    below: Vec<f32>,
}

impl Scratch {
    fn new(task: &Task) -> Self {
        let mut hidden = vec![vec![0.0; TILE * task.widths[0]]];
        hidden.extend(task.layers().map(|(_, to)| vec![0.0; TILE * to]));
        Self {
            arch: pulp::Arch::new(),
            coordinates: vec![0.0; TILE * task.ndim],
            hidden,
            logit: vec![0.0; TILE],
            slope: vec![0.0; TILE],
            above: vec![0.0; TILE * task.widest()],
            below: vec![0.0; TILE * task.widest()],
        }
    }

    /// One row: its excess negative log likelihood and, if asked, its gradients.
    fn row(&mut self, task: &Task, inputs: Inputs<'_>, row: usize, mut sums: Option<RowSums<'_>>) -> f32 {
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
    fn forward(&mut self, task: &Task, inputs: Inputs<'_>, row: usize, start: usize, n: usize) {
        self.place(task, &inputs.pose[row * 4..row * 4 + 4], start, n);
        let first = task.widths[0];
        let mut p = Parameters(inputs.parameters);
        let (weight, bias) = (p.take(task.ndim * first), p.take(first));
        let code = &inputs.code[row * first..(row + 1) * first];
        let (arch, coordinates) = (self.arch, &self.coordinates);
        let out = &mut self.hidden[0][..n * first];
        let ndim = task.ndim;
        arch.dispatch(
            #[inline(always)]
            || first_layer(out, coordinates, ndim, weight, bias, code),
        );
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
                    to_pose[1] += c[0];
                    if d == 2 {
                        let (u, v) = (grid[i * 2], grid[i * 2 + 1]);
                        let (turned_u, turned_v) = (u * cos - v * sin, u * sin + v * cos);
                        to_pose[0] += pose[3] * (turned_u * c[1] - turned_v * c[0]);
                        to_pose[2] += c[1];
                        to_pose[3] += turned_u * c[0] + turned_v * c[1];
                    }
                }
                add(to_bias, column);
                add(to_code, column);
            },
        );
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

#[inline(always)]
fn first_layer(out: &mut [f32], coordinates: &[f32], d: usize, weight: &[f32], bias: &[f32], code: &[f32]) {
    let width = bias.len();
    for (h, x) in out.chunks_exact_mut(width).zip(coordinates.chunks_exact(d)) {
        for ((h, &b), &c) in h.iter_mut().zip(bias).zip(code) {
            *h = b + c;
        }
        for (axis, &x) in x.iter().enumerate() {
            for (h, &w) in h.iter_mut().zip(&weight[axis * width..(axis + 1) * width]) {
                *h += x * w;
            }
        }
        for h in h {
            *h = tanh(*h);
        }
    }
}

#[inline(always)]
fn activate(out: &mut [f32], bias: &[f32], kind: Activation) {
    for h in out.chunks_exact_mut(bias.len()) {
        let pairs = h.iter_mut().zip(bias);
        match kind {
            Activation::Tanh => pairs.for_each(|(h, b)| *h = tanh(*h + b)),
            Activation::Relu => pairs.for_each(|(h, b)| *h = (*h + b).max(0.0)),
            Activation::LeakyRelu => pairs.for_each(|(h, b)| {
                let x = *h + b;
                *h = x.max(0.01 * x);
            }),
            Activation::Softplus => pairs.for_each(|(h, b)| {
                let x = *h + b;
                *h = x.max(0.0) + (-x.abs()).exp().ln_1p();
            }),
        }
    }
}

/// Multiplies gradients by the slope of the non-linearity, read off its output.
#[inline(always)]
fn through(gradient: &mut [f32], output: &[f32], kind: Activation) {
    let pairs = gradient.iter_mut().zip(output);
    match kind {
        Activation::Tanh => pairs.for_each(|(g, &h)| *g *= 1.0 - h * h),
        Activation::Relu => pairs.for_each(|(g, &h)| *g = if h > 0.0 { *g } else { 0.0 }),
        Activation::LeakyRelu => pairs.for_each(|(g, &h)| *g *= if h > 0.0 { 1.0 } else { 0.01 }),
        Activation::Softplus => pairs.for_each(|(g, &h)| *g *= 1.0 - (-h).exp()),
    }
}

#[inline(always)]
fn add(sum: &mut [f32], x: &[f32]) {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += x;
    }
}

/// A dot product in eight partial sums, which the compiler can keep in one register.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// tanh as a ratio of polynomials, within a few units in the last place of f32: unlike the library's, it vectorises.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.905_311, 7.905_311);
    let s = x * x;
    let p = -2.760_768_5e-16 * s + 2.000_188e-13;
    let p = p * s - 8.604_672e-11;
    let p = p * s + 5.122_297e-8;
    let p = p * s + 1.485_722_4e-5;
    let p = p * s + 6.372_619e-4;
    let p = p * s + 4.893_524_6e-3;
    let q = 1.198_258_4e-6 * s + 1.185_347_1e-4;
    let q = q * s + 2.268_434_6e-3;
    let q = q * s + 4.893_525e-3;
    x * p / q
}

/// `out = a b`, or `out += a b`: `out` is `[m, n]` row-major, `a` `[m, k]` and `b` `[k, n]` with (row, column) strides.
fn product(
    m: usize,
    n: usize,
    k: usize,
    out: &mut [f32],
    accumulate: bool,
    a: &[f32],
    (a_row, a_column): (usize, usize),
    b: &[f32],
    (b_row, b_column): (usize, usize),
) {
    let reach =
        |rows: usize, columns: usize, row: usize, column: usize| (rows - 1) * row + (columns - 1) * column;
    assert!(m > 0 && n > 0 && k > 0 && out.len() >= m * n);
    assert!(reach(m, k, a_row, a_column) < a.len() && reach(k, n, b_row, b_column) < b.len());
    // SAFETY: the two assertions above keep every element the product touches inside its slice; `out` is borrowed
    // mutably, so it overlaps neither input. The crate has no safe entry point.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_column as isize,
            a_row as isize,
            b.as_ptr(),
            b_column as isize,
            b_row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rational_tanh_is_tanh() {
        for i in -2000..=2000 {
            let x = i as f32 * 0.005;
            assert!((tanh(x) - x.tanh()).abs() < 4e-7, "{x}: {} {}", tanh(x), x.tanh());
        }
    }
}
