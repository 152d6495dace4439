//! Labels from and for other programs: where particles lie and of which class they are.
//!
//! | file | holds | point |
//! |---|---|---|
//! | `.csv`, `.txt`, `.tsv` | `image,x,y,class` | pixel centre |
//! | `.star` | RELION particles or picks of one micrograph | pixel centre |
//! | `.box`, `.cbox` | EMAN and crYOLO boxes of one micrograph | corner of a box |
//! | `.json` | COCO boxes | corner, pixels are squares from 0 |
//! | `.roi`, `.zip` | ImageJ points and rectangles of one micrograph | pixels are squares from 0 |
//!
//! Ours: x to the right, y down, the *centre* of the top-left pixel is (0, 0). Where a format counts from the corner of
//! that pixel instead, half a pixel lies between the two. None of them counts y from the bottom; a file of a program
//! that does can be read with [`Setting::flip_y`].

mod boxes;
mod coco;
mod picks;
mod roi;

pub use picks::{write_csv, write_star};

use crate::particle::MicrographId;
use crate::project::Project;
use crate::project::labels::{self, LabelRow};
use crate::{Error, Result};
use std::path::Path;

/// The extensions of files that [`read`] understands.
pub const READ: &[&str] = &["csv", "txt", "tsv", "star", "box", "cbox", "json", "roi", "zip"];
/// The extensions of files that [`write()`] makes.
pub const WRITTEN: &[&str] = &["csv", "star", "box", "json", "zip"];

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// The micrograph that is meant where the file names none and its own name is no micrograph's.
    pub image: Option<MicrographId>,
    /// y counts from the bottom row up.
    pub flip_y: bool,
}

/// Reads labels for the micrographs of a project; the format is told by the extension.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::File`] naming the row or entry that makes no sense;
/// [`Error::Invalid`] for an extension that is not one of [`READ`] or a micrograph that cannot be told.
pub fn read(path: &Path, project: &Project, setting: &Setting) -> Result<Vec<LabelRow>> {
    let image = || image_of(path, project, setting);
    let mut rows = match extension(path).as_str() {
        "star" => picks::read_star(path, image)?,
        "box" | "cbox" => boxes::read(path, image)?,
        "json" => coco::read(path)?,
        "roi" | "zip" => roi::read(path, image, &|image, page| page_of(project, image, page))?,
        "csv" | "txt" | "tsv" => labels::read_for(path, image)?,
        other => {
            let problem = format!("`.{other}` is no file of labels; these are: {}", READ.join(", "));
            return Err(Error::invalid(path.display().to_string(), problem));
        }
    };
    if setting.flip_y {
        for row in &mut rows {
            let entry = labels::find_image(project, &project.micrograph_names(), &row.image)
                .map_err(|problem| Error::invalid(path.display().to_string(), problem))?;
            row.y = entry.height as f32 - 1.0 - row.y;
        }
    }
    Ok(rows)
}

/// Writes the particles of a project in the format of the extension; what holds one micrograph only holds `image`.
/// The box of a particle whose diameter is not known has the usual one (see [`Project::usual_diameter`]).
///
/// # Errors
/// [`Error::Io`] if it cannot be written; [`Error::Invalid`] for an extension that is not one of [`WRITTEN`], or if
/// `image` is missing where it is needed.
pub fn write(path: &Path, project: &Project, image: Option<MicrographId>) -> Result<()> {
    let one = || {
        image.and_then(|id| project.micrograph(id)).ok_or_else(|| {
            Error::invalid(
                path.display().to_string(),
                "this format holds one micrograph; show the one that is meant",
            )
        })
    };
    let bytes = match extension(path).as_str() {
        "csv" => write_csv(project),
        "star" => write_star(project),
        "box" => boxes::write(project, one()?),
        "json" => coco::write(project),
        "zip" => roi::write(project, one()?),
        other => {
            let problem = format!("`.{other}` cannot be written; these can: {}", WRITTEN.join(", "));
            return Err(Error::invalid(path.display().to_string(), problem));
        }
    };
    let bytes = bytes.map_err(|source| Error::io(path, "write", source))?;
    crate::project::atomic::write_file(path, |file| file.write_all(&bytes))
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// The name, in the project, of the micrograph that a file without names belongs to: the one with the file's own name,
/// else the one with the longest name that the file's begins with, else the one that was given, else the only one.
fn image_of(path: &Path, project: &Project, setting: &Setting) -> Result<String> {
    let names = project.micrograph_names();
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let own = stem(path);
    // "scan_picks" belongs to "scan", but "10" is not of "1".
    let begins =
        |stem: &str| own.strip_prefix(stem).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let named = project.micrographs.iter().filter(|entry| begins(&stem(&entry.path)));
    // Pages of one file, and files of one name in several folders: the one that was given.
    let named = named.max_by_key(|entry| (stem(&entry.path).len(), Some(entry.id) == setting.image));
    let named = named.map(|entry| entry.id);
    let only = || (project.micrographs.len() == 1).then(|| project.micrographs[0].id);
    let id = named.or(setting.image).or_else(only);
    id.and_then(|id| names.get(&id).cloned()).ok_or_else(|| {
        let problem = "it does not say which micrograph it belongs to; give it the micrograph's name";
        Error::invalid(path.display().to_string(), problem)
    })
}

/// The name, in the project, of another page of the same file; `image` itself where its file has one page only.
fn page_of(project: &Project, image: &str, page: usize) -> String {
    let names = project.micrograph_names();
    let entry = project.micrographs.iter().find(|entry| names.get(&entry.id).is_some_and(|n| n == image));
    let Some(entry) = entry.filter(|entry| project.is_of_a_stack(entry)) else { return image.to_owned() };
    let other = project.micrographs.iter().find(|other| other.path == entry.path && other.page == page);
    // Without that page the name is refused.
    other
        .and_then(|other| names.get(&other.id).cloned())
        .unwrap_or_else(|| format!("{}#{page}", entry.file_name()))
}

/// A row without a class or size yet.
fn row(number: usize, image: &str, x: f64, y: f64) -> LabelRow {
    let (image, class) = (image.to_owned(), None);
    LabelRow { row: number as u64, image, x: x as f32, y: y as f32, class, held_out: false, diameter: None }
}

fn read_text(path: &Path, format: &'static str) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    let text =
        String::from_utf8(bytes).map_err(|_| Error::file(path, format, "text", "it is not UTF-8 text"));
    // Editors under Windows put a mark before the first letter, which nobody sees.
    text.map(|text| text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
