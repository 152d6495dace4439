//! A library written to a new folder, all of it or nothing.
//!
//! Everything is written into a temporary folder beside the target and renamed at the end, so whoever looks sees the
//! old state or the new one, and a writer that fails half-way leaves nothing behind.

use super::{Library, card, figure, html, insight, pictures, report, stack, star, table};
use crate::project::atomic;
use crate::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes the library into `folder`: `library.csv`, `particles.star`, `classes.csv`, `stack.mrcs`, `classes/`,
/// `sheets/`, `model.safetensors` with `model_card.md` (if there is a model), `class_averages.mrcs` and `.tif` (if they
/// are known), `report.html` and `report.json`.
///
/// A folder that holds something is refused unless `overwrite` is set and it is an earlier library; then the files of
/// the earlier one give way and whatever else lies in it stays.
///
/// # Errors
/// [`Error::Invalid`] if the folder is in use, [`Error::Io`] with the file at fault if the disk is full or nothing can
/// be written there. The folder is then as it was.
pub fn export(library: &Library, folder: impl AsRef<Path>, overwrite: bool) -> Result<()> {
    export_watched(library, folder, overwrite, &mut |_, _| true)
}

/// As [`export()`]; `watch` is told how many files of how many are written, and stops it by returning false.
///
/// # Errors
/// As [`export()`], and [`Error::Stopped`]; nothing is left behind then either.
pub fn export_watched(
    library: &Library,
    folder: impl AsRef<Path>,
    overwrite: bool,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<()> {
    export_through(library, folder.as_ref(), overwrite, watch, &|file| Box::new(file))
}

/// What a library's folder holds.
const FILES: [&str; 12] = [
    "library.csv",
    "particles.star",
    "classes.csv",
    "stack.mrcs",
    "classes",
    "sheets",
    "model.safetensors",
    "model_card.md",
    "class_averages.mrcs",
    "class_averages.tif",
    "report.html",
    "report.json",
];

/// What stands between an exported file and the disk; a test puts a full disk there.
type Through<'a> = &'a dyn Fn(File) -> Box<dyn Write>;

fn export_through(
    library: &Library,
    folder: &Path,
    overwrite: bool,
    watch: &mut dyn FnMut(usize, usize) -> bool,
    through: Through<'_>,
) -> Result<()> {
    // Through a link, so that the link stays a link.
    let target = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let occupied = check_target(&target, overwrite)?;
    let parent = atomic::folder_of(&target);
    let made = make_folders(parent)?;
    let written = (|| {
        let temporary =
            atomic::temporary_folder(parent).map_err(|source| Error::io(folder, "create", source))?;
        let averaged = !library.insight.averages.is_empty();
        let sheets = members(library).iter().filter(|members| !members.is_empty()).count();
        let of = library.records.len()
            + sheets
            + 6
            + 2 * usize::from(library.model.is_some())
            + 2 * usize::from(averaged);
        let mut writer = Writer { temporary: temporary.path(), folder, through, watch, done: 0, of };
        writer.write_all(library)?;
        atomic::sync_folder(temporary.path());
        put_in_place(temporary, &target, occupied).map_err(|source| Error::io(folder, "create", source))?;
        atomic::sync_folder(parent);
        Ok(())
    })();
    if written.is_err() {
        made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    written
}

struct Writer<'a> {
    temporary: &'a Path,
    /// The folder as the user knows it, for errors.
    folder: &'a Path,
    through: Through<'a>,
    watch: &'a mut dyn FnMut(usize, usize) -> bool,
    done: usize,
    of: usize,
}

impl Writer<'_> {
    fn write_all(&mut self, library: &Library) -> Result<()> {
        self.file("library.csv", true, &mut |to| table::write(library, to))?;
        self.file("particles.star", true, &mut |to| star::write(library, to))?;
        self.file("classes.csv", true, &mut |to| star::write_classes(library, to))?;
        let pixel_nm = library.patch_pixel_nm();
        self.file("stack.mrcs", true, &mut |to| stack::write(&library.pixels, library.side, pixel_nm, to))?;
        self.pictures(library)?;
        if let Some(model) = &library.model {
            self.file("model.safetensors", true, &mut |to| to.write_all(model))?;
            let card = card::card(library);
            self.file("model_card.md", true, &mut |to| to.write_all(card.as_bytes()))?;
        }
        let averages = &library.insight.averages;
        if !averages.is_empty() {
            let side = library.side;
            self.file("class_averages.mrcs", true, &mut |to| {
                insight::write_mrcs(averages, side, pixel_nm, to)
            })?;
            self.file("class_averages.tif", true, &mut |to| insight::write_tiff(averages, side, to))?;
        }
        let page = html::page(library);
        self.file("report.html", true, &mut |to| to.write_all(page.as_bytes()))?;
        let report = report::report(library);
        self.file("report.json", true, &mut |to| {
            serde_json::to_writer_pretty(&mut *to, &report)?;
            writeln!(to)
        })
    }

    fn pictures(&mut self, library: &Library) -> Result<()> {
        let folders = pictures::folders(&library.classes);
        let unclassified = library.classes.len();
        for (class, folder) in folders.iter().enumerate() {
            if class < unclassified || library.records.iter().any(|record| record.class.is_none()) {
                let path = Path::new("classes").join(folder);
                let made = fs::create_dir_all(self.temporary.join(&path));
                made.map_err(|source| Error::io(self.folder.join(&path), "create", source))?;
            }
        }
        for (i, record) in library.records.iter().enumerate() {
            let folder = &folders[record.class.unwrap_or(unclassified)];
            let name = format!("classes/{folder}/{}", pictures::file_name(library, i));
            // Not waited for one by one: thousands of waits take minutes, and the stack holds the same pixels.
            self.file(&name, false, &mut |to| pictures::write(library.patch(i), library.side, to))?;
        }
        let made = fs::create_dir_all(self.temporary.join("sheets"));
        made.map_err(|source| Error::io(self.folder.join("sheets"), "create", source))?;
        for (folder, members) in folders.iter().zip(members(library)).filter(|(_, m)| !m.is_empty()) {
            let page = figure::png(&pictures::sheet(library, &members));
            let page = page.map_err(|source| Error::io(self.folder.join("sheets"), "draw", source))?;
            self.file(&format!("sheets/{folder}.png"), false, &mut |to| to.write_all(&page))?;
        }
        Ok(())
    }

    fn file(
        &mut self,
        name: &str,
        to_disk: bool,
        fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        let path = self.temporary.join(name);
        let mut write = || -> io::Result<()> {
            let mut buffered = BufWriter::new((self.through)(File::create(&path)?));
            fill(&mut buffered)?;
            buffered.flush()?;
            drop(buffered);
            if to_disk { OpenOptions::new().write(true).open(&path)?.sync_all() } else { Ok(()) }
        };
        write().map_err(|source| Error::io(self.folder.join(name), "write", source))?;
        self.done += 1;
        if (self.watch)(self.done, self.of) { Ok(()) } else { Err(Error::Stopped) }
    }
}

