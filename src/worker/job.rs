//! From a project to what the worker trains on, and from its answers to a library.

use super::judges::labels;
use super::provenance::Made;
use crate::error::{Error, Result};
use crate::library::report::HoldOut;
use crate::library::{self, Library, Patches};
use crate::micrograph::Micrograph;
use crate::particle::detect::Settings;
use crate::particle::patch::{PatchGeometry, PatchSet, PatchSource, turned};
use crate::particle::territory::territories;
use crate::particle::{Class, ClassId, MicrographId, Particle, ParticleId, Prediction};
use crate::project::{MicrographEntry, Project};
use crate::train::checkpoint::Checkpoint;
use crate::train::lineage::{CrossValidated, Roles};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Patches are stored this much wider than they are shown, so that a turned and shifted one is cut from real
/// surroundings: the diagonal, and a twentieth of the side either way.
const SURROUNDINGS: f64 = 0.27;

/// A project's particles as patches.
#[derive(Clone, Debug)]
pub struct Dataset {
    pub patches: Arc<PatchSet>,
    /// How they were cut.
    pub geometry: PatchGeometry,
    /// The particle of each patch.
    pub ids: Vec<ParticleId>,
    /// The class behind each label index. Of a new set: those with at least one label to train on, in the project's order.
    pub classes: Vec<KnownClass>,
    /// What the project calls each of them now.
    pub class_names: Vec<String>,
}

/// A class of a model: which it is in the project, if it is one, and the model's own name for it, which stays when the
/// project's changes.
pub type KnownClass = (Option<ClassId>, String);

/// The classes of a model's file in a project.
pub fn known_classes(project: &Project, names: &[String]) -> Vec<KnownClass> {
    let known = |name: &String| (project.class_known_as(name).map(|class| class.id), name.clone());
    names.iter().map(known).collect()
}

/// What the project calls a model's classes now; one that it does not have keeps the model's name.
pub fn present_names(project: &Project, classes: &[KnownClass]) -> Vec<String> {
    let name = |(id, name): &KnownClass| {
        let class = id.and_then(|id| project.class(id));
        class.map_or_else(|| name.clone(), |class| class.name.clone())
    };
    classes.iter().map(name).collect()
}

/// How far a long piece of work is, 0..=1; answering false stops it.
pub type Watch<'a> = &'a (dyn Fn(f32) -> bool + Sync);

/// Gives the pixels of a micrograph: [`open`], or pictures that are open already.
pub type Pictures<'a> = &'a dyn Fn(MicrographId) -> Result<Micrograph>;

/// Cuts the patches of every particle of the project.
///
/// # Errors
/// Whatever `pictures` fails with; [`Error::Stopped`].
pub fn assemble(project: &Project, pictures: Pictures<'_>, watch: Watch<'_>) -> Result<Dataset> {
    let side = project.patch.side;
    let wide = side + 2 * (side as f64 * SURROUNDINGS).ceil() as usize;
    let mut pixels = Vec::with_capacity(project.particles.len() * wide * wide);
    let mut ids = Vec::with_capacity(project.particles.len());
    let count = project.micrographs.len().max(1) as f32;
    for (i, entry) in project.micrographs.iter().enumerate() {
        let particles: Vec<&Particle> = project.particles_on(entry.id).collect();
        if particles.is_empty() {
            continue;
        }
        let micrograph = pictures(entry.id)?;
        let part = |p: f32| watch((i as f32 + p) / count);
        cut(project, entry, &micrograph, &particles, wide, &part, &mut pixels)?;
        ids.extend(particles.iter().map(|p| p.id));
    }
    let classes = trained_classes(project);
    let class_names = present_names(project, &classes);
    let (labels, held_out) = labels(project, &ids, &classes, &Roles::default());
    let patches = PatchSet { side, wide, pixels: pixels.into(), labels, held_out };
    let geometry = project.patch.clone();
    Ok(Dataset { patches: Arc::new(patches), geometry, ids, classes, class_names })
}

