//! What leaves: one record a particle, in the formats other programs read.
//!
//! # Conventions, the same in every file
//! - x to the right, y down, in pixels of the micrograph; the centre of the top-left pixel is (0, 0). `x_px`, `y_px` is
//!   where the particle was clicked or detected.
//! - The shift is where the model sees the particle from there: its learned centre is
//!   (`x_px` + `shift_x_px`, `y_px` + `shift_y_px`), in pixels of the micrograph.
//! - `angle_deg` is how far the particle is turned counter-clockwise, as seen on the screen, from its class's upright
//!   form, in (-180, 180].
//! - A class a person gave stands; the model's probabilities stand beside it.

pub mod build;
pub mod card;
pub mod drawing;
pub mod exchange;
pub mod export;
pub mod figure;
mod glyph;
pub mod html;
pub mod insight;
pub mod map;
pub mod maps;
pub mod pictures;
pub mod report;
pub mod spectra;
pub mod stack;
pub mod star;
pub mod table;

pub use build::Patches;
pub use export::{export, export_watched};

use crate::particle::ParticleId;
use crate::particle::describe::Descriptors;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who gave a particle its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelledBy {
    Person,
    Model,
}

impl LabelledBy {
    /// As it stands in `library.csv`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Model => "model",
        }
    }
}

/// Everything known about one particle.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub particle: ParticleId,
    /// Short name of the micrograph, different for each one.
    pub micrograph: String,
    pub path: PathBuf,
    /// Where it was clicked or detected, pixels of the micrograph.
    pub x_px: f32,
    pub y_px: f32,
    /// The same in nanometres, if the micrograph's pixel size is known.
    pub x_nm: Option<f64>,
    pub y_nm: Option<f64>,
    /// Index into [`Library::classes`]; `None` if neither a person nor a model gave it one.
    pub class: Option<usize>,
    pub labelled_by: Option<LabelledBy>,
    /// The model's probability of each of [`Library::classes`]; `None` for a class the model does not know.
    pub probabilities: Vec<Option<f32>>,
    /// Counter-clockwise on the screen, in (-180, 180]; `None` without a model.
    pub angle_deg: Option<f64>,
    /// Learned centre minus (x_px, y_px), pixels of the micrograph.
    pub shift_px: Option<[f64; 2]>,
    pub shift_nm: Option<[f64; 2]>,
    /// Means of the content latents; [`Library::latents`] of them, or none without a model.
    pub latents: Vec<f32>,
    /// Mean squared error per pixel of the reconstruction, intensities 0..1.
    pub recon_error: Option<f32>,
    /// Equivalent diameter, if a detector measured it.
    pub diameter_px: Option<f32>,
    /// What a ruler says of it, in pixels of the micrograph; `None` without an outline or where nobody measured.
    pub measured: Option<Descriptors>,
    /// The micrograph's pixel along x and y, nanometres.
    pub pixel_nm: Option<[f64; 2]>,
    /// One pixel of the patch, nanometres (the geometric mean where x and y differ).
    pub patch_pixel_nm: Option<f64>,
    /// One pixel of the patch along x and y, pixels of the micrograph.
    pub patch_pixel_px: [f64; 2],
}

/// A classified particle library, ready to be written by [`export()`].
#[derive(Clone, Debug)]
pub struct Library {
    /// The project's classes in the user's order, then those only the model has; no two alike.
    pub classes: Vec<String>,
    /// One a particle, in the order they were asked for.
    pub records: Vec<Record>,
    /// Number of content latents of the model; 0 without one.
    pub latents: usize,
    /// Side of the patches in pixels.
    pub side: usize,
    /// `[records, side, side]`, row-major, top row first, each value in 0..=1.
    pub pixels: Vec<f32>,
    /// Accuracy on labels that training never saw, for `report.json`.
    pub hold_out: Option<report::HoldOut>,
    /// What is known beyond the records, for the reports.
    pub insight: insight::Insight,
    /// Whatever reproduces the library, for `report.json`: every setting, seed, device, versions, the command.
    pub settings: serde_json::Value,
    /// Bytes of `model.safetensors`; `None` leaves the file out.
    pub model: Option<Vec<u8>>,
}

impl Library {
    /// Pixels of one patch, `[side, side]`.
    pub fn patch(&self, index: usize) -> &[f32] {
        let size = self.side * self.side;
        self.pixels.get(index * size..(index + 1) * size).unwrap_or_default()
    }

    /// Name of a record's class.
    pub fn class_name(&self, record: &Record) -> Option<&str> {
        record.class.and_then(|class| self.classes.get(class)).map(String::as_str)
    }

    /// The size of a patch's pixel in nanometres if all patches have the same.
    pub fn patch_pixel_nm(&self) -> Option<f64> {
        let first = self.records.first()?.patch_pixel_nm?;
        let same =
            |record: &Record| record.patch_pixel_nm.is_some_and(|nm| (nm - first).abs() <= 1e-6 * first);
        self.records.iter().all(same).then_some(first)
    }
}
