//! Going on: with new labels, or from a file.

use super::device;
use super::engine::Engine;
use super::message::{Event, FinishReason, TrainJob};
use super::run::Run;
use crate::error::{Error, Result};
use crate::particle::patch::PatchSet;
use crate::train::resume::Halted;
use crate::train::trainer::Trainer;
use std::path::Path;
use std::sync::Arc;

/// Epochs that a training which had ended gets for new labels, as a part of its own, and the steps they have at least.
const SHARE: usize = 4;
const LEAST: usize = 100;

impl Engine<'_> {
    /// Takes new labels into the training under way, or into the last one, which then goes on for a while.
    pub(super) fn relabel(&mut self, classes: &[String], patches: Arc<PatchSet>) {
        // It may go on beside a cross-validation, which takes nothing from it, but not beside another model.
        self.stop_map();
        self.stop_spectra();
        let (mut run, ended) = match (self.run.take(), self.ended.take()) {
            (Some(run), ended) => {
                self.ended = ended;
                (run, false)
            }
            (None, Some(run)) => (run, true),
            (None, None) => {
                return self.fail(&Error::Training("there is no training to go on with; train first".into()));
            }
        };
        let joined = run.trainer.relabel(classes, patches.clone());
        if joined.is_ok() {
            run.job.patches = patches;
            // The look under way is that of the model as it was.
            run.predicting = None;
            if ended {
                let enough = LEAST.div_ceil(run.trainer.steps.max(1));
                let more = (run.job.config.epochs / SHARE).max(enough);
                run.trainer.config.go_on(run.trainer.epoch, more);
                // What lies between the end and now was no work.
                run.pause = None;
                run.rested += run.halted_for();
            }
        }
        let epoch = run.trainer.epoch + 1;
        if ended && joined.is_err() {
            self.ended = Some(run);
        } else {
            self.run = Some(run);
        }
        match joined {
            Ok(()) => self.tell(Event::Relabelled { epoch }),
            // The training under way goes on as it was.
            Err(error) => self.fail(&error),
        }
    }

    /// Writes the training under way, or the last one.
    pub(super) fn halt(&mut self, path: &Path) {
        let run = self.run.as_ref().or(self.ended.as_ref());
        let written = run
            .ok_or_else(|| Error::Training("there is no training to keep; train first".into()))
            .and_then(|run| run.trainer.halt(&run.job.classes))
            .and_then(|halted| halted.save(path));
        match written {
            Ok(()) => self.tell(Event::Saved(path.to_owned())),
            Err(error) => self.fail(&error),
        }
    }

    /// Goes on from a file.
    pub(super) fn go_on(&mut self, mut job: Box<TrainJob>, from: &Path) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        self.stop_others();
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        let resumed = || -> Result<Trainer> {
            let halted = Halted::load(from)?;
            Trainer::resume(&halted, job.patches.clone(), &chosen.device, chosen.tiled)
        };
        match resumed() {
            Ok(trainer) => {
                job.config = trainer.config.clone();
                self.ended = None;
                let done = trainer.done();
                self.run = Some(Run::new(job, trainer, chosen));
                if done {
                    self.finish(FinishReason::AllEpochs);
                }
            }
            Err(error) => self.fail(&error),
        }
    }
}
