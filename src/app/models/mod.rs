//! Models kept by name, and a training that was stopped and can go on.

mod last;
pub mod panel;

pub use last::Arrived;
pub use panel::ModelsPanel;

use super::files::name_of;
use super::jobs::Done;
use super::state::{Compared, Level, Stopped};
use super::{App, AssemblePurpose};
use crate::error::{Error, Result};
use crate::project::Project;
use crate::review::Table;
use crate::review::compare::compare;
use crate::train::lineage::Roles;
use crate::train::resume::Halted;
use crate::worker::job::{Dataset, known_classes};
use crate::worker::message::Command;
use crate::worker::models::{self, Kept};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A training writes its state at least this far apart: a program that dies loses no more of it.
const NOW_AND_THEN: Duration = Duration::from_secs(60);

impl App {
    /// Where the models of this project lie; in a folder that goes with the window while the project has no file.
    fn models_folder(&mut self) -> Option<PathBuf> {
        match (&self.state.path, self.state.history.locked()) {
            (Some(path), None) => Some(models::folder(path)),
            _ => {
                if self.unsaved_models.is_none() {
                    self.unsaved_models = tempfile::tempdir().ok();
                }
                self.unsaved_models.as_ref().map(|folder| folder.path().to_owned())
            }
        }
    }

    /// Reads the list of kept models, and whether a training can go on; another project may have been opened.
    pub(super) fn look_for_models(&mut self) {
        self.unsaved_models = None;
        self.keeping.clear();
        self.list_models();
        self.look_for_stopped();
    }

    fn list_models(&mut self) {
        let folder = self.models_folder();
        self.state.models = folder.map(|folder| models::list(&folder)).unwrap_or_default();
    }

    /// The project was saved under another name: its models go along.
    pub(super) fn models_follow(&mut self, before: Option<&Path>) {
        let Some(path) = self.state.path.clone() else { return };
        let real = |path: &Path| std::fs::canonicalize(path).ok();
        if before.is_some_and(|before| real(before) == real(&path)) {
            return; // The same file by another name.
        }
        // What another project kept under this name is not this one's.
        if let Err(error) = models::set_aside(&path) {
            return self.complain(&error);
        }
        // A window that could only look keeps what it trained apart.
        let apart = self.unsaved_models.take();
        let (folder, trained_apart) = (models::folder(&path), apart.is_some());
        let from = apart.as_ref().map(|folder| folder.path().to_owned());
        for from in before.map(models::folder).into_iter().chain(from) {
            if let Err(error) = models::copy(&from, &folder) {
                self.complain(&error);
            }
        }
        // What is still being written there is looked for there.
        self.unsaved_models = apart.filter(|_| !self.keeping.is_empty());
        let kept = self.state.training.kept.as_deref().and_then(Path::file_name);
        let kept = kept.map(|name| folder.join(name)).filter(|path| path.is_file());
        self.state.training.kept = kept.or(self.state.training.kept.take());
        if let (Some(before), Some(now)) = (before.map(models::state), self.state_path())
            && before.is_file()
            && let Err(source) = std::fs::copy(&before, &now)
        {
            self.complain(&Error::Io { path: now, action: "write", source });
        }
        if let (true, Some(path)) = (before.is_none() || trained_apart, self.state_path()) {
            self.worker.send(Command::Halt(path));
        }
        self.list_models();
        self.look_for_stopped();
    }

    /// What a model is called if nobody thinks of a name.
    pub(super) fn model_name(&self) -> String {
        let epoch = self.state.training.progress.as_ref().map_or(0, |progress| progress.epoch);
        // Only the last ones stay, so their number says nothing.
        let number = |kept: &Kept| kept.name.strip_prefix("Training ")?.split(',').next()?.parse().ok();
        let last: u32 = self.state.models.iter().filter_map(number).max().unwrap_or_default();
        format!("Training {}, epoch {epoch}", last.saturating_add(1))
    }

