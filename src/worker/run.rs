//! A training run under way: what it works on, its clock and its speed.

use super::device::Chosen;
use super::message::{Accuracy, LossParts, Progress, TrainJob};
use super::predicting::Predicting;
use crate::error::Result;
use crate::particle::patch::PatchSet;
use crate::train::curve::{EpochPoint, has_settled};
use crate::train::lineage::Lineage;
use crate::train::present::Seen;
use crate::train::resume::Halted;
use crate::train::trainer::{Sums, Trainer};
use std::time::{Duration, Instant};

/// A training run under way.
pub(super) struct Run {
    pub job: Box<TrainJob>,
    pub trainer: Trainer,
    pub chosen: Chosen,
    /// The patches that only measure accuracy, ready to be seen.
    judges: Option<Seen>,
    /// A look at all patches that is under way, between the steps.
    pub predicting: Option<Predicting>,
    /// When the first step began.
    pub began: Option<Instant>,
    /// When the present pause began, and how long earlier ones lasted.
    pub pause: Option<Instant>,
    pub rested: Duration,
    pub pace: Pace,
    pub told: Instant,
    /// When the next look at all patches may begin.
    pub look_again: Instant,
    /// What it learned from, and what it has measured; with a training from a file, since its beginning.
    pub lineage: Lineage,
    pub curve: Vec<EpochPoint>,
}

/// How much is done, and how fast it went lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub steps: usize,
    pub images: usize,
    /// Time, steps and images when the speed was last taken.
    then: (Duration, usize, usize),
    images_per_second: f64,
    seconds_per_step: f64,
}

/// Seconds after which a speed counts for a third.
const MEMORY_S: f64 = 10.0;

impl Pace {
    /// Takes the speed after so much work, if enough of it is new.
    fn take(&mut self, worked: Duration) {
        let (then, steps, images) = self.then;
        let seconds = worked.saturating_sub(then).as_secs_f64();
        let first = self.images_per_second == 0.0 && seconds > 0.0;
        if self.steps > steps && (first || seconds > 0.5) {
            // The mean of the beginning, then one that forgets: single half seconds differ by a lot.
            let share = if first {
                1.0
            } else {
                (seconds / worked.as_secs_f64()).max(1.0 - (-seconds / MEMORY_S).exp())
            };
            let toward = |now: &mut f64, value: f64| *now += share * (value - *now);
            toward(&mut self.images_per_second, (self.images - images) as f64 / seconds);
            toward(&mut self.seconds_per_step, seconds / (self.steps - steps) as f64);
        }
        if seconds > 0.5 {
            self.then = (worked, self.steps, self.images);
        }
    }
}

/// No training settles before this part of its epochs.
const EARLIEST: usize = 4;

impl Run {
    /// A run that has not begun.
    pub fn new(job: Box<TrainJob>, trainer: Trainer, chosen: Chosen) -> Self {
        let now = Instant::now();
        let judges = job.validation.as_ref().and_then(|patches| Seen::new(patches, &trainer.vae.config));
        let mut lineage = Lineage { device: chosen.name.clone(), ..Lineage::default() };
        lineage.roles.take(&job.ids, &job.patches);
        Self {
            job,
            trainer,
            chosen,
            judges,
            predicting: None,
            began: None,
            pause: None,
            rested: Duration::ZERO,
            pace: Pace::default(),
            told: now,
            look_again: now + Duration::from_secs(1),
            lineage,
            curve: Vec::new(),
        }
    }

    /// Takes up what a training was that has been somewhere else before.
    pub fn follow(&mut self, lineage: Lineage, curve: Vec<EpochPoint>) {
        self.lineage.joined = lineage.joined;
        self.lineage.cross_validated = lineage.cross_validated;
        self.lineage.roles.taught.extend(lineage.roles.taught);
        self.lineage.roles.take(&self.job.ids, &self.job.patches);
        self.curve = curve;
    }

    /// Where it stands, to be written.
    ///
    /// # Errors
    /// A device that stops answering.
    pub fn halt(&self) -> Result<Halted> {
        let mut halted = self.trainer.halt(&self.job.classes)?;
        halted.halt.particles.clone_from(&self.job.ids);
        halted.halt.geometry.clone_from(&self.job.geometry);
        halted.halt.lineage = self.lineage.clone();
        halted.halt.curve.clone_from(&self.curve);
        Ok(halted)
    }

