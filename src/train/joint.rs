//! The step of the default preset: labelled and unlabelled images together, one optimiser step.

use super::present::{Grain, Shown};
use super::trainer::{Trainer, finite, host, not_finite};
use crate::error::Result;
use crate::model::Copies;
use crate::model::orbit::{self, Pairs};
use crate::model::vae::PixelSubset;
use burn::tensor::Tensor;
use rand::RngExt;
use std::f32::consts::PI;
use std::sync::Arc;

/// Labelled images of a step that are also decoded, one for so many unlabelled ones: classifying costs little, decoding a
/// lot, and the same images come again among the unlabelled ones.
const DECODED_AMONG: usize = 4;

/// The same images as the recognition networks and as the decoder's target see them.
struct Shows {
    copies: Copies,
    /// `[batch, subset]`.
    target: Tensor<2>,
}

/// What is known of labelled images.
struct Known {
    labels: Vec<u32>,
    /// Angle each is shown at, radians.
    angles: Vec<f32>,
}

impl Trainer {
    /// One Adam step on everything: the unlabelled bound of a batch, and the labelled bound and cross-entropy of
    /// labelled images in new poses. Returns the number of images shown.
    pub(super) fn joint_turn(&mut self, batch: &[usize]) -> Result<usize> {
        if self.config.labels_only {
            return self.label_turn();
        }
        let mut loss = self.unlabelled_part(batch)?;
        let mut images = batch.len();
        if !self.labelled.is_empty() && self.vae.config.classes > 1 {
            let some = self.deal(self.config.labelled_batch);
            loss = loss + self.labelled_part(&some)?;
            images += some.len();
        }
        self.update(loss);
        Ok(images)
    }

    /// A step of the classifier alone.
    fn label_turn(&mut self) -> Result<usize> {
        let some = self.deal(self.config.labelled_batch);
        let subset = self.subset();
        let (entropy, ..) = self.classified(&some, &subset);
        finite("classifier", &entropy)?;
        self.sums.images += some.len();
        self.sums.loss += host(entropy.clone().inner())?.into_iter().map(f64::from).sum::<f64>();
        self.update(entropy);
        Ok(some.len())
    }

    fn unlabelled_part(&mut self, batch: &[usize]) -> Result<Tensor<1>> {
        let subset = self.subset();
        let (poses, _) = self.poses(batch.len(), false);
        let shows = self.shows(batch, &poses, &[], &subset);
        let config = &self.vae.config;
        let log_joint = self.vae.log_joint(&shows.copies);
        // The one value the next choice depends on; everything else stays on the device.
        let known = host(log_joint.clone().inner())?;
        let (most, threshold) = (self.config.most_pairs, self.config.class_threshold);
        let pairs = Pairs::choose(config, &known, most, threshold, !self.vae.tiled);
        let eps = self.noise(pairs.len());
        let beta = self.config.beta(self.epoch);
        let terms =
            orbit::unlabelled(&self.vae, &shows.copies, log_joint, shows.target, &pairs, eps, beta, &subset);
        self.count(&terms, batch.len())?;
        Ok(match self.agreement(batch, &poses, &known) {
            Some(agreement) => terms.loss + agreement,
            None => terms.loss,
        })
    }

    /// What is sure in one view must hold in another: cross-entropy of the same images turned, moved, stretched and
    /// under noise, against the class and angle found in the first view (the pseudo-labels of Sohn et al. 2020, arXiv
    /// 2001.07685, with a pose). `None` if nothing is sure.
    fn agreement(&mut self, batch: &[usize], poses: &[Shown], joint: &[f32]) -> Option<Tensor<1>> {
        let (k, turns) = (self.vae.config.classes, self.vae.config.turns());
        let weight = self.config.consistency * self.config.auxiliary;
        if weight <= 0.0 || self.labelled.is_empty() || k < 2 {
            return None;
        }
        let mut sure = Vec::new();
        let mut labels = Vec::new();
        let mut angles = Vec::new();
        for ((&image, pose), log_q) in batch.iter().zip(poses).zip(joint.chunks_exact(k * turns)) {
            if let Some((class, angle)) = confident(log_q, k, turns, self.config.confidence) {
                sure.push(image);
                labels.push(class);
                angles.push(angle - pose.angle_rad);
            }
        }
        if sure.is_empty() {
            return None;
        }
        let (poses, turned) = self.poses(sure.len(), true);
        let noise = self.config.view_noise;
        let grain: Vec<Grain> = sure.iter().map(|_| Grain::random(noise, &mut self.rng)).collect();
        let copies = self.copies(&sure, &poses, &grain);
        angles.iter_mut().zip(turned).for_each(|(angle, turned)| *angle += turned);
        let log_joint = self.vae.log_joint(&copies);
        Some(
            orbit::cross_entropy(&self.vae, log_joint, &labels, &angles, TURN_WEIGHT)
                .sum()
                .mul_scalar(weight),
        )
    }

    /// Cross-entropy of labelled images in new poses, and what decoding them needs.
    fn classified(&mut self, some: &[usize], subset: &PixelSubset) -> (Tensor<1>, Shows, Known) {
        let (poses, turned) = self.poses(some.len(), true);
        let noise = self.config.augmentation.map_or(0.0, |a| a.noise);
        let grain: Vec<Grain> = some.iter().map(|_| Grain::random(noise, &mut self.rng)).collect();
        let shows = self.shows(some, &poses, &grain, subset);
        let labels: Vec<u32> = some.iter().map(|&i| self.labels[i]).collect();
        let angles: Vec<f32> =
            some.iter().zip(turned).map(|(&i, turned)| self.label_angles[i] + turned).collect();
        let log_joint = self.vae.log_joint(&shows.copies);
        let entropy = orbit::cross_entropy(&self.vae, log_joint, &labels, &angles, TURN_WEIGHT).sum();
        (entropy.mul_scalar(self.config.auxiliary), shows, Known { labels, angles })
    }

