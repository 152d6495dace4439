//! Order-parameter maps: what is asked of the worker and what it tells.

use super::message::DeviceChoice;
pub use crate::explore::order_map::preparing::MOST_PIXELS;
pub use crate::explore::order_map::{Found, MapSet, Outlier, Plan, SeedReport, Summary};
use crate::micrograph::Micrograph;
pub use crate::order::SeedMaps;
pub use crate::train::shift::{MapSettings, Normalisation, Places};
use std::path::PathBuf;
use std::sync::Arc;

/// Maps of one image.
#[derive(Clone, Debug)]
pub struct MapJob {
    /// Whose model it is that is saved: see [`Command::MapSave`].
    ///
    /// [`Command::MapSave`]: super::message::Command::MapSave
    pub run: u64,
    /// Levelled and filtered as the user wants it.
    pub image: Arc<Micrograph>,
    /// `width * height` flags; pixels where it is false (a step, an adsorbate) do not count.
    pub mask: Option<Arc<[bool]>>,
    pub settings: MapSettings,
    pub device: DeviceChoice,
}

/// A question to the model of the present or last map run; only the newest is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum MapQuery {
    /// The window at the value of the maps nearest to a place of the image (pixels), and what the model makes of it.
    Place([f64; 2]),
    /// The decoder's picture at a point of the content latents, no shift.
    Latents(Vec<f32>),
}

/// The answer to a [`MapQuery`]; pictures are `[side, side]`, row-major, in the image's own units, with the level and the
/// contrast that windows were freed of (of a point of the latents: the usual ones).
#[derive(Clone, Debug)]
pub struct MapAnswer {
    pub query: MapQuery,
    pub side: usize,
    /// What the encoder saw; empty for [`MapQuery::Latents`].
    pub window: Vec<f32>,
    pub reconstruction: Vec<f32>,
    /// Content latents and their standard deviations.
    pub latents: Vec<f32>,
    pub sd: Vec<f32>,
}

/// What a map run tells, in this order: how far the preparation is, a plan, then progress and maps, then the summary.
#[derive(Clone, Debug)]
pub enum MapEvent {
    /// The lattice, the window and the model that were chosen.
    Planned(Arc<Plan>),
    /// At most about 15 a second.
    Progress(MapProgress),
    /// Maps with the running model's newest weights, coarse first.
    Maps(Arc<MapSet>),
    /// All seeds are trained; the maps of the best one have been told before.
    Finished(Arc<Summary>),
    /// The run was stopped; the maps told so far stay.
    Stopped,
    /// What happened to the run and what to do; the maps told so far stay, and so does their model.
    Failed {
        message: String,
        details: String,
    },
    Answer(MapAnswer),
    /// There is no model yet, or nothing is known at the place asked about.
    NoAnswer(MapQuery),
    /// The model of the maps told last was written.
    Saved(PathBuf),
    /// Why it was not.
    NotSaved(String),
}

/// What a map run is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapStage {
    /// Lattice, cells and windows.
    Preparing,
    /// A seed's encoder and decoder learn what they start from.
    Starting,
    #[default]
    Learning,
    /// The best seed's maps, from coarse to fine.
    Refining,
    /// What the model leaves, phase analysis, outliers, agreement.
    Judging,
}

impl MapStage {
    /// As a person is told.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Preparing => "preparing the image",
            Self::Starting => "starting from the principal components",
            Self::Learning => "learning",
            Self::Refining => "refining the maps",
            Self::Judging => "judging the maps",
        }
    }
}

/// How far a map run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MapProgress {
    pub stage: MapStage,
    /// Seed at work, from 1.
    pub seed: usize,
    pub seeds: usize,
    /// Epoch at work, from 1.
    pub epoch: usize,
    pub epochs: usize,
    /// Share of the epoch done, before and after learning of the stage, 0..=1.
    pub share: f32,
    pub seconds: f64,
    /// After an epoch: negative ELBO a window, nats.
    pub loss: Option<f64>,
    /// After an epoch: the smoothness penalty before its weight, weighted as it was (nats a window, not in `loss`), and the
    /// standard deviation of the most varied latent.
    pub roughness: Option<f64>,
    pub smoothness_cost: Option<f64>,
    pub spread: Option<f64>,
}

impl MapProgress {
    /// "refining the maps, 40 %".
    pub fn in_words(&self) -> String {
        format!("{}, {:.0} %", self.stage.in_words(), 100.0 * self.share)
    }
}
