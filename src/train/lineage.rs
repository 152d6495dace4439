//! What a model learned from, beyond its settings: it goes with the model's file and with the state of its training.

use crate::particle::ParticleId;
use crate::particle::patch::PatchSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The part that labels had in a training. One that taught can never judge: the model has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Roles {
    /// Now, or earlier in the same training.
    pub taught: BTreeSet<ParticleId>,
    pub judges: BTreeSet<ParticleId>,
}

impl Roles {
    /// All that have one.
    pub fn all(&self) -> impl Iterator<Item = &ParticleId> {
        self.taught.iter().chain(&self.judges)
    }

    /// Takes in the labels of patches that are trained on; `ids` has one particle a patch, or none where patches are not
    /// of particles.
    pub fn take(&mut self, ids: &[ParticleId], patches: &PatchSet) {
        let of = |labels: &[Option<usize>]| -> Vec<ParticleId> {
            ids.iter().zip(labels).filter(|(_, label)| label.is_some()).map(|(id, _)| *id).collect()
        };
        self.taught.extend(of(&patches.labels));
        self.judges = of(&patches.held_out).into_iter().collect();
        self.judges.retain(|id| !self.taught.contains(id));
    }
}

/// Accuracy found by cross-validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossValidated {
    pub right: usize,
    pub of: usize,
    /// Trainings, each without a part of the labels.
    pub folds: usize,
}

/// Where a model comes from. Empty for models of before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lineage {
    pub roles: Roles,
    /// Epochs before which new labels joined.
    pub joined: Vec<usize>,
    /// What it was trained on, in words.
    pub device: String,
    pub cross_validated: Option<CrossValidated>,
}

impl Lineage {
    /// New labels joined before `epoch`; what a cross-validation found was about the model without them.
    pub fn join(&mut self, epoch: usize) {
        self.joined.push(epoch);
        self.cross_validated = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_once_taught_never_judges() {
        let ids: Vec<ParticleId> = (0..4).map(ParticleId).collect();
        let set = |labels: [Option<usize>; 4], held_out: [Option<usize>; 4]| PatchSet {
            side: 1,
            wide: 1,
            pixels: vec![0.0; 4].into(),
            labels: labels.into(),
            held_out: held_out.into(),
        };
        let mut roles = Roles::default();
        roles.take(&ids, &set([Some(0), Some(1), None, None], [None, None, Some(0), None]));
        roles.take(&ids, &set([Some(0), None, None, Some(1)], [None, Some(1), Some(0), None]));
        let ids = |set: &BTreeSet<ParticleId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!((ids(&roles.taught), ids(&roles.judges)), (vec![0, 1, 3], vec![2]));
    }
}
