//! What arrives from the worker and from the jobs, and what follows from it.

use super::apply::name_of;
use super::dialogs::{Dialog, Purpose};
use super::jobs::{self, Done, Imported, JobId, Loaded};
use super::picture::Picture;
use super::run::{Model, Phase, Results};
use super::state::{Level, Opened, count};
use super::{App, AssemblePurpose};
use crate::error::{Error, Result};
use crate::particle::detect::Detection;
use crate::particle::{ClassId, MicrographId};
use crate::worker::job::Dataset;
use crate::worker::message::{Command, Event, PreviewImages, PreviewRequest, TrainJob};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pixels of open micrographs that are kept, bytes; the shown one is always kept.
const KEPT_BYTES: usize = 1 << 30;
/// A preview not answered for so long is asked again.
const LOST: Duration = Duration::from_secs(5);

impl App {
    /// Takes everything that has arrived.
    pub(super) fn drain(&mut self, ctx: &egui::Context) {
        let events: Vec<Event> = self.worker.events().try_iter().collect();
        for event in events {
            self.on_event(event);
        }
        for done in self.jobs.drain() {
            self.on_done(ctx, done);
        }
    }

    fn on_event(&mut self, event: Event) {
        if self.left_runs > 0 {
            match event {
                Event::Finished { .. } | Event::Failed { .. } => self.left_runs -= 1,
                Event::Device { .. } | Event::Saved(_) | Event::Loaded { .. } | Event::Preview(_) => {}
                _ => return,
            }
            if matches!(event, Event::Finished { .. } | Event::Failed { .. }) {
                return;
            }
        }
        let was_active = self.state.training.phase.is_active();
        self.state.training.take(&event);
        match event {
            Event::Progress(progress) if progress.loss.is_some() => self.state.previews.revision += 1,
            Event::Predictions { predictions, .. } => self.on_predictions(predictions),
            Event::Preview(images) => self.on_preview(images),
            Event::Loaded { classes, latent, .. } => self.on_loaded(classes, latent),
            Event::Saved(path) if self.export_model() == Some(path.as_path()) => self.write_export(),
            Event::Saved(path) => self.tell(Level::Done, format!("Model saved as {}", name_of(&path)), None),
            Event::Finished { .. } => self.state.previews.revision += 1,
            Event::Failed { message, details } => {
                self.state.previews.asked = None;
                self.cancel_export();
                // While training the pane says it, in full; a toast points there.
                let message = if was_active { format!("Training failed: {message}") } else { message };
                self.tell(Level::Error, message, Some(details).filter(|details| !details.is_empty()));
            }
            _ => {}
        }
    }

    fn on_predictions(&mut self, predictions: Arc<[crate::particle::Prediction]>) {
        if let Some(export) = &mut self.export
            && export.take_predictions(&predictions)
        {
            self.worker.send(Command::Save(export.model.clone()));
        }
        let Some(dataset) = &self.state.training.dataset else { return };
        if dataset.ids.len() != predictions.len() {
            return;
        }
        let before = self.state.results.as_ref();
        let ids = match before {
            Some(before) if before.ids.len() == dataset.ids.len() && *before.ids == *dataset.ids => {
                before.ids.clone()
            }
            _ => dataset.ids.clone().into(),
        };
        let classes = self.model_classes();
        self.state.results = Some(Results::new(ids, classes, predictions, before));
        self.state.previews.revision += 1;
    }

    fn model_classes(&self) -> Vec<Option<ClassId>> {
        let model = self.state.training.model.as_ref();
        model.map(|model| model.classes.iter().map(|(id, _)| *id).collect()).unwrap_or_default()
    }

    fn on_preview(&mut self, images: PreviewImages) {
        let previews = &mut self.state.previews;
        if previews.asked.as_ref().is_some_and(|(asked, _)| *asked == images.request) {
            previews.asked = None;
        }
        match images.request {
            PreviewRequest::Manifold { .. } => previews.manifold = Some(images),
            PreviewRequest::At { .. } => previews.image = Some(images),
        }
    }

    fn on_loaded(&mut self, classes: Vec<String>, latent: usize) {
        let known = |name: String| (self.state.project.class_named(&name).map(|class| class.id), name);
        let classes: Vec<_> = classes.into_iter().map(known).collect();
        let names: Vec<&str> = classes.iter().map(|(_, name)| name.as_str()).collect();
        self.tell(Level::Done, format!("Model loaded: {}", names.join(", ")), None);
        self.state.training.model = Some(Model { classes, latent });
        self.state.results = None;
        self.state.previews = super::state::Previews::default();
        if !self.state.project.particles.is_empty() {
            self.assemble(AssemblePurpose::Classify);
        }
    }

