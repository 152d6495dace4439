//! What the window shows and what its actions change. No widgets, no files, no threads.

mod asked;
mod counts;
mod known;
mod places;
mod prepared;
mod reach;
mod readiness;

use super::action::Tool;
use super::averages::Averaged;
use super::maps::{Maps, Workspace};
use super::picture::Picture;
use super::review::Asking;
use super::run::{Phase, Results, Training};
use super::spectra::SpectraWork;
use crate::error::Result;
use crate::micrograph::PixelSize;
use crate::particle::describe::Descriptors;
use crate::particle::patch::PatchGeometry;
use crate::particle::{ClassId, MicrographId, Particle, ParticleId};
use crate::project::Project;
use crate::project::edit::Edit;
use crate::project::history::History;
use crate::review::Table;
use crate::review::compare::Comparison;
use crate::train::config::TrainConfig;
use crate::train::curve::EpochPoint;
use crate::train::lineage::Lineage;
use crate::worker::models::Kept;
pub use asked::{Detecting, Previews};
pub use counts::Counts;
pub use places::{Placed, Places};
pub use prepared::{Prepared, Small};
pub use readiness::Readiness;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The whole state of the window but for what only a panel cares about.
#[derive(Default)]
pub struct State {
    pub project: Project,
    pub history: History,
    /// Grows with every change of the project, undo and redo included.
    pub revision: u64,
    pub counts: Counts,
    pub places: Places,
    /// What the last change touched.
    pub changed: Changed,
    /// Where the project is saved; `None` if it never was.
    pub path: Option<PathBuf>,
    /// What stands for the name of a project that has no file yet.
    pub unnamed: Option<&'static str>,
    /// The sample is open and the sentences about it are not read yet.
    pub greeting: bool,
    /// The micrograph on the canvas.
    pub shown: Option<MicrographId>,
    pub pictures: BTreeMap<MicrographId, Opened>,
    pub prepared: Prepared,
    /// Grows when a picture is replaced by one prepared otherwise.
    pub picture_revision: u64,
    /// A picture on its way into the project, shown until it is in.
    pub look: Option<Arc<Picture>>,
    pub selection: BTreeSet<ParticleId>,
    /// The class that clicks give.
    pub class: Option<ClassId>,
    /// Classes whose particles are not drawn.
    pub hidden: BTreeSet<ClassId>,
    pub tool: Tool,
    pub detection: Detecting,
    pub training: Training,
    pub workspace: Workspace,
    pub maps: Maps,
    pub spectra: SpectraWork,
    /// What the current model says of the particles.
    pub results: Option<Results>,
    /// What the model said before it was last told to learn new labels.
    pub before: Option<Arc<Table>>,
    /// What a ruler says of the particles the model has seen.
    pub measured: Option<Arc<Measured>>,
    /// The means of each class, once they have been looked at, and whether newer ones are being made.
    pub averaged: Option<Arc<Averaged>>,
    pub averaging: bool,
    pub previews: Previews,
    /// The review of what it says.
    pub asking: Asking,
    /// Models kept beside the project, the latest first.
    pub models: Vec<Kept>,
    /// Two of them side by side, once they have been compared.
    pub compared: Option<Arc<Compared>>,
    /// The last training of this project, as it was written down.
    pub stopped: Option<Stopped>,
    /// What was said to the user, oldest first.
    pub messages: Vec<Message>,
    /// Projects opened before, the last first.
    pub recent: Vec<PathBuf>,
    /// Files being opened, saved or exported, as sentences such as "Opening a.tif".
    pub under_way: Vec<String>,
}

/// What a change touched, for those who keep something of each particle.
#[derive(Default)]
pub struct Changed {
    /// The revision that it led to.
    pub revision: u64,
    /// Ascending; some may have gone.
    pub particles: Vec<ParticleId>,
    /// Nothing else was changed.
    pub alone: bool,
}

/// Measurements of particles, in their order.
pub struct Measured {
    pub ids: Vec<ParticleId>,
    pub descriptors: Vec<Option<Descriptors>>,
}

