//! `nanotheca info`.

use crate::error::{Error, Result};
use crate::micrograph::format;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Prints what each file holds; goes on after a bad one, and fails at the end if there was any.
///
/// # Errors
/// The first bad file's error.
pub fn run(options: &Options) -> Result<()> {
    let mut first = None;
    for file in &options.files {
        match format::info(file) {
            Ok(info) if options.json => {
                let mut value =
                    serde_json::to_value(&info).map_err(|e| Error::invalid("info", e.to_string()))?;
                if let Some(object) = value.as_object_mut() {
                    object.insert("file".into(), file.display().to_string().into());
                }
                say!("{value}");
            }
            Ok(info) => {
                let size = match info.pixel_size {
                    Some(p) if (p.x_nm - p.y_nm).abs() < 1e-9 * p.x_nm => format!("{:.6} nm", p.x_nm),
                    Some(p) => format!("{:.6} x {:.6} nm", p.x_nm, p.y_nm),
                    None => "unknown".into(),
                };
                say!("{}", file.display());
                say!("  format      {}", info.format);
                say!("  size        {} x {} px, {} page(s)", info.width, info.height, info.pages);
                say!("  sample type {}", info.sample_type);
                say!("  pixel size  {size}");
                say!("  min max mean {} {} {}", info.min, info.max, info.mean);
                info.notes.iter().for_each(|note| say!("  note: {note}"));
            }
            Err(error) => {
                eprintln!("{error}");
                first.get_or_insert(error);
            }
        }
    }
    first.map_or(Ok(()), Err)
}
