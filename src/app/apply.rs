//! What each action does.

use super::action::{Action, Tool};
use super::dialogs::{self, Dialog, ExportPlan, Purpose};
use super::jobs::{self, Done};
use super::run::Phase;
use super::state::{Level, Message, Opened, Readiness, count};
use super::{App, AssemblePurpose, Assembling, Leaving};
use crate::error::{Error, Result};
use crate::particle::{MicrographId, Particle, ParticleId};
use crate::project::edit::Edit;
use crate::project::{MicrographEntry, Project, store};
use crate::worker::message::{Command, PreviewRequest};
use egui::ViewportCommand;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A dialog that was closed faster than this was never shown: no person is that quick.
const INSTANT: Duration = Duration::from_millis(350);

impl App {
    /// Does one action.
    pub(super) fn apply(&mut self, ctx: &egui::Context, action: Action) {
        if self.layout.apply(&action) {
            return;
        }
        match action {
            Action::New => self.leave(ctx, Leaving::New),
            Action::Open => self.ask_path(Purpose::Open),
            Action::OpenSample => self.leave(ctx, Leaving::Sample),
            Action::AddMicrographs => self.ask_path(Purpose::AddMicrographs),
            Action::Save => self.save(),
            Action::SaveAs => self.ask_path(Purpose::SaveProject),
            Action::SaveTo(path) => {
                self.state.path = Some(store::with_extension(&path));
                self.save();
            }
            Action::Export => {
                let folder = self.library_folder().display().to_string();
                self.dialog = Dialog::Export { folder, overwrite: false };
            }
            Action::ExportTo(plan) => self.begin_export(plan),
            Action::LoadModel => self.ask_path(Purpose::LoadModel),
            Action::LoadModelFrom(path) => self.worker.send(Command::Load(path)),
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
            Action::Theme(theme) => ctx.set_theme(theme),
            Action::Keys => self.dialog = Dialog::Keys,
            Action::Messages => self.dialog = Dialog::Messages,
            Action::Show(id) => self.show(id),
            Action::NextMicrograph => self.step_micrograph(1),
            Action::PreviousMicrograph => self.step_micrograph(-1),
            Action::Use(tool) => self.state.tool = tool,
            Action::TrainOrPause | Action::Train | Action::Pause | Action::Resume | Action::Stop => {
                self.run(&action);
            }
            Action::UseDevice(device) => self.state.training.choice = device,
            Action::Preview(request) => self.want_preview(request),
            Action::Detect(live) => self.detect(live),
            Action::DetectSettings(settings) => {
                self.state.detection.settings = settings;
                self.state.detection.stale = true;
            }
            Action::AcceptDetections => self.accept_detections(),
            Action::Select { particles, join } => self.select(particles, join),
            Action::ToggleSelected(id) => {
                if !self.state.selection.remove(&id) {
                    self.state.selection.insert(id);
                }
            }
            Action::SelectAll => self.select_all(),
            Action::SelectNone => self.state.selection.clear(),
            edit => {
                if let Err(error) = self.edit(edit) {
                    self.complain(&error);
                }
            }
        }
    }