fn cut(
    project: &Project,
    entry: &MicrographEntry,
    micrograph: &Micrograph,
    particles: &[&Particle],
    wide: usize,
    watch: Watch<'_>,
    pixels: &mut Vec<f32>,
) -> Result<()> {
    let geometry = &project.patch;
    let excluded = entry.excluded_regions();
    let bright =
        entry.bright.unwrap_or_else(|| crate::particle::detect::auto_contrast(micrograph, &excluded));
    let territory = if geometry.blank_neighbours {
        let seeds: Vec<(f32, f32)> = particles.iter().map(|p| (p.x, p.y)).collect();
        Some(territories(micrograph, &excluded, &seeds, bright, &Settings::default(), watch)?)
    } else {
        None
    };
    let source = PatchSource::new(micrograph, entry.pixel_size, bright, &excluded, territory.as_ref());
    for (i, particle) in particles.iter().enumerate() {
        if i % 64 == 0 && !watch(i as f32 / particles.len() as f32) {
            return Err(Error::Stopped);
        }
        pixels.extend(source.cut(particle.x, particle.y, geometry, wide));
    }
    Ok(())
}

/// Classes with at least one label that training may see.
fn trained_classes(project: &Project) -> Vec<KnownClass> {
    let teaches =
        |class: &&Class| project.particles.values().any(|p| p.label == Some(class.id) && !p.held_out);
    let known = |class: &Class| (Some(class.id), class.name.clone());
    project.classes.iter().filter(teaches).map(known).collect()
}

impl Dataset {
    /// Whether there is something to tell apart.
    ///
    /// # Errors
    /// No label that teaches, or such labels of one class only, and what to do about it.
    pub fn check_classes(&self) -> Result<()> {
        match &self.class_names[..] {
            [] => Err(Error::Training(
                "no particle has a class to learn from (labels that are held out only judge); label at least one particle of each of two classes".into(),
            )),
            [only] => Err(Error::Training(format!(
                "all labels to learn from are of one class ({only}); label at least one particle of a second class"
            ))),
            _ => Ok(()),
        }
    }

    /// These particles alone, with the predictions that belong to them; `predictions` has one a patch.
    pub fn only(
        &self,
        wanted: &dyn Fn(ParticleId) -> bool,
        predictions: &[Prediction],
    ) -> (Self, Vec<Prediction>) {
        let set = &self.patches;
        let which: Vec<usize> = (0..self.ids.len()).filter(|&i| wanted(self.ids[i])).collect();
        let size = set.wide * set.wide;
        let pixels: Vec<f32> =
            which.iter().flat_map(|&i| &set.pixels[i * size..(i + 1) * size]).copied().collect();
        let patches = PatchSet {
            side: set.side,
            wide: set.wide,
            pixels: pixels.into(),
            labels: which.iter().map(|&i| set.labels[i]).collect(),
            held_out: which.iter().map(|&i| set.held_out[i]).collect(),
        };
        let dataset = Self {
            patches: Arc::new(patches),
            geometry: self.geometry.clone(),
            ids: which.iter().map(|&i| self.ids[i]).collect(),
            classes: self.classes.clone(),
            class_names: self.class_names.clone(),
        };
        (dataset, which.iter().filter_map(|&i| predictions.get(i).cloned()).collect())
    }

    /// Labels as they are now, as places among a model's classes instead of the project's own; `roles` are those that
    /// labels had in the model's training.
    pub fn relabel(&mut self, project: &Project, classes: Vec<KnownClass>, roles: &Roles) {
        let (labels, held_out) = labels(project, &self.ids, &classes, roles);
        self.patches = Arc::new(PatchSet { labels, held_out, ..(*self.patches).clone() });
        self.class_names = present_names(project, &classes);
        self.classes = classes;
    }

    /// What the model calls its classes.
    pub fn model_names(&self) -> Vec<String> {
        self.classes.iter().map(|(_, name)| name.clone()).collect()
    }

    /// The particles whose labels judge.
    pub fn judges(&self) -> BTreeSet<ParticleId> {
        let judged = self.ids.iter().zip(&self.patches.held_out).filter(|(_, class)| class.is_some());
        judged.map(|(id, _)| *id).collect()
    }
}