    fn on_done(&mut self, ctx: &egui::Context, done: Done) {
        match done {
            Done::Chosen { purpose, paths, instantly } => self.on_chosen(purpose, paths, instantly),
            Done::Project { path, project } => self.on_project(path, project),
            Done::Imported(imported) => self.on_imported(imported),
            Done::Picture { id, picture } => self.on_picture(id, picture),
            Done::Detected { micrograph, found } => self.on_detected(micrograph, found),
            Done::Saved { path, revision, result } => self.on_saved(ctx, &path, revision, result),
            Done::Assembling(share) => {
                if let Phase::Preparing { share: shown } = &mut self.state.training.phase {
                    *shown = share;
                }
            }
            Done::Assembled(dataset) => self.on_assembled(dataset),
            Done::Exported { dir, result } => self.on_exported(&dir, result),
            Done::Broken(name) => {
                let text =
                    format!("{name} ended with an error inside the program; save your work and try again.");
                self.tell(Level::Error, text, None);
            }
        }
    }

    fn on_chosen(&mut self, purpose: Purpose, paths: Option<Vec<PathBuf>>, instantly: bool) {
        match paths {
            Some(paths) => match (&mut self.dialog, purpose) {
                (Dialog::Export { folder, .. }, Purpose::ExportFolder) => {
                    if let Some(path) = paths.first() {
                        *folder = path.display().to_string();
                    }
                }
                _ => self.actions.extend(purpose.action(paths)),
            },
            None if instantly && purpose != Purpose::ExportFolder => {
                self.dialog = Dialog::Path { purpose, text: String::new() };
            }
            None => self.stay(),
        }
    }

    fn on_project(&mut self, path: Option<PathBuf>, project: Result<Loaded>) {
        self.loading = None;
        match project {
            Ok(loaded) => {
                let unnamed = path.is_none().then_some("Sample");
                self.replace(loaded.project, path);
                self.state.unnamed = unnamed;
                if loaded.moved > 0 {
                    self.state.history.mark_unsaved();
                    let moved = count(loaded.moved, "micrograph");
                    self.tell(Level::Warning, format!("{moved} found in another place, by content."), None);
                }
                if loaded.missing > 0 {
                    let missing = count(loaded.missing, "micrograph");
                    let text =
                        format!("{missing} not found. Put the files beside the project; labels are kept.");
                    self.tell(Level::Warning, text, None);
                }
            }
            Err(error) => self.complain(&error),
        }
    }

