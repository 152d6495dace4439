//! The question that stands, those that wait behind it, and what has been answered.

use crate::particle::{ClassId, ParticleId};
use crate::project::Project;
use crate::review::Table;
use crate::review::queue::{Answer, Progress, Question, Reason, Review};
use std::sync::Arc;

/// A question, and how its particle stood when it was put.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub question: Question,
    pub label: Option<ClassId>,
    /// The class the model proposes, if the project has it.
    pub proposal: Option<ClassId>,
}

/// What the review knows; its panel only shows it.
#[derive(Default)]
pub struct Asking {
    pub review: Review,
    /// The question that stands.
    pub current: Option<Asked>,
    /// Those that wait, the next one last.
    ahead: Vec<Asked>,
    /// Those answered since the project was opened, the last one last: who undoes an answer is asked again.
    past: Vec<Asked>,
    /// Questions are being gone through, until the user stops.
    pub on: bool,
    /// The next question is put as soon as there is one.
    pub wanted: bool,
    /// Questions are being looked for, beside the window.
    pub looking: bool,
    /// How far it was when they were last looked for, and in what.
    pub progress: Option<Progress>,
    looked_in: Option<(Arc<Table>, u64)>,
    /// Grows with every answer, given or taken back.
    pub revision: u64,
    /// The answers are not in their file yet.
    pub unsaved: bool,
    /// The revision of the project that was last looked at.
    seen: u64,
}

impl Asking {
    /// With the answers that lie beside a project; those whose label was never saved do not count, and those whose label was
    /// taken back without saving do.
    pub fn with(mut review: Review, project: &Project, revision: u64) -> Self {
        let label = |id| project.particle(id).map(|particle| particle.label);
        review.remember_redone(label);
        review.forget_undone(label);
        Self { review, seen: revision, ..Self::default() }
    }

    /// True if the number keys answer: nothing is selected but the particle in question.
    pub fn is_about(&self, selected: &[ParticleId]) -> bool {
        let asked = self.current.as_ref().map(|asked| asked.question.id);
        asked.is_some_and(|id| selected.iter().all(|one| *one == id))
    }

    /// True if what is known of the questions is up to date with this table and all answers.
    pub fn has_looked_in(&self, table: &Arc<Table>) -> bool {
        let same = |(of, revision): &(Arc<Table>, u64)| Arc::ptr_eq(of, table) && *revision == self.revision;
        self.looked_in.as_ref().is_some_and(same)
    }

    /// Takes what was found; a queue that is being gone through goes on with the questions it has.
    pub fn found(&mut self, found: Found, project: &Project) {
        self.looking = false;
        self.progress = found.progress;
        self.looked_in = found.looked_in;
        if self.current.is_some() && !self.ahead.is_empty() {
            return;
        }
        let asked = found.questions.into_iter().map(|(question, proposal)| {
            let label = project.particle(question.id).and_then(|particle| particle.label);
            let proposal = proposal.and_then(|name| project.class_named(&name)).map(|class| class.id);
            Asked { question, label, proposal }
        });
        // A label that came while they were looked for may have answered one.
        let open = |asked: &Asked| match asked.question.reason {
            Reason::Conflict => asked.label.is_some() && asked.label != asked.proposal,
            _ => asked.label.is_none(),
        };
        self.ahead = asked.filter(open).collect();
        self.ahead.reverse();
    }

    /// A model is trained anew: what stands and waits is about the one before.
    pub fn withdraw(&mut self) {
        (self.current, self.progress) = (None, None);
        self.ahead.clear();
        (self.on, self.wanted) = (false, false);
    }

    /// Puts the next question that is still one; false if there is none.
    pub fn next(&mut self, project: &Project) -> bool {
        self.current = None;
        while let Some(asked) = self.ahead.pop() {
            let particle = project.particle(asked.question.id);
            let as_it_was = particle.is_some_and(|p| p.label == asked.label && !p.held_out);
            if as_it_was && !self.review.is_answered(asked.question.id) {
                self.current = Some(asked);
                return true;
            }
        }
        false
    }

    /// The standing question is answered with this label, or with none: skipped, or the label that stood was right.
    pub fn answer(&mut self, given: Option<ClassId>) {
        self.close(given, false);
    }

    /// The standing question is not answered, and not put again.
    pub fn skip(&mut self) {
        self.close(None, true);
    }

