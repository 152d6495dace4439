//! Opening and saving; what is asked before a project with unsaved changes is left.

use super::dialogs::Dialog;
use super::file_dialog::{self, Purpose};
use super::jobs::{self, Done};
use super::run::Phase;
use super::{App, Leaving};
use crate::project::{Project, store};
use crate::worker::message::Command;
use egui::ViewportCommand;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A dialog that was closed faster than this was never shown: no person is that quick.
const INSTANT: Duration = Duration::from_millis(350);

impl App {
    fn open_sample(&mut self) {
        let job = self.jobs.start("Opening the sample".into(), |_| {
            let project = crate::sample::open_sample();
            let project = project.map(|project| jobs::Loaded { project, moved: 0, missing: 0 });
            Done::Project { path: None, project }
        });
        self.loading = Some(job);
    }

    pub(super) fn open_paths(&mut self, ctx: &egui::Context, paths: Vec<PathBuf>) {
        if paths.iter().any(|path| is_project(path)) {
            self.leave(ctx, Leaving::Paths(paths));
        } else {
            self.show_import = true;
            self.opening.extend(paths);
        }
    }

    /// Leaves the project for another, or for good; asks first if there are unsaved changes.
    pub(super) fn leave(&mut self, ctx: &egui::Context, leaving: Leaving) {
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

    pub(super) fn save(&mut self) {
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

    pub(super) fn library_folder(&self) -> PathBuf {
        let beside = self.state.path.as_ref().and_then(|path| path.parent());
        let beside = beside.map_or_else(|| std::env::current_dir().unwrap_or_default(), PathBuf::from);
        beside.join(format!("{}-library", self.state.name().to_lowercase()))
    }

    /// What a person would most likely type for a file to be written; empty for one to be read.
    pub(super) fn likely_path(&self, purpose: Purpose) -> String {
        let extension = match purpose {
            Purpose::SaveProject => store::EXTENSION,
            Purpose::SaveModel => "safetensors",
            _ => return String::new(),
        };
        let folder = std::env::current_dir().unwrap_or_default();
        folder.join(format!("{}.{extension}", self.state.name().to_lowercase())).display().to_string()
    }

    /// Shows the system's file dialog; where there is none, one of our own follows.
    pub(super) fn ask_path(&mut self, purpose: Purpose) {
        let answer = file_dialog::ask(purpose, &self.state.name().to_lowercase());
        let asked = Instant::now();
        self.jobs.start_quietly("File dialog".into(), move |_| {
            let paths = file_dialog::wait(answer);
            Done::Chosen { purpose, instantly: paths.is_none() && asked.elapsed() < INSTANT, paths }
        });
    }
}

fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(store::EXTENSION))
}

/// The last part of a path, for sentences.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
