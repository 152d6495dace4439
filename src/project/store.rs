//! The project file: versioned, readable JSON text with one line a class, micrograph and particle.
//!
//! ```text
//! {
//!   "format": "nanotheca project",
//!   "version": 2,
//!   ...
//!   "particles": [
//!     {"id":1,"micrograph":1,"x":312.4,"y":88.0,"label":2},
//! ```
//! Paths of micrographs are relative to the file where possible. Saving keeps the version before as `NAME.bak`.

pub use super::source::{Found, hash_file, missing, relocate, require, verify};

use super::edit::Edit;
use super::journal::Mark;
use super::{MicrographEntry, Project, atomic, exact, paths};
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, Particle};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// The extension of project files, without the dot.
pub const EXTENSION: &str = "nanotheca";
/// What the field `format` says.
pub const FORMAT: &str = "nanotheca project";
/// The newest version of the file that this program reads, and the one it writes.
pub const VERSION: u64 = 2;

/// `path` with the extension of project files behind it if it has another or none: what follows the dot of `gold 0.5 nm` is
/// no extension.
pub fn with_extension(path: &Path) -> PathBuf {
    let there = path.extension().is_some_and(|end| end.eq_ignore_ascii_case(EXTENSION));
    if there { path.to_owned() } else { atomic::with_ending(path, &format!(".{EXTENSION}")) }
}

/// Where the version saved before is kept.
pub fn backup_of(path: &Path) -> PathBuf {
    atomic::with_ending(&paths::real(path), ".bak")
}

/// Writes the project, all or nothing; the file that was there before becomes `NAME.bak`.
///
/// # Errors
/// [`Error::Io`] if the folder is not there, read-only or full, and [`Error::Invalid`] for a micrograph whose path is
/// not Unicode. The old file is then as it was.
pub fn save(project: &Project, path: impl AsRef<Path>) -> Result<()> {
    save_marked(project, path, None)
}

/// As [`save`]; the journal is told first, so that a program that dies in between finds out what the file holds.
///
/// # Errors
/// As [`save`].
pub fn save_marked(project: &Project, path: impl AsRef<Path>, mark: Option<&Mark>) -> Result<()> {
    let path = path.as_ref();
    let text = to_text(project, path)?;
    if let Some(mark) = mark {
        mark.saving(hash_text(text.as_bytes()));
    }
    if path.is_file() {
        let before = fs::read(path).map_err(|source| Error::io(path, "read", source))?;
        if before != text.as_bytes() {
            atomic::write_file(&backup_of(path), |file| file.write_all(&before))?;
        }
    }
    atomic::write_file(path, |file| file.write_all(text.as_bytes()))
}

/// Reads a project. A micrograph whose file is gone does not stop it: see [`missing`] and [`relocate`].
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] with line and field if it is no project, is broken, was
/// written by a newer program or contradicts itself. The file is never changed.
pub fn load(path: impl AsRef<Path>) -> Result<Project> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    from_bytes(path, &bytes)
}

/// The project in the bytes of the file at `path`.
pub(super) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Project> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Error::file(
            path,
            FORMAT,
            "text",
            "this is not a text file, so it is no Nanotheca project",
        ));
    };
    let broken = |error: serde_json::Error| broken(path, text, &error);
    let header: Header = serde_json::from_str(text).map_err(broken)?;
    header.check(path)?;
    let stored: Stored = serde_json::from_str(text).map_err(broken)?;
    rebuild(stored, path)
}

/// How a journal knows the text of a project file.
pub(super) fn hash_text(text: &[u8]) -> String {
    blake3::hash(text).to_hex().to_string()
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    format: serde_json::Value,
    #[serde(default)]
    version: serde_json::Value,
}

impl Header {
    fn check(&self, path: &Path) -> Result<()> {
        if self.format != FORMAT {
            let problem = format!("it must say \"{FORMAT}\"; this file is no Nanotheca project");
            return Err(Error::file(path, FORMAT, "format", problem));
        }
        match self.version.as_u64() {
            // Version 1 knew rectangles and percentiles only; what it lacks has a default.
            Some(1..=VERSION) => Ok(()),
            Some(version) if version > VERSION => Err(Error::file(
                path,
                FORMAT,
                "version",
                format!(
                    "the file was written by a newer Nanotheca (version {version}, this program reads up to \
                     {VERSION}); update the program, the file has not been changed"
                ),
            )),
            _ => Err(Error::file(path, FORMAT, "version", format!("{} is not a version", self.version))),
        }
    }
}

#[derive(Deserialize)]
struct Stored {
    patch: PatchGeometry,
    #[serde(default, deserialize_with = "exact::read_value")]
    training: serde_json::Value,
    #[serde(default, deserialize_with = "exact::read_value")]
    maps: serde_json::Value,
    #[serde(default)]
    next_particle: u64,
    #[serde(default)]
    next_class: u32,
    #[serde(default)]
    next_micrograph: u32,
    classes: Vec<Class>,
    micrographs: Vec<MicrographEntry>,
    particles: Vec<Particle>,
}

