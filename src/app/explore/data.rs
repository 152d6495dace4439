//! The table behind scatter and review, what its latents mean and how far they reach: all that is known of particles.

use super::super::state::State;
use crate::particle::describe::Descriptors;
use crate::particle::{ParticleId, Prediction};
use crate::project::Project;
use crate::review::meaning::{ClassMeaning, Meaning, meanings};
use crate::review::pca::{Plane, pca};
use crate::review::ranges::{Ranges, ranges};
use crate::review::{Table, Variable};
use crate::worker::job::Dataset;
use std::sync::Arc;

/// What a table was made from: the revisions of predictions and project, and the measurements.
pub type Key = (u64, u64, usize);

/// What is known of every particle the model has seen.
pub struct Known {
    pub of: Key,
    pub table: Arc<Table>,
    /// Of each class; empty before the particles are measured.
    pub meanings: Vec<ClassMeaning>,
    pub ranges: Vec<Ranges>,
    /// All latents on two axes, where there are more than two.
    pub plane: Option<Plane>,
}

impl Known {
    /// The values of all rows; of the axes of the latents, too.
    pub fn column(&self, variable: &Variable) -> Vec<f64> {
        match (variable, &self.plane) {
            (Variable::Map(axis), Some(plane)) => plane.places.iter().map(|at| at[*axis % 2]).collect(),
            _ => self.table.column(variable),
        }
    }
}

/// All that [`Known`] is made from, for a thread of its own.
pub struct Sources {
    of: Key,
    project: Project,
    ids: Arc<[ParticleId]>,
    classes: Vec<String>,
    predictions: Arc<[Prediction]>,
    measured: Option<Arc<super::super::state::Measured>>,
    /// Knows which labels judge.
    dataset: Option<Arc<Dataset>>,
}

/// What is known so far. It may be a moment older than the project.
#[derive(Default)]
pub struct Data {
    known: Option<Arc<Known>>,
}

impl Sources {
    /// What there is now; nothing before the model has said something.
    pub fn of(state: &State) -> Option<Self> {
        let results = state.results.as_ref()?;
        let model = state.training.model.as_ref();
        Some(Self {
            of: key(state)?,
            project: state.project.clone(),
            ids: results.ids.clone(),
            classes: model
                .map(|m| m.classes.iter().map(|(_, name)| name.clone()).collect())
                .unwrap_or_default(),
            predictions: results.predictions.clone(),
            measured: measured(state).cloned(),
            dataset: state.training.dataset.clone(),
        })
    }

    /// Takes a while for many particles.
    pub fn known(&self) -> Known {
        let descriptors: &[Option<Descriptors>] = self.measured.as_ref().map_or(&[], |m| &m.descriptors[..]);
        let judges = self.dataset.as_ref().map(|dataset| dataset.judges()).unwrap_or_default();
        let table = Table::new(&self.project, &self.ids, &self.classes, &self.predictions, descriptors)
            .judged_by(&judges);
        Known {
            of: self.of,
            meanings: if descriptors.is_empty() { Vec::new() } else { meanings(&table) },
            ranges: ranges(&table),
            plane: if table.latents > 2 { pca(&table) } else { None },
            table: Arc::new(table),
        }
    }
}

/// The measurements of the particles the model has seen.
fn measured(state: &State) -> Option<&Arc<super::super::state::Measured>> {
    let results = state.results.as_ref()?;
    state.measured.as_ref().filter(|m| m.ids[..] == results.ids[..])
}

/// What a table made now would be made from.
pub fn key(state: &State) -> Option<Key> {
    let results = state.results.as_ref()?;
    let place = measured(state).map_or(0, |m| Arc::as_ptr(m) as usize);
    Some((results.revision, state.revision, place))
}

impl Data {
    /// Forgets what belonged to a model that is gone.
    pub fn refresh(&mut self, state: &State) {
        if state.results.is_none() {
            self.known = None;
        }
    }

    /// Takes what a job has made; what was there before, to be cleared away outside the window's thread.
    pub fn take(&mut self, known: Arc<Known>) -> Option<Arc<Known>> {
        self.known.replace(known)
    }

    pub fn known(&self) -> Option<&Arc<Known>> {
        self.known.as_ref()
    }

    /// The table, once the model has said something.
    pub fn table(&self) -> Option<&Arc<Table>> {
        self.known.as_ref().map(|known| &known.table)
    }

    /// What the table was made from: as long as it is the same, so is the table.
    pub fn key(&self) -> Option<Key> {
        self.known.as_ref().map(|known| known.of)
    }

    /// What the latents mean, class by class.
    pub fn meanings(&self) -> &[ClassMeaning] {
        self.known.as_ref().map_or(&[], |known| &known.meanings)
    }

    /// What one latent means in one class, both from 0.
    pub fn meaning(&self, class: usize, latent: usize) -> Option<&Meaning> {
        self.meanings().get(class)?.latents.get(latent)
    }

    /// How far a class reaches.
    pub fn ranges(&self, class: usize) -> Option<&Ranges> {
        self.known.as_ref()?.ranges.get(class)
    }

    /// Every variable that a scatter can show, in the order of a menu.
    pub fn variables(&self) -> Vec<Variable> {
        let Some(known) = &self.known else { return Vec::new() };
        let mut all = known.table.variables();
        if known.plane.is_some() {
            // Beside the latents that they are made of.
            let at = known.table.latents.min(all.len());
            all.splice(at..at, [Variable::Map(0), Variable::Map(1)]);
        }
        all
    }

    /// True for a latent that says nothing in any class.
    pub fn is_collapsed(&self, variable: &Variable) -> bool {
        let Variable::Latent(latent) = variable else { return false };
        let says = |class: &ClassMeaning| class.latents.get(*latent).is_some_and(|m| !m.collapsed);
        !self.meanings().is_empty() && !self.meanings().iter().any(says)
    }

    /// The name of an axis with its unit, and for a latent what it means in the classes where that is clear.
    pub fn axis(&self, variable: &Variable) -> String {
        let Some(table) = self.table() else { return String::new() };
        let (name, unit) = (variable.name(&table.classes), variable.unit(table.in_nm));
        let mut axis = if unit.is_empty() { name } else { format!("{name} ({unit})") };
        if let (Variable::Map(which), Some(plane)) =
            (variable, self.known.as_ref().and_then(|known| known.plane.as_ref()))
        {
            return format!("{axis}, {:.0} % of the variance", 100.0 * plane.shares[*which % 2]);
        }
        if let Variable::Latent(latent) = variable {
            let of_class = |class: &ClassMeaning| {
                let meaning = class.latents.get(*latent)?;
                let strongest = meaning.strongest()?;
                let (what, r) = (strongest.descriptor.name(), strongest.r);
                Some((format!("{}: {what}, r = {r:.2}", class.class), r.abs()))
            };
            let mut clear: Vec<(String, f64)> = self.meanings().iter().filter_map(of_class).collect();
            clear.sort_by(|a, b| b.1.total_cmp(&a.1));
            if self.is_collapsed(variable) {
                axis.push_str(" – collapsed");
            }
            let clear: Vec<String> = clear.into_iter().take(2).map(|(text, _)| text).collect();
            if !clear.is_empty() {
                axis = format!("{axis} – {}", clear.join("; "));
            }
        }
        axis
    }
}
