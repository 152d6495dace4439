//! Stopping a training today and going on tomorrow as if nothing had been.
//!
//! What the next step depends on goes into one file: weights, the optimiser's momenta, the state of the random numbers,
//! what is left of the epoch and of the deck of labels. On the CPU the training that goes on is the same to the last bit
//! as one that was never stopped.

use super::config::TrainConfig;
use super::curve::EpochPoint;
use super::join::Standing;
use super::lineage::Lineage;
use super::schedule::Turn;
use super::trainer::{Sums, Trainer, host, not_finite};
use crate::error::{Error, Result};
use crate::model::vae::Vae;
use crate::particle::ParticleId;
use crate::particle::patch::{PatchGeometry, PatchSet};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) const VERSION: u32 = 1;

/// Everything about a halted training but its arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Halt {
    pub version: u32,
    pub config: TrainConfig,
    /// Class names in the order of the labels.
    pub classes: Vec<String>,
    /// blake3 of the patches and labels that were trained on.
    pub patches: String,
    /// blake3 of the patches alone. Empty in older files, as is what follows.
    #[serde(default)]
    pub pixels: String,
    /// The particle of each patch; empty where patches are not of particles.
    #[serde(default)]
    pub particles: Vec<ParticleId>,
    /// How the patches were cut, if round particles.
    #[serde(default)]
    pub geometry: Option<PatchGeometry>,
    /// The labels that teach.
    #[serde(default)]
    pub labels: Vec<Option<usize>>,
    #[serde(default)]
    pub lineage: Lineage,
    /// What it has measured so far.
    #[serde(default)]
    pub curve: Vec<EpochPoint>,
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
    pub(super) parameters: Vec<u64>,
}

/// A halted training in memory.
#[derive(Clone, Debug)]
pub struct Halted {
    pub halt: Halt,
    pub(super) weights: Vec<(Vec<usize>, Vec<f32>)>,
    pub(super) optimizer: Vec<u8>,
}

