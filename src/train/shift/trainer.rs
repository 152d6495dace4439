//! One step of the shift-VAE after another, from a seed.

use super::config::MapSettings;
use super::windows::WindowSet;
use crate::error::{Error, Result};
use crate::model::objective;
use crate::model::smooth;
use crate::model::vae::{PixelSubset, Vae};
use crate::model::{Likelihood, VaeConfig};
use crate::train::adam::adam;
use crate::train::good::Good;
use crate::train::resident::Held;
use crate::train::trainer::{finite, host, not_finite};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::{SliceRandom, index};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::sync::Arc;

/// Steps in which the encoder alone learns its start, and their learning rate; then steps in which the decoder learns to
/// draw from it. An encoder that follows a decoder which draws nothing yet loses what it was given.
const HEAD_START: usize = 250;
const HEAD_START_RATE: f64 = 2e-3;
const DECODER_START: usize = 150;
/// Noise laid over the latents meanwhile, as the posterior will.
const DECODER_NOISE: f32 = 0.1;
/// Epochs over which the KL term comes in after a head start: as long as the decoder draws nothing yet, it would only wipe
/// out what the encoder has been given.
const KL_RAMP: f32 = 2.0;

/// Means over an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Epoch {
    /// Loss a window without the smoothness penalty, nats.
    pub loss: f64,
    pub reconstruction: f64,
    pub kl: f64,
    /// The smoothness penalty before its weight; see [`smooth::roughness`].
    pub roughness: f64,
    /// Standard deviation over windows of the most varied content latent's mean.
    pub spread: f64,
}

/// A model in training.
pub struct ShiftTrainer {
    pub vae: Vae,
    pub settings: MapSettings,
    pub(super) set: Arc<WindowSet>,
    /// Windows and their neighbours where they are computed with, if that is not the CPU.
    held: [Option<Held>; 2],
    optimizer: ModuleOptimizer,
    pub(super) rng: ChaCha8Rng,
    device: Device,
    order: std::vec::IntoIter<Vec<usize>>,
    /// Steps of the head start that are done, and the optimiser of its first part; `None` after it, or without one.
    head_start: Option<(usize, ModuleOptimizer)>,
    /// Complete epochs, steps done in the one at work and its number of steps.
    pub epoch: usize,
    pub step: usize,
    pub steps: usize,
    sums: Epoch,
    seen: usize,
    good: Good,
}

impl ShiftTrainer {
    /// A fresh model for these windows on `device` (without autodiff; the trainer adds it).
    ///
    /// # Errors
    /// Settings out of range; no windows.
    pub fn new(
        settings: MapSettings,
        set: Arc<WindowSet>,
        likelihood: Likelihood,
        shift_prior: f32,
        seed: u64,
        device: &Device,
        tiled: bool,
    ) -> Result<Self> {
        settings.check()?;
        if set.is_empty() {
            return Err(Error::Training("there is nothing to learn from".into()));
        }
        let device = device.clone().autodiff();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let input = set.start.is_some().then(|| set.input_scale());
        let config = VaeConfig { input, ..settings.model(set.dims.clone(), likelihood, shift_prior) };
        let vae = Vae::init(config, &mut rng, &device, tiled);
        let head_start = set.start.is_some().then(|| (0, adam(tiled)));
        let held = [Some(&set.values), set.neighbours.as_ref()].map(|windows| {
            windows.filter(|_| !tiled).and_then(|windows| Held::new(windows, set.pixels(), &device))
        });
        Ok(Self {
            vae,
            settings,
            set,
            held,
            optimizer: adam(tiled),
            rng,
            device,
            order: Vec::new().into_iter(),
            head_start,
            epoch: 0,
            step: 0,
            steps: 0,
            sums: Epoch::default(),
            seen: 0,
            good: Good::default(),
        })
    }

    /// True once all epochs are done.
    pub fn done(&self) -> bool {
        self.epoch >= self.settings.epochs
    }

    /// How much of the head start is done, 0..=1; `None` once it is over, or without one.
    pub fn head_start(&self) -> Option<f32> {
        let (done, _) = self.head_start.as_ref()?;
        Some(*done as f32 / (HEAD_START + DECODER_START) as f32)
    }

