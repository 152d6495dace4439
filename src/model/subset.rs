//! The pixels of a step: all of them, or some that stand for all.

use super::{VaeConfig, grid};
use burn::tensor::{Tensor, TensorData};
use std::sync::Arc;

/// Which pixels the decoder is asked about, and how much each counts.
#[derive(Clone, Debug)]
pub struct PixelSubset {
    /// Indices into the flattened image; `None` means all.
    pub indices: Option<Vec<u32>>,
    /// Coordinates of those pixels, `[pixels, ndim]`.
    pub grid: Arc<[f32]>,
    /// All pixels / pixels in the subset.
    pub weight: f32,
}

impl PixelSubset {
    /// Every pixel once.
    pub fn all(config: &VaeConfig) -> Self {
        Self { indices: None, grid: grid::coordinates(&config.dims).into(), weight: 1.0 }
    }

    /// The given pixels, each counting for its share of the whole image. Any random subset of fixed size gives an
    /// unbiased reconstruction term.
    pub fn some(config: &VaeConfig, indices: Vec<u32>) -> Self {
        let all = grid::coordinates(&config.dims);
        let d = config.ndim();
        let grid: Vec<f32> =
            indices.iter().flat_map(|&i| all[i as usize * d..(i as usize + 1) * d].iter().copied()).collect();
        let weight = config.pixels() as f32 / indices.len().max(1) as f32;
        Self { indices: Some(indices), grid: grid.into(), weight }
    }

    /// The subset's columns of `[images, pixels]`.
    pub fn of(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.indices {
            None => x,
            Some(indices) => {
                let device = x.device();
                let indices: Vec<i32> = indices.iter().map(|&i| i as i32).collect();
                let n = indices.len();
                x.select(1, Tensor::from_data(TensorData::new(indices, [n]), &device))
            }
        }
    }
}
