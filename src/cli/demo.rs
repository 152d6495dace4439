//! `nanotheca demo`: the sample project from pictures to library, or a lattice image to maps.

use super::follow::Between;
use super::{Compute, Tuning, map, run};
use crate::error::{Error, Result};
use crate::library::maps::refuse_used;
use crate::micrograph::{PixelSize, format};
use crate::train::shift::MapSettings;
use crate::{project::store, sample};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Options {
    /// A new folder for the library; without it the first free name of nanotheca-demo, nanotheca-demo-2, ...
    #[arg(long)]
    out: Option<PathBuf>,
    /// Maps of order parameters of a real lattice image instead.
    #[arg(long)]
    lattice: bool,
    #[command(flatten)]
    compute: Compute,
    #[command(flatten)]
    tuning: Tuning,
}

/// Makes a fresh copy of the sample in a temporary folder, trains, exports, prints the accuracy.
///
/// # Errors
/// Whatever the way failed with.
pub fn run(options: &Options) -> Result<()> {
    let out = options.out.clone().unwrap_or_else(free_name);
    let folder = tempfile::tempdir().map_err(|e| Error::io(std::env::temp_dir(), "create a folder in", e))?;
    if options.lattice {
        return lattice(folder.path(), &out, options);
    }
    let path = sample::create(folder.path())?;
    let project = store::load(&path)?;
    let more = run::More { tuning: &options.tuning, between: &Between::default(), folds: None };
    run::library(&project, &path, &out, options.compute, more).map(|_| ())
}

/// A real lattice image from the program's own assets to maps.
fn lattice(folder: &Path, out: &Path, options: &Options) -> Result<()> {
    let path = sample::create_lattice(folder)?;
    let mut image = format::open(&path)?;
    image.pixel_size = PixelSize::new(sample::LATTICE_NM_PER_PX, sample::LATTICE_NM_PER_PX);
    let mut settings = MapSettings { stride: 2, ..MapSettings::default() };
    settings.seed = options.compute.seed.unwrap_or(settings.seed);
    let settings = options.tuning.apply_to(settings)?;
    settings.check()?;
    refuse_used(out)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    map::map_image(image, &name, settings, out, options.compute, false)
}

fn free_name() -> PathBuf {
    let name = |i: usize| if i < 2 { "nanotheca-demo".to_owned() } else { format!("nanotheca-demo-{i}") };
    (1..).map(|i| PathBuf::from(name(i))).find(|path| !path.exists()).unwrap_or_default()
}
