//! What a model says of all patches, found a slice at a time: neither a training under way, nor a question, nor the next
//! command has to wait for it.

use super::engine::Engine;
use super::message::Event;
use super::run::Run;
use crate::error::{Error, Result};
use crate::explore::embed;
use crate::model::vae::Vae;
use crate::particle::Prediction;
use crate::particle::patch::PatchSet;
use crate::train::present::Seen;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Patches of the first slice; the next ones are larger or smaller, so that each takes about [`SLICE`].
const FIRST: usize = 8;
const MOST: usize = 512;
const SLICE: Duration = Duration::from_millis(12);
/// Looks at the whole set begin at least this far apart...
const PAUSE: Duration = Duration::from_secs(1);
/// ... and take at most about this part of the time.
const SHARE: u32 = 5;

/// A look at all patches that is under way.
pub(super) struct Predicting {
    /// The model as it was when the look began.
    vae: Vae,
    patches: Arc<PatchSet>,
    seen: Option<Seen>,
    epoch: usize,
    found: Vec<Prediction>,
    spent: Duration,
    /// Patches of the next slice.
    next: usize,
}

impl Predicting {
    fn new(vae: Vae, patches: Arc<PatchSet>, seen: Option<Seen>, epoch: usize) -> Self {
        Self { vae, patches, seen, epoch, found: Vec::new(), spent: Duration::ZERO, next: FIRST }
    }

    /// The next slice; true once all patches were seen.
    fn slice(&mut self) -> Result<bool> {
        let began = Instant::now();
        let first = self.found.len();
        let which: Vec<usize> = (first..(first + self.next).min(self.patches.len())).collect();
        let found = embed::predict_seen(&self.vae, &self.patches, self.seen.as_ref(), &which)?;
        self.found.extend(found.into_iter().map(|(prediction, _)| prediction));
        let took = began.elapsed();
        self.spent += took;
        if took < SLICE / 2 {
            self.next = (self.next * 2).min(MOST);
        } else if took > SLICE {
            self.next = (self.next / 2).max(1);
        }
        Ok(self.found.len() >= self.patches.len())
    }

    fn told(self) -> Event {
        Event::Predictions { epoch: self.epoch, patches: self.patches, predictions: self.found.into() }
    }
}

impl Run {
    /// Begins a look at all patches, if it is time for one.
    pub(super) fn look(&mut self) {
        if self.predicting.is_none() && Instant::now() >= self.look_again {
            let (trainer, patches) = (&self.trainer, self.job.patches.clone());
            let look = Predicting::new(trainer.snapshot(), patches, trainer.seen().cloned(), trainer.epoch);
            self.predicting = Some(look);
        }
    }
}

impl Engine<'_> {
    /// Begins to ask the model that answers about patches; what it was asked before is forgotten.
    pub(super) fn classify(&mut self, patches: Arc<PatchSet>) {
        // What is asked now and what is saved next are one model.
        self.keep_up();
        let Some(model) = &self.model else {
            return self.fail(&Error::Training("there is no model yet; train one or open one".into()));
        };
        match embed::seen(&model.vae, &patches) {
            Ok(seen) => {
                let look = Predicting::new(model.vae.clone(), patches, seen, model.epochs);
                self.classifying = Some(Box::new(look));
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Goes on with it.
    pub(super) fn classify_on(&mut self) {
        let Some(mut look) = self.classifying.take() else { return };
        match look.slice() {
            Ok(false) => self.classifying = Some(look),
            Ok(true) => {
                let Predicting { patches, epoch, found, .. } = *look;
                let predictions: Arc<[Prediction]> = found.into();
                let told = (patches.clone(), predictions.clone());
                self.tell(Event::Predictions { epoch, patches: told.0, predictions: told.1 });
                // A training measures itself at its end.
                if self.run.is_none() {
                    self.check(&patches, &predictions);
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    /// Goes on with a look that is under way.
    pub(super) fn look_on(&mut self, run: &mut Run) {
        let Some(mut look) = run.predicting.take() else { return };
        match look.slice() {
            Ok(false) => run.predicting = Some(look),
            Ok(true) => {
                run.look_again = Instant::now() + PAUSE.max(look.spent * SHARE);
                self.tell(look.told());
            }
            // The training is not over: the next step finds out whether its device still answers.
            Err(error) => self.tell(Event::Refused { message: error.to_string() }),
        }
    }
}