/// Writes the library of a project's particles into `folder`.
///
/// `predictions` holds one entry a patch of `dataset`, or nothing without a model; `model` is its file.
///
/// # Errors
/// As [`library::export()`]; a model file that cannot be read.
pub fn export(
    project: &Project,
    dataset: &Dataset,
    predictions: &[Prediction],
    model: Option<&Path>,
    folder: &Path,
    overwrite: bool,
    made: Made,
) -> Result<()> {
    let set = &dataset.patches;
    let side = set.side;
    let mut pixels = vec![0.0; set.len() * side * side];
    for (out, wide) in pixels.chunks_exact_mut(side * side).zip(set.pixels.chunks_exact(set.wide * set.wide))
    {
        turned(wide, set.wide, side, 0.0, [0.0; 2], 1.0, out);
    }
    let patches = Patches { pixels: &pixels, side, geometry: &dataset.geometry };
    let mut library = Library::build(project, &dataset.ids, predictions, &dataset.class_names, patches)?;
    // A held-out label judges the model, so the library says what the model says.
    judge_by_model(project, dataset, predictions, &mut library);
    library.hold_out = hold_out(dataset, predictions)?;
    super::insight::fill(&mut library, project, dataset, predictions, model)?;
    library.insight.cross_validated = made
        .cross_validated
        .map(|CrossValidated { right, of, folds }| library::insight::CrossValidated { right, of, folds });
    library.settings = made.settings;
    library.model = model.map(|path| named_as_now(path, dataset)).transpose()?;
    library::export(&library, folder, overwrite)
}

/// The file of a model, with what the project calls its classes now.
fn named_as_now(path: &Path, dataset: &Dataset) -> Result<Vec<u8>> {
    if dataset.model_names() == dataset.class_names {
        return std::fs::read(path).map_err(|e| Error::io(path, "open", e));
    }
    let mut model = Checkpoint::load(path)?;
    model.description.classes.clone_from(&dataset.class_names);
    model.to_bytes()
}

/// Accuracy on the held-out labels; `None` without any.
///
/// # Errors
/// Lengths that do not fit together.
pub fn hold_out(dataset: &Dataset, predictions: &[Prediction]) -> Result<Option<HoldOut>> {
    let truth = &dataset.patches.held_out;
    if predictions.is_empty() || truth.iter().all(Option::is_none) {
        return Ok(None);
    }
    let predicted: Vec<usize> = predictions.iter().map(Prediction::best).collect();
    HoldOut::measure(truth, &predicted, &dataset.class_names).map(Some)
}

fn judge_by_model(project: &Project, dataset: &Dataset, predictions: &[Prediction], library: &mut Library) {
    for ((record, id), prediction) in library.records.iter_mut().zip(&dataset.ids).zip(predictions) {
        if project.particle(*id).is_some_and(|p| p.held_out) {
            let name = dataset.class_names.get(prediction.best());
            record.class = name.and_then(|n| library.classes.iter().position(|c| c == n));
            record.labelled_by = record.class.map(|_| library::LabelledBy::Model);
        }
    }
}

/// Opens a micrograph of the project, refusing a picture that is not the one it was labelled on.
///
/// # Errors
/// The file is gone, has another content, or cannot be read.
pub fn open(project: &Project, id: MicrographId) -> Result<Micrograph> {
    let entry = project
        .micrograph(id)
        .ok_or_else(|| Error::invalid("micrograph", format!("the project has none with number {}", id.0)))?;
    entry.open()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_labels_only_judge_it_is_not_said_that_there_are_none() {
        let mut project = Project::new();
        let entry = MicrographEntry::new("a.png", 0, 100, 100, None, "hash");
        let (micrograph, edit) = project.add_micrograph_edit(entry);
        project.apply(edit).unwrap();
        let mut label = |name: &str| {
            let (class, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
            let (id, edit) = project.add_particle_edit(micrograph, 5.0, 5.0, Some(class));
            project.apply(edit).unwrap();
            id
        };
        let (rod, cube) = (label("rod"), label("cube"));
        let refused = |project: &Project| {
            let classes = trained_classes(project);
            let (class_names, pixels) = (present_names(project, &classes), Arc::new([]));
            let patches = PatchSet { side: 1, wide: 1, pixels, labels: Vec::new(), held_out: Vec::new() };
            let (patches, ids, geometry) = (Arc::new(patches), Vec::new(), PatchGeometry::default());
            let dataset = Dataset { patches, geometry, ids, classes, class_names };
            dataset.check_classes().err().map(|error| error.to_string())
        };
        assert_eq!(refused(&project), None);
        for (held_out, said) in [(cube, "all labels to learn from are of one class (rod)"), (rod, "held out")]
        {
            let edit = project.hold_out_edit(&[held_out], true).unwrap();
            project.apply(edit).unwrap();
            let message = refused(&project).unwrap();
            assert!(message.contains(said), "{message}");
        }
    }
}
