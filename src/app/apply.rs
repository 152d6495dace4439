//! What each action does.

use super::action::{Action, Tool};
use super::calibration::LengthUnit;
use super::dialogs::{Dialog, ExportPlan};
use super::file_dialog::Purpose;
use super::jobs::{self, Done};
use super::maps::{self, Workspace};
use super::run::Phase;
use super::state::{Level, Message, Opened, Readiness};
use super::{App, AssemblePurpose, Assembling, Leaving};
use crate::error::Error;
use crate::particle::{MicrographId, ParticleId};
use crate::project::Project;
use crate::worker::message::{Command, PreviewRequest};
use egui::ViewportCommand;
use std::time::Instant;

impl App {
    /// Does one action.
    pub(super) fn apply(&mut self, ctx: &egui::Context, action: Action) {
        if self.layout.apply(&action, self.state.workspace) {
            return;
        }
        match action {
            Action::New => self.leave(ctx, Leaving::New),
            Action::Open => self.ask_path(Purpose::Open),
            Action::OpenSample => self.leave(ctx, Leaving::Sample),
            Action::AddMicrographs => self.ask_path(Purpose::AddMicrographs),
            Action::OpenSpectra => self.ask_path(Purpose::OpenSpectra),
            Action::Save => self.save(),
            Action::SaveAs => self.ask_path(Purpose::SaveProject),
            Action::SaveTo(path) => self.save_as(&path),
            Action::Export if self.state.workspace == Workspace::Maps => {
                if self.state.maps.set.is_some() {
                    self.ask_path(Purpose::MapFolder);
                }
            }
            Action::Export if self.state.workspace == Workspace::Spectra => {
                if self.state.spectra.found.is_some() {
                    self.ask_path(Purpose::SpectraFolder);
                }
            }
            Action::Export => {
                let folder = self.library_folder().display().to_string();
                self.dialog = Dialog::Export { folder, overwrite: false, selection: false };
            }
            Action::ExportSelection => {
                let folder = format!("{}-selection", self.library_folder().display());
                self.dialog = Dialog::Export { folder, overwrite: false, selection: true };
            }
            Action::TakeAway => self.dialog = Dialog::TakeAway,
            Action::TakeView(take) => self.take_view(take),
            Action::TakeViewTo(take, path) => self.take_view_to(take, &path),
            Action::KeepModel => self.dialog = Dialog::KeepModel { name: self.model_name() },
            Action::KeepModelAs(name) => self.keep_model(name, false),
            Action::ForgetModel(path) => self.forget_model(&path),
            Action::CompareModels(first, second) => self.ask_both([first, second]),
            Action::GoOn => self.go_on(),
            Action::ExportTo(plan) => self.begin_export(plan),
            Action::LoadModel => self.ask_path(Purpose::LoadModel),
            Action::LoadModelFrom(path) => self.load_model(&path),
            Action::SaveModel => self.ask_path(Purpose::SaveModel),
            Action::SaveModelTo(path) => self.worker.send(Command::Save(path)),
            Action::OpenPaths(paths) => self.open_paths(ctx, paths),
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Action::DiscardChanges => self.go(ctx),
            Action::SaveFirst => {
                self.leave_after_save = true;
                self.save();
            }
            Action::StayHere => self.stay(),
            Action::Theme(theme) => {
                ctx.set_theme(theme);
                self.memory.set_theme(theme);
            }
            // Once the project that is on its way is there.
            Action::BringBack(_) if self.loading.is_some() => self.actions.push(action),
            Action::BringBack(journal) => self.leave(ctx, Leaving::BringBack(journal)),
            Action::ThrowAway(journal) => self.throw_away(&journal),
            Action::BackToSaved => self.back_to_saved(),
            Action::Keys => self.dialog = Dialog::Keys,
            Action::Show(id) => self.show(id),
            Action::ImportLabels => self.ask_path(Purpose::ImportLabels),
            Action::ExportLabels => self.ask_path(Purpose::ExportLabels),
            Action::ImportLabelsFrom(path) => self.import_labels(&path),
            Action::ExportLabelsTo(path) => self.export_labels(&path),
            Action::History => self.dialog = Dialog::History,
            Action::Palette => self.dialog = Dialog::Palette { text: String::new(), chosen: 0 },
            Action::GoTo(done) => self.go_to(done),
            Action::Calibrate { length_px } => {
                self.dialog =
                    Dialog::Calibrate { length_px, text: String::new(), unit: LengthUnit::Nanometre };
            }
            Action::NextUnlabelled => self.step_unlabelled(1),
            Action::PreviousUnlabelled => self.step_unlabelled(-1),
            Action::FocusPanels => ctx.memory_mut(|memory| memory.move_focus(egui::FocusDirection::Next)),
            Action::FindSimilar => self.find_similar(),
            Action::LeastScore(score) => self.state.detection.least = score,
            Action::ToggleClass(id) => {
                if !self.state.hidden.remove(&id) {
                    self.state.hidden.insert(id);
                    // What is not seen is not changed either.
                    let mut selection = std::mem::take(&mut self.state.selection);
                    selection.retain(|id| {
                        self.state.project.particle(*id).is_some_and(|one| !self.state.is_hidden(one))
                    });
                    self.state.selection = selection;
                }
                self.state.revision += 1;
            }
            Action::NextMicrograph => self.step_micrograph(1),
            Action::PreviousMicrograph => self.step_micrograph(-1),
            Action::Use(tool) if self.state.workspace == Workspace::Maps => {
                self.state.maps.tool = maps::MapTool::masking(tool).unwrap_or(self.state.maps.tool);
            }
            Action::Use(tool) => self.state.tool = tool,
            Action::Workspace(workspace) => self.state.workspace = workspace,
            Action::MapTool(tool) => self.state.maps.tool = tool,
            Action::Maps(ask) => self.ask_maps(ask),
            Action::Spectra(ask) => self.ask_spectra(ask),
            Action::TrainOrPause | Action::Train | Action::Pause | Action::Resume | Action::Stop => {
                match self.state.workspace {
                    Workspace::Particles => self.run(&action),
                    Workspace::Maps => self.run_maps(&action),
                    Workspace::Spectra => self.run_spectra(&action),
                }
            }
            Action::Ask => self.begin_asking(),
            Action::LookForQuestions => self.look_for_questions(),
            Action::SkipQuestion => self.skip_question(),
            Action::StopAsking => self.stop_asking(),
            Action::LearnNewLabels => self.learn_new_labels(),
            Action::CrossValidate => self.cross_validate(),
            Action::StopValidating => self.worker.send(Command::StopValidating),
            Action::Average => self.average(),
            Action::LookAtParticles => {
                if !self.is_cutting() {
                    self.assemble(AssemblePurpose::Look);
                }
            }
            Action::UseDevice(device) => self.state.training.choice = device,
            Action::Preview(request) => self.want_preview(request),
            Action::TryPreparation(trial) => self.state.prepared.trial = trial,
            Action::Greeted => {
                self.state.greeting = false;
                self.memory.greet();
            }
            Action::WantSmall(id) => self.state.prepared.wanted = Some(id),
            // The key turns it off again.
            Action::Detect(live) => self.detect(live && !self.state.detection.live),
            Action::DetectSettings(settings) => {
                self.state.detection.settings = settings;
                self.state.detection.stale = true;
            }
            Action::AcceptDetections => self.accept_detections(),
            Action::Select { particles, join } => self.select(particles, join),
            Action::ToggleSelected(id) => {
                if !self.state.selection.remove(&id) && self.state.project.particle(id).is_some() {
                    self.state.selection.insert(id);
                }
            }
            Action::GoToParticle(id) => self.go_to_particle(id),
            Action::SelectAll => self.select_all(),
            Action::SelectNone => self.state.selection.clear(),
            edit => {
                if let Err(error) = self.edit(edit) {
                    self.complain(&error);
                }
            }
        }
    }

