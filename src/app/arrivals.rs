//! What the jobs bring: projects, pictures, proposals, patches, saved files.

use super::dialogs::Dialog;
use super::file_dialog::Purpose;
use super::jobs::{Done, Imported, JobId, PageOf};
use super::picture::Picture;
use super::run::{Model, Phase, stamp};
use super::state::{Level, Opened, Placed, Previews};
use super::{App, AssemblePurpose};
use crate::error::{Error, Result};
use crate::particle::MicrographId;
use crate::particle::detect::Detection;
use crate::project::Preparation;
use crate::project::history::StateId;
use crate::train::lineage::Lineage;
use crate::worker::job::Dataset;
use crate::worker::message::{Command, TrainJob};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl App {
    pub(super) fn on_done(&mut self, ctx: &egui::Context, done: Done) {
        match done {
            Done::Chosen { purpose, paths, instantly } => self.on_chosen(purpose, paths, instantly),
            Done::Project { path, project } => self.on_project(path, project),
            Done::Look(picture) => self.state.look = Some(picture),
            Done::Imported(imported) => self.on_imported(imported),
            Done::Picture { id, of, preparation, picture } => {
                if self.is_here(id, &of) {
                    self.on_picture(id, preparation, picture);
                } else if self.state.project.micrograph(id).is_none() {
                    // Undo may bring the micrograph back: it is opened again then.
                    self.state.pictures.remove(&id);
                }
            }
            Done::Small { id, of, preparation, small } => {
                self.state.prepared.wanted = None;
                if self.is_here(id, &of) {
                    self.state.prepared.keep_small(id, preparation, small);
                }
            }
            Done::Searching(share) => self.state.detection.share = share,
            Done::Detected { micrograph, found } => self.on_detected(micrograph, found),
            Done::Saved { path, state, result } => self.on_saved(ctx, &path, state, result),
            Done::Assembling(share) => {
                if let Phase::Preparing { share: shown } = &mut self.state.training.phase {
                    *shown = share;
                }
            }
            Done::Assembled(dataset) => self.on_assembled(dataset),
            Done::Measured(measured) => self.state.measured = Some(Arc::new(measured)),
            Done::Questions(found) => self.on_questions(found),
            Done::AnswersKept(kept) => self.on_answers_kept(kept),
            Done::Averaged(averaged) => self.on_averaged(averaged),
            Done::Gathered(gathered) => self.layout.gathered(gathered),
            Done::Maps(done) => self.on_map_done(done),
            Done::Spectra(opened) => self.on_spectra_opened(opened),
            Done::Exported { dir, particles, result } => self.on_exported(&dir, particles, result),
            Done::Taken { path, result } => self.on_taken(&path, result),
            Done::Compared(compared) => self.on_compared(compared),
            Done::Broken(name) => self.on_broken(&name),
        }
    }

    /// A job has ended in a panic: nothing waits for it any more, and it is not begun again by itself.
    fn on_broken(&mut self, name: &str) {
        let runs = |job: Option<JobId>| job.is_some_and(|job| self.jobs.runs(job));
        let cut = name.starts_with("Cutting patches")
            && self.assembling.as_ref().is_some_and(|assembling| !runs(Some(assembling.job)));
        let text = format!("{name} ended with an error inside the program; save your work and try again.");
        if !runs(self.loading) {
            self.loading = None;
        }
        if cut {
            self.assembling = None;
            self.cancel_export();
            if matches!(self.state.training.phase, Phase::Preparing { .. }) {
                self.state.training.phase = Phase::Failed { message: text.clone(), details: String::new() };
            }
        }
        let state = &mut self.state;
        // Which of the pictures it was is not known; the others are opened again when they are shown.
        for opened in state.pictures.values_mut().filter(|opened| matches!(opened, Opened::Loading)) {
            *opened = Opened::Failed(text.clone());
        }
        state.prepared.wanted = None;
        state.averaging = false;
        state.maps.segmenting = false;
        state.maps.leaving_out = false;
        if std::mem::take(&mut state.asking.looking) {
            state.asking.progress.get_or_insert_default();
        }
        self.opening_ended();
        self.tell(Level::Error, text, None);
    }

    fn on_chosen(&mut self, purpose: Purpose, paths: Option<Vec<PathBuf>>, instantly: bool) {
        match paths {
            Some(paths) => match (&mut self.dialog, purpose) {
                (Dialog::Export { folder, .. }, Purpose::ExportFolder) => {
                    if let Some(path) = paths.first() {
                        *folder = path.display().to_string();
                    }
                }
                // The system has asked about the file that was named, not about one with the extension behind it.
                _ => match paths.first().and_then(|named| Some((named, purpose.written(named)?))) {
                    Some((named, path)) if path != *named && path.exists() => {
                        self.dialog = Dialog::Replace { purpose, path };
                    }
                    _ => self.actions.extend(purpose.action(paths)),
                },
            },
            None if instantly && purpose != Purpose::ExportFolder => {
                self.dialog = Dialog::Path { purpose, text: self.likely_path(purpose) };
            }
            None => self.stay(),
        }
    }

    fn on_imported(&mut self, imported: Result<Imported>) {
        self.importing = None;
        self.state.look = None;
        let mut first = None;
        match imported {
            Ok(imported) => {
                let (pages, pictures): (Vec<_>, Vec<_>) =
                    imported.pages.into_iter().map(|page| (page.entry, page.picture)).unzip();
                match self.add_pages(pages) {
                    Ok(ids) => {
                        first = ids.first().copied();
                        for (id, picture) in ids.into_iter().zip(pictures) {
                            // A picture that was there already may be shown levelled or filtered.
                            let plain = self.state.project.micrograph(id).is_some_and(|e| e.steps.is_empty());
                            if let Some(picture) = picture.filter(|_| plain) {
                                self.state.prepared.arrived(id, Preparation::default(), Some(&picture));
                                self.state.pictures.insert(id, Opened::Ready(picture));
                            }
                        }
                    }
                    Err(error) => self.complain(&error),
                }
                for note in imported.notes {
                    self.tell(Level::Warning, note, None);
                }
            }
            Err(error) => self.complain(&error),
        }
        if first.is_some() && std::mem::take(&mut self.show_import) {
            self.state.shown = first;
            self.state.detection.stale = true;
        }
    }

    /// False for a picture of a micrograph that was removed, or of a project that was left.
    fn is_here(&self, id: MicrographId, of: &PageOf) -> bool {
        self.state.project.micrograph(id).is_some_and(|entry| PageOf::entry(entry) == *of)
    }

    fn on_picture(&mut self, id: MicrographId, preparation: Preparation, picture: Result<Arc<Picture>>) {
        let opened = match picture {
            Ok(picture) => Opened::Ready(picture),
            Err(error) => {
                self.complain(&error);
                Opened::Failed(error.to_string())
            }
        };
        self.state.picture_revision += 1;
        let there = if let Opened::Ready(picture) = &opened { Some(picture.as_ref()) } else { None };
        self.state.prepared.arrived(id, preparation, there);
        self.state.pictures.insert(id, opened);
        self.state.detection.stale = true;
    }

    fn on_detected(&mut self, micrograph: MicrographId, found: Result<Vec<Detection>>) {
        self.detecting = None;
        let detection = &mut self.state.detection;
        detection.running = false;
        detection.current = None;
        match found {
            // Another is looked at by now.
            Ok(_) if self.state.shown != Some(micrograph) => {}
            Ok(found) => {
                detection.problem = None;
                detection.micrograph = Some(micrograph);
                // What is a particle already is not proposed again.
                let places = &self.state.places;
                let new = |d: &Detection| {
                    let size = d.diameter.max(6.0);
                    let same = |distance: f32, p: &Placed| distance <= 0.4 * size.max(2.0 * p.radius);
                    !places.any(micrograph, (d.x, d.y), 0.4 * size, same)
                };
                detection.found = found.into_iter().filter(new).collect::<Vec<_>>().into();
            }
            Err(Error::Stopped) => {}
            Err(error) => {
                detection.problem = Some(error.to_string());
                detection.found = Vec::new().into();
            }
        }
    }

    fn on_saved(&mut self, ctx: &egui::Context, path: &Path, state: StateId, result: Result<()>) {
        match result {
            Ok(()) => {
                // A change made while the file was written is not in it: what is saved is the state it began with.
                if self.state.path.as_deref() == Some(path) {
                    self.state.history.mark_saved(state);
                    self.state.history.moved(true);
                    if let Some(before) = self.path_before.take() {
                        self.models_follow(before.as_deref());
                        self.answers_follow();
                    }
                    self.memory.used(path);
                }
                let saving = self.jobs.names().iter().any(|name| name.starts_with("Saving "));
                match (self.leave_after_save, self.state.has_unsaved_work()) {
                    (true, false) => self.go(ctx),
                    // Something was done while the file was written.
                    (true, true) if !saving => {
                        self.leave_after_save = false;
                        self.dialog = Dialog::Unsaved;
                    }
                    _ => {}
                }
            }
            Err(error) => {
                self.saving_failed();
                self.complain(&error);
            }
        }
    }

    fn on_assembled(&mut self, dataset: Result<Dataset>) {
        let Some(assembling) = self.assembling.take() else { return };
        let mut dataset = match dataset {
            Ok(dataset) => dataset,
            Err(error) => {
                if matches!(assembling.purpose, AssemblePurpose::Train | AssemblePurpose::GoOn) {
                    let message = error.to_string();
                    self.state.training.phase = Phase::Failed { message, details: String::new() };
                }
                self.cancel_export();
                // What nobody asked for fails without a word: a picture that is missing has been told of.
                if assembling.purpose != AssemblePurpose::Wake {
                    self.complain(&error);
                }
                return;
            }
        };
        if assembling.purpose == AssemblePurpose::GoOn {
            return self.send_going_on(dataset);
        }
        // Labels are those that the model knows, and judge it if they did before.
        if assembling.purpose != AssemblePurpose::Train && self.state.training.model.is_some() {
            let training = &self.state.training;
            dataset.relabel(&self.state.project, training.classes().to_vec(), &training.lineage.roles);
        }
        let dataset = Arc::new(dataset);
        self.measure(&dataset);
        match assembling.purpose {
            AssemblePurpose::Look => self.look_at(dataset),
            AssemblePurpose::Train => self.send_training(dataset),
            AssemblePurpose::Learn => self.send_learning(dataset),
            AssemblePurpose::GoOn => {}
            AssemblePurpose::Compare => {
                self.look_at(dataset.clone());
                self.compare_models(dataset);
            }
            AssemblePurpose::Classify | AssemblePurpose::Wake => {
                self.worker.send(Command::Classify(dataset.patches.clone()));
                self.state.training.dataset = Some(dataset);
            }
            AssemblePurpose::Export => {
                if let Some(export) = &mut self.export {
                    export.dataset = Some(dataset.clone());
                    if self.state.training.phase.is_active() {
                        self.worker.send(Command::Classify(dataset.patches.clone()));
                    }
                    self.look_at(dataset);
                }
            }
        }
    }

    /// The patches are those that the panes speak of, unless a training under way has its own; a model is asked about them.
    fn look_at(&mut self, dataset: Arc<Dataset>) {
        let training = &mut self.state.training;
        if !training.phase.is_active() {
            // A training that failed before its first step has left none.
            let none = matches!(training.phase, Phase::Failed { .. }) && training.progress.is_none();
            if training.model.is_some() && !none {
                self.worker.send(Command::Classify(dataset.patches.clone()));
            }
            training.dataset = Some(dataset);
        }
    }

    fn send_training(&mut self, dataset: Arc<Dataset>) {
        let latent = self.state.train_config().latent;
        let job = self.begin_run(dataset, latent);
        self.worker.send(Command::Train(job));
    }

    /// The window is ready for a run on these patches; the job for the worker.
    pub(super) fn begin_run(&mut self, dataset: Arc<Dataset>, latent: usize) -> Box<TrainJob> {
        let job = self.job(&dataset);
        let (classes, geometry) = (dataset.classes.clone(), Some(dataset.geometry.clone()));
        let training = &mut self.state.training;
        training.model = Some(Model { classes, latent, geometry });
        training.lineage = Lineage::default();
        training.lineage.roles.take(&dataset.ids, &dataset.patches);
        self.state.before = None;
        training.phase = Phase::Starting;
        (training.folds, training.validated) = (None, None);
        self.state.previews = Previews { revision: stamp(), ..Previews::default() };
        self.state.asking.withdraw();
        self.end_maps();
        self.end_spectra();
        self.state.training.dataset = Some(dataset);
        job
    }

    /// A training on these patches with the project's settings.
    pub(super) fn job(&self, dataset: &Dataset) -> Box<TrainJob> {
        Box::new(TrainJob {
            config: self.state.train_config(),
            classes: dataset.model_names(),
            patches: dataset.patches.clone(),
            ids: dataset.ids.clone(),
            validation: None,
            geometry: Some(dataset.geometry.clone()),
            device: self.state.training.choice,
        })
    }
}
