//! A map run as the window sees it: settings, phase, the newest maps, questions and answers. No widgets.

pub use super::asking::Asking;
use super::field::{Field, Line};
use super::survey::{Survey, Surveyed};
use super::tool::MapTool;
use super::wall::Wall;
use crate::app::picture::Picture;
use crate::app::run::Phase;
use crate::micrograph::PixelSize;
use crate::micrograph::prepare::Step;
use crate::order::seeds::smoothness_in_words;
use crate::order::{Method, Segments};
use crate::particle::{MicrographId, Outline, Region};
use crate::worker::mapping::{MapEvent, MapProgress, MapQuery, MapSet, MapSettings, MapStage, Plan, Summary};
use crate::worker::message::{DeviceChoice, Event, FinishReason};
use std::path::PathBuf;
use std::sync::Arc;

/// Which work the window shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workspace {
    #[default]
    Particles,
    Maps,
    Spectra,
}

/// What the panes of this workspace ask of the program.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Opens the packaged lattice image.
    Example,
    /// Kept with the project.
    Settings(Box<MapSettings>),
    /// While a hand is still at it: seen, but no change of the project yet.
    Hold(Box<MapSettings>),
    /// Moves the cell by hand onto the nearest peaks of the image's spectrum.
    Refine,
    /// Outlines what stands out of the pattern and leaves it out; `size_px` is about the pattern's period.
    LeaveOut {
        size_px: f64,
        threshold: f32,
    },
    /// Asks the model; a newer question takes the place of one that waits.
    Query(MapQuery),
    /// Groups the pixels; `None` takes as many groups as the latents ask for.
    Segment {
        k: Option<usize>,
        method: Method,
    },
    /// A profile along a line, or none any more.
    Profile(Option<(Field, Line)>),
    /// The spectra of image and map.
    Spectra(Field),
    ExportTo(PathBuf),
}

/// The image that the maps belong to, as it was when the run began.
#[derive(Clone)]
pub struct Subject {
    pub id: MicrographId,
    pub name: String,
    pub picture: Arc<Picture>,
    /// The file and the page of it, and the levelling and filters that `picture` has gone through.
    pub path: PathBuf,
    pub page: usize,
    pub steps: Vec<Step>,
    /// As it was known then; what is shown and written goes by the present one, see [`State::map_scale`].
    ///
    /// [`State::map_scale`]: crate::app::state::State::map_scale
    pub pixel_size: Option<PixelSize>,
    /// Where it was to be computed.
    pub choice: DeviceChoice,
}

/// One finished epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapPoint {
    /// From 1.
    pub seed: usize,
    pub epoch: usize,
    /// Negative ELBO, nats a window.
    pub loss: f64,
}

/// Groups of pixels, or why there are none.
pub struct Segmented {
    /// Of the maps that were grouped.
    pub revision: u64,
    /// As they were asked for.
    pub k: Option<usize>,
    pub method: Method,
    pub result: Result<Segments, String>,
}

/// A power spectrum for the eye: zero frequency in the middle, log10.
pub struct Power {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
    /// Pixels of the image from one value of what was transformed to the next.
    pub step: f64,
}

/// The spectra of the image and of a map of it.
pub struct Spectra {
    pub revision: u64,
    pub field: Field,
    pub image: Arc<Power>,
    pub map: Option<Power>,
}