/// A micrograph on its way to the screen.
pub enum Opened {
    Loading,
    Ready(Arc<Picture>),
    /// Why it could not be opened.
    Failed(String),
}

/// Two kept models side by side.
pub struct Compared {
    pub names: [String; 2],
    pub found: Comparison,
}

/// Where a training that was stopped, or has ended, stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Stopped {
    pub path: PathBuf,
    /// Complete epochs, and how many there were to be.
    pub epoch: usize,
    pub epochs: usize,
    pub latent: usize,
    /// In the order of its labels.
    pub classes: Vec<String>,
    pub lineage: Lineage,
    /// How its patches were cut, where the file tells.
    pub geometry: Option<PatchGeometry>,
    pub curve: Vec<EpochPoint>,
}

impl Stopped {
    /// True if it has epochs before it.
    pub fn can_go_on(&self) -> bool {
        self.epoch < self.epochs
    }
}

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Done,
    Warning,
    Error,
}

/// Something the user was told.
#[derive(Clone, Debug)]
pub struct Message {
    pub level: Level,
    pub text: String,
    pub details: Option<String>,
    pub at: std::time::Instant,
}

impl State {
    /// Takes a project as the current one, forgetting all that belonged to the one before.
    pub fn replace_project(&mut self, project: Project, history: History, path: Option<PathBuf>) {
        let messages = std::mem::take(&mut self.messages);
        let revision = self.revision + 1;
        let choice = self.training.choice;
        let (workspace, mut maps) = (self.workspace, std::mem::take(&mut self.maps));
        maps.forget();
        // Spectra belong to no project.
        let spectra = std::mem::take(&mut self.spectra);
        *self = Self {
            workspace,
            maps,
            spectra,
            shown: project.micrographs.first().map(|entry| entry.id),
            class: project.classes.first().map(|class| class.id),
            project,
            history,
            path,
            messages,
            revision,
            ..Self::default()
        };
        self.training.choice = choice;
        self.counts = Counts::of(&self.project);
        self.places = Places::of(&self.project);
    }

    /// How patches are cut for the model that answers; without one, for the next.
    pub fn geometry(&self) -> &PatchGeometry {
        let learned = self.training.model.as_ref().and_then(|model| model.geometry.as_ref());
        learned.unwrap_or(&self.project.patch)
    }

    /// Applies an edit as one step of the history, unless it changes nothing.
    pub fn change(&mut self, name: impl Into<String>, edit: Edit) -> Result<()> {
        if edit.is_empty() {
            return Ok(());
        }
        let before = self.before(Some(&edit));
        self.history.apply(&mut self.project, edit, name)?;
        self.tidy(before);
        Ok(())
    }

    /// Takes the last change back; its name, if there was one.
    pub fn undo(&mut self) -> Result<Option<String>> {
        let before = self.before(self.history.undo_edit());
        let name = self.history.undo(&mut self.project)?;
        if name.is_some() {
            self.tidy(before);
        }
        Ok(name)
    }

    /// Makes the last change taken back again; its name, if there was one.
    pub fn redo(&mut self) -> Result<Option<String>> {
        let before = self.before(self.history.redo_edit());
        let name = self.history.redo(&mut self.project)?;
        if name.is_some() {
            self.tidy(before);
        }
        Ok(name)
    }

    /// What an edit will change, and the particles as they are before.
    fn before(&self, edit: Option<&Edit>) -> (Changed, Vec<Particle>) {
        let (particles, alone) = edit.map(Edit::touched).unwrap_or_default();
        let before = particles.iter().filter_map(|id| self.project.particle(*id)).cloned().collect();
        (Changed { revision: self.revision + 1, particles, alone }, before)
    }

