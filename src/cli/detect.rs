//! `nanotheca detect`.

use super::pages::{self, Page};
use crate::error::{Error, Result};
use crate::particle::detect::{Settings, detect};
use crate::project::atomic::write_file;
use clap::Args;
use std::io;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// CSV to write: image (with `#page` behind it where a file has several), x, y, diameter_px, diameter_nm, score.
    #[arg(long)]
    out: PathBuf,
}

/// Detects on every image and writes one table.
///
/// # Errors
/// An image that cannot be read, a table that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    let mut rows = Vec::new();
    for image in &options.images {
        pages::each(image, |Page { place, of, picture, excluded }| {
            let found = detect(&picture, &excluded, &Settings::default(), &|_| true)?;
            let page = if of > 1 { format!("#{place}") } else { String::new() };
            let name = format!("{}{page}", image.display());
            say!("{name}: {} particles", found.len());
            let nm = picture.pixel_size.map(|p| (p.x_nm * p.y_nm).sqrt());
            rows.extend(found.into_iter().map(|d| {
                let diameter_nm = nm.map(|nm| format!("{:.3}", f64::from(d.diameter) * nm));
                [
                    name.clone(),
                    format!("{:.2}", d.x),
                    format!("{:.2}", d.y),
                    format!("{:.2}", d.diameter),
                    diameter_nm.unwrap_or_default(),
                    format!("{:.4}", d.score),
                ]
            }));
            Ok(())
        })?;
    }
    write_file(&options.out, |to| {
        let mut table = csv::Writer::from_writer(to);
        let wrong = |e: csv::Error| io::Error::other(e);
        table.write_record(["image", "x", "y", "diameter_px", "diameter_nm", "score"]).map_err(wrong)?;
        for row in &rows {
            table.write_record(row).map_err(wrong)?;
        }
        table.flush()
    })
    .map_err(|e| match e {
        Error::Io { path, source, .. } => Error::io(path, "write", source),
        other => other,
    })
}
