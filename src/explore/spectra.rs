//! The shift-VAE on spectra: where each one's features lie, and what else varies among them.

use crate::error::{Error, Result};
use crate::explore::embed::upload;
use crate::model::pose;
use crate::model::vae::{PixelSubset, Vae};
use crate::model::{Invariances, Likelihood};
pub use crate::spectrum::{COLLAPSED_SD, Found, Loss, Spectra};
use crate::train::shift::{MapSettings, ShiftTrainer, WindowSet};
use crate::train::trainer::host;
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;

/// Spectra that are worked on together where nothing is learned.
const TOGETHER: usize = 512;
/// A traversal draws the prior's quantiles from -`REACH` to +`REACH` standard deviations in so many steps.
const REACH: f32 = 2.0;
const STEPS: usize = 9;

/// A model that learns spectra, step after step.
pub struct Learning {
    spectra: Arc<Spectra>,
    set: Arc<WindowSet>,
    trainer: ShiftTrainer,
    curve: Vec<Loss>,
}

impl Learning {
    /// A fresh model for these spectra.
    ///
    /// # Errors
    /// Settings out of range; spectra that are flat.
    pub fn new(spectra: Arc<Spectra>, settings: &MapSettings, device: &Device, tiled: bool) -> Result<Self> {
        let [low, high] = spectra.range();
        if high <= low {
            return Err(Error::invalid("spectra", "all values are equal; there is nothing to learn"));
        }
        let set = WindowSet {
            dims: vec![spectra.x.len()],
            values: scaled(&spectra.values, [low, high]).into(),
            neighbours: None,
            start: None,
        };
        let set = Arc::new(set);
        let settings = MapSettings {
            invariances: Invariances { rotation: false, scale: false, ..settings.invariances },
            ..settings.clone()
        };
        let likelihood = settings.likelihood.unwrap_or(Likelihood::Bernoulli);
        let (prior, seed) = (settings.shift_prior.unwrap_or(0.3), settings.seed);
        let trainer = ShiftTrainer::new(settings, set.clone(), likelihood, prior, seed, device, tiled)?;
        Ok(Self { spectra, set, trainer, curve: Vec::new() })
    }

    /// The next step; the loss of the epoch after its last one.
    ///
    /// # Errors
    /// A loss that is not finite; the weights are then those before the step.
    pub fn step(&mut self) -> Result<Option<Loss>> {
        let epoch = self.trainer.step()?;
        let loss = epoch.map(|e| Loss { loss: e.loss, reconstruction: e.reconstruction, kl: e.kl });
        self.curve.extend(loss);
        Ok(loss)
    }

    /// True once all epochs are done.
    pub fn done(&self) -> bool {
        self.trainer.done()
    }

    /// Complete epochs, and steps done of all in the one at work.
    pub fn progress(&self) -> (usize, usize, usize) {
        (self.trainer.epoch, self.trainer.step, self.trainer.steps)
    }

    /// The model as it is, to be asked about every spectrum.
    pub fn ask(&self) -> Asking {
        let found = Found { curve: self.curve.clone(), ..Found::default() };
        let (spectra, set) = (self.spectra.clone(), self.set.clone());
        Asking { vae: self.trainer.snapshot(), spectra, set, found }
    }
}

/// A model on its way through all spectra, a part at a time, so that it can be stopped.
pub struct Asking {
    vae: Vae,
    spectra: Arc<Spectra>,
    set: Arc<WindowSet>,
    found: Found,
}

impl Asking {
    /// Asks about some more; true once all are done.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn advance(&mut self) -> Result<bool> {
        let (points, done) = (self.spectra.x.len(), self.found.shift.len());
        let rest = &self.set.values[done * points..];
        ask(&mut self.found, &self.vae, &self.spectra, &rest[..rest.len().min(TOGETHER * points)])?;
        Ok(self.found.shift.len() >= self.spectra.count())
    }

    /// What the model said, and the model.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn found(mut self) -> Result<(Found, Vae)> {
        self.found.measure(self.vae.config.latent);
        traverse(&mut self.found, &self.vae, self.spectra.range())?;
        Ok((self.found, self.vae))
    }
}

