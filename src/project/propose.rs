//! What a person asks for, made into edits. Nothing here changes the work: the edits go through the history.
//!
//! Identifiers are reserved when an edit is built and never given out twice, not even after an undo.

use super::edit::Edit;
use super::{MicrographEntry, Project};
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId};
use crate::{Error, Result};

/// The colours of Okabe and Ito, which people with colour-blindness can tell apart, without black, which does not
/// show on a dark micrograph.
pub const CLASS_COLOURS: [[u8; 3]; 7] = [
    [230, 159, 0],   // orange
    [86, 180, 233],  // sky blue
    [0, 158, 115],   // bluish green
    [240, 228, 66],  // yellow
    [213, 94, 0],    // vermillion
    [204, 121, 167], // reddish purple
    [0, 114, 178],   // blue
];

impl Project {
    /// Reserves an identifier for a new particle.
    pub fn new_particle_id(&mut self) -> ParticleId {
        let id = self.next_particle.max(self.reserved.next.0);
        self.reserved.next.0 = id + 1;
        ParticleId(id)
    }

    /// These identifiers are known elsewhere, to a model or a review, though their particles may never have been saved: no
    /// other particle gets them.
    pub fn reserve_particles<'a>(&mut self, known: impl IntoIterator<Item = &'a ParticleId>) {
        let next = known.into_iter().map(|id| id.0.saturating_add(1)).max().unwrap_or_default();
        self.reserved.next.0 = self.reserved.next.0.max(next);
    }

    /// Reserves an identifier for a new class.
    pub fn new_class_id(&mut self) -> ClassId {
        let id = self.next_class.max(self.reserved.next.1);
        self.reserved.next.1 = id + 1;
        ClassId(id)
    }

    /// Reserves an identifier for a new micrograph.
    pub fn new_micrograph_id(&mut self) -> MicrographId {
        let id = self.next_micrograph.max(self.reserved.next.2);
        self.reserved.next.2 = id + 1;
        MicrographId(id)
    }

    /// A new class at the end of the list, in the next free colour.
    pub fn add_class_edit(&mut self, name: impl Into<String>) -> (ClassId, Edit) {
        let used: Vec<_> = self.classes.iter().map(|class| class.colour).collect();
        let class = Class {
            id: self.new_class_id(),
            name: name.into(),
            colour: next_colour(&used),
            formerly: Vec::new(),
        };
        (class.id, Edit::AddClass { class, place: self.classes.len() })
    }

    /// Several new classes at the end of the list, each in the next free colour.
    pub fn add_classes_edit(&mut self, names: &[String]) -> (Vec<ClassId>, Edit) {
        let mut used: Vec<_> = self.classes.iter().map(|class| class.colour).collect();
        let mut ids = Vec::with_capacity(names.len());
        let mut edits = Vec::with_capacity(names.len());
        for name in names {
            let class = Class {
                id: self.new_class_id(),
                name: name.clone(),
                colour: next_colour(&used),
                formerly: Vec::new(),
            };
            ids.push(class.id);
            let place = used.len();
            used.push(class.colour);
            edits.push(Edit::AddClass { class, place });
        }
        (ids, Edit::Together(edits))
    }

    /// Another name for a class.
    pub fn rename_class_edit(&self, id: ClassId, name: impl Into<String>) -> Result<Edit> {
        Ok(Edit::ChangeClass(self.known_class(id)?.renamed(name)))
    }

    /// Another colour (sRGB) for a class.
    pub fn recolour_class_edit(&self, id: ClassId, colour: [u8; 3]) -> Result<Edit> {
        Ok(Edit::ChangeClass(Class { colour, ..self.known_class(id)?.clone() }))
    }

    /// Takes the class from its particles, which stay, and removes it.
    pub fn delete_class_edit(&self, id: ClassId) -> Result<Edit> {
        self.known_class(id)?;
        let labelled: Vec<_> = self.particles_labelled(id).map(|particle| particle.id).collect();
        Ok(Edit::Together(vec![self.label_edit(&labelled, None)?, Edit::RemoveClass(id)]))
    }

    /// Removes a class with all particles that carry it.
    pub fn delete_class_and_particles_edit(&self, id: ClassId) -> Result<Edit> {
        self.known_class(id)?;
        let labelled = self.particles_labelled(id).map(|particle| particle.id).collect();
        Ok(Edit::Together(vec![Edit::RemoveParticles(labelled), Edit::RemoveClass(id)]))
    }

    /// Shows all micrographs as `id` is shown: its percentiles and its tone. Micrographs that are shown so already
    /// are left alone.
    pub fn copy_contrast_edit(&self, id: MicrographId) -> Result<Edit> {
        let MicrographEntry { contrast, tone, .. } = *self.known_micrograph(id)?;
        let others = self.micrographs.iter().filter(|entry| (entry.contrast, entry.tone) != (contrast, tone));
        let change = |entry: &MicrographEntry| {
            Edit::ChangeMicrograph(MicrographEntry { contrast, tone, ..entry.clone() })
        };
        Ok(Edit::Together(others.map(change).collect()))
    }

    /// Moves particles by (`dx`, `dy`) pixels; those that would leave their micrograph stay at its edge.
    pub fn move_particles_edit(&self, ids: &[ParticleId], dx: f32, dy: f32) -> Result<Edit> {
        let within = |v: f32, size: usize| v.clamp(-0.5, size as f32 - 0.5);
        self.change_particles_edit(ids, |particle| {
            if let Some(entry) = self.micrograph(particle.micrograph) {
                particle.x = within(particle.x + dx, entry.width);
                particle.y = within(particle.y + dy, entry.height);
            }
        })
    }

    /// Gives the particles of class `from` to `into` and removes `from`.
    pub fn merge_class_edit(&self, from: ClassId, into: ClassId) -> Result<Edit> {
        if from == into {
            return Err(Error::invalid("merge classes", "a class cannot be merged into itself"));
        }
        self.known_class(from)?;
        let labelled: Vec<_> = self.particles_labelled(from).map(|particle| particle.id).collect();
        Ok(Edit::Together(vec![self.label_edit(&labelled, Some(into))?, Edit::RemoveClass(from)]))
    }

    /// Gives particles a class, or takes it from them; without a class nothing is held out.
    pub fn label_edit(&self, ids: &[ParticleId], label: Option<ClassId>) -> Result<Edit> {
        if let Some(class) = label {
            self.known_class(class)?;
        }
        self.change_particles_edit(ids, |particle| {
            particle.label = label;
            particle.held_out &= label.is_some();
        })
    }

    /// Keeps the labels of particles from training, or gives them back to it.
    pub fn hold_out_edit(&self, ids: &[ParticleId], held_out: bool) -> Result<Edit> {
        self.change_particles_edit(ids, |particle| particle.held_out = held_out)
    }

    /// Changes particles one by one; those that stay as they are have no part in it.
    pub fn change_particles_edit(&self, ids: &[ParticleId], change: impl Fn(&mut Particle)) -> Result<Edit> {
        let changed = |id: &ParticleId| {
            let before = self.known_particle(*id)?;
            let mut particle = before.clone();
            change(&mut particle);
            Ok(Some(particle).filter(|after| after != before))
        };
        let changed = ids.iter().filter_map(|id| changed(id).transpose());
        Ok(Edit::ChangeParticles(changed.collect::<Result<_>>()?))
    }

    /// A particle that a person puts at (`x`, `y`) in pixels of the micrograph.
    pub fn add_particle_edit(
        &mut self,
        micrograph: MicrographId,
        x: f32,
        y: f32,
        label: Option<ClassId>,
    ) -> (ParticleId, Edit) {
        let id = self.new_particle_id();
        let particle = Particle { id, micrograph, x, y, diameter: None, score: None, label, held_out: false };
        (id, Edit::AddParticles(vec![particle]))
    }

    /// Particles from a detector or a table; each gets a new identifier, whatever it came with.
    pub fn add_particles_edit(&mut self, mut particles: Vec<Particle>) -> Edit {
        for particle in &mut particles {
            particle.id = self.new_particle_id();
        }
        Edit::AddParticles(particles)
    }

    /// A micrograph at the end of the list; it gets a new identifier.
    pub fn add_micrograph_edit(&mut self, mut entry: MicrographEntry) -> (MicrographId, Edit) {
        entry.id = self.new_micrograph_id();
        (entry.id, Edit::AddMicrograph { entry, place: self.micrographs.len() })
    }

    /// Changes the settings of one micrograph.
    pub fn change_micrograph_edit(
        &self,
        id: MicrographId,
        change: impl FnOnce(&mut MicrographEntry),
    ) -> Result<Edit> {
        let mut entry = self.known_micrograph(id)?.clone();
        change(&mut entry);
        entry.id = id;
        Ok(Edit::ChangeMicrograph(entry))
    }

    /// Removes a micrograph with all particles on it.
    pub fn remove_micrograph_edit(&self, id: MicrographId) -> Result<Edit> {
        self.known_micrograph(id)?;
        let particles = self.particles_on(id).map(|particle| particle.id).collect();
        Ok(Edit::Together(vec![Edit::RemoveParticles(particles), Edit::RemoveMicrograph(id)]))
    }
}

/// The first class colour that is used least.
fn next_colour(used: &[[u8; 3]]) -> [u8; 3] {
    let uses = |colour: &&[u8; 3]| used.iter().filter(|other| other == colour).count();
    CLASS_COLOURS.iter().min_by_key(uses).copied().unwrap_or([255; 3])
}
