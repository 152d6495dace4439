//! Patches: squares cut round particles in physical size, resampled once, normalised.

mod blank;
mod geometry;
mod source;
mod turn;
mod upright;

pub use geometry::{ParticleExtent, propose_geometry};
pub use source::PatchSource;
pub use turn::{TOGETHER, sampled, sampled_together, turned};
pub use upright::upright;

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How large a square is cut, and how finely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchGeometry {
    /// Side of the square on the specimen, used where the pixel size is known; nanometres, > 0.
    #[serde(default, deserialize_with = "crate::micrograph::number::read_option")]
    pub extent_nm: Option<f64>,
    /// Side of the square in micrograph pixels, used where the pixel size is not known; > 0.
    #[serde(deserialize_with = "crate::micrograph::number::read")]
    pub extent_px: f64,
    /// Side of the patch in its own pixels, 24..=64.
    pub side: usize,
    pub normalise: Normalise,
    pub edge: Edge,
    /// Replace what the watershed gives to a neighbouring particle by the background level.
    pub blank_neighbours: bool,
}

/// How grey values become 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// One black and one white point a micrograph (percentiles 0.5 and 99.5, outside the excluded regions).
    Micrograph,
    /// Each patch by its own percentiles 1 and 99.
    Patch,
}

/// What stands where a patch reaches beyond the micrograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The micrograph's background level.
    Background,
    /// The nearest pixel of the micrograph.
    Nearest,
}

/// Patches ready for training: intensities 0..1, the particle bright whatever the micrograph's contrast.
///
/// Each patch is stored *wide*: `wide` x `wide` pixels at the pitch of the final `side` x `side` patch, so that a
/// turned or shifted patch can be cut from real surroundings with one interpolation.
#[derive(Clone, Debug)]
pub struct PatchSet {
    pub side: usize,
    /// >= `side`, same parity as `side`.
    pub wide: usize,
    /// `[len, wide, wide]`, row-major, each value in 0..=1.
    pub pixels: Arc<[f32]>,
    /// Class index a patch is trained with; `None` for unlabelled.
    pub labels: Vec<Option<usize>>,
    /// Class index that only measures accuracy.
    pub held_out: Vec<Option<usize>>,
}

impl PatchSet {
    /// Number of patches.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there is no patch.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// True if both hold the very same cut pictures, whatever their labels: what is found out about one is true of the
    /// other, patch by patch.
    pub fn is_same_cut(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pixels, &other.pixels)
    }
}
