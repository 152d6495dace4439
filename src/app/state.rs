//! What the window shows and what its actions change. No widgets, no files, no threads.

use super::action::Tool;
use super::maps::{Maps, Workspace};
use super::picture::Picture;
use super::run::{Results, Training};
use crate::error::Result;
use crate::micrograph::prepare::Step;
use crate::particle::describe::Descriptors;
use crate::particle::detect::{Detection, Example, Settings};
use crate::particle::{ClassId, MicrographId, Particle, ParticleId};
use crate::project::edit::Edit;
use crate::project::history::History;
use crate::project::{ClassCount, MicrographCount, Project};
use crate::train::config::TrainConfig;
use crate::worker::message::{PreviewImages, PreviewRequest};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Labels a class needs before training can start.
pub const LEAST_LABELS: usize = 3;

/// The whole state of the window but for what only a panel cares about.
#[derive(Default)]
pub struct State {
    pub project: Project,
    pub history: History,
    /// Grows with every change of the project, undo and redo included.
    pub revision: u64,
    /// Counted anew with every change, not with every frame: a project may have 100,000 particles.
    pub counts: Counts,
    /// Where the project is saved; `None` if it never was.
    pub path: Option<PathBuf>,
    /// What stands for the name of a project that has no file yet.
    pub unnamed: Option<&'static str>,
    /// The micrograph on the canvas.
    pub shown: Option<MicrographId>,
    pub pictures: BTreeMap<MicrographId, Opened>,
    /// The steps with which each picture was, or is being, opened.
    pub prepared: BTreeMap<MicrographId, Vec<Step>>,
    /// Pictures whose steps have changed since.
    pub outdated: BTreeSet<MicrographId>,
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
    /// What the current model says of the particles.
    pub results: Option<Results>,
    /// What a ruler says of the particles the model has seen.
    pub measured: Option<Arc<Measured>>,
    pub previews: Previews,
    /// What was said to the user, oldest first.
    pub messages: Vec<Message>,
    /// Projects opened before, the last first.
    pub recent: Vec<PathBuf>,
    /// Files being opened, saved or exported, as sentences such as "Opening a.tif".
    pub under_way: Vec<String>,
}

