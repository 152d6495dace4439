//! What the maps workspace does: starting and stopping runs, questions to the model, work beside the window.

use super::example;
use super::field::{Field, Line};
use super::leave::Leaving;
use super::run::{Ask, Power, Segmented, Spectra, Subject, Workspace};
use super::survey::Survey;
use super::wall::Wall;
use crate::app::App;
use crate::app::action::Action;
use crate::app::jobs::{Done, JobId};
use crate::app::run::Phase;
use crate::app::state::{Level, Opened};
use crate::error::Result;
use crate::lattice::{Lattice, log_power};
use crate::micrograph::Micrograph;
use crate::micrograph::PixelSize;
use crate::order::{Method, segment};
use crate::particle::{MicrographId, Outline};
use crate::project::MicrographEntry;
use crate::worker::mapping::{MapJob, MapSet};
use crate::worker::message::{Command, Event};
use std::path::PathBuf;
use std::sync::Arc;

/// Groups are found by chance; the same maps give the same groups.
pub const SEED: u64 = 1;

/// What a job for the maps brought.
pub enum MapDone {
    Segmented(Segmented),
    Wall(Wall),
    Spectra(Spectra),
    Exported(Result<PathBuf>),
    Surveyed(Survey),
    /// The cell by hand of an image on its peaks, if there are any near.
    Refined(MicrographId, Option<Lattice>),
    /// Outlines of what stands out of an image's pattern.
    LeftOut(MicrographId, Vec<Outline>),
}

/// Jobs of which only the newest counts.
#[derive(Default)]
pub struct MapJobs {
    segmenting: Option<JobId>,
    measuring: Option<JobId>,
    transforming: Option<JobId>,
    pub(super) surveying: Option<JobId>,
    /// Refining a cell or looking for adsorbates: what comes of it changes the project.
    pub(super) changing: Option<JobId>,
    /// Maps that leave, once their model is written.
    pub(super) leaving: Option<Leaving>,
}

impl App {
    /// Start, pause, resume, stop.
    pub(in crate::app) fn run_maps(&mut self, action: &Action) {
        let phase = &self.state.maps.phase;
        match (action, phase) {
            (Action::Pause | Action::TrainOrPause, phase) if phase.can_pause() => {
                self.worker.send(Command::Pause);
            }
            (Action::Resume | Action::TrainOrPause, Phase::Paused) => self.worker.send(Command::Resume),
            (Action::Stop, phase) if phase.is_active() => {
                self.state.maps.phase = Phase::Stopping;
                self.worker.send(Command::Stop);
            }
            (Action::Train | Action::TrainOrPause, phase) if !phase.is_active() => self.start_maps(),
            _ => {}
        }
    }

    fn start_maps(&mut self) {
        let entry = self.state.shown.and_then(|id| self.state.project.micrograph(id)).cloned();
        let picture = self.state.picture().cloned();
        let (Some(entry), Some(picture)) = (entry, picture) else {
            let text = "Open an atomically resolved image first; then a run can start.";
            return self.tell(Level::Warning, text, None);
        };
        let settings = self.state.maps.settings.clone();
        if let Err(error) = settings.check() {
            return self.complain(&error);
        }
        if self.state.maps.is_undecided(Some(entry.id)) {
            let text = "No lattice was found in this image: draw a cell, give the window, or turn phase locking off, \
                        at the left.";
            return self.tell(Level::Warning, text, None);
        }
        let mask = mask(&entry, &picture.micrograph);
        // The user may know the scale better than the file.
        let image = Micrograph { pixel_size: entry.pixel_size, ..picture.micrograph.clone() };
        self.end_training();
        self.end_spectra();
        self.stop_map_jobs();
        self.state.maps.begin(Subject {
            id: entry.id,
            name: entry.file_name(),
            picture,
            path: entry.path.clone(),
            page: entry.page,
            steps: entry.steps.clone(),
            pixel_size: entry.pixel_size,
            choice: self.state.training.choice,
        });
        self.state.maps.left_out = (entry.excluded, entry.outlines);
        self.layout.maps_began();
        self.worker.send(Command::Map(Box::new(MapJob {
            run: self.state.maps.run,
            image: Arc::new(image),
            mask,
            settings,
            device: self.state.training.choice,
        })));
    }

    /// One model is learned at a time: the worker ends a training before it maps.
    pub(in crate::app) fn end_training(&mut self) {
        self.cancel_export();
        if let Some(assembling) = self.assembling.take() {
            self.jobs.stop(assembling.job);
        }
        let phase = &mut self.state.training.phase;
        if matches!(phase, Phase::Preparing { .. }) {
            *phase = Phase::Idle;
        } else if phase.is_active() {
            *phase = Phase::Stopping;
        }
    }

