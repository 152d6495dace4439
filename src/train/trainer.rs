//! One training step after another, from a seed.

use super::adam::adam;
use super::config::{Preset, TrainConfig};
use super::good::Good;
use super::present::Seen;
use super::register;
use super::resident::Resident;
use super::schedule::{self, Turn};
use crate::error::{Error, Result};
use crate::model::VaeConfig;
use crate::model::vae::{PixelSubset, Vae};
use crate::particle::patch::PatchSet;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::{SliceRandom, index};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// Sums of the unlabelled loss and its parts over an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    pub images: usize,
    pub loss: f64,
    pub reconstruction: f64,
    pub kl_latent: f64,
    pub kl_class: f64,
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Images shown, labelled and unlabelled.
    pub images: usize,
    /// Present after the last step of an epoch.
    pub epoch: Option<Sums>,
}

/// The model in training and everything its next step depends on.
pub struct Trainer {
    pub vae: Vae,
    pub config: TrainConfig,
    pub(super) patches: Arc<PatchSet>,
    /// The patches as turned copies; `None` if the model looks at plain images.
    pub(super) seen: Option<Seen>,
    /// The patches where they are computed with, if that is not the CPU.
    pub(super) resident: Option<Resident>,
    pub(super) labels: Vec<u32>,
    /// Angle at which each labelled patch stands, radians; 0 for the others.
    pub(super) label_angles: Vec<f32>,
    pub(super) labelled: Vec<usize>,
    pub(super) unlabelled: Vec<usize>,
    pub(super) optimizer: ModuleOptimizer,
    good: Good,
    pub(super) rng: ChaCha8Rng,
    pub(super) device: Device,
    pub(super) turns: std::vec::IntoIter<Turn>,
    pub(super) deck: Vec<usize>,
    /// Complete epochs.
    pub epoch: usize,
    /// Steps done and to do in the epoch at work.
    pub step: usize,
    pub steps: usize,
    pub(super) sums: Sums,
}

impl Trainer {
    /// A fresh model for these patches on `device` (without autodiff; the trainer adds it).
    ///
    /// `tiled` decodes with the CPU's tile kernel.
    ///
    /// # Errors
    /// Settings out of range; no patches; for more than one class, a set without labels or with labels of one class.
    pub fn new(
        config: TrainConfig,
        classes: &[String],
        patches: Arc<PatchSet>,
        device: &Device,
        tiled: bool,
    ) -> Result<Self> {
        config.check()?;
        check_labels(classes, &patches)?;
        if config.labels_only && patches.labels.iter().all(Option::is_none) {
            return Err(Error::Training("there is no label to train on alone".into()));
        }
        let k = classes.len().max(1);
        let device = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let model: VaeConfig = config.model(vec![patches.side, patches.side], k);
        let vae = Vae::init(model, &mut rng, &device, tiled);
        let labelled: Vec<usize> = (0..patches.len()).filter(|&i| patches.labels[i].is_some()).collect();
        let mut unlabelled: Vec<usize> =
            (0..patches.len()).filter(|&i| patches.labels[i].is_none()).collect();
        if config.preset == Preset::Default || unlabelled.is_empty() {
            // A labelled image is an image like any other.
            unlabelled.extend(&labelled);
            unlabelled.sort_unstable();
        }
        let labels: Vec<u32> = patches.labels.iter().map(|l| l.unwrap_or(0) as u32).collect();
        let mut label_angles = vec![0.0; patches.len()];
        let angles = register::angles(&patches, &vae.config, &labelled, &labels);
        labelled.iter().zip(angles).for_each(|(&i, angle)| label_angles[i] = angle);
        let seen = Seen::new(&patches, &vae.config);
        let resident = if tiled { None } else { Resident::new(&patches, seen.as_ref(), &device) };
        let optimizer = adam(tiled);
        Ok(Self {
            vae,
            config,
            patches,
            seen,
            resident,
            labels,
            label_angles,
            labelled,
            unlabelled,
            optimizer,
            good: Good::default(),
            rng,
            device,
            turns: Vec::new().into_iter(),
            deck: Vec::new(),
            epoch: 0,
            step: 0,
            steps: 0,
            sums: Sums::default(),
        })
    }

    /// What it trains on.
    pub fn patches(&self) -> &PatchSet {
        &self.patches
    }

    /// The same as turned copies; `None` if the model looks at plain images.
    pub fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    /// True once all epochs are done.
    pub fn done(&self) -> bool {
        self.epoch >= self.config.epochs
    }

    /// The next step.
    ///
    /// # Errors
    /// A loss that is not finite; the weights are then those before the step, or before the one that spoiled them.
    pub fn step(&mut self) -> Result<Step> {
        if self.turns.len() == 0 {
            self.begin_epoch();
        }
        let Some(turn) = self.turns.next() else {
            return Err(Error::Training("there is nothing to train on".into()));
        };
        let before = self.vae.networks.clone();
        let (taken, last) = (self.take(&turn), self.turns.len() == 0);
        let images = self.good.after(&mut self.vae, before, taken, last, "training")?;
        self.step += 1;
        let epoch = last.then(|| {
            self.epoch += 1;
            std::mem::take(&mut self.sums)
        });
        Ok(Step { images, epoch })
    }

    fn take(&mut self, turn: &Turn) -> Result<usize> {
        match (turn, self.config.preset) {
            (Turn::Labelled(batch), _) => self.labelled_turn(batch),
            (Turn::Unlabelled(batch), Preset::Paper) => self.published_turn(batch),
            (Turn::Unlabelled(batch), Preset::Default) => self.joint_turn(batch),
        }
    }

