//! The step of the default preset: labelled and unlabelled images together, one optimiser step.

use super::present::{Grain, Shown};
use super::resident::Resident;
use super::trainer::{Trainer, host, not_finite};
use crate::error::Result;
use crate::model::Copies;
use crate::model::objective::Unlabelled;
use crate::model::orbit;
use crate::model::pairs::{Choice, Pairs, Ranked};
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
        let (terms, agreement) = self.unlabelled_part(batch)?;
        let mut images = batch.len();
        let mut labelled = None;
        if !self.labelled.is_empty() && self.vae.config.classes > 1 {
            let some = self.deal(self.config.labelled_batch);
            labelled = Some(self.labelled_part(&some));
            images += some.len();
        }
        self.count(&terms, labelled.as_ref(), batch.len())?;
        let parts = [agreement, labelled].into_iter().flatten();
        self.update(parts.fold(terms.loss, |sum, part| sum + part));
        Ok(images)
    }

    /// A step of the classifier alone.
    fn label_turn(&mut self) -> Result<usize> {
        let some = self.deal(self.config.labelled_batch);
        let subset = self.subset();
        let (entropy, ..) = self.classified(&some, &subset);
        let value = host(entropy.clone().inner())?[0];
        if !value.is_finite() {
            return Err(not_finite("classifier"));
        }
        self.sums.images += some.len();
        self.sums.loss += f64::from(value);
        self.update(entropy);
        Ok(some.len())
    }

    /// The bound of a batch, and what a second view of it costs.
    fn unlabelled_part(&mut self, batch: &[usize]) -> Result<(Unlabelled, Option<Tensor<1>>)> {
        let subset = self.subset();
        let (poses, _) = self.poses(batch.len(), false);
        let shows = self.shows(batch, &poses, &[], &subset);
        let log_joint = self.vae.log_joint(&shows.copies);
        let most = self.config.most_pairs;
        if !self.vae.tiled {
            let pairs = Ranked::choose(&self.vae.config, &log_joint, most);
            let terms = self.bound(&shows, log_joint.clone(), &pairs, &subset);
            return Ok((terms, self.agreement_there(batch, &poses, log_joint)));
        }
        // In memory a look at the numbers costs nothing, and what is improbable need not be decoded.
        let known = host(log_joint.clone().inner())?;
        let pairs = Pairs::choose(&self.vae.config, &known, most, self.config.class_threshold, false);
        let terms = self.bound(&shows, log_joint, &pairs, &subset);
        Ok((terms, self.agreement(batch, &poses, &known)))
    }

    fn bound(
        &mut self,
        shows: &Shows,
        log_joint: Tensor<2>,
        pairs: &impl Choice,
        subset: &PixelSubset,
    ) -> Unlabelled {
        let eps = self.noise(pairs.images().len());
        let beta = self.config.beta(self.epoch);
        let target = shows.target.clone();
        orbit::unlabelled(&self.vae, &shows.copies, log_joint, target, pairs, eps, beta, subset)
    }

    /// Weight of the agreement of two views; `None` where nothing is to agree.
    fn agreement_weight(&self) -> Option<f32> {
        let weight = self.config.consistency * self.config.auxiliary;
        (weight > 0.0 && !self.labelled.is_empty() && self.vae.config.classes > 1).then_some(weight)
    }

    /// What is sure in one view must hold in another: cross-entropy of the same images turned, moved, stretched and
    /// under noise, against the class and angle found in the first view (the pseudo-labels of Sohn et al. 2020, arXiv
    /// 2001.07685, with a pose). `None` if nothing is sure.
    fn agreement(&mut self, batch: &[usize], poses: &[Shown], joint: &[f32]) -> Option<Tensor<1>> {
        let weight = self.agreement_weight()?;
        let (k, turns) = (self.vae.config.classes, self.vae.config.turns());
        let mut sure = Vec::new();
        let mut labels = Vec::new();
        let mut angles = Vec::new();
        for ((&image, pose), log_q) in batch.iter().zip(poses).zip(joint.chunks_exact(k * turns)) {
            if let Some((class, angle)) = orbit::confident(log_q, k, turns, self.config.confidence) {
                sure.push(image);
                labels.push(class);
                angles.push(angle - pose.angle_rad);
            }
        }
        if sure.is_empty() {
            return None;
        }
        let (copies, turned) = self.second_view(&sure);
        angles.iter_mut().zip(turned).for_each(|(angle, turned)| *angle += turned);
        let log_joint = self.vae.log_joint(&copies);
        let entropy = orbit::cross_entropy(&self.vae, log_joint, &labels, &angles, TURN_WEIGHT);
        Some(entropy.sum().mul_scalar(weight))
    }

    /// The same without a look at the numbers: every image is shown once more, and those that are not sure count nothing.
    fn agreement_there(&mut self, batch: &[usize], poses: &[Shown], joint: Tensor<2>) -> Option<Tensor<1>> {
        let weight = self.agreement_weight()?;
        let (copies, turned) = self.second_view(batch);
        let turned = turned.iter().zip(poses).map(|(second, first)| second - first.angle_rad).collect();
        let turned = self.upload(turned, batch.len());
        let second = self.vae.log_joint(&copies);
        let entropy = orbit::agreement(&self.vae, joint, second, turned, self.config.confidence, TURN_WEIGHT);
        Some(entropy.sum().mul_scalar(weight))
    }

    /// Images in new poses and under noise, and by how much each is turned, radians.
    fn second_view(&mut self, images: &[usize]) -> (Copies, Vec<f32>) {
        let (poses, turned) = self.poses(images.len(), true);
        let noise = self.config.view_noise;
        let grain: Vec<Grain> = images.iter().map(|_| Grain::random(noise, &mut self.rng)).collect();
        (self.copies(images, &poses, &grain), turned)
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

    fn labelled_part(&mut self, some: &[usize]) -> Tensor<1> {
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
        let pairs = self.known_pairs(&known.labels, &known.angles);
        let told = orbit::told_angles(&self.vae, &shows.copies, &pairs, &known.angles);
        told.into_iter().fold(bound + entropy, |sum, told| sum + told)
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
        match (&self.resident, &self.seen) {
            (Some(Resident::Wide(wide)), _) => wide.copies(which, poses, grain),
            (_, Some(seen)) => seen.copies(which, poses, grain),
            _ => Copies::Host { values: Arc::default(), inputs: self.vae.config.inputs() },
        }
    }

    fn shows(&self, which: &[usize], poses: &[Shown], grain: &[Grain], subset: &PixelSubset) -> Shows {
        let some = subset.indices.as_deref();
        let target = match (&self.resident, &self.seen) {
            (Some(Resident::Wide(wide)), _) => wide.pixels(which, poses, some),
            (_, Some(seen)) => self.upload(seen.pixels(which, poses, some), which.len()),
            _ => self.upload(Vec::new(), which.len()),
        };
        Shows { copies: self.copies(which, poses, grain), target }
    }
}

/// Weight of the turn's cross-entropy beside the class's.
const TURN_WEIGHT: f32 = 0.5;

/// What a step reports must be a number.
impl Trainer {
    /// Adds a step's terms to the epoch's sums: the one look at a device's numbers that a step takes.
    ///
    /// # Errors
    /// A term that is not finite, among the unlabelled ones or that of the labelled images.
    pub(super) fn count(
        &mut self,
        terms: &Unlabelled,
        labelled: Option<&Tensor<1>>,
        batch: usize,
    ) -> Result<()> {
        let own = [&terms.loss, &terms.reconstruction, &terms.kl_latent, &terms.kl_class];
        let parts = Tensor::cat(own.into_iter().chain(labelled).cloned().collect(), 0);
        let values = host(parts.inner())?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(not_finite(if at < own.len() { "unlabelled" } else { "labelled" }));
        }
        self.sums.images += batch;
        self.sums.loss += f64::from(values[0]);
        self.sums.reconstruction += f64::from(values[1]);
        self.sums.kl_latent += f64::from(values[2]);
        self.sums.kl_class += f64::from(values[3]);
        Ok(())
    }
}
