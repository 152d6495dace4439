//! Models kept beside a project: one after each training, and those a person gave a name.
//!
//! `gold.nanotheca` keeps its models in `gold.models`: a model file and, beside it, a few words about it as JSON.

use super::device;
use super::job::Dataset;
use super::message::Accuracy;
use crate::error::{Error, Result};
use crate::explore::embed;
use crate::library::pictures::safe_name;
use crate::particle::Prediction;
use crate::project::atomic;
use crate::train::checkpoint::Checkpoint;
use crate::train::lineage::Roles;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Models that the program keeps by itself; a person's are never taken away.
const MOST: usize = 10;
const MODEL: &str = "safetensors";

/// What is known of a kept model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub name: String,
    /// Kept by the program, not by a person.
    pub automatic: bool,
    /// Seconds since 1970.
    pub at: u64,
    pub epochs: usize,
    /// On the labels that were held out then.
    pub accuracy: Option<Accuracy>,
    pub classes: Vec<String>,
    /// Labels it was trained with.
    pub labels: usize,
    /// The model itself; not written down, because folders move.
    #[serde(skip)]
    pub path: PathBuf,
}

/// How the file of a stopped training ends.
pub const STATE: &str = "training";

/// Where the models of a project lie.
pub fn folder(project: &Path) -> PathBuf {
    project.with_extension("models")
}

/// Where the state of a project's stopped training lies.
pub fn state(project: &Path) -> PathBuf {
    project.with_extension(STATE)
}

/// The models in a folder, the latest first; what cannot be read is left out.
pub fn list(folder: &Path) -> Vec<Kept> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
    let about = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut found: Vec<Kept> = about
        .filter_map(|about| {
            let kept: Kept = serde_json::from_slice(&std::fs::read(&about).ok()?).ok()?;
            let path = about.with_extension(MODEL);
            path.is_file().then_some(Kept { path, ..kept })
        })
        .collect();
    found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.path.cmp(&a.path)));
    found
}

/// A file for a model of this name that is not there yet; makes the folder.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be made.
pub fn place(folder: &Path, name: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).map_err(|source| Error::io(folder, "create", source))?;
    let name = safe_name(name);
    let file = |n: usize| if n == 1 { format!("{name}.{MODEL}") } else { format!("{name} {n}.{MODEL}") };
    let free = |path: &PathBuf| !path.exists() && !path.with_extension("json").exists();
    let place = (1..10_000).map(|n| folder.join(file(n))).find(free);
    place.ok_or_else(|| Error::invalid(name, "there are too many models of this name; choose another"))
}

/// Writes down what is known of a model that lies at its place, and lets the oldest of the program's own go.
///
/// # Errors
/// [`Error::Io`] with the file.
pub fn keep(kept: &Kept) -> Result<()> {
    atomic::write_file(&kept.path.with_extension("json"), |to| {
        serde_json::to_writer_pretty(&mut *to, kept)?;
        writeln!(to)
    })?;
    for old in list(atomic::folder_of(&kept.path)).iter().filter(|old| old.automatic).skip(MOST) {
        forget(old)?;
    }
    Ok(())
}

/// Takes a model away.
///
/// # Errors
/// [`Error::Io`] with the file that cannot be removed.
pub fn forget(kept: &Kept) -> Result<()> {
    // First what is said of it: a model nobody speaks of is not listed.
    for path in [kept.path.with_extension("json"), kept.path.clone()] {
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&path, "remove", source));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Sets aside what lay beside a project that another one has replaced, where its own file went: `gold.models` becomes
/// `gold.models.bak`, and so does the state of its training.
///
/// # Errors
/// [`Error::Io`] with what cannot be moved.
pub fn set_aside(project: &Path) -> Result<()> {
    for path in [folder(project), state(project)] {
        if !path.exists() {
            continue;
        }
        let aside = atomic::with_ending(&path, ".bak");
        let gone =
            if aside.is_dir() { std::fs::remove_dir_all(&aside) } else { std::fs::remove_file(&aside) };
        match gone {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(&aside, "remove", source));
            }
            _ => {}
        }
        std::fs::rename(&path, &aside).map_err(|source| Error::io(&path, "move", source))?;
    }
    Ok(())
}