    fn labelled_part(&mut self, some: &[usize]) -> Result<Tensor<1>> {
        let subset = self.subset();
        let (entropy, shows, known) = self.classified(some, &subset);
        let (_, batch) = self.config.epoch_of(self.unlabelled.len());
        let decoded = (batch / DECODED_AMONG).clamp(1, some.len());
        let pairs = self.known_pairs(&known.labels[..decoded], &known.angles[..decoded]);
        let eps = self.noise(decoded);
        let turns = self.vae.config.turns();
        let (copies, target) = (shows.copies.first(decoded, turns), shows.target.slice([0..decoded]));
        let beta = self.config.beta(self.epoch);
        let bound = orbit::labelled(&self.vae, &copies, target, &pairs, eps, beta, &subset);
        let sum = bound + entropy;
        finite("labelled", &sum)?;
        Ok(sum)
    }

    /// Rows of known class, each at one of the two turns next to its angle.
    fn known_pairs(&mut self, labels: &[u32], angles: &[f32]) -> Pairs {
        let turns = self.vae.config.turns();
        let draw = |angle: f32, chance: f32| {
            let (low, part) = orbit::nearest(angle, turns);
            ((low + usize::from(chance < part)) % turns) as u32
        };
        let turns =
            angles.iter().map(|&angle| draw(angle, self.rng.random_range(0.0..1.0))).collect::<Vec<u32>>();
        Pairs { images: (0..labels.len() as u32).collect(), classes: labels.to_vec(), turns }
    }

    /// Random poses and the angle of each. Labelled images are turned through the whole range, moved and stretched;
    /// unlabelled ones, which already stand as they fell, only turned by up to half a step, so that every image passes
    /// through the same resampling at every angle and blur is never a clue.
    fn poses(&mut self, n: usize, labelled: bool) -> (Vec<Shown>, Vec<f32>) {
        let invariances = self.vae.config.invariances;
        let mut range = self.config.augmentation.unwrap_or_default();
        if !labelled {
            range.shift = 0.0;
            range.stretch = 0.0;
        }
        if !invariances.rotation {
            range.angle_deg = 0.0;
        } else if !labelled {
            range.angle_deg = (PI / self.vae.config.turns() as f32).to_degrees();
        }
        if !invariances.translation {
            range.shift = 0.0;
        }
        let side = self.patches.side;
        let poses: Vec<Shown> = if labelled {
            (0..n).map(|_| Shown::random(range, side, &mut self.rng)).collect()
        } else {
            // One for all: they are many, and sampling them together is several times faster.
            vec![Shown::random(range, side, &mut self.rng); n]
        };
        let angles = poses.iter().map(|pose| pose.angle_rad).collect();
        (poses, angles)
    }

    /// Turned copies of posed images.
    fn copies(&self, which: &[usize], poses: &[Shown], grain: &[Grain]) -> Copies {
        let none = || Copies { values: Arc::default(), inputs: self.vae.config.inputs() };
        self.seen.as_ref().map_or_else(none, |seen| seen.copies(which, poses, grain))
    }

    fn shows(&self, which: &[usize], poses: &[Shown], grain: &[Grain], subset: &PixelSubset) -> Shows {
        let target = self
            .seen
            .as_ref()
            .map_or_else(Vec::new, |seen| seen.pixels(which, poses, subset.indices.as_deref()));
        Shows { copies: self.copies(which, poses, grain), target: self.upload(target, which.len()) }
    }
}

/// Class and angle of an image whose class is at least `least` probable. The angle lies between the most probable turn
/// and its neighbours, by their probabilities.
fn confident(log_q: &[f32], k: usize, turns: usize, least: f32) -> Option<(u32, f32)> {
    let of = |class: usize, turn: usize| log_q[turn * k + class].exp();
    let sum = |class: usize| (0..turns).map(|turn| of(class, turn)).sum::<f32>();
    let sums: Vec<f32> = (0..k).map(sum).collect();
    let class = (0..k).find(|&class| sums[class] >= least)?;
    let (turn, part) = orbit::peak(|turn| of(class, turn), turns);
    Some((class as u32, (turn as f32 + part) * std::f32::consts::TAU / turns as f32))
}

/// Weight of the turn's cross-entropy beside the class's.
const TURN_WEIGHT: f32 = 0.5;

/// What a step reports must be a number.
impl Trainer {
    /// Adds a step's terms to the epoch's sums.
    ///
    /// # Errors
    /// A term that is not finite.
    pub(super) fn count(&mut self, terms: &crate::model::objective::Unlabelled, batch: usize) -> Result<()> {
        let parts = Tensor::cat(
            vec![
                terms.loss.clone(),
                terms.reconstruction.clone(),
                terms.kl_latent.clone(),
                terms.kl_class.clone(),
            ],
            0,
        );
        let values = host(parts.inner())?;
        if values.iter().any(|v| !v.is_finite()) {
            return Err(not_finite("unlabelled"));
        }
        self.sums.images += batch;
        self.sums.loss += f64::from(values[0]);
        self.sums.reconstruction += f64::from(values[1]);
        self.sums.kl_latent += f64::from(values[2]);
        self.sums.kl_class += f64::from(values[3]);
        Ok(())
    }
}
