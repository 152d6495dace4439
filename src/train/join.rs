//! New labels, and particles that came or went, for a training that is under way or had ended: weights, momenta and the
//! random state stay; what hangs on the patches is made anew.

use super::register;
use super::schedule::Turn;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::particle::patch::PatchSet;
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