    pub(super) fn show(&mut self, id: MicrographId) {
        if self.state.project.micrograph(id).is_some() {
            self.state.shown = Some(id);
            self.state.detection.stale = true;
            // What could not be opened may have been put back.
            if matches!(self.state.pictures.get(&id), Some(Opened::Failed(_))) {
                self.state.pictures.remove(&id);
            }
        }
    }

    /// Selected anywhere, seen on the micrograph.
    pub(super) fn go_to_particle(&mut self, id: ParticleId) {
        let Some(particle) = self.state.project.particle(id) else { return };
        let (micrograph, x, y) = (particle.micrograph, particle.x, particle.y);
        self.select(vec![id], false);
        if self.state.shown != Some(micrograph) {
            self.show(micrograph);
        }
        self.layout.look_at(x, y);
    }

    fn step_micrograph(&mut self, step: isize) {
        let place = self.state.shown.and_then(|id| self.state.project.micrograph_index(id));
        let next = place.and_then(|place| place.checked_add_signed(step));
        if let Some(entry) = next.and_then(|next| self.state.project.micrographs.get(next)) {
            self.show(entry.id);
        }
    }

    /// Turns the live search on or off.
    pub(super) fn detect(&mut self, live: bool) {
        if let Some(job) = self.detecting.take() {
            self.jobs.stop(job);
        }
        let detection = &mut self.state.detection;
        detection.live = live;
        detection.running = false;
        detection.stale = live;
        detection.problem = None;
        detection.found = Vec::new().into();
        (detection.current, detection.similar, detection.least) = (None, false, 0.0);
        if live {
            self.state.tool = match self.state.tool {
                Tool::Exclude | Tool::Outline | Tool::Measure => Tool::Pick,
                tool => tool,
            };
        }
    }

    /// Looks for what resembles the selected particles, or those of the current class.
    fn find_similar(&mut self) {
        if self.state.examples().is_empty() {
            let text = "Label or select some particles; what resembles them is then found.";
            self.tell(Level::Warning, text, None);
            return;
        }
        self.detect(true);
        let detection = &mut self.state.detection;
        (detection.similar, detection.least) = (true, 0.6);
    }