    fn begin_epoch(&mut self) {
        let (steps, batch) = self.config.epoch_of(self.unlabelled.len());
        let turns = match self.config.preset {
            Preset::Paper => schedule::published(&self.unlabelled, &self.labelled, batch, &mut self.rng),
            Preset::Default => schedule::even(&self.unlabelled, steps, batch, &mut self.rng),
        };
        if let Some(Resident::Wide(wide)) = &self.resident {
            // Once an epoch: the device's queue has to run dry for it.
            wide.seed(self.rng.random());
        }
        self.step = 0;
        self.steps = turns.len();
        self.turns = turns.into_iter();
    }

    pub(super) fn upload(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows.max(1);
        Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device)
    }

    pub(super) fn noise(&mut self, rows: usize) -> Tensor<2> {
        let values = self.normal(rows);
        self.upload(values, rows)
    }

    /// Normal numbers for the latents of so many rows.
    pub(super) fn normal(&mut self, rows: usize) -> Vec<f32> {
        let z = self.vae.config.z();
        (0..rows * z).map(|_| self.rng.sample(StandardNormal)).collect()
    }

    /// This step's pixels.
    pub(super) fn subset(&mut self) -> PixelSubset {
        let pixels = self.vae.config.pixels();
        let some = ((pixels as f32 * self.config.pixel_share).round() as usize).clamp(1, pixels);
        if some == pixels {
            return PixelSubset::all(&self.vae.config);
        }
        let mut indices: Vec<u32> =
            index::sample(&mut self.rng, pixels, some).into_iter().map(|i| i as u32).collect();
        indices.sort_unstable();
        PixelSubset::some(&self.vae.config, indices)
    }

    /// The next labelled images, each class equally often.
    pub(super) fn deal(&mut self, n: usize) -> Vec<usize> {
        (0..n)
            .map(|_| {
                if self.deck.is_empty() {
                    self.shuffle_deck();
                }
                self.deck.pop().unwrap_or(self.labelled[0])
            })
            .collect()
    }

    /// Fills the deck so that every label is in it and all classes are equally frequent.
    fn shuffle_deck(&mut self) {
        let k = self.vae.config.classes;
        let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); k];
        for &i in &self.labelled {
            by_class[self.labels[i] as usize].push(i);
        }
        let most = by_class.iter().map(Vec::len).max().unwrap_or(0);
        for class in by_class.iter_mut().filter(|c| !c.is_empty()) {
            class.shuffle(&mut self.rng);
            self.deck.extend(class.iter().cycle().take(most));
        }
        self.deck.shuffle(&mut self.rng);
    }

    /// An Adam step down the gradient of `loss`, of the parameters it touches.
    pub(super) fn update(&mut self, loss: Tensor<1>) {
        let gradients = GradientsParams::from_grads(loss.backward(), &self.vae.networks);
        self.apply(gradients);
    }

    pub(super) fn apply(&mut self, gradients: GradientsParams) {
        let networks = self.vae.networks.clone();
        self.vae.networks = self.optimizer.step(self.config.rate(self.epoch), networks, gradients);
    }

    /// The model as it is, without gradients, on the CPU: there it classifies tens of thousands of patches a second, and a
    /// GPU would have to compile and tune for every number of patches that is asked about.
    pub fn snapshot(&self) -> Vae {
        if !self.vae.tiled
            && let Some(vae) = self.vae.on_cpu()
        {
            return vae;
        }
        Vae { config: self.vae.config.clone(), networks: self.vae.networks.valid(), tiled: self.vae.tiled }
    }
}

fn check_labels(classes: &[String], patches: &PatchSet) -> Result<()> {
    if patches.is_empty() {
        return Err(Error::Training("there are no particles; add some or run the detection".into()));
    }
    if classes.len() < 2 {
        return Ok(());
    }
    let mut counts = vec![0_usize; classes.len()];
    for &label in patches.labels.iter().flatten() {
        match counts.get_mut(label) {
            Some(count) => *count += 1,
            None => {
                return Err(Error::invalid(
                    "labels",
                    format!("label {label} is out of range for {} classes", classes.len()),
                ));
            }
        }
    }
    let used: Vec<&String> = classes.iter().zip(&counts).filter(|(_, n)| **n > 0).map(|(c, _)| c).collect();
    match used[..] {
        [] => Err(Error::Training("no particle has a class; label at least one of each class".into())),
        [only] => Err(Error::Training(format!(
            "all labels are of one class ({only}); label at least one particle of a second class"
        ))),
        _ => Ok(()),
    }
}

/// Reads a tensor back from its device.
///
/// # Errors
/// A device that stopped answering.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    tensor
        .try_into_data()
        .map_err(|e| Error::Device(format!("the device stopped answering: {e:?}")))?
        .try_into_vec::<f32>()
        .map_err(|e| Error::Device(format!("the device answered with the wrong type: {e:?}")))
}

pub(crate) fn finite(what: &str, loss: &Tensor<1>) -> Result<()> {
    if host(loss.clone().inner())?.iter().all(|v| v.is_finite()) { Ok(()) } else { Err(not_finite(what)) }
}

pub(crate) fn not_finite(what: &str) -> Error {
    Error::Training(format!(
        "the {what} loss is no longer a finite number; the weights before this step are kept. Try a lower learning rate"
    ))
}
