//! Work on a project: opened with what a program that died had not saved, and with a journal from then on.

use super::history::History;
use super::journal::{self, Base, Claimed, Contents, Journal, Record};
use super::{Project, atomic, store};
use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The extension of the journals of projects that were never saved.
const UNSAVED: &str = "unsaved";

/// A project ready to be worked on.
#[derive(Debug)]
pub struct Opened {
    pub project: Project,
    pub history: History,
    /// Changes, undos and redos that were not in the file and have been brought back.
    pub recovered: usize,
    /// What the user should know, in sentences.
    pub notes: Vec<String>,
}

/// Opens a project file for work. What its journal holds beyond the file is brought back with its undo history.
///
/// Where another program has the project open, or nothing can be written beside it, the history says so: see
/// [`History::locked`] and `notes`.
///
/// # Errors
/// As [`store::load`]. Neither file nor journal is changed then.
pub fn open(path: &Path) -> Result<Opened> {
    let place = journal::path_of(path);
    let opened = |project| Opened { project, history: History::new(), recovered: 0, notes: Vec::new() };
    let mut file = match journal::claim(&place) {
        Ok(Claimed::Ours(file)) => file,
        Ok(Claimed::Theirs(process)) => {
            let mut opened = opened(store::load(path)?);
            opened.history.lock(open_elsewhere(path, process));
            return Ok(opened);
        }
        Err(error) => {
            let mut opened = opened(store::load(path)?);
            opened.notes.push(no_journal(&error));
            return Ok(opened);
        }
    };
    let old = journal::bytes_of(&mut file).map_err(|source| Error::io(&place, "read", source))?;
    let loaded = fs::read(path).map_err(|source| Error::io(path, "open", source));
    let loaded = loaded.and_then(|bytes| Ok((store::from_bytes(path, &bytes)?, store::hash_text(&bytes))));
    let (project, hash) = loaded.inspect_err(|_| {
        if old.is_empty() {
            let _ = fs::remove_file(&place);
        }
    })?;
    let mut opened = opened(project);
    if let Some((contents, recovered)) = journal::read(&old).and_then(|c| bring_back(c, &hash, &mut opened)) {
        opened.recovered = recovered;
        opened.history.go_on(contents.go_on(&place, file)?);
        return Ok(opened);
    }
    // A full disk must not keep anybody from looking at the work, or from saving it elsewhere.
    match set_aside(&place, &old) {
        Ok(note) => {
            opened.notes.extend(note);
            match Journal::begin(&place, file, Base::File(hash)) {
                Ok(journal) => opened.history.go_on(journal),
                Err(error) => {
                    let _ = fs::remove_file(&place);
                    opened.notes.push(no_journal(&error));
                }
            }
        }
        Err(error) => opened.notes.push(no_journal(&error)),
    }
    Ok(opened)
}

fn no_journal(error: &dyn std::fmt::Display) -> String {
    format!(
        "No journal can be written beside the project ({error}): save often, a crash would lose what is not saved."
    )
}

/// Brings back what a journal holds beyond the file of this hash; `None` if it does not belong to the file.
fn bring_back(contents: Contents, hash: &str, opened: &mut Opened) -> Option<(Contents, usize)> {
    let start = state_of(&contents, hash)?;
    let (mut project, mut history) = (opened.project.clone(), History::new());
    let recovered = replay(&contents, start, &mut project, &mut history)?;
    (opened.project, opened.history) = (project, history);
    Some((contents, recovered))
}

/// Begins the journal at the place where the project is about to be saved under another name;
/// [`History::moved`] ends one of the two.
///
/// # Errors
/// [`Error::Invalid`] if another program has the project there open; [`Error::Io`] if nothing can be written there.
pub fn move_to(history: &mut History, path: &Path) -> Result<()> {
    let place = journal::path_of(path);
    if history.journal().is_some_and(|journal| journal.path() == place) {
        return Ok(());
    }
    let claimed = journal::claim(&place).map_err(|source| Error::io(&place, "open", source))?;
    let Claimed::Ours(mut file) = claimed else {
        return Err(Error::invalid(path.display().to_string(), open_elsewhere(path, None)));
    };
    let old = journal::bytes_of(&mut file).map_err(|source| Error::io(&place, "read", source))?;
    set_aside(&place, &old)?;
    // No file has this hash: only the one that is now saved will fit.
    history.move_to(Journal::begin(&place, file, Base::File(String::new()))?);
    Ok(())
}

/// Begins the journal, in `folder`, of a project that was never saved and has not been changed yet.
///
/// # Errors
/// [`Error::Io`] if nothing can be written there.
pub fn begin_unsaved(history: &mut History, project: &Project, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|source| Error::io(folder, "create", source))?;
    let mut number = 1;
    let (place, file) = loop {
        let place = folder.join(format!("{}-{number}.{UNSAVED}", std::process::id()));
        if !place.exists() {
            let claimed = journal::claim(&place).map_err(|source| Error::io(&place, "write", source))?;
            if let Claimed::Ours(file) = claimed {
                break (place, file);
            }
        }
        number += 1;
        if number > 10_000 {
            return Err(Error::io(folder, "write", io::Error::from(io::ErrorKind::AlreadyExists)));
        }
    };
    history.go_on(Journal::begin(&place, file, Base::Project(Box::new(project.clone())))?);
    Ok(())
}

