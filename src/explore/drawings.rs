//! Recognition by what the decoder can draw, for pictures that are much noisier than any the model learned from.
//!
//! The recognition networks guess what noise has left of a class; the decoder knows what there is to be seen. Thousands of
//! pictures are drawn from the model, z from its prior and turned by every angle, and a picture x belongs to the class that explains it best:
//! p(x | y) is the mean of p(x | m) over the drawings m of the class (the marginal likelihood by sampling). A drawing explains
//! a picture as a + c m + normal noise, whose strength is at its best for each pair, so that
//! ln p(x | m) = -P / 2 ln(|x - a - c m|^2 / P) + const, with P pixels. Grey a and contrast c (noise that is clipped changes
//! both), and the prior of the turns, are those of the whole set, found by expectation maximisation; no label is looked at.

use super::embed::{particle_angle, particle_shift};
use crate::error::{Error, Result};
use crate::model::pose;
use crate::model::vae::{PixelSubset, Vae};
use crate::particle::Prediction;
use crate::train::trainer::host;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use std::f32::consts::TAU;

/// Drawings of all classes together, and the bytes that they may take.
const COPIES: usize = 64_000;
const MEMORY: usize = 256 << 20;
/// Turns that are told apart in the prior; 10 degrees each.
const BINS: usize = 36;
/// Drawings, and pictures, that are worked on together.
const DRAWN: usize = 512;
const SEEN: usize = 256;
/// Pictures that the prior of the turns is found from, at most, and rounds of finding it.
const ASKED: usize = 4096;
const ROUNDS: usize = 20;
/// Pictures that grey and contrast are found from, at most, and rounds of finding them.
const LIT: usize = 256;
const LIT_ROUNDS: usize = 8;
/// Nothing is explained better than to this variance of the noise.
const LEAST: f32 = 1e-4;

/// Pictures that a model can draw.
pub struct Drawings {
    classes: usize,
    latent: usize,
    dims: Vec<usize>,
    /// Of each class.
    each: usize,
    /// Bins of the turn; 1 for a model without rotation.
    bins: usize,
    /// `[classes * each, pixels]`, class by class in the order of their turns, each of mean 0 and length 1.
    standard: Tensor<2>,
    /// Mean and standard deviation of each.
    light: Vec<[f32; 2]>,
    /// Transform of the coordinates of each.
    poses: Vec<[f32; 4]>,
    /// Content latents of each, `[classes * each, latent]`.
    contents: Vec<f32>,
}

/// What the drawings say of one picture, per class and turn.
struct Said {
    /// ln of the mean likelihood, and which drawing leaves least and how much of the variance; `[classes * bins]`.
    logs: Vec<f32>,
    best: Vec<(f32, usize)>,
    /// Mean and standard deviation of each content latent, `[classes * latent]`.
    content: Vec<[f32; 2]>,
}

/// Pictures and drawings compared.
struct Compared {
    /// `[pictures, classes * each]`.
    correlations: Vec<f32>,
    /// Mean and standard deviation of each picture.
    light: Vec<[f32; 2]>,
}

