//! Runs on spectra: what is asked of the worker, what it tells, and the work itself.

use super::device::{self, Chosen};
use super::engine::{Engine, panic_text};
use super::message::{DeviceChoice, Event, FinishReason};
use crate::error::{Error, Result};
use crate::explore::spectra::{Asking, Learning, reconstruct};
use crate::library::spectra::SpectraFolder;
use crate::model::vae::Vae;
use crate::spectrum::{Found, Spectra};
use crate::train::shift;
pub use crate::train::shift::MapSettings;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// At most about 15 progress events a second.
const TELL: Duration = Duration::from_millis(66);
/// What the model says of all spectra is asked while it learns at least so far apart, and takes at most a part of the time.
const REFRESH: Duration = Duration::from_millis(1500);
const PART: u32 = 5;

/// What is asked.
#[derive(Clone, Debug)]
pub enum SpectraCommand {
    /// Learn; any other run is stopped first.
    Learn(Box<SpectraJob>),
    Pause,
    Resume,
    /// End after the current step; what was found last stays.
    Stop,
    /// What the model makes of one spectrum; only the newest question is answered.
    Ask(usize),
    /// Write all that was found last into a new folder, with this unit of the axis.
    Write {
        folder: PathBuf,
        unit: String,
    },
}

/// One run.
#[derive(Clone, Debug)]
pub struct SpectraJob {
    /// Told with every event, so that those of an older run are known.
    pub run: u64,
    /// Name of the file they came from.
    pub name: String,
    pub spectra: Arc<Spectra>,
    pub settings: MapSettings,
    pub device: DeviceChoice,
}

/// What a run tells.
#[derive(Clone, Debug)]
pub struct SpectraEvent {
    /// See [`SpectraJob::run`].
    pub run: u64,
    pub told: SpectraTold,
}

#[derive(Clone, Debug)]
pub enum SpectraTold {
    /// Before the first step on a GPU, whose programs are compiled and tuned.
    WarmingUp,
    /// At most about 15 a second.
    Progress(SpectraProgress),
    /// What the model says of all spectra, now and then while it learns and at the end.
    Found(Arc<Found>),
    Paused,
    Resumed,
    Ended {
        reason: FinishReason,
        seconds: f64,
    },
    /// What happened and what to do; what was found before stays.
    Failed {
        message: String,
        details: String,
    },
    /// What the model makes of a spectrum, `[points]` in its units.
    Answer {
        index: usize,
        curve: Arc<[f32]>,
    },
    Written(PathBuf),
    NotWritten(String),
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SpectraProgress {
    /// Epoch at work, from 1.
    pub epoch: usize,
    pub epochs: usize,
    /// Share of the epoch done, 0..=1.
    pub share: f32,
    pub seconds: f64,
    /// After an epoch: negative ELBO a spectrum, nats.
    pub loss: Option<f64>,
}

/// A run under way, what was found last, and the newest question.
#[derive(Default)]
pub(super) struct Desk {
    run: Option<SpectraRun>,
    held: Option<Held>,
    asked: Option<usize>,
}

impl Desk {
    /// True while a run is under way, paused or not.
    pub fn learns(&self) -> bool {
        self.run.is_some()
    }

