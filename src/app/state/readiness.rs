//! Whether training can start, and what it lacks.

use super::State;
use crate::project::ClassCount;

/// Labels a class needs before training can start.
const LEAST_LABELS: usize = 3;

/// Whether training can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready {
        labelled: usize,
        unlabelled: usize,
        held_out: usize,
    },
    /// What is missing, as an invitation.
    Missing(String),
}

impl State {
    /// Counts what training would use, or names what it lacks.
    pub fn readiness(&self) -> Readiness {
        let missing = |text: &str| Readiness::Missing(text.to_owned());
        if self.is_blank() {
            return missing("Open a micrograph to begin.");
        }
        if self.project.classes.is_empty() {
            return missing("Add a class for each kind of particle, then click a few of each.");
        }
        if self.project.classes.len() == 1 {
            return missing("Add a second class: the model learns to tell kinds apart.");
        }
        let counts = &self.counts.classes;
        let lack =
            |count: &ClassCount| LEAST_LABELS.saturating_sub(count.labelled.saturating_sub(count.held_out));
        let lacking: Vec<(usize, &str)> = (self.project.classes.iter().zip(counts))
            .map(|(class, count)| (lack(count), class.name.as_str()))
            .filter(|(lack, _)| *lack > 0)
            .collect();
        if let [.., (last, _)] = lacking[..] {
            let each: Vec<String> =
                lacking.iter().map(|(lack, name)| format!("{lack} more {name}")).collect();
            let labels = if last == 1 { "label" } else { "labels" };
            return Readiness::Missing(format!("{} {labels} and training can start.", each.join(", ")));
        }
        let labels: usize = counts.iter().map(|count| count.labelled).sum();
        let held_out: usize = counts.iter().map(|count| count.held_out).sum();
        Readiness::Ready {
            labelled: labels - held_out,
            unlabelled: self.project.particles.len() - labels,
            held_out,
        }
    }
}
