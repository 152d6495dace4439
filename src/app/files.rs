//! Opening and saving; what is asked before a project with unsaved changes is left.

use super::dialogs::Dialog;
use super::file_dialog::{self, Purpose};
use super::jobs::{self, Done};
use super::run::Phase;
use super::state::{Level, count};
use super::{App, Leaving};
use crate::error::Error;
use crate::library::exchange;
use crate::micrograph::format;
use crate::project::history::History;
use crate::project::journal::Journal;
use crate::project::{Project, labels, session, store};
use crate::worker::message::Command;
use egui::ViewportCommand;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A dialog that was closed faster than this was never shown: no person is that quick.
const INSTANT: Duration = Duration::from_millis(1000);

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
            if self.state.is_untouched_sample() {
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
        if !matches!(self.leaving, None | Some(Leaving::Close)) {
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

    /// A project that was never saved has its journal in a folder of its own.
    pub(super) fn begin_journal(&mut self) {
        let history = &mut self.state.history;
        let Some(folder) = self.unsaved.as_deref() else { return };
        if self.state.path.is_some() || history.journal().is_some() {
            return;
        }
        if let Err(error) = session::begin_unsaved(history, &self.state.project, folder) {
            self.tell(
                Level::Warning,
                format!("Save often: what is not saved would be lost in a crash ({error})."),
                None,
            );
        }
    }

    /// Says once when changes cannot be kept safe.
    pub(super) fn watch_journal(&mut self) {
        let problem = self.state.history.journal().and_then(Journal::problem);
        if problem == self.journal_problem {
            return;
        }
        if let Some(problem) = &problem {
            let text =
                format!("Changes cannot be written to the journal ({problem}); save the project elsewhere.");
            self.tell(Level::Error, text, None);
        }
        self.journal_problem = problem;
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

    pub(super) fn save(&mut self) {
        let Some(path) = self.state.path.clone() else {
            self.ask_path(Purpose::SaveProject);
            return;
        };
        if let Some(why) = self.state.history.locked().map(str::to_owned)
            && self.path_before.is_none()
        {
            self.tell(Level::Warning, why, None);
            self.ask_path(Purpose::SaveProject);
            return;
        }
        // The journal moves along; a project that is open elsewhere is not overwritten.
        match session::move_to(&mut self.state.history, &path) {
            Ok(()) => {}
            Err(error @ Error::Invalid { .. }) => {
                self.saving_failed();
                return self.complain(&error);
            }
            // Nothing can be written beside the file; saving itself will say what is wrong, if it is.
            Err(_) => {}
        }
        let (project, state, mark) =
            (self.state.project.clone(), self.state.history.state(), self.state.history.mark());
        self.jobs.start_writing(format!("Saving {}", name_of(&path)), move |_| {
            let result = store::save_marked(&project, &path, mark.as_ref());
            Done::Saved { path, state, result }
        });
    }

    /// Saves under another name from now on.
    pub(super) fn save_as(&mut self, path: &Path) {
        let before = self.state.path.replace(whole(store::with_extension(path)));
        if self.path_before.is_none() && before != self.state.path {
            self.path_before = Some(before);
        }
        self.save();
    }

    /// The project stays where it was before saving it elsewhere failed.
    pub(super) fn saving_failed(&mut self) {
        self.state.history.moved(false);
        if let Some(before) = self.path_before.take() {
            self.state.path = before;
        }
        self.stay();
    }

    /// Labels of another program become particles, as one step of the history.
    pub(super) fn import_labels(&mut self, path: &Path) {
        let setting = exchange::Setting { image: self.state.shown, ..exchange::Setting::default() };
        let project = &mut self.state.project;
        let rows = exchange::read(path, project, &setting);
        let edit = rows.and_then(|rows| Ok((rows.len(), labels::to_edit(project, &rows, path)?)));
        let done = edit.and_then(|(rows, edit)| {
            self.state.change(format!("import {}", name_of(path)), edit)?;
            Ok(rows)
        });
        match done {
            Ok(rows) => self.tell(Level::Done, format!("{} imported", count(rows, "label")), None),
            Err(error) => self.complain(&error),
        }
    }

    /// Writes the labels for another program.
    pub(super) fn export_labels(&mut self, path: &Path) {
        let project = &self.state.project;
        match exchange::write(path, project, self.state.shown) {
            Ok(()) => self.tell(Level::Done, format!("Labels exported as {}", name_of(path)), None),
            Err(error) => self.complain(&error),
        }
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
            Purpose::ExportLabels => "csv",
            Purpose::MapFolder | Purpose::SpectraFolder => {
                return std::env::current_dir().unwrap_or_default().display().to_string();
            }
            Purpose::TakeView(take) => {
                let name = format!(
                    "{}-{}.{}",
                    self.state.name().to_lowercase(),
                    take.view.file_name(),
                    take.format.extension()
                );
                return std::env::current_dir().unwrap_or_default().join(name).display().to_string();
            }
            _ => return String::new(),
        };
        let folder = std::env::current_dir().unwrap_or_default();
        folder.join(format!("{}.{extension}", self.state.name().to_lowercase())).display().to_string()
    }

    /// Shows the system's file dialog; where there is none, one of our own follows.
    pub(super) fn ask_path(&mut self, purpose: Purpose) {
        let answer =
            file_dialog::ask(purpose, &self.state.name().to_lowercase(), self.memory.folder.as_deref());
        let asked = Instant::now();
        let job = self.jobs.start_quietly("File dialog".into(), move |_| {
            let paths = file_dialog::wait(answer);
            Done::Chosen { purpose, instantly: paths.is_none() && asked.elapsed() < INSTANT, paths }
        });
        self.jobs.outlives(job);
    }
}

/// The path from the root on.
fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(store::EXTENSION))
}

/// The picture files of a folder, in the order of their names; a file is itself.
fn pictures_in(path: PathBuf) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(&path) else { return vec![path] };
    let picture = |path: &PathBuf| {
        let end = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        path.is_file() && format::EXTENSIONS.contains(&end.as_str())
    };
    let mut found: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(picture).collect();
    found.sort();
    found
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// The last part of a path, for sentences.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