    /// Actions that change the project.
    fn edit(&mut self, action: Action) -> Result<()> {
        let state = &mut self.state;
        let selected: Vec<ParticleId> = state.selection.iter().copied().collect();
        match action {
            Action::Undo => {
                state.undo()?;
                Ok(())
            }
            Action::Redo => {
                state.redo()?;
                Ok(())
            }
            Action::Change { name, edit } => state.change(name, edit),
            Action::AddClass(name) => {
                let (id, edit) = state.project.add_class_edit(name.as_str());
                state.change(format!("add class {name}"), edit)?;
                state.class = Some(id);
                Ok(())
            }
            Action::RemoveClass(id) => {
                let name = format!("remove class {}", state.class_name(id));
                let edit = state.project.delete_class_edit(id)?;
                state.change(name, edit)
            }
            Action::RemoveMicrograph(id) => {
                let edit = state.project.remove_micrograph_edit(id)?;
                state.change("remove micrograph", edit)
            }
            Action::AddParticle { x, y } => {
                let Some(shown) = state.shown else { return Ok(()) };
                let (_, edit) = state.project.add_particle_edit(shown, x, y, state.class);
                let name = state.class.map_or("particle", |id| state.class_name(id)).to_owned();
                state.change(format!("add {name}"), edit)
            }
            Action::RemoveParticle(id) => state.change("remove particle", Edit::RemoveParticles(vec![id])),
            Action::LabelParticle(id) => self.label_or_select(id),
            Action::ChooseClass(id) => {
                state.class = Some(id);
                self.label_selected(&selected)
            }
            Action::ClassAt(place) => {
                let Some(class) = state.project.classes.get(place) else { return Ok(()) };
                state.class = Some(class.id);
                self.label_selected(&selected)
            }
            Action::Delete if !selected.is_empty() => {
                let name = format!("remove {}", count(selected.len(), "particle"));
                state.change(name, Edit::RemoveParticles(selected))
            }
            Action::Unlabel if !selected.is_empty() => {
                let edit = state.project.label_edit(&selected, None)?;
                state.change("take labels off", edit)
            }
            Action::HoldOut => {
                let labelled: Vec<&Particle> =
                    state.selected().into_iter().filter(|p| p.label.is_some()).collect();
                let hold = labelled.iter().any(|particle| !particle.held_out);
                let ids: Vec<ParticleId> = labelled.iter().map(|particle| particle.id).collect();
                if ids.is_empty() {
                    return Ok(());
                }
                let edit = state.project.hold_out_edit(&ids, hold)?;
                state.change(if hold { "hold labels out" } else { "train with labels again" }, edit)
            }
            _ => Ok(()),
        }
    }

    /// A click on a particle gives it the current class; if it has it already, it is selected.
    fn label_or_select(&mut self, id: ParticleId) -> Result<()> {
        let state = &mut self.state;
        let label = state.project.particle(id).and_then(|particle| particle.label);
        if state.class.is_none() || label == state.class {
            state.selection = [id].into();
            return Ok(());
        }
        let name = format!("label {}", state.class.map_or("particle", |class| state.class_name(class)));
        let edit = state.project.label_edit(&[id], state.class)?;
        state.change(name, edit)
    }

    fn label_selected(&mut self, selected: &[ParticleId]) -> Result<()> {
        let state = &mut self.state;
        let (Some(class), false) = (state.class, selected.is_empty()) else { return Ok(()) };
        let name = format!("label {} {}", count(selected.len(), "particle"), state.class_name(class));
        let edit = state.project.label_edit(selected, Some(class))?;
        state.change(name, edit)
    }

    fn select(&mut self, particles: Vec<ParticleId>, join: bool) {
        if !join {
            self.state.selection.clear();
        }
        self.state.selection.extend(particles);
    }

    fn select_all(&mut self) {
        if let Some(shown) = self.state.shown {
            self.state.selection =
                self.state.project.particles_on(shown).map(|particle| particle.id).collect();
        }
    }

    fn show(&mut self, id: MicrographId) {
        if self.state.project.micrograph(id).is_some() {
            self.state.shown = Some(id);
            self.state.detection.stale = true;
        }
    }

    fn step_micrograph(&mut self, step: isize) {
        let place = self.state.shown.and_then(|id| self.state.project.micrograph_index(id));
        let next = place.and_then(|place| place.checked_add_signed(step));
        if let Some(entry) = next.and_then(|next| self.state.project.micrographs.get(next)) {
            self.show(entry.id);
        }
    }

    fn accept_detections(&mut self) {
        let state = &mut self.state;
        let Some(micrograph) = state.detection.micrograph else { return };
        let particles = state.detection.found.iter().map(|found| Particle {
            id: ParticleId(0),
            micrograph,
            x: found.x,
            y: found.y,
            diameter: Some(found.diameter),
            score: Some(found.score),
            label: None,
            held_out: false,
        });
        let particles: Vec<Particle> = particles.collect();
        if particles.is_empty() {
            return;
        }
        let name = format!("accept {}", count(particles.len(), "proposal"));
        let edit = state.project.add_particles_edit(particles);
        match state.change(name, edit) {
            Ok(()) => self.detect(false),
            Err(error) => self.complain(&error),
        }
    }