/// Learns and asks. `watch` hears of every epoch, and stops the run by returning false.
///
/// # Errors
/// Settings out of range, a loss that is not finite, [`Error::Stopped`].
pub fn learn(
    spectra: &Spectra,
    settings: &MapSettings,
    device: &Device,
    tiled: bool,
    watch: &mut dyn FnMut(usize, &Loss) -> bool,
) -> Result<(Found, Vae)> {
    let mut learning = Learning::new(Arc::new(spectra.clone()), settings, device, tiled)?;
    while !learning.done() {
        if let Some(loss) = learning.step()?
            && !watch(learning.trainer.epoch, &loss)
        {
            return Err(Error::Stopped);
        }
    }
    let mut asking = learning.ask();
    while !asking.advance()? {}
    asking.found()
}

/// What the model makes of one spectrum, `[points]` in the spectra's units.
///
/// # Errors
/// There is no such spectrum; a device that stopped answering.
pub fn reconstruct(vae: &Vae, spectra: &Spectra, i: usize) -> Result<Vec<f32>> {
    let values = spectra.of(i);
    if values.is_empty() {
        return Err(Error::invalid("spectrum", format!("there is none of number {i}")));
    }
    let range = spectra.range();
    let grid = PixelSubset::all(&vae.config).grid;
    let posterior = vae.encode_all(upload(vae, &scaled(values, range), 1));
    Ok(in_units(host(vae.decode(posterior.mean, &[0], &grid))?, range))
}

/// Values as the model sees them, 0..=1.
fn scaled(values: &[f32], [low, high]: [f32; 2]) -> Vec<f32> {
    values.iter().map(|v| (v - low) / (high - low)).collect()
}

fn in_units(values: Vec<f32>, [low, high]: [f32; 2]) -> Vec<f32> {
    values.into_iter().map(|v| low + v * (high - low)).collect()
}

/// What the model says of a part of the spectra, behind what it has said of those before.
fn ask(found: &mut Found, vae: &Vae, spectra: &Spectra, part: &[f32]) -> Result<()> {
    let config = &vae.config;
    let (points, z, skip) = (spectra.x.len(), config.z(), config.pose());
    let [low, high] = spectra.range();
    let grid = PixelSubset::all(config).grid;
    let rows = part.len() / points;
    let posterior = vae.encode_all(upload(vae, part, rows));
    let poses = host(pose::from_latents(config, &posterior.mean, None))?;
    let drawn = host(vae.decode(posterior.mean.clone(), &vec![0; rows], &grid))?;
    let (mean, sd) = (host(posterior.mean)?, host(posterior.sd)?);
    // The model's coordinate runs against the index of the points.
    found.shift.extend(poses.chunks_exact(4).map(|p| f64::from(p[1]) * spectra.reach()));
    for row in 0..rows {
        found.latents.extend(&mean[row * z + skip..(row + 1) * z]);
        found.sd.extend(&sd[row * z + skip..(row + 1) * z]);
        let pairs = part[row * points..].iter().zip(&drawn[row * points..(row + 1) * points]);
        let square: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
        found.error.push((square / points as f64).sqrt() * f64::from(high - low));
    }
    Ok(())
}

fn traverse(found: &mut Found, vae: &Vae, range: [f32; 2]) -> Result<()> {
    let config = &vae.config;
    found.steps = (0..STEPS).map(|i| REACH * (2.0 * i as f32 / (STEPS - 1) as f32 - 1.0)).collect();
    let grid = PixelSubset::all(config).grid;
    for k in 0..config.latent {
        let mut values = vec![0.0; STEPS * config.z()];
        for (row, step) in values.chunks_exact_mut(config.z()).zip(&found.steps) {
            row[config.pose() + k] = *step;
        }
        let z = Tensor::<2>::from_data(TensorData::new(values, [STEPS, config.z()]), &vae.device());
        let drawn = host(vae.decode(z, &[0; STEPS], &grid))?;
        found.traversals.push(in_units(drawn, range));
    }
    Ok(())
}