/// The records of each class, and last those of none.
fn members(library: &Library) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); library.classes.len() + 1];
    for (i, record) in library.records.iter().enumerate() {
        members[record.class.unwrap_or(library.classes.len())].push(i);
    }
    members
}

/// What lies at the target now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occupied {
    No,
    Empty,
    Library,
}

fn check_target(target: &Path, overwrite: bool) -> Result<Occupied> {
    let refuse = |problem: &str| Err(Error::invalid(target.display().to_string(), problem));
    if !target.exists() {
        return Ok(Occupied::No);
    }
    if !target.is_dir() {
        return refuse("this is a file; a library needs a folder");
    }
    let mut inside = fs::read_dir(target).map_err(|source| Error::io(target, "look into", source))?;
    if inside.next().is_none() {
        return Ok(Occupied::Empty);
    }
    match (overwrite, is_library(target)) {
        (true, true) => Ok(Occupied::Library),
        (true, false) => refuse("the folder holds other files than a library; choose a new folder"),
        (false, true) => {
            refuse("there is a library in this folder already; choose a new folder, or agree to replace it")
        }
        (false, false) => refuse("the folder is not empty; choose a new folder"),
    }
}

fn is_library(folder: &Path) -> bool {
    let report = fs::read(folder.join("report.json")).unwrap_or_default();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap_or_default();
    report["format"] == report::FORMAT
}

/// Makes the missing folders above the library and tells which, outermost first.
fn make_folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let mut missing: Vec<PathBuf> = parent.ancestors().take_while(missing).map(Path::to_owned).collect();
    missing.reverse();
    for (i, folder) in missing.iter().enumerate() {
        if let Err(source) = fs::create_dir(folder) {
            missing[..i].iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
            return Err(Error::io(folder, "create", source));
        }
    }
    Ok(missing)
}

/// Renames the finished folder to its name; an earlier library steps aside first and comes back if that fails.
fn put_in_place(temporary: tempfile::TempDir, target: &Path, occupied: Occupied) -> io::Result<()> {
    if occupied == Occupied::Empty {
        fs::remove_dir(target)?;
    }
    let mut aside = None;
    if occupied == Occupied::Library {
        let place = atomic::temporary_folder(atomic::folder_of(target))?;
        fs::rename(target, place.path().join("old"))?;
        aside = Some(place);
    }
    if let Err(error) = fs::rename(temporary.path(), target) {
        match aside {
            // Never delete the old library when it cannot go back: leave it where it is.
            Some(place) if fs::rename(place.path().join("old"), target).is_err() => drop(place.keep()),
            _ if occupied == Occupied::Empty => drop(fs::create_dir(target)),
            _ => {}
        }
        return Err(error);
    }
    drop(temporary.keep());
    let Some(aside) = aside else { return Ok(()) };
    keep_others(&aside.path().join("old"), target).inspect_err(|_| drop(aside.keep()))
}

/// Moves what is not part of a library, notes for example, from the old folder to the new one.
fn keep_others(old: &Path, new: &Path) -> io::Result<()> {
    for entry in fs::read_dir(old)? {
        let entry = entry?;
        if !FILES.iter().any(|name| entry.file_name() == *name) {
            fs::rename(entry.path(), new.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
