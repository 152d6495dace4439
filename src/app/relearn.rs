//! New labels and particles for a training that goes on, and measurements beside it.

use super::jobs::Done;
use super::state::{Level, Measured};
use super::{App, AssemblePurpose};
use crate::particle::ClassId;
use crate::worker::folds::FOLDS;
use crate::worker::insight;
use crate::worker::job::Dataset;
use crate::worker::message::Command;
use std::path::PathBuf;
use std::sync::Arc;

impl App {
    /// The labels given since, and the particles that came or went, go into the training; where classes came or went it
    /// must start anew. The patches are cut first.
    pub(super) fn learn_new_labels(&mut self) {
        if self.is_cutting() {
            return;
        }
        if self.state.training.model.is_none() {
            self.tell(Level::Warning, "There is no training to go on with; press Train (T).", None);
            return;
        }
        let project = &self.state.project;
        let known: Vec<Option<ClassId>> = self.state.training.classes().iter().map(|(id, _)| *id).collect();
        let gone = self.state.gone().next().is_some();
        // A class whose labels only judge is not taken in by a training anew either.
        let mut labels = project.particles.values().filter(|p| !p.held_out).filter_map(|p| p.label);
        let new = labels.any(|label| !known.contains(&Some(label)));
        if gone || new {
            let text = "Classes have come or gone since the training began; press Train (T) to take them in.";
            self.tell(Level::Warning, text, None);
            return;
        }
        self.assemble(AssemblePurpose::Learn);
    }

    /// The patches are cut: the worker takes them in.
    pub(super) fn send_learning(&mut self, dataset: Arc<Dataset>) {
        if let Err(error) = dataset.check_classes() {
            return self.complain(&error);
        }
        self.give_up_export();
        self.end_maps();
        self.end_spectra();
        let written = self.state.stopped.as_ref().map(|stopped| stopped.path.clone());
        let from = written.filter(|_| !self.state.training.stateless);
        self.worker.send(Command::Relabel { job: self.job(&dataset), from });
        self.learning = Some(dataset);
    }

    /// The worker has taken them in: what it says from now on is of these particles. What it said before is kept, to tell
    /// what changes.
    pub(super) fn on_relabelled(&mut self, epoch: usize, afresh: bool) {
        if let Some(dataset) = self.learning.take() {
            self.state.before = self.state.said().map(Arc::new);
            let training = &mut self.state.training;
            training.lineage.roles.take(&dataset.ids, &dataset.patches);
            training.lineage.join(epoch);
            // The worker has ended one that was under way.
            let validating = training.folds.take().is_some_and(|folds| folds.found().is_none());
            training.validated = None;
            training.dataset = Some(dataset);
            if validating {
                let text = "The cross-validation has ended: it was about the model without the new labels.";
                self.tell(Level::Warning, text, None);
            }
        }
        self.state.training.stateless = false;
        if afresh {
            let text = "No state of this model's training is left: it goes on from its weights, with a fresh optimiser.";
            self.tell(Level::Done, text, None);
        }
    }

    /// How well does it do? Trainings without some of the labels say, beside the model.
    pub(super) fn cross_validate(&mut self) {
        if self.is_learning() {
            return;
        }
        if let Some(dataset) = self.state.training.dataset.clone() {
            self.end_maps();
            self.end_spectra();
            // What it finds goes with the model where that is kept beside the project.
            let ours = |path: &&PathBuf| self.state.models.iter().any(|kept| kept.path == **path);
            let locked = self.state.history.locked().is_some();
            let kept = self.state.training.kept.as_ref().filter(|_| !locked).filter(ours).cloned();
            self.worker.send(Command::Validate { job: self.job(&dataset), folds: FOLDS, kept });
        }
    }

    /// Measures the particles beside the window.
    pub(super) fn measure(&mut self, dataset: &Arc<Dataset>) {
        let (project, dataset) = (self.state.project.clone(), dataset.clone());
        self.jobs.start_quietly("Measuring particles".into(), move |_| {
            let descriptors = insight::measure(&project, &dataset);
            Done::Measured(Measured { ids: dataset.ids.clone(), descriptors })
        });
    }
}
