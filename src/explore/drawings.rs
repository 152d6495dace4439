//! Recognition by what the decoder can draw, for pictures that are much noisier than any the model learned from.
//!
//! The recognition networks guess what noise has left of a class; the decoder knows what there is to be seen. Thousands of
//! pictures are drawn from the model, z from its prior and turned by every angle, and a picture x belongs to the class that explains it best:
//! p(x | y) is the mean of p(x | m) over the drawings m of the class (the marginal likelihood by sampling). A drawing explains
//! a picture as a + c m + normal noise, whose strength is at its best for each pair, so that
//! ln p(x | m) = -P / 2 ln(|x - a - c m|^2 / P) + const, with P pixels. Grey a and contrast c (noise that is clipped changes
//! both), how often each turn is, and where the contents of a class lie are those of the whole set, found by expectation maximisation; no
//! label is looked at.

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
/// Pictures from which is found what they have in common, at most, and rounds of finding it.
const ASKED: usize = 512;
const ROUNDS: usize = 12;
/// Share of the drawings' own prior that stays, whatever was found: another picture may be unlike the others.
const STAYS: f32 = 0.05;
/// Contents of a class are never thought to lie closer together.
const CLOSEST: f64 = 0.1;
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

/// What the pictures of a set have in common.
struct Common {
    /// Grey and contrast; `None` as long as each pair has its own.
    grey: Option<[f32; 2]>,
    /// ln of how often something like each drawing is, beside how often it is drawn.
    prior: Vec<f32>,
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
        if !images.len().is_multiple_of(pixels) {
            return Err(Error::invalid("images", format!("they are not of {:?} pixels", self.dims)));
        }
        let common = self.common(images, pixels)?;
        let mut said = Vec::with_capacity(images.len() / pixels);
        for chunk in images.chunks(SEEN * pixels) {
            if !proceed() {
                return Err(Error::Stopped);
            }
            let compared = self.compare(chunk, pixels)?;
            let each = compared.correlations.par_chunks_exact(self.classes * self.each).zip(&compared.light);
            said.par_extend(each.map(|(r, light)| self.told(r, *light, &common, pixels)));
        }
        Ok(said)
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

    /// ln of how probable each drawing is, for a picture, and the variance that it leaves.
    fn weigh(&self, r: &[f32], light: [f32; 2], common: &Common, pixels: usize) -> (Vec<f32>, Vec<f32>) {
        let variances = self.variances(r, light, common.grey);
        let log = |(variance, prior): (&f32, &f32)| prior - 0.5 * pixels as f32 * variance.ln();
        (variances.iter().zip(&common.prior).map(log).collect(), variances)
    }

    /// What pictures spread over the whole set have in common.
    fn common(&self, images: &[f32], pixels: usize) -> Result<Common> {
        let mut common = Common { grey: None, prior: vec![0.0; self.poses.len()] };
        let step = (images.len() / pixels).div_ceil(ASKED).max(1);
        let some: Vec<f32> = images.chunks_exact(pixels).step_by(step).flatten().copied().collect();
        if some.is_empty() {
            return Ok(common);
        }
        let compared = self.compare(&some, pixels)?;
        for _ in 0..ROUNDS {
            let each = compared.correlations.par_chunks_exact(self.classes * self.each).zip(&compared.light);
            let empty = || Sums::new(self.classes * self.latent, self.bins);
            let sums = each
                .fold(empty, |sums, (r, light)| self.add(sums, r, *light, &common, pixels))
                .reduce(empty, Sums::and);
            common.grey = sums.grey().or(common.grey);
            self.update(&mut common.prior, &sums);
        }
        common.grey = common.grey.or(Some([0.0, 1.0]));
        Ok(common)
    }

    /// Adds what one picture says by all drawings, each by its probability.
    fn add(&self, mut sums: Sums, r: &[f32], light: [f32; 2], common: &Common, pixels: usize) -> Sums {
        let (logs, variances) = self.weigh(r, light, common, pixels);
        let most = logs.iter().copied().fold(f32::MIN, f32::max);
        let weights: Vec<f64> = logs.iter().map(|log| f64::from((log - most).exp())).collect();
        let total: f64 = weights.iter().sum();
        let [mean, sd] = light.map(f64::from);
        for (copy, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 1e-9 * total) {
            let weight = weight / total;
            let ([drawn, spread], r) = (self.light[copy].map(f64::from), f64::from(r[copy]));
            let terms = [1.0, drawn, drawn * drawn + spread * spread, mean, mean * drawn + r * sd * spread];
            let precise = weight / f64::from(variances[copy]);
            sums.light.iter_mut().zip(terms).for_each(|(sum, term)| *sum += precise * term);
            sums.turns[self.bin(copy)] += weight;
            let contents = &self.contents[copy * self.latent..(copy + 1) * self.latent];
            let of_class = &mut sums.contents[copy / self.each * self.latent..];
            for (sum, z) in of_class.iter_mut().zip(contents) {
                let z = f64::from(*z);
                sum.iter_mut().zip([1.0, z, z * z]).for_each(|(sum, term)| *sum += weight * term);
            }
        }
        sums
    }

