//! Settings of a map or a spectra run, with the two presets.

use crate::model::{Activation, Invariances, Likelihood, VaeConfig};
use crate::train::config::Preset;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What each window is divided by before the model sees it: it decides which contrast dominates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// The image's own range: differences of brightness between places are kept.
    #[default]
    None,
    /// Each window's mean is taken away.
    Mean,
    /// Each window spans the whole range.
    MinMax,
    /// Each window's mean is taken away and its standard deviation made the same.
    Contrast,
}

/// Where the windows lie that the model learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Places {
    /// Anywhere, drawn by chance.
    #[default]
    Random,
    /// On an even grid.
    Grid,
    /// On bright spots. Windows that are locked to the lattice are snapped to its cells all the same.
    Atoms,
}

/// All settings of a run of the shift-VAE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MapSettings {
    pub preset: Preset,
    /// Lattice vectors a and b chosen by hand, pixels; `None` estimates them.
    pub cell: Option<[[f64; 2]; 2]>,
    /// Windows are snapped to the lattice phase and only the residual shift is learned.
    pub lock: bool,
    /// Side of the window, pixels of the image; `None` takes what fits the cell.
    pub window_px: Option<f64>,
    /// Standard deviation of the Gaussian over which registered cells are averaged, pixels; `None` takes the one with
    /// which neighbours predict a cell best. Without phase locking nothing is averaged.
    pub average_px: Option<f64>,
    pub normalisation: Normalisation,
    /// Number of content latents, 1..=8.
    pub latent: usize,
    pub invariances: Invariances,
    /// Standard deviation of the shift prior; the window is 2 wide. `None` takes what fits the cell.
    pub shift_prior: Option<f32>,
    /// Weight (nats a window) of the smoothness penalty once it is fully on; 0 is off.
    pub smoothness: f32,
    /// Independent runs; the best one's maps are kept.
    pub seeds: usize,
    pub epochs: usize,
    /// Windows the model learns from.
    pub windows: usize,
    pub places: Places,
    pub batch: usize,
    pub learning_rate: f64,
    /// Learning rate of the last epoch as a part of the first.
    pub final_rate: f64,
    pub hidden: Vec<usize>,
    pub activation: Activation,
    /// `None` is a normal distribution whose width is the noise measured in the windows.
    pub likelihood: Option<Likelihood>,
    pub beta: f32,
    /// Pixels of each window that are decoded in a step, drawn anew; 0 is all of them, which is exact.
    pub step_pixels: usize,
    /// Fourier features of the coordinate up to this order; 0 is the coordinate alone.
    pub waves: usize,
    /// The encoder starts from the principal components of the windows.
    pub head_start: bool,
    /// Pixels of the image from one value of the final maps to the next.
    pub stride: usize,
    pub seed: u64,
}

impl Default for MapSettings {
    fn default() -> Self {
        Self {
            preset: Preset::Default,
            cell: None,
            lock: true,
            window_px: None,
            average_px: None,
            normalisation: Normalisation::None,
            latent: 2,
            invariances: Invariances { rotation: false, translation: true, scale: false },
            shift_prior: None,
            smoothness: 2.0,
            seeds: 1,
            epochs: 20,
            windows: 2048,
            places: Places::Random,
            batch: 64,
            learning_rate: 2e-3,
            final_rate: 0.02,
            hidden: vec![128, 128],
            activation: Activation::Tanh,
            likelihood: None,
            beta: 1.0,
            step_pixels: 256,
            waves: 3,
            head_start: true,
            stride: 1,
            seed: 1,
        }
    }
}