    fn on_imported(&mut self, imported: Result<Imported>) {
        self.importing = None;
        let mut first = None;
        match imported {
            Ok(imported) => {
                for page in imported.pages {
                    match self.add_micrograph(page.entry) {
                        Ok(id) => {
                            if let Some(picture) = page.picture {
                                self.state.pictures.insert(id, Opened::Ready(picture));
                            }
                            first = first.or(Some(id));
                        }
                        Err(error) => self.complain(&error),
                    }
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

    fn on_picture(&mut self, id: MicrographId, picture: Result<Arc<Picture>>) {
        let opened = match picture {
            Ok(picture) => Opened::Ready(picture),
            Err(error) => {
                self.complain(&error);
                Opened::Failed(error.to_string())
            }
        };
        if self.state.project.micrograph(id).is_some() {
            self.state.pictures.insert(id, opened);
            self.state.detection.stale = true;
        }
    }

    fn on_detected(&mut self, micrograph: MicrographId, found: Result<Vec<Detection>>) {
        self.detecting = None;
        let particles: Vec<(f32, f32, f32)> = self
            .state
            .project
            .particles_on(micrograph)
            .map(|particle| (particle.x, particle.y, particle.diameter.unwrap_or(0.0)))
            .collect();
        let detection = &mut self.state.detection;
        detection.running = false;
        match found {
            Ok(found) => {
                detection.problem = None;
                detection.micrograph = Some(micrograph);
                // What is a particle already is not proposed again.
                let new = |d: &Detection| {
                    particles
                        .iter()
                        .all(|(x, y, size)| (d.x - x).hypot(d.y - y) > 0.4 * d.diameter.max(*size).max(6.0))
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

    fn on_saved(&mut self, ctx: &egui::Context, path: &std::path::Path, revision: u64, result: Result<()>) {
        match result {
            Ok(()) => {
                // A change made while the file was written is not in it.
                if revision == self.state.revision && self.state.path.as_deref() == Some(path) {
                    self.state.history.mark_saved();
                }
                if self.leave_after_save {
                    self.go(ctx);
                }
            }
            Err(error) => {
                self.stay();
                self.complain(&error);
            }
        }
    }

    fn on_assembled(&mut self, dataset: Result<Dataset>) {
        let Some(assembling) = self.assembling.take() else { return };
        let dataset = match dataset {
            Ok(dataset) => Arc::new(dataset),
            Err(error) => {
                if assembling.purpose == AssemblePurpose::Train {
                    let message = error.to_string();
                    self.state.training.phase = Phase::Failed { message, details: String::new() };
                }
                self.cancel_export();
                self.complain(&error);
                return;
            }
        };
        match assembling.purpose {
            AssemblePurpose::Train => self.send_training(dataset),
            AssemblePurpose::Classify => {
                self.worker.send(Command::Classify(dataset.patches.clone()));
                self.state.training.dataset = Some(dataset);
            }
            AssemblePurpose::Export => {
                if let Some(export) = &mut self.export {
                    export.dataset = Some(dataset.clone());
                    self.worker.send(Command::Classify(dataset.patches.clone()));
                    self.state.training.dataset = Some(dataset);
                }
            }
        }
    }

    fn send_training(&mut self, dataset: Arc<Dataset>) {
        let config = self.state.train_config();
        let training = &mut self.state.training;
        let ids = dataset.classes.iter().map(|id| Some(*id));
        let classes = ids.zip(dataset.class_names.iter().cloned()).collect();
        training.model = Some(Model { classes, latent: config.latent });
        training.phase = Phase::Starting;
        self.state.previews = super::state::Previews::default();
        self.worker.send(Command::Train(Box::new(TrainJob {
            config,
            classes: dataset.class_names.clone(),
            patches: dataset.patches.clone(),
            validation: None,
            geometry: Some(self.state.project.patch.clone()),
            device: training.choice,
        })));
        training.dataset = Some(dataset);
    }

    /// Work that follows from the state, not from an event: pictures to open, searches and previews to start.
    pub(super) fn keep_going(&mut self) {
        // One after the other, so that the list has the order in which they were given.
        let free = |job: Option<JobId>| job.is_none_or(|job| !self.jobs.runs(job));
        if free(self.importing)
            && free(self.loading)
            && let Some(path) = self.opening.pop_front()
        {
            let job = self.jobs.start(format!("Opening {}", name_of(&path)), move |context| {
                Done::Imported(jobs::import(&path, context))
            });
            self.importing = Some(job);
        }
        self.open_pictures();
        self.search();
        self.ask_preview();
    }

    /// Opens the shown micrograph first, then the others for their thumbnails while there is room.
    fn open_pictures(&mut self) {
        let held: usize = self
            .state
            .pictures
            .values()
            .map(|opened| if let Opened::Ready(picture) = opened { picture.bytes() } else { 0 })
            .sum();
        let busy = self.state.pictures.values().any(|opened| matches!(opened, Opened::Loading));
        let shown = self.state.shown.filter(|id| !self.state.pictures.contains_key(id));
        let others = || {
            self.state
                .project
                .micrographs
                .iter()
                .map(|e| e.id)
                .find(|id| !self.state.pictures.contains_key(id))
        };
        let next = shown.or_else(|| (!busy && held < KEPT_BYTES / 2).then(others).flatten());
        let Some(entry) = next.and_then(|id| self.state.project.micrograph(id)).cloned() else { return };
        if held > KEPT_BYTES {
            self.state
                .pictures
                .retain(|id, opened| Some(*id) == shown || !matches!(opened, Opened::Ready(_)));
        }
        let id = entry.id;
        self.state.pictures.insert(id, Opened::Loading);
        self.jobs.start(format!("Opening {}", entry.file_name()), move |_| Done::Picture {
            id,
            picture: jobs::open(&entry),
        });
    }

    /// Starts a search when the sliders moved; one that is out of date is stopped.
    fn search(&mut self) {
        if !self.state.detection.live || !self.state.detection.stale {
            return;
        }
        let Some(entry) = self.state.shown.and_then(|id| self.state.project.micrograph(id)).cloned() else {
            return;
        };
        let Some(picture) = self.state.picture().cloned() else { return };
        if let Some(job) = self.detecting.take() {
            self.jobs.stop(job);
        }
        let detection = &mut self.state.detection;
        if detection.micrograph != Some(entry.id) {
            detection.found = Vec::new().into();
        }
        (detection.stale, detection.running) = (false, true);
        let settings = detection.settings.clone();
        let job = self.jobs.start_quietly("Searching particles".into(), move |context| {
            let mut micrograph = picture.micrograph.clone();
            // The user may know the scale better than the file.
            micrograph.pixel_size = entry.pixel_size;
            let found = jobs::search(&micrograph, &entry.excluded, &settings, context);
            Done::Detected { micrograph: entry.id, found }
        });
        self.detecting = Some(job);
    }

    /// Sends the next preview request; the worker answers only the newest, so one waits for the other.
    fn ask_preview(&mut self) {
        let previews = &mut self.state.previews;
        if previews.asked.as_ref().is_some_and(|(_, since)| since.elapsed() < LOST) {
            return;
        }
        // In turns: while the model learns fast, each of the two is wanted again before the other was drawn.
        let (image, manifold) = (&mut previews.wanted_image, &mut previews.wanted_manifold);
        let turns = if previews.manifold_next { [manifold, image] } else { [image, manifold] };
        if let Some(request) = turns.into_iter().find_map(Option::take) {
            previews.manifold_next = matches!(request, PreviewRequest::At { .. });
            previews.asked = Some((request.clone(), Instant::now()));
            self.worker.send(Command::Preview(request));
        }
    }
}
