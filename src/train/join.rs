//! New labels, and particles that came or went, for a training that is under way or had ended: weights, momenta and the
//! random state stay; what hangs on the patches is made anew.

use super::present::Shown;
use super::register;
use super::schedule::Turn;
use super::trainer::{Trainer, host};
use crate::error::{Error, Result};
use crate::model::orbit;
use crate::model::vae::Vae;
use crate::particle::patch::PatchSet;
use std::f32::consts::{PI, TAU};
use std::sync::Arc;

/// What a training knows of its patches besides their pixels.
pub(super) struct Standing<'a> {
    /// The label each one taught with.
    pub labels: &'a [Option<usize>],
    /// The angle at which each one stands, radians.
    pub angles: &'a [f32],
}

impl Trainer {
    /// As [`Trainer::join`], on the patches it trains on already.
    ///
    /// # Errors
    /// As [`Trainer::join`]; another number of patches.
    pub fn relabel(&mut self, classes: &[String], patches: Arc<PatchSet>) -> Result<()> {
        if patches.len() != self.patches.len() {
            let problem = "particles have come or gone; start the training again to take them in";
            return Err(Error::Training(problem.into()));
        }
        let before: Vec<Option<usize>> = (0..patches.len()).map(Some).collect();
        self.join(classes, patches, &before)
    }

    /// Takes new labels, and other patches of the same size, into the training: weights, momenta and schedule stay.
    /// `before` has the place that each patch had, or none for a new one. The epoch under way ends with the batches it
    /// began with, without what has gone; new patches are in the next one.
    ///
    /// # Errors
    /// Patches of another size; other classes; labels that leave but one class.
    pub fn join(
        &mut self,
        classes: &[String],
        patches: Arc<PatchSet>,
        before: &[Option<usize>],
    ) -> Result<()> {
        let same = patches.side == self.patches.side && patches.wide == self.patches.wide;
        if !same || classes.len().max(1) != self.vae.config.classes || before.len() != patches.len() {
            return Err(Error::Training(
                "other classes, or patches of another size, cannot join; start the training again to take them in"
                    .into(),
            ));
        }
        let fresh =
            Self::new(self.config.clone(), classes, patches, &self.device.clone().inner(), self.vae.tiled)?;
        let standing = Standing { labels: &self.patches.labels, angles: &self.label_angles };
        let angles = fresh.in_frame_of(&standing, before);
        self.turns = fresh.carried(self.turns.as_slice(), self.patches.len(), before).into_iter();
        self.label_angles = angles;
        self.patches = fresh.patches;
        self.seen = fresh.seen;
        self.resident = fresh.resident;
        self.labels = fresh.labels;
        self.labelled = fresh.labelled;
        self.unlabelled = fresh.unlabelled;
        self.deck.clear();
        Ok(())
    }

    /// Angles of these labels in the frame in which each class was learned: a label that was there before keeps its
    /// angle, a new one is measured from those.
    pub(super) fn in_frame_of(&self, standing: &Standing<'_>, before: &[Option<usize>]) -> Vec<f32> {
        let mut angles = self.label_angles.clone();
        let was = |i: usize| before.get(i).copied().flatten();
        for class in 0..self.vae.config.classes {
            let knew = |i: &&usize| was(**i).and_then(|j| *standing.labels.get(j)?) == Some(class);
            let of_class = self.labelled.iter().filter(|&&i| self.labels[i] as usize == class);
            let (known, new): (Vec<usize>, Vec<usize>) = of_class.partition(knew);
            let stood = |i: usize| was(i).and_then(|j| standing.angles.get(j).copied()).unwrap_or(0.0);
            let off: Vec<f32> = known.iter().map(|&i| stood(i) - self.label_angles[i]).collect();
            let turn = register::common_turn(&off);
            new.iter().for_each(|&i| angles[i] += turn);
            known.iter().for_each(|&i| angles[i] = stood(i));
        }
        angles
    }

    /// Angles of the labels in the frame in which a model learned each class: how it sees them stand says which that is.
    ///
    /// # Errors
    /// A device that stops answering.
    pub(super) fn as_seen_by(&self, vae: &Vae) -> Result<Vec<f32>> {
        let mut angles = self.label_angles.clone();
        let (k, turns) = (vae.config.classes, vae.config.turns());
        let Some(seen) = self.seen.as_ref().filter(|_| turns > 1 && k > 1) else { return Ok(angles) };
        let mut off = vec![Vec::new(); k];
        for some in self.labelled.chunks(self.config.batch.max(1)) {
            let copies = seen.copies(some, &vec![Shown::default(); some.len()], &[]);
            let log_joint = host(vae.log_joint(&copies))?;
            for (&i, log_q) in some.iter().zip(log_joint.chunks_exact(k * turns)) {
                let class = self.labels[i] as usize;
                let of = |turn: usize| log_q[turn * k + class];
                let most = (0..turns).map(of).fold(f32::MIN, f32::max);
                let (turn, part) = orbit::peak(|turn| (of(turn) - most).exp(), turns);
                off[class].push((turn as f32 + part) * TAU / turns as f32 - self.label_angles[i]);
            }
        }
        for (class, off) in off.iter().enumerate() {
            let of_class = || self.labelled.iter().copied().filter(|&i| self.labels[i] as usize == class);
            let turn = register::common_turn(off);
            // Upright labels stay upright to the bit where the model agrees.
            let upright = of_class().all(|i| self.label_angles[i] == 0.0);
            if !upright || turn.cos() < (PI / turns as f32).cos() {
                of_class().for_each(|i| angles[i] += turn);
            }
        }
        Ok(angles)
    }