impl MapSettings {
    /// The settings of a preset.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Default => Self::default(),
            Preset::Paper => Self::paper(),
        }
    }

    /// As published (Ziatdinov, Wong and Kalinin 2023): windows anywhere, the whole shift learned, nothing averaged,
    /// started or smoothed.
    fn paper() -> Self {
        Self {
            preset: Preset::Paper,
            lock: false,
            shift_prior: Some(0.3),
            smoothness: 0.0,
            epochs: 50,
            windows: 4096,
            batch: 48,
            learning_rate: 1e-3,
            final_rate: 1.0,
            likelihood: Some(Likelihood::Gaussian { sigma: 0.5 }),
            step_pixels: 0,
            waves: 0,
            head_start: false,
            ..Self::default()
        }
    }

    /// For one-dimensional spectra.
    pub fn spectra(preset: Preset) -> Self {
        let paper = Self {
            epochs: 250,
            batch: 64,
            windows: usize::MAX,
            likelihood: Some(Likelihood::Bernoulli),
            ..Self::paper()
        };
        match preset {
            Preset::Paper => paper,
            Preset::Default => {
                Self { preset: Preset::Default, epochs: 60, learning_rate: 2e-3, final_rate: 0.02, ..paper }
            }
        }
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// The first setting that is not, its value and its range.
    pub fn check(&self) -> Result<()> {
        let range = |name: &str, ok: bool, value: String, range: &str| {
            if ok {
                Ok(())
            } else {
                Err(Error::invalid(name, format!("{value} is out of range; use {range}")))
            }
        };
        let positive = |v: f64| v.is_finite() && v > 0.0;
        let count = |n: usize, most: usize| (1..=most).contains(&n);
        if let Some(window) = self.window_px {
            range("window", window.is_finite() && window >= 6.0, window.to_string(), "at least 6 px")?;
        }
        if let Some(average) = self.average_px {
            range("average_px", positive(average), average.to_string(), "a length above 0 px")?;
        }
        range("latent", count(self.latent, 8), self.latent.to_string(), "1 to 8")?;
        range("seeds", count(self.seeds, 20), self.seeds.to_string(), "1 to 20")?;
        range("epochs", count(self.epochs, 100_000), self.epochs.to_string(), "1 to 100000")?;
        range("windows", self.windows >= 8, self.windows.to_string(), "at least 8")?;
        range("batch", count(self.batch, 65_536), self.batch.to_string(), "1 to 65536")?;
        range("stride", count(self.stride, 1024), self.stride.to_string(), "1 to 1024")?;
        range("waves", self.waves <= 8, self.waves.to_string(), "0 to 8")?;
        let rate = self.learning_rate;
        range("learning_rate", positive(rate) && rate <= 1.0, rate.to_string(), "above 0, at most 1")?;
        let last = self.final_rate;
        range("final_rate", positive(last) && last <= 1.0, last.to_string(), "above 0, at most 1")?;
        let weight = self.smoothness;
        range("smoothness", (0.0..=1e4).contains(&weight), weight.to_string(), "0 to 10000")?;
        range("beta", (0.0..=100.0).contains(&self.beta), self.beta.to_string(), "0 to 100")?;
        if let Some(prior) = self.shift_prior {
            range("shift_prior", prior > 0.0 && prior <= 1.0, prior.to_string(), "above 0, at most 1")?;
        }
        let widths = !self.hidden.is_empty() && self.hidden.iter().all(|w| count(*w, 4096));
        range("hidden", widths, format!("{:?}", self.hidden), "one or more widths of 1 to 4096")?;
        let inv = self.invariances;
        let any = inv.rotation || inv.translation || inv.scale;
        range("invariances", any || self.preset == Preset::Default, "none".into(), "at least one of r, t, s")
    }

    /// The model for windows (or signals) of `dims`.
    pub fn model(&self, dims: Vec<usize>, likelihood: Likelihood, shift_prior: f32) -> VaeConfig {
        VaeConfig {
            dims,
            classes: 1,
            latent: self.latent,
            invariances: self.invariances,
            hidden_encoder: self.hidden.clone(),
            hidden_decoder: self.hidden.clone(),
            hidden_classifier: self.hidden.clone(),
            activation: self.activation,
            likelihood,
            shift_prior,
            scale_prior: 0.1,
            angle_prior: 1.0,
            look: None,
            waves: self.waves,
            input: None,
        }
    }

    /// Learning rate of an epoch: a cosine from the first to the last.
    pub fn rate(&self, epoch: usize) -> f64 {
        let part = epoch as f64 / self.epochs.max(2).saturating_sub(1) as f64;
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * part.min(1.0)).cos());
        self.learning_rate * (self.final_rate + (1.0 - self.final_rate) * fall)
    }

    /// Weight of the smoothness penalty in an epoch: off at first, fully on after half of them, so that the latents have
    /// learned something before they are held to be smooth.
    pub fn smoothness_at(&self, epoch: usize) -> f32 {
        let half = (self.epochs as f32 * 0.5).max(1.0);
        self.smoothness * (epoch as f32 / half).min(1.0)
    }
}
