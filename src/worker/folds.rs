//! Accuracy where labels are too few to hold some out: one training a fold without that fold's labels, which then judge it
//! (cross-validation). Every label judges once.

use super::device::{self, Chosen};
use super::engine::{Engine, panic_text};
use super::message::{Accuracy, Event, FoldProgress, TrainJob};
use crate::error::{Error, Result};
use crate::explore::embed;
use crate::particle::patch::PatchSet;
use crate::train::checkpoint::Checkpoint;
use crate::train::config::TrainConfig;
use crate::train::lineage::CrossValidated;
use crate::train::trainer::Trainer;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Parts that the labels are split into, unless another number is asked for.
pub const FOLDS: usize = 5;

/// Patches in which the labels of one part judge and those of the others teach, for each part; classes are split alike.
/// A class with one label only teaches.
///
/// # Errors
/// Fewer than two labels in every class: nothing could judge.
pub fn split(patches: &PatchSet, seed: u64, folds: usize) -> Result<Vec<Arc<PatchSet>>> {
    if folds < 2 {
        return Err(Error::invalid("folds", format!("{folds} is too few; it must be at least 2")));
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let classes = patches.labels.iter().flatten().max().map_or(0, |most| most + 1);
    // The part in which each label judges.
    let mut judges = vec![None; patches.len()];
    let mut next = 0;
    for class in 0..classes {
        let mut of_class: Vec<usize> =
            (0..patches.len()).filter(|&i| patches.labels[i] == Some(class)).collect();
        if of_class.len() < 2 {
            continue;
        }
        of_class.shuffle(&mut rng);
        for i in of_class {
            judges[i] = Some(next % folds);
            next += 1;
        }
    }
    let judged = |part: usize| judges.contains(&Some(part));
    let parts: Vec<usize> = (0..folds).filter(|part| judged(*part)).collect();
    if parts.is_empty() {
        let problem = "no class has two labels, so none can judge; label at least two particles of a class";
        return Err(Error::Training(problem.into()));
    }
    let fold = |part: usize| {
        let of = |i: usize, judging: bool| patches.labels[i].filter(|_| (judges[i] == Some(part)) == judging);
        let all = 0..patches.len();
        Arc::new(PatchSet {
            labels: all.clone().map(|i| of(i, false)).collect(),
            held_out: all.map(|i| of(i, true)).collect(),
            ..patches.clone()
        })
    };
    Ok(parts.into_iter().map(fold).collect())
}

/// Writes into a model's file how well such a model does.
///
/// # Errors
/// A file that cannot be read or written.
pub fn write_found(model: &Path, found: CrossValidated) -> Result<()> {
    let mut checkpoint = Checkpoint::load(model)?;
    checkpoint.description.lineage.cross_validated = Some(found);
    checkpoint.save(model)
}

/// A cross-validation under way.
pub(super) struct Folds {
    job: Box<TrainJob>,
    chosen: Chosen,
    folds: Vec<Arc<PatchSet>>,
    trainer: Option<Trainer>,
    done: usize,
    found: Accuracy,
    /// The file of the model that it is about.
    kept: Option<PathBuf>,
}

impl Folds {
    fn new(job: Box<TrainJob>, folds: usize, kept: Option<PathBuf>) -> Result<Self> {
        let folds = split(&job.patches, job.config.seed, folds)?;
        let chosen = device::choose(job.device);
        Ok(Self { job, chosen, folds, trainer: None, done: 0, found: Accuracy::default(), kept })
    }

    fn progress(&self) -> FoldProgress {
        let part = self.trainer.as_ref().map_or(0.0, |trainer| {
            let step = trainer.step as f32 / trainer.steps.max(1) as f32;
            (trainer.epoch as f32 + step % 1.0) / self.job.config.epochs.max(1) as f32
        });
        let of = self.folds.len();
        FoldProgress {
            trained: self.done,
            of,
            share: (self.done as f32 + part) / of as f32,
            accuracy: self.found,
            over: self.done == of,
        }
    }

    /// A step of the present training, or what its judges say of it.
    fn step(&mut self) -> Result<()> {
        let Some(fold) = self.folds.get(self.done) else { return Ok(()) };
        let mut trainer = match self.trainer.take() {
            Some(trainer) => trainer,
            None => {
                let (config, chosen) = (self.job.config.clone(), &self.chosen);
                Trainer::new(config, &self.job.classes, fold.clone(), &chosen.device, chosen.tiled)?
            }
        };
        trainer.step()?;
        if !trainer.done() {
            self.trainer = Some(trainer);
            return Ok(());
        }
        let which: Vec<usize> = (0..fold.len()).filter(|&i| fold.held_out[i].is_some()).collect();
        let said = embed::classify_seen(&trainer.snapshot(), fold, trainer.seen(), &which)?;
        self.found.right +=
            which.iter().zip(&said).filter(|(i, class)| fold.held_out[**i] == Some(**class)).count();
        self.found.of += which.len();
        self.done += 1;
        Ok(())
    }
}

impl Engine<'_> {
    /// Begins a cross-validation.
    pub(super) fn validate(&mut self, mut job: Box<TrainJob>, folds: usize, kept: Option<PathBuf>) {
        self.stop_map();
        self.stop_spectra();
        // Beside a model it is about that model, whatever the settings of the next one are.
        if let Some(model) = self.model.as_ref().filter(|model| model.classes == job.classes) {
            job.config = TrainConfig { encore: None, ..model.train.clone() };
        }
        match Folds::new(job, folds, kept) {
            Ok(folds) => {
                self.tell(Event::Folds(folds.progress()));
                self.folds = Some(folds);
            }
            Err(error) => self.fail(&error),
        }
    }

    /// One step of a cross-validation under way.
    pub(super) fn validate_on(&mut self) {
        let Some(mut folds) = self.folds.take() else { return };
        let trained = folds.done;
        // A panic of the device must not leave the window waiting for it.
        let stepped = catch_unwind(AssertUnwindSafe(|| folds.step()));
        let stepped = stepped.unwrap_or_else(|panic| Err(Error::Training(panic_text(panic.as_ref()))));
        if let Err(error) = stepped {
            self.tell(Event::Folds(FoldProgress { over: true, ..folds.progress() }));
            return self.fail(&error);
        }
        let epoch = folds.trainer.as_ref().is_none_or(|trainer| trainer.step == trainer.steps);
        if epoch || folds.done > trained {
            self.tell(Event::Folds(folds.progress()));
        }
        if let Some(found) = folds.progress().found() {
            // It goes with the model from now on. Another one would have ended it.
            if let Some(model) = self.model.as_mut().filter(|model| model.classes == folds.job.classes) {
                model.lineage.cross_validated = Some(found);
            }
            if let Some(Err(error)) = folds.kept.as_deref().map(|path| write_found(path, found)) {
                self.tell(Event::Refused { message: error.to_string() });
            }
        }
        if folds.done < folds.folds.len() {
            self.folds = Some(folds);
        }
    }

    /// Ends a cross-validation early; what is known of it stays.
    pub(super) fn stop_validating(&mut self) {
        if let Some(folds) = self.folds.take() {
            self.tell(Event::Folds(FoldProgress { over: true, ..folds.progress() }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_judges_once_and_a_lone_one_teaches() {
        let labels: Vec<Option<usize>> = (0..20)
            .map(|i| match i {
                0..6 => Some(0),
                6..13 => Some(1),
                13 => Some(2),
                _ => None,
            })
            .collect();
        let patches = PatchSet {
            side: 1,
            wide: 1,
            pixels: vec![0.0; 20].into(),
            labels: labels.clone(),
            held_out: vec![None; 20],
        };
        let folds = split(&patches, 3, FOLDS).unwrap();
        assert_eq!(folds.len(), FOLDS);
        let mut times = [0; 20];
        for fold in &folds {
            for i in 0..20 {
                assert_eq!(fold.labels[i].or(fold.held_out[i]), labels[i]);
                assert!(fold.labels[i].is_none() || fold.held_out[i].is_none());
                times[i] += usize::from(fold.held_out[i].is_some());
            }
            // What judges is of both classes where that is possible, and enough is left to learn from.
            assert!(fold.labels.iter().flatten().filter(|c| **c == 0).count() >= 4);
        }
        assert!((0..13).all(|i| times[i] == 1) && (13..20).all(|i| times[i] == 0));
        let lone = PatchSet { labels: labels.iter().map(|l| l.filter(|c| *c == 2)).collect(), ..patches };
        assert!(split(&lone, 3, FOLDS).unwrap_err().to_string().contains("two labels"));
    }
}
