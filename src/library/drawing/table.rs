//! The numbers behind a view.

use crate::Result;
use crate::project::atomic;
use std::io;
use std::path::Path;

/// Columns with names, one row a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// Writes it as CSV, whole or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Io`] with `path`; the file is then as it was.
    pub fn write(&self, path: &Path) -> Result<()> {
        atomic::write_file(path, |to| {
            let mut table = csv::Writer::from_writer(to);
            table.write_record(&self.header).map_err(io::Error::other)?;
            for row in &self.rows {
                table.write_record(row).map_err(io::Error::other)?;
            }
            table.flush()
        })
    }
}

/// A number as it stands in a table; an empty cell for what is not known.
pub fn cell(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}
