//! Stopping a training today and going on tomorrow as if nothing had been.
//!
//! What the next step depends on goes into one file: weights, the optimiser's momenta, the state of the random numbers,
//! what is left of the epoch and of the deck of labels. On the CPU the training that goes on is the same to the last bit
//! as one that was never stopped.

use super::config::TrainConfig;
use super::register;
use super::schedule::Turn;
use super::trainer::{Sums, Trainer, host};
use crate::error::{Error, Result};
use crate::particle::patch::PatchSet;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

const FORMAT: &str = "training state";
const KEY: &str = "nanotheca training state";
const VERSION: u32 = 1;
const OPTIMIZER: &str = "optimizer";

/// Everything about a halted training but its arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Halt {
    pub version: u32,
    pub config: TrainConfig,
    /// Class names in the order of the labels.
    pub classes: Vec<String>,
    /// blake3 of the patches and labels that were trained on.
    pub patches: String,
    pub epoch: usize,
    pub step: usize,
    pub steps: usize,
    /// Key, stream and position of the random numbers; the position is 68 bits wide, so in decimal digits.
    rng: ([u8; 32], u64, String),
    /// Bit patterns of the sums of the epoch so far, so that no digit is lost in text.
    sums: (usize, [u64; 4]),
    turns: Vec<Turn>,
    deck: Vec<usize>,
    /// Bit patterns of the angle at which each patch stands; labels that joined are measured from earlier ones. Empty in
    /// older files.
    #[serde(default)]
    label_angles: Vec<u32>,
    /// The optimiser knows parameters by these numbers, in the order of the networks.
    parameters: Vec<u64>,
}

/// A halted training in memory.
#[derive(Clone, Debug)]
pub struct Halted {
    pub halt: Halt,
    weights: Vec<(Vec<usize>, Vec<f32>)>,
    optimizer: Vec<u8>,
}

impl Trainer {
    /// What is needed to go on later; the training itself can go on, too.
    ///
    /// # Errors
    /// A device that stops answering; an optimiser that cannot be written down.
    pub fn halt(&self, classes: &[String]) -> Result<Halted> {
        let mut read = Read { ids: Vec::new(), weights: Vec::new(), failed: None };
        self.vae.networks.visit(&mut read);
        if let Some(error) = read.failed {
            return Err(error);
        }
        let optimizer = self
            .optimizer
            .into_bytes()
            .map_err(|e| Error::Training(format!("the optimiser cannot be written down: {e}")))?;
        let s = &self.sums;
        let halt = Halt {
            version: VERSION,
            config: self.config.clone(),
            classes: classes.to_vec(),
            patches: fingerprint(&self.patches),
            epoch: self.epoch,
            step: self.step,
            steps: self.steps,
            rng: (self.rng.get_seed(), self.rng.get_stream(), self.rng.get_word_pos().to_string()),
            sums: (s.images, [s.loss, s.reconstruction, s.kl_latent, s.kl_class].map(f64::to_bits)),
            turns: self.turns.as_slice().to_vec(),
            deck: self.deck.clone(),
            label_angles: self.label_angles.iter().map(|angle| angle.to_bits()).collect(),
            parameters: read.ids,
        };
        Ok(Halted { halt, weights: read.weights, optimizer: optimizer.to_vec() })
    }

    /// Goes on where [`Trainer::halt`] stopped, on the same patches.
    ///
    /// # Errors
    /// Patches or labels that are not those of the halted training; a state that does not fit its own settings.
    pub fn resume(halted: &Halted, patches: Arc<PatchSet>, device: &Device, tiled: bool) -> Result<Self> {
        let halt = &halted.halt;
        if fingerprint(&patches) != halt.patches {
            return Err(Error::Training(
                "the particles or labels are not those of the stopped training; train again, or take the labels back"
                    .into(),
            ));
        }
        let wrong =
            |what: &str| Error::invalid("training state", format!("{what} does not fit its settings"));
        let mut trainer = Self::new(halt.config.clone(), &halt.classes, patches, device, tiled)?;
        let mut restore = Restore {
            device: trainer.device.clone(),
            ids: halt.parameters.clone().into_iter(),
            weights: halted.weights.clone().into_iter(),
            fits: true,
        };
        trainer.vae.networks = trainer.vae.networks.map(&mut restore);
        if !restore.fits || restore.ids.next().is_some() {
            return Err(wrong("a weight"));
        }
        let bytes = Bytes::from_bytes_vec(halted.optimizer.clone());
        trainer.optimizer = trainer.optimizer.from_bytes(bytes).map_err(|_| wrong("the optimiser"))?;
        let (seed, stream, position) = &halt.rng;
        trainer.rng = ChaCha8Rng::from_seed(*seed);
        trainer.rng.set_stream(*stream);
        trainer.rng.set_word_pos(position.parse().map_err(|_| wrong("the random state"))?);
        let (images, [loss, reconstruction, kl_latent, kl_class]) =
            (halt.sums.0, halt.sums.1.map(f64::from_bits));
        trainer.sums = Sums { images, loss, reconstruction, kl_latent, kl_class };
        let count = trainer.labels.len();
        let known = |turn: &Turn| match turn {
            Turn::Unlabelled(batch) | Turn::Labelled(batch) => batch.iter().all(|i| *i < count),
        };
        if !halt.turns.iter().all(known) || halt.deck.iter().any(|i| *i >= count) {
            return Err(wrong("the order of images"));
        }
        trainer.turns = halt.turns.clone().into_iter();
        trainer.deck = halt.deck.clone();
        if halt.label_angles.len() == count {
            trainer.label_angles = halt.label_angles.iter().map(|bits| f32::from_bits(*bits)).collect();
        } else if !halt.label_angles.is_empty() {
            return Err(wrong("an angle"));
        }
        (trainer.epoch, trainer.step, trainer.steps) = (halt.epoch, halt.step, halt.steps);
        Ok(trainer)
    }

