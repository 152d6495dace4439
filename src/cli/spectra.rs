//! `nanotheca spectra`: the shift-VAE on one-dimensional data.

use super::{Compute, PresetName, command_line};
use crate::error::{Error, Result};
use crate::explore::spectra;
use crate::library::maps::refuse_used;
use crate::library::spectra::SpectraFolder;
use crate::spectrum::{self, Found, Spectra};
use crate::train::shift::{self, MapSettings};
use crate::worker::device;
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, Args)]
pub struct Options {
    /// CSV or TXT, NPY of shape (N, points), or for a grid (rows, columns, points), NPZ with `spectra` and, if it has one,
    /// `x`, or the first channel of a Nanonis grid (3DS). A table has a spectrum a row (a row that begins with `x` or
    /// `x (unit)`, or a first row of a name and numbers, is the axis), or a spectrum a column beside the axis, below a header
    /// such as `Energy (eV)` and names, or below a line `x` or `x (unit)`.
    file: PathBuf,
    /// A new folder for what is found.
    #[arg(long)]
    out: PathBuf,
    /// Content latents, 1 to 8.
    #[arg(long)]
    latent: Option<usize>,
    #[arg(long)]
    epochs: Option<usize>,
    /// Standard deviation of the shift prior; the axis is 2 long. 0 is a plain VAE, which knows no shift.
    #[arg(long)]
    dx_prior: Option<f32>,
    /// Unit of the axis, if the file does not say it.
    #[arg(long)]
    unit: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    preset: PresetName,
    /// Print what spectra.json holds.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    compute: Compute,
}

/// Learns and writes the folder.
///
/// # Errors
/// A file that cannot be read, options out of range, a folder that cannot be written.
pub fn run(options: &Options) -> Result<()> {
    refuse_used(&options.out)?;
    let spectra = spectrum::open(&options.file)?;
    let settings = options.settings()?;
    let chosen = device::choose(options.compute.device.into());
    if let Some(sentence) = &chosen.fallback {
        eprintln!("{sentence}");
    }
    let began = Instant::now();
    let (found, vae) = spectra::learn(&spectra, &settings, &chosen.device, chosen.tiled, &mut |_, _| true)?;
    let folder = SpectraFolder {
        name: &options.file.file_name().unwrap_or_default().to_string_lossy(),
        spectra: &spectra,
        found: &found,
        unit: options.unit.as_deref().unwrap_or(&spectra.unit),
        settings: serde_json::to_value(&settings).map_err(|e| Error::invalid("settings", e.to_string()))?,
        seconds: began.elapsed().as_secs_f64(),
        device: &chosen.name,
        command: Some(command_line()),
    };
    folder.export(&options.out, |path| shift::save(&vae, &settings, path))?;
    if options.json {
        say!("{:#}", folder.document());
    } else {
        print(&spectra, &found, folder.seconds, &options.out);
    }
    Ok(())
}

impl Options {
    fn settings(&self) -> Result<MapSettings> {
        let mut settings = MapSettings::spectra(self.preset.into());
        settings.latent = self.latent.unwrap_or(settings.latent);
        settings.epochs = self.epochs.unwrap_or(settings.epochs);
        settings.seed = self.compute.seed.unwrap_or(settings.seed);
        match self.dx_prior {
            Some(0.0) => {
                settings.invariances.translation = false;
                settings.preset = crate::train::config::Preset::Default;
            }
            Some(prior) => settings.shift_prior = Some(prior),
            None => {}
        }
        settings.check()?;
        Ok(settings)
    }
}

fn print(spectra: &Spectra, found: &Found, seconds: f64, out: &Path) {
    let last = found.curve.last().copied().unwrap_or_default();
    let grid = spectra.grid.map_or_else(String::new, |[rows, columns]| format!(" ({rows} x {columns})"));
    say!("{} spectra{grid}, loss {:.2}, {seconds:.0} s", found.shift.len(), last.loss);
    for (k, sd) in found.spread.iter().enumerate() {
        let what = if found.collapsed(k) { "collapsed: it carries nothing" } else { "carries something" };
        say!("z{k}: sd {sd:.2}, {what}");
    }
    let maps = if spectra.grid.is_some() { ", maps over the grid" } else { "" };
    say!("shifts, latents, traversals{maps}: {}", out.display());
}
