//! `library.csv`: one row a particle, units in the names of the columns, an empty cell for what is not known.

use super::{LabelledBy, Library, Record};
use crate::{Error, Result};
use std::io::{self, Read, Write};
use std::path::Path;

const FORMAT: &str = "library table";

/// Writes the table, UTF-8, comma between cells, dot in numbers.
///
/// # Errors
/// What the writer says.
pub fn write(library: &Library, to: &mut dyn Write) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(to);
    table.write_record(header(library)).map_err(plain)?;
    for record in &library.records {
        table.write_record(row(library, record)).map_err(plain)?;
    }
    table.flush()
}

/// The columns in their order.
pub fn header(library: &Library) -> Vec<String> {
    let mut names: Vec<String> =
        ["micrograph", "x_px", "y_px", "x_nm", "y_nm", "class"].map(str::to_owned).into();
    names.extend(library.classes.iter().map(|class| format!("p_{class}")));
    names.extend(["angle_deg", "shift_x_px", "shift_y_px"].map(str::to_owned));
    names.extend((1..=library.latents).map(|i| format!("z{i}")));
    names.extend(["recon_error", "labelled_by"].map(str::to_owned));
    names
}

fn row(library: &Library, record: &Record) -> Vec<String> {
    let mut cells = vec![
        record.micrograph.clone(),
        record.x_px.to_string(),
        record.y_px.to_string(),
        number(record.x_nm),
        number(record.y_nm),
        library.class_name(record).unwrap_or_default().to_owned(),
    ];
    cells.extend(record.probabilities.iter().map(|p| p.map_or_else(String::new, |p| p.to_string())));
    cells.push(number(record.angle_deg));
    cells.push(number(record.shift_px.map(|shift| shift[0])));
    cells.push(number(record.shift_px.map(|shift| shift[1])));
    cells
        .extend((0..library.latents).map(|i| record.latents.get(i).map_or_else(String::new, f32::to_string)));
    cells.push(record.recon_error.map_or_else(String::new, |error| error.to_string()));
    cells.push(record.labelled_by.map_or("", LabelledBy::word).to_owned());
    cells
}

/// To a millionth: far below what a micrograph shows, and free of the noise of binary fractions.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| ((value * 1e6).round() / 1e6 + 0.0).to_string())
}

/// The system's own error where there is one, so that a full disk says so.
fn plain(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A row of `library.csv` as another program sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub micrograph: String,
    pub x_px: f64,
    pub y_px: f64,
    pub x_nm: Option<f64>,
    pub y_nm: Option<f64>,
    pub class: Option<String>,
    pub probabilities: Vec<Option<f64>>,
    pub angle_deg: Option<f64>,
    pub shift_x_px: Option<f64>,
    pub shift_y_px: Option<f64>,
    pub latents: Vec<Option<f64>>,
    pub recon_error: Option<f64>,
    pub labelled_by: Option<String>,
}

/// A table read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// From the `p_` columns.
    pub classes: Vec<String>,
    pub rows: Vec<Row>,
}

/// Reads a table back; `path` is named in errors.
///
/// # Errors
/// [`Error::File`] with row and column for a missing column or a cell that is no number.
pub fn read(from: impl Read, path: &Path) -> Result<Table> {
    let mut reader = csv::Reader::from_reader(from);
    let bad = |error: csv::Error| Error::file(path, FORMAT, "text", error.to_string());
    let header = reader.headers().map_err(bad)?.clone();
    let beginning = |start: &str| -> Vec<usize> {
        let rest = |name: &str| name.strip_prefix(start).map(str::to_owned);
        let fits = |name: &str| rest(name).is_some_and(|rest| start != "z" || rest.parse::<usize>().is_ok());
        header.iter().enumerate().filter(|(_, name)| fits(name)).map(|(i, _)| i).collect()
    };
    let (probabilities, latents) = (beginning("p_"), beginning("z"));
    let classes = probabilities.iter().map(|i| header[*i]["p_".len()..].to_owned()).collect();
    let mut rows = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record = record.map_err(bad)?;
        let cells = Cells { header: &header, record: &record, path, row: i + 2 };
        let numbers =
            |places: &[usize]| places.iter().map(|i| cells.number_at(*i)).collect::<Result<Vec<_>>>();
        rows.push(Row {
            micrograph: cells.text("micrograph")?.unwrap_or_default(),
            x_px: cells.needed("x_px")?,
            y_px: cells.needed("y_px")?,
            x_nm: cells.number("x_nm")?,
            y_nm: cells.number("y_nm")?,
            class: cells.text("class")?,
            probabilities: numbers(&probabilities)?,
            angle_deg: cells.number("angle_deg")?,
            shift_x_px: cells.number("shift_x_px")?,
            shift_y_px: cells.number("shift_y_px")?,
            latents: numbers(&latents)?,
            recon_error: cells.number("recon_error")?,
            labelled_by: cells.text("labelled_by")?,
        });
    }
    Ok(Table { classes, rows })
}

struct Cells<'a> {
    header: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
    path: &'a Path,
    row: usize,
}

impl Cells<'_> {
    fn place(&self, column: &str) -> Result<usize> {
        let missing =
            || Error::file(self.path, FORMAT, format!("column {column}"), "there is no such column");
        self.header.iter().position(|name| name == column).ok_or_else(missing)
    }

    fn text(&self, column: &str) -> Result<Option<String>> {
        let place = self.place(column)?;
        Ok(self.record.get(place).filter(|cell| !cell.is_empty()).map(str::to_owned))
    }

    fn number(&self, column: &str) -> Result<Option<f64>> {
        self.number_at(self.place(column)?)
    }

    fn needed(&self, column: &str) -> Result<f64> {
        let empty =
            || Error::file(self.path, FORMAT, format!("row {}, column {column}", self.row), "it is empty");
        self.number(column)?.ok_or_else(empty)
    }

    fn number_at(&self, place: usize) -> Result<Option<f64>> {
        let cell = self.record.get(place).unwrap_or_default();
        if cell.is_empty() {
            return Ok(None);
        }
        let field = || format!("row {}, column {}", self.row, self.header.get(place).unwrap_or_default());
        let bad = |_| Error::file(self.path, FORMAT, field(), format!("`{cell}` is not a number"));
        cell.parse().map(Some).map_err(bad)
    }
}
