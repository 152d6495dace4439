//! Saving, labels of other programs, and where files are asked for.

use super::App;
use super::file_dialog::{self, Purpose};
use super::jobs::Done;
use super::state::{Level, count};
use crate::error::Error;
use crate::library::exchange;
use crate::micrograph::format;
use crate::project::journal::Journal;
use crate::project::{labels, session, store};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A dialog that was closed faster than this was never shown: no person is that quick.
const INSTANT: Duration = Duration::from_millis(1000);

impl App {
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
pub(super) fn whole(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

pub(super) fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case(store::EXTENSION))
}

/// The picture files of a folder, in the order of their names; a file is itself.
pub(super) fn pictures_in(path: PathBuf) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(&path) else { return vec![path] };
    let picture = |path: &PathBuf| {
        let end = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        path.is_file() && format::EXTENSIONS.contains(&end.as_str())
    };
    let mut found: Vec<PathBuf> = files.flatten().map(|file| file.path()).filter(picture).collect();
    found.sort();
    found
}

pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// The last part of a path, for sentences.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
