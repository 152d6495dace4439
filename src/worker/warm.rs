//! Going on: with new labels and particles, or from a file.

use super::answering::Model;
use super::device;
use super::engine::Engine;
use super::message::{Event, FinishReason, TrainJob};
use super::run::Run;
use crate::error::{Error, Result};
use crate::particle::ParticleId;
use crate::particle::patch::PatchGeometry;
use crate::train::lineage::Roles;
use crate::train::resume::{Halted, pixels_fingerprint};
use crate::train::trainer::Trainer;
use std::collections::HashMap;
use std::path::Path;

/// Epochs that a training which had ended gets for new labels, as a part of its own, and the steps they have at least.
const SHARE: usize = 4;
const LEAST: usize = 100;

/// The place that each of the particles `now` had among those `then`; where patches are not of particles, its own.
fn places(then: &[ParticleId], now: &[ParticleId], patches: usize) -> Vec<Option<usize>> {
    if then.is_empty() || now.is_empty() {
        return (0..patches).map(Some).collect();
    }
    let places: HashMap<ParticleId, usize> = then.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    now.iter().map(|id| places.get(id).copied()).collect()
}

/// Refuses patches that are not cut as the training learned them.
fn same_cut(now: Option<&PatchGeometry>, learned: Option<&PatchGeometry>) -> Result<()> {
    if now.is_some() && learned.is_some() && now != learned {
        let problem = "patches are cut in another size than when it began; train again, or take that back";
        return Err(Error::Training(problem.into()));
    }
    Ok(())
}

/// What is said where a training knows all that it is to learn.
const NOTHING_NEW: &str =
    "no label, and no particle, is new since the model learned; give labels first, or train again";

/// What is new to a training that is taken up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Differs {
    Not,
    /// Labels that teach, or particles.
    Taught,
    /// Labels that judge, or what the patches show.
    Else,
}

impl Run {
    /// True if it has these labels and particles already.
    fn knows(&self, job: &TrainJob) -> bool {
        let own = self.trainer.patches();
        let labels = own.labels == job.patches.labels && own.held_out == job.patches.held_out;
        labels && self.job.ids == job.ids && own.pixels == job.patches.pixels
    }

    /// Other labels, or particles, for it.
    fn join(&mut self, job: TrainJob) -> Result<()> {
        same_cut(job.geometry.as_ref(), self.job.geometry.as_ref())?;
        let before = places(&self.job.ids, &job.ids, job.patches.len());
        self.trainer.join(&job.classes, job.patches.clone(), &before)?;
        self.lineage.roles.take(&job.ids, &job.patches);
        (self.job.patches, self.job.ids) = (job.patches, job.ids);
        // The look under way is that of the model as it was.
        self.predicting = None;
        Ok(())
    }

    /// A training that had ended gets some epochs more; each time as many as the time before. One that was stopped with more
    /// than that before it keeps them.
    fn encore(&mut self) {
        let enough = LEAST.div_ceil(self.trainer.steps.max(1));
        let config = &self.trainer.config;
        let more =
            config.encore.map_or(config.epochs / SHARE, |last| config.epochs.saturating_sub(last.from));
        let more = more.max(enough);
        if !self.has_settled() && config.epochs.saturating_sub(self.trainer.epoch) >= more {
            return;
        }
        self.trainer.config.go_on(self.trainer.epoch, more);
    }
}