    /// Turns are as frequent, and contents lie, as `sums` tell; contents of a class like one normal distribution.
    fn update(&self, prior: &mut [f32], sums: &Sums) {
        let all: f64 = sums.turns.iter().sum();
        let turns: Vec<f32> = sums
            .turns
            .iter()
            .map(|turn| (turn / all.max(f64::MIN_POSITIVE)) as f32 * self.bins as f32)
            .collect();
        let normal = |[n, one, two]: &[f64; 3]| {
            let mean = one / n.max(f64::MIN_POSITIVE);
            let sd = (two / n.max(f64::MIN_POSITIVE) - mean * mean).max(CLOSEST * CLOSEST).sqrt();
            // A class that nothing belongs to keeps the model's prior.
            if *n > 1.0 { [mean as f32, sd as f32] } else { [0.0, 1.0] }
        };
        let contents: Vec<[f32; 2]> = sums.contents.iter().map(normal).collect();
        for (copy, prior) in prior.iter_mut().enumerate() {
            let own = &self.contents[copy * self.latent..(copy + 1) * self.latent];
            let of_class = &contents[copy / self.each * self.latent..];
            let log =
                |(z, [mean, sd]): (&f32, &[f32; 2])| 0.5 * (z * z - ((z - mean) / sd).powi(2)) - sd.ln();
            let content: f32 = own.iter().zip(of_class).map(log).sum();
            let found = turns[self.bin(copy)] * content.exp();
            *prior = (STAYS + (1.0 - STAYS) * found).ln();
        }
    }

    fn bin(&self, copy: usize) -> usize {
        copy % self.each * self.bins / self.each
    }

    fn told(&self, r: &[f32], light: [f32; 2], common: &Common, pixels: usize) -> (Prediction, [f32; 4]) {
        let (logs, variances) = self.weigh(r, light, common, pixels);
        let most = logs.iter().copied().fold(f32::MIN, f32::max);
        let weights: Vec<f32> = logs.iter().map(|log| (log - most).exp()).collect();
        let sums: Vec<f32> = weights.chunks_exact(self.each).map(|of_class| of_class.iter().sum()).collect();
        let total: f32 = sums.iter().sum();
        let class = (0..self.classes).fold(0, |a, b| if sums[b] > sums[a] { b } else { a });
        let of_class = class * self.each..(class + 1) * self.each;
        let copy = of_class.clone().fold(of_class.start, |a, b| if logs[b] > logs[a] { b } else { a });
        let moments = |latent: usize| {
            let of = of_class
                .clone()
                .map(|copy| (weights[copy] / sums[class], self.contents[copy * self.latent + latent]));
            let [one, two] = of.fold([0.0_f64; 2], |[one, two], (w, z)| {
                let (w, z) = (f64::from(w), f64::from(z));
                [one + w * z, two + w * z * z]
            });
            [one as f32, (two - one * one).max(1e-6).sqrt() as f32]
        };
        let content: Vec<[f32; 2]> = (0..self.latent).map(moments).collect();
        let pose = self.poses[copy];
        let prediction = Prediction {
            probabilities: sums.iter().map(|sum| sum / total).collect(),
            angle_rad: particle_angle(&pose),
            shift_px: particle_shift(&pose, &self.dims),
            scale: 1.0 / pose[3].max(1e-3),
            mu: content.iter().map(|[mean, _]| *mean).collect(),
            sigma: content.iter().map(|[_, sd]| *sd).collect(),
            recon_error: variances[copy],
        };
        (prediction, pose)
    }
}

/// Sums over pictures and drawings, by their probabilities.
struct Sums {
    /// Of 1, m, m^2, x and x m over all pixels, each by the precision that the drawing leaves.
    light: [f64; 5],
    turns: Vec<f64>,
    /// Of 1, z and z^2, `[classes * latent]`.
    contents: Vec<[f64; 3]>,
}

impl Sums {
    fn new(contents: usize, bins: usize) -> Self {
        Self { light: [0.0; 5], turns: vec![0.0; bins], contents: vec![[0.0; 3]; contents] }
    }

    fn and(mut self, other: Self) -> Self {
        self.light.iter_mut().zip(other.light).for_each(|(a, b)| *a += b);
        self.turns.iter_mut().zip(other.turns).for_each(|(a, b)| *a += b);
        for (a, b) in self.contents.iter_mut().zip(other.contents) {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        }
        self
    }

    /// Grey and contrast by weighted least squares; `None` where all drawings are flat.
    fn grey(&self) -> Option<[f32; 2]> {
        let [one, m, mm, x, xm] = self.light;
        let spread = one * mm - m * m;
        if spread <= 1e-9 * one * mm {
            return None;
        }
        let contrast = ((one * xm - m * x) / spread).max(0.05);
        Some([((x - contrast * m) / one) as f32, contrast as f32])
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
