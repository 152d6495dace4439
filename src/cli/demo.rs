//! `nanotheca demo`: the sample project from pictures to library.

use super::follow::Between;
use super::{Compute, Tuning, run};
use crate::error::{Error, Result};
use crate::{project::store, sample};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Options {
    /// A new folder for the library; without it the first free name of nanotheca-demo, nanotheca-demo-2, ...
    #[arg(long)]
    out: Option<PathBuf>,
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
    let path = sample::create(folder.path())?;
    let project = store::load(&path)?;
    run::library(&project, &path, &out, options.compute, &options.tuning, Between::default()).map(|_| ())
}

fn free_name() -> PathBuf {
    let name = |i: usize| if i < 2 { "nanotheca-demo".to_owned() } else { format!("nanotheca-demo-{i}") };
    (1..).map(|i| PathBuf::from(name(i))).find(|path| !path.exists()).unwrap_or_default()
}
