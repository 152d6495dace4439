//! Every setting of a training run, with the two presets.

use crate::error::{Error, Result};
pub use crate::model::{Activation, Invariances, Likelihood};
use crate::model::{Look, VaeConfig};
use serde::{Deserialize, Serialize};

/// Random poses given to training images, so that a handful of upright labels covers every pose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Largest rotation either way, degrees, 0..=180.
    pub angle_deg: f32,
    /// Largest shift along each axis as a part of the patch side, 0..=0.25.
    pub shift: f32,
    /// Largest change of size, and largest shear along each axis, 0..=0.5: what two particles of one class may differ
    /// by.
    #[serde(default)]
    pub stretch: f32,
    /// Largest standard deviation of the noise laid over labelled images (they span 0..1), and five times the largest
    /// share of overwritten pixels; half of the images get none. 0..=2.
    #[serde(default)]
    pub noise: f32,
}

/// Which preset a run starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The published recipe to the letter.
    Paper,
    /// What the program proposes.
    #[default]
    Default,
}

/// How a training that had ended goes on with new labels: with small steps, which teach without shaking what is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encore {
    /// Its first epoch.
    pub from: usize,
    /// The learning rate it begins with, as a part of the first one of all.
    pub rate: f64,
    /// The temperature it begins with.
    pub temperature: f32,
}

/// What an encore's learning rate begins with at least.
const ENCORE_RATE: f64 = 0.3;

/// All settings of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// Decides the order of steps: the published schedule, or labels in every step.
    pub preset: Preset,
    pub invariances: Invariances,
    /// Number of content latents, >= 1.
    pub latent: usize,
    pub hidden_encoder: Vec<usize>,
    pub hidden_decoder: Vec<usize>,
    pub hidden_classifier: Vec<usize>,
    pub activation: Activation,
    pub likelihood: Likelihood,
    /// Standard deviation of the shift prior; the image is 2 wide.
    pub shift_prior: f32,
    /// Standard deviation of the scale prior round 1.
    pub scale_prior: f32,
    pub learning_rate: f64,
    /// Learning rate of the last epoch as a part of the first, in (0, 1]; 1 is constant, less is a cosine down.
    pub final_rate: f64,
    pub batch: usize,
    pub epochs: usize,
    /// Weight of the latent KL term: from `beta_start` to `beta_end` over `beta_ramp` epochs, then constant.
    pub beta_start: f32,
    pub beta_end: f32,
    pub beta_ramp: usize,
    /// Weight of the classifier's cross-entropy on labelled images.
    pub auxiliary: f32,
    /// Random poses of the labelled images; `None` shows them as they are.
    pub augmentation: Option<Augmentation>,
    /// Share of the pixels the decoder sees each step, in (0, 1]; 1 is exact.
    pub pixel_share: f32,
    /// Classes less probable than this are not decoded and the rest renormalised; 0 is exact.
    pub class_threshold: f32,
    /// Turned copies of an image the recognition networks look at, 1..=360; 1 is the image as it is.
    pub rotations: usize,
    /// Points along a side of a turned copy: finer detail is left to the decoder.
    pub look_side: usize,
    /// At most so many (class, turn) pairs of an image are decoded in a step; 0 is all of them, which is exact.
    pub most_pairs: usize,
    /// Divides the gradient that reaches class and turn from unlabelled images in the first epoch, >= 1; falls to 1,
    /// which is the bound itself, at three quarters of the epochs.
    pub temperature: f32,
    /// Epochs in which only labelled images teach.
    pub warm_up: usize,
    /// Weight of the agreement between two views of an unlabelled image, beside that of a label; 0 is off.
    pub consistency: f32,
    /// Largest standard deviation of the noise laid over the second view, as [`Augmentation::noise`]: pictures teach what
    /// noise leaves of a class better than a handful of labels can. 0..=2.
    pub view_noise: f32,
    /// A class at least this probable in one view is what the other view is taught, 0.5..=1.
    pub confidence: f32,
    /// Labelled images of a step.
    pub labelled_batch: usize,
    /// Only the labels teach: the classifier alone, without the model, to compare with.
    pub labels_only: bool,
    /// The training had ended and goes on with new labels.
    pub encore: Option<Encore>,
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self::proposed()
    }
}

impl TrainConfig {
    /// The published recipe (arXiv 2105.11475 and its notebook): 128-128 tanh networks, Bernoulli, Adam 5e-4, batch 64,
    /// 100 epochs, beta from 1 to 2 over 30 epochs, cross-entropy times 30.
    pub fn paper() -> Self {
        Self {
            preset: Preset::Paper,
            invariances: Invariances { rotation: true, translation: true, scale: false },
            latent: 2,
            hidden_encoder: vec![128, 128],
            hidden_decoder: vec![128, 128],
            hidden_classifier: vec![128, 128],
            activation: Activation::Tanh,
            likelihood: Likelihood::Bernoulli,
            shift_prior: 0.1,
            scale_prior: 0.1,
            learning_rate: 5e-4,
            final_rate: 1.0,
            batch: 64,
            epochs: 100,
            beta_start: 1.0,
            beta_end: 2.0,
            beta_ramp: 30,
            auxiliary: 30.0,
            augmentation: None,
            pixel_share: 1.0,
            class_threshold: 0.0,
            rotations: 1,
            look_side: 24,
            most_pairs: 0,
            temperature: 1.0,
            warm_up: 0,
            consistency: 0.0,
            view_noise: 0.0,
            confidence: 0.8,
            labelled_batch: 64,
            labels_only: false,
            encore: None,
            seed: 1,
        }
    }

