//! The file of a halted training: its arrays, and all else as JSON in the header, which can be read alone.

use super::resume::{Halt, Halted, VERSION};
use crate::error::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

const FORMAT: &str = "training state";
const KEY: &str = "nanotheca training state";
const OPTIMIZER: &str = "optimizer";

impl Halted {
    /// Writes the state: beside its place first, then renamed.
    ///
    /// # Errors
    /// The path and the operating system's reason.
    pub fn save(&self, path: &Path) -> Result<()> {
        let broken =
            |e: &dyn std::fmt::Display| Error::invalid(FORMAT, format!("cannot be written down: {e}"));
        let text = serde_json::to_string(&self.halt).map_err(|e| broken(&e))?;
        let bytes: Vec<Vec<u8>> =
            self.weights.iter().map(|(_, v)| v.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
        let names: Vec<String> = (0..bytes.len()).map(|i| format!("weight.{i}")).collect();
        let mut views = Vec::with_capacity(bytes.len() + 1);
        for ((name, bytes), (shape, _)) in names.iter().zip(&bytes).zip(&self.weights) {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(|e| broken(&e))?;
            views.push((name.as_str(), view));
        }
        let view = TensorView::new(Dtype::U8, vec![self.optimizer.len()], &self.optimizer)
            .map_err(|e| broken(&e))?;
        views.push((OPTIMIZER, view));
        let metadata = HashMap::from([(KEY.to_owned(), text)]);
        let all = safetensors::serialize(views, Some(metadata)).map_err(|e| broken(&e))?;
        super::checkpoint::write_whole(path, &all)
    }

    /// Everything about a state but its arrays, without reading those.
    ///
    /// # Errors
    /// As [`Halted::load`].
    pub fn peek(path: &Path) -> Result<Halt> {
        let wrong = |problem: &str| Error::file(path, FORMAT, "header", problem);
        let read = |e: std::io::Error| Error::io(path, "open", e);
        let mut file = std::fs::File::open(path).map_err(read)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| wrong("the file is too short"))?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length)).read_to_end(&mut header).map_err(read)?;
        let header: serde_json::Value = serde_json::from_slice(&header).map_err(|e| wrong(&e.to_string()))?;
        let text = header.get("__metadata__").and_then(|all| all.get(KEY)).and_then(|text| text.as_str());
        let text = text.ok_or_else(|| wrong("it is no stopped training of this program"))?;
        let halt: Halt = serde_json::from_str(text).map_err(|e| wrong(&e.to_string()))?;
        if halt.version > VERSION {
            return Err(wrong("it is newer than this program"));
        }
        Ok(halt)
    }

    /// Reads a state.
    ///
    /// # Errors
    /// The path and what is wrong: not such a file, broken, or from a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "open", e))?;
        let wrong = |field: &str, problem: String| Error::file(path, FORMAT, field, problem);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong("header", e.to_string()))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY));
        let text =
            text.ok_or_else(|| wrong("metadata", "it is no stopped training of this program".into()))?;
        let halt: Halt = serde_json::from_str(text).map_err(|e| wrong("metadata", e.to_string()))?;
        if halt.version > VERSION {
            return Err(wrong(
                "version",
                format!("{} is newer than this program knows ({VERSION})", halt.version),
            ));
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| wrong("tensors", e.to_string()))?;
        let tensor = |name: &str| tensors.tensor(name).map_err(|e| wrong(name, e.to_string()));
        let mut weights = Vec::with_capacity(halt.parameters.len());
        for i in 0..halt.parameters.len() {
            let name = format!("weight.{i}");
            let view = tensor(&name)?;
            if view.dtype() != Dtype::F32 {
                return Err(wrong(&name, format!("is {:?} instead of F32", view.dtype())));
            }
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            weights.push((view.shape().to_vec(), values.collect()));
        }
        let optimizer = tensor(OPTIMIZER)?.data().to_vec();
        Ok(Self { halt, weights, optimizer })
    }
}