/// True if a program that died left changes in the journal beside this project.
pub fn left_changes(project: &Path) -> bool {
    let journal = journal::path_of(project);
    let contents = || fs::read(&journal).ok().and_then(|bytes| journal::read(&bytes));
    journal.is_file()
        && !journal::is_claimed(&journal)
        && contents().is_some_and(|contents| contents.records.iter().any(Record::counts))
}

/// Journals in `folder` of projects that were never saved and whose program died; those without a change are removed.
pub fn left_unsaved(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut left: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|e| e == UNSAVED))
        .filter(|p| !journal::is_claimed(p))
        .collect();
    left.sort();
    left.retain(|path| {
        let contents = fs::read(path).ok().and_then(|bytes| journal::read(&bytes));
        let changed = contents.is_some_and(|contents| contents.records.iter().any(Record::counts));
        if !changed {
            let _ = fs::remove_file(path);
        }
        changed
    });
    left
}

/// The project in a journal of unsaved work, to tell what it is; nothing is changed. `None` if it cannot be read.
pub fn glance_at_unsaved(place: &Path) -> Option<Project> {
    let contents = journal::read(&fs::read(place).ok()?)?;
    let Base::Project(base) = &contents.begin.base else { return None };
    let (mut project, mut history) = ((**base).clone(), History::new());
    replay(&contents, 0, &mut project, &mut history)?;
    Some(project)
}

/// Brings back a project that was never saved; its journal goes on.
///
/// # Errors
/// [`Error::Io`] if the journal cannot be read, [`Error::Invalid`] if another program took it or it is damaged.
pub fn open_unsaved(place: &Path) -> Result<Opened> {
    let damaged =
        || Error::invalid(place.display().to_string(), "this journal of unsaved work cannot be read");
    let claimed = journal::claim(place).map_err(|source| Error::io(place, "open", source))?;
    let Claimed::Ours(mut file) = claimed else {
        return Err(Error::invalid(
            place.display().to_string(),
            "another window has brought it back already",
        ));
    };
    let bytes = journal::bytes_of(&mut file).map_err(|source| Error::io(place, "read", source))?;
    let contents = journal::read(&bytes).ok_or_else(damaged)?;
    let Base::Project(base) = &contents.begin.base else { return Err(damaged()) };
    let (mut project, mut history) = ((**base).clone(), History::new());
    let recovered = replay(&contents, 0, &mut project, &mut history).ok_or_else(damaged)?;
    history.go_on(contents.go_on(place, file)?);
    Ok(Opened { project, history, recovered, notes: Vec::new() })
}

fn open_elsewhere(path: &Path, process: Option<u32>) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let who = process.map_or_else(String::new, |process| format!(" (process {process})"));
    format!(
        "{name} is open in another window{who}; here it can only be looked at. Close the other window and open it \
         again, or save under another name"
    )
}

/// After how many changes, undos and redos the work was as the file of this hash is; the last such place.
fn state_of(contents: &Contents, hash: &str) -> Option<u64> {
    let saved = contents.records.iter().rev().find_map(|record| match record {
        Record::Saving { hash: saved, after } if saved == hash => Some(*after),
        _ => None,
    });
    let base = matches!(&contents.begin.base, Base::File(base) if base == hash);
    saved.or_else(|| base.then_some(0))
}

/// Goes through the records: up to `start` only the history follows, from there on the project, too.
///
/// # Returns
/// How many records changed the project; `None` if they do not fit it, which is then of no use.
fn replay(contents: &Contents, start: u64, project: &mut Project, history: &mut History) -> Option<usize> {
    let mut done = 0;
    let mark = |history: &mut History| history.mark_saved(history.state());
    if start == 0 {
        mark(history);
    }
    for record in contents.records.iter().filter(|record| record.counts()) {
        let after = (done >= start).then_some(&mut *project);
        match record {
            Record::Do(step) => {
                if let Some(project) = after {
                    step.apply(project).ok()?;
                }
                history.push(Arc::new(step.clone()));
            }
            Record::Undo => drop(history.back(after).ok()??),
            Record::Redo => drop(history.forth(after).ok()??),
            Record::Saving { .. } => {}
        }
        done += 1;
        if done == start {
            mark(history);
        }
    }
    (done >= start).then_some((done - start) as usize)
}

/// Keeps a journal that fits nothing under a name of its own, and says so; there may be none.
fn set_aside(place: &Path, bytes: &[u8]) -> Result<Option<String>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let free = |n: &u32| !atomic::with_ending(place, &format!(".{n}")).exists();
    let kept = atomic::with_ending(place, &format!(".{}", (1..).find(free).unwrap_or(u32::MAX)));
    atomic::write_file(&kept, |file| file.write_all(bytes))?;
    Ok(Some(format!(
        "The journal beside the project belongs to another version of the file; it was kept as {}.",
        kept.display()
    )))
}
