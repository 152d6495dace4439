//! The classifier over all turned copies of a batch: a dense network over many rows, forward and backward in blocks that
//! stay in the cache.
//!
//! Plain tensor operations would go over all rows once a layer and once more for every bias and non-linearity. Here a
//! block of rows goes through all layers at once, and back.

use super::lanes::{activate, add, product, through};
use crate::model::Activation;
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that travel together.
const BLOCK: usize = 64;
/// Pieces whose gradients are summed in order, so that the number of cores changes nothing.
const PIECES: usize = 8;

/// Output of each layer for one block, `[rows, width]`.
pub type Layers = Vec<Vec<f32>>;
/// The layers of every block.
pub type Kept = Vec<Layers>;

/// The rows and the shape of the network.
#[derive(Clone, Debug)]
pub struct Rows {
    /// `[rows, widths[0]]`.
    pub values: Arc<Vec<f32>>,
    /// Inputs, then the width of each layer; the last one is linear.
    pub widths: Vec<usize>,
    pub activation: Activation,
}

impl Rows {
    fn rows(&self) -> usize {
        self.values.len() / self.widths[0].max(1)
    }

    fn outputs(&self) -> usize {
        self.widths[self.widths.len() - 1]
    }

    /// Number of parameters: for each layer its weights `[inputs, outputs]`, then its bias.
    pub fn parameter_count(&self) -> usize {
        self.widths.windows(2).map(|w| w[0] * w[1] + w[1]).sum()
    }

    /// Output of every row, `[rows, outputs]`.
    pub fn forward(&self, parameters: &[f32]) -> Vec<f32> {
        let outputs = self.outputs();
        let mut out = vec![0.0; self.rows() * outputs];
        let inputs = self.values.par_chunks(BLOCK * self.widths[0]);
        out.par_chunks_mut(BLOCK * outputs).zip(inputs).for_each_init(
            || Block::new(self),
            |block, (out, x)| {
                block.forward(self, parameters, x);
                let last = &block.layers[block.layers.len() - 1];
                out.copy_from_slice(&last[..out.len()]);
            },
        );
        out
    }

    /// As [`Rows::forward`] for `rows` rows that `fill` writes, up to `together` of them from a given one on, where they
    /// are needed, so that they never leave the cache; the values of `self` are not looked at.
    pub fn forward_from(
        &self,
        parameters: &[f32],
        rows: usize,
        together: usize,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        let mut out = vec![0.0; rows * outputs];
        out.par_chunks_mut(together * outputs).enumerate().for_each_init(
            || (Block::new(self), vec![0.0; together * inputs]),
            |(block, values), (index, out)| {
                let values = &mut values[..out.len() / outputs * inputs];
                fill(index * together, values);
                for (x, out) in values.chunks(BLOCK * inputs).zip(out.chunks_mut(BLOCK * outputs)) {
                    block.forward(self, parameters, x);
                    out.copy_from_slice(&block.layers[block.layers.len() - 1][..out.len()]);
                }
            },
        );
        out
    }

    /// As [`Rows::forward`], and what [`Rows::gradient`] needs of it: the outputs of the layers, block by block.
    pub fn forward_kept(&self, parameters: &[f32]) -> (Vec<f32>, Kept) {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        let kept: Kept = self
            .values
            .par_chunks(BLOCK * inputs)
            .map(|x| {
                let mut block = Block::new(self);
                block.forward(self, parameters, x);
                block.layers
            })
            .collect();
        let mut out = Vec::with_capacity(self.rows() * outputs);
        for (layers, x) in kept.iter().zip(self.values.chunks(BLOCK * inputs)) {
            out.extend_from_slice(&layers[layers.len() - 1][..x.len() / inputs * outputs]);
        }
        (out, kept)
    }