    fn close(&mut self, given: Option<ClassId>, skipped: bool) {
        let Some(asked) = self.current.take() else { return };
        let stood = asked.label.or(asked.proposal);
        let answer = Answer {
            changed: given.is_some() && given != stood,
            given,
            skipped,
            spot_check: asked.question.reason == Reason::SpotCheck && asked.proposal.is_some(),
            before: asked.label,
        };
        self.review.answer(asked.question.id, answer);
        self.past.push(asked);
        self.touched();
    }

    fn touched(&mut self) {
        self.revision += 1;
        self.unsaved = true;
    }

    /// Looks at the project after a change. True if the question that stood is no longer one.
    ///
    /// A label that came any other way is the answer, too; an answer that was undone is asked for again.
    pub fn follow(&mut self, project: &Project, revision: u64) -> bool {
        if std::mem::replace(&mut self.seen, revision) == revision {
            return false;
        }
        let label = |id| project.particle(id).map(|particle| particle.label);
        let (redone, undone) = (self.review.remember_redone(label), self.review.forget_undone(label));
        if !(redone.is_empty() && undone.is_empty()) {
            self.touched();
            self.ask_no_more(&redone);
            self.ask_again(&undone);
        }
        let Some(current) = &mut self.current else { return false };
        let Some(particle) = project.particle(current.question.id).filter(|p| !p.held_out) else {
            self.current = None;
            return true;
        };
        match particle.label {
            now if now == current.label => false,
            None => {
                current.label = None;
                false
            }
            given => {
                self.answer(given);
                true
            }
        }
    }

    /// Those whose answer is back wait no longer.
    fn ask_no_more(&mut self, redone: &[ParticleId]) {
        let ahead = std::mem::take(&mut self.ahead).into_iter();
        let (answered, ahead) = ahead.partition(|asked| redone.contains(&asked.question.id));
        self.ahead = ahead;
        self.past.extend::<Vec<Asked>>(answered);
    }

    /// Those that were undone stand again, the earliest first.
    fn ask_again(&mut self, undone: &[ParticleId]) {
        let past = std::mem::take(&mut self.past).into_iter();
        let (again, past): (Vec<Asked>, _) = past.partition(|asked| undone.contains(&asked.question.id));
        self.past = past;
        if self.on {
            for asked in again.into_iter().rev() {
                self.ahead.extend(self.current.replace(asked));
            }
        }
    }
}

/// What was found beside the window.
#[derive(Default)]
pub struct Found {
    /// Nothing where there is no model yet.
    pub progress: Option<Progress>,
    pub looked_in: Option<(Arc<Table>, u64)>,
    /// With the name of the class the model proposes.
    pub questions: Vec<(Question, Option<String>)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::MicrographEntry;
    use crate::project::edit::Edit;
    use crate::project::history::History;

