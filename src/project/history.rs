//! Undo and redo of every change, and whether there is anything to save.

use super::Project;
use super::edit::Edit;
use crate::Result;

/// The changes since the project was opened, those taken back, and where between them the file on disk stands.
#[derive(Clone, Debug)]
pub struct History {
    done: Vec<Step>,
    /// Last taken back is last.
    undone: Vec<Step>,
    /// How many changes were done when the project was saved; `None` if undo and redo cannot get back there.
    saved: Option<usize>,
}

/// A named change; `edit` leads to the other side of it: back if it is done, forth if it is undone.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    edit: Edit,
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// No change yet, nothing to save.
    pub fn new() -> Self {
        Self { done: Vec::new(), undone: Vec::new(), saved: Some(0) }
    }

    /// Applies an edit and remembers how to take it back. What was undone before can then no longer be redone.
    ///
    /// `name` says what happened, for the menu: "label 3 particles rod".
    ///
    /// # Errors
    /// As [`Project::apply`]; project and history are then as they were.
    pub fn apply(&mut self, project: &mut Project, edit: Edit, name: impl Into<String>) -> Result<()> {
        let inverse = project.apply(edit)?;
        if self.saved.is_some_and(|saved| saved > self.done.len()) {
            self.saved = None;
        }
        self.undone.clear();
        self.done.push(Step { name: name.into(), edit: inverse });
        Ok(())
    }

    /// Takes the last change back and returns its name, or `None` if there is none.
    ///
    /// # Errors
    /// If the project was changed past its history; nothing happens then.
    pub fn undo(&mut self, project: &mut Project) -> Result<Option<String>> {
        cross(&mut self.done, &mut self.undone, project)
    }

    /// Makes the change again that was last taken back and returns its name, or `None` if there is none.
    ///
    /// # Errors
    /// If the project was changed past its history; nothing happens then.
    pub fn redo(&mut self, project: &mut Project) -> Result<Option<String>> {
        cross(&mut self.undone, &mut self.done, project)
    }

    /// What [`History::undo`] would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.done.last().map(|step| step.name.as_str())
    }

    /// What [`History::redo`] would make again.
    pub fn redo_name(&self) -> Option<&str> {
        self.undone.last().map(|step| step.name.as_str())
    }

    /// Names of the changes that are done, oldest first.
    pub fn names(&self) -> Vec<&str> {
        self.done.iter().map(|step| step.name.as_str()).collect()
    }

    /// True if the work differs from what was last saved (or opened).
    pub fn is_dirty(&self) -> bool {
        self.saved != Some(self.done.len())
    }

    /// The project as it is now has been written to its file.
    pub fn mark_saved(&mut self) {
        self.saved = Some(self.done.len());
    }

    /// The project differs from its file whatever is undone (it was imported, or its micrographs were found elsewhere).
    pub fn mark_unsaved(&mut self) {
        self.saved = None;
    }
}

/// Applies the last step of `from` and puts the way back onto `to`.
fn cross(from: &mut Vec<Step>, to: &mut Vec<Step>, project: &mut Project) -> Result<Option<String>> {
    let Some(step) = from.last() else { return Ok(None) };
    let edit = project.apply(step.edit.clone())?;
    let name = step.name.clone();
    from.pop();
    to.push(Step { name: name.clone(), edit });
    Ok(Some(name))
}