    /// The same the other way round: the worker ends a map run before it learns anything else, and tells so.
    pub(in crate::app) fn end_maps(&mut self) {
        if self.state.maps.phase.is_active() {
            self.state.maps.phase = Phase::Stopping;
        }
    }

    /// Another project was opened: true if a run was told to stop and its last events are still to come.
    pub(in crate::app) fn leave_maps(&mut self) -> bool {
        let active = self.state.maps.phase.is_active();
        self.stop_map_jobs();
        if active {
            self.worker.send(Command::Stop);
        }
        active
    }

    fn stop_map_jobs(&mut self) {
        let jobs = std::mem::take(&mut self.map_jobs);
        let all = [jobs.segmenting, jobs.measuring, jobs.transforming, jobs.surveying, jobs.changing];
        for job in all.into_iter().flatten() {
            self.jobs.stop(job);
        }
        let maps = &mut self.state.maps;
        (maps.segmenting, maps.measuring, maps.transforming, maps.leaving_out) = (false, false, false, false);
        if jobs.surveying.is_some() {
            // It is done anew.
            maps.surveyed = None;
        }
        if jobs.leaving.is_some() {
            let text = "The maps were not exported: they were left before their model was written.";
            self.tell(Level::Warning, text, None);
        }
    }

    /// Events that are told alike of both kinds of run belong to the one that is under way; to the one that is ending
    /// while the other has been asked for.
    pub(in crate::app) fn concerns_maps(&self, event: &Event) -> bool {
        let alike = matches!(event, Event::WarmingUp { .. } | Event::Paused | Event::Resumed | Event::Map(_));
        let (maps, training) = (&self.state.maps.phase, &self.state.training.phase);
        let first = *training == Phase::Stopping && *maps == Phase::Starting;
        alike && (matches!(event, Event::Map(_)) || (maps.is_active() && !first))
    }

    /// What a pane asked for.
    pub(in crate::app) fn ask_maps(&mut self, ask: Ask) {
        match ask {
            Ask::Example => {
                self.state.workspace = Workspace::Maps;
                self.show_import = true;
                let job = self
                    .jobs
                    .start("Opening the example".into(), |context| Done::Imported(example::open(context)));
                self.importing = Some(job);
            }
            Ask::Settings(settings) => self.keep_map_settings(*settings),
            Ask::Hold(settings) => self.state.maps.settings = *settings,
            Ask::Refine => self.refine_cell(),
            Ask::LeaveOut { size_px, threshold } => self.leave_out(size_px, threshold),
            Ask::Query(query) => self.state.maps.asking.want(query),
            Ask::Segment { k, method } => self.segment(k, method),
            Ask::Profile(None) => self.state.maps.wall = None,
            Ask::Profile(Some((field, line))) => self.profile(field, line),
            Ask::Spectra(field) => self.spectra(field),
            Ask::ExportTo(folder) => self.export_maps(folder),
        }
    }

    /// Sends the question that waits, once the one before is answered.
    pub(in crate::app) fn ask_model(&mut self) {
        if let Some(query) = self.state.maps.asking.next() {
            self.worker.send(Command::MapAsk(query));
        }
    }

    pub(in crate::app) fn on_map_done(&mut self, done: MapDone) {
        let maps = &mut self.state.maps;
        match done {
            MapDone::Segmented(found) => {
                maps.segmenting = false;
                maps.segments = Some(Arc::new(found));
            }
            MapDone::Wall(wall) => {
                maps.measuring = false;
                maps.wall = Some(Arc::new(wall));
            }
            MapDone::Spectra(spectra) => {
                maps.transforming = false;
                maps.spectra = Some(Arc::new(spectra));
            }
            MapDone::Surveyed(survey) => {
                self.map_jobs.surveying = None;
                maps.survey = Some(Arc::new(survey));
            }
            MapDone::Refined(id, lattice) => self.on_refined(id, lattice),
            MapDone::LeftOut(id, outlines) => self.on_left_out(id, outlines),
            MapDone::Exported(Ok(dir)) => {
                self.tell(Level::Done, format!("Maps exported to {}", dir.display()), None);
            }
            MapDone::Exported(Err(error)) => self.complain(&error),
        }
    }

    /// The maps with their revision and the present scale.
    fn map_work(&self) -> Option<(Arc<MapSet>, u64, Option<PixelSize>)> {
        let maps = &self.state.maps;
        Some((maps.set.clone()?, maps.revision, self.state.map_scale()))
    }

