//! `nanotheca detect`.

use crate::error::{Error, Result};
use crate::micrograph::format;
use crate::particle::detect::{Settings, detect, propose_excluded};
use crate::project::atomic::write_file;
use clap::Args;
use std::io;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    #[arg(required = true)]
    images: Vec<PathBuf>,
    /// CSV to write: image, x, y, diameter_px, diameter_nm, score.
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
        let picture = format::open(image)?;
        let excluded = propose_excluded(&picture);
        let found = detect(&picture, &excluded, &Settings::default(), &|_| true)?;
        println!("{}: {} particles", image.display(), found.len());
        let nm = picture.pixel_size.map(|p| (p.x_nm * p.y_nm).sqrt());
        for d in found {
            let diameter_nm = nm.map(|nm| format!("{:.3}", f64::from(d.diameter) * nm)).unwrap_or_default();
            rows.push([
                image.display().to_string(),
                format!("{:.2}", d.x),
                format!("{:.2}", d.y),
                format!("{:.2}", d.diameter),
                diameter_nm,
                format!("{:.4}", d.score),
            ]);
        }
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
