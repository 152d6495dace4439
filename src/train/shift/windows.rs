//! The windows or spectra of a training.

use crate::model::InputScale;
use std::sync::Arc;

/// Length of a usual window as the encoder sees it.
const INPUT_LENGTH: f32 = 5.0;

/// What a model learns from.
#[derive(Clone, Debug)]
pub struct WindowSet {
    /// `[side, side]` of a window or `[points]` of a spectrum.
    pub dims: Vec<usize>,
    /// `[n, pixels]`, mostly 0..=1.
    pub values: Arc<[f32]>,
    /// For each window one a small offset (below a lattice period) away, `[n, pixels]`.
    pub neighbours: Option<Arc<[f32]>>,
    /// Where the encoder starts: the mean of each latent, pose first, `[n, z]`.
    pub start: Option<Arc<[f32]>>,
}

impl WindowSet {
    /// Values of one window.
    pub fn pixels(&self) -> usize {
        self.dims.iter().product()
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.values.len() / self.pixels().max(1)
    }

    /// Takes the mean window away and gives what is left a usual length of [`INPUT_LENGTH`].
    pub(super) fn input_scale(&self) -> InputScale {
        let (pixels, n) = (self.pixels(), self.len().max(1) as f64);
        let mut mean = vec![0.0_f64; pixels];
        for window in self.values.chunks_exact(pixels) {
            mean.iter_mut().zip(window).for_each(|(m, v)| *m += f64::from(*v) / n);
        }
        let mean: Vec<f32> = mean.iter().map(|m| *m as f32).collect();
        let off = |w: &[f32]| w.iter().zip(&mean).map(|(v, m)| f64::from(v - m).powi(2)).sum::<f64>();
        let square = self.values.chunks_exact(pixels).map(off).sum::<f64>() / n;
        InputScale { mean, scale: INPUT_LENGTH / (square.sqrt() as f32).max(1e-6) }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
