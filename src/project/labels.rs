//! Labels made elsewhere: a table with the columns `image`, `x`, `y` and `class`, one row a particle.
//!
//! The first row names the columns, in any order and case; `held_out` (true, false, 1, 0) and `diameter` (pixels)
//! may be there, other columns are passed over. An empty class is a particle without a label. Comma, semicolon or
//! tab between the cells. x and y are pixels, x right, y down, the centre of the top-left pixel at (0, 0).

use super::check::is_inside;
use super::edit::Edit;
use super::{MicrographEntry, Project};
use crate::particle::{ClassId, MicrographId, Particle, ParticleId};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::Path;

const FORMAT: &str = "labels table";

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelRow {
    /// Line in the file; the header is line 1.
    pub row: u64,
    /// File name or path of the micrograph, as the table gives it.
    pub image: String,
    /// Centre in pixels.
    pub x: f32,
    pub y: f32,
    /// `None` for a particle without a label.
    pub class: Option<String>,
    /// A label that only measures accuracy.
    pub held_out: bool,
    /// Equivalent diameter in pixels, > 0.
    pub diameter: Option<f32>,
}

/// Reads a table of labels.
///
/// # Errors
/// [`Error::Io`] if it cannot be read; [`Error::File`] with row and column if a column is missing or a cell makes no
/// sense.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<LabelRow>> {
    let path = path.as_ref();
    read_for(path, || {
        let problem = "there is no column `image`; the first row must name image, x, y and class";
        Err(cell(path, 1, "image", problem))
    })
}

/// As [`read`]; `image` names the micrograph of a table without the column `image`. The column `class` may be missing,
/// too, then.
///
/// # Errors
/// As [`read`], and those of `image`.
pub fn read_for(path: &Path, image: impl FnOnce() -> Result<String>) -> Result<Vec<LabelRow>> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(Error::file(path, FORMAT, "text", "it is not UTF-8 text; save it as CSV (UTF-8)"));
    };
    let text = text.trim_start_matches('\u{feff}');
    let header = text.lines().next().unwrap_or_default();
    let delimiter = *[b',', b';', b'\t'].iter().find(|d| header.as_bytes().contains(d)).unwrap_or(&b',');
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| unreadable(path, &error))?.clone();
    let columns = Columns::find(path, &header, image)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(path, &error))?;
        let row = record.position().map_or(0, csv::Position::line);
        rows.push(columns.row(path, row, &record)?);
    }
    Ok(rows)
}

/// Makes the rows particles: a class for each new name, in the order of first mention, and a particle a row.
///
/// An image is matched by its name in the project or by the end of its path. `table` is named in errors.
///
/// # Errors
/// [`Error::File`] with row and column for an image that the project does not have or has twice, and for a place
/// outside the image, with its size.
pub fn to_edit(project: &mut Project, rows: &[LabelRow], table: &Path) -> Result<Edit> {
    let names = project.micrograph_names();
    let mut classes: BTreeMap<String, ClassId> =
        project.classes.iter().map(|class| (class.name.clone(), class.id)).collect();
    let mut new_names: Vec<String> = Vec::new();
    let mut placed = Vec::with_capacity(rows.len());
    for row in rows {
        let wrong = |column: &str, problem: String| cell(table, row.row, column, problem);
        let entry = find_image(project, &names, &row.image).map_err(|problem| wrong("image", problem))?;
        if !is_inside(row.x, row.y, entry.width, entry.height) {
            let (LabelRow { x, y, image, .. }, MicrographEntry { width, height, .. }) = (row, entry);
            let problem = format!("({x}, {y}) lies outside {image}, which is {width} x {height} px");
            return Err(wrong(if is_inside(*x, 0.0, *width, *height) { "y" } else { "x" }, problem));
        }
        if row.held_out && row.class.is_none() {
            return Err(wrong("held_out", "a particle without a class cannot be held out".into()));
        }
        if let Some(class) = &row.class
            && !classes.contains_key(class)
            && !new_names.contains(class)
        {
            new_names.push(class.clone());
        }
        placed.push((row, entry.id));
    }
    let (ids, add_classes) = project.add_classes_edit(&new_names);
    classes.extend(new_names.into_iter().zip(ids));
    let particle = |(row, micrograph): (&LabelRow, MicrographId)| Particle {
        id: ParticleId(0),
        micrograph,
        x: row.x,
        y: row.y,
        diameter: row.diameter,
        score: None,
        label: row.class.as_ref().and_then(|class| classes.get(class).copied()),
        held_out: row.held_out,
    };
    let particles = placed.into_iter().map(particle).collect();
    Ok(Edit::Together(vec![add_classes, project.add_particles_edit(particles)]))
}