    /// True if there is something to do without being told.
    pub fn is_busy(&self) -> bool {
        self.asked.is_some() || self.run.as_ref().is_some_and(|run| run.pause.is_none())
    }
}

/// What was found, and the model that found it.
struct Held {
    job: Arc<SpectraJob>,
    found: Arc<Found>,
    vae: Vae,
    seconds: f64,
    device: String,
}

struct SpectraRun {
    job: Arc<SpectraJob>,
    chosen: Chosen,
    /// `None` until the first turn.
    learning: Option<Learning>,
    began: Instant,
    pause: Option<Instant>,
    rested: Duration,
    told: Instant,
    /// All spectra are being asked, for so long.
    asking: Option<(Asking, Duration)>,
    /// When that was done last, and how long it took.
    asked: Option<(Instant, Duration)>,
}

impl Engine<'_> {
    pub(super) fn obey_spectra(&mut self, command: SpectraCommand) {
        match command {
            SpectraCommand::Learn(job) => self.begin_spectra(*job),
            SpectraCommand::Stop => self.stop_spectra(),
            SpectraCommand::Ask(index) => self.spectra.asked = Some(index),
            SpectraCommand::Write { folder, unit } => self.write_spectra(&folder, &unit),
            SpectraCommand::Pause => {
                if let Some(run) = self.spectra.run.as_mut().filter(|run| run.pause.is_none()) {
                    run.pause = Some(Instant::now());
                    let run = run.job.run;
                    self.tell_spectra(run, SpectraTold::Paused);
                }
            }
            SpectraCommand::Resume => {
                if let Some(run) = &mut self.spectra.run
                    && let Some(pause) = run.pause.take()
                {
                    run.rested += pause.elapsed();
                    let run = run.job.run;
                    self.tell_spectra(run, SpectraTold::Resumed);
                }
            }
        }
    }

    fn tell_spectra(&mut self, run: u64, told: SpectraTold) {
        self.tell(Event::Spectra(SpectraEvent { run, told }));
    }

    fn begin_spectra(&mut self, job: SpectraJob) {
        if self.run.is_some() {
            self.finish(FinishReason::Stopped);
        }
        self.stop_others();
        let chosen = device::choose(job.device);
        self.tell(Event::Device { name: chosen.name.clone(), fallback: chosen.fallback.clone() });
        self.spectra = Desk { run: Some(SpectraRun::new(job, chosen)), ..Desk::default() };
    }

    /// Ends a run; what was found last stays and answers.
    pub(super) fn stop_spectra(&mut self) {
        if let Some(run) = self.spectra.run.take() {
            let seconds = run.seconds();
            self.tell_spectra(run.job.run, SpectraTold::Ended { reason: FinishReason::Stopped, seconds });
        }
    }

    /// A step of the run and an answer, if they are due.
    pub(super) fn spectra_turn(&mut self) {
        if let Some(run) = self.spectra.run.take_if(|run| run.pause.is_none()) {
            self.step_spectra(run);
        }
        if let Some(index) = self.spectra.asked.take()
            && let Some(held) = &self.spectra.held
        {
            let run = held.job.run;
            match reconstruct(&held.vae, &held.job.spectra, index) {
                Ok(curve) => self.tell_spectra(run, SpectraTold::Answer { index, curve: curve.into() }),
                Err(error) => self.fail(&error),
            }
        }
    }

    fn step_spectra(&mut self, mut run: SpectraRun) {
        let id = run.job.run;
        let mut told = Vec::new();
        let stepped = catch_unwind(AssertUnwindSafe(|| run.step(&mut |what| told.push(what))));
        told.into_iter().for_each(|what| self.tell_spectra(id, what));
        let (message, details) = match stepped {
            Ok(Ok(held)) => {
                if let Some(held) = held {
                    self.tell_spectra(id, SpectraTold::Found(held.found.clone()));
                    self.spectra.held = Some(held);
                }
                if run.is_over() {
                    let seconds = run.seconds();
                    return self
                        .tell_spectra(id, SpectraTold::Ended { reason: FinishReason::AllEpochs, seconds });
                }
                self.spectra.run = Some(run);
                return;
            }
            Ok(Err(error)) => (error.to_string(), format!("{error:?}")),
            Err(panic) => (
                "the computation failed unexpectedly; what was found before stays. Try again on the CPU"
                    .into(),
                panic_text(panic.as_ref()),
            ),
        };
        self.tell_spectra(id, SpectraTold::Failed { message, details });
    }