    /// Gradient of `sum(upstream * output)` by the parameters; `upstream` is `[rows, outputs]`, `kept` from
    /// [`Rows::forward_kept`].
    pub fn gradient(&self, parameters: &[f32], upstream: &[f32], kept: &[Layers]) -> Vec<f32> {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        let blocks = self.rows().div_ceil(BLOCK).div_ceil(PIECES).max(1);
        let rows = blocks * BLOCK;
        let piece = |((x, g), kept): ((&[f32], &[f32]), &[Layers])| {
            let mut block = Block::new(self);
            let mut sum = vec![0.0; self.parameter_count()];
            let each = x.chunks(BLOCK * inputs).zip(g.chunks(BLOCK * outputs)).zip(kept);
            for ((x, g), layers) in each {
                block.backward(self, parameters, x, layers, g, &mut sum);
            }
            sum
        };
        let parts: Vec<Vec<f32>> = self
            .values
            .par_chunks(rows * inputs)
            .zip(upstream.par_chunks(rows * outputs))
            .zip(kept.par_chunks(blocks))
            .map(piece)
            .collect();
        super::summed(&parts, self.parameter_count())
    }
}

/// One thread's working memory.
struct Block {
    arch: pulp::Arch,
    /// Output of each layer, `[BLOCK, width]`.
    layers: Vec<Vec<f32>>,
    above: Vec<f32>,
    below: Vec<f32>,
}

impl Block {
    fn new(rows: &Rows) -> Self {
        let widest = rows.widths[1..].iter().copied().max().unwrap_or(1);
        Self {
            arch: pulp::Arch::new(),
            layers: rows.widths[1..].iter().map(|w| vec![0.0; BLOCK * w]).collect(),
            above: vec![0.0; BLOCK * widest],
            below: vec![0.0; BLOCK * widest],
        }
    }

    fn forward(&mut self, rows: &Rows, parameters: &[f32], x: &[f32]) {
        let n = x.len() / rows.widths[0];
        let mut at = 0;
        let last = rows.widths.len() - 2;
        for (l, w) in rows.widths.windows(2).enumerate() {
            let (from, to) = (w[0], w[1]);
            let (weight, bias) =
                (&parameters[at..at + from * to], &parameters[at + from * to..at + from * to + to]);
            at += from * to + to;
            let (before, after) = self.layers.split_at_mut(l);
            let input = if l == 0 { x } else { &before[l - 1][..n * from] };
            let out = &mut after[0][..n * to];
            product(n, to, from, out, false, input, (from, 1), weight, (to, 1));
            let kind = rows.activation;
            self.arch.dispatch(
                #[inline(always)]
                || {
                    if l == last {
                        out.chunks_exact_mut(to).for_each(|row| add(row, bias));
                    } else {
                        activate(out, bias, kind);
                    }
                },
            );
        }
    }

    /// Adds the block's gradient to `sum`.
    fn backward(
        &mut self,
        rows: &Rows,
        parameters: &[f32],
        x: &[f32],
        layers: &[Vec<f32>],
        upstream: &[f32],
        sum: &mut [f32],
    ) {
        let n = x.len() / rows.widths[0];
        let mut at = rows.parameter_count();
        self.above[..upstream.len()].copy_from_slice(upstream);
        for (l, w) in rows.widths.windows(2).enumerate().rev() {
            let (from, to) = (w[0], w[1]);
            at -= from * to + to;
            let weight = &parameters[at..at + from * to];
            let (to_weight, to_bias) = sum[at..at + from * to + to].split_at_mut(from * to);
            let input = if l == 0 { x } else { &layers[l - 1][..n * from] };
            let above = &self.above[..n * to];
            product(from, to, n, to_weight, true, input, (1, from), above, (to, 1));
            let below = &mut self.below[..];
            if l > 0 {
                product(n, from, to, &mut below[..n * from], false, above, (to, 1), weight, (1, to));
            }
            let kind = rows.activation;
            self.arch.dispatch(
                #[inline(always)]
                || {
                    above.chunks_exact(to).for_each(|g| add(to_bias, g));
                    if l > 0 {
                        through(&mut below[..n * from], input, kind);
                    }
                },
            );
            std::mem::swap(&mut self.above, &mut self.below);
        }
    }
}