/// Which cell of a row holds what.
struct Columns {
    /// A column, or the one name for all rows.
    image: std::result::Result<usize, String>,
    x: usize,
    y: usize,
    class: Option<usize>,
    held_out: Option<usize>,
    diameter: Option<usize>,
}

impl Columns {
    fn find(path: &Path, header: &csv::StringRecord, one: impl FnOnce() -> Result<String>) -> Result<Self> {
        let place = |name: &str| header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let required = |name: &str| {
            let problem =
                format!("there is no column `{name}`; the first row must name image, x, y and class");
            place(name).ok_or_else(|| cell(path, 1, name, problem))
        };
        Ok(Self {
            image: place("image").map_or_else(|| one().map(Err), |column| Ok(Ok(column)))?,
            x: required("x")?,
            y: required("y")?,
            class: place("class"),
            held_out: place("held_out"),
            diameter: place("diameter").or_else(|| place("diameter_px")),
        })
    }

    fn row(&self, path: &Path, row: u64, record: &csv::StringRecord) -> Result<LabelRow> {
        let text = |place: usize| record.get(place).unwrap_or_default();
        let wrong = |column: &str, problem: String| cell(path, row, column, problem);
        let number = |column: &str, place: usize| match text(place).parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(wrong(column, format!("`{}` is not a number", text(place)))),
        };
        let image = match &self.image {
            Ok(column) => text(*column),
            Err(name) => name.as_str(),
        };
        if image.is_empty() {
            return Err(wrong("image", "the name of the image is missing".into()));
        }
        let held_out = match self.held_out.map(text).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "0" | "false" => false,
            "1" | "true" => true,
            other => return Err(wrong("held_out", format!("`{other}` is neither true nor false"))),
        };
        let diameter = match self.diameter {
            Some(place) if !text(place).is_empty() => Some(number("diameter", place)?),
            _ => None,
        };
        if diameter.is_some_and(|diameter| diameter <= 0.0) {
            return Err(wrong("diameter", "it must be above 0".into()));
        }
        Ok(LabelRow {
            row,
            image: image.to_owned(),
            x: number("x", self.x)?,
            y: number("y", self.y)?,
            class: self.class.map(text).filter(|class| !class.is_empty()).map(str::to_owned),
            held_out,
            diameter,
        })
    }
}

/// The micrograph of this name, as [`Project::micrograph_names`] gives it, or whose path ends so.
///
/// # Errors
/// A sentence if there is none, or more than one.
pub fn find_image<'a>(
    project: &'a Project,
    names: &BTreeMap<MicrographId, String>,
    image: &str,
) -> std::result::Result<&'a MicrographEntry, String> {
    let image = image.replace('\\', "/");
    if let Some(entry) = project.micrographs.iter().find(|entry| names.get(&entry.id) == Some(&image)) {
        return Ok(entry);
    }
    let ending = image.trim_start_matches("./");
    let page = ending.rsplit_once('#').and_then(|(path, page)| Some((path, page.parse::<usize>().ok()?)));
    let is_page = |entry: &MicrographEntry| {
        page.is_some_and(|(path, page)| entry.page == page && entry.path.ends_with(path))
    };
    let mut fitting =
        project.micrographs.iter().filter(|entry| entry.path.ends_with(ending) || is_page(entry));
    match (fitting.next(), fitting.next()) {
        (Some(entry), None) => Ok(entry),
        (Some(one), Some(other)) if one.path == other.path => {
            let name = names.get(&one.id).map_or("", String::as_str);
            Err(format!("{image} has several pages in the project; name the one that is meant, as `{name}`"))
        }
        (Some(_), Some(_)) => {
            Err(format!("{image} fits several images of the project; write more of its path"))
        }
        (None, _) => {
            let known: Vec<_> = names.values().take(5).map(String::as_str).collect();
            Err(format!("{image} is not an image of the project (it has {})", known.join(", ")))
        }
    }
}

fn cell(path: &Path, row: u64, column: &str, problem: impl Into<String>) -> Error {
    Error::file(path, FORMAT, format!("row {row}, column {column}"), problem)
}

fn unreadable(path: &Path, error: &csv::Error) -> Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let row = pos.as_ref().map_or(0, csv::Position::line);
            Error::file(
                path,
                FORMAT,
                format!("row {row}"),
                format!("it has {len} cells where the header has {expected_len}"),
            )
        }
        _ => Error::file(path, FORMAT, "text", error.to_string()),
    }
}