    /// What the program proposes: recognition networks that look at turned copies and choose class and turn together,
    /// every labelled image in a new pose in every step, an eighth of the pixels and the two most plausible pairs
    /// decoded.
    pub fn proposed() -> Self {
        Self {
            preset: Preset::Default,
            learning_rate: 2e-3,
            final_rate: 0.01,
            augmentation: Some(Augmentation { angle_deg: 180.0, shift: 0.05, stretch: 0.15, noise: 0.1 }),
            pixel_share: 0.125,
            class_threshold: 0.02,
            rotations: 16,
            most_pairs: 2,
            temperature: 10.0,
            warm_up: 2,
            consistency: 0.5,
            view_noise: 1.2,
            confidence: 0.8,
            labelled_batch: 32,
            ..Self::paper()
        }
    }

    /// The settings of a preset.
    pub fn of(preset: Preset) -> Self {
        match preset {
            Preset::Paper => Self::paper(),
            Preset::Default => Self::proposed(),
        }
    }

    /// All hidden layers of all networks `width` wide.
    #[must_use]
    pub fn with_hidden(mut self, width: usize) -> Self {
        for widths in [&mut self.hidden_encoder, &mut self.hidden_decoder, &mut self.hidden_classifier] {
            widths.fill(width);
        }
        self
    }

    /// Weight of the latent KL term in `epoch` (from 0).
    pub fn beta(&self, epoch: usize) -> f32 {
        let steps = self.beta_ramp.saturating_sub(1).max(1);
        let part = epoch.min(steps) as f32 / steps as f32;
        self.beta_start + (self.beta_end - self.beta_start) * part
    }

    /// Lets a training that ended after `epoch` epochs go on for `more`. Learning rate and temperature go on from where they
    /// were, so that a training stopped early still has its large steps before it.
    pub fn go_on(&mut self, epoch: usize, more: usize) {
        let last = epoch.saturating_sub(1);
        let (rate, temperature) = (self.rate(last) / self.learning_rate, self.temperature(last));
        self.encore = Some(Encore { from: epoch, rate: rate.max(ENCORE_RATE), temperature });
        self.epochs = epoch + more;
    }

    /// The stretch of epochs that `epoch` (from 0) lies in, as the epochs of it gone by and all of them.
    fn stretch(&self, epoch: usize) -> (usize, usize) {
        let from = self.encore.map_or(0, |encore| encore.from);
        (epoch.saturating_sub(from), self.epochs.saturating_sub(from))
    }

    /// Learning rate in `epoch` (from 0).
    pub fn rate(&self, epoch: usize) -> f64 {
        let (gone, of) = self.stretch(epoch);
        let part = (gone as f64 / of.saturating_sub(1).max(1) as f64).min(1.0);
        let left = 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        let first = self.encore.map_or(1.0, |encore| encore.rate).max(self.final_rate);
        self.learning_rate * (self.final_rate + (first - self.final_rate) * left)
    }

    /// Temperature in `epoch` (from 0).
    pub fn temperature(&self, epoch: usize) -> f32 {
        let (gone, of) = self.stretch(epoch);
        let part = (gone as f32 / (0.75 * of.max(1) as f32)).min(1.0);
        self.encore.map_or(self.temperature, |encore| encore.temperature).powf(1.0 - part)
    }