    /// Four particles without a label and one of the first class; two classes.
    fn project() -> (Project, History, Vec<ParticleId>) {
        let mut project = Project::new();
        let (id, edit) = project.add_micrograph_edit(MicrographEntry::new("/a.tif", 0, 90, 90, None, "hash"));
        project.apply(edit).unwrap();
        for name in ["rod", "cube"] {
            let (_, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
        }
        for i in 0..5 {
            let label = (i == 4).then(|| project.classes[0].id);
            let (_, edit) = project.add_particle_edit(id, i as f32, 5.0, label);
            project.apply(edit).unwrap();
        }
        let ids = project.particles.keys().copied().collect();
        (project, History::new(), ids)
    }

    /// A question about each; the model says cube of all.
    fn found(ids: &[ParticleId]) -> Found {
        let reason = |i| if i == 4 { Reason::Conflict } else { Reason::Uncertain };
        let question = |(i, id): (usize, &ParticleId)| Question {
            id: *id,
            reason: reason(i),
            proposal: Some(1),
            doubt: 0.4,
        };
        let questions = ids.iter().enumerate().map(question).map(|q| (q, Some("cube".to_owned()))).collect();
        Found { questions, ..Found::default() }
    }

    fn asked(asking: &Asking) -> Option<u64> {
        asking.current.as_ref().map(|asked| asked.question.id.0)
    }

    #[test]
    fn what_was_labelled_otherwise_or_went_is_not_asked() {
        let (mut project, mut history, ids) = project();
        let mut asking = Asking { on: true, ..Asking::default() };
        asking.found(found(&ids), &project);
        assert!(asking.next(&project));
        assert_eq!(asked(&asking), Some(ids[0].0));
        // The first two get a label another way, the third goes: the fourth is next.
        let cube = project.classes[1].id;
        for edit in [project.label_edit(&ids[..2], Some(cube)).unwrap(), Edit::RemoveParticles(vec![ids[2]])]
        {
            history.apply(&mut project, edit, "change").unwrap();
        }
        assert!(asking.follow(&project, 1) && !asking.follow(&project, 1));
        // The label that came counted as the answer; it is what the model said.
        assert_eq!(asking.review.counts(), (1, 0));
        assert!(asking.next(&project));
        assert_eq!(asked(&asking), Some(ids[3].0));
        // The conflict is relabelled while it waits, the standing one is removed: nothing is left.
        let edit = project.label_edit(&ids[4..], Some(cube)).unwrap();
        history.apply(&mut project, edit, "label").unwrap();
        let edit = Edit::RemoveParticles(vec![ids[3]]);
        history.apply(&mut project, edit, "remove").unwrap();
        assert!(asking.follow(&project, 2) && !asking.next(&project));
    }

    #[test]
    fn who_undoes_an_answer_is_asked_again_and_redo_answers() {
        let (mut project, mut history, ids) = project();
        let mut asking = Asking { on: true, ..Asking::default() };
        asking.found(found(&ids), &project);
        let rod = project.classes[0].id;
        asking.next(&project);
        for place in 0..2 {
            let edit = project.label_edit(&ids[place..=place], Some(rod)).unwrap();
            history.apply(&mut project, edit, "label").unwrap();
            assert!(asking.follow(&project, place as u64 + 1) && asking.next(&project));
        }
        assert_eq!((asked(&asking), asking.review.counts()), (Some(ids[2].0), (2, 2)));
        // Both at once, as a click in the history does.
        history.undo(&mut project).unwrap();
        history.undo(&mut project).unwrap();
        assert!(!asking.follow(&project, 3));
        assert_eq!((asked(&asking), asking.review.counts()), (Some(ids[0].0), (0, 0)));
        history.redo(&mut project).unwrap();
        assert!(asking.follow(&project, 4) && asking.next(&project));
        assert_eq!((asked(&asking), asking.review.counts()), (Some(ids[1].0), (1, 1)));
        asking.skip();
        assert_eq!((asking.review.counts(), asking.review.skipped()), ((1, 1), 1));
        assert!(asking.next(&project));
        assert_eq!(asked(&asking), Some(ids[2].0), "skipped, and the one that was put before comes next");
    }

    #[test]
    fn answers_are_back_when_the_removal_of_their_class_is_undone() {
        let (mut project, mut history, ids) = project();
        let mut asking = Asking { on: true, ..Asking::default() };
        asking.found(found(&ids), &project);
        let rod = project.classes[0].id;
        asking.next(&project);
        for place in 0..3 {
            let edit = project.label_edit(&ids[place..=place], Some(rod)).unwrap();
            history.apply(&mut project, edit, "label").unwrap();
            assert!(asking.follow(&project, place as u64 + 1) && asking.next(&project));
        }
        let answered = asking.review.clone();
        let labelled: Vec<ParticleId> = project.particles_labelled(rod).map(|p| p.id).collect();
        let taken_off = project.label_edit(&labelled, None).unwrap();
        let removed = project.delete_class_edit(rod).unwrap();
        history.apply(&mut project, Edit::Together(vec![taken_off, removed]), "remove class rod").unwrap();
        asking.follow(&project, 4);
        assert_eq!((asking.review.counts(), asked(&asking)), ((0, 0), Some(ids[0].0)));
        history.undo(&mut project).unwrap();
        assert!(asking.follow(&project, 5) && asking.next(&project));
        assert_eq!((asking.review.counts(), asked(&asking)), ((3, 3), Some(ids[3].0)));
        assert_eq!(asking.review, answered);
    }

    #[test]
    fn nothing_is_looked_for_twice() {
        let (project, _, ids) = project();
        let table = Arc::new(Table::default());
        let mut asking = Asking::default();
        assert!(!asking.has_looked_in(&table));
        asking.found(Found { looked_in: Some((table.clone(), 0)), ..found(&ids) }, &project);
        assert!(asking.has_looked_in(&table) && !asking.has_looked_in(&Arc::new(Table::default())));
        asking.next(&project);
        asking.answer(None);
        assert!(!asking.has_looked_in(&table));
    }
}