    fn write_spectra(&mut self, folder: &Path, unit: &str) {
        let Some(held) = &self.spectra.held else {
            let error = Error::Training("nothing has been found in spectra yet; learn first".into());
            return self.fail(&error);
        };
        let (run, job) = (held.job.run, &held.job);
        let written = serde_json::to_value(&job.settings)
            .map_err(|e| Error::invalid("settings", e.to_string()))
            .and_then(|settings| {
                let content = SpectraFolder {
                    name: &job.name,
                    spectra: &job.spectra,
                    found: &held.found,
                    unit,
                    settings,
                    seconds: held.seconds,
                    device: &held.device,
                    command: None,
                };
                content.export(folder, |path| shift::save(&held.vae, &job.settings, path))
            });
        let told = match written {
            Ok(()) => SpectraTold::Written(folder.to_owned()),
            Err(error) => SpectraTold::NotWritten(error.to_string()),
        };
        self.tell_spectra(run, told);
    }
}

impl SpectraRun {
    fn new(job: SpectraJob, chosen: Chosen) -> Self {
        let now = Instant::now();
        Self {
            job: Arc::new(job),
            chosen,
            learning: None,
            began: now,
            pause: None,
            rested: Duration::ZERO,
            told: now,
            asking: None,
            asked: None,
        }
    }

    fn seconds(&self) -> f64 {
        let pause = self.pause.map_or(Duration::ZERO, |pause| pause.elapsed());
        self.began.elapsed().saturating_sub(self.rested + pause).as_secs_f64()
    }

    /// The next step; what is found, where that is due.
    fn step(&mut self, tell: &mut dyn FnMut(SpectraTold)) -> Result<Option<Held>> {
        let Some(learning) = &mut self.learning else {
            let (job, chosen) = (&self.job, &self.chosen);
            let learning = Learning::new(job.spectra.clone(), &job.settings, &chosen.device, chosen.tiled)?;
            self.learning = Some(learning);
            let progress = SpectraProgress { epoch: 1, epochs: job.settings.epochs, ..Default::default() };
            tell(if chosen.tiled { SpectraTold::Progress(progress) } else { SpectraTold::WarmingUp });
            return Ok(None);
        };
        if let Some((asking, took)) = self.asking.take() {
            return self.look(asking, took);
        }
        let loss = learning.step()?;
        let (complete, step, steps) = learning.progress();
        // What the model says of all spectra is asked at the end and now and then before.
        let due = self.asked.is_none_or(|(at, took)| at.elapsed() >= REFRESH.max(took * PART));
        if loss.is_some() && (due || learning.done()) {
            self.asking = Some((learning.ask(), Duration::ZERO));
        }
        if loss.is_some() || self.told.elapsed() >= TELL {
            self.told = Instant::now();
            let ended = loss.is_some();
            tell(SpectraTold::Progress(SpectraProgress {
                epoch: if ended { complete } else { complete + 1 },
                epochs: self.job.settings.epochs,
                share: if ended { 1.0 } else { step as f32 / steps.max(1) as f32 },
                seconds: self.seconds(),
                loss: loss.map(|loss| loss.loss),
            }));
        }
        Ok(None)
    }

    /// True once all epochs are done and the last model has said all.
    fn is_over(&self) -> bool {
        self.asking.is_none() && self.learning.as_ref().is_some_and(Learning::done)
    }

    /// The model says more of the spectra; what was found, once it has said all.
    fn look(&mut self, mut asking: Asking, took: Duration) -> Result<Option<Held>> {
        let began = Instant::now();
        if !asking.advance()? {
            self.asking = Some((asking, took + began.elapsed()));
            return Ok(None);
        }
        let (found, vae) = asking.found()?;
        self.asked = Some((Instant::now(), took + began.elapsed()));
        Ok(Some(Held {
            job: self.job.clone(),
            found: Arc::new(found),
            vae,
            seconds: self.seconds(),
            device: self.chosen.name.clone(),
        }))
    }
}