/// The current or last run.
#[derive(Default)]
pub struct Maps {
    /// As the project has them for the shown image, or as they are being dragged.
    pub settings: MapSettings,
    /// The project (its revision) and the image that they were read for.
    pub read_for: Option<(u64, Option<MicrographId>)>,
    /// The lattice of the shown image, and what was, or is being, looked at for it.
    pub survey: Option<Arc<Survey>>,
    pub surveyed: Option<Surveyed>,
    /// Adsorbates are being looked for.
    pub leaving_out: bool,
    pub tool: MapTool,
    pub phase: Phase,
    /// Grows with every run; the worker knows by it whose model is asked for.
    pub run: u64,
    pub subject: Option<Subject>,
    /// What computes.
    pub device: Option<String>,
    /// What did not count when the run began.
    pub left_out: (Vec<Region>, Vec<Outline>),
    pub plan: Option<Arc<Plan>>,
    pub progress: Option<MapProgress>,
    pub curve: Vec<MapPoint>,
    /// Of the last epoch: what the smoothness penalty cost, nats a window, and the penalty before its weight.
    pub smoothness: Option<(f64, f64)>,
    pub set: Option<Arc<MapSet>>,
    /// Grows whenever `set` changes.
    pub revision: u64,
    pub summary: Option<Arc<Summary>>,
    pub asking: Asking,
    /// Groups are being looked for.
    pub segmenting: bool,
    pub segments: Option<Arc<Segmented>>,
    /// A profile is being measured.
    pub measuring: bool,
    pub wall: Option<Arc<Wall>>,
    /// Spectra are being computed.
    pub transforming: bool,
    pub spectra: Option<Arc<Spectra>>,
}

impl Maps {
    /// Ready for a run that is about to begin; settings, tool and device stay.
    pub fn begin(&mut self, subject: Subject) {
        *self = Self {
            settings: std::mem::take(&mut self.settings),
            survey: self.survey.take(),
            surveyed: self.surveyed.take(),
            tool: self.tool,
            phase: Phase::Starting,
            run: self.run + 1,
            subject: Some(subject),
            revision: self.revision + 1,
            ..Self::default()
        };
    }

    /// Another project was opened: nothing of the old one stays; it has settings of its own.
    pub fn forget(&mut self) {
        *self = Self { tool: self.tool, run: self.run, revision: self.revision + 1, ..Self::default() };
    }

    /// The lattice of an image, once it has been looked for.
    pub fn survey_of(&self, id: Option<MicrographId>) -> Option<&Survey> {
        self.survey.as_deref().filter(|survey| Some(survey.id) == id)
    }

    /// True where an image shows no lattice and nothing was chosen instead: a choice is due, no run.
    pub fn is_undecided(&self, id: Option<MicrographId>) -> bool {
        self.survey_of(id).is_some_and(|survey| survey.leaves_open(&self.settings))
    }

    /// True if the maps, or those that are on their way, are of this image.
    pub fn is_of(&self, id: Option<MicrographId>) -> bool {
        self.subject.as_ref().is_some_and(|subject| Some(subject.id) == id)
    }

    /// Takes what the worker tells of the run; other events change nothing here.
    pub fn take(&mut self, event: &Event) {
        let active = self.phase.is_active();
        match event {
            Event::WarmingUp { done, of } if self.phase.can_pause() => {
                self.phase = Phase::WarmingUp { done: *done, of: *of };
            }
            Event::Paused if active => self.phase = Phase::Paused,
            Event::Resumed if self.phase == Phase::Paused => self.phase = Phase::Running,
            Event::Map(event) => self.told(event),
            _ => {}
        }
    }

    fn told(&mut self, event: &MapEvent) {
        match event {
            MapEvent::Planned(plan) => {
                self.goes_on();
                self.plan = Some(plan.clone());
            }
            MapEvent::Progress(progress) => {
                if progress.stage != MapStage::Preparing {
                    self.goes_on();
                }
                if let Some(loss) = progress.loss {
                    let point = MapPoint { seed: progress.seed, epoch: progress.epoch, loss };
                    let newer = |last: &MapPoint| (last.seed, last.epoch) < (point.seed, point.epoch);
                    if self.curve.last().is_none_or(newer) {
                        self.curve.push(point);
                    }
                }
                if let (Some(cost), Some(roughness)) = (progress.smoothness_cost, progress.roughness) {
                    self.smoothness = Some((cost, roughness));
                }
                self.progress = Some(*progress);
            }
            MapEvent::Maps(set) => {
                self.set = Some(set.clone());
                self.revision += 1;
                self.asking.again();
            }
            MapEvent::Finished(summary) => {
                self.ended(FinishReason::AllEpochs, summary.seconds);
                self.summary = Some(summary.clone());
                self.asking.again();
            }
            MapEvent::Stopped => {
                let seconds = self.progress.map_or(0.0, |progress| progress.seconds);
                self.ended(FinishReason::Stopped, seconds);
            }
            MapEvent::Failed { message, details } if self.phase.is_active() => {
                self.back_to_the_maps();
                self.phase = Phase::Failed { message: message.clone(), details: details.clone() };
            }
            MapEvent::Failed { .. } | MapEvent::Saved(_) | MapEvent::NotSaved(_) => {}
            MapEvent::Answer(answer) => self.asking.answered(answer),
            MapEvent::NoAnswer(query) => self.asking.came_back(query),
        }
    }