impl Drawings {
    /// Draws them; `vae` must be on the CPU. The same for the same model.
    ///
    /// # Errors
    /// [`Error::Stopped`] if `proceed` says no.
    pub fn new(vae: &Vae, proceed: &mut dyn FnMut() -> bool) -> Result<Self> {
        let (config, device) = (&vae.config, vae.device());
        let (k, z, pixels) = (config.classes, config.z(), config.pixels());
        let turns = config.invariances.rotation && config.ndim() == 2;
        let bins = if turns { BINS } else { 1 };
        let each = ((MEMORY / (size_of::<f32>() * pixels)).min(COPIES) / k).max(bins);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let grid = PixelSubset::all(config).grid;
        let (mut standard, mut poses, mut contents) = (Vec::new(), Vec::new(), Vec::new());
        let mut light = Vec::new();
        for class in 0..k {
            for first in (0..each).step_by(DRAWN) {
                if !proceed() {
                    return Err(Error::Stopped);
                }
                let rows = DRAWN.min(each - first);
                let latents: Vec<f32> = (0..rows * z).map(|_| rng.sample(StandardNormal)).collect();
                contents.extend(latents.chunks_exact(z).flat_map(|row| row[config.pose()..].to_vec()));
                let turn = |place: usize| TAU * (place as f32 + rng.random_range(0.0..1.0)) / each as f32;
                let start: Vec<f32> =
                    if turns { (first..first + rows).map(turn).collect() } else { vec![0.0; rows] };
                let latents = Tensor::<2>::from_data(TensorData::new(latents, [rows, z]), &device);
                let start = Tensor::<2>::from_data(TensorData::new(start, [rows, 1]), &device);
                let pose = pose::from_latents(config, &latents, Some(start));
                let drawn = host(vae.decode_at(pose.clone(), latents, &vec![class as u32; rows], &grid))?;
                for (values, of) in drawn.chunks_exact(pixels).map(standardised) {
                    standard.extend(values);
                    light.push(of);
                }
                poses.extend(host(pose)?.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]));
            }
        }
        let standard = Tensor::from_data(TensorData::new(standard, [k * each, pixels]), &Device::flex());
        let dims = config.dims.clone();
        Ok(Self { classes: k, latent: config.latent, dims, each, bins, standard, light, poses, contents })
    }

    /// What they say of pictures `[n, pixels]`, with the transform of the coordinates as [`super::embed::predict_with_pose`]
    /// gives it. Pose and content are those of the drawings at the most probable class; the reconstruction error is that
    /// of the best one with the set's grey and contrast.
    ///
    /// # Errors
    /// [`Error::Stopped`] if `proceed` says no; pictures of another size.
    pub fn predict(
        &self,
        images: &[f32],
        proceed: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<(Prediction, [f32; 4])>> {
        let pixels = self.standard.dims()[1];
        if images.len() % pixels != 0 {
            return Err(Error::invalid("images", format!("they are not of {:?} pixels", self.dims)));
        }
        let grey = self.grey(images, pixels)?;
        let mut said = Vec::with_capacity(images.len() / pixels);
        for chunk in images.chunks(SEEN * pixels) {
            if !proceed() {
                return Err(Error::Stopped);
            }
            let compared = self.compare(chunk, pixels)?;
            let each = compared.correlations.par_chunks_exact(self.classes * self.each).zip(&compared.light);
            said.par_extend(
                each.map(|(r, light)| self.weigh(&self.variances(r, *light, Some(grey)), pixels)),
            );
        }
        let prior = self.turns(&said);
        Ok(said.par_iter().map(|said| self.told(said, &prior)).collect())
    }

    fn compare(&self, images: &[f32], pixels: usize) -> Result<Compared> {
        let (standard, light): (Vec<_>, Vec<_>) = images.par_chunks_exact(pixels).map(standardised).unzip();
        let data = TensorData::new(standard.concat(), [light.len(), pixels]);
        let x = Tensor::<2>::from_data(data, &self.standard.device());
        let correlations = host(x.matmul(self.standard.clone().transpose()))?;
        Ok(Compared { correlations, light })
    }

    /// Variance that each drawing leaves of a picture: with the set's grey and contrast, or with those that suit this pair best.
    fn variances(&self, correlations: &[f32], [mean, sd]: [f32; 2], grey: Option<[f32; 2]>) -> Vec<f32> {
        let left = |(r, [drawn, spread]): (&f32, &[f32; 2])| match grey {
            None => sd * sd * (1.0 - r.max(0.0).powi(2)),
            Some([a, c]) => {
                let c_spread = c * spread;
                (mean - a - c * drawn).powi(2) + sd * sd - 2.0 * r * sd * c_spread + c_spread * c_spread
            }
        };
        correlations.iter().zip(&self.light).map(left).map(|v| v.max(LEAST)).collect()
    }

    /// Grey and contrast of the set: x = grey + contrast * drawing.
    fn grey(&self, images: &[f32], pixels: usize) -> Result<[f32; 2]> {
        let n = images.len() / pixels;
        let step = n.div_ceil(LIT).max(1);
        let some: Vec<f32> = images.chunks_exact(pixels).step_by(step).flatten().copied().collect();
        if some.is_empty() {
            return Ok([0.0, 1.0]);
        }
        let compared = self.compare(&some, pixels)?;
        let mut grey = None;
        for _ in 0..LIT_ROUNDS {
            let each = compared.correlations.par_chunks_exact(self.classes * self.each).zip(&compared.light);
            // Weighted sums of 1, m, m^2, x, x m over all pixels and drawings.
            let sums = each.map(|(r, &[mean, sd])| {
                let variances = self.variances(r, [mean, sd], grey);
                let logs: Vec<f32> = variances.iter().map(|v| -0.5 * pixels as f32 * v.ln()).collect();
                let most = logs.iter().copied().fold(f32::MIN, f32::max);
                let total: f64 = logs.iter().map(|log| f64::from((log - most).exp())).sum();
                let mut sums = [0.0_f64; 5];
                for (((log, variance), r), [drawn, spread]) in
                    logs.iter().zip(&variances).zip(r).zip(&self.light)
                {
                    let weight = f64::from((log - most).exp() / variance) / total;
                    let (drawn, spread) = (f64::from(*drawn), f64::from(*spread));
                    let (mean, sd, r) = (f64::from(mean), f64::from(sd), f64::from(*r));
                    let terms =
                        [1.0, drawn, drawn * drawn + spread * spread, mean, mean * drawn + r * sd * spread];
                    sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
                }
                sums
            });
            let [one, m, mm, x, xm] = sums.reduce(|| [0.0; 5], |a, b| std::array::from_fn(|i| a[i] + b[i]));
            let spread = one * mm - m * m;
            if spread <= 1e-9 * one * mm {
                break; // all drawings are flat
            }
            let contrast = ((one * xm - m * x) / spread).max(0.05);
            grey = Some([((x - contrast * m) / one) as f32, contrast as f32]);
        }
        Ok(grey.unwrap_or([0.0, 1.0]))
    }

    /// What all drawings say of one picture, of which each leaves a variance.
    fn weigh(&self, variances: &[f32], pixels: usize) -> Said {
        let fits: Vec<f32> = variances.iter().map(|v| -0.5 * pixels as f32 * v.ln()).collect();
        let (mut logs, mut best, mut content) = (Vec::new(), Vec::new(), Vec::new());
        for (class, fits) in fits.chunks_exact(self.each).enumerate() {
            let first = class * self.each;
            let edge = |bin: usize| bin * self.each / self.bins;
            for bin in 0..self.bins {
                let of_turn = &fits[edge(bin)..edge(bin + 1)];
                let at = (0..of_turn.len()).fold(0, |a, b| if of_turn[b] > of_turn[a] { b } else { a });
                let most = of_turn[at];
                let sum: f32 = of_turn.iter().map(|fit| (fit - most).exp()).sum();
                logs.push(most + (sum / of_turn.len() as f32).ln());
                let copy = first + edge(bin) + at;
                best.push((variances[copy], copy));
            }
            let most = fits.iter().copied().fold(f32::MIN, f32::max);
            let weights: Vec<f32> = fits.iter().map(|fit| (fit - most).exp()).collect();
            let total: f32 = weights.iter().sum();
            for latent in 0..self.latent {
                let values = self.contents[first * self.latent..].iter().skip(latent).step_by(self.latent);
                let sums = weights.iter().zip(values).fold([0.0_f64; 2], |[one, two], (w, v)| {
                    let (w, v) = (f64::from(w / total), f64::from(*v));
                    [one + w * v, two + w * v * v]
                });
                let sd = (sums[1] - sums[0].powi(2)).max(1e-6).sqrt();
                content.push([sums[0] as f32, sd as f32]);
            }
        }
        Said { logs, best, content }
    }

    /// ln of the prior of each turn, found from pictures spread over the whole set.
    fn turns(&self, said: &[Said]) -> Vec<f32> {
        let mut prior = vec![1.0 / self.bins as f32; self.bins];
        let step = said.len().div_ceil(ASKED).max(1);
        for _ in 0..ROUNDS {
            // Never nothing: the next set may hold what this one does not.
            let mut sum = vec![1e-3_f64; self.bins];
            for said in said.iter().step_by(step) {
                let most = said.logs.iter().copied().fold(f32::MIN, f32::max);
                let weight = |(i, log): (usize, &f32)| f64::from(prior[i % self.bins] * (log - most).exp());
                let weights: Vec<f64> = said.logs.iter().enumerate().map(weight).collect();
                let total: f64 = weights.iter().sum();
                let shares = weights.iter().map(|w| w / total.max(f64::MIN_POSITIVE));
                shares.enumerate().for_each(|(i, share)| sum[i % self.bins] += share);
            }
            let total: f64 = sum.iter().sum();
            prior = sum.into_iter().map(|s| (s / total) as f32).collect();
        }
        prior.into_iter().map(f32::ln).collect()
    }

    fn told(&self, said: &Said, prior: &[f32]) -> (Prediction, [f32; 4]) {
        let with_prior: Vec<f32> =
            said.logs.iter().enumerate().map(|(i, log)| log + prior[i % self.bins]).collect();
        let most = with_prior.iter().copied().fold(f32::MIN, f32::max);
        let sums: Vec<f32> = with_prior
            .chunks_exact(self.bins)
            .map(|logs| logs.iter().map(|l| (l - most).exp()).sum())
            .collect();
        let total: f32 = sums.iter().sum();
        let class = (0..self.classes).fold(0, |a, b| if sums[b] > sums[a] { b } else { a });
        let of_class = class * self.bins..(class + 1) * self.bins;
        let at =
            of_class.clone().fold(of_class.start, |a, b| if with_prior[b] > with_prior[a] { b } else { a });
        let (variance, copy) = said.best[at];
        let pose = self.poses[copy];
        let content = &said.content[class * self.latent..(class + 1) * self.latent];
        let prediction = Prediction {
            probabilities: sums.iter().map(|sum| sum / total).collect(),
            angle_rad: particle_angle(&pose),
            shift_px: particle_shift(&pose, &self.dims),
            scale: 1.0 / pose[3].max(1e-3),
            mu: content.iter().map(|[mean, _]| *mean).collect(),
            sigma: content.iter().map(|[_, sd]| *sd).collect(),
            recon_error: variance,
        };
        (prediction, pose)
    }
}

/// A picture less its mean, of length 1 (0 where it is flat), its mean and its standard deviation.
fn standardised(image: &[f32]) -> (Vec<f32>, [f32; 2]) {
    let n = image.len().max(1) as f32;
    let mean = image.iter().sum::<f32>() / n;
    let square: f32 = image.iter().map(|v| (v - mean).powi(2)).sum();
    let length = square.sqrt();
    let scale = if length > 1e-6 { 1.0 / length } else { 0.0 };
    (image.iter().map(|v| (v - mean) * scale).collect(), [mean, (square / n).sqrt()])
}
