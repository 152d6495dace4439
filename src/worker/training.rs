//! Training in the worker's loop: a run begins, steps, ends its epochs, and falls back to the CPU where a GPU fails.

use super::device::{self, Chosen};
use super::engine::{Engine, panic_text};
use super::message::{Accuracy, Event, FinishReason, TrainJob};
use super::run::Run;
use crate::error::Error;
use crate::explore::embed;
use crate::particle::patch::PatchSet;
use crate::train::present::Seen;
use crate::train::trainer::{Sums, Trainer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// At most about 15 progress events a second.
const TELL: Duration = Duration::from_millis(66);
/// On a GPU the first steps compile shaders; after this many they run at full speed.
pub(super) const WARM_UP: usize = 3;

impl Engine<'_> {
    pub(super) fn begin(&mut self, job: Box<TrainJob>) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        self.stop_others();
        self.ended = None;
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.start(job, chosen);
    }

    fn start(&mut self, job: Box<TrainJob>, chosen: Chosen) {
        let (device, tiled) = (&chosen.device, chosen.tiled);
        // The patches go to the device here, which may have no room for them or be gone.
        let made = catch_unwind(AssertUnwindSafe(|| {
            Trainer::new(job.config.clone(), &job.classes, job.patches.clone(), device, tiled)
        }));
        match made {
            Ok(Ok(trainer)) => {
                self.warms_up(&chosen);
                self.run = Some(Run::new(job, trainer, chosen));
            }
            Ok(Err(e @ Error::Device(_))) => self.start_elsewhere(job, &chosen, &e.to_string()),
            Ok(Err(e)) => self.fail(&e),
            Err(panic) => self.start_elsewhere(job, &chosen, &panic_text(panic.as_ref())),
        }
    }

    /// Says that a GPU is prepared, before its first step, which takes longest.
    pub(super) fn warms_up(&mut self, chosen: &Chosen) {
        if !chosen.tiled {
            self.tell(Event::WarmingUp { done: 0, of: WARM_UP });
        }
    }

    pub(super) fn step(&mut self) {
        let Some(mut run) = self.run.take() else { return };
        run.began.get_or_insert_with(Instant::now);
        let stepped = catch_unwind(AssertUnwindSafe(|| run.trainer.step()));
        let step = match stepped {
            Ok(Ok(step)) => step,
            Ok(Err(Error::Training(message))) => {
                self.keep(&run);
                return self.tell(Event::Failed { details: message.clone(), message });
            }
            Ok(Err(e)) => return self.lost(run, &e.to_string()),
            Err(panic) => return self.lost(run, &panic_text(panic.as_ref())),
        };
        run.pace.steps += 1;
        run.pace.images += step.images;
        if !run.chosen.tiled && run.pace.steps <= WARM_UP {
            self.tell(Event::WarmingUp { done: run.pace.steps, of: WARM_UP });
        }
        match step.epoch {
            Some(sums) => self.end_of_epoch(&mut run, sums),
            None if run.told.elapsed() >= TELL => {
                let progress = run.progress(None, None);
                self.tell(Event::Progress(progress));
            }
            None => {}
        }
        self.look_on(&mut run);
        let settled = step.epoch.is_some() && run.has_settled();
        let over = if run.trainer.done() {
            Some(FinishReason::AllEpochs)
        } else {
            settled.then_some(FinishReason::Settled)
        };
        self.run = Some(run);
        if let Some(reason) = over {
            self.finish(reason);
        }
    }

    /// The device failed in mid-training: a GPU is given up for the CPU, from the beginning.
    fn lost(&mut self, mut run: Run, why: &str) {
        run.job.config.encore = None; // it went on from weights that are lost
        self.start_elsewhere(run.job, &run.chosen, why);
    }

    /// From the beginning on the CPU, if it was not there that it failed.
    fn start_elsewhere(&mut self, job: Box<TrainJob>, failed: &Chosen, why: &str) {
        if failed.tiled {
            return self.tell(Event::Failed {
                message: "the computation failed unexpectedly; nothing of your work is lost".into(),
                details: why.to_owned(),
            });
        }
        device::give_up_the_gpu();
        let chosen = device::cpu(Some(format!(
            "The GPU stopped answering ({why}); training starts again on the CPU."
        )));
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.start(job, chosen);
    }

    fn end_of_epoch(&mut self, run: &mut Run, sums: Sums) {
        self.keep(run);
        let (patches, seen) = run.judges();
        let accuracy = self.accuracy(patches, seen);
        let progress = run.progress(Some(sums), accuracy);
        run.remember(&progress);
        self.tell(Event::Progress(progress));
        if !run.trainer.done() {
            run.look();
        }
    }

    fn accuracy(&mut self, patches: &PatchSet, seen: Option<&Seen>) -> Option<Accuracy> {
        let model = self.model.as_ref()?;
        let which: Vec<usize> = (0..patches.len()).filter(|&i| patches.held_out[i].is_some()).collect();
        if which.is_empty() {
            return None;
        }
        match embed::classify_seen(&model.vae, patches, seen, &which) {
            Ok(found) => {
                let right =
                    which.iter().zip(&found).filter(|(i, c)| patches.held_out[**i] == Some(**c)).count();
                Some(Accuracy { right, of: which.len() })
            }
            Err(e) => {
                self.tell(Event::Refused { message: e.to_string() });
                None
            }
        }
    }

    pub(super) fn finish(&mut self, reason: FinishReason) {
        let Some(run) = self.run.take() else { return };
        self.keep(&run);
        // What it was measured by at the end of its last epoch is not this model any more.
        let (patches, seen) = run.judges();
        let learned_on = (1..run.trainer.steps).contains(&run.trainer.step);
        let accuracy = if learned_on { self.accuracy(patches, seen) } else { None };
        if let Some(predictions) = self.predict(&run.job.patches) {
            self.check(&run.job.patches, &predictions);
        }
        let (epochs, seconds) = (run.trainer.epoch, run.worked().as_secs_f64());
        self.tell(Event::Finished { reason, epochs, seconds, accuracy });
        self.ended = Some(run);
    }
}
