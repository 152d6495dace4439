//! What is seen on a micrograph: particles, their classes and the patches cut round them.

pub mod describe;
pub mod detect;
pub mod patch;
pub mod territory;

use serde::{Deserialize, Serialize};

/// Identifies a particle within a project; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParticleId(pub u64);

/// Identifies a class within a project; never reused. Not its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassId(pub u32);

/// Identifies a micrograph within a project; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicrographId(pub u32);

/// A kind of particle, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    pub id: ClassId,
    pub name: String,
    /// sRGB.
    pub colour: [u8; 3],
}

/// One particle on one micrograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Particle {
    pub id: ParticleId,
    pub micrograph: MicrographId,
    /// Centre in pixels of the micrograph (see [`crate::micrograph`] for the convention).
    pub x: f32,
    pub y: f32,
    /// Equivalent diameter in pixels, when a detector measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diameter: Option<f32>,
    /// The detector's score; `None` for a particle a person added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The class a person gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<ClassId>,
    /// A label that training never sees: it only measures accuracy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
}

/// An axis-aligned rectangle in pixels: x0 <= x < x1, y0 <= y < y1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

impl Region {
    /// True if the point lies inside.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        self.x0 <= x && x < self.x1 && self.y0 <= y && y < self.y1
    }

    /// The whole pixels inside a `width` x `height` picture as `(columns, rows)`; empty ranges if there are none.
    pub fn pixels(&self, width: usize, height: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let span = |low: f32, high: f32, size: usize| {
            let first = (low.ceil().max(0.0) as usize).min(size);
            let end = (high.ceil().max(0.0) as usize).min(size);
            first..end.max(first)
        };
        (span(self.x0, self.x1, width), span(self.y0, self.y1, height))
    }
}

/// What a trained model says of one particle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Class probabilities in the order of the model's classes; they sum to 1.
    pub probabilities: Vec<f32>,
    /// Learned in-plane angle in radians, in (-pi, pi]; 0 if the model has no rotation.
    pub angle_rad: f32,
    /// Learned shift along image (x, y), in pixels of the patch; 0 if the model has no translation.
    pub shift_px: [f32; 2],
    /// Learned scale; 1 if the model has no scale.
    pub scale: f32,
    /// Means of the content latents.
    pub mu: Vec<f32>,
    /// Standard deviations of the content latents, > 0.
    pub sigma: Vec<f32>,
    /// Mean squared error per pixel of the reconstruction at the most probable class (patch intensities 0..1).
    pub recon_error: f32,
}

impl Prediction {
    /// Index of the most probable class.
    pub fn best(&self) -> usize {
        let mut best = 0;
        for (i, p) in self.probabilities.iter().enumerate() {
            if *p > self.probabilities[best] {
                best = i;
            }
        }
        best
    }

    /// Largest probability minus the second largest, 0..1; 1 for a single class.
    pub fn margin(&self) -> f32 {
        let (mut first, mut second) = (0.0_f32, 0.0_f32);
        for &p in &self.probabilities {
            if p > first {
                second = first;
                first = p;
            } else if p > second {
                second = p;
            }
        }
        first - second
    }
}
