//! Every change of the user's work, each with an inverse.

use super::check::{check_once, check_patch};
use super::{MicrographEntry, Project};
use crate::particle::patch::PatchGeometry;
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use crate::{Error, Result};
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
    /// To another place in the list.
    MoveClass {
        class: ClassId,
        place: usize,
    },
    AddMicrograph {
        entry: MicrographEntry,
        place: usize,
    },
    /// Refused while a particle lies on it.
    RemoveMicrograph(MicrographId),
    ChangeMicrograph(MicrographEntry),
    SetPatch(PatchGeometry),
    SetTraining(#[serde(deserialize_with = "super::exact::read_value")] serde_json::Value),
    SetMaps(#[serde(deserialize_with = "super::exact::read_value")] serde_json::Value),
    /// Several edits as one step of the history, applied in order, all or none.
    Together(Vec<Edit>),
}

impl Edit {
    /// The particles that are added, removed or changed, ascending and each once, and whether nothing else is.
    pub fn touched(&self) -> (Vec<ParticleId>, bool) {
        let (mut particles, mut alone) = (Vec::new(), true);
        self.touch(&mut particles, &mut alone);
        particles.sort_unstable();
        particles.dedup();
        (particles, alone)
    }

    /// True if it changes nothing: no step of the history.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::AddParticles(particles) | Self::ChangeParticles(particles) => particles.is_empty(),
            Self::RemoveParticles(ids) => ids.is_empty(),
            Self::Together(edits) => edits.iter().all(Self::is_empty),
            _ => false,
        }
    }

    fn touch(&self, ids: &mut Vec<ParticleId>, alone: &mut bool) {
        match self {
            Self::AddParticles(particles) | Self::ChangeParticles(particles) => {
                ids.extend(particles.iter().map(|particle| particle.id));
            }
            Self::RemoveParticles(gone) => ids.extend(gone),
            Self::Together(edits) => edits.iter().for_each(|edit| edit.touch(ids, alone)),
            _ => *alone = false,
        }
    }

    /// A micrograph was found at another path: the edit brings it, or brings it back, there.
    pub(super) fn follow(&mut self, found: &MicrographEntry) {
        match self {
            Self::AddMicrograph { entry, .. } | Self::ChangeMicrograph(entry)
                if entry.id == found.id && entry.hash == found.hash =>
            {
                entry.path.clone_from(&found.path);
            }
            Self::Together(edits) => edits.iter_mut().for_each(|edit| edit.follow(found)),
            _ => {}
        }
    }
}

impl Project {
    /// Makes one change, all of it or nothing.
    ///
    /// # Returns
    /// The edit that takes the change back. Identifiers once used stay used: the counters are not turned back.
    ///
    /// # Errors
    /// A sentence on what is wrong: an unknown or doubled identifier, a particle outside its micrograph, a class
    /// still in use, a setting out of range. The project is then as it was.
    pub fn apply(&mut self, edit: Edit) -> Result<Edit> {
        match edit {
            Edit::AddParticles(particles) => self.add_particles(particles),
            Edit::RemoveParticles(ids) => self.remove_particles(&ids),
            Edit::ChangeParticles(particles) => self.change_particles(particles),
            Edit::AddClass { class, place } => self.add_class(class, place),
            Edit::RemoveClass(id) => self.remove_class(id),
            Edit::ChangeClass(class) => self.change_class(class),
            Edit::MoveClass { class, place } => self.move_class(class, place),
            Edit::AddMicrograph { entry, place } => self.add_micrograph(entry, place),
            Edit::RemoveMicrograph(id) => self.remove_micrograph(id),
            Edit::ChangeMicrograph(entry) => self.change_micrograph(entry),
            Edit::SetPatch(patch) => {
                check_patch(&patch)?;
                Ok(Edit::SetPatch(std::mem::replace(&mut self.patch, patch)))
            }
            Edit::SetTraining(training) => {
                Ok(Edit::SetTraining(std::mem::replace(&mut self.training, training)))
            }
            Edit::SetMaps(maps) => Ok(Edit::SetMaps(std::mem::replace(&mut self.maps, maps))),
            Edit::Together(edits) => self.together(edits),
        }
    }

    fn together(&mut self, edits: Vec<Edit>) -> Result<Edit> {
        let counters = self.counters();
        let mut inverses = Vec::with_capacity(edits.len());
        for edit in edits {
            match self.apply(edit) {
                Ok(inverse) => inverses.push(inverse),
                Err(error) => {
                    for inverse in inverses.into_iter().rev() {
                        self.apply(inverse)?;
                    }
                    self.set_counters(counters);
                    return Err(error);
                }
            }
        }
        inverses.reverse();
        Ok(Edit::Together(inverses))
    }