    /// The scale is another than it was: strain is told by the present one.
    pub fn scaled(&mut self, size: Option<PixelSize>) {
        let Some(set) = &self.set else { return };
        if let Some(told) = set.phase_analysis.as_ref().and_then(|found| found.on(size)) {
            let phase_analysis = Some(Arc::new(told));
            self.set = Some(Arc::new(MapSet { phase_analysis, ..(**set).clone() }));
            self.revision += 1;
        }
    }

    /// A sign of life ends the start-up, but not a pause or a stop that were asked for.
    fn goes_on(&mut self) {
        if self.phase.can_pause() {
            self.phase = Phase::Running;
        }
    }

    fn ended(&mut self, reason: FinishReason, seconds: f64) {
        if self.phase.is_active() {
            if reason == FinishReason::Stopped {
                self.back_to_the_maps();
            }
            let epochs = self.progress.map_or(0, |progress| progress.epoch);
            self.phase = Phase::Ended { reason, epochs, seconds };
        }
    }

    /// Of a run that ended early the newest maps stay, with their model: it is told as it was when they were drawn.
    fn back_to_the_maps(&mut self) {
        if let (Some(progress), Some(set)) = (&mut self.progress, &self.set) {
            (progress.seed, progress.epoch) = (set.seed, set.epoch);
        }
    }

    /// The loss of the epoch that is told; while one is under way of the one before.
    pub fn loss(&self) -> Option<f64> {
        let told = self.progress.map_or((usize::MAX, 0), |progress| (progress.seed, progress.epoch));
        self.curve.iter().rfind(|point| (point.seed, point.epoch) <= told).map(|point| point.loss)
    }

    /// What a run does before and after the seeds learn: "refining the maps, 40 %".
    pub fn finishing(&self) -> Option<String> {
        let progress = self.progress.filter(|p| p.stage != MapStage::Learning);
        progress.filter(|_| self.phase.is_active()).map(|progress| progress.in_words())
    }

    /// What holding the maps smooth costs: that of the last epoch, or after the run that of the best seed.
    pub fn smoothness(&self) -> Option<String> {
        let cost = match self.summary.as_ref().and_then(|summary| summary.seeds.first()) {
            Some(best) => Some((best.smoothness_cost, best.roughness)),
            None => self.smoothness,
        };
        cost.map(|(cost, roughness)| smoothness_in_words(cost, roughness))
    }

    /// How far the run is, all seeds together, 0..=1; what comes round the learning counts by itself.
    pub fn share(&self) -> Option<f32> {
        match (&self.phase, &self.progress) {
            (Phase::WarmingUp { done, of }, _) => Some(*done as f32 / (*of).max(1) as f32),
            (phase, Some(p)) if phase.is_active() && p.stage != MapStage::Learning => Some(p.share),
            (Phase::Running | Phase::Paused | Phase::Stopping, Some(p)) => {
                let epoch = (p.epoch.saturating_sub(1) as f32 + p.share) / p.epochs.max(1) as f32;
                Some((p.seed.saturating_sub(1) as f32 + epoch.min(1.0)) / p.seeds.max(1) as f32)
            }
            (phase, _) if phase.is_active() => Some(0.0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