    /// The next step, those of the head start first; means over the epoch after its last one.
    ///
    /// # Errors
    /// A loss that is not finite; the weights are then those before the step, or before the one that spoiled them.
    pub fn step(&mut self) -> Result<Option<Epoch>> {
        let before = self.vae.networks.clone();
        let stepped = self.take_step();
        let last = matches!(stepped, Ok(Some(_)));
        self.good.after(&mut self.vae, before, stepped, last, "map")
    }

    fn take_step(&mut self) -> Result<Option<Epoch>> {
        if let Some((done, mut optimizer)) = self.head_start.take() {
            if done < HEAD_START {
                self.learn_start(&mut optimizer)?;
            } else {
                self.learn_to_draw()?;
            }
            self.head_start = (done + 1 < HEAD_START + DECODER_START).then_some((done + 1, optimizer));
            return Ok(None);
        }
        if self.order.len() == 0 {
            self.begin_epoch();
        }
        let Some(batch) = self.order.next() else {
            return Err(Error::Training("there is nothing to learn from".into()));
        };
        self.learn(&batch)?;
        self.step += 1;
        Ok((self.order.len() == 0).then(|| self.end_epoch()))
    }

    fn begin_epoch(&mut self) {
        let mut all: Vec<usize> = (0..self.set.len()).collect();
        all.shuffle(&mut self.rng);
        // A short last batch would weigh its windows more; what is left over comes in another epoch.
        let size = self.settings.batch.min(all.len()).max(1);
        let batches: Vec<Vec<usize>> = all.chunks_exact(size).map(<[usize]>::to_vec).collect();
        (self.step, self.steps) = (0, batches.len());
        self.order = batches.into_iter();
    }

    fn end_epoch(&mut self) -> Epoch {
        self.epoch += 1;
        let n = self.seen.max(1) as f64;
        let steps = self.steps.max(1) as f64;
        let sums = std::mem::take(&mut self.sums);
        self.seen = 0;
        Epoch {
            loss: sums.loss / n,
            reconstruction: sums.reconstruction / n,
            kl: sums.kl / n,
            roughness: sums.roughness / steps,
            spread: sums.spread / steps,
        }
    }

    /// Some windows and the latents `[n, z]` that they are to start from.
    fn some_starts(&mut self) -> (Vec<usize>, Vec<f32>) {
        let batch = index::sample(&mut self.rng, self.set.len(), self.settings.batch.min(self.set.len()));
        let (batch, z): (Vec<usize>, _) = (batch.into_iter().collect(), self.vae.config.z());
        let start = self.set.start.as_deref().unwrap_or_default();
        let latents = batch.iter().flat_map(|&i| start[i * z..(i + 1) * z].iter().copied()).collect();
        (batch, latents)
    }

