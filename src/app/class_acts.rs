//! What can be done with the current class from the keyboard, the menu and the palette.

use super::App;
use super::action::Action;
use super::dialogs::Dialog;
use crate::error::Result;
use crate::particle::Class;
use crate::project::CLASS_COLOURS;
use crate::project::edit::Edit;

/// One thing to do with the current class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassAct {
    /// To the field for the name of a new one.
    Add,
    /// To the field for another name.
    Rename,
    /// The next colour of the palette.
    Recolour,
    Up,
    Down,
    /// Asks with which class.
    Merge,
    /// Hides its particles, or shows them again.
    Hide,
    SelectIts,
    /// Asks what becomes of its particles.
    Remove,
}

impl App {
    /// Does it to the current class, if there is one.
    pub(super) fn act_on_class(&mut self, act: ClassAct) -> Result<()> {
        let state = &mut self.state;
        let Some(class) = state.class.and_then(|id| state.project.class(id)).cloned() else { return Ok(()) };
        let place = state.project.class_index(class.id).unwrap_or_default();
        let to = |place: usize| Action::MoveClass { class: class.id, place };
        match act {
            // The panel of the classes has taken them.
            ClassAct::Add | ClassAct::Rename => {}
            ClassAct::Recolour => {
                let now = CLASS_COLOURS.iter().position(|colour| *colour == class.colour);
                let next = now.map_or(0, |now| (now + 1) % CLASS_COLOURS.len());
                let name = format!("recolour {}", class.name);
                let edit = Edit::ChangeClass(Class { colour: CLASS_COLOURS[next], ..class });
                return state.change(name, edit);
            }
            ClassAct::Up if place > 0 => self.actions.push(to(place - 1)),
            ClassAct::Down if place + 1 < state.project.classes.len() => self.actions.push(to(place + 1)),
            ClassAct::Up | ClassAct::Down => {}
            ClassAct::Merge => self.dialog = Dialog::MergeClass { class: class.id },
            ClassAct::Hide => self.actions.push(Action::ToggleClass(class.id)),
            ClassAct::SelectIts => {
                let particles = state.project.particles_labelled(class.id).map(|p| p.id).collect();
                self.actions.push(Action::Select { particles, join: false });
            }
            ClassAct::Remove => self.actions.push(Action::RemoveClass(class.id)),
        }
        Ok(())
    }
}
