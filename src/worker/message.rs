//! What goes into the worker and what comes out: plain data, no tensors.

use super::mapping::{MapEvent, MapJob, MapQuery};
use super::spectra::{SpectraCommand, SpectraEvent};
pub use crate::explore::sanity::Sanity;
use crate::particle::patch::{PatchGeometry, PatchSet};
use crate::particle::{ParticleId, Prediction};
use crate::train::config::TrainConfig;
use crate::train::curve::EpochPoint;
pub use crate::train::curve::{Accuracy, LossParts};
use crate::train::lineage::{CrossValidated, Lineage};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The GPU if a hardware one is there, else the CPU.
    #[default]
    Auto,
    Gpu,
    Cpu,
}

/// What the window or the command line asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Train a new model on these patches; a running training is stopped first.
    Train(Box<TrainJob>),
    /// New labels, or particles, for the present or last training: it goes on from where it is, or was. If the worker holds
    /// none, `from` is where its state was written; without that the model goes on from its weights. Answered by
    /// [`Event::Relabelled`].
    Relabel {
        job: Box<TrainJob>,
        from: Option<PathBuf>,
    },
    /// Find the accuracy by cross-validation, beside the model, which stays as it is; answered by [`Event::Folds`].
    Validate {
        job: Box<TrainJob>,
        folds: usize,
        /// The file of the model, into which it is written.
        kept: Option<PathBuf>,
    },
    /// Write the training as it is into a file from which it can go on, to the bit on the CPU.
    Halt(PathBuf),
    /// Go on with a training that was written by [`Command::Halt`], on the same patches.
    GoOn {
        job: Box<TrainJob>,
        from: PathBuf,
    },
    /// Maps of order parameters of an image; a running training or map run is stopped first.
    Map(Box<MapJob>),
    /// Ask the model of the maps; only the newest question is answered.
    MapAsk(MapQuery),
    /// Write the model of the maps that a run told last; refused once another run has begun.
    MapSave {
        run: u64,
        path: PathBuf,
    },
    /// Learn spectra, or ask about those that were learned.
    Spectra(SpectraCommand),
    Pause,
    Resume,
    /// End training after the current step; the model so far stays and answers.
    Stop,
    /// Classify these patches with the current model; answered by [`Event::Predictions`].
    Classify(Arc<PatchSet>),
    /// Draw decoder images; only the newest request is answered.
    Preview(PreviewRequest),
    /// Write the current model.
    Save(PathBuf),
    /// Read a model; it becomes the current one.
    Load(PathBuf),
    /// End the cross-validation alone.
    StopValidating,
    /// Another project is open: the model and the last training were not its own, nor is what they still say. Answered by
    /// [`Event::Forgotten`].
    Forget,
}

/// One training run.
#[derive(Clone, Debug)]
pub struct TrainJob {
    pub config: TrainConfig,
    /// Names in the order of the label indices.
    pub classes: Vec<String>,
    pub patches: Arc<PatchSet>,
    /// The particle of each patch; empty where patches are not of particles.
    pub ids: Vec<ParticleId>,
    /// Patches that only measure accuracy, for data sets that bring their own; `None` measures on the held-out
    /// labels of `patches`.
    pub validation: Option<Arc<PatchSet>>,
    /// Written into the model file, so that it knows how patches were cut.
    pub geometry: Option<PatchGeometry>,
    pub device: DeviceChoice,
}

/// Decoder images to draw, `[side, side]` each, upright and unscaled unless asked otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum PreviewRequest {
    /// A `per_side` x `per_side` grid of class `class` over content latents `axes`, each in equal steps from the lower
    /// to the upper end of its range; the other latents are 0.
    Manifold { class: usize, axes: (usize, usize), per_side: usize, ranges: [[f32; 2]; 2] },
    /// One image at a point of latent space.
    /// Angle counter-clockwise on screen, shift to the right and down in pixels of the patch.
    At { class: usize, latents: Vec<f32>, angle_rad: f32, shift: [f32; 2], scale: f32 },
    /// One image at each of some points of latent space, all in one pose.
    Film { class: usize, codes: Vec<Vec<f32>>, angle_rad: f32, shift: [f32; 2], scale: f32 },
}

