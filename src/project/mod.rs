//! The user's work, which must never be lost: micrographs, classes, particles, labels and settings.
//!
//! Every change is an [`edit::Edit`] with an inverse, applied through [`history::History`], which tells the
//! [`journal`]. [`store`] keeps the project in a file, [`session`] opens it and brings back what a program that died
//! had not saved, [`labels`] reads labels made elsewhere.

pub mod atomic;
mod check;
pub mod edit;
mod exact;
pub mod history;
pub mod journal;
pub mod labels;
mod lookup;
mod paths;
mod propose;
pub mod session;
mod setup;
pub mod source;
pub mod store;

pub use crate::particle::{Outline, Region};
pub use lookup::{ClassCount, MicrographCount};
pub use propose::CLASS_COLOURS;
pub use setup::Preparation;

use crate::micrograph::PixelSize;
use crate::micrograph::prepare::Step;
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, MicrographId, Particle, ParticleId};
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
    #[serde(default, deserialize_with = "exact::read_value")]
    pub training: serde_json::Value,
    /// Settings of map runs but for those that belong to one micrograph; kept and read alike.
    #[serde(default, deserialize_with = "exact::read_value")]
    pub maps: serde_json::Value,
    /// The next unused identifiers (particle, class, micrograph) as the file knows them: undo turns them back, too.
    pub next_particle: u64,
    pub next_class: u32,
    pub next_micrograph: u32,
    /// Identifiers given out while the program runs, whether their edit was applied, refused or undone.
    #[serde(skip)]
    pub reserved: Reserved,
}

/// The next identifiers (particle, class, micrograph) as they stand between two changes.
pub(crate) type Counters = (u64, u32, u32);

/// See [`Project::reserved`]. No part of the work: any two are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reserved {
    next: Counters,
}

impl PartialEq for Reserved {
    fn eq(&self, _: &Self) -> bool {
        true
    }
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
    /// The same, of any outline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlines: Vec<Outline>,
    /// True if particles are brighter than the background, false if darker, `None` if not decided yet.
    #[serde(default)]
    pub bright: Option<bool>,
    /// Contrast percentiles of the display, 0..=100, low < high.
    pub contrast: (f32, f32),
    #[serde(default, skip_serializing_if = "Tone::is_plain")]
    pub tone: Tone,
    /// Levelling and filters, in order, applied to a copy of the pixels before they are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// What was chosen by hand for maps of it (cell, window, averaging); kept here, read by the map runs alone. `Null` is
    /// nothing.
    #[serde(
        default,
        skip_serializing_if = "serde_json::Value::is_null",
        deserialize_with = "exact::read_value"
    )]
    pub maps: serde_json::Value,
}

/// How the grey values between black and white are shown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tone {
    /// Exponent of the grey value 0..=1, 0.1..=10: below 1 dark places become brighter.
    pub gamma: f32,
    /// White becomes black.
    pub invert: bool,
    pub colours: Colours,
}

/// The colours from black to white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colours {
    #[default]
    Grey,
    Viridis,
    Inferno,
    Cividis,
}

impl Default for Tone {
    fn default() -> Self {
        Self { gamma: 1.0, invert: false, colours: Colours::Grey }
    }
}

impl Tone {
    fn is_plain(&self) -> bool {
        *self == Self::default()
    }
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
            maps: serde_json::Value::Null,
            next_particle: 1,
            next_class: 1,
            next_micrograph: 1,
            reserved: Reserved::default(),
        }
    }

    fn counters(&self) -> Counters {
        (self.next_particle, self.next_class, self.next_micrograph)
    }

    fn set_counters(&mut self, counters: Counters) {
        (self.next_particle, self.next_class, self.next_micrograph) = counters;
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}
