//! Actions that change the project or the selection: each becomes an edit with a name, so that it can be undone.

use super::App;
use super::action::Action;
use super::dialogs::Dialog;
use super::state::{Level, count};
use crate::error::{Error, Result};
use crate::particle::{MicrographId, Particle, ParticleId};
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use std::collections::BTreeMap;

impl App {
    /// Actions that change the project.
    pub(super) fn edit(&mut self, action: Action) -> Result<()> {
        let state = &mut self.state;
        let selected: Vec<ParticleId> = state.selection.iter().copied().collect();
        match action {
            Action::Undo => {
                state.undo()?;
                Ok(())
            }
            Action::Redo => {
                state.redo()?;
                Ok(())
            }
            Action::Change { name, edit } => state.change(name, edit),
            Action::AddClass(name) => {
                let (id, edit) = state.project.add_class_edit(name.as_str());
                state.change(format!("add class {name}"), edit)?;
                state.class = Some(id);
                Ok(())
            }
            Action::RemoveClass(id) => {
                if state.project.particles_labelled(id).next().is_some() {
                    self.dialog = Dialog::RemoveClass { class: id };
                    return Ok(());
                }
                let name = format!("remove class {}", state.class_name(id));
                let edit = state.project.delete_class_edit(id)?;
                state.change(name, edit)
            }
            Action::MoveClass { class, place } => {
                let name = format!("move class {}", state.class_name(class));
                state.change(name, Edit::MoveClass { class, place })
            }
            Action::OfClass(act) => self.act_on_class(act),
            Action::MoveParticles { particles, dx, dy } => {
                let edit = state.project.move_particles_edit(&particles, dx, dy)?;
                state.change(format!("move {}", count(particles.len(), "particle")), edit)
            }
            Action::CopyContrast => {
                let Some(shown) = state.shown else { return Ok(()) };
                let edit = state.project.copy_contrast_edit(shown)?;
                state.change("show all micrographs alike", edit)
            }
            Action::AcceptProposal(place) => self.accept_one(place),
            Action::RemoveMicrograph(id) => {
                let edit = state.project.remove_micrograph_edit(id)?;
                state.change("remove micrograph", edit)
            }
            Action::AddParticle { x, y } => {
                let Some(shown) = state.shown else { return Ok(()) };
                let (_, edit) = state.project.add_particle_edit(shown, x, y, state.class);
                let name = state.class.map_or("particle", |id| state.class_name(id)).to_owned();
                state.change(format!("add {name}"), edit)
            }
            Action::RemoveParticle(id) => state.change("remove particle", Edit::RemoveParticles(vec![id])),
            Action::LabelParticle(id) => self.label_or_select(id),
            Action::ChooseClass(id) => {
                state.class = Some(id);
                Ok(())
            }
            Action::LabelAs(id) => {
                state.class = Some(id);
                // Number keys also answer a question without a selection.
                if selected.is_empty() { Ok(()) } else { self.label_selected(&selected) }
            }
            Action::ClassAt(place) => {
                let Some(class) = state.project.classes.get(place) else { return Ok(()) };
                state.class = Some(class.id);
                match state.detection.current {
                    // Proposals are gone through with the keyboard: accept this one, on to the next.
                    Some(current) if state.detection.live => {
                        self.accept_one(current)?;
                        self.step_proposal(1);
                        Ok(())
                    }
                    _ => self.label_selected(&selected),
                }
            }
            Action::Agree => self.agree(),
            Action::Delete if !selected.is_empty() => {
                let name = format!("remove {}", count(selected.len(), "particle"));
                state.change(name, Edit::RemoveParticles(selected))
            }
            Action::Unlabel if !selected.is_empty() => {
                let edit = state.project.label_edit(&selected, None)?;
                state.change("take labels off", edit)
            }
            Action::HoldOut => {
                let labelled: Vec<&Particle> =
                    state.selected().into_iter().filter(|p| p.label.is_some()).collect();
                let hold = labelled.iter().any(|particle| !particle.held_out);
                let ids: Vec<ParticleId> = labelled.iter().map(|particle| particle.id).collect();
                if ids.is_empty() {
                    return Ok(());
                }
                let edit = state.project.hold_out_edit(&ids, hold)?;
                state.change(if hold { "hold labels out" } else { "train with labels again" }, edit)
            }
            _ => Ok(()),
        }
    }

    /// Undoes or redoes until the project is as its file.
    pub(super) fn back_to_saved(&mut self) {
        let Some(saved) = self.state.history.saved_at() else { return };
        self.go_to(saved);
    }

    /// Undoes or redoes until so many changes are done.
    pub(super) fn go_to(&mut self, done: usize) {
        loop {
            let at = self.state.history.len().1;
            let step = match at.cmp(&done) {
                std::cmp::Ordering::Equal => return,
                std::cmp::Ordering::Greater => self.state.undo(),
                std::cmp::Ordering::Less => self.state.redo(),
            };
            match step {
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => return self.complain(&error),
            }
        }
    }

    pub(super) fn throw_away(&mut self, journal: &std::path::Path) {
        if let Err(source) = std::fs::remove_file(journal) {
            self.complain(&Error::io(journal, "remove", source));
        }
    }

