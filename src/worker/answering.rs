//! The model that answers: what it says of patches, what its decoder draws, its file.

use super::device;
use super::engine::Engine;
use super::message::{DeviceChoice, Event, PreviewImages, PreviewRequest};
use super::run::Run;
use crate::error::Error;
use crate::explore::traverse::Pose;
use crate::explore::{embed, sanity, traverse};
use crate::model::vae::Vae;
use crate::particle::Prediction;
use crate::particle::patch::{PatchGeometry, PatchSet};
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::lineage::Lineage;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A model that answers, in training or not.
pub(super) struct Model {
    pub vae: Vae,
    pub train: TrainConfig,
    pub classes: Vec<String>,
    pub geometry: Option<PatchGeometry>,
    pub epochs: usize,
    pub lineage: Lineage,
}

impl Engine<'_> {
    /// Makes the run's present weights the model that answers; not those that a step has just spoiled, which the next one
    /// finds out.
    pub(super) fn keep(&mut self, run: &Run) {
        let vae = run.trainer.snapshot();
        if self.model.is_some() && !vae.is_finite() {
            return;
        }
        self.model = Some(Model {
            vae,
            // Not the job's: the training may have gone on with new labels.
            train: run.trainer.config.clone(),
            classes: run.job.classes.clone(),
            geometry: run.job.geometry.clone(),
            epochs: run.trainer.epoch,
            lineage: run.lineage.clone(),
        });
    }

    /// Lets a training under way answer as it is now; without one, what is known stays.
    pub(super) fn keep_up(&mut self) {
        if let Some(run) = self.run.take() {
            self.keep(&run);
            self.run = Some(run);
        }
    }

    pub(super) fn predict(&mut self, patches: &Arc<PatchSet>) -> Option<Arc<[Prediction]>> {
        let model = self.model.as_ref()?;
        let epoch = model.epochs;
        match embed::predict(&model.vae, patches, &mut || !self.leaving.load(Ordering::Relaxed)) {
            Ok(predictions) => {
                let predictions: Arc<[Prediction]> = predictions.into();
                let patches = patches.clone();
                self.tell(Event::Predictions { epoch, patches, predictions: predictions.clone() });
                Some(predictions)
            }
            Err(e) => {
                self.fail(&e);
                None
            }
        }
    }

    /// Measures the model on the patches it has just predicted.
    pub(super) fn check(&mut self, patches: &PatchSet, predictions: &[Prediction]) {
        let Some(model) = &self.model else { return };
        let proceed = &mut || !self.leaving.load(Ordering::Relaxed);
        match sanity::check(&model.vae, patches, predictions, proceed) {
            Ok(sanity) => self.tell(Event::Checked(Arc::new(sanity))),
            Err(e) => self.fail(&e),
        }
    }

    pub(super) fn answer(&mut self, request: PreviewRequest) {
        // The newest weights, which may be younger than the last epoch.
        self.keep_up();
        // A request from before there is a model is not an error; the window asks again when there is one.
        let Some(model) = &self.model else { return self.tell(Event::NoPreview(request)) };
        let images = match &request {
            PreviewRequest::Manifold { class, axes, per_side, ranges } => {
                traverse::plane(&model.vae, *class, *axes, *per_side, *ranges)
            }
            PreviewRequest::At { class, latents, angle_rad, shift, scale } => {
                let pose = Pose { angle_rad: *angle_rad, shift_px: *shift, scale: *scale };
                traverse::image(&model.vae, *class, latents, pose)
            }
            PreviewRequest::Film { class, codes, angle_rad, shift, scale } => {
                let pose = Pose { angle_rad: *angle_rad, shift_px: *shift, scale: *scale };
                traverse::film(&model.vae, *class, codes, pose)
            }
        };
        let side = model.vae.config.dims[0];
        match images {
            Ok(images) => self.tell(Event::Preview(PreviewImages { request, side, images: images.into() })),
            Err(e) => self.fail(&e),
        }
    }

    pub(super) fn save(&mut self, path: &Path) {
        self.keep_up();
        let Some(model) = &self.model else {
            return self.fail(&Error::Training("there is no model yet; train one or open one".into()));
        };
        let checkpoint =
            Checkpoint::of(&model.vae, &model.train, &model.classes, model.geometry.clone(), model.epochs)
                .with_lineage(model.lineage.clone());
        match checkpoint.save(path) {
            Ok(()) => self.tell(Event::Saved(path.to_owned())),
            Err(e) => self.fail(&e),
        }
    }

    /// Reads a model. It answers from the CPU: a handful of images is not worth preparing a GPU for.
    pub(super) fn load(&mut self, path: &Path) {
        let loaded = Checkpoint::load(path).and_then(|checkpoint| {
            let chosen = device::choose(DeviceChoice::Cpu);
            checkpoint.vae(&chosen.device, chosen.tiled).map(|vae| (checkpoint, vae))
        });
        match loaded {
            Ok((checkpoint, vae)) => {
                let d = checkpoint.description;
                let event = Event::Loaded {
                    from: path.to_owned(),
                    classes: d.classes.clone(),
                    side: vae.config.dims[0],
                    latent: vae.config.latent,
                    geometry: d.geometry.clone(),
                    epochs: d.epochs,
                    lineage: d.lineage.clone(),
                };
                // New labels would go on with a training that is not this model's.
                self.ended = None;
                self.model = Some(Model {
                    vae,
                    train: d.train,
                    classes: d.classes,
                    geometry: d.geometry,
                    epochs: d.epochs,
                    lineage: d.lineage,
                });
                self.tell(event);
            }
            Err(e) => self.fail(&e),
        }
    }
}
