//! Questions to a project: who is who, how many of what.

use super::{MicrographEntry, Project};
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How many particles a person gave a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCount {
    pub class: ClassId,
    /// All labels, the held-out ones included.
    pub labelled: usize,
    /// Labels that training never sees.
    pub held_out: usize,
}

/// How many particles lie on a micrograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicrographCount {
    pub micrograph: MicrographId,
    pub particles: usize,
    pub labelled: usize,
}

impl Project {
    /// The class of this identifier.
    pub fn class(&self, id: ClassId) -> Option<&Class> {
        self.classes.iter().find(|class| class.id == id)
    }

    /// Place of a class in the list, from 0; number key 1 is place 0.
    pub fn class_index(&self, id: ClassId) -> Option<usize> {
        self.classes.iter().position(|class| class.id == id)
    }

    /// The class of this name, spelled exactly so.
    pub fn class_named(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// The class that a model calls so: the one of this name, else one that had it before.
    pub fn class_known_as(&self, name: &str) -> Option<&Class> {
        let formerly = |class: &&Class| class.formerly.iter().any(|before| before == name);
        self.class_named(name).or_else(|| self.classes.iter().find(formerly))
    }

    /// The micrograph of this identifier.
    pub fn micrograph(&self, id: MicrographId) -> Option<&MicrographEntry> {
        self.micrographs.iter().find(|entry| entry.id == id)
    }

    /// Diameter, in pixels of this micrograph, that a particle of unknown size is taken to have: a patch leaves room round it.
    pub fn usual_diameter(&self, id: MicrographId) -> f32 {
        let pixel = self.micrograph(id).and_then(|entry| entry.pixel_size);
        0.6 * self.patch.extent_on(pixel.map(|size| size.x_nm)) as f32
    }

    /// Place of a micrograph in the list, from 0.
    pub fn micrograph_index(&self, id: MicrographId) -> Option<usize> {
        self.micrographs.iter().position(|entry| entry.id == id)
    }

    /// The particle of this identifier.
    pub fn particle(&self, id: ParticleId) -> Option<&Particle> {
        self.particles.get(&id)
    }

    /// The particles on one micrograph, by identifier.
    pub fn particles_on(&self, micrograph: MicrographId) -> impl Iterator<Item = &Particle> {
        self.particles.values().filter(move |particle| particle.micrograph == micrograph)
    }

    /// The particles a person gave this class, by identifier.
    pub fn particles_labelled(&self, class: ClassId) -> impl Iterator<Item = &Particle> {
        self.particles.values().filter(move |particle| particle.label == Some(class))
    }

    /// Labels of each class, in the order of the classes.
    pub fn class_counts(&self) -> Vec<ClassCount> {
        let mut counts: BTreeMap<ClassId, (usize, usize)> = BTreeMap::new();
        for particle in self.particles.values() {
            if let Some(class) = particle.label {
                let count = counts.entry(class).or_default();
                count.0 += 1;
                count.1 += usize::from(particle.held_out);
            }
        }
        let count = |class: &Class| {
            let (labelled, held_out) = counts.get(&class.id).copied().unwrap_or_default();
            ClassCount { class: class.id, labelled, held_out }
        };
        self.classes.iter().map(count).collect()
    }

    /// Particles on each micrograph, in the order of the micrographs.
    pub fn micrograph_counts(&self) -> Vec<MicrographCount> {
        let mut counts: BTreeMap<MicrographId, (usize, usize)> = BTreeMap::new();
        for particle in self.particles.values() {
            let count = counts.entry(particle.micrograph).or_default();
            count.0 += 1;
            count.1 += usize::from(particle.label.is_some());
        }
        let count = |entry: &MicrographEntry| {
            let (particles, labelled) = counts.get(&entry.id).copied().unwrap_or_default();
            MicrographCount { micrograph: entry.id, particles, labelled }
        };
        self.micrographs.iter().map(count).collect()
    }

    /// A short name for each micrograph, no two alike: its file name; with as many folders before it as it takes to
    /// tell it from a namesake; with `#page` behind it where a file has more than one page in the project.
    pub fn micrograph_names(&self) -> BTreeMap<MicrographId, String> {
        let mut namesakes: BTreeMap<String, BTreeSet<&Path>> = BTreeMap::new();
        for entry in &self.micrographs {
            namesakes.entry(entry.file_name()).or_default().insert(&entry.path);
        }
        let mut pages: BTreeMap<&Path, usize> = BTreeMap::new();
        for entry in &self.micrographs {
            *pages.entry(&entry.path).or_default() += 1;
        }
        let name = |entry: &MicrographEntry| {
            let mut name = match namesakes.get(&entry.file_name()) {
                Some(paths) if paths.len() > 1 => distinct_ending(&entry.path, paths),
                _ => entry.file_name(),
            };
            if pages.get(entry.path.as_path()).is_some_and(|pages| *pages > 1) || entry.page > 0 {
                name = format!("{name}#{}", entry.page);
            }
            (entry.id, name)
        };
        self.micrographs.iter().map(name).collect()
    }

    /// True for a page of a file that has, as far as the project knows, more than one.
    pub fn is_of_a_stack(&self, entry: &MicrographEntry) -> bool {
        let other = |other: &MicrographEntry| other.path == entry.path && other.page != entry.page;
        entry.page > 0 || self.micrographs.iter().any(other)
    }

    /// The name of one micrograph as in [`Project::micrograph_names`].
    pub fn micrograph_name(&self, id: MicrographId) -> Option<String> {
        self.micrograph_names().remove(&id)
    }
}

/// The shortest ending of `path`, in whole parts, that no other of `paths` has; parts joined by `/`.
fn distinct_ending(path: &Path, paths: &BTreeSet<&Path>) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str()).collect();
    let mut ending = path.to_owned();
    for length in 1..=parts.len() {
        ending = parts[parts.len() - length..].iter().collect::<PathBuf>();
        if !paths.iter().any(|other| *other != path && other.ends_with(&ending)) {
            break;
        }
    }
    ending.to_string_lossy().replace('\\', "/")
}
