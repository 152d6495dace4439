//! From one project to another: what is asked before unsaved work is left, what ends with it, and what comes in.

use super::dialogs::Dialog;
use super::files::{is_project, name_of, pictures_in, same_file, whole};
use super::jobs::{self, Done, Loaded};
use super::run::Phase;
use super::state::{Level, count};
use super::{App, Leaving};
use crate::error::Result;
use crate::project::Project;
use crate::project::history::History;
use crate::worker::message::Command;
use egui::ViewportCommand;
use std::path::{Path, PathBuf};

impl App {
    fn open_sample(&mut self) {
        let job = self
            .jobs
            .start("Opening the sample".into(), |_| Done::Project { path: None, project: jobs::sample() });
        self.loading = Some(job);
    }

    pub(super) fn open_paths(&mut self, ctx: &egui::Context, paths: Vec<PathBuf>) {
        // As named on the command line or typed: what lies beside a file is looked for in its folder.
        let paths: Vec<PathBuf> = paths.into_iter().map(whole).collect();
        if paths.iter().any(|path| is_project(path)) {
            self.leave(ctx, Leaving::Paths(paths));
        } else {
            if self.state.is_untouched_sample() && self.loading.is_none() {
                // The first pictures of one's own begin a project of one's own; the sample was to look at.
                self.replace(Project::new(), History::new(), None);
            }
            self.show_import = true;
            if let Some(path) = paths.first() {
                self.memory.folder = path.parent().map(Path::to_owned);
            }
            self.opening.extend(paths.into_iter().flat_map(pictures_in));
        }
    }

    /// Leaves the project for another, or for good; asks first if there are unsaved changes.
    pub(super) fn leave(&mut self, ctx: &egui::Context, leaving: Leaving) {
        if self.loading.is_some() && !matches!(leaving, Leaving::Close) {
            let text = "A project is being opened; wait until it is there.";
            return self.tell(Level::Warning, text, None);
        }
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
        if !matches!(self.leaving, None | Some(Leaving::Close | Leaving::Arrived(..))) {
            self.stop_opening();
        }
        // What is done while another project is on its way was not asked about.
        self.left_at = Some(self.state.revision);
        match self.leaving.take() {
            None => {}
            Some(Leaving::Arrived(path, loaded)) => self.take_project(path, *loaded),
            Some(Leaving::Close) => {
                self.may_close = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Some(Leaving::New) => self.replace(Project::new(), History::new(), None),
            Some(Leaving::Sample) => self.open_sample(),
            Some(Leaving::BringBack(journal)) => {
                let job = self.jobs.start("Bringing back unsaved work".into(), move |_| Done::Project {
                    path: None,
                    project: jobs::bring_back(&journal),
                });
                self.loading = Some(job);
            }
            Some(Leaving::Paths(paths)) => {
                for path in paths {
                    if is_project(&path) {
                        if self.state.path.as_ref().is_some_and(|open| same_file(open, &path)) {
                            // Opened again: its own journal must not stand in the way.
                            self.state.history.finish_journal();
                        }
                        let name = format!("Opening {}", name_of(&path));
                        let job = self.jobs.start(name, move |_| Done::Project {
                            project: jobs::load(&path),
                            path: Some(path),
                        });
                        self.loading = Some(job);
                    } else {
                        self.opening.extend(pictures_in(path));
                    }
                }
            }
        }
    }

    /// Pictures on their way into the project that is left would land in the next one.
    fn stop_opening(&mut self) {
        self.opening.clear();
        if let Some(job) = self.importing.take() {
            self.jobs.stop(job);
            self.state.look = None;
        }
    }

    /// Stays with the project after all.
    pub(super) fn stay(&mut self) {
        self.leaving = None;
        self.leave_after_save = false;
    }

    pub(super) fn replace(&mut self, project: Project, history: History, path: Option<PathBuf>) {
        self.stop_all();
        self.keep_answers();
        // What was left was saved, or the user wanted it gone.
        self.state.history.finish_journal();
        self.learning = None;
        self.jobs.stop_for_project();
        self.worker.send(Command::Forget);
        self.forgetting += 1;
        self.state.replace_project(project, history, path);
        self.look_for_models();
        self.layout.reset_views();
        self.begin_journal();
    }

    /// Ends what was done for the project that is being left.
    fn stop_all(&mut self) {
        self.detect(false);
        if let Some(job) = self.gathering.take() {
            self.jobs.stop(job);
        }
        if let Some(assembling) = self.assembling.take() {
            self.jobs.stop(assembling.job);
        }
        self.cancel_export();
        let phase = &self.state.training.phase;
        if phase.is_active() && !matches!(phase, Phase::Preparing { .. }) {
            // It can go on when the project is opened again.
            self.write_state();
            self.state_written = None;
            self.worker.send(Command::Stop);
            self.left_runs += 1;
        }
        if self.leave_maps() {
            self.left_runs += 1;
        }
    }

    pub(super) fn on_project(&mut self, path: Option<PathBuf>, project: Result<Loaded>) {
        self.loading = None;
        match project {
            Ok(_) if matches!(self.leaving, Some(Leaving::Close)) => {
                let text = "The project that was being opened is not taken in: the window was to be closed.";
                self.tell(Level::Warning, text, None);
            }
            // Work that was done while it was read.
            Ok(loaded) if self.state.has_unsaved_work() && self.left_at != Some(self.state.revision) => {
                let again =
                    |path: &PathBuf| self.state.path.as_ref().is_some_and(|open| same_file(open, path));
                self.leaving = Some(match path {
                    // The file as it will be, once this work is saved or given up.
                    Some(path) if again(&path) => Leaving::Paths(vec![path]),
                    path => Leaving::Arrived(path, Box::new(loaded)),
                });
                self.dialog = Dialog::Unsaved;
            }
            Ok(loaded) => self.take_project(path, loaded),
            Err(error) => self.complain(&error),
        }
    }

    /// The project that was read is the one that is open.
    fn take_project(&mut self, path: Option<PathBuf>, loaded: Loaded) {
        let unnamed = path.is_none().then_some("Sample");
        if let Some(path) = &path {
            self.memory.used(path);
        }
        let (recovered, locked) = (loaded.recovered, loaded.history.locked().map(str::to_owned));
        self.replace(loaded.project, loaded.history, path);
        self.look_for_answers();
        self.wake_last_model();
        self.state.unnamed = unnamed;
        self.state.greeting = unnamed.is_some() && !self.memory.greeted;
        if recovered > 0 {
            self.dialog = Dialog::Recovered { changes: recovered };
        }
        for note in locked.into_iter().chain(loaded.notes) {
            self.tell(Level::Warning, note, None);
        }
        if loaded.moved > 0 {
            let moved = count(loaded.moved, "micrograph");
            self.tell(Level::Warning, format!("{moved} found in another place, by content."), None);
        }
        if loaded.missing > 0 {
            let missing = count(loaded.missing, "micrograph");
            let text = format!("{missing} not found. Put the files beside the project; labels are kept.");
            self.tell(Level::Warning, text, None);
        }
    }
}
