//! Questions looked for beside the window, put one after the other, and their answers kept beside the project.

use super::super::App;
use super::super::jobs::Done;
use super::super::run::Phase;
use super::super::state::Level;
use super::asking::{Asking, Found};
use crate::error::{Error, Result};
use crate::particle::{ClassId, ParticleId};
use crate::review::queue::{Question, Review};
use crate::review::{answers, suggest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Questions made at once; the later ones would be out of date.
const AHEAD: usize = 10;
/// Particles proposed where there is no model yet.
const SUGGESTED: usize = 12;

/// Writes answers beside their project in the order they were given, whichever thread comes first.
#[derive(Clone, Default)]
pub struct Keeper {
    given: u64,
    /// The newest that lie in each file.
    written: Arc<Mutex<BTreeMap<PathBuf, u64>>>,
}

impl Keeper {
    /// What writes these answers.
    fn writing(&mut self, review: Review, path: PathBuf) -> impl FnOnce() -> Result<()> + Send + 'static {
        self.given += 1;
        let (given, all) = (self.given, self.written.clone());
        move || {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            let written = all.entry(path.clone()).or_default();
            if *written < given {
                review.save(&path)?;
                *written = given;
            }
            Ok(())
        }
    }
}

impl App {
    /// Goes through questions from now on.
    pub(in crate::app) fn begin_asking(&mut self) {
        self.layout.show_review();
        self.state.asking.on = true;
        if self.state.asking.current.is_none() {
            self.ask_next();
        }
    }

    /// Asks no more until the user wants it.
    pub(in crate::app) fn stop_asking(&mut self) {
        let asking = &mut self.state.asking;
        (asking.on, asking.wanted, asking.current) = (false, false, None);
    }

    /// Leaves the particle as it is; it is not asked about again. A question out of sight stands.
    pub(in crate::app) fn skip_question(&mut self) {
        if self.state.asking.current.is_some() && self.layout.shows_review() {
            self.state.asking.skip();
            self.ask_next();
        }
    }

    /// Answers with what the model proposes, unless the question is out of sight.
    pub(in crate::app) fn agree(&mut self) -> Result<()> {
        let asked = self.state.asking.current.as_ref().filter(|_| self.layout.shows_review());
        let proposal = asked.and_then(|asked| asked.proposal);
        proposal.map_or(Ok(()), |class| self.answer(class))
    }

    /// Answers the standing question. The label that stands already is an answer, too: then the model was wrong.
    pub(in crate::app) fn answer(&mut self, class: ClassId) -> Result<()> {
        let Some(id) = self.state.asking.current.as_ref().map(|asked| asked.question.id) else {
            return Ok(());
        };
        if self.state.project.particle(id).and_then(|particle| particle.label) == Some(class) {
            self.state.asking.answer(None);
            self.ask_next();
            return Ok(());
        }
        let name = format!("label 1 particle {}", self.state.class_name(class));
        let edit = self.state.project.label_edit(&[id], Some(class))?;
        self.state.change(name, edit)?;
        self.follow_review();
        Ok(())
    }

    /// What changes of the project mean for the questions, and answers for their file.
    pub(in crate::app) fn follow_review(&mut self) {
        let asked = |asking: &Asking| asking.current.as_ref().map(|asked| asked.question.id);
        let before = asked(&self.state.asking);
        if self.state.asking.follow(&self.state.project, self.state.revision) {
            self.ask_next();
        } else if let Some(id) = asked(&self.state.asking).filter(|id| before != Some(*id)) {
            self.go_to_particle(id);
        }
        self.keep_answers();
    }

    /// Puts the next question; looks for more if none is left.
    fn ask_next(&mut self) {
        if self.state.asking.next(&self.state.project) {
            self.state.asking.wanted = false;
            if let Some(id) = self.state.asking.current.as_ref().map(|asked| asked.question.id) {
                self.go_to_particle(id);
            }
        } else {
            self.state.asking.wanted = self.state.asking.on;
            self.look_for_questions();
        }
    }

    /// Once a training has ended it is told how much there is to review, whether that pane is open or not.
    pub(in crate::app) fn look_after_training(&mut self) {
        let ended = matches!(self.state.training.phase, Phase::Ended { .. }) && self.state.results.is_some();
        if ended && self.state.asking.progress.is_none() && self.layout.table().is_some() {
            self.look_for_questions();
        }
    }