    fn add_particles(&mut self, particles: Vec<Particle>) -> Result<Edit> {
        check_once(particles.iter().map(|particle| particle.id))?;
        for particle in &particles {
            if self.particles.contains_key(&particle.id) {
                let what = format!("particle {}", particle.id.0);
                return Err(Error::invalid(what, "the project has this particle already"));
            }
            self.check_particle(particle)?;
        }
        let ids = particles.iter().map(|particle| particle.id).collect();
        for particle in particles {
            self.next_particle = self.next_particle.max(particle.id.0.saturating_add(1));
            self.particles.insert(particle.id, particle);
        }
        Ok(Edit::RemoveParticles(ids))
    }

    fn remove_particles(&mut self, ids: &[ParticleId]) -> Result<Edit> {
        check_once(ids.iter().copied())?;
        for id in ids {
            self.known_particle(*id)?;
        }
        Ok(Edit::AddParticles(ids.iter().filter_map(|id| self.particles.remove(id)).collect()))
    }

    fn change_particles(&mut self, particles: Vec<Particle>) -> Result<Edit> {
        check_once(particles.iter().map(|particle| particle.id))?;
        for particle in &particles {
            self.known_particle(particle.id)?;
            self.check_particle(particle)?;
        }
        let replace = |particle: Particle| self.particles.insert(particle.id, particle);
        Ok(Edit::ChangeParticles(particles.into_iter().filter_map(replace).collect()))
    }

    fn add_class(&mut self, class: Class, place: usize) -> Result<Edit> {
        if self.class(class.id).is_some() {
            return Err(Error::invalid(
                format!("class {}", class.id.0),
                "the project has this class already",
            ));
        }
        check_place(place, self.classes.len())?;
        self.check_class(&class)?;
        let id = class.id;
        self.next_class = self.next_class.max(id.0.saturating_add(1));
        self.classes.insert(place, class);
        Ok(Edit::RemoveClass(id))
    }

    fn remove_class(&mut self, id: ClassId) -> Result<Edit> {
        let name = self.known_class(id)?.name.clone();
        let labelled = self.particles_labelled(id).count();
        if labelled > 0 {
            let problem = format!("{labelled} particles carry it; take it from them first");
            return Err(Error::invalid(format!("class `{name}`"), problem));
        }
        let place = self.class_index(id).unwrap_or_default();
        Ok(Edit::AddClass { class: self.classes.remove(place), place })
    }

    fn change_class(&mut self, class: Class) -> Result<Edit> {
        self.known_class(class.id)?;
        self.check_class(&class)?;
        let place = self.class_index(class.id).unwrap_or_default();
        Ok(Edit::ChangeClass(std::mem::replace(&mut self.classes[place], class)))
    }

    fn move_class(&mut self, id: ClassId, place: usize) -> Result<Edit> {
        self.known_class(id)?;
        check_place(place, self.classes.len().saturating_sub(1))?;
        let before = self.class_index(id).unwrap_or_default();
        let class = self.classes.remove(before);
        self.classes.insert(place, class);
        Ok(Edit::MoveClass { class: id, place: before })
    }

    fn add_micrograph(&mut self, entry: MicrographEntry, place: usize) -> Result<Edit> {
        if self.micrograph(entry.id).is_some() {
            let what = format!("micrograph {}", entry.id.0);
            return Err(Error::invalid(what, "the project has this micrograph already"));
        }
        check_place(place, self.micrographs.len())?;
        self.check_micrograph(&entry)?;
        let id = entry.id;
        self.next_micrograph = self.next_micrograph.max(id.0.saturating_add(1));
        self.micrographs.insert(place, entry);
        Ok(Edit::RemoveMicrograph(id))
    }

    fn remove_micrograph(&mut self, id: MicrographId) -> Result<Edit> {
        let name = self.known_micrograph(id)?.file_name();
        let particles = self.particles_on(id).count();
        if particles > 0 {
            let problem = format!("{particles} particles lie on it; remove them first");
            return Err(Error::invalid(name, problem));
        }
        let place = self.micrograph_index(id).unwrap_or_default();
        Ok(Edit::AddMicrograph { entry: self.micrographs.remove(place), place })
    }

    fn change_micrograph(&mut self, entry: MicrographEntry) -> Result<Edit> {
        self.known_micrograph(entry.id)?;
        self.check_micrograph(&entry)?;
        let place = self.micrograph_index(entry.id).unwrap_or_default();
        Ok(Edit::ChangeMicrograph(std::mem::replace(&mut self.micrographs[place], entry)))
    }
}

fn check_place(place: usize, length: usize) -> Result<()> {
    if place > length {
        return Err(Error::invalid("place in the list", format!("{place} is beyond the end ({length})")));
    }
    Ok(())
}
