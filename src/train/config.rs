//! Every setting of a training run, with the two presets.

mod check;
mod course;

pub use crate::model::{Activation, Invariances, Likelihood};
use crate::model::{Look, VaeConfig};
pub use course::Encore;
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
    /// The decoder sees each coordinate also as waves up to this order, 0..=8; 0 is the coordinate alone.
    #[serde(default)]
    pub waves: usize,
    /// Standard deviation of the shift prior; the image is 2 wide.
    pub shift_prior: f32,
    /// Standard deviation of the scale prior round 1.
    pub scale_prior: f32,
    pub learning_rate: f64,
    /// Learning rate of the last epoch as a part of the first, in (0, 1]; 1 is constant, less is a cosine down.
    pub final_rate: f64,
    /// Images of a step, at most; of few images fewer (see [`Self::epoch_of`]).
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
    /// With the published recipe, classes less probable than this do not count and the rest is renormalised; with the default
    /// preset, pairs of class and turn less probable than this part of an image's best. 0 is exact. On a GPU they are
    /// computed all the same, and the default preset has [`Self::most_pairs`] alone.
    pub class_threshold: f32,
    /// Turned copies of an image the recognition networks look at, 1..=360; 1 is the image as it is.
    pub rotations: usize,
    /// Points along a side of a turned copy: finer detail is left to the decoder.
    pub look_side: usize,
    /// At most so many (class, turn) pairs of an image are decoded in a step; 0 is all of them, which is exact.
    pub most_pairs: usize,
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
    /// Stop once neither the accuracy on held-out labels nor the smoothed loss has improved for so many epochs, though not
    /// in the first quarter of the training. Off by default: before it jumps, this model's learning curve has a plateau.
    pub patience: Option<usize>,
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
            waves: 0,
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
            consistency: 0.0,
            view_noise: 0.0,
            confidence: 0.8,
            labelled_batch: 64,
            labels_only: false,
            patience: None,
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
            waves: self.waves,
            input: None,
        }
    }
}
