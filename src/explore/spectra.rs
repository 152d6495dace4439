//! The shift-VAE on spectra: where each one's features lie, and what else varies among them.

use crate::error::{Error, Result};
use crate::explore::embed::upload;
use crate::model::pose;
use crate::model::vae::{PixelSubset, Vae};
use crate::model::{Invariances, Likelihood};
use crate::train::shift::{Epoch, MapSettings, ShiftTrainer, WindowSet};
use crate::train::trainer::host;
use burn::tensor::{Device, Tensor, TensorData};
use std::sync::Arc;

/// Spectra that are worked on together where nothing is learned.
const TOGETHER: usize = 512;
/// A latent whose means vary less than this (its prior's standard deviation is 1) carries nothing.
pub const COLLAPSED_SD: f64 = 0.1;
/// A traversal draws the prior's quantiles from -`REACH` to +`REACH` standard deviations in so many steps.
const REACH: f32 = 2.0;
const STEPS: usize = 9;

/// Spectra on one axis.
#[derive(Clone, Debug)]
pub struct Spectra {
    /// `[points]`, evenly spaced, rising or falling.
    pub x: Vec<f64>,
    /// `[count, points]`
    pub values: Vec<f32>,
}

impl Spectra {
    /// Spectra whose values are all finite, at least 8 of them with at least 8 points each.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the spectrum and the point that cannot be used.
    pub fn new(x: Vec<f64>, values: Vec<f32>) -> Result<Self> {
        let points = x.len();
        let count = values.len() / points.max(1);
        if points < 8 || count < 8 || values.len() != points * count {
            let problem = format!("{count} spectra of {points} points; at least 8 of 8 are needed");
            return Err(Error::invalid("spectra", problem));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let problem = format!("point {} is not a finite number", at % points);
            return Err(Error::invalid(format!("spectrum {}", at / points), problem));
        }
        let step = (x[points - 1] - x[0]) / (points - 1) as f64;
        let uneven = (0..points).find(|&i| {
            let ideal = x[0] + step * i as f64;
            !x[i].is_finite() || step == 0.0 || (x[i] - ideal).abs() > 0.02 * step.abs()
        });
        match uneven {
            Some(i) => {
                let problem = format!("{} at point {i} is not evenly spaced; resample the spectra", x[i]);
                Err(Error::invalid("x", problem))
            }
            None => Ok(Self { x, values }),
        }
    }

    /// Number of spectra.
    pub fn count(&self) -> usize {
        self.values.len() / self.x.len().max(1)
    }

    /// Half of the axis, in its units, with the sense of the axis.
    fn reach(&self) -> f64 {
        0.5 * (self.x[self.x.len() - 1] - self.x[0])
    }
}

/// What a run found, one entry a spectrum.
#[derive(Clone, Debug)]
pub struct SpectraFound {
    /// In units of x, to larger x; 0 for a model without shift.
    pub shift: Vec<f64>,
    /// `[count, latent]`: posterior means and standard deviations.
    pub latents: Vec<f32>,
    pub sd: Vec<f32>,
    /// Root mean square of spectrum less model, in the spectra's units.
    pub error: Vec<f64>,
    /// Standard deviation of each latent's means over the spectra.
    pub spread: Vec<f64>,
    /// For each latent what the decoder draws along it, `[steps, points]` in the spectra's units, the others at 0; and the
    /// values of the latent.
    pub traversals: Vec<Vec<f32>>,
    pub steps: Vec<f32>,
    /// Loss of each epoch a spectrum, nats.
    pub curve: Vec<Epoch>,
    pub vae: Vae,
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
    watch: &mut dyn FnMut(usize, &Epoch) -> bool,
) -> Result<SpectraFound> {
    let low = spectra.values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = spectra.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if high <= low {
        return Err(Error::invalid("spectra", "all values are equal; there is nothing to learn"));
    }
    let scaled: Vec<f32> = spectra.values.iter().map(|v| (v - low) / (high - low)).collect();
    let set = WindowSet { dims: vec![spectra.x.len()], values: scaled.into(), neighbours: None, start: None };
    let set = Arc::new(set);
    let settings = MapSettings {
        invariances: Invariances { rotation: false, scale: false, ..settings.invariances },
        ..settings.clone()
    };
    let likelihood = settings.likelihood.unwrap_or(Likelihood::Bernoulli);
    let prior = settings.shift_prior.unwrap_or(0.3);
    let mut trainer =
        ShiftTrainer::new(settings.clone(), set.clone(), likelihood, prior, settings.seed, device, tiled)?;
    let mut curve = Vec::new();
    while !trainer.done() {
        if let Some(epoch) = trainer.step()? {
            curve.push(epoch);
            if !watch(trainer.epoch, &epoch) {
                return Err(Error::Stopped);
            }
        }
    }
    let vae = trainer.snapshot();
    let mut found = SpectraFound {
        shift: Vec::new(),
        latents: Vec::new(),
        sd: Vec::new(),
        error: Vec::new(),
        spread: Vec::new(),
        traversals: Vec::new(),
        steps: Vec::new(),
        curve,
        vae,
    };
    found.ask(spectra, &set, [low, high])?;
    found.traverse([low, high])?;
    Ok(found)
}

impl SpectraFound {
    fn ask(&mut self, spectra: &Spectra, set: &WindowSet, [low, high]: [f32; 2]) -> Result<()> {
        let config = &self.vae.config;
        let (points, z, skip) = (spectra.x.len(), config.z(), config.pose());
        let grid = PixelSubset::all(config).grid;
        for part in set.values.chunks(TOGETHER * points) {
            let rows = part.len() / points;
            let posterior = self.vae.encode_all(upload(&self.vae, part, rows));
            let poses = host(pose::from_latents(config, &posterior.mean, None))?;
            let drawn = host(self.vae.decode(posterior.mean.clone(), &vec![0; rows], &grid))?;
            let (mean, sd) = (host(posterior.mean)?, host(posterior.sd)?);
            // The model's coordinate runs against the index of the points.
            self.shift.extend(poses.chunks_exact(4).map(|p| f64::from(p[1]) * spectra.reach()));
            for row in 0..rows {
                self.latents.extend(&mean[row * z + skip..(row + 1) * z]);
                self.sd.extend(&sd[row * z + skip..(row + 1) * z]);
                let pairs = part[row * points..].iter().zip(&drawn[row * points..(row + 1) * points]);
                let square: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
                self.error.push((square / points as f64).sqrt() * f64::from(high - low));
            }
        }
        let latent = config.latent;
        self.spread = (0..latent)
            .map(|k| {
                let column: Vec<f32> = self.latents.iter().skip(k).step_by(latent).copied().collect();
                f64::from(crate::micrograph::stats::Stats::of(&column).sd)
            })
            .collect();
        Ok(())
    }

    fn traverse(&mut self, [low, high]: [f32; 2]) -> Result<()> {
        let config = &self.vae.config;
        self.steps = (0..STEPS).map(|i| REACH * (2.0 * i as f32 / (STEPS - 1) as f32 - 1.0)).collect();
        let grid = PixelSubset::all(config).grid;
        for k in 0..config.latent {
            let mut values = vec![0.0; STEPS * config.z()];
            for (row, step) in values.chunks_exact_mut(config.z()).zip(&self.steps) {
                row[config.pose() + k] = *step;
            }
            let z = Tensor::<2>::from_data(TensorData::new(values, [STEPS, config.z()]), &self.vae.device());
            let drawn = host(self.vae.decode(z, &[0; STEPS], &grid))?;
            self.traversals.push(drawn.iter().map(|v| low + v * (high - low)).collect());
        }
        Ok(())
    }
}