    /// The model these settings describe, for patches of `dims` and `classes` classes.
    pub fn model(&self, dims: Vec<usize>, classes: usize) -> VaeConfig {
        let turns = if self.invariances.rotation { self.rotations.max(1) } else { 1 };
        let look = match dims[..] {
            [rows, columns] if rows == columns && self.preset == Preset::Default => {
                Some(Look { side: self.look_side.min(rows), turns })
            }
            _ => None,
        };
        // Half a step between two turns is 1.4 standard deviations of what the encoder has to add.
        let angle_prior =
            if turns > 1 && look.is_some() { 0.7 * std::f32::consts::PI / turns as f32 } else { 1.0 };
        VaeConfig {
            dims,
            classes,
            latent: self.latent,
            invariances: self.invariances,
            hidden_encoder: self.hidden_encoder.clone(),
            hidden_decoder: self.hidden_decoder.clone(),
            hidden_classifier: self.hidden_classifier.clone(),
            activation: self.activation,
            likelihood: self.likelihood,
            shift_prior: self.shift_prior,
            scale_prior: self.scale_prior,
            angle_prior,
            look,
            waves: 0,
            input: None,
        }
    }

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// The first setting that is not, its value and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, value: String, range: &str| {
            Err(Error::invalid(what, format!("{value} is out of range; it must be {range}")))
        };
        let widths = [&self.hidden_encoder, &self.hidden_decoder, &self.hidden_classifier];
        if widths.iter().any(|w| w.is_empty() || w.iter().any(|&n| n == 0 || n > 4096)) {
            return wrong("hidden widths", format!("{widths:?}"), "1 to 4096, at least one layer a network");
        }
        let positive = |x: f32| x > 0.0 && x.is_finite();
        let sigma = match self.likelihood {
            Likelihood::Gaussian { sigma } => sigma,
            _ => 1.0,
        };
        let checks = [
            ("latent", (1..=64).contains(&self.latent), self.latent.to_string(), "1 to 64"),
            ("epochs", self.epochs >= 1, self.epochs.to_string(), "at least 1"),
            ("batch", (1..=4096).contains(&self.batch), self.batch.to_string(), "1 to 4096"),
            ("rotations", (1..=360).contains(&self.rotations), self.rotations.to_string(), "1 to 360"),
            ("look side", (4..=256).contains(&self.look_side), self.look_side.to_string(), "4 to 256"),
            (
                "temperature",
                self.temperature >= 1.0 && self.temperature.is_finite(),
                self.temperature.to_string(),
                "at least 1",
            ),
            (
                "labelled images of a step",
                (1..=4096).contains(&self.labelled_batch),
                self.labelled_batch.to_string(),
                "1 to 4096",
            ),
            (
                "learning rate",
                self.learning_rate > 0.0 && self.learning_rate <= 1.0,
                self.learning_rate.to_string(),
                "above 0 and at most 1",
            ),
            (
                "final learning rate",
                self.final_rate > 0.0 && self.final_rate <= 1.0,
                self.final_rate.to_string(),
                "above 0 and at most 1",
            ),
            (
                "pixel share",
                self.pixel_share > 0.0 && self.pixel_share <= 1.0,
                self.pixel_share.to_string(),
                "above 0 and at most 1",
            ),
            (
                "class threshold",
                (0.0..0.5).contains(&self.class_threshold),
                self.class_threshold.to_string(),
                "from 0 to below 0.5",
            ),
            ("shift prior", positive(self.shift_prior), self.shift_prior.to_string(), "above 0"),
            ("scale prior", positive(self.scale_prior), self.scale_prior.to_string(), "above 0"),
            ("sigma of the Gaussian likelihood", positive(sigma), sigma.to_string(), "above 0"),
            (
                "auxiliary weight",
                self.auxiliary >= 0.0 && self.auxiliary.is_finite(),
                self.auxiliary.to_string(),
                "at least 0",
            ),
            (
                "beta",
                self.beta_start >= 0.0
                    && self.beta_end >= 0.0
                    && (self.beta_start + self.beta_end).is_finite(),
                format!("{} to {}", self.beta_start, self.beta_end),
                "at least 0",
            ),
        ];
        for (what, fine, value, range) in checks {
            if !fine {
                return wrong(what, value, range);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_ramps_and_stays() {
        let config = TrainConfig::paper();
        assert_eq!(config.beta(0), 1.0);
        assert!((config.beta(14) - (1.0 + 14.0 / 29.0)).abs() < 1e-6);
        assert_eq!(config.beta(29), 2.0);
        assert_eq!(config.beta(99), 2.0);
    }

    #[test]
    fn the_rate_is_constant_in_the_paper_and_falls_in_the_default() {
        let paper = TrainConfig::paper();
        assert_eq!((paper.rate(0), paper.rate(50), paper.rate(99)), (5e-4, 5e-4, 5e-4));
        let proposed = TrainConfig::proposed();
        assert_eq!(proposed.rate(0), 2e-3);
        assert!((proposed.rate(99) - 2e-5).abs() < 1e-12 && proposed.rate(49) > 8e-4);
    }

    #[test]
    fn an_encore_goes_on_with_small_steps_and_after_an_early_stop_with_large_ones() {
        let mut ended = TrainConfig::proposed();
        ended.go_on(100, 25);
        assert_eq!(ended.epochs, 125);
        assert!((ended.rate(100) / 2e-3 - ENCORE_RATE).abs() < 1e-9, "{}", ended.rate(100));
        assert!((ended.rate(124) - 2e-5).abs() < 1e-12 && ended.temperature(100) == 1.0);
        let mut early = TrainConfig::proposed();
        let (rate, temperature) = (early.rate(29), early.temperature(29));
        early.go_on(30, 25);
        assert!((early.rate(30) - rate).abs() < 1e-9 && early.temperature(30) == temperature);
        assert_eq!(early.temperature(54), 1.0);
        let mut paper = TrainConfig::paper();
        paper.go_on(100, 25);
        assert_eq!((paper.rate(100), paper.rate(124)), (5e-4, 5e-4));
        // Twice.
        ended.go_on(125, 25);
        assert!((ended.rate(125) / 2e-3 - ENCORE_RATE).abs() < 1e-9);
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let config = TrainConfig { latent: 0, ..TrainConfig::paper() };
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains("latent") && message.contains("1 to 64"), "{message}");
    }
}
