//! New labels for a training that goes on, and measurements beside it.

use super::App;
use super::jobs::Done;
use super::state::{Level, Measured};
use crate::worker::insight;
use crate::worker::job::Dataset;
use crate::worker::message::Command;
use std::sync::Arc;

impl App {
    /// The labels given since go into the training; where particles or classes came or went it must start anew.
    pub(super) fn learn_new_labels(&mut self) {
        let Some(before) = self.state.training.dataset.clone() else {
            self.tell(Level::Warning, "There is no training to go on with; press Train (T).", None);
            return;
        };
        let project = &self.state.project;
        let same = before.ids.len() == project.particles.len()
            && before.ids.iter().all(|id| project.particle(*id).is_some())
            && before.class_names.iter().all(|name| project.class_named(name).is_some());
        if !same {
            let text = "Particles or classes have come or gone since the training began; press Train (T) to take them in.";
            self.tell(Level::Warning, text, None);
            return;
        }
        let mut dataset = (*before).clone();
        dataset.relabel(project, &before.class_names);
        let dataset = Arc::new(dataset);
        self.end_maps();
        self.end_spectra();
        self.worker.send(Command::Relabel {
            classes: dataset.class_names.clone(),
            patches: dataset.patches.clone(),
        });
        self.state.training.dataset = Some(dataset);
    }

    /// How well does it do? Trainings without some of the labels say, beside the model.
    pub(super) fn cross_validate(&mut self) {
        if let Some(dataset) = self.state.training.dataset.clone() {
            self.end_maps();
            self.end_spectra();
            self.worker.send(Command::Validate(self.job(&dataset)));
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