    /// The encoder learns the means it is to start from: a step.
    fn learn_start(&mut self, optimizer: &mut ModuleOptimizer) -> Result<()> {
        let (batch, wanted) = self.some_starts();
        let wanted = self.upload(wanted, batch.len());
        let mean = self.vae.encode_all(self.windows(&batch)).mean;
        let loss = (mean - wanted).powi_scalar(2).sum().mul_scalar(1.0 / batch.len() as f32);
        finite("starting", &loss)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.vae.networks);
        let networks = self.vae.networks.clone();
        self.vae.networks = optimizer.step(HEAD_START_RATE, networks, gradients);
        Ok(())
    }

    /// The decoder learns to draw windows from the latents they start from: a step.
    fn learn_to_draw(&mut self) -> Result<()> {
        let (batch, mut latents) = self.some_starts();
        let n = batch.len();
        for v in &mut latents {
            let noise: f32 = self.rng.sample(StandardNormal);
            *v += DECODER_NOISE * noise;
        }
        let (latents, x) = (self.upload(latents, n), self.windows(&batch));
        let subset = self.subset();
        let images: Vec<u32> = (0..n as u32).collect();
        let ones = Tensor::ones([n], &self.device);
        let loss = self.vae.weighted_excess(latents, &vec![0; n], &images, x, ones, &subset).sum();
        finite("starting", &loss)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.vae.networks);
        let networks = self.vae.networks.clone();
        self.vae.networks = self.optimizer.step(self.settings.learning_rate, networks, gradients);
        Ok(())
    }

    fn learn(&mut self, batch: &[usize]) -> Result<()> {
        let n = batch.len();
        let x = self.windows(batch);
        let eps: Vec<f32> = (0..n * self.vae.config.z()).map(|_| self.rng.sample(StandardNormal)).collect();
        let eps = self.upload(eps, n);
        let subset = self.subset();
        let terms = objective::unlabelled(&self.vae, x.clone(), eps, self.beta(), &subset, 0.0);
        let mut loss = terms.loss.clone();
        let content = self.content(x);
        let weight = self.settings.smoothness_at(self.epoch);
        let mut roughness = Tensor::zeros([1], &self.device);
        if let Some(neighbours) = self.neighbours(batch) {
            let rough = smooth::roughness(content.clone(), self.content(neighbours));
            if weight > 0.0 {
                loss = loss + rough.clone().mul_scalar(weight * n as f32);
            }
            roughness = rough;
        }
        // One look at the device for all the numbers of a step.
        let numbers = [terms.loss, terms.reconstruction, terms.kl_latent, roughness, content.flatten(0, 1)];
        let numbers = host(Tensor::cat(numbers.to_vec(), 0).inner())?;
        let (numbers, content) = numbers.split_at(4);
        let [loss_sum, reconstruction, kl, rough] = [0, 1, 2, 3].map(|i| f64::from(numbers[i]));
        if !(loss_sum + rough).is_finite() {
            return Err(not_finite("map"));
        }
        self.sums.loss += loss_sum;
        self.sums.reconstruction += reconstruction;
        self.sums.kl += kl;
        self.sums.roughness += rough;
        self.sums.spread += spread(content, self.vae.config.latent);
        self.seen += n;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.vae.networks);
        let networks = self.vae.networks.clone();
        self.vae.networks = self.optimizer.step(self.settings.rate(self.epoch), networks, gradients);
        Ok(())
    }

    fn beta(&self) -> f32 {
        let ramp = if self.set.start.is_some() { (self.epoch as f32 / KL_RAMP).min(1.0) } else { 1.0 };
        self.settings.beta * ramp
    }

    /// Content means of windows, `[windows, latent]`.
    fn content(&self, x: Tensor<2>) -> Tensor<2> {
        let mean = self.vae.encode_all(x).mean;
        let [rows, z] = mean.dims();
        mean.slice([0..rows, self.vae.config.pose()..z])
    }

    fn windows(&self, batch: &[usize]) -> Tensor<2> {
        self.some(&self.held[0], &self.set.values, batch)
    }

    fn neighbours(&self, batch: &[usize]) -> Option<Tensor<2>> {
        Some(self.some(&self.held[1], self.set.neighbours.as_deref()?, batch))
    }

    fn some(&self, held: &Option<Held>, from: &[f32], batch: &[usize]) -> Tensor<2> {
        if let Some(held) = held {
            return held.take(batch);
        }
        let pixels = self.set.pixels();
        let values: Vec<f32> =
            batch.iter().flat_map(|&i| from[i * pixels..(i + 1) * pixels].iter().copied()).collect();
        self.upload(values, batch.len())
    }

    fn upload(&self, values: Vec<f32>, rows: usize) -> Tensor<2> {
        let columns = values.len() / rows.max(1);
        Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device)
    }

    fn subset(&mut self) -> PixelSubset {
        let pixels = self.vae.config.pixels();
        let some = self.settings.step_pixels.min(pixels);
        if some == 0 || some == pixels {
            return PixelSubset::all(&self.vae.config);
        }
        let mut indices: Vec<u32> =
            index::sample(&mut self.rng, pixels, some).into_iter().map(|i| i as u32).collect();
        indices.sort_unstable();
        PixelSubset::some(&self.vae.config, indices)
    }

    /// The model as it is, without gradients.
    pub fn snapshot(&self) -> Vae {
        Vae { config: self.vae.config.clone(), networks: self.vae.networks.valid(), tiled: self.vae.tiled }
    }
}

/// The largest standard deviation among the columns of `[rows, columns]`.
fn spread(values: &[f32], columns: usize) -> f64 {
    let n = (values.len() / columns.max(1)).max(1) as f64;
    (0..columns)
        .map(|c| {
            let column = || values.iter().skip(c).step_by(columns).map(|v| f64::from(*v));
            let mean = column().sum::<f64>() / n;
            (column().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
        })
        .fold(0.0, f64::max)
}