impl Trainer {
    /// What is needed to go on later; the training itself can go on, too.
    ///
    /// # Errors
    /// A device that stops answering; an optimiser that cannot be written down; weights that the last step has spoiled, which
    /// the next one finds out.
    pub fn halt(&self, classes: &[String]) -> Result<Halted> {
        let read = Read::of(&self.vae, true)?;
        if !read.is_finite() {
            return Err(not_finite("training"));
        }
        let optimizer = self
            .optimizer
            .into_bytes()
            .map_err(|e| Error::Training(format!("the optimiser cannot be written down: {e}")))?;
        let s = &self.sums;
        let pixels = hash_of_pixels(&self.patches);
        let halt = Halt {
            version: VERSION,
            config: self.config.clone(),
            classes: classes.to_vec(),
            patches: hash_with_labels(pixels.clone(), &self.patches),
            pixels: pixels.finalize().to_hex().to_string(),
            particles: Vec::new(),
            geometry: None,
            labels: self.patches.labels.clone(),
            lineage: Lineage::default(),
            curve: Vec::new(),
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

    /// Goes on where [`Trainer::halt`] stopped, on the same patches. Labels that are others than then join, as with
    /// [`Trainer::relabel`].
    ///
    /// # Errors
    /// Patches that are not those of the halted training; a state that does not fit its own settings.
    pub fn resume(halted: &Halted, patches: Arc<PatchSet>, device: &Device, tiled: bool) -> Result<Self> {
        let halt = &halted.halt;
        let same = if halt.pixels.is_empty() {
            fingerprint(&patches) == halt.patches
        } else {
            pixels_fingerprint(&patches) == halt.pixels
        };
        if !same {
            return Err(Error::Training(
                "the particles are not those of the stopped training; learn the new labels, or train again"
                    .into(),
            ));
        }
        let before: Vec<Option<usize>> = (0..patches.len()).map(Some).collect();
        Self::resume_on(halted, patches, &before, device, tiled)
    }

    /// Goes on with other patches; `before` has the place each had in the halted training, or none for a new one. With the
    /// same patches and labels the training is that which was halted, to the bit.
    ///
    /// # Errors
    /// Patches of another size; a state that does not fit its own settings.
    pub fn resume_on(
        halted: &Halted,
        patches: Arc<PatchSet>,
        before: &[Option<usize>],
        device: &Device,
        tiled: bool,
    ) -> Result<Self> {
        let halt = &halted.halt;
        let wrong =
            |what: &str| Error::invalid("training state", format!("{what} does not fit its settings"));
        let mut trainer = Self::new(halt.config.clone(), &halt.classes, patches, device, tiled)?;
        // A state of before has no lean: two arrays less.
        if halted.weights.len() + 2 == Read::of(&trainer.vae, false)?.weights.len() {
            trainer.vae.networks.lean = None;
        }
        trainer.put_weights(halt.parameters.clone(), halted.weights.clone()).map_err(wrong)?;
        let bytes = Bytes::from_bytes_vec(halted.optimizer.clone());
        trainer.optimizer = trainer.optimizer.from_bytes(bytes).map_err(|_| wrong("the optimiser"))?;
        let (seed, stream, position) = &halt.rng;
        trainer.rng = ChaCha8Rng::from_seed(*seed);
        trainer.rng.set_stream(*stream);
        trainer.rng.set_word_pos(position.parse().map_err(|_| wrong("the random state"))?);
        let (images, [loss, reconstruction, kl_latent, kl_class]) =
            (halt.sums.0, halt.sums.1.map(f64::from_bits));
        trainer.sums = Sums { images, loss, reconstruction, kl_latent, kl_class };
        // Older files hold no labels, and are taken up with the very labels they were written with.
        let labels = if halt.pixels.is_empty() { &trainer.patches.labels } else { &halt.labels };
        let count = labels.len();
        let known = |turn: &Turn| match turn {
            Turn::Unlabelled(batch) | Turn::Labelled(batch) => batch.iter().all(|i| *i < count),
        };
        if !halt.turns.iter().all(known) || halt.deck.iter().any(|i| *i >= count) {
            return Err(wrong("the order of images"));
        }
        let as_it_was = before.len() == count
            && before.iter().enumerate().all(|(i, was)| *was == Some(i))
            && *labels == trainer.patches.labels;
        let turns = trainer.carried(&halt.turns, count, before);
        if halt.label_angles.len() == count {
            let stood: Vec<f32> = halt.label_angles.iter().map(|bits| f32::from_bits(*bits)).collect();
            trainer.label_angles = if as_it_was {
                stood
            } else {
                trainer.in_frame_of(&Standing { labels, angles: &stood }, before)
            };
        } else if !halt.label_angles.is_empty() {
            return Err(wrong("an angle"));
        }
        trainer.turns = turns.into_iter();
        if as_it_was {
            trainer.deck = halt.deck.clone();
        }
        (trainer.epoch, trainer.step, trainer.steps) = (halt.epoch, halt.step, halt.steps);
        Ok(trainer)
    }

    /// Goes on from a model alone, where no state of its training is left: its weights after `epoch` epochs, a fresh
    /// optimiser and fresh random numbers.
    ///
    /// # Errors
    /// Settings, classes or patches that are not the model's; a device that stops answering.
    pub fn from_model(
        vae: &Vae,
        config: TrainConfig,
        classes: &[String],
        patches: Arc<PatchSet>,
        epoch: usize,
        device: &Device,
        tiled: bool,
    ) -> Result<Self> {
        let mut trainer = Self::new(config, classes, patches, device, tiled)?;
        if vae.networks.lean.is_none() {
            trainer.vae.networks.lean = None;
        }
        let ids = Read::of(&trainer.vae, true)?.ids;
        let weights = Read::of(vae, false)?.weights;
        let same = trainer.vae.config == vae.config;
        let put = if same { trainer.put_weights(ids, weights) } else { Err("a size") };
        put.map_err(|_| {
            Error::Training("the model does not fit these classes and patches; train again".into())
        })?;
        trainer.label_angles = trainer.as_seen_by(vae)?;
        trainer.epoch = epoch;
        trainer.steps = trainer.config.epoch_of(trainer.unlabelled.len()).0;
        Ok(trainer)
    }

    /// Puts weights in the place of its own, under these numbers.
    fn put_weights(
        &mut self,
        ids: Vec<u64>,
        weights: Vec<(Vec<usize>, Vec<f32>)>,
    ) -> std::result::Result<(), &'static str> {
        let mut restore = Restore {
            device: self.device.clone(),
            ids: ids.into_iter(),
            weights: weights.into_iter(),
            fits: true,
        };
        self.vae.networks = self.vae.networks.clone().map(&mut restore);
        if restore.fits && restore.ids.next().is_none() { Ok(()) } else { Err("a weight") }
    }
}

/// Values that are hashed together: one by one they take many times as long.
const TOGETHER: usize = 1 << 14;

fn hash_of_pixels(patches: &PatchSet) -> blake3::Hasher {
    let mut hash = blake3::Hasher::new();
    for size in [patches.side, patches.wide, patches.len()] {
        hash.update(&(size as u64).to_le_bytes());
    }
    let mut bytes = Vec::with_capacity(TOGETHER * size_of::<f32>());
    for values in patches.pixels.chunks(TOGETHER) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        hash.update(&bytes);
    }
    hash
}

fn hash_with_labels(mut pixels: blake3::Hasher, patches: &PatchSet) -> String {
    for label in &patches.labels {
        pixels.update(&label.map_or(u64::MAX, |l| l as u64).to_le_bytes());
    }
    pixels.finalize().to_hex().to_string()
}

/// Identifies patches without their labels.
pub fn pixels_fingerprint(patches: &PatchSet) -> String {
    hash_of_pixels(patches).finalize().to_hex().to_string()
}

/// Identifies patches with their labels.
pub fn fingerprint(patches: &PatchSet) -> String {
    hash_with_labels(hash_of_pixels(patches), patches)
}

/// Reads parameters in the order of the networks.
struct Read {
    /// The networks are in training: their tensors carry gradients.
    trained: bool,
    ids: Vec<u64>,
    weights: Vec<(Vec<usize>, Vec<f32>)>,
    failed: Option<Error>,
}

impl Read {
    fn of(vae: &Vae, trained: bool) -> Result<Self> {
        let mut read = Self { trained, ids: Vec::new(), weights: Vec::new(), failed: None };
        vae.networks.visit(&mut read);
        read.failed.take().map_or(Ok(read), Err)
    }

    fn is_finite(&self) -> bool {
        self.weights.iter().all(|(_, values)| values.iter().all(|v| v.is_finite()))
    }
}

/// True if all weights of a model in training are finite numbers.
///
/// # Errors
/// A device that stops answering.
pub(super) fn has_finite_weights(vae: &Vae) -> Result<bool> {
    Read::of(vae, true).map(|read| read.is_finite())
}

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = if self.trained { param.val().inner() } else { param.val() };
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
