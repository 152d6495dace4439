//! The model that answers: yesterday's when a project is opened, or one that was read.

use super::super::run::{Model, Phase, stamp};
use super::super::state::{Level, Previews, Stopped};
use super::super::{App, AssemblePurpose};
use crate::particle::patch::PatchGeometry;
use crate::train::lineage::Lineage;
use crate::worker::job::known_classes;
use crate::worker::message::{Command, FinishReason, Progress};
use std::path::Path;

/// What is told of a model that was read.
pub struct Arrived {
    pub classes: Vec<String>,
    pub latent: usize,
    pub geometry: Option<PatchGeometry>,
    pub epochs: usize,
    pub lineage: Lineage,
}

impl App {
    /// The project that was opened has its last model again, without a word, and the curve of its last training.
    pub(in crate::app) fn wake_last_model(&mut self) {
        if let Some(stopped) = &self.state.stopped {
            let training = &mut self.state.training;
            training.curve.clone_from(&stopped.curve);
            training.joined.clone_from(&stopped.lineage.joined);
            let (epoch, epochs) = (stopped.epoch, stopped.epochs);
            training.progress = Some(Progress { epoch, epochs, ..Progress::default() });
        }
        if let Some(kept) = self.state.models.first().filter(|_| !self.state.project.particles.is_empty()) {
            self.waking.push(kept.path.clone());
            self.worker.send(Command::Load(kept.path.clone()));
        }
    }

    /// A person goes back to a kept model, or reads another.
    pub(in crate::app) fn load_model(&mut self, path: &Path) {
        if self.is_learning() {
            return;
        }
        self.waking.retain(|other| other != path);
        self.worker.send(Command::Load(path.to_owned()));
    }

    pub(in crate::app) fn on_loaded(&mut self, from: &Path, model: Arrived) {
        let asked = self.waking.len();
        self.waking.retain(|path| path != from);
        if self.waking.len() < asked {
            return self.on_woken(from, model);
        }
        if self.is_learning() {
            // The worker has it; a run that has not been sent yet may still be given up.
            let preparing = matches!(self.state.training.phase, Phase::Preparing { .. });
            if preparing || self.learning.is_some() {
                self.adopt(from, model);
            }
            return;
        }
        self.tell(Level::Done, format!("Model loaded: {}", model.classes.join(", ")), None);
        self.adopt(from, model);
        if !self.state.project.particles.is_empty() {
            self.assemble(AssemblePurpose::Classify);
        }
    }

    /// Yesterday's model is there; nobody asked for it, so it gives way to whatever is done meanwhile.
    fn on_woken(&mut self, from: &Path, model: Arrived) {
        let ours = self.state.models.iter().any(|kept| kept.path == from);
        let busy = self.state.training.phase.is_active() || self.state.training.model.is_some();
        if !ours || busy || self.assembling.is_some() {
            return;
        }
        let left = self.state.stopped.as_ref().is_some_and(|stopped| stopped.can_go_on());
        let reason = if left { FinishReason::Stopped } else { FinishReason::AllEpochs };
        self.state.training.phase = Phase::Ended { reason, epochs: model.epochs, seconds: 0.0 };
        self.adopt(from, model);
        self.assemble(AssemblePurpose::Wake);
    }

    /// The model is the one that answers from now on.
    fn adopt(&mut self, from: &Path, model: Arrived) {
        let classes = known_classes(&self.state.project, &model.classes);
        let newest = self.state.models.first().is_some_and(|kept| kept.path == from);
        let its_own = |stopped: &Stopped| newest && stopped.epoch == model.epochs;
        let stateless = !self.state.stopped.as_ref().is_some_and(its_own);
        let accuracy = self.state.models.iter().find(|kept| kept.path == from).and_then(|kept| kept.accuracy);
        let training = &mut self.state.training;
        training.judged = accuracy;
        training.stateless = stateless;
        training.model = Some(Model { classes, latent: model.latent, geometry: model.geometry });
        training.lineage = model.lineage;
        self.state.project.reserve_particles(training.lineage.roles.all());
        training.kept = Some(from.to_owned());
        (training.folds, training.validated) = (None, training.lineage.cross_validated);
        training.sanity = None;
        self.state.results = None;
        self.state.before = None;
        self.state.previews = Previews { revision: stamp(), ..Previews::default() };
    }
}