    /// Keeps what an epoch has measured.
    pub fn remember(&mut self, progress: &Progress) {
        if let Some(point) = progress.point() {
            self.curve.push(point);
        }
    }

    /// True if it is to stop because nothing gets better any more. Labels that joined are to be learned first, and what
    /// judges may be others since.
    pub fn has_settled(&self) -> bool {
        let config = &self.trainer.config;
        let Some(patience) = config.patience else { return false };
        let joined = self.lineage.joined.last().map_or(0, |epoch| epoch.saturating_sub(1));
        let from = config.encore.map_or(0, |encore| encore.from).max(joined);
        let first = self.curve.partition_point(|point| point.epoch <= from);
        let least = config.epochs.saturating_sub(from) / EARLIEST;
        let curve = &self.curve[first..];
        curve.len() >= least && has_settled(curve, patience)
    }

    /// Patches whose known classes measure accuracy, as they are seen.
    pub fn judges(&self) -> (&PatchSet, Option<&Seen>) {
        match &self.job.validation {
            Some(patches) => (patches, self.judges.as_ref()),
            None => (&self.job.patches, self.trainer.seen()),
        }
    }

    /// Time since the last thing it told: for a run that had ended, how long it lay still.
    pub fn halted_for(&self) -> Duration {
        self.told.elapsed()
    }

    /// Wall time since the first step, pauses left out.
    pub fn worked(&self) -> Duration {
        let pause = self.pause.map_or(Duration::ZERO, |p| p.elapsed());
        self.began.map_or(Duration::ZERO, |b| b.elapsed()).saturating_sub(self.rested + pause)
    }

    pub fn progress(&mut self, sums: Option<Sums>, accuracy: Option<Accuracy>) -> Progress {
        self.told = Instant::now();
        let worked = self.worked();
        self.pace.take(worked);
        let per_image = |x: f64| sums.map(|s| x / s.images.max(1) as f64);
        Progress {
            epoch: if sums.is_some() { self.trainer.epoch } else { self.trainer.epoch + 1 },
            epochs: self.trainer.config.epochs,
            step: self.trainer.step,
            steps: self.trainer.steps,
            seconds: worked.as_secs_f64(),
            images_per_second: self.pace.images_per_second,
            seconds_per_step: self.pace.seconds_per_step,
            loss: sums.and_then(|s| per_image(s.loss)),
            parts: sums.and_then(|s| {
                Some(LossParts {
                    reconstruction: per_image(s.reconstruction)?,
                    kl_latent: per_image(s.kl_latent)?,
                    kl_class: per_image(s.kl_class)?,
                })
            }),
            accuracy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::device;
    use super::super::message::DeviceChoice;
    use super::*;
    use crate::train::config::TrainConfig;
    use std::sync::Arc;

    #[test]
    fn labels_that_joined_are_learned_before_a_training_settles() {
        let patches = Arc::new(PatchSet {
            side: 4,
            wide: 4,
            pixels: vec![0.5; 32].into(),
            labels: vec![None; 2],
            held_out: vec![None; 2],
        });
        let config = TrainConfig { epochs: 40, patience: Some(5), ..TrainConfig::proposed().with_hidden(4) };
        let (classes, chosen) = (vec!["all".to_owned()], device::cpu(None));
        let trainer =
            Trainer::new(config.clone(), &classes, patches.clone(), &chosen.device, chosen.tiled).unwrap();
        let job = Box::new(TrainJob {
            config,
            classes,
            patches,
            ids: Vec::new(),
            validation: None,
            geometry: None,
            device: DeviceChoice::Cpu,
        });
        let mut run = Run::new(job, trainer, chosen);
        // One judge is right in every epoch, and the loss stays as it is.
        let flat = |epoch| EpochPoint {
            epoch,
            loss: 300.0,
            accuracy: Some(Accuracy { right: 1, of: 1 }),
            ..EpochPoint::default()
        };
        run.curve = (1..=20).map(flat).collect();
        assert!(run.has_settled());
        run.lineage.join(21);
        assert!(!run.has_settled());
        run.curve.extend((21..=25).map(flat));
        assert!(!run.has_settled());
        run.curve.push(flat(26));
        assert!(run.has_settled());
    }
}
