//! What a person has answered so far. It lies beside the project, so that nothing is asked twice, not even tomorrow.

use crate::error::{Error, Result};
use crate::particle::{ClassId, ParticleId};
use crate::project::atomic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FORMAT: &str = "answers of a review";
/// The newest version of the file that this program reads, and the one it writes.
const VERSION: u32 = 1;

/// What came of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// It is another class than what stood there: the label, or else what the model said.
    pub changed: bool,
    /// The label it gave; `None` if all was left as it was (skipped, or the label that stood was right).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<ClassId>,
    /// Nothing was said; it is not asked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// The model was sure, and the particle was drawn at random to see whether it is right.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spot_check: bool,
    /// The label that stood there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ClassId>,
}

/// What has been asked so far; nothing is asked twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Review {
    version: u32,
    answered: BTreeMap<ParticleId, Answer>,
    /// Answers whose label was taken back: the label may come back, too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    taken_back: BTreeMap<ParticleId, Answer>,
}

/// Where the answers to the questions about a project lie.
pub fn path_of(project: &Path) -> PathBuf {
    project.with_extension("review.json")
}

impl Review {
    /// A person looked at a particle.
    pub fn answer(&mut self, id: ParticleId, answer: Answer) {
        self.taken_back.remove(&id);
        self.answered.insert(id, answer);
    }

    /// The particle may be asked about again.
    pub fn forget(&mut self, id: ParticleId) {
        self.answered.remove(&id);
    }

    /// Forgets the answers whose label was taken back, and says which; `label` is what a particle carries now, `None` for
    /// one that is gone.
    pub fn forget_undone(
        &mut self,
        label: impl Fn(ParticleId) -> Option<Option<ClassId>>,
    ) -> Vec<ParticleId> {
        let undone = |(id, answer): (&ParticleId, &Answer)| {
            let now = label(*id)?;
            (answer.given.is_some() && (now.is_none() || now == answer.before)).then_some(*id)
        };
        let undone: Vec<ParticleId> = self.answered.iter().filter_map(undone).collect();
        for id in &undone {
            self.taken_back.extend(self.answered.remove(id).map(|answer| (*id, answer)));
        }
        undone
    }

    /// Remembers the answers that were taken back and whose label is there again, and says which; `label` as in
    /// [`Review::forget_undone`].
    pub fn remember_redone(
        &mut self,
        label: impl Fn(ParticleId) -> Option<Option<ClassId>>,
    ) -> Vec<ParticleId> {
        let back = |(id, answer): &(&ParticleId, &Answer)| label(**id).flatten() == answer.given;
        let redone: Vec<ParticleId> = self.taken_back.iter().filter(back).map(|(id, _)| *id).collect();
        for id in &redone {
            let answer = self.taken_back.remove(id);
            self.answered.extend(answer.map(|answer| (*id, answer)));
        }
        redone
    }

    /// The particles that were asked about.
    pub fn asked(&self) -> impl Iterator<Item = &ParticleId> {
        self.answered.keys().chain(self.taken_back.keys())
    }

    /// True for what is not asked again.
    pub fn is_answered(&self, id: ParticleId) -> bool {
        self.answered.contains_key(&id)
    }

    /// Questions answered, and those of the answers that changed something.
    pub fn counts(&self) -> (usize, usize) {
        let count = |of: fn(&&Answer) -> bool| self.answered.values().filter(of).count();
        (count(|answer| !answer.skipped), count(|answer| answer.changed))
    }

    /// Questions that nothing was said to.
    pub fn skipped(&self) -> usize {
        self.answered.len() - self.counts().0
    }

    /// Spot checks in which the model was right, of all that were answered with a class.
    pub fn spot_checks(&self) -> (usize, usize) {
        let checks = self.answered.values().filter(|answer| answer.spot_check && answer.given.is_some());
        checks.fold((0, 0), |(right, of), answer| (right + usize::from(!answer.changed), of + 1))
    }