/// Builds the project as a person would, so that every rule of the work holds for what comes from a file.
fn rebuild(stored: Stored, path: &Path) -> Result<Project> {
    let home = paths::home(path);
    let mut project = Project::new();
    let mut edits = vec![("patch".to_owned(), Edit::SetPatch(stored.patch))];
    edits.push(("training".to_owned(), Edit::SetTraining(stored.training)));
    edits.push(("maps".to_owned(), Edit::SetMaps(stored.maps)));
    for (place, class) in stored.classes.into_iter().enumerate() {
        edits.push((format!("classes[{place}]"), Edit::AddClass { class, place }));
    }
    for (place, mut entry) in stored.micrographs.into_iter().enumerate() {
        entry.path = paths::resolved(&entry.path.to_string_lossy(), &home);
        edits.push((format!("micrographs[{place}]"), Edit::AddMicrograph { entry, place }));
    }
    for (place, particle) in stored.particles.into_iter().enumerate() {
        edits.push((format!("particles[{place}]"), Edit::AddParticles(vec![particle])));
    }
    for (field, edit) in edits {
        project.apply(edit).map_err(|error| Error::file(path, FORMAT, field, error.to_string()))?;
    }
    project.next_particle = project.next_particle.max(stored.next_particle);
    project.next_class = project.next_class.max(stored.next_class);
    project.next_micrograph = project.next_micrograph.max(stored.next_micrograph);
    Ok(project)
}

/// The project as text, for a file at `path`: the same work gives the same text.
///
/// # Errors
/// [`Error::Invalid`] for a micrograph whose path is not Unicode.
pub fn to_text(project: &Project, path: &Path) -> Result<String> {
    let home = paths::home(path);
    let unwritable = |error: serde_json::Error| Error::file(path, FORMAT, "text", error.to_string());
    let stored = |entry: &MicrographEntry| {
        let not_unicode =
            || Error::invalid(entry.path.display().to_string(), "the path is not Unicode; rename it");
        let path = PathBuf::from(paths::stored(&entry.path, &home).ok_or_else(not_unicode)?);
        Ok(MicrographEntry { path, ..entry.clone() })
    };
    let micrographs = project.micrographs.iter().map(stored).collect::<Result<Vec<_>>>()?;
    let fields: [(&str, serde_json::Result<String>); 11] = [
        ("format", exact::to_string(FORMAT)),
        ("version", exact::to_string(&VERSION)),
        ("next_particle", exact::to_string(&project.next_particle)),
        ("next_class", exact::to_string(&project.next_class)),
        ("next_micrograph", exact::to_string(&project.next_micrograph)),
        ("patch", exact::to_string(&project.patch)),
        ("training", exact::to_string(&project.training)),
        ("maps", exact::to_string(&project.maps)),
        ("classes", list(&project.classes)),
        ("micrographs", list(&micrographs)),
        ("particles", list(project.particles.values())),
    ];
    let mut lines = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        lines.push(format!("  \"{name}\": {}", value.map_err(unwritable)?));
    }
    Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

/// A JSON list with one line an item.
fn list<T: Serialize>(items: impl IntoIterator<Item = T>) -> serde_json::Result<String> {
    let items =
        items.into_iter().map(|item| exact::to_string(&item)).collect::<serde_json::Result<Vec<_>>>()?;
    if items.is_empty() {
        return Ok("[]".into());
    }
    Ok(format!("[\n    {}\n  ]", items.join(",\n    ")))
}

fn broken(path: &Path, text: &str, error: &serde_json::Error) -> Error {
    let mut problem = error.to_string();
    if let Some(end) = problem.rfind(" at line ") {
        problem.truncate(end);
    }
    let mut field = field_at(text, error.line(), error.column());
    if problem.starts_with("missing field") {
        // The field before the closing brace is not to blame.
        field.truncate(field.rfind('.').unwrap_or(0));
    }
    let place = if field.is_empty() { String::new() } else { format!(", {field}") };
    let backup = backup_of(path);
    if backup.is_file() {
        problem = format!("{problem}; the version saved before is {}", backup.display());
    }
    Error::file(path, FORMAT, format!("line {}{place}", error.line()), problem)
}

/// Which field of a JSON text line and column (both from 1) lie in, as `particles[12].x`.
fn field_at(text: &str, line: usize, column: usize) -> String {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let end = text.len().min(start + column);
    let mut stack: Vec<Level> = Vec::new();
    let mut bytes = text.as_bytes()[..end].iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' => stack.push(Level::Object { key: String::new(), named: false }),
            b'[' => stack.push(Level::List(0)),
            // The end itself may be the brace that closes the faulty value.
            b'}' | b']' if !bytes.as_slice().is_empty() => {
                stack.pop();
            }
            b',' if !bytes.as_slice().is_empty() => match stack.last_mut() {
                Some(Level::List(place)) => *place += 1,
                Some(Level::Object { key, named }) => {
                    key.clear();
                    *named = false;
                }
                None => {}
            },
            b':' => {
                if let Some(Level::Object { named, .. }) = stack.last_mut() {
                    *named = true;
                }
            }
            b'"' => {
                let word = quoted(&mut bytes);
                if let Some(Level::Object { key, named: false }) = stack.last_mut() {
                    *key = word;
                }
            }
            _ => {}
        }
    }
    let name = |level: &Level| match level {
        Level::Object { key, .. } if key.is_empty() => String::new(),
        Level::Object { key, .. } => format!(".{key}"),
        Level::List(place) => format!("[{place}]"),
    };
    stack.iter().map(name).collect::<String>().trim_start_matches('.').to_owned()
}

/// Where in an object or a list a reader of JSON is.
enum Level {
    /// `named` once the key's colon has been read.
    Object {
        key: String,
        named: bool,
    },
    List(usize),
}

/// Reads to the closing quote.
fn quoted(bytes: &mut std::slice::Iter<'_, u8>) -> String {
    let mut word = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => word.extend(bytes.next()),
            byte => word.push(*byte),
        }
    }
    String::from_utf8_lossy(&word).into_owned()
}
