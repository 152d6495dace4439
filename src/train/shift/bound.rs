//! What a run of the shift-VAE is judged by.

use super::trainer::ShiftTrainer;
use crate::error::Result;
use crate::model::objective;
use crate::model::smooth;
use crate::model::vae::PixelSubset;
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Windows that are encoded and decoded together.
const TOGETHER: usize = 256;

impl ShiftTrainer {
    /// Negative ELBO a window, all pixels, beta 1, and the roughness of all windows: what the run is judged by.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn bound(&mut self) -> Result<(f64, f64)> {
        let vae = self.snapshot();
        let (subset, z) = (PixelSubset::all(&vae.config), vae.config.z());
        let device = vae.device();
        let pixels = self.set.pixels();
        let upload = |values: &[f32], columns: usize| {
            Tensor::<2>::from_data(
                TensorData::new(values.to_vec(), [values.len() / columns, columns]),
                &device,
            )
        };
        let mut total = 0.0;
        let mut contents = [Vec::new(), Vec::new()];
        let set = self.set.clone();
        for (i, values) in set.values.chunks(TOGETHER * pixels).enumerate() {
            let rows = values.len() / pixels;
            let eps: Vec<f32> = (0..rows * z).map(|_| self.rng.sample(StandardNormal)).collect();
            let x = upload(values, pixels);
            let terms = objective::unlabelled(&vae, x.clone(), upload(&eps, z), 1.0, &subset, 0.0);
            total += f64::from(host(terms.loss)?[0]);
            let mut pairs = vec![values];
            if let Some(neighbours) = &set.neighbours {
                let first = i * TOGETHER * pixels;
                pairs.push(&neighbours[first..first + values.len()]);
            }
            for (content, values) in contents.iter_mut().zip(pairs) {
                let mean = vae.encode_all(upload(values, pixels)).mean;
                content.extend(host(mean.slice([0..rows, vae.config.pose()..z]))?);
            }
        }
        let latent = vae.config.latent;
        let roughness = if contents[1].is_empty() {
            0.0
        } else {
            let [a, b] = contents.map(|c| upload(&c, latent));
            f64::from(host(smooth::roughness(a, b))?[0])
        };
        Ok((total / set.len() as f64, roughness))
    }
}
