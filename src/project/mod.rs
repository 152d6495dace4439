//! The user's work, which must never be lost: micrographs, classes, particles, labels and settings.
//!
//! Every change is an [`edit::Edit`] with an inverse, applied through [`history::History`].

pub mod edit;
pub mod history;
pub mod store;

pub use crate::particle::Region;

use crate::micrograph::PixelSize;
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything the user did, and nothing a model computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// In the order the user sees; number key 1 is the first.
    pub classes: Vec<Class>,
    pub micrographs: Vec<MicrographEntry>,
    pub particles: BTreeMap<ParticleId, Particle>,
    pub patch: PatchGeometry,
    /// Settings of the trainer; kept here, read by the trainer alone. `Null` means its defaults.
    #[serde(default)]
    pub training: serde_json::Value,
    /// The next unused identifiers (particle, class, micrograph).
    pub next_particle: u64,
    pub next_class: u32,
    pub next_micrograph: u32,
}

/// One micrograph as the project knows it: where it lies, how it is recognised, how the user set it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicrographEntry {
    pub id: MicrographId,
    /// In memory always absolute; the project file stores it relative to itself where possible.
    pub path: PathBuf,
    /// blake3 of the file's bytes, lower-case hex.
    pub hash: String,
    /// The page of a multi-page file or stack, from 0.
    #[serde(default)]
    pub page: usize,
    pub width: usize,
    pub height: usize,
    /// From the file or from the user; `None` means unknown.
    pub pixel_size: Option<PixelSize>,
    /// Regions in which nothing is a particle (the instrument's banner, burnt-in text).
    #[serde(default)]
    pub excluded: Vec<Region>,
    /// True if particles are brighter than the background, false if darker, `None` if not decided yet.
    #[serde(default)]
    pub bright: Option<bool>,
    /// Contrast percentiles of the display, 0..=100, low < high.
    pub contrast: (f32, f32),
}