    fn run(&mut self, action: &Action) {
        let phase = &self.state.training.phase;
        match (action, phase) {
            (Action::Pause | Action::TrainOrPause, phase) if phase.can_pause() => {
                self.worker.send(Command::Pause);
            }
            (Action::Resume | Action::TrainOrPause, Phase::Paused) => {
                if self.export.is_some() {
                    // What the library says of its particles and the model in it would be of different steps.
                    self.cancel_export();
                    let text = "The training goes on, so the export is given up. Pause, and export again.";
                    self.tell(Level::Warning, text, None);
                }
                self.worker.send(Command::Resume);
            }
            (Action::Stop, Phase::Preparing { .. }) => {
                if let Some(assembling) = self.assembling.take() {
                    self.jobs.stop(assembling.job);
                }
                self.state.training.phase = Phase::Idle;
            }
            (Action::Stop, phase) if phase.is_active() => {
                self.state.training.phase = Phase::Stopping;
                self.worker.send(Command::Stop);
            }
            (Action::Train | Action::TrainOrPause, phase) if !phase.is_active() => self.train(),
            _ => {}
        }
    }

    fn train(&mut self) {
        if self.is_learning() {
            return;
        }
        if let Readiness::Missing(what) = self.state.readiness() {
            self.tell(Level::Warning, what, None);
            return;
        }
        self.give_up_export();
        self.state.training.begin();
        self.state.results = None;
        self.assemble(AssemblePurpose::Train);
    }

    /// True while a training is under way, or takes new labels in; says so.
    pub(super) fn is_learning(&mut self) -> bool {
        let learning = self.state.training.phase.is_active() || self.learning.is_some();
        if learning {
            self.tell(Level::Warning, "A training is under way; stop it first.", None);
        }
        learning
    }

    /// True while patches are cut for a training: a cut for something else would take its place. Says so.
    pub(super) fn is_cutting(&mut self) -> bool {
        let cutting = matches!(self.state.training.phase, Phase::Preparing { .. });
        if cutting {
            let text = "Patches are being cut for the training; try again when it has begun.";
            self.tell(Level::Warning, text, None);
        }
        cutting
    }

    /// Starts cutting patches; a cut that is under way for something else is dropped.
    pub(super) fn assemble(&mut self, purpose: AssemblePurpose) {
        if let Some(before) = self.assembling.take() {
            self.jobs.stop(before.job);
        }
        if purpose != AssemblePurpose::Export {
            self.give_up_export();
        }
        // Whatever the settings say by now: those hold for the next training.
        let project = match purpose {
            AssemblePurpose::Train => self.state.project.clone(),
            AssemblePurpose::GoOn => {
                let learned = self.state.stopped.as_ref().and_then(|stopped| stopped.geometry.as_ref());
                let patch = learned.unwrap_or(&self.state.project.patch).clone();
                Project { patch, ..self.state.project.clone() }
            }
            _ => self.state.project_as_learned(),
        };
        let ids = project.micrographs.iter().map(|entry| entry.id);
        let open: jobs::OpenPictures = ids.filter_map(|id| Some((id, self.state.as_it_is(id)?))).collect();
        let work = move |context: &jobs::Context| Done::Assembled(jobs::assemble(&project, &open, context));
        let job = match purpose {
            AssemblePurpose::Export => self.jobs.start("Cutting patches for the library".into(), work),
            _ => self.jobs.start_quietly("Cutting patches".into(), work),
        };
        self.assembling = Some(Assembling { job, purpose });
    }

    fn want_preview(&mut self, request: PreviewRequest) {
        match request {
            PreviewRequest::Manifold { .. } => self.state.previews.wanted_manifold = Some(request),
            PreviewRequest::At { .. } => self.state.previews.wanted_image = Some(request),
            PreviewRequest::Film { .. } => self.state.previews.wanted_film = Some(request),
        }
    }

    fn begin_export(&mut self, plan: ExportPlan) {
        if self.is_cutting() {
            return;
        }
        if !super::bar::can_export(&self.state) {
            let text = "There is no library to take away yet: train first, or pause the training that runs.";
            return self.tell(Level::Warning, text, None);
        }
        self.give_up_export();
        self.export = Some(super::export::Export::new(plan, &self.state));
        self.assemble(AssemblePurpose::Export);
    }

    /// Tells the user, as a toast and in the list of messages.
    pub(super) fn tell(&mut self, level: Level, text: impl Into<String>, details: Option<String>) {
        let text = text.into();
        self.state.messages.push(Message { level, text, details, at: Instant::now() });
        self.toasts.push(self.state.messages.len() - 1);
    }

    /// Tells the user what went wrong; that they stopped it themselves is no news.
    pub(super) fn complain(&mut self, error: &Error) {
        if matches!(error, Error::Stopped) {
            return;
        }
        // For a bug report: what the sentence leaves out.
        self.tell(Level::Error, error.to_string(), Some(format!("{error:?}")));
    }
}