    /// Looks for questions beside the window: at 100,000 particles it takes a while.
    pub(in crate::app) fn look_for_questions(&mut self) {
        let asking = &mut self.state.asking;
        if asking.looking {
            return;
        }
        let (review, revision) = (asking.review.clone(), asking.revision);
        let name = "Looking for questions".to_owned();
        if let Some(table) = self.layout.table().cloned() {
            asking.looking = true;
            self.jobs.start_quietly(name, move |_| {
                let outlook = review.outlook(&table, AHEAD);
                let class = |question: Question| {
                    let class = question.proposal.and_then(|place| table.classes.get(place)).cloned();
                    (question, class)
                };
                let questions = outlook.questions.into_iter().map(class).collect();
                let looked_in = Some((table, revision));
                Done::Questions(Found { progress: Some(outlook.progress), looked_in, questions })
            });
        } else if let Some(dataset) = self.state.training.dataset.clone() {
            asking.looking = true;
            let project = &self.state.project;
            let taken = |id: &ParticleId| {
                review.is_answered(*id) || project.particle(*id).is_none_or(|p| p.label.is_some())
            };
            let taken: Vec<bool> = dataset.ids.iter().map(taken).collect();
            self.jobs.start_quietly(name, move |_| {
                let places = suggest::first_to_label(&dataset.patches, &taken, SUGGESTED);
                let ids = places.into_iter().filter_map(|place| dataset.ids.get(place));
                let questions = ids.map(|id| (Question::typical(*id), None)).collect();
                Done::Questions(Found { questions, ..Found::default() })
            });
        } else {
            asking.wanted = false;
        }
    }

    /// Questions were found; the first is put if one is waited for.
    pub(in crate::app) fn on_questions(&mut self, found: Found) {
        let asking = &mut self.state.asking;
        asking.found(found, &self.state.project);
        if std::mem::take(&mut asking.wanted) && asking.next(&self.state.project) {
            let id = asking.current.as_ref().map(|asked| asked.question.id);
            id.into_iter().for_each(|id| self.go_to_particle(id));
        }
    }

    /// Where the answers are kept; nowhere while the project has no file of its own.
    fn answers_path(&self) -> Option<PathBuf> {
        let ours = self.state.history.locked().is_none() && self.path_before.is_none();
        self.state.path.as_deref().filter(|_| ours).map(answers::path_of)
    }

    /// Writes the answers beside the project, beside the window.
    pub(in crate::app) fn keep_answers(&mut self) {
        if let Some(writing) = self.answers_to_write() {
            self.jobs.start_writing_quietly("Keeping answers".into(), move |_| Done::AnswersKept(writing()));
        }
    }

    /// Writes them before the window goes.
    pub(in crate::app) fn keep_answers_now(&mut self) {
        if let Some(writing) = self.answers_to_write() {
            // Nobody is left to be told; at worst something is asked twice.
            let _ = writing();
        }
    }

    fn answers_to_write(&mut self) -> Option<impl FnOnce() -> Result<()> + Send + 'static> {
        let path = self.answers_path().filter(|_| self.state.asking.unsaved)?;
        self.state.asking.unsaved = false;
        Some(self.keeper.writing(self.state.asking.review.clone(), path))
    }

    pub(in crate::app) fn on_answers_kept(&mut self, kept: Result<()>) {
        if let Err(error) = kept {
            self.complain(&error);
        }
    }

    /// The project was saved elsewhere: its answers go along.
    pub(in crate::app) fn answers_follow(&mut self) {
        self.state.asking.unsaved = true;
        self.keep_answers();
    }

    /// A project was opened: what was answered in it before?
    pub(in crate::app) fn look_for_answers(&mut self) {
        let review = match self.state.path.as_deref().map(|path: &Path| Review::load(&answers::path_of(path)))
        {
            Some(Ok(review)) => review,
            Some(Err(error)) => {
                self.tell_lost_answers(&error);
                Review::default()
            }
            None => Review::default(),
        };
        self.state.project.reserve_particles(review.asked());
        self.state.asking = Asking::with(review, &self.state.project, self.state.revision);
    }

    fn tell_lost_answers(&mut self, error: &Error) {
        let text = format!("What was asked before cannot be read, so some of it may be asked again. {error}");
        self.tell(Level::Warning, text, Some(format!("{error:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::queue::Answer;

    #[test]
    fn the_newest_answers_stay_whoever_writes_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.review.json");
        let mut keeper = Keeper::default();
        let mut review = Review::default();
        review.answer(ParticleId(1), Answer::default());
        let first = keeper.writing(review.clone(), path.clone());
        review.answer(ParticleId(2), Answer::default());
        let second = keeper.writing(review.clone(), path.clone());
        second().unwrap();
        first().unwrap();
        assert_eq!(Review::load(&path).unwrap().counts(), (2, 0));
        // Another project's file is another matter.
        let other = dir.path().join("b.review.json");
        keeper.given = 0;
        keeper.writing(review, other.clone())().unwrap();
        assert!(other.is_file());
    }
}
