//! Whether training can start, and what it lacks.

use super::State;

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
    /// Counts what training would use, or names the first thing it lacks.
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
        for (class, count) in self.project.classes.iter().zip(counts) {
            let trained = count.labelled.saturating_sub(count.held_out);
            if trained < LEAST_LABELS {
                let lack = LEAST_LABELS - trained;
                let s = if lack == 1 { "" } else { "s" };
                return Readiness::Missing(format!(
                    "{lack} more {} label{s} and training can start.",
                    class.name
                ));
            }
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
