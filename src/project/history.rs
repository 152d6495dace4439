//! Undo and redo of every change, and whether there is anything to save.

use super::edit::Edit;
use super::journal::{Journal, Mark};
use super::{Counters, MicrographEntry, Project};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The changes since the project was opened, those taken back, and where between them the file on disk stands.
///
/// If the history has a journal, every step goes there, too, so that it survives the program.
#[derive(Debug)]
pub struct History {
    /// Oldest first; the first `at` are done, the others are taken back.
    steps: Vec<Arc<Step>>,
    at: usize,
    next_id: u64,
    /// The state that is in the file; `None` if it differs from the file whatever is undone.
    saved: Option<StateId>,
    journal: Option<Journal>,
    /// The journal at the place where the project is being saved under another name.
    moving: Option<Journal>,
    /// Why nothing may be changed, as a sentence.
    locked: Option<String>,
}

/// Names the project as it is between two steps; no two different states of a history have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateId(u64);

/// A named change and the way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    id: u64,
    name: String,
    forth: Edit,
    back: Edit,
    /// The identifiers the project had given out before and after.
    before: Counters,
    after: Counters,
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// No change yet, nothing to save, no journal.
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            at: 0,
            next_id: 1,
            saved: Some(StateId(0)),
            journal: None,
            moving: None,
            locked: None,
        }
    }

    /// Applies an edit and remembers how to take it back. What was undone before can then no longer be redone.
    ///
    /// `name` says what happened, for the menu: "label 3 particles rod".
    ///
    /// # Errors
    /// As [`Project::apply`], and [`Error::Invalid`] if the project may only be looked at; project and history are
    /// then as they were.
    pub fn apply(&mut self, project: &mut Project, edit: Edit, name: impl Into<String>) -> Result<()> {
        self.check_unlocked()?;
        let (forth, before) = (edit.clone(), project.counters());
        let back = project.apply(edit)?;
        let (id, name, after) = (self.next_id, name.into(), project.counters());
        let step = Arc::new(Step { id, name, forth, back, before, after });
        self.push(step.clone());
        self.journals().for_each(|journal| journal.step(step.clone()));
        Ok(())
    }

    /// Takes the last change back and returns its name, or `None` if there is none. The project is then exactly as it
    /// was before, but for identifiers: those once given out are not given out again while the program runs.
    ///
    /// # Errors
    /// If the project was changed past its history, or may only be looked at; nothing happens then.
    pub fn undo(&mut self, project: &mut Project) -> Result<Option<String>> {
        self.check_unlocked()?;
        let name = self.back(Some(project))?;
        if name.is_some() {
            self.journals().for_each(Journal::undo);
        }
        Ok(name)
    }

    /// Makes the change again that was last taken back and returns its name, or `None` if there is none.
    ///
    /// # Errors
    /// If the project was changed past its history, or may only be looked at; nothing happens then.
    pub fn redo(&mut self, project: &mut Project) -> Result<Option<String>> {
        self.check_unlocked()?;
        let name = self.forth(Some(project))?;
        if name.is_some() {
            self.journals().for_each(Journal::redo);
        }
        Ok(name)
    }

    /// A micrograph was found at another path than the changes know: undoing one of them must not lose it again.
    pub fn follow(&mut self, found: &MicrographEntry) {
        for step in self.steps.iter_mut().map(Arc::make_mut) {
            step.forth.follow(found);
            step.back.follow(found);
        }
    }

    /// What [`History::undo`] would apply.
    pub fn undo_edit(&self) -> Option<&Edit> {
        self.at.checked_sub(1).and_then(|last| self.steps.get(last)).map(|step| &step.back)
    }

    /// What [`History::redo`] would apply.
    pub fn redo_edit(&self) -> Option<&Edit> {
        self.steps.get(self.at).map(|step| &step.forth)
    }

    /// What [`History::undo`] would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.at.checked_sub(1).and_then(|last| self.steps.get(last)).map(|step| step.name.as_str())
    }

    /// What [`History::redo`] would make again.
    pub fn redo_name(&self) -> Option<&str> {
        self.steps.get(self.at).map(|step| step.name.as_str())
    }

    /// Names of all changes, oldest first, and how many of them are done; the others have been taken back.
    pub fn names(&self) -> (Vec<&str>, usize) {
        (self.steps.iter().map(|step| step.name.as_str()).collect(), self.at)
    }

    /// How many changes there are, and how many of them are done.
    pub fn len(&self) -> (usize, usize) {
        (self.steps.len(), self.at)
    }

    /// True if nothing was changed yet.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Names the project as it is now.
    pub fn state(&self) -> StateId {
        StateId(self.at.checked_sub(1).map_or(0, |last| self.steps[last].id))
    }

    /// True if the work differs from what was last saved (or opened).
    pub fn is_dirty(&self) -> bool {
        self.saved != Some(self.state())
    }

    /// True if a change that is done is more than pictures that were added, taken away or shown in other shades: something
    /// that a person made and would have to make again.
    pub fn has_work(&self) -> bool {
        self.steps[..self.at].iter().any(|step| is_work(&step.forth, &step.back))
    }

    /// How many changes were done when the project was saved; `None` if undo and redo do not lead there.
    pub fn saved_at(&self) -> Option<usize> {
        let saved = self.saved?;
        (0..=self.steps.len()).find(|at| saved.0 == at.checked_sub(1).map_or(0, |last| self.steps[last].id))
    }

    /// The project as it was in `state` has been written to its file.
    pub fn mark_saved(&mut self, state: StateId) {
        self.saved = Some(state);
    }

    /// The project differs from its file whatever is undone (it was imported, or its micrographs were found elsewhere).
    pub fn mark_unsaved(&mut self) {
        self.saved = None;
    }

    /// Nothing may be changed from now on; `why` is a sentence that says what to do.
    pub fn lock(&mut self, why: impl Into<String>) {
        self.locked = Some(why.into());
    }

    /// Why nothing may be changed, if so.
    pub fn locked(&self) -> Option<&str> {
        self.locked.as_deref()
    }

    /// The journal, if there is one.
    pub fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// What [`super::store::save_marked`] needs to tell the journal which state it writes.
    pub fn mark(&self) -> Option<Mark> {
        self.moving.as_ref().or(self.journal.as_ref()).map(Journal::mark)
    }

    /// Goes on with a journal that has all steps already.
    pub(super) fn go_on(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Writes to another journal, too, which is told all steps: the project is being saved at another place.
    pub(super) fn move_to(&mut self, mut journal: Journal) {
        self.steps.iter().for_each(|step| journal.step(step.clone()));
        (self.at..self.steps.len()).for_each(|_| journal.undo());
        self.moved(false);
        self.moving = Some(journal);
    }

    /// Saving at another place succeeded or not: one of the two journals has had its day. True if there were two.
    pub fn moved(&mut self, done: bool) -> bool {
        let Some(moving) = self.moving.take() else { return false };
        let old = if done {
            self.locked = None;
            self.journal.replace(moving)
        } else {
            Some(moving)
        };
        old.into_iter().for_each(Journal::finish);
        true
    }

    /// Ends the journal and removes its file: what it holds is saved, or not wanted.
    pub fn finish_journal(&mut self) {
        self.moved(false);
        self.journal.take().into_iter().for_each(Journal::finish);
    }

    fn journals(&mut self) -> impl Iterator<Item = &mut Journal> {
        self.journal.iter_mut().chain(&mut self.moving)
    }

    fn check_unlocked(&self) -> Result<()> {
        match &self.locked {
            Some(why) => Err(Error::invalid("read-only", why.as_str())),
            None => Ok(()),
        }
    }

    /// Takes a step that has just been done.
    pub(super) fn push(&mut self, step: Arc<Step>) {
        self.steps.truncate(self.at);
        self.next_id = self.next_id.max(step.id + 1);
        self.steps.push(step);
        self.at += 1;
    }

    /// Goes one step back; without a project only the history does.
    pub(super) fn back(&mut self, project: Option<&mut Project>) -> Result<Option<String>> {
        let Some(step) = self.at.checked_sub(1).and_then(|last| self.steps.get(last)) else {
            return Ok(None);
        };
        if let Some(project) = project {
            project.apply(step.back.clone())?;
            project.set_counters(step.before);
        }
        self.at -= 1;
        Ok(Some(step.name.clone()))
    }

    /// Goes one step forth; without a project only the history does.
    pub(super) fn forth(&mut self, project: Option<&mut Project>) -> Result<Option<String>> {
        let Some(step) = self.steps.get(self.at) else { return Ok(None) };
        if let Some(project) = project {
            project.apply(step.forth.clone())?;
            project.set_counters(step.after);
        }
        self.at += 1;
        Ok(Some(step.name.clone()))
    }
}

/// See [`History::has_work`].
fn is_work(forth: &Edit, back: &Edit) -> bool {
    match (forth, back) {
        (Edit::AddMicrograph { .. } | Edit::RemoveMicrograph(_), _) => false,
        (Edit::ChangeMicrograph(after), Edit::ChangeMicrograph(before)) => {
            let MicrographEntry { path, contrast, tone, .. } = before.clone();
            MicrographEntry { path, contrast, tone, ..after.clone() } != *before
        }
        // The way back is the other way round.
        (Edit::Together(forth), Edit::Together(back)) => {
            forth.iter().zip(back.iter().rev()).any(|(forth, back)| is_work(forth, back))
        }
        _ => true,
    }
}

impl Step {
    /// Makes the change, as it was made when the step was taken.
    pub(super) fn apply(&self, project: &mut Project) -> Result<()> {
        project.apply(self.forth.clone())?;
        project.set_counters(self.after);
        Ok(())
    }
}
