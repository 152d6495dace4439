//! The user's work, which must never be lost: micrographs, classes, particles, labels and settings.
//!
//! Every change is an [`edit::Edit`] with an inverse, applied through [`history::History`].
//! [`store`] keeps it in a file, [`labels`] reads labels made elsewhere.

pub mod atomic;
mod check;
pub mod edit;
pub mod history;
pub mod labels;
mod lookup;
mod paths;
mod propose;
pub mod source;
pub mod store;

pub use crate::particle::Region;
pub use lookup::{ClassCount, MicrographCount};
pub use propose::CLASS_COLOURS;

use crate::micrograph::PixelSize;
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, MicrographId, Particle, ParticleId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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

impl Project {
    /// An empty project with the default patch geometry.
    pub fn new() -> Self {
        Self {
            classes: Vec::new(),
            micrographs: Vec::new(),
            particles: BTreeMap::new(),
            patch: PatchGeometry::default(),
            training: serde_json::Value::Null,
            next_particle: 1,
            next_class: 1,
            next_micrograph: 1,
        }
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl MicrographEntry {
    /// A micrograph as it comes from its file: nothing excluded, contrast undecided, display from the 0.5th to the
    /// 99.5th percentile. `hash` is from [`source::hash_file`]; the path is made absolute. The identifier is 0, which
    /// no project uses, until [`Project::add_micrograph_edit`] gives it one.
    pub fn new(
        path: impl AsRef<Path>,
        page: usize,
        width: usize,
        height: usize,
        pixel_size: Option<PixelSize>,
        hash: impl Into<String>,
    ) -> Self {
        let path = path.as_ref();
        Self {
            id: MicrographId(0),
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            hash: hash.into(),
            page,
            width,
            height,
            pixel_size,
            excluded: Vec::new(),
            bright: None,
            contrast: (0.5, 99.5),
        }
    }

    /// The last part of the path, for people.
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(|| self.path.display().to_string(), |n| n.to_string_lossy().into_owned())
    }
}
