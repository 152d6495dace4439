//! The model of a map or spectra run as a file: weights, and in the metadata everything needed to use them.

use crate::error::{Error, Result};
use crate::model::VaeConfig;
use crate::model::vae::Vae;
use crate::model::weights;
use crate::train::checkpoint::{read_arrays, write_arrays};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Metadata key under which the description stands, as JSON.
const KEY: &str = "nanotheca_shift";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Description<T> {
    version: u32,
    program: String,
    model: VaeConfig,
    /// What the model was trained on and with.
    run: T,
}

/// Writes the model with a description of its run; whole or not at all.
///
/// # Errors
/// The path and the operating system's reason.
pub fn save<T: Serialize>(vae: &Vae, run: &T, path: &Path) -> Result<()> {
    let program = format!("nanotheca {}", env!("CARGO_PKG_VERSION"));
    let description = Description { version: VERSION, program, model: vae.config.clone(), run };
    write_arrays(path, &weights::to_arrays(&vae.networks), KEY, &description)
}

/// Reads a model and the description of its run.
///
/// # Errors
/// The path and what is wrong: not a safetensors file, not of such a run, from a newer version, arrays that do not fit.
pub fn load<T: for<'a> Deserialize<'a>>(path: &Path, device: &Device, tiled: bool) -> Result<(Vae, T)> {
    let (description, arrays): (Description<T>, _) = read_arrays(path, KEY, VERSION)?;
    let config = description.model;
    let networks = weights::from_arrays(&config, &arrays, device)
        .map_err(|e| Error::file(path, "safetensors", "arrays", e))?;
    Ok((Vae { config, networks, tiled }, description.run))
}
