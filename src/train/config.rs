//! Every setting of a training run, with the two presets.

use serde::{Deserialize, Serialize};

/// Which pose changes the model must not confuse with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariances {
    pub rotation: bool,
    pub translation: bool,
    pub scale: bool,
}

/// The pixel likelihood.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    Bernoulli,
    ContinuousBernoulli,
    Gaussian { sigma: f32 },
}

/// The non-linearity between hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Tanh,
    Relu,
    LeakyRelu,
    Softplus,
}

/// Random poses given to training images, so that a handful of upright labels covers every pose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Largest rotation either way, degrees, 0..=180.
    pub angle_deg: f32,
    /// Largest shift along each axis as a part of the patch side, 0..=0.25.
    pub shift: f32,
}

/// All settings of a run. Widths, priors and losses follow the published recipe in [`TrainConfig::paper`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
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
    /// Turned copies of an image over which classification averages, >= 1.
    pub rotations: usize,
    pub seed: u64,
}

/// Which preset a run starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The published recipe to the letter.
    Paper,
    /// What the program proposes.
    Default,
}