    /// The batches of an epoch under way in terms of these patches; `of` patches were there before. A step keeps its
    /// size: what has gone is made up for by what is left of it.
    pub(super) fn carried(&self, turns: &[Turn], of: usize, before: &[Option<usize>]) -> Vec<Turn> {
        let mut now = vec![None; of];
        for (i, was) in before.iter().enumerate() {
            if let Some(place) = was.and_then(|j| now.get_mut(j)) {
                *place = Some(i);
            }
        }
        let fill = |batch: &[usize], fits: &dyn Fn(usize) -> bool, all: &[usize]| -> Vec<usize> {
            let moved = batch.iter().filter_map(|&i| now.get(i).copied().flatten());
            let left: Vec<usize> = moved.filter(|i| fits(*i)).collect();
            let from = if left.is_empty() { all } else { &left };
            from.iter().copied().cycle().take(batch.len()).collect()
        };
        let has_label = |i: usize| self.patches.labels.get(i).is_some_and(Option::is_some);
        let carry = |turn: &Turn| match turn {
            Turn::Unlabelled(batch) => Turn::Unlabelled(fill(batch, &|_| true, &self.unlabelled)),
            Turn::Labelled(batch) => Turn::Labelled(fill(batch, &has_label, &self.labelled)),
        };
        turns.iter().map(carry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::TrainConfig;
    use burn::tensor::Device;

    const SIDE: usize = 24;
    const WEDGES: usize = 40;

    /// The angle of a wedge.
    fn turned(k: usize) -> f32 {
        k as f32 * 0.9
    }

    /// Wedges, which have no symmetry, at any angle, and as many discs; `labelled` tells which have their label.
    fn patches(labelled: impl Fn(usize) -> bool) -> Arc<PatchSet> {
        let value = |k: usize, i: usize| {
            let (x, y) = ((i % SIDE) as f32 - 11.5, (i / SIDE) as f32 - 11.5);
            let (sin, cos) = turned(k).sin_cos();
            let (u, v) = (x * cos - y * sin, x * sin + y * cos);
            let inside = if k < WEDGES { u > -7.0 && v.abs() < 0.3 * (8.0 - u) } else { x.hypot(y) < 7.0 };
            if inside { 0.9 } else { 0.1 }
        };
        let n = 2 * WEDGES;
        Arc::new(PatchSet {
            side: SIDE,
            wide: SIDE,
            pixels: (0..n).flat_map(|k| (0..SIDE * SIDE).map(move |i| value(k, i))).collect(),
            labels: (0..n).map(|k| labelled(k % WEDGES).then_some(k / WEDGES)).collect(),
            held_out: vec![None; n],
        })
    }

    /// By how much the labels of wedges are off what was drawn: that is free, and one for the class.
    fn frame(trainer: &Trainer) -> f32 {
        let wedges = || trainer.labelled.iter().copied().filter(|&i| i < WEDGES);
        let off: Vec<f32> = wedges().map(|i| trainer.label_angles[i] - turned(i)).collect();
        let frame = register::common_turn(&off);
        assert!(off.iter().all(|off| (off - frame).cos() > 0.9), "one frame for all: {off:?}");
        frame
    }

    #[test]
    fn other_labels_stand_in_the_frame_that_the_model_learned() {
        let (device, classes) = (Device::flex(), ["wedge".to_owned(), "disc".to_owned()]);
        let config = TrainConfig { epochs: 20, ..TrainConfig::proposed().with_hidden(32) };
        let fresh = |patches| Trainer::new(config.clone(), &classes, patches, &device, true).unwrap();
        let (few, others) = (|k: usize| k >= 34, |k: usize| k < 34);
        let mut trainer = fresh(patches(few));
        while !trainer.done() {
            trainer.step().unwrap();
        }
        let learned = frame(&trainer);
        let afresh = frame(&fresh(patches(others)));
        assert!((afresh - learned).cos() < 0.9, "{afresh} and {learned}: the labels alone tell nothing");
        let vae = trainer.snapshot();
        let went_on =
            Trainer::from_model(&vae, config.clone(), &classes, patches(others), 20, &device, true).unwrap();
        let now = frame(&went_on);
        assert!((now - learned).cos() > 0.97, "{now}, learned {learned}");
    }
}