    /// A click on a particle gives it the current class; if it has it already, it is selected.
    fn label_or_select(&mut self, id: ParticleId) -> Result<()> {
        let state = &mut self.state;
        let label = state.project.particle(id).and_then(|particle| particle.label);
        if state.class.is_none() || label == state.class {
            state.selection = [id].into();
            return Ok(());
        }
        let name = format!("label {}", state.class.map_or("particle", |class| state.class_name(class)));
        let edit = state.project.label_edit(&[id], state.class)?;
        state.change(name, edit)
    }

    /// The current class goes to the selection, or answers the question about it.
    fn label_selected(&mut self, selected: &[ParticleId]) -> Result<()> {
        // A question out of sight is answered only about what is selected.
        let asked = !selected.is_empty() || self.layout.shows_review();
        let state = &mut self.state;
        if let Some(class) = state.class.filter(|_| asked && state.asking.is_about(selected)) {
            return self.answer(class);
        }
        let (Some(class), false) = (state.class, selected.is_empty()) else { return Ok(()) };
        let name = format!("label {} {}", count(selected.len(), "particle"), state.class_name(class));
        let edit = state.project.label_edit(selected, Some(class))?;
        state.change(name, edit)
    }

    pub(super) fn select(&mut self, particles: Vec<ParticleId>, join: bool) {
        if !join {
            self.state.selection.clear();
        }
        // What a view shows may be a moment older than the project.
        let there = |id: &ParticleId| self.state.project.particle(*id).is_some();
        let particles: Vec<ParticleId> = particles.into_iter().filter(there).collect();
        self.state.selection.extend(particles);
    }

    /// All in the list under the pointer, else all of the micrograph.
    pub(super) fn select_all(&mut self) {
        if let Some(particles) = self.layout.all_under_pointer() {
            return self.select(particles, false);
        }
        if let Some(shown) = self.state.shown {
            self.state.selection = self
                .state
                .project
                .particles_on(shown)
                .filter(|p| !self.state.is_hidden(p))
                .map(|p| p.id)
                .collect();
        }
    }

    /// Goes to the next proposal, or to the next particle without a label, on the shown micrograph.
    pub(super) fn step_unlabelled(&mut self, step: isize) {
        let state = &mut self.state;
        if state.detection.live && !state.detection.found.is_empty() {
            return self.step_proposal(step);
        }
        let Some(shown) = state.shown else { return };
        let wanted: Vec<ParticleId> = state
            .project
            .particles_on(shown)
            .filter(|particle| particle.label.is_none())
            .map(|p| p.id)
            .collect();
        let now = state.selection.iter().next().copied();
        let next = match (now, step > 0) {
            (Some(now), true) => wanted.iter().find(|id| **id > now).or(wanted.first()),
            (Some(now), false) => wanted.iter().rev().find(|id| **id < now).or(wanted.last()),
            (None, true) => wanted.first(),
            (None, false) => wanted.last(),
        };
        let Some(id) = next.copied() else {
            self.tell(Level::Done, "Every particle of this micrograph has a label.", None);
            return;
        };
        state.selection = [id].into();
        if let Some(particle) = self.state.project.particle(id) {
            self.layout.look_at(particle.x, particle.y);
        }
    }

    /// Adds the pages of a file as one change. A page that is there already is not doubled. Returns the micrograph of each.
    pub(super) fn add_pages(&mut self, pages: Vec<MicrographEntry>) -> Result<Vec<MicrographId>> {
        let there = self.state.project.micrographs.iter();
        let there: BTreeMap<(&str, usize), MicrographId> =
            there.map(|entry| ((entry.hash.as_str(), entry.page), entry.id)).collect();
        let known: Vec<Option<MicrographId>> =
            pages.iter().map(|entry| there.get(&(entry.hash.as_str(), entry.page)).copied()).collect();
        let mut edits = Vec::new();
        let mut ids = Vec::with_capacity(pages.len());
        let mut name = String::new();
        let mut added = 0;
        for (mut entry, known) in pages.into_iter().zip(known) {
            if let Some(id) = known {
                ids.push(id);
                // Lost under its old path and given again: it has moved.
                if let Some(old) = self.state.project.micrograph(id).filter(|old| !old.path.is_file()) {
                    name = format!("find {}", entry.file_name());
                    edits.push(Edit::ChangeMicrograph(MicrographEntry { path: entry.path, ..old.clone() }));
                    self.state.pictures.remove(&id);
                }
                continue;
            }
            entry.contrast = (0.5, 99.5);
            name = format!("add {}", entry.file_name());
            let (id, mut edit) = self.state.project.add_micrograph_edit(entry);
            if let Edit::AddMicrograph { place, .. } = &mut edit {
                *place += added;
                added += 1;
            }
            edits.push(edit);
            ids.push(id);
        }
        match edits.len() {
            0 => {}
            1 => self.state.change(name, edits.remove(0))?,
            n => self.state.change(format!("{name}, {n} pages"), Edit::Together(edits))?,
        }
        Ok(ids)
    }
}
