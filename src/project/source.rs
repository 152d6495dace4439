//! The micrograph files behind a project: known by their content, found again when they moved.

use super::{MicrographEntry, Project};
use crate::particle::MicrographId;
use crate::{Error, Result};
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// What lies at a micrograph's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The file the project was made with.
    Same,
    /// No file.
    Missing,
    /// A file with other content.
    Different,
}

/// blake3 of a file's bytes in lower-case hex; the file is read in pieces.
///
/// # Errors
/// [`Error::Io`] if it cannot be read.
pub fn hash_file(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    let mut hasher = blake3::Hasher::new();
    let file = fs::File::open(path).map_err(|source| Error::io(path, "open", source))?;
    hasher.update_reader(file).map_err(|source| Error::io(path, "read", source))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// The micrographs whose file is not there, in the order of the project. Reads no file.
pub fn missing(project: &Project) -> Vec<MicrographId> {
    project.micrographs.iter().filter(|entry| !entry.path.is_file()).map(|entry| entry.id).collect()
}

/// Compares a micrograph's file with the one the project was made with. Reads the whole file.
///
/// # Errors
/// [`Error::Io`] if the file is there and cannot be read.
pub fn verify(entry: &MicrographEntry) -> Result<Found> {
    if !entry.path.is_file() {
        return Ok(Found::Missing);
    }
    let same = hash_file(&entry.path)? == entry.hash;
    Ok(if same { Found::Same } else { Found::Different })
}

/// Refuses, in a sentence, a micrograph whose file is gone or has other content: labels would lie on a wrong picture.
///
/// # Errors
/// [`Error::Invalid`] that names the file and says what to do; [`Error::Io`] if it cannot be read.
pub fn require(entry: &MicrographEntry) -> Result<()> {
    let problem = match verify(entry)? {
        Found::Same => return Ok(()),
        Found::Missing => {
            "the file is not there; put it back or beside the project file (any name will do), its labels are kept"
        }
        Found::Different => {
            "a file of this name is there, but it is not the picture the labels were made on (its content differs); \
             put the old file back, or add this one under another name"
        }
    };
    Err(Error::invalid(entry.path.display().to_string(), problem))
}

/// Looks for missing micrographs by content in `folder`, the project's own, and the folders in it: first under their own
/// name, then in all files with the same extension. Those found get their new path, the others stay as they are, also one
/// whose content only lies where another micrograph of the project is.
///
/// # Returns
/// The micrographs found. Part of opening a project, before its history begins.
pub fn relocate(project: &mut Project, folder: &Path) -> Vec<MicrographId> {
    let missing = missing(project);
    let mut found = Vec::new();
    if missing.is_empty() {
        return found;
    }
    // Folders are gone through once and a file is read at most once, however many micrographs are missing.
    let mut files = Vec::new();
    walk(folder, DEPTH, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for id in missing {
        let Some(place) = project.micrograph_index(id) else { continue };
        let entry = &project.micrographs[place];
        let Some(path) = find(entry, &files, &project.micrographs) else { continue };
        project.micrographs[place].path = path;
        found.push(id);
    }
    found
}

/// The absolute path of the first file that a micrograph may be, the ones of its own name first.
fn find(entry: &MicrographEntry, files: &[File], all: &[MicrographEntry]) -> Option<PathBuf> {
    let (name, extension) = (entry.path.file_name(), extension(&entry.path));
    let own = files.iter().filter(|file| file.path.file_name() == name);
    let others = files.iter().filter(|file| file.extension == extension && file.path.file_name() != name);
    // Two pictures of one path and page are no project that opens again.
    let free = |path: &PathBuf| !all.iter().any(|other| other.path == *path && other.page == entry.page);
    let absolute = |file: &File| std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
    own.chain(others).filter(|file| file.has(&entry.hash)).map(absolute).find(free)
}

/// Folders within folders that are looked into, and files that are looked at: a project in a home folder does not search
/// the whole disk.
const DEPTH: usize = 3;
const MOST_FILES: usize = 20_000;

/// A file that may be a lost micrograph; it is read only when that is asked.
struct File {
    path: PathBuf,
    /// In lower case.
    extension: Option<OsString>,
    hash: OnceCell<Option<String>>,
}

impl File {
    fn has(&self, hash: &str) -> bool {
        self.hash.get_or_init(|| hash_file(&self.path).ok()).as_deref() == Some(hash)
    }
}

fn extension(path: &Path) -> Option<OsString> {
    path.extension().map(OsStr::to_ascii_lowercase)
}

fn walk(folder: &Path, depth: usize, files: &mut Vec<File>) {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // Links are not followed: they may lead in circles.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folders.push(path),
            Ok(_) if files.len() < MOST_FILES && path.is_file() => {
                files.push(File { extension: extension(&path), path, hash: OnceCell::new() });
            }
            _ => {}
        }
    }
    folders.sort();
    if depth > 0 {
        folders.iter().for_each(|folder| walk(folder, depth - 1, files));
    }
}