impl Engine<'_> {
    /// Takes new labels into the training under way, or into the last one, which then goes on for a while: the one in
    /// memory, else the one whose state lies at `from`, else the model that was read, from its weights.
    pub(super) fn relabel(&mut self, job: Box<TrainJob>, from: Option<&Path>) {
        // The window has told them that they end, whatever comes of it.
        self.stop_map();
        self.stop_spectra();
        if self.run.as_ref().or(self.ended.as_ref()).is_some_and(|run| run.knows(&job)) {
            return self.tell(Event::Refused { message: Error::Training(NOTHING_NEW.into()).to_string() });
        }
        let under_way = self.run.is_some();
        let mut afresh = false;
        let joined = if let Some(run) = &mut self.run {
            run.join(*job)
        } else if let Some(run) = &mut self.ended {
            run.join(*job).map(|()| {
                // What lies between the end and now was no work.
                run.pause = None;
                run.rested += run.halted_for();
            })
        } else {
            afresh = from.is_none();
            let begun = match from {
                Some(from) => self.taken_up(job, from).and_then(|(run, differs)| match differs {
                    Differs::Not => Err(Error::Training(NOTHING_NEW.into())),
                    Differs::Taught | Differs::Else => Ok(run),
                }),
                None => self.weights_taken_up(job),
            };
            begun.map(|run| self.ended = Some(run))
        };
        if let Err(error) = joined {
            return self.tell(Event::Refused { message: error.to_string() });
        }
        // What it would find is about the model without the new labels.
        self.stop_validating();
        if !under_way && let Some(mut run) = self.ended.take() {
            run.encore();
            self.run = Some(run);
        }
        if let Some(run) = &mut self.run {
            let epoch = run.trainer.epoch + 1;
            run.lineage.join(epoch);
            self.tell(Event::Relabelled { epoch, afresh });
        }
    }

    /// The training whose state lies at `from`, with the labels and particles of the job, and whether they are others than
    /// then.
    fn taken_up(&mut self, mut job: Box<TrainJob>, from: &Path) -> Result<(Run, Differs)> {
        let halted = Halted::load(from)?;
        let halt = &halted.halt;
        if halt.classes != job.classes {
            return Err(Error::Training("the classes are others than when it began; train again".into()));
        }
        same_cut(job.geometry.as_ref(), halt.geometry.as_ref())?;
        self.stop_others();
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        let patches = job.patches.clone();
        let (trainer, changed) = if halt.particles.is_empty() {
            let changed = !halt.labels.is_empty() && halt.labels != patches.labels;
            (Trainer::resume(&halted, patches, &chosen.device, chosen.tiled)?, changed)
        } else {
            let before = places(&halt.particles, &job.ids, patches.len());
            let changed = halt.particles != job.ids || halt.labels != patches.labels;
            (Trainer::resume_on(&halted, patches, &before, &chosen.device, chosen.tiled)?, changed)
        };
        let mut roles = Roles::default();
        roles.take(&job.ids, &job.patches);
        let judges = roles.judges != halt.lineage.roles.judges;
        let differs = match changed {
            true => Differs::Taught,
            false if judges || halt.pixels != pixels_fingerprint(&job.patches) => Differs::Else,
            false => Differs::Not,
        };
        job.config = trainer.config.clone();
        self.warms_up(&chosen);
        let mut run = Run::new(job, trainer, chosen);
        run.follow(halted.halt.lineage, halted.halt.curve);
        Ok((run, differs))
    }

    /// A training that goes on from the weights of the model that was read.
    fn weights_taken_up(&mut self, mut job: Box<TrainJob>) -> Result<Run> {
        let Some(Model { vae, train, classes, geometry, epochs, lineage }) = &self.model else {
            return Err(Error::Training("there is no training to go on with; train first".into()));
        };
        if *classes != job.classes
            || geometry.is_some() && job.geometry.is_some() && *geometry != job.geometry
        {
            let problem = "the model knows other classes, or patches of another size; train again";
            return Err(Error::Training(problem.into()));
        }
        let chosen = device::choose(job.device);
        let (config, patches) = (train.clone(), job.patches.clone());
        let trainer =
            Trainer::from_model(vae, config, classes, patches, *epochs, &chosen.device, chosen.tiled)?;
        job.config = trainer.config.clone();
        let lineage = lineage.clone();
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.warms_up(&chosen);
        let mut run = Run::new(job, trainer, chosen);
        run.follow(lineage, Vec::new());
        Ok(run)
    }

    /// Writes the training under way, or the last one, if there is one.
    pub(super) fn halt(&mut self, path: &Path) {
        let Some(run) = self.run.as_ref().or(self.ended.as_ref()) else { return };
        match run.halt().and_then(|halted| halted.save(path)) {
            Ok(()) => self.tell(Event::Saved(path.to_owned())),
            Err(error) => self.tell(Event::Refused { message: error.to_string() }),
        }
    }

    /// Goes on from a file. Labels that are others than then join.
    pub(super) fn go_on(&mut self, job: Box<TrainJob>, from: &Path) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        // Whatever is at `from`: the window has told them that they end.
        self.stop_others();
        match self.taken_up(job, from) {
            Ok((mut run, differs)) => {
                self.ended = None;
                let (done, epoch) = (run.trainer.done(), run.trainer.epoch + 1);
                if differs == Differs::Taught && !done {
                    run.lineage.join(epoch);
                    self.tell(Event::Relabelled { epoch, afresh: false });
                }
                self.run = Some(run);
                if done {
                    self.finish(FinishReason::AllEpochs);
                }
            }
            Err(error) => self.fail(&error),
        }
    }
}
