//! The classifier over all turned copies of a batch: a dense network over many rows, forward and backward in blocks that
//! stay in the cache.
//!
//! Plain tensor operations would write each layer's output for every copy of every image to memory. Here a block of rows
//! goes through all layers at once; on the way back it is computed again, which is cheaper than having kept it.

use super::lanes::{activate, add, product, through};
use crate::model::Activation;
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that travel together.
const BLOCK: usize = 64;
/// Pieces whose gradients are summed in order, so that the number of cores changes nothing.
const PIECES: usize = 16;

/// The rows and the shape of the network.
#[derive(Clone, Debug)]
pub struct Rows {
    /// `[rows, widths[0]]`.
    pub values: Arc<[f32]>,
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

    /// Gradient of `sum(upstream * output)` by the parameters; `upstream` is `[rows, outputs]`.
    pub fn gradient(&self, parameters: &[f32], upstream: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (self.widths[0], self.outputs());
        let blocks = self.rows().div_ceil(BLOCK);
        let rows = blocks.div_ceil(PIECES).max(1) * BLOCK;
        let piece = |(x, g): (&[f32], &[f32])| {
            let mut block = Block::new(self);
            let mut sum = vec![0.0; self.parameter_count()];
            for (x, g) in x.chunks(BLOCK * inputs).zip(g.chunks(BLOCK * outputs)) {
                block.forward(self, parameters, x);
                block.backward(self, parameters, x, g, &mut sum);
            }
            sum
        };
        let parts: Vec<Vec<f32>> = self
            .values
            .par_chunks(rows * inputs)
            .zip(upstream.par_chunks(rows * outputs))
            .map(piece)
            .collect();
        let mut sum = vec![0.0; self.parameter_count()];
        for part in &parts {
            add(&mut sum, part);
        }
        sum
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
    fn backward(&mut self, rows: &Rows, parameters: &[f32], x: &[f32], upstream: &[f32], sum: &mut [f32]) {
        let n = x.len() / rows.widths[0];
        let mut at = rows.parameter_count();
        self.above[..upstream.len()].copy_from_slice(upstream);
        for (l, w) in rows.widths.windows(2).enumerate().rev() {
            let (from, to) = (w[0], w[1]);
            at -= from * to + to;
            let weight = &parameters[at..at + from * to];
            let (to_weight, to_bias) = sum[at..at + from * to + to].split_at_mut(from * to);
            let input = if l == 0 { x } else { &self.layers[l - 1][..n * from] };
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
