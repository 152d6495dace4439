//! Taking the library away: cut the patches anew, ask the model about each, save it, write the folder.
//!
//! The particles may have changed since the training, so nothing of the run is reused but the model.

use super::App;
use super::dialogs::ExportPlan;
use super::files::name_of;
use super::jobs::{self, Done};
use super::state::{Level, State, count};
use crate::error::Result;
use crate::particle::patch::PatchSet;
use crate::particle::{ParticleId, Prediction};
use crate::project::Project;
use crate::train::checkpoint::{Checkpoint, Description};
use crate::train::lineage::Roles;
use crate::worker::job::Dataset;
use crate::worker::message::DeviceChoice;
use crate::worker::provenance::{Made, is_made_in_one_go};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An export under way: of the project and the selection as they were when it was asked for.
pub struct Export {
    plan: ExportPlan,
    project: Project,
    selection: Option<BTreeSet<ParticleId>>,
    /// Where the worker puts the model; goes away with `folder`.
    pub model: PathBuf,
    folder: Option<tempfile::TempDir>,
    pub dataset: Option<Arc<Dataset>>,
    predictions: Option<Arc<[Prediction]>>,
}

impl Export {
    pub fn new(plan: ExportPlan, state: &State) -> Self {
        let folder = tempfile::tempdir().ok();
        let model = folder.as_ref().map_or_else(std::env::temp_dir, |dir| dir.path().to_owned());
        let selection = plan.selection.then(|| state.selection.clone());
        let (project, model) = (state.project.clone(), model.join("model.safetensors"));
        Self { plan, project, selection, model, folder, dataset: None, predictions: None }
    }

    /// Takes the answer to the question about all particles; true if it is the one that was waited for.
    pub fn take_predictions(&mut self, patches: &PatchSet, predictions: &Arc<[Prediction]>) -> bool {
        let waits = self.predictions.is_none();
        let fits = self.dataset.as_ref().is_some_and(|dataset| dataset.patches.is_same_cut(patches));
        if waits && fits {
            self.predictions = Some(predictions.clone());
        }
        waits && fits
    }
}

impl App {
    /// Where the model of the export is to be saved, if an export waits for it.
    pub(super) fn export_model(&self) -> Option<&Path> {
        self.export.as_ref().map(|export| export.model.as_path())
    }

    pub(super) fn cancel_export(&mut self) {
        self.export = None;
    }

    /// Something else was asked of the model before the library was written.
    pub(super) fn give_up_export(&mut self) {
        if self.export.take().is_some() {
            let text = "The export is given up for what you asked next; export again.";
            self.tell(Level::Warning, text, None);
        }
    }

    /// The model has been saved: write the library.
    pub(super) fn write_export(&mut self) {
        let Some(export) = self.export.take() else { return };
        let (Some(dataset), Some(predictions)) = (export.dataset, export.predictions) else { return };
        let plan = export.plan;
        let model = match Checkpoint::load(&export.model) {
            Ok(model) => model.description,
            Err(error) => return self.complain(&error),
        };
        if model.geometry.as_ref().is_some_and(|learned| *learned != dataset.geometry) {
            let problem = "Another model came while the patches were cut; export again.";
            return self.tell(Level::Error, problem, None);
        }
        let made = self.made(&model, &plan);
        let (dataset, predictions) = match &export.selection {
            None => (dataset, predictions),
            Some(selection) => {
                let (dataset, predictions) = dataset.only(&|id| selection.contains(&id), &predictions);
                (Arc::new(dataset), predictions.into())
            }
        };
        let particles = dataset.ids.len();
        let library = jobs::Export {
            project: Project { patch: dataset.geometry.clone(), ..export.project },
            dataset,
            predictions,
            model: export.model,
            dir: plan.dir.clone(),
            overwrite: plan.overwrite,
            made,
        };
        let folder = export.folder;
        self.jobs.start_writing(format!("Exporting to {}", name_of(&plan.dir)), move |_| {
            let result = library.run();
            // The model's temporary folder lives until it has been copied.
            drop(folder);
            Done::Exported { dir: plan.dir, particles, result }
        });
    }

    /// How the library came to be, as the model's own file tells it.
    fn made(&self, model: &Description, plan: &ExportPlan) -> Made {
        let run = &self.state.training;
        let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
        let device = match run.choice {
            DeviceChoice::Auto => "auto",
            DeviceChoice::Gpu => "gpu",
            DeviceChoice::Cpu => "cpu",
        };
        // Only a saved project can be named on the command line, and only as a whole.
        let command = self.state.path.as_ref().filter(|_| !plan.selection).map(|path| {
            let (project, out, seed) = (quoted(path), quoted(&plan.dir), model.train.seed);
            let cut = model.geometry.as_ref().is_none_or(|geometry| *geometry == self.state.project.patch);
            if cut && is_made_in_one_go(model, &self.state.train_config()) && self.has_learned_all() {
                return format!("nanotheca run {project} --out {out} --device {device} --seed {seed}");
            }
            // No command trains it again: labels joined on the way, or it was stopped. Its model makes the library again.
            let own = plan.dir.join("model.safetensors");
            let model = quoted(run.kept.as_deref().unwrap_or(&own));
            format!("nanotheca export {project} --model {model} --out {out}")
        });
        let on = run.device.as_deref().unwrap_or(&model.lineage.device);
        let mut made = Made::by(model, on, run.choice, command.as_deref());
        made.settings["fallback"] = serde_json::json!(run.fallback);
        made.cross_validated = run.validated.or(made.cross_validated);
        made
    }

    /// True if a new training would have the labels that the model was trained with.
    fn has_learned_all(&self) -> bool {
        let run = &self.state.training;
        let Some(dataset) = &run.dataset else { return false };
        let mut fresh = (**dataset).clone();
        fresh.relabel(&self.state.project, run.classes().to_vec(), &Roles::default());
        let mut roles = Roles::default();
        roles.take(&fresh.ids, &fresh.patches);
        roles == run.lineage.roles
    }

    pub(super) fn on_exported(&mut self, dir: &Path, particles: usize, result: Result<()>) {
        match result {
            Ok(()) => {
                let particles = count(particles, "particle");
                self.tell(Level::Done, format!("Exported {particles} to {}", dir.display()), None);
            }
            Err(error) => self.complain(&error),
        }
    }
}
