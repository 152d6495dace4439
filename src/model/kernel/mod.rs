//! Decoder, likelihood and gradient in one pass over cache-sized tiles of pixels.
//!
//! Plain tensor operations write every activation of every pixel to memory and read it back; that traffic, not
//! arithmetic, is what a training step on a CPU waits for. Here a tile of pixels goes through the whole decoder, the
//! likelihood and back again while it sits in the cache, and nothing per pixel is kept.
//!
//! Rows are cut into a fixed number of pieces whose sums are added in order, so that the same input gives the same
//! bytes whatever the number of cores.

mod lanes;
mod place;
mod rows;
mod tile;

use super::{Activation, Likelihood};
pub(crate) use lanes::dot;
use rayon::prelude::*;
pub use rows::{Kept, Rows};
use std::sync::Arc;
use tile::{RowSums, Scratch};

/// Pixels that travel together. Large enough for the matrix product, small enough for the second-level cache.
const TILE: usize = 128;
/// Pieces the rows are cut into; more than any desktop has cores, few enough that their sums cost nothing.
const PIECES: usize = 32;
/// Elements of a gradient that one core sums at a time.
const SUMMED: usize = 4096;

/// What one evaluation works on, besides the tensors.
#[derive(Clone, Debug)]
pub struct Task {
    /// Coordinates `[pixels, ndim]`.
    pub grid: Arc<[f32]>,
    /// 1 or 2.
    pub ndim: usize,
    /// Orders of the waves that a coordinate is also seen as, see [`super::fourier`].
    pub waves: Arc<[[i32; 2]]>,
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

    /// Inputs of the first layer: the coordinates, a sine and a cosine a wave.
    fn features(&self) -> usize {
        self.ndim + 2 * self.waves.len()
    }

    fn rows(&self) -> usize {
        self.images.len()
    }

    /// Number of per-pixel parameters.
    pub fn parameter_count(&self) -> usize {
        let first = self.widths[0];
        let hidden: usize = self.layers().map(|(from, to)| from * to + to).sum();
        self.features() * first + first + hidden + self.last() + 1
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
    let piece = |scratch: &mut Scratch, first: usize, out: &mut [f32], pose: &mut [f32], code: &mut [f32]| {
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
            .map_init(
                || Scratch::new(task),
                |scratch, (p, ((out, pose), code))| piece(scratch, p * per_piece, out, pose, code),
            )
            .collect()
    } else {
        excess.par_chunks_mut(per_piece).enumerate().for_each_init(
            || Scratch::new(task),
            |scratch, (p, out)| {
                piece(scratch, p * per_piece, out, &mut [], &mut []);
            },
        );
        Vec::new()
    };
    let parameters = summed(&parts, if gradient { task.parameter_count() } else { 0 });
    (excess, Gradient { pose, code, parameters })
}

/// Sum of vectors of length `n`, each element in the order of the parts, on all cores.
fn summed(parts: &[Vec<f32>], n: usize) -> Vec<f32> {
    let mut sum = vec![0.0; n];
    sum.par_chunks_mut(SUMMED).enumerate().for_each(|(chunk, sum)| {
        for part in parts {
            lanes::add(sum, &part[chunk * SUMMED..][..sum.len()]);
        }
    });
    sum
}