    /// After any change: nothing points at what is gone.
    fn tidy(&mut self, (changed, before): (Changed, Vec<Particle>)) {
        self.revision += 1;
        for particle in &before {
            self.counts.take(particle);
            self.places.take(particle);
        }
        for particle in changed.particles.iter().filter_map(|id| self.project.particle(*id)) {
            self.counts.add(particle);
            self.places.add(particle);
        }
        self.counts.list(&self.project);
        let particles = &self.project.particles;
        changed.particles.iter().filter(|id| !particles.contains_key(id)).for_each(|id| {
            self.selection.remove(id);
        });
        self.changed = changed;
        if self.class.is_none_or(|id| self.project.class(id).is_none()) {
            self.class = self.project.classes.first().map(|class| class.id);
        }
        if self.shown.is_none_or(|id| self.project.micrograph(id).is_none()) {
            self.shown = self.project.micrographs.first().map(|entry| entry.id);
        }
        let project = &self.project;
        self.pictures.retain(|id, _| project.micrograph(*id).is_some());
        self.prepared.retain(project);
        self.detection.stale = true;
    }

    /// The picture on the canvas, once it is open.
    pub fn picture(&self) -> Option<&Arc<Picture>> {
        match self.pictures.get(&self.shown?) {
            Some(Opened::Ready(picture)) => Some(picture),
            _ => None,
        }
    }

    /// The picture of a micrograph if it is open and prepared as the project says: one that is still shown with the steps
    /// of before is no help.
    pub fn as_it_is(&self, id: MicrographId) -> Option<Arc<Picture>> {
        let now = self.project.micrograph(id)?.preparation();
        match self.pictures.get(&id) {
            Some(Opened::Ready(picture)) if self.prepared.made_with.get(&id) == Some(&now) => {
                Some(picture.clone())
            }
            _ => None,
        }
    }

    /// The scale of the image that the maps are of, as it is known now: a person may have typed it since the run began.
    pub fn map_scale(&self) -> Option<PixelSize> {
        let subject = self.maps.subject.as_ref()?;
        self.project.micrograph(subject.id).map_or(subject.pixel_size, |entry| entry.pixel_size)
    }

    /// The project's name for the title: the file's, or what stands for it.
    pub fn name(&self) -> String {
        let stem = self.path.as_ref().and_then(|path| path.file_stem());
        stem.map_or_else(
            || self.unnamed.unwrap_or("Untitled").to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// Where the run of the workspace that is shown stands.
    pub fn phase(&self) -> &Phase {
        match self.workspace {
            Workspace::Particles => &self.training.phase,
            Workspace::Maps => &self.maps.phase,
            Workspace::Spectra => &self.spectra.phase,
        }
    }

    /// True if nothing has been opened yet.
    pub fn is_blank(&self) -> bool {
        self.project.micrographs.is_empty()
    }

    /// True if the sample is open and nobody has done anything with it.
    pub fn is_untouched_sample(&self) -> bool {
        let as_it_was = !self.history.is_dirty() && self.results.is_none() && !self.phase().is_active();
        self.unnamed.is_some() && as_it_was
    }

    /// True if closing now would lose something a person made; pictures alone are opened again in a moment.
    pub fn has_unsaved_work(&self) -> bool {
        let project = &self.project;
        let made = !project.particles.is_empty() || !project.classes.is_empty() || self.path.is_some();
        self.history.is_dirty() && (made || self.history.has_work())
    }

    /// The selected particles.
    pub fn selected(&self) -> Vec<&Particle> {
        self.selection.iter().filter_map(|id| self.project.particle(*id)).collect()
    }

    /// The settings of the trainer: the project's, or the defaults.
    pub fn train_config(&self) -> TrainConfig {
        serde_json::from_value(self.project.training.clone()).unwrap_or_else(|_| TrainConfig::default())
    }

    /// "rod" of a class, for sentences.
    pub fn class_name(&self, id: ClassId) -> &str {
        self.project.class(id).map_or("no class", |class| class.name.as_str())
    }
}

/// A count with its noun: "1 particle", "3 particles".
pub fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

/// "5 min ago", "3 days ago".
pub fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => "just now".into(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
