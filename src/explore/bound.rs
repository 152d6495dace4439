//! The unlabelled loss of a trained model, exactly: all pixels, all classes and turns that carry any weight.

use crate::error::Result;
use crate::model::objective;
use crate::model::orbit;
use crate::model::pairs::Pairs;
use crate::model::vae::{PixelSubset, Vae};
use crate::particle::patch::PatchSet;
use crate::train::present::{Seen, Shown, plain};
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Images that go through together.
const CHUNK: usize = 64;
/// Pairs of class and turn this much less probable than the best change the sum in no digit that is shown.
const NOTHING: f32 = 1e-6;

/// Unlabelled loss per image of the given patches, nats: expected reconstruction + `beta` latent KL + class (and turn)
/// KL, with one draw of the latents from `seed`.
///
/// # Errors
/// A device that stops answering.
pub fn unlabelled(vae: &Vae, patches: &PatchSet, which: &[usize], beta: f32, seed: u64) -> Result<f64> {
    let seen = Seen::new(patches, &vae.config);
    let subset = PixelSubset::all(&vae.config);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let device = vae.device();
    let upload = |values: Vec<f32>, rows: usize| {
        let columns = values.len() / rows.max(1);
        Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), &device)
    };
    let mut sum = 0.0;
    for chunk in which.chunks(CHUNK) {
        let images = upload(plain(patches, chunk), chunk.len());
        let mut noise = |rows: usize| {
            let values: Vec<f32> = (0..rows * vae.config.z()).map(|_| rng.sample(StandardNormal)).collect();
            upload(values, rows)
        };
        let terms = match &seen {
            None => {
                let eps = noise(chunk.len() * vae.config.classes);
                objective::unlabelled(vae, images, eps, beta, &subset, 0.0)
            }
            Some(seen) => {
                let copies = seen.copies(chunk, &vec![Shown::default(); chunk.len()], &[]);
                let log_joint = vae.log_joint(&copies);
                let pairs = Pairs::choose(&vae.config, &host(log_joint.clone())?, 0, NOTHING, false);
                let eps = noise(pairs.len());
                orbit::unlabelled(vae, &copies, log_joint, images, &pairs, eps, beta, &subset)
            }
        };
        sum += f64::from(host(terms.loss)?.first().copied().unwrap_or(f32::NAN));
    }
    Ok(sum / which.len().max(1) as f64)
}
