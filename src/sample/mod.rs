//! The project that ships with the program: two real micrographs of gold nanoparticles with a handful of labels. And
//! synthetic data with every factor known: [`cards`], [`lattice`] and [`spectra`].

pub mod cards;
pub mod lattice;
pub mod spectra;

pub mod particles;

use crate::error::{Error, Result};
use crate::micrograph::{PixelSize, format};
use crate::particle::detect::{auto_contrast, propose_excluded};
use crate::particle::patch::{Edge, Normalise, PatchGeometry};
use crate::project::labels::{self, LabelRow};
use crate::project::{MicrographEntry, Project, source, store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const CUBES: &[u8] = include_bytes!("../../assets/sample/image_c_02.png");
const RODS: &[u8] = include_bytes!("../../assets/sample/image_c_r_02.tif");
const LABELS: &[u8] = include_bytes!("../../assets/sample/labels.csv");
const LICENCE: &[u8] = include_bytes!("../../assets/sample/LICENSE");

/// The files and, for micrographs, nanometres per pixel: 100 nm over the length of the bar in the banner.
const FILES: [(&str, &[u8], Option<f64>); 4] = [
    ("image_c_02.png", CUBES, Some(100.0 / 96.0)),
    ("image_c_r_02.tif", RODS, Some(100.0 / 213.0)),
    ("labels.csv", LABELS, None),
    ("LICENSE", LICENCE, None),
];

/// An atomically resolved image, HAADF-STEM of DyScO3, and nanometres per pixel: 8 nm over 1024 px.
const LATTICE: &[u8] = include_bytes!("../../assets/lattices/10_dso_8nm_none_none.png");
const LATTICE_LICENCE: &[u8] = include_bytes!("../../assets/lattices/LICENSE-AtomSegNet");
const LATTICE_NAME: &str = "DyScO3.png";
pub const LATTICE_NM_PER_PX: f64 = 8.0 / 1024.0;

/// Names of the project file: with the class of every particle, and with some left open.
const PROJECT: &str = "gold.nanotheca";
const UNFINISHED: &str = "gold-unfinished.nanotheca";

/// Writes the sample's files into `folder` (made if need be) and returns the path of its project file.
///
/// A project file that is there already is left as it is: it may hold the user's work.
///
/// # Errors
/// The file that cannot be written.
pub fn create(folder: &Path) -> Result<PathBuf> {
    create_as(folder, PROJECT, |rows| rows)
}

/// As [`create`], but two out of five of the labels that only measure accuracy are left off, evenly over the picture and
/// the classes: so there is something to label, and still enough to judge by.
///
/// # Errors
/// As [`create`].
pub fn create_unfinished(folder: &Path) -> Result<PathBuf> {
    create_as(folder, UNFINISHED, unfinished)
}

fn unfinished(mut rows: Vec<LabelRow>) -> Vec<LabelRow> {
    let mut judges: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter_mut().filter(|row| row.held_out) {
        let Some(class) = row.class.clone() else { continue };
        let place = judges.entry(class).or_default();
        if *place % 5 == 1 || *place % 5 == 3 {
            (row.class, row.held_out) = (None, false);
        }
        *place += 1;
    }
    rows
}

fn create_as(
    folder: &Path,
    name: &str,
    labelled: impl FnOnce(Vec<LabelRow>) -> Vec<LabelRow>,
) -> Result<PathBuf> {
    let project_path = folder.join(name);
    if project_path.is_file() {
        return Ok(project_path);
    }
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
    let mut project = Project::new();
    for (name, bytes, nm_per_px) in FILES {
        let path = folder.join(name);
        if !path.is_file() {
            std::fs::write(&path, bytes).map_err(|e| Error::io(&path, "write", e))?;
        }
        if let Some(nm) = nm_per_px {
            let entry = entry(&path, nm)?;
            let (_, edit) = project.add_micrograph_edit(entry);
            project.apply(edit)?;
        }
    }
    project.patch = geometry();
    let table = folder.join("labels.csv");
    let rows = labelled(labels::read(&table)?);
    let edit = labels::to_edit(&mut project, &rows, &table)?;
    project.apply(edit)?;
    store::save(&project, &project_path)?;
    Ok(project_path)
}

/// The sample project with some particles left to label, from the user's own data folder.
///
/// # Errors
/// As [`create`] and [`store::load`].
pub fn open_sample() -> Result<Project> {
    let folder = directories::ProjectDirs::from("", "", "nanotheca")
        .map_or_else(|| std::env::temp_dir().join("nanotheca"), |dirs| dirs.data_dir().to_owned());
    store::load(create_unfinished(&folder.join("sample"))?)
}

/// Writes the atomically resolved image and its licence into `folder` (made if need be) and returns the image's path; its
/// pixel size is [`LATTICE_NM_PER_PX`].
///
/// # Errors
/// The file that cannot be written.
pub fn create_lattice(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, "create", e))?;
    let path = folder.join(LATTICE_NAME);
    for (path, bytes) in [(&path, LATTICE), (&folder.join("DyScO3-LICENSE"), LATTICE_LICENCE)] {
        if !path.is_file() {
            std::fs::write(path, bytes).map_err(|e| Error::io(path, "write", e))?;
        }
    }
    Ok(path)
}

fn entry(path: &Path, nm_per_px: f64) -> Result<MicrographEntry> {
    let picture = format::open(path)?;
    let size = PixelSize::new(nm_per_px, nm_per_px);
    let mut entry =
        MicrographEntry::new(path, 0, picture.width, picture.height, size, source::hash_file(path)?);
    entry.excluded = propose_excluded(&picture);
    entry.bright = Some(auto_contrast(&picture, &entry.excluded));
    Ok(entry)
}

/// Large enough for the longest rods, fine enough for the corners of the cubes.
fn geometry() -> PatchGeometry {
    PatchGeometry {
        extent_nm: Some(130.0),
        extent_px: 128.0,
        side: 40,
        normalise: Normalise::Micrograph,
        edge: Edge::Background,
        blank_neighbours: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels to train with, labels that judge, and particles without one, of each class.
    fn counts(project: &Project) -> (usize, usize, usize) {
        let (judges, labelled): (Vec<_>, Vec<_>) =
            project.particles.values().filter(|p| p.label.is_some()).partition(|p| p.held_out);
        let all = project.particles.len();
        (labelled.len(), judges.len(), all - labelled.len() - judges.len())
    }

    #[test]
    fn the_window_s_sample_leaves_a_hundred_to_label_and_the_demo_s_none() {
        let dir = tempfile::tempdir().unwrap();
        let whole = store::load(create(dir.path()).unwrap()).unwrap();
        assert_eq!(counts(&whole), (48, 256, 0));
        let unfinished = store::load(create_unfinished(dir.path()).unwrap()).unwrap();
        let (labelled, judges, open) = counts(&unfinished);
        assert_eq!((labelled, labelled + judges + open), (48, 304));
        assert!((95..=105).contains(&open), "{open} without a label");
        // The same particles, classes and keys; of each class some are left open and some judge.
        assert_eq!(unfinished.classes, whole.classes);
        for class in &whole.classes {
            let of_class = |p: &&crate::particle::Particle| p.label == Some(class.id) && p.held_out;
            let all = whole.particles.values().filter(of_class).count();
            let left = unfinished.particles.values().filter(of_class).count();
            assert!(left < all && 2 * left > all, "{}: {left} of {all}", class.name);
        }
    }
}