/// Copies the models of one folder into another, for a project that is saved under another name.
///
/// # Errors
/// [`Error::Io`] with the file.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    for kept in list(from).into_iter().rev() {
        let path = place(to, &kept.path.file_stem().unwrap_or_default().to_string_lossy())?;
        std::fs::copy(&kept.path, &path).map_err(|source| Error::io(&path, "write", source))?;
        keep(&Kept { path, ..kept })?;
    }
    Ok(())
}

/// What a model says of patches, the names of its classes, and which labels it learned from; computed on the CPU.
///
/// # Errors
/// A model that cannot be read, or that learned from patches that were cut in another way.
pub fn predict(model: &Path, dataset: &Dataset) -> Result<(Vec<String>, Vec<Prediction>, Roles)> {
    let checkpoint = Checkpoint::load(model)?;
    if checkpoint.description.geometry.as_ref().is_some_and(|learned| *learned != dataset.geometry) {
        let problem =
            "it learned patches of another size or cut than the model that answers; go back to it first";
        return Err(Error::invalid(model.display().to_string(), problem));
    }
    let chosen = device::cpu(None);
    let vae = checkpoint.vae(&chosen.device, chosen.tiled)?;
    let predictions = embed::predict(&vae, &dataset.patches, &mut || true)?;
    Ok((checkpoint.description.classes, predictions, checkpoint.description.lineage.roles))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folder: &Path, name: &str, at: u64, automatic: bool) -> Kept {
        let path = place(folder, name).unwrap();
        std::fs::write(&path, name).unwrap();
        let kept = Kept { name: name.into(), at, automatic, path, ..Kept::default() };
        keep(&kept).unwrap();
        kept
    }

    #[test]
    fn the_latest_come_first_and_a_person_s_stay() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("gold.models");
        let mine = kept(&folder, "before the / relabelling", 5, false);
        for i in 0..MOST as u64 + 3 {
            kept(&folder, "training", 10 + i, true);
        }
        let found = list(&folder);
        assert_eq!(found.len(), MOST + 1);
        assert_eq!((found[0].at, found[MOST].clone()), (12 + MOST as u64, mine.clone()));
        assert_eq!(std::fs::read_to_string(&mine.path).unwrap(), mine.name);
        forget(&found[0]).unwrap();
        forget(&found[0]).unwrap();
        assert_eq!(list(&folder)[0].at, 11 + MOST as u64);
        // Twice the same name are two models; another folder takes all.
        kept(&folder, "before the / relabelling", 99, false);
        let other = dir.path().join("silver.models");
        copy(&folder, &other).unwrap();
        let names = |folder: &Path| list(folder).into_iter().map(|k| (k.name, k.at)).collect::<Vec<_>>();
        assert_eq!(names(&other), names(&folder));
        // Another project takes the place of gold, twice.
        let gold = dir.path().join("gold.nanotheca");
        std::fs::write(state(&gold), "a training").unwrap();
        for _ in 0..2 {
            set_aside(&gold).unwrap();
            assert!(list(&folder).is_empty() && !state(&gold).exists());
            assert_eq!(names(&dir.path().join("gold.models.bak")).len(), MOST + 1);
            assert!(dir.path().join("gold.training.bak").is_file());
        }
        copy(&other, &folder).unwrap();
        set_aside(&gold).unwrap();
        assert_eq!(names(&dir.path().join("gold.models.bak")), names(&other));
    }

    #[test]
    fn what_is_no_model_is_not_listed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(list(&dir.path().join("nowhere")).is_empty());
        std::fs::write(dir.path().join("a.json"), "{}").unwrap();
        std::fs::write(dir.path().join("b.json"), "not JSON").unwrap();
        std::fs::write(dir.path().join("b.safetensors"), "").unwrap();
        assert!(list(dir.path()).is_empty());
    }
}
