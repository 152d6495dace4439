//! From an image to maps of order parameters: the windows a model sees, maps of its latents, and what they are worth.
//!
//! - [`Plan`]: lattice, windows and model for an image, chosen or as asked for; [`Preparing`] makes it, part by part.
//! - [`Windows`]: what the encoder sees at any place; [`dense`] maps a model over the image.
//! - [`Summary`]: the seeds of a run compared, phase analysis beside them, outliers.

mod components;
pub mod dense;
mod filled;
mod offset;
mod places;
pub mod plan;
pub mod preparing;
mod registered;
pub mod residual;
pub mod summary;
pub mod windows;

pub use crate::order::SeedReport;
pub use plan::{Found, Plan, Prepared};
pub use preparing::{Preparing, prepare};
pub use summary::{Outlier, Summary};
pub use windows::Windows;

use crate::order::{Gpa, Judgement, Map, SeedMaps};
use std::sync::Arc;

/// The maps of one model over one image, all on the same grid.
#[derive(Clone, Debug)]
pub struct MapSet {
    /// Seed at work, from 1, and its complete epochs.
    pub seed: usize,
    pub epoch: usize,
    /// Pixels of the image from one value to the next.
    pub stride: usize,
    /// True for the maps that a run ends with: those of the best seed, with all that is found beside them.
    pub last: bool,
    /// Posterior mean of each content latent, in prior standard deviations.
    pub content: Vec<Map>,
    /// Posterior standard deviation of each content latent.
    pub uncertainty: Vec<Map>,
    /// Displacement of the pattern against the mean lattice along x and y, pixels, without jumps of a lattice vector; where
    /// no lattice was found, the shift of the pattern within its window, known up to a lattice vector.
    pub shift: [Map; 2],
    /// Degrees counter-clockwise on the screen, where rotation is learned.
    pub rotation: Option<Map>,
    /// Root mean square of what the model leaves, in the image's own units; only with the last maps.
    pub recon_error: Option<Map>,
    /// One a content latent, where the lattice is known.
    pub judgements: Vec<Judgement>,
    /// Displacement and strain from the lattice's phases alone, the reference beside the shift; only with the last maps,
    /// and where the lattice is known.
    pub phase_analysis: Option<Arc<Gpa>>,
    /// Coarse content maps of each seed, turned onto the best one's, the best first; only with the last maps, and for more
    /// than one seed.
    pub aligned: Arc<[SeedMaps]>,
}