    /// Has the worker write the present model beside the project; the rest follows when it has.
    pub(super) fn keep_model(&mut self, name: String, automatic: bool) {
        let Some(folder) = self.models_folder() else { return };
        let run = &self.state.training;
        let taught = run.dataset.iter().flat_map(|dataset| dataset.patches.labels.iter().flatten());
        let labels = taught.count();
        let kept = Kept {
            automatic,
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs()),
            epochs: run.progress.as_ref().map_or(0, |progress| progress.epoch),
            accuracy: run.accuracy(),
            classes: run
                .model
                .iter()
                .flat_map(|model| &model.classes)
                .map(|(_, name)| name.clone())
                .collect(),
            labels,
            path: PathBuf::new(),
            name,
        };
        match models::place(&folder, &kept.name) {
            Ok(path) => {
                self.worker.send(Command::Save(path.clone()));
                self.keeping.push(Kept { path, ..kept });
            }
            Err(error) => self.complain(&error),
        }
    }

    /// True for the model that is being kept.
    pub(super) fn is_kept(&self, path: &Path) -> bool {
        self.keeping.iter().any(|kept| kept.path == path)
    }

    /// The worker has written it.
    pub(super) fn on_kept(&mut self, path: &Path) {
        let Some(at) = self.keeping.iter().position(|kept| kept.path == path) else { return };
        let kept = self.keeping.swap_remove(at);
        let written = models::keep(&kept);
        if written.is_ok() && !self.state.training.phase.is_active() {
            self.state.training.kept = Some(kept.path.clone());
        }
        match written {
            Ok(()) if kept.automatic => {}
            Ok(()) => self.tell(Level::Done, format!("Model kept as {}", kept.name), None),
            Err(error) => self.complain(&error),
        }
        self.list_models();
    }

    pub(super) fn forget_model(&mut self, path: &Path) {
        let kept = self.state.models.iter().find(|kept| kept.path == path).cloned();
        if let Some(Err(error)) = kept.map(|kept| models::forget(&kept)) {
            self.complain(&error);
        }
        self.list_models();
    }

    /// Compares two kept models on the particles as they are now; patches are cut first where there are none.
    pub(super) fn ask_both(&mut self, both: [PathBuf; 2]) {
        if self.is_cutting() {
            return;
        }
        self.to_compare = Some(both);
        let fits = |dataset: &Arc<Dataset>| {
            dataset.ids.len() == self.state.project.particles.len()
                && dataset.ids.iter().all(|id| self.state.project.particle(*id).is_some())
        };
        match self.state.training.dataset.clone().filter(fits) {
            Some(dataset) => self.compare_models(dataset),
            None => self.assemble(AssemblePurpose::Compare),
        }
    }

    pub(super) fn compare_models(&mut self, dataset: Arc<Dataset>) {
        let Some(both) = self.to_compare.take() else { return };
        let project = Project { patch: dataset.geometry.clone(), ..self.state.project.clone() };
        let name = |path: &PathBuf| {
            let kept = self.state.models.iter().find(|kept| kept.path == *path);
            kept.map_or_else(|| name_of(path), |kept| kept.name.clone())
        };
        let names = [name(&both[0]), name(&both[1])];
        self.jobs.start("Comparing two models".into(), move |_| {
            let table = |path: &Path| -> Result<(Table, Roles)> {
                let (classes, predictions, roles) = models::predict(path, &dataset)?;
                Ok((Table::new(&project, &dataset.ids, &classes, predictions.into(), &[]), roles))
            };
            let found = table(&both[0]).and_then(|(first, a)| {
                let (second, b) = table(&both[1])?;
                // The same labels judge both, and neither has learned from them.
                let known = [&a, &b].iter().any(|roles| **roles != Roles::default());
                let mut judges = if known { &a.judges | &b.judges } else { dataset.judges() };
                judges.retain(|id| !a.taught.contains(id) && !b.taught.contains(id));
                Ok(compare(&first.judged_by(&judges), &second.judged_by(&judges)))
            });
            Done::Compared(found.map(|found| Compared { names, found }))
        });
    }

    pub(super) fn on_compared(&mut self, compared: Result<Compared>) {
        match compared {
            Ok(compared) => self.state.compared = Some(Arc::new(compared)),
            Err(error) => self.complain(&error),
        }
    }

    /// Where the state of the training is kept; nowhere while the project has no file of its own.
    fn state_path(&self) -> Option<PathBuf> {
        self.state.path.as_deref().filter(|_| self.state.history.locked().is_none()).map(models::state)
    }

    /// True for the file that the state of the training is written to.
    pub(super) fn is_state(&self, path: &Path) -> bool {
        self.state_path().is_some_and(|state| state == path)
    }

    /// Has the worker write down where the training stands, so that it can go on after a restart.
    pub(super) fn write_state(&mut self) {
        let under_way = self.state.training.phase.is_active() && self.state.training.progress.is_some();
        if let (true, Some(path)) = (under_way, self.state_path()) {
            self.state_written = Some(Instant::now());
            self.worker.send(Command::Halt(path));
        }
    }

    pub(super) fn write_state_now_and_then(&mut self) {
        if self.state_written.is_none_or(|at| at.elapsed() >= NOW_AND_THEN) {
            self.write_state();
        }
    }

    /// Reads where the stopped training stands.
    pub(super) fn look_for_stopped(&mut self) {
        let halt = self.state_path().filter(|path| path.is_file()).map(|path| (Halted::peek(&path), path));
        self.state.stopped = match halt {
            Some((Ok(halt), path)) => {
                self.state.project.reserve_particles(halt.particles.iter().chain(halt.lineage.roles.all()));
                Some(Stopped {
                    path,
                    epoch: halt.epoch,
                    epochs: halt.config.epochs,
                    latent: halt.config.latent,
                    classes: halt.classes,
                    lineage: halt.lineage,
                    geometry: halt.geometry,
                    curve: halt.curve,
                })
            }
            Some((Err(error), _)) => {
                self.complain(&error);
                None
            }
            None => None,
        };
    }

    /// A training has ended: its model is kept, and its state, so that new labels can join it after a restart.
    pub(super) fn on_finished(&mut self) {
        self.keep_model(self.model_name(), true);
        if let Some(path) = self.state_path() {
            self.worker.send(Command::Halt(path));
        }
    }

    /// Goes on with the stopped training: the same patches are cut first.
    pub(super) fn go_on(&mut self) {
        let Some(stopped) = self.state.stopped.clone().filter(Stopped::can_go_on) else { return };
        if self.is_learning() {
            return;
        }
        self.give_up_export();
        self.state.training.begin();
        self.state.training.curve = stopped.curve;
        self.state.training.joined = stopped.lineage.joined;
        self.state.results = None;
        self.assemble(AssemblePurpose::GoOn);
    }

    pub(super) fn send_going_on(&mut self, mut dataset: Dataset) {
        let Some(stopped) = self.state.stopped.clone() else { return };
        let classes = known_classes(&self.state.project, &stopped.classes);
        dataset.relabel(&self.state.project, classes, &stopped.lineage.roles);
        let dataset = Arc::new(dataset);
        self.measure(&dataset);
        let job = self.begin_run(dataset, stopped.latent);
        let roles = std::mem::take(&mut self.state.training.lineage.roles);
        self.state.training.lineage = stopped.lineage;
        self.state.training.lineage.roles.taught.extend(roles.taught);
        self.state.training.lineage.roles.judges = roles.judges;
        self.worker.send(Command::GoOn { job, from: stopped.path });
    }
}