/// Particles of each class and on each micrograph, in the order of the project.
#[derive(Default)]
pub struct Counts {
    pub classes: Vec<ClassCount>,
    pub micrographs: Vec<MicrographCount>,
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

/// Particles proposed by the detector and not yet accepted.
#[derive(Default)]
pub struct Detecting {
    /// Proposals follow the sliders while this is set.
    pub live: bool,
    pub settings: Settings,
    pub running: bool,
    /// How far the search is, 0..=1.
    pub share: f32,
    /// The micrograph that `found` lies on.
    pub micrograph: Option<MicrographId>,
    pub found: Arc<[Detection]>,
    /// Those of a lower score are not shown.
    pub least: f32,
    /// The one the keyboard is at.
    pub current: Option<usize>,
    /// What resembles the labelled particles is looked for, not what the sliders say.
    pub similar: bool,
    pub problem: Option<String>,
    /// Settings, micrograph and regions changed since the last search began.
    pub stale: bool,
}

impl Detecting {
    /// Removes a proposal that became a particle; the keyboard stays before its place.
    pub fn take_out(&mut self, place: usize) {
        let mut found = self.found.to_vec();
        if place < found.len() {
            found.remove(place);
        }
        self.found = found.into();
        self.current = place.checked_sub(1).filter(|_| self.current.is_some());
        // The particle that came from it is no reason to search again.
        self.stale = false;
    }
}

/// Decoder images: what is wanted, what was asked, what came.
#[derive(Default)]
pub struct Previews {
    /// At most one request of each kind waits: the newest.
    pub wanted_manifold: Option<PreviewRequest>,
    pub wanted_image: Option<PreviewRequest>,
    /// The other kind was asked last.
    pub manifold_next: bool,
    /// Sent and not answered; the worker answers only the newest, so there is never more than one.
    pub asked: Option<(PreviewRequest, std::time::Instant)>,
    pub manifold: Option<PreviewImages>,
    pub image: Option<PreviewImages>,
    /// Grows when `manifold` or `image` changes or the model has learned, so that panels ask anew.
    pub revision: u64,
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
    /// Takes a project as the current one, forgetting all that belonged to the one before.
    pub fn replace_project(&mut self, project: Project, history: History, path: Option<PathBuf>) {
        let messages = std::mem::take(&mut self.messages);
        let revision = self.revision + 1;
        let choice = self.training.choice;
        let (workspace, mut maps) = (self.workspace, std::mem::take(&mut self.maps));
        maps.forget();
        *self = Self {
            workspace,
            maps,
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
        self.count();
    }

    fn count(&mut self) {
        let project = &self.project;
        self.counts = Counts { classes: project.class_counts(), micrographs: project.micrograph_counts() };
    }

    /// Applies an edit as one step of the history.
    pub fn change(&mut self, name: impl Into<String>, edit: Edit) -> Result<()> {
        self.history.apply(&mut self.project, edit, name)?;
        self.tidy();
        Ok(())
    }

    /// Takes the last change back; its name, if there was one.
    pub fn undo(&mut self) -> Result<Option<String>> {
        let name = self.history.undo(&mut self.project)?;
        self.tidy();
        Ok(name)
    }

    /// Makes the last change taken back again; its name, if there was one.
    pub fn redo(&mut self) -> Result<Option<String>> {
        let name = self.history.redo(&mut self.project)?;
        self.tidy();
        Ok(name)
    }

    /// After any change: nothing points at what is gone.
    fn tidy(&mut self) {
        self.revision += 1;
        self.count();
        let particles = &self.project.particles;
        self.selection.retain(|id| particles.contains_key(id));
        if self.class.is_none_or(|id| self.project.class(id).is_none()) {
            self.class = self.project.classes.first().map(|class| class.id);
        }
        if self.shown.is_none_or(|id| self.project.micrograph(id).is_none()) {
            self.shown = self.project.micrographs.first().map(|entry| entry.id);
        }
        let project = &self.project;
        self.pictures.retain(|id, _| project.micrograph(*id).is_some());
        // A picture prepared in another way is opened anew; the old one is shown until it is there.
        self.prepared.retain(|id, _| project.micrograph(*id).is_some());
        self.outdated = project
            .micrographs
            .iter()
            .filter(|entry| self.prepared.get(&entry.id).is_some_and(|steps| *steps != entry.steps))
            .map(|entry| entry.id)
            .collect();
        self.detection.stale = true;
    }

    /// What "pick similar" looks for: the selected particles of the shown micrograph, else those of the current class.
    pub fn examples(&self) -> Vec<Example> {
        let Some(entry) = self.shown.and_then(|id| self.project.micrograph(id)) else { return Vec::new() };
        let nm_per_px = entry.pixel_size.map(|size| size.x_nm);
        let usual = 0.6 * self.project.patch.extent_on(nm_per_px) as f32;
        let chosen = |p: &&Particle| {
            if self.selection.is_empty() {
                p.label.is_some() && p.label == self.class
            } else {
                self.selection.contains(&p.id)
            }
        };
        let example = |p: &Particle| Example { x: p.x, y: p.y, diameter: p.diameter.unwrap_or(usual) };
        self.project.particles_on(entry.id).filter(chosen).map(example).collect()
    }

    /// The picture on the canvas, once it is open.
    pub fn picture(&self) -> Option<&Arc<Picture>> {
        match self.pictures.get(&self.shown?) {
            Some(Opened::Ready(picture)) => Some(picture),
            _ => None,
        }
    }

    /// The project's name for the title: the file's, or what stands for it.
    pub fn name(&self) -> String {
        let stem = self.path.as_ref().and_then(|path| path.file_stem());
        stem.map_or_else(
            || self.unnamed.unwrap_or("Untitled").to_owned(),
            |stem| stem.to_string_lossy().into_owned(),
        )
    }

    /// True if nothing has been opened yet.
    pub fn is_blank(&self) -> bool {
        self.project.micrographs.is_empty()
    }

    /// True if closing now would lose something a person made; pictures alone are opened again in a moment.
    pub fn has_unsaved_work(&self) -> bool {
        let project = &self.project;
        let made = !project.particles.is_empty() || !project.classes.is_empty() || self.path.is_some();
        self.history.is_dirty() && made
    }

    /// The selected particles.
    pub fn selected(&self) -> Vec<&Particle> {
        self.selection.iter().filter_map(|id| self.project.particle(*id)).collect()
    }

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

    /// The settings of the trainer: the project's, or the defaults.
    pub fn train_config(&self) -> TrainConfig {
        serde_json::from_value(self.project.training.clone()).unwrap_or_else(|_| TrainConfig::default())
    }

    /// Particles on the shown micrograph near a point, nearest first with its distance in pixels.
    pub fn nearest(&self, x: f32, y: f32, reach: f32) -> Option<ParticleId> {
        let shown = self.shown?;
        let mut best: Option<(f32, ParticleId)> = None;
        for particle in self.project.particles_on(shown) {
            let radius = reach.max(particle.diameter.unwrap_or(0.0) / 2.0);
            let distance = (particle.x - x).hypot(particle.y - y);
            if distance <= radius && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, particle.id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// The proposal at a point of the shown micrograph, nearest first.
    pub fn proposal_at(&self, x: f32, y: f32, reach: f32) -> Option<usize> {
        let detection = &self.detection;
        if !detection.live || detection.micrograph != self.shown {
            return None;
        }
        let near = detection.found.iter().enumerate().filter(|(_, f)| f.score >= detection.least);
        let near = near.map(|(i, f)| ((f.x - x).hypot(f.y - y), reach.max(f.diameter / 2.0), i));
        let near = near.filter(|(distance, radius, _)| distance <= radius);
        near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, _, i)| i)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::MicrographEntry;

    fn with_classes(labels: [usize; 2]) -> State {
        let mut state = State::default();
        let entry = MicrographEntry::new("/a.png", 0, 100, 100, None, "00");
        let (micrograph, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
        for (name, labels) in ["cube", "rod"].into_iter().zip(labels) {
            let (class, edit) = state.project.add_class_edit(name);
            state.change("add class", edit).unwrap();
            for i in 0..labels {
                let (_, edit) = state.project.add_particle_edit(micrograph, i as f32 * 9.0, 5.0, Some(class));
                state.change("add particle", edit).unwrap();
            }
        }
        state
    }

    #[test]
    fn the_hint_names_the_class_that_lacks_labels() {
        let readiness = with_classes([3, 1]).readiness();
        assert_eq!(readiness, Readiness::Missing("2 more rod labels and training can start.".into()));
        let readiness = with_classes([2, 3]).readiness();
        assert_eq!(readiness, Readiness::Missing("1 more cube label and training can start.".into()));
    }

    #[test]
    fn held_out_labels_do_not_count_for_training() {
        let mut state = with_classes([4, 3]);
        assert_eq!(state.readiness(), Readiness::Ready { labelled: 7, unlabelled: 0, held_out: 0 });
        let first = *state.project.particles.keys().next().unwrap();
        let edit = state.project.hold_out_edit(&[first], true).unwrap();
        state.change("hold out", edit).unwrap();
        assert_eq!(state.readiness(), Readiness::Ready { labelled: 6, unlabelled: 0, held_out: 1 });
    }

    #[test]
    fn undo_leaves_no_selection_of_what_is_gone() {
        let mut state = with_classes([1, 0]);
        let id = *state.project.particles.keys().next().unwrap();
        state.selection.insert(id);
        while state.undo().unwrap().is_some() {}
        assert!(state.selection.is_empty() && state.class.is_none() && state.shown.is_none());
    }

    #[test]
    fn the_nearest_particle_within_reach_is_hit() {
        let state = with_classes([3, 0]);
        let ids: Vec<_> = state.project.particles.keys().copied().collect();
        assert_eq!(state.nearest(10.0, 5.0, 4.0), Some(ids[1]));
        assert_eq!(state.nearest(10.0, 50.0, 4.0), None);
    }
}
