//! Proposals of the detector become particles, all at once or one after the other.

use super::App;
use super::state::{Level, count};
use crate::error::Result;
use crate::particle::detect::Detection;
use crate::particle::patch::{ParticleExtent, PatchGeometry, propose_geometry};
use crate::particle::{ClassId, MicrographId, Particle, ParticleId};
use crate::project::edit::Edit;

/// The particle that a proposal becomes; its edit gives it a number.
fn accepted(found: &Detection, micrograph: MicrographId, label: Option<ClassId>) -> Particle {
    Particle {
        id: ParticleId(0),
        micrograph,
        x: found.x,
        y: found.y,
        diameter: Some(found.diameter),
        score: Some(found.score),
        label,
        held_out: false,
    }
}

impl App {
    pub(super) fn accept_detections(&mut self) {
        let state = &mut self.state;
        let Some(micrograph) = state.proposals_on() else {
            return;
        };
        let least = state.detection.least;
        let found = state.detection.found.iter().filter(|found| found.score >= least);
        let particles: Vec<Particle> = found.map(|found| accepted(found, micrograph, None)).collect();
        if particles.is_empty() {
            return;
        }
        let name = format!("accept {}", count(particles.len(), "proposal"));
        let added = state.project.add_particles_edit(particles);
        let edit = self.with_fitting_patch(added);
        match self.state.change(name, edit) {
            Ok(()) => self.detect(false),
            Err(error) => self.complain(&error),
        }
    }

    /// One proposal becomes a particle of the current class.
    pub(super) fn accept_one(&mut self, place: usize) -> Result<()> {
        let state = &mut self.state;
        let seen = state.proposals_on();
        let (Some(micrograph), Some(found)) = (seen, state.detection.found.get(place)) else {
            return Ok(());
        };
        let particle = accepted(found, micrograph, state.class);
        let name = state.class.map_or("proposal", |id| state.class_name(id)).to_owned();
        let added = state.project.add_particles_edit(vec![particle]);
        let edit = self.with_fitting_patch(added);
        self.state.change(format!("accept {name}"), edit)?;
        self.state.detection.take_out(place);
        Ok(())
    }

    /// The first proposals that become particles also tell how large a patch must be, unless somebody or a model has
    /// settled that: one step, taken back together.
    fn with_fitting_patch(&mut self, added: Edit) -> Edit {
        let state = &self.state;
        let settled = state.project.patch != PatchGeometry::default()
            || state.project.particles.values().any(|particle| particle.diameter.is_some())
            || state.training.model.is_some();
        let entry = state.detection.micrograph.and_then(|id| state.project.micrograph(id));
        let nm_per_px = entry.and_then(|entry| entry.pixel_size).map(|size| size.x_nm);
        let (whole, least) = (|f: &&Detection| !f.touches_border, state.detection.least);
        let found = state.detection.found.iter().filter(whole).filter(|found| found.score >= least);
        let extents: Vec<ParticleExtent> =
            found.map(|found| ParticleExtent { length_px: found.length, nm_per_px }).collect();
        let fitting = propose_geometry(&extents);
        if settled || fitting == PatchGeometry::default() {
            return added;
        }
        let extent = match fitting.extent_nm {
            Some(nm) => format!("{nm} nm"),
            None => format!("{} px", fitting.extent_px),
        };
        let text = format!(
            "Patches are {extent} a side now, with room for the longest of these particles; Settings has it."
        );
        self.tell(Level::Done, text, None);
        Edit::Together(vec![added, Edit::SetPatch(fitting)])
    }

    pub(super) fn step_proposal(&mut self, step: isize) {
        let detection = &mut self.state.detection;
        let shown = |place: &usize| detection.found.get(*place).is_some_and(|f| f.score >= detection.least);
        let count = detection.found.len() as isize;
        let start = detection.current.map_or(if step > 0 { -1 } else { count }, |current| current as isize);
        // One that was just accepted has left its place to the next.
        let next = (1..=count).map(|i| (start + i * step).rem_euclid(count.max(1)) as usize).find(shown);
        detection.current = next;
        if let Some(found) = next.and_then(|place| self.state.detection.found.get(place)) {
            self.layout.look_at(found.x, found.y);
        }
    }
}