    /// Reads the answers kept in a file; none if there is no such file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::File`] if it holds something else or a newer program wrote it.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(Error::io(path, "open", source)),
        };
        let review: Self = serde_json::from_slice(&bytes)
            .map_err(|error| Error::file(path, FORMAT, "text", error.to_string()))?;
        if review.version > VERSION {
            let problem = format!(
                "the file was written by a newer Nanotheca (version {}, this program reads up to {VERSION})",
                review.version
            );
            return Err(Error::file(path, FORMAT, "version", problem));
        }
        Ok(review)
    }

    /// Writes the answers, all or nothing; where there is none, no file is left.
    ///
    /// # Errors
    /// [`Error::Io`] with the file.
    pub fn save(&self, path: &Path) -> Result<()> {
        if self.answered.is_empty() && self.taken_back.is_empty() {
            return match std::fs::remove_file(path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    Err(Error::io(path, "remove", source))
                }
                _ => Ok(()),
            };
        }
        let stamped = Self { version: VERSION, ..self.clone() };
        atomic::write_file(path, |to| {
            serde_json::to_writer(&mut *to, &stamped)?;
            writeln!(to)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROD: ClassId = ClassId(1);
    const CUBE: ClassId = ClassId(2);

    fn review() -> Review {
        let mut review = Review::default();
        review.answer(ParticleId(1), Answer { changed: true, given: Some(ROD), ..Answer::default() });
        review.answer(
            ParticleId(2),
            Answer { changed: true, given: Some(ROD), before: Some(CUBE), ..Answer::default() },
        );
        review.answer(ParticleId(3), Answer { before: Some(CUBE), ..Answer::default() });
        review.answer(ParticleId(4), Answer { skipped: true, ..Answer::default() });
        review
    }

    #[test]
    fn an_answer_whose_label_is_taken_back_is_forgotten() {
        let mut review = review();
        assert_eq!((review.counts(), review.skipped()), ((3, 2), 1));
        // As they were answered, or labelled otherwise since, or gone: they stay answered.
        let labels = [Some(ROD), Some(ROD), Some(CUBE), None];
        assert!(review.forget_undone(|id| Some(labels[id.0 as usize - 1])).is_empty());
        assert!(review.forget_undone(|_| Some(Some(ClassId(9)))).is_empty());
        assert!(review.forget_undone(|_| None).is_empty());
        // Taken back: one has no label again, the other the one from before.
        let labels = [None, Some(CUBE), Some(CUBE), None];
        assert_eq!(
            review.forget_undone(|id| Some(labels[id.0 as usize - 1])),
            [ParticleId(1), ParticleId(2)]
        );
        assert_eq!((review.counts(), review.skipped()), ((1, 0), 1));
        assert!(review.is_answered(ParticleId(3)) && !review.is_answered(ParticleId(1)));
        // One label comes back, as it does when the removal of its class is undone; the other particle gets another.
        let labels = [Some(ROD), Some(CUBE), Some(CUBE), None];
        assert_eq!(review.remember_redone(|id| Some(labels[id.0 as usize - 1])), [ParticleId(1)]);
        assert_eq!((review.counts(), review.skipped()), ((2, 1), 1));
        assert!(review.remember_redone(|_| None).is_empty());
    }

    #[test]
    fn spot_checks_are_counted_if_a_class_was_given() {
        let mut review = review();
        assert_eq!(review.spot_checks(), (0, 0));
        let check = Answer { spot_check: true, ..Answer::default() };
        review.answer(ParticleId(5), Answer { given: Some(ROD), ..check });
        review.answer(ParticleId(6), Answer { given: Some(ROD), changed: true, ..check });
        review.answer(ParticleId(7), check);
        assert_eq!(review.spot_checks(), (1, 2));
    }

    #[test]
    fn answers_survive_a_restart_and_leave_no_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = path_of(&dir.path().join("gold.nanotheca"));
        assert!(path.ends_with("gold.review.json"));
        assert_eq!(Review::load(&path).unwrap(), Review::default());
        review().save(&path).unwrap();
        assert_eq!(Review::load(&path).unwrap().answered, review().answered);
        Review::default().save(&path).unwrap();
        Review::default().save(&path).unwrap();
        assert!(!path.exists());
        for (text, what) in [("{", "gold.review.json"), (r#"{"version":9,"answered":{}}"#, "newer")] {
            std::fs::write(&path, text).unwrap();
            let message = Review::load(&path).unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
    }
}
