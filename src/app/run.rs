//! A training run as the window sees it: phase, curve, predictions.

use crate::library::report::wilson;
use crate::particle::patch::PatchGeometry;
use crate::particle::{ClassId, ParticleId, Prediction};
pub use crate::train::curve::{EpochPoint, smoothed};
use crate::train::lineage::{CrossValidated, Lineage};
use crate::worker::job::{Dataset, KnownClass};
use crate::worker::message::{Accuracy, DeviceChoice, Event, FinishReason, FoldProgress, Progress, Sanity};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    #[default]
    Idle,
    /// Patches are cut; 0..=1.
    Preparing {
        share: f32,
    },
    /// The worker has the job and has not answered yet.
    Starting,
    WarmingUp {
        done: usize,
        of: usize,
    },
    Running,
    Paused,
    /// Stop was asked; the step under way is finished first.
    Stopping,
    Ended {
        reason: FinishReason,
        epochs: usize,
        seconds: f64,
    },
    Failed {
        message: String,
        details: String,
    },
}

impl Phase {
    /// True from the press of Train to the end.
    pub fn is_active(&self) -> bool {
        !matches!(self, Phase::Idle | Phase::Ended { .. } | Phase::Failed { .. })
    }

    /// True while the worker makes steps, or is about to.
    pub fn can_pause(&self) -> bool {
        matches!(self, Phase::Starting | Phase::WarmingUp { .. } | Phase::Running)
    }
}

/// The current or last run.
#[derive(Default)]
pub struct Training {
    pub phase: Phase,
    pub progress: Option<Progress>,
    pub curve: Vec<EpochPoint>,
    /// The device that computes, once it is known.
    pub device: Option<String>,
    /// Why it is not the one asked for.
    pub fallback: Option<String>,
    pub choice: DeviceChoice,
    /// The current model: its classes (project's class where it has one) and size.
    pub model: Option<Model>,
    /// The last model measured on its own patches.
    pub sanity: Option<Arc<Sanity>>,
    /// The cross-validation that runs, or the last one.
    pub folds: Option<FoldProgress>,
    /// The last one of this model that came to its end.
    pub validated: Option<CrossValidated>,
    /// Epochs before which new labels joined.
    pub joined: Vec<usize>,
    /// What the worker trains on, or last trained on.
    pub dataset: Option<Arc<Dataset>>,
    /// What the current model learned from.
    pub lineage: Lineage,
    /// Hold-out accuracy of a model that is not that of the curve's last point.
    pub judged: Option<Accuracy>,
    /// Where the current model is kept; nowhere while it learns.
    pub kept: Option<PathBuf>,
    /// The training that was written last is not that of the current model.
    pub stateless: bool,
}

/// What the window knows of the model in the worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub classes: Vec<KnownClass>,
    pub latent: usize,
    /// How the patches are cut that it understands, where that is known.
    pub geometry: Option<PatchGeometry>,
}

/// A number larger than all that were given before: what is kept under it is never taken for that of another model.
pub fn stamp() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Predictions and the particles they belong to.
#[derive(Clone)]
pub struct Results {
    pub ids: Arc<[ParticleId]>,
    /// The project's class of each model class; `None` if it has been removed.
    pub classes: Vec<Option<ClassId>>,
    pub predictions: Arc<[Prediction]>,
    /// Of this arrival alone, see [`stamp`].
    pub revision: u64,
    places: Arc<HashMap<ParticleId, usize>>,
}

impl Results {
    /// Predictions for `ids` in order; `before` lends its index if it is for the same particles.
    pub fn new(
        ids: Arc<[ParticleId]>,
        classes: Vec<Option<ClassId>>,
        predictions: Arc<[Prediction]>,
        before: Option<&Results>,
    ) -> Self {
        let places = match before {
            Some(before) if Arc::ptr_eq(&before.ids, &ids) => before.places.clone(),
            _ => Arc::new(ids.iter().enumerate().map(|(i, id)| (*id, i)).collect()),
        };
        Self { ids, classes, predictions, revision: stamp(), places }
    }

    /// What the model says of a particle, if it has seen it.
    pub fn of(&self, id: ParticleId) -> Option<&Prediction> {
        self.places.get(&id).and_then(|place| self.predictions.get(*place))
    }

    /// The most probable class of a prediction (if the project still has it) and its probability.
    pub fn best(&self, prediction: &Prediction) -> (Option<ClassId>, f32) {
        let best = prediction.best();
        let probability = prediction.probabilities.get(best).copied().unwrap_or(0.0);
        (self.classes.get(best).copied().flatten(), probability)
    }
}

impl Training {
    /// Ready for a run that is about to begin.
    pub fn begin(&mut self) {
        self.phase = Phase::Preparing { share: 0.0 };
        self.progress = None;
        self.curve.clear();
        self.joined.clear();
        self.sanity = None;
        self.fallback = None;
        (self.kept, self.stateless, self.judged) = (None, false, None);
    }

    /// The particles whose labels judge the current model.
    pub fn judges(&self) -> BTreeSet<ParticleId> {
        self.dataset.as_ref().map(|dataset| dataset.judges()).unwrap_or_default()
    }

    /// The current model's classes.
    pub fn classes(&self) -> &[KnownClass] {
        self.model.as_ref().map_or(&[], |model| &model.classes)
    }