    /// Turns the live search on or off.
    fn detect(&mut self, live: bool) {
        if let Some(job) = self.detecting.take() {
            self.jobs.stop(job);
        }
        let detection = &mut self.state.detection;
        detection.live = live;
        detection.running = false;
        detection.stale = live;
        detection.problem = None;
        detection.found = Vec::new().into();
        if live {
            self.state.tool = match self.state.tool {
                Tool::Exclude => Tool::Pick,
                tool => tool,
            };
        }
    }

    fn run(&mut self, action: &Action) {
        let phase = &self.state.training.phase;
        match (action, phase) {
            (Action::Pause | Action::TrainOrPause, phase) if phase.can_pause() => {
                self.worker.send(Command::Pause);
            }
            (Action::Resume | Action::TrainOrPause, Phase::Paused) => self.worker.send(Command::Resume),
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
        if let Readiness::Missing(what) = self.state.readiness() {
            self.tell(Level::Warning, what, None);
            return;
        }
        self.cancel_export();
        self.state.training.begin();
        self.state.results = None;
        self.assemble(AssemblePurpose::Train);
    }

    /// Starts cutting patches; a cut that is under way for something else is dropped.
    pub(super) fn assemble(&mut self, purpose: AssemblePurpose) {
        if let Some(before) = self.assembling.take() {
            self.jobs.stop(before.job);
        }
        let project = self.state.project.clone();
        let open: jobs::OpenPictures = self
            .state
            .pictures
            .iter()
            .filter_map(|(id, opened)| match opened {
                Opened::Ready(picture) => Some((*id, picture.clone())),
                _ => None,
            })
            .collect();
        let job = self.jobs.start_quietly("Cutting patches".into(), move |context| {
            Done::Assembled(jobs::assemble(&project, &open, context))
        });
        self.assembling = Some(Assembling { job, purpose });
    }

    fn want_preview(&mut self, request: PreviewRequest) {
        match request {
            PreviewRequest::Manifold { .. } => self.state.previews.wanted_manifold = Some(request),
            PreviewRequest::At { .. } => self.state.previews.wanted_image = Some(request),
        }
    }

    fn open_sample(&mut self) {
        let job = self.jobs.start("Opening the sample".into(), |_| {
            let project = crate::sample::open_sample();
            let project = project.map(|project| jobs::Loaded { project, moved: 0, missing: 0 });
            Done::Project { path: None, project }
        });
        self.loading = Some(job);
    }

    fn open_paths(&mut self, ctx: &egui::Context, paths: Vec<PathBuf>) {
        if paths.iter().any(|path| is_project(path)) {
            self.leave(ctx, Leaving::Paths(paths));
        } else {
            self.show_import = true;
            self.opening.extend(paths);
        }
    }

    /// Leaves the project for another, or for good; asks first if there are unsaved changes.
    fn leave(&mut self, ctx: &egui::Context, leaving: Leaving) {
        self.leaving = Some(leaving);
        if self.state.has_unsaved_work() {
            self.dialog = Dialog::Unsaved;
        } else {
            self.go(ctx);
        }
    }

    /// Does what unsaved changes stood in the way of.
    pub(super) fn go(&mut self, ctx: &egui::Context) {
        self.leave_after_save = false;
        match self.leaving.take() {
            None => {}
            Some(Leaving::Close) => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Some(Leaving::New) => self.replace(Project::new(), None),
            Some(Leaving::Sample) => self.open_sample(),
            Some(Leaving::Paths(paths)) => {
                for path in paths {
                    if is_project(&path) {
                        let name = format!("Opening {}", name_of(&path));
                        let job = self.jobs.start(name, move |_| Done::Project {
                            project: jobs::load(&path),
                            path: Some(path),
                        });
                        self.loading = Some(job);
                    } else {
                        self.opening.push_back(path);
                    }
                }
            }
        }
    }

    /// Stays with the project after all.
    pub(super) fn stay(&mut self) {
        self.leaving = None;
        self.leave_after_save = false;
    }

    pub(super) fn replace(&mut self, project: Project, path: Option<PathBuf>) {
        self.stop_all();
        self.state.replace_project(project, path);
        self.layout.reset_views();
    }

    /// Ends what was done for the project that is being left.
    fn stop_all(&mut self) {
        self.detect(false);
        if let Some(assembling) = self.assembling.take() {
            self.jobs.stop(assembling.job);
        }
        self.cancel_export();
        let phase = &self.state.training.phase;
        if phase.is_active() && !matches!(phase, Phase::Preparing { .. }) {
            self.worker.send(Command::Stop);
            self.left_runs += 1;
        }
    }

    /// Adds opened pages to the project.
    pub(super) fn add_micrograph(&mut self, mut entry: MicrographEntry) -> Result<MicrographId> {
        // The same micrograph dropped twice is shown, not doubled.
        let same = |other: &&MicrographEntry| other.hash == entry.hash && other.page == entry.page;
        if let Some(other) = self.state.project.micrographs.iter().find(same) {
            return Ok(other.id);
        }
        entry.contrast = (0.5, 99.5);
        let name = format!("add {}", entry.file_name());
        let (id, edit) = self.state.project.add_micrograph_edit(entry);
        self.state.change(name, edit)?;
        Ok(id)
    }

    fn save(&mut self) {
        let Some(path) = self.state.path.clone() else {
            self.ask_path(Purpose::SaveProject);
            return;
        };
        let (project, revision) = (self.state.project.clone(), self.state.revision);
        self.jobs.start_writing(format!("Saving {}", name_of(&path)), move |_| {
            let result = store::save(&project, &path);
            Done::Saved { path, revision, result }
        });
    }

    fn library_folder(&self) -> PathBuf {
        let beside = self.state.path.as_ref().and_then(|path| path.parent());
        let beside = beside.map_or_else(|| std::env::current_dir().unwrap_or_default(), PathBuf::from);
        beside.join(format!("{}-library", self.state.name().to_lowercase()))
    }

    fn begin_export(&mut self, plan: ExportPlan) {
        self.export = Some(super::export::Export::new(plan));
        self.assemble(AssemblePurpose::Export);
    }

    /// Shows the system's file dialog; where there is none, one of our own follows.
    pub(super) fn ask_path(&mut self, purpose: Purpose) {
        let answer = dialogs::ask(purpose, &self.state.name().to_lowercase());
        let asked = Instant::now();
        self.jobs.start_quietly("File dialog".into(), move |_| {
            let paths = dialogs::wait(answer);
            Done::Chosen { purpose, instantly: paths.is_none() && asked.elapsed() < INSTANT, paths }
        });
    }

    /// Tells the user, as a toast and in the list of messages.
    pub(super) fn tell(&mut self, level: Level, text: impl Into<String>, details: Option<String>) {
        let text = text.into();
        let (sign, colour) = match level {
            Level::Done => ("+", egui::Color32::from_rgb(0x56, 0xc8, 0x9a)),
            Level::Warning => ("!", egui::Color32::from_rgb(0xf2, 0xb8, 0x4b)),
            Level::Error => ("!", egui::Color32::from_rgb(0xff, 0x8a, 0x7a)),
        };
        self.toasts
            .custom(wrap(&text, 72), sign.to_owned(), colour)
            .duration(None)
            .closable(false)
            .show_progress_bar(false);
        self.toast_times.push_back(Instant::now());
        self.state.messages.push(Message { level, text, details, at: Instant::now() });
    }

    /// Tells the user what went wrong; that they stopped it themselves is no news.
    pub(super) fn complain(&mut self, error: &Error) {
        if matches!(error, Error::Stopped) {
            return;
        }
        self.tell(Level::Error, error.to_string(), None);
    }
}

fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(store::EXTENSION))
}

/// The last part of a path, for sentences.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Breaks a text into lines of at most about `width` characters, at spaces; toasts do not wrap by themselves.
fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let size = word.chars().count();
        if length > 0 {
            let separator = if length + 1 + size > width { '\n' } else { ' ' };
            out.push(separator);
            length = if separator == '\n' { 0 } else { length + 1 };
        }
        out.push_str(word);
        length += size;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_break_at_spaces() {
        let text = "cannot open /data/a.tif: the file ends before its header does";
        let wrapped = wrap(text, 24);
        assert!(wrapped.lines().all(|line| line.chars().count() <= 24), "{wrapped}");
        assert_eq!(wrapped.replace('\n', " "), text);
    }
}