    fn segment(&mut self, k: Option<usize>, method: Method) {
        let Some((set, revision, size)) = self.map_work() else { return };
        let job = self.jobs.start_quietly("Grouping pixels".into(), move |_| {
            let result = segment(&set.content, k, method, size, SEED).map_err(|error| error.to_string());
            Done::Maps(MapDone::Segmented(Segmented { revision, k, method, result }))
        });
        self.state.maps.segmenting = true;
        if let Some(before) = self.map_jobs.segmenting.replace(job) {
            self.jobs.stop(before);
        }
    }

    fn profile(&mut self, field: Field, line: Line) {
        let Some((set, revision, _)) = self.map_work() else { return };
        let plan = self.state.maps.plan.clone();
        let job = self.jobs.start_quietly("Measuring a profile".into(), move |_| {
            Done::Maps(MapDone::Wall(Wall::measured(&set, plan.as_deref(), revision, field, line)))
        });
        self.state.maps.measuring = true;
        if let Some(before) = self.map_jobs.measuring.replace(job) {
            self.jobs.stop(before);
        }
    }

    fn spectra(&mut self, field: Field) {
        let maps = &self.state.maps;
        let Some(subject) = maps.subject.clone() else { return };
        let (set, revision) = (maps.set.clone(), maps.revision);
        // The image's own spectrum is computed once.
        let known = maps.spectra.as_ref().map(|spectra| spectra.image.clone());
        let job = self.jobs.start_quietly("Transforming".into(), move |_| {
            let power = |pixels: &[f32], width: usize, height: usize, step: f64| {
                let (width, height, values) = log_power(pixels, width, height);
                Power { width, height, values, step }
            };
            let image = known.unwrap_or_else(|| {
                let m = &subject.picture.micrograph;
                Arc::new(power(&m.pixels, m.width, m.height, 1.0))
            });
            let map = set.as_ref().and_then(|set| field.of(set));
            let map = map.map(|map| power(&map.values, map.width, map.height, map.step));
            Done::Maps(MapDone::Spectra(Spectra { revision, field, image, map }))
        });
        self.state.maps.transforming = true;
        if let Some(before) = self.map_jobs.transforming.replace(job) {
            self.jobs.stop(before);
        }
    }

    /// The maps that are open belong to an image that is gone: they go, too. Those that stay are told by its scale.
    pub(in crate::app) fn tidy_maps(&mut self) {
        let gone = |id: MicrographId| self.state.project.micrograph(id).is_none();
        let maps = &self.state.maps;
        if !maps.phase.is_active() && maps.subject.as_ref().is_some_and(|subject| gone(subject.id)) {
            self.stop_map_jobs();
            self.state.maps.forget();
        }
        let size = self.state.map_scale();
        self.state.maps.scaled(size);
    }
}

/// Pixels that count: those of excluded regions and those the file does not know do not.
pub(super) fn mask(entry: &MicrographEntry, image: &Micrograph) -> Option<Arc<[bool]>> {
    let counts = entry.counts(image.width, image.height);
    let Some(lost) = &image.lost else { return counts.map(Into::into) };
    let mut counts = counts.unwrap_or_else(|| vec![true; lost.len()]);
    counts.iter_mut().zip(lost.iter()).for_each(|(counts, lost)| *counts &= !lost);
    Some(counts.into())
}

/// True if the shown image is open and a run could start.
pub fn can_start(state: &crate::app::state::State) -> bool {
    state.shown.is_some_and(|id| matches!(state.pictures.get(&id), Some(Opened::Ready(_))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Region;

    #[test]
    fn excluded_regions_and_lost_pixels_do_not_count() {
        let mut pixels = vec![1.0; 12];
        pixels[11] = f32::NAN;
        let image = Micrograph::new(4, 3, pixels, None).unwrap();
        let mut entry = MicrographEntry::new("/a.png", 0, 4, 3, None, "00");
        entry.excluded.push(Region { x0: -0.5, y0: -0.5, x1: 1.5, y1: 0.5 });
        let mask = mask(&entry, &image).unwrap();
        let not: Vec<usize> = (0..12).filter(|i| !mask[*i]).collect();
        assert_eq!(not, [0, 1, 11]);
        let whole = Micrograph::new(4, 3, vec![1.0; 12], None).unwrap();
        assert!(super::mask(&MicrographEntry::new("/a.png", 0, 4, 3, None, "00"), &whole).is_none());
    }
}