    /// Takes new labels into the training that is under way: weights, momenta and schedule stay. The pixels must be
    /// those of the patches it trains on; the epoch under way ends with the labels it began with.
    ///
    /// # Errors
    /// Patches of another number or size; labels that leave a class empty or name an unknown one.
    pub fn relabel(&mut self, classes: &[String], patches: Arc<PatchSet>) -> Result<()> {
        let same = patches.len() == self.patches.len()
            && patches.side == self.patches.side
            && patches.wide == self.patches.wide;
        if !same || classes.len().max(1) != self.vae.config.classes {
            return Err(Error::Training(
                "particles or classes have come or gone; start the training again to take them in".into(),
            ));
        }
        let fresh =
            Self::new(self.config.clone(), classes, patches, &self.device.clone().inner(), self.vae.tiled)?;
        self.label_angles = self.in_frame(&fresh);
        self.patches = fresh.patches;
        self.seen = fresh.seen;
        self.labels = fresh.labels;
        self.labelled = fresh.labelled;
        self.unlabelled = fresh.unlabelled;
        self.deck.clear();
        Ok(())
    }

    /// Angles of `fresh`'s labels in the frame in which this training learned each class: a label that was there before
    /// keeps its angle, a new one is measured from those.
    fn in_frame(&self, fresh: &Self) -> Vec<f32> {
        let mut angles = fresh.label_angles.clone();
        for class in 0..self.vae.config.classes as u32 {
            let of = |trainer: &Self, i: usize| trainer.labels[i] == class;
            let (known, new): (Vec<usize>, Vec<usize>) = fresh
                .labelled
                .iter()
                .filter(|&&i| of(fresh, i))
                .partition(|&&i| of(self, i) && self.labelled.binary_search(&i).is_ok());
            let off: Vec<f32> = known.iter().map(|&i| self.label_angles[i] - fresh.label_angles[i]).collect();
            let turn = register::common_turn(&off);
            new.iter().for_each(|&i| angles[i] += turn);
            known.iter().for_each(|&i| angles[i] = self.label_angles[i]);
        }
        angles
    }
}

/// Identifies patches with their labels.
pub fn fingerprint(patches: &PatchSet) -> String {
    let mut hash = blake3::Hasher::new();
    for size in [patches.side, patches.wide, patches.len()] {
        hash.update(&(size as u64).to_le_bytes());
    }
    for value in patches.pixels.iter() {
        hash.update(&value.to_le_bytes());
    }
    for label in &patches.labels {
        hash.update(&label.map_or(u64::MAX, |l| l as u64).to_le_bytes());
    }
    hash.finalize().to_hex().to_string()
}

/// Reads parameters in the order of the networks.
struct Read {
    ids: Vec<u64>,
    weights: Vec<(Vec<usize>, Vec<f32>)>,
    failed: Option<Error>,
}

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val().inner();
        let shape = value.dims().to_vec();
        match host(value) {
            Ok(values) => {
                self.ids.push(param.id.val());
                self.weights.push((shape, values));
            }
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Puts parameters back in the same order, under their old numbers.
struct Restore {
    device: Device,
    ids: std::vec::IntoIter<u64>,
    weights: std::vec::IntoIter<(Vec<usize>, Vec<f32>)>,
    fits: bool,
}

impl ModuleMapper for Restore {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match (self.ids.next(), self.weights.next()) {
            (Some(id), Some((shape, values))) if shape == param.val().dims() => {
                let value = Tensor::<D>::from_data(TensorData::new(values, shape), &self.device);
                Param::initialized(ParamId::from(id), value.require_grad())
            }
            _ => {
                self.fits = false;
                param
            }
        }
    }
}

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
