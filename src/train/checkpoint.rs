//! The model file: one `.safetensors` with the weights and, in its metadata, everything needed to use them.

use super::config::TrainConfig;
use super::lineage::Lineage;
use crate::error::{Error, Result};
use crate::model::VaeConfig;
use crate::model::network::Classifier;
use crate::model::vae::Vae;
use crate::model::weights::{self, Array, Arrays};
use crate::particle::patch::PatchGeometry;
use burn::store::pytorch_reader::{DType, PytorchReader};
use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

const FORMAT: &str = "safetensors";
/// Metadata key under which the description stands, as JSON.
const KEY: &str = "nanotheca";
const VERSION: u32 = 1;

/// Everything about a model but its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    pub version: u32,
    /// The program that wrote it.
    pub program: String,
    pub model: VaeConfig,
    pub train: TrainConfig,
    /// Class names in the order of the probabilities.
    pub classes: Vec<String>,
    /// How patches were cut and normalised, if they came from micrographs.
    pub geometry: Option<PatchGeometry>,
    /// Complete epochs.
    pub epochs: usize,
    /// What it learned from; empty for models of before.
    #[serde(default)]
    pub lineage: Lineage,
}

/// A model file in memory.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub description: Description,
    pub arrays: Arrays,
}

impl Checkpoint {
    /// The model and what it was trained with.
    pub fn of(
        vae: &Vae,
        train: &TrainConfig,
        classes: &[String],
        geometry: Option<PatchGeometry>,
        epochs: usize,
    ) -> Self {
        let description = Description {
            version: VERSION,
            program: format!("nanotheca {}", env!("CARGO_PKG_VERSION")),
            model: vae.config.clone(),
            train: train.clone(),
            classes: classes.to_vec(),
            geometry,
            epochs,
            lineage: Lineage::default(),
        };
        Self { description, arrays: weights::to_arrays(&vae.networks) }
    }

    /// The same with what it learned from.
    #[must_use]
    pub fn with_lineage(mut self, lineage: Lineage) -> Self {
        self.description.lineage = lineage;
        self
    }

    /// The whole model on `device`.
    ///
    /// # Errors
    /// Arrays that do not fit the description.
    pub fn vae(&self, device: &Device, tiled: bool) -> Result<Vae> {
        let config = self.description.model.clone();
        let networks =
            weights::from_arrays(&config, &self.arrays, device).map_err(|e| Error::invalid("model", e))?;
        Ok(Vae { config, networks, tiled })
    }

    /// The classifier alone; the arrays of encoder and decoder need not be there.
    ///
    /// # Errors
    /// Arrays that are missing or do not fit; a model of one class, which has no classifier.
    pub fn classifier(&self, device: &Device) -> Result<Classifier> {
        if self.description.model.classes < 2 {
            return Err(Error::invalid("model", "it was trained without classes, so it has no classifier"));
        }
        weights::classifier_from_arrays(&self.description.model, &self.arrays, device)
            .map_err(|e| Error::invalid("model", e))
    }

    /// Only what classification needs: the same description with the classifier's weights alone.
    #[must_use]
    pub fn classifier_only(&self) -> Self {
        let arrays = self
            .arrays
            .iter()
            .filter(|(name, _)| name.starts_with("encoder_y."))
            .map(|(name, array)| (name.clone(), array.clone()))
            .collect();
        Self { description: self.description.clone(), arrays }
    }

