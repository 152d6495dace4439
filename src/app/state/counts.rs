//! How many particles of each class and on each micrograph there are, kept up to date with each change.

use crate::particle::{ClassId, MicrographId, Particle};
use crate::project::{ClassCount, MicrographCount, Project};
use std::collections::BTreeMap;

/// Particles of each class and on each micrograph, in the order of the project.
///
/// A project may have 100,000 particles: only those that a change touches are counted anew.
#[derive(Default)]
pub struct Counts {
    pub classes: Vec<ClassCount>,
    pub micrographs: Vec<MicrographCount>,
    /// Labelled, and held out of them.
    by_class: BTreeMap<ClassId, [usize; 2]>,
    /// All, and labelled of them.
    by_micrograph: BTreeMap<MicrographId, [usize; 2]>,
}

impl Counts {
    /// Counts all particles of a project.
    pub fn of(project: &Project) -> Self {
        let mut counts = Self::default();
        project.particles.values().for_each(|particle| counts.count(particle, |n| *n += 1));
        counts.list(project);
        counts
    }

    /// Counts a particle that was not there before.
    pub fn add(&mut self, particle: &Particle) {
        self.count(particle, |n| *n += 1);
    }

    /// Counts a particle no more.
    pub fn take(&mut self, particle: &Particle) {
        self.count(particle, |n| *n = n.saturating_sub(1));
    }

    fn count(&mut self, particle: &Particle, change: impl Fn(&mut usize)) {
        let [all, labelled] = self.by_micrograph.entry(particle.micrograph).or_default();
        change(all);
        if let Some(class) = particle.label {
            change(labelled);
            let [labelled, held_out] = self.by_class.entry(class).or_default();
            change(labelled);
            if particle.held_out {
                change(held_out);
            }
        }
    }

    /// Lists the counts in the order of the project.
    pub fn list(&mut self, project: &Project) {
        let class = |id: ClassId| {
            let [labelled, held_out] = self.by_class.get(&id).copied().unwrap_or_default();
            ClassCount { class: id, labelled, held_out }
        };
        self.classes = project.classes.iter().map(|c| class(c.id)).collect();
        let micrograph = |id: MicrographId| {
            let [particles, labelled] = self.by_micrograph.get(&id).copied().unwrap_or_default();
            MicrographCount { micrograph: id, particles, labelled }
        };
        self.micrographs = project.micrographs.iter().map(|m| micrograph(m.id)).collect();
    }
}
