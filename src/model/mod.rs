//! The semi-supervised, rotationally and translationally invariant VAE: networks and losses, tensors only.
//!
//! Generative story (Ziatdinov et al. 2021, arXiv 2105.11475): a class y is drawn uniformly, a content code z and a
//! pose (angle, shift, scale) from standard normals, and each pixel's intensity comes from one small network of the
//! *transformed* coordinate of that pixel, z and y. Turning the coordinates turns the picture, so the pose is
//! explained by geometry and neither content nor class has to explain it.
//!
//! - [`grid`]: the coordinates; [`pose`]: latents to poses, poses to coordinates.
//! - [`fourier`]: the waves through which a decoder may see a coordinate.
//! - [`network`]: encoder, classifier and spatial decoder.
//! - [`likelihood`]: how well an intensity explains a pixel.
//! - [`kernel`]: decoder, likelihood and gradient in one pass over cache-sized tiles; [`fused`]: the same as an
//!   operation of the tensor library; [`vae`] also has it in plain operations, for other devices and as reference.
//! - [`vae`] and [`objective`]: the model and its loss terms.
//! - [`look`], [`pairs`] and [`orbit`]: recognition from turned copies of an image, and the loss terms with class and turn
//!   enumerated together.
//! - [`subset`]: the pixels that a step is about.
//! - [`smooth`]: the penalty on content that changes within a lattice period.
//! - [`weights`]: weights by name, as pyroVED names them.

pub mod fourier;
pub mod fused;
pub mod grid;
pub mod kernel;
pub mod likelihood;
pub mod look;
pub mod network;
pub mod objective;
pub mod orbit;
pub mod pairs;
pub mod pose;
pub mod recognise;
pub mod smooth;
pub mod subset;
pub mod vae;
pub mod weights;

pub use look::{Copies, Look};
use serde::{Deserialize, Serialize};

/// Which pose changes the model must not confuse with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invariances {
    pub rotation: bool,
    pub translation: bool,
    pub scale: bool,
}

impl Invariances {
    /// Number of pose latents for data of `ndim` dimensions: angle 1, shift `ndim`, scale 1. In 1D only the shift counts.
    pub fn pose_latents(self, ndim: usize) -> usize {
        let shift = if self.translation { ndim } else { 0 };
        match ndim {
            1 => shift,
            _ => usize::from(self.rotation) + shift + usize::from(self.scale),
        }
    }
}

/// The pixel likelihood.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// Intensities 0..1 read as probabilities.
    Bernoulli,
    /// The same with its proper normalisation on 0..1 (Loaiza-Ganem and Cunningham 2019).
    ContinuousBernoulli,
    /// Normal noise of a fixed standard deviation.
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

/// Shapes and priors of a model; everything needed to rebuild it around its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VaeConfig {
    /// `[height, width]` of an image or `[length]` of a signal.
    pub dims: Vec<usize>,
    /// Number of classes; 1 is the unsupervised model, which has no classifier.
    pub classes: usize,
    /// Number of content latents.
    pub latent: usize,
    pub invariances: Invariances,
    pub hidden_encoder: Vec<usize>,
    pub hidden_decoder: Vec<usize>,
    pub hidden_classifier: Vec<usize>,
    pub activation: Activation,
    pub likelihood: Likelihood,
    /// Shift of one standard deviation of its latent; the image is 2 wide.
    pub shift_prior: f32,
    /// Change of scale of one standard deviation of its latent.
    pub scale_prior: f32,
    /// Radians of one standard deviation of the angle's latent; with turned copies, of what the turn leaves over.
    #[serde(default = "one")]
    pub angle_prior: f32,
    /// How the recognition networks see an image; `None` is the flattened image itself, as in the paper.
    #[serde(default)]
    pub look: Option<Look>,
    /// What is done to an image before the encoder sees it; `None` shows it as it is.
    #[serde(default)]
    pub input: Option<InputScale>,
    /// The decoder sees each coordinate also as waves up to this order (see [`fourier`]); 0 is the coordinate alone.
    #[serde(default)]
    pub waves: usize,
}

/// Takes the mean image away and scales what is left: where all images are nearly alike, as windows of a lattice are, an
/// encoder of the images themselves would follow what they have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputScale {
    /// `[pixels]`
    pub mean: Vec<f32>,
    pub scale: f32,
}

fn one() -> f32 {
    1.0
}

impl VaeConfig {
    /// Pixels (or samples) of one image.
    pub fn pixels(&self) -> usize {
        self.dims.iter().product()
    }

    /// 1 for signals, 2 for images.
    pub fn ndim(&self) -> usize {
        self.dims.len()
    }

    /// Number of pose latents, which come first in z.
    pub fn pose(&self) -> usize {
        self.invariances.pose_latents(self.ndim())
    }

    /// Length of z: pose, then content.
    pub fn z(&self) -> usize {
        self.pose() + self.latent
    }

    /// Inputs of the recognition networks: the pixels of an image, or of one turned copy.
    pub fn inputs(&self) -> usize {
        self.look.map_or_else(|| self.pixels(), Look::inputs)
    }

    /// What the decoder sees of a pixel's place: its coordinates, and a sine and a cosine a wave.
    pub fn features(&self) -> usize {
        self.ndim() + 2 * fourier::waves(self.ndim(), self.waves).len()
    }

    /// Turned copies of an image; 1 without.
    pub fn turns(&self) -> usize {
        self.look.map_or(1, |look| look.turns)
    }

    /// The non-linearity of classifier and encoder. Looking at turned copies they see so many rows that the cheap one
    /// is worth it.
    pub fn recognition_activation(&self) -> Activation {
        if self.look.is_some() { Activation::LeakyRelu } else { self.activation }
    }

    /// True if there is a class or a turn to choose.
    pub fn chooses(&self) -> bool {
        self.classes > 1 || self.turns() > 1
    }

    /// Width of the class code: one-hot for several classes, nothing for one.
    pub fn class_code(&self) -> usize {
        if self.classes > 1 { self.classes } else { 0 }
    }
}