    /// The file's bytes; the same model gives the same bytes.
    ///
    /// # Errors
    /// A description that cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        to_bytes(&self.arrays, KEY, &self.description)
    }

    /// Writes the file: beside its place first, then renamed, so that no half model is ever seen.
    ///
    /// # Errors
    /// The path and the operating system's reason.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes()?;
        write_whole(path, &bytes)
    }

    /// Reads a model this program wrote.
    ///
    /// # Errors
    /// The path and what is wrong: not a safetensors file, not ours, or from a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let (description, arrays) = read_arrays(path, KEY, VERSION)?;
        Ok(Self { description, arrays })
    }

    /// Reads pyroVED's state dictionary (`.pt`) for images of `dims`.
    ///
    /// The file tells widths, classes and latents; invariances, priors, activation and likelihood come from `train`.
    ///
    /// # Errors
    /// The path and the array that is missing or does not fit.
    pub fn load_pyroved(path: &Path, dims: Vec<usize>, train: &TrainConfig) -> Result<Self> {
        let wrong =
            |field: &str, problem: String| Error::file(path, "PyTorch state dictionary", field, problem);
        std::fs::metadata(path).map_err(|e| Error::io(path, "open", e))?;
        let arrays = read_pytorch(path).map_err(|e| wrong("content", e))?;
        let base = train.model(dims.clone(), 1);
        let model = weights::infer_config(&arrays, dims, &base).map_err(|e| wrong("arrays", e))?;
        let description = Description {
            version: VERSION,
            program: "pyroVED".into(),
            classes: (0..model.classes).map(|c| c.to_string()).collect(),
            train: TrainConfig { rotations: 1, ..train.clone() },
            model,
            geometry: None,
            epochs: 0,
            lineage: Lineage::default(),
        };
        Ok(Self { description, arrays })
    }
}

/// Arrays and, as JSON under `key` of the metadata, their description; the same model gives the same bytes.
fn to_bytes<T: Serialize>(arrays: &Arrays, key: &str, description: &T) -> Result<Vec<u8>> {
    let broken = |e: &dyn std::fmt::Display| Error::invalid("model", format!("cannot be serialised: {e}"));
    let description = serde_json::to_string(description).map_err(|e| broken(&e))?;
    let bytes: Vec<(&String, &Array, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| (name, array, array.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for (name, array, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes).map_err(|e| broken(&e))?;
        views.push((name.as_str(), view));
    }
    let metadata = HashMap::from([(key.to_owned(), description)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| broken(&e))
}

/// Writes arrays with their description; see [`to_bytes`].
pub(super) fn write_arrays<T: Serialize>(
    path: &Path,
    arrays: &Arrays,
    key: &str,
    description: &T,
) -> Result<()> {
    write_whole(path, &to_bytes(arrays, key, description)?)
}

/// Reads a file written by [`write_arrays`] whose description stands under `key` and is of `version` or older.
pub(super) fn read_arrays<T: for<'a> Deserialize<'a>>(
    path: &Path,
    key: &str,
    version: u32,
) -> Result<(T, Arrays)> {
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, "open", e))?;
    let wrong = |field: &str, problem: String| Error::file(path, FORMAT, field, problem);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong("header", e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get(key)).ok_or_else(|| {
        wrong(
            "metadata",
            format!("there is no `{key}` entry: not a model of this program, or one of another kind"),
        )
    })?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| wrong(key, e.to_string()))?;
    let found = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(version) {
        let problem = format!("{found} is newer than this program knows ({version}); use a newer Nanotheca");
        return Err(wrong("version", problem));
    }
    let description = serde_json::from_value(value).map_err(|e| wrong(key, e.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| wrong("tensors", e.to_string()))?;
    let mut arrays = Arrays::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(wrong(&name, format!("is {:?} instead of F32", view.dtype())));
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        arrays.insert(name, Array { shape: view.shape().to_vec(), values });
    }
    Ok((description, arrays))
}

/// Writes a file beside its place first, then renames it, so that no half one is ever seen.
///
/// # Errors
/// The path and the operating system's reason.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = temporary_file(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| Error::io(path, "write", e))
}

/// A temporary file with the permissions of any new file, not those of a secret.
fn temporary_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".nanotheca-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn read_pytorch(path: &Path) -> std::result::Result<Arrays, String> {
    let reader = PytorchReader::new(path).map_err(|e| e.to_string())?;
    let mut arrays = Arrays::new();
    for name in reader.keys() {
        let Some(tensor) = reader.get(&name) else { continue };
        let bytes = tensor.read().map_err(|e| format!("`{name}`: {e}"))?;
        let values: Vec<f32> = match tensor.dtype() {
            DType::F32 => {
                bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
            }
            DType::F64 => bytes
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
                .collect(),
            // Counters and the like are not weights of these networks.
            _ => continue,
        };
        let shape = tensor.shape().to_vec();
        arrays.insert(name, Array { shape, values });
    }
    Ok(arrays)
}
