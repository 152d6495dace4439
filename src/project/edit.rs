//! Every change of the user's work, each with an inverse.

use super::MicrographEntry;
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use serde::{Deserialize, Serialize};

/// One change. Applying it to a project yields the edit that takes it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edit {
    AddParticles(Vec<Particle>),
    RemoveParticles(Vec<ParticleId>),
    /// Replaces particles of the same ids (labels, positions, hold-out marks).
    ChangeParticles(Vec<Particle>),
    AddClass {
        class: Class,
        place: usize,
    },
    /// Refused while a particle carries the class.
    RemoveClass(ClassId),
    ChangeClass(Class),
    AddMicrograph {
        entry: MicrographEntry,
        place: usize,
    },
    /// Refused while a particle lies on it.
    RemoveMicrograph(MicrographId),
    ChangeMicrograph(MicrographEntry),
    SetPatch(PatchGeometry),
    SetTraining(serde_json::Value),
    /// Several edits as one step of the history, applied in order, all or none.
    Together(Vec<Edit>),
}