    /// Takes what the worker tells of the run; other events change nothing here.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Device { name, fallback } => {
                self.device = Some(name.clone());
                self.fallback.clone_from(fallback);
            }
            Event::WarmingUp { done, of } if self.phase.can_pause() => {
                self.phase = Phase::WarmingUp { done: *done, of: *of };
            }
            Event::Progress(progress) if self.phase.is_active() => self.progressed(progress),
            Event::Relabelled { epoch, afresh } => {
                if *afresh {
                    // The curve was that of another training.
                    self.curve.clear();
                    self.joined.clear();
                }
                self.joined.push(*epoch);
                (self.kept, self.judged) = (None, None);
                if !self.phase.is_active() {
                    self.phase = Phase::Running;
                }
            }
            Event::Folds(folds) => {
                self.folds = Some(*folds);
                self.validated = folds.found().or(self.validated);
            }
            Event::Checked(sanity) => self.sanity = Some(sanity.clone()),
            Event::Paused if self.phase.is_active() => self.phase = Phase::Paused,
            Event::Resumed if self.phase == Phase::Paused => self.phase = Phase::Running,
            Event::Finished { reason, epochs, seconds, accuracy } if self.phase.is_active() => {
                self.phase = Phase::Ended { reason: *reason, epochs: *epochs, seconds: *seconds };
                self.judged = *accuracy;
                // The one that was at work was not finished.
                if let Some(progress) = &mut self.progress {
                    progress.epoch = *epochs;
                }
            }
            Event::Failed { message, details } if self.phase.is_active() => {
                self.phase = Phase::Failed { message: message.clone(), details: details.clone() };
            }
            _ => {}
        }
    }

    fn progressed(&mut self, progress: &Progress) {
        if self.phase.can_pause() {
            self.phase = Phase::Running;
        }
        if let Some(point) = progress.point() {
            // What came later belongs to a training that was lost with its device.
            self.curve.retain(|known| known.epoch < point.epoch);
            self.joined.retain(|epoch| *epoch <= point.epoch);
            self.curve.push(point);
            self.judged = None;
        }
        self.progress = Some(progress.clone());
    }

    /// The hold-out accuracy of the model.
    pub fn accuracy(&self) -> Option<Accuracy> {
        self.judged.or_else(|| self.curve.iter().rev().find_map(|point| point.accuracy))
    }
}

/// Wilson's 95 % interval of a share; `None` if nothing was counted.
pub fn interval(accuracy: Accuracy) -> Option<(f64, f64)> {
    wilson(accuracy.right, accuracy.of).map(|[low, high]| (low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(epoch: usize, loss: Option<f64>) -> Event {
        Event::Progress(Progress { epoch, epochs: 9, loss, ..Progress::default() })
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let mut run = Training::default();
        run.begin();
        run.phase = Phase::Starting;
        run.take(&Event::Device { name: "CPU".into(), fallback: Some("no GPU here".into()) });
        run.take(&Event::WarmingUp { done: 1, of: 4 });
        assert_eq!(run.phase, Phase::WarmingUp { done: 1, of: 4 });
        run.take(&progress(1, None));
        assert_eq!(run.phase, Phase::Running);
        run.take(&progress(1, Some(300.0)));
        run.take(&progress(2, Some(200.0)));
        run.take(&Event::Paused);
        // A progress that was on its way does not end the pause.
        run.take(&progress(3, None));
        assert_eq!(run.phase, Phase::Paused);
        run.take(&Event::Resumed);
        assert_eq!(run.phase, Phase::Running);
        run.take(&Event::Finished {
            reason: FinishReason::Stopped,
            epochs: 2,
            seconds: 1.5,
            accuracy: Some(Accuracy { right: 4, of: 5 }),
        });
        assert!(!run.phase.is_active());
        // What stays is what is judged, and counts the epochs that it has finished.
        assert_eq!(run.accuracy(), Some(Accuracy { right: 4, of: 5 }));
        assert_eq!(run.progress.as_ref().map(|progress| progress.epoch), Some(2));
        assert_eq!(run.curve.iter().map(|p| p.loss).collect::<Vec<_>>(), [300.0, 200.0]);
        assert_eq!(run.fallback.as_deref(), Some("no GPU here"));
    }

    #[test]
    fn a_training_that_starts_again_on_another_device_begins_its_curve_again() {
        let mut run = Training::default();
        run.begin();
        run.phase = Phase::Starting;
        for epoch in 1..=5 {
            run.take(&progress(epoch, Some(100.0)));
        }
        run.joined.push(4);
        run.take(&Event::Device { name: "CPU".into(), fallback: Some("the GPU stopped answering".into()) });
        run.take(&progress(1, Some(300.0)));
        assert_eq!(run.curve.iter().map(|p| p.loss).collect::<Vec<_>>(), [300.0]);
        assert!(run.joined.is_empty());
    }

    #[test]
    fn stopping_is_not_undone_by_late_progress() {
        let mut run = Training { phase: Phase::Stopping, ..Training::default() };
        run.take(&progress(1, Some(1.0)));
        assert_eq!(run.phase, Phase::Stopping);
    }

    #[test]
    fn wilson_interval_is_the_known_one() {
        // 9 of 10: 0.5958 to 0.9821 (R's prop.test without continuity correction).
        let (low, high) = interval(Accuracy { right: 9, of: 10 }).unwrap();
        assert!((low - 0.5958).abs() < 1e-3 && (high - 0.9821).abs() < 1e-3, "{low} {high}");
        assert_eq!(interval(Accuracy { right: 0, of: 0 }), None);
    }
}