/// Images that answer a [`PreviewRequest`].
#[derive(Clone, Debug)]
pub struct PreviewImages {
    pub request: PreviewRequest,
    pub side: usize,
    /// `[count, side, side]`, 0..=1; for a manifold row by row, first axis to the right, second axis up.
    pub images: Arc<[f32]>,
}

/// What the worker tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// The device that computes; `fallback` is a sentence if it is not the one asked for.
    Device {
        name: String,
        fallback: Option<String>,
    },
    /// Shaders compile, kernels are tuned: steps done so far of about `of`.
    WarmingUp {
        done: usize,
        of: usize,
    },
    /// At most about 15 a second.
    Progress(Progress),
    /// Now and then while training, and in answer to [`Command::Classify`]: one prediction a patch, in order.
    Predictions {
        epoch: usize,
        patches: Arc<PatchSet>,
        predictions: Arc<[Prediction]>,
    },
    /// How far a cross-validation is.
    Folds(FoldProgress),
    /// After training: the model measured on its own patches.
    Checked(Arc<Sanity>),
    Preview(PreviewImages),
    /// There is no model yet that could draw this.
    NoPreview(PreviewRequest),
    /// What a map run tells.
    Map(MapEvent),
    /// What a run on spectra tells.
    Spectra(SpectraEvent),
    /// New labels have joined the training, before this epoch.
    Relabelled {
        epoch: usize,
        /// No state of the training was left: it goes on from the model's weights with a fresh optimiser.
        afresh: bool,
    },
    Paused,
    Resumed,
    /// Training has ended; the model stays and answers.
    Finished {
        reason: FinishReason,
        epochs: usize,
        seconds: f64,
        /// Of the model that stays, if it learned on since an epoch ended.
        accuracy: Option<Accuracy>,
    },
    /// A model was read: its classes, patch side, number of content latents and how patches are cut for it.
    Loaded {
        from: PathBuf,
        classes: Vec<String>,
        side: usize,
        latent: usize,
        geometry: Option<PatchGeometry>,
        epochs: usize,
        lineage: Lineage,
    },
    Saved(PathBuf),
    /// What was told before this belongs to a project that was left.
    Forgotten,
    /// What was asked for cannot be done; what is learned, if anything is, goes on as it was.
    Refused {
        message: String,
    },
    /// What happened and what to do, for a person; `details` for a bug report. The last good weights stay.
    Failed {
        message: String,
        details: String,
    },
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    AllEpochs,
    Stopped,
    /// Nothing had got better for as long as was asked for.
    Settled,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The epoch being worked on, from 1.
    pub epoch: usize,
    pub epochs: usize,
    /// Steps done in this epoch, of `steps`.
    pub step: usize,
    pub steps: usize,
    /// Wall time from the first step on, evaluation included, pauses left out.
    pub seconds: f64,
    /// Images seen per second, smoothed.
    pub images_per_second: f64,
    /// Wall time of a step, smoothed.
    pub seconds_per_step: f64,
    /// Filled in when the epoch is complete (`step == steps`): unlabelled loss per image.
    pub loss: Option<f64>,
    /// Parts of the loss per image: reconstruction, latent KL (unweighted), class KL.
    pub parts: Option<LossParts>,
    /// Share of held-out patches classified right, and their number, when there are any.
    pub accuracy: Option<Accuracy>,
}

impl Progress {
    /// A complete epoch as a point of the curve.
    pub fn point(&self) -> Option<EpochPoint> {
        let (epoch, accuracy) = (self.epoch, self.accuracy);
        Some(EpochPoint { epoch, loss: self.loss?, parts: self.parts, accuracy })
    }
}

/// How far a cross-validation is, and what it has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoldProgress {
    /// Trainings that are done, of how many.
    pub trained: usize,
    pub of: usize,
    /// Of all work, 0..=1.
    pub share: f32,
    /// Over the labels that have judged so far.
    pub accuracy: Accuracy,
    /// Done or stopped.
    pub over: bool,
}

impl FoldProgress {
    /// What was found, once all labels have judged.
    pub fn found(&self) -> Option<CrossValidated> {
        let Accuracy { right, of } = self.accuracy;
        let all = self.trained == self.of && of > 0;
        all.then_some(CrossValidated { right, of, folds: self.of })
    }
}
