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
pub mod source;
pub mod store;

pub use crate::particle::{Outline, Region};
pub use lookup::{ClassCount, MicrographCount};
pub use propose::CLASS_COLOURS;

use crate::micrograph::prepare::{self, Step};
use crate::micrograph::{Micrograph, PixelSize, format};
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
    #[serde(default, deserialize_with = "exact::read_value")]
    pub training: serde_json::Value,
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
            outlines: Vec::new(),
            bright: None,
            contrast: (0.5, 99.5),
            tone: Tone::default(),
            steps: Vec::new(),
        }
    }

    /// The micrograph's pixels as they are used: opened, and prepared by its steps.
    ///
    /// # Errors
    /// As [`source::require`], [`format::open_page`] and [`prepare::apply`].
    pub fn open(&self) -> crate::Result<Micrograph> {
        source::require(self)?;
        self.prepared(format::open_page(&self.path, self.page)?)
    }

    /// A picture after the steps. The user may know the scale better than the file, and lengths may be in nanometres.
    ///
    /// # Errors
    /// As [`prepare::apply`].
    pub fn prepared(&self, mut micrograph: Micrograph) -> crate::Result<Micrograph> {
        if self.steps.is_empty() {
            return Ok(micrograph);
        }
        micrograph.pixel_size = self.pixel_size;
        prepare::apply(&micrograph, &self.steps, None)
    }

    /// All that is excluded, rectangles and outlines, as rectangles.
    pub fn excluded_regions(&self) -> Vec<Region> {
        let outlines = self.outlines.iter().flat_map(|outline| outline.rows(self.height));
        self.excluded.iter().copied().chain(outlines).collect()
    }

    /// The last part of the path, for people.
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(|| self.path.display().to_string(), |n| n.to_string_lossy().into_owned())
    }
}
