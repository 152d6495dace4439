//! A run on spectra as the window sees it: the spectra, settings, phase, what was found. No widgets.

use crate::app::jobs::JobId;
use crate::app::run::Phase;
use crate::spectrum::{Found, Spectra};
use crate::train::config::Preset;
use crate::worker::spectra::{MapSettings, SpectraEvent, SpectraProgress, SpectraTold};
use std::path::PathBuf;
use std::sync::Arc;

/// Spectra that are drawn faintly behind the mean.
const FEW: usize = 12;

/// What the panes of this workspace ask of the program.
#[derive(Clone, Debug, PartialEq)]
pub enum SpectraAsk {
    /// Peaks with known places and widths, made on the spot.
    Sample,
    Open(PathBuf),
    Settings(Box<MapSettings>),
    /// Unit of the axis.
    Unit(String),
    /// What the model makes of one spectrum.
    Model(usize),
    ExportTo(PathBuf),
}

/// The spectra that are open.
pub struct Subject {
    pub name: String,
    pub spectra: Arc<Spectra>,
    /// `[points]`
    pub mean: Vec<f64>,
    /// A few, evenly among all.
    pub few: Vec<usize>,
}

impl Subject {
    /// Ready to be drawn.
    pub fn new(name: impl Into<String>, spectra: Spectra) -> Self {
        let (count, mean) = (spectra.count(), spectra.mean());
        let few = count.min(FEW);
        let few = (0..few).map(|i| i * count / few.max(1)).collect();
        Self { name: name.into(), spectra: Arc::new(spectra), mean, few }
    }
}

/// The spectra, and the current or last run on them.
pub struct SpectraWork {
    pub settings: MapSettings,
    pub phase: Phase,
    /// What reads a file: the newest alone counts.
    pub opening: Option<JobId>,
    pub subject: Option<Arc<Subject>>,
    /// Unit of the axis; empty where it is not known.
    pub unit: String,
    /// Counts runs: what an older one still tells is not heard.
    pub run: u64,
    pub progress: Option<SpectraProgress>,
    /// Epoch from 1, and its negative ELBO a spectrum in nats.
    pub curve: Vec<[f64; 2]>,
    pub found: Option<Arc<Found>>,
    /// Grows whenever the spectra or what was found change.
    pub revision: u64,
    /// What the model made of the spectrum asked about last.
    pub answer: Option<(usize, Arc<[f32]>)>,
}

impl Default for SpectraWork {
    fn default() -> Self {
        Self {
            settings: MapSettings::spectra(Preset::Default),
            phase: Phase::Idle,
            opening: None,
            subject: None,
            unit: String::new(),
            run: 0,
            progress: None,
            curve: Vec::new(),
            found: None,
            revision: 0,
            answer: None,
        }
    }
}

impl SpectraWork {
    /// Other spectra: nothing of the old ones stays but the settings.
    pub fn open(&mut self, subject: Subject) {
        *self = Self {
            settings: std::mem::replace(&mut self.settings, MapSettings::spectra(Preset::Default)),
            opening: self.opening,
            unit: subject.spectra.unit.clone(),
            subject: Some(Arc::new(subject)),
            run: self.run + 1,
            revision: self.revision + 1,
            ..Self::default()
        };
    }

    /// Ready for a run that is about to begin.
    pub fn begin(&mut self) {
        self.phase = Phase::Starting;
        self.run += 1;
        self.revision += 1;
        self.progress = None;
        self.curve.clear();
        self.found = None;
        self.answer = None;
    }

    /// Takes what the worker tells; true if it is of this run.
    pub fn take(&mut self, event: &SpectraEvent) -> bool {
        if event.run != self.run {
            return false;
        }
        match &event.told {
            SpectraTold::WarmingUp if self.phase.can_pause() => {
                self.phase = Phase::WarmingUp { done: 0, of: 1 };
            }
            SpectraTold::Progress(progress) => {
                // A sign of life ends the start-up, but not a pause or a stop that were asked for.
                if self.phase.can_pause() {
                    self.phase = Phase::Running;
                }
                if let Some(loss) = progress.loss {
                    self.curve.push([progress.epoch as f64, loss]);
                }
                self.progress = Some(*progress);
            }
            SpectraTold::Found(found) => {
                self.found = Some(found.clone());
                self.revision += 1;
            }
            SpectraTold::Paused if self.phase.is_active() => self.phase = Phase::Paused,
            SpectraTold::Resumed if self.phase == Phase::Paused => self.phase = Phase::Running,
            SpectraTold::Ended { reason, seconds } => {
                let epochs = self.curve.len();
                self.phase = Phase::Ended { reason: *reason, epochs, seconds: *seconds };
            }
            SpectraTold::Failed { message, details } => {
                self.phase = Phase::Failed { message: message.clone(), details: details.clone() };
            }
            SpectraTold::Answer { index, curve } => self.answer = Some((*index, curve.clone())),
            _ => {}
        }
        true
    }

    /// How far the run is, 0..=1.
    pub fn share(&self) -> Option<f32> {
        match (&self.phase, &self.progress) {
            (Phase::Running | Phase::Paused | Phase::Stopping, Some(p)) => {
                Some(((p.epoch.saturating_sub(1) as f32 + p.share) / p.epochs.max(1) as f32).min(1.0))
            }
            (phase, _) if phase.is_active() => Some(0.0),
            _ => None,
        }
    }

    /// Name of the axis, with its unit where that is known.
    pub fn axis(&self) -> String {
        if self.unit.is_empty() { "x".to_owned() } else { format!("x ({})", self.unit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::message::FinishReason;

    fn progress(epoch: usize, loss: Option<f64>) -> SpectraTold {
        SpectraTold::Progress(SpectraProgress { epoch, epochs: 4, share: 1.0, seconds: 1.0, loss })
    }

    #[test]
    fn what_an_older_run_still_tells_is_not_heard() {
        let mut work = SpectraWork::default();
        work.begin();
        let old = work.run;
        assert!(work.take(&SpectraEvent { run: old, told: progress(1, Some(9.0)) }));
        assert_eq!((work.share(), work.curve.len()), (Some(0.25), 1));
        work.begin();
        assert!(!work.take(&SpectraEvent { run: old, told: progress(2, Some(8.0)) }));
        let ended = SpectraTold::Ended { reason: FinishReason::Stopped, seconds: 1.0 };
        assert!(!work.take(&SpectraEvent { run: old, told: ended.clone() }));
        assert_eq!((work.phase.clone(), work.curve.len()), (Phase::Starting, 0));
        assert!(work.take(&SpectraEvent { run: work.run, told: ended }) && !work.phase.is_active());
    }

    #[test]
    fn a_few_spectra_lie_among_all() {
        let spectra = |n: usize| Spectra::new((0..8).map(f64::from).collect(), vec![0.5; 8 * n]).unwrap();
        assert_eq!(Subject::new("a", spectra(8)).few, (0..8).collect::<Vec<_>>());
        let many = Subject::new("a", spectra(1200)).few;
        assert_eq!((many.len(), many[0], many[11]), (12, 0, 1100));
    }
}
