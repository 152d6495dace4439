//! The table behind scatter and review, what its latents mean and how far they reach: all that is known of particles.

use super::super::state::{Measured, State};
use crate::particle::describe::Descriptors;
use crate::particle::{ParticleId, Prediction};
use crate::project::Project;
use crate::review::meaning::{ClassMeaning, Meaning, meanings};
use crate::review::pca::{Plane, pca};
use crate::review::ranges::{Ranges, ranges};
use crate::review::table::Row;
use crate::review::{Table, Variable};
use crate::worker::job::Dataset;
use std::sync::Arc;

/// What a table was made from. The places in memory tell one from the next, as long as the next is made while this one is
/// there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The revision of the predictions, which change while the model learns.
    predictions: u64,
    /// The revision of the project.
    project: u64,
    measured: usize,
    /// Knows which labels judge.
    dataset: usize,
}

/// What is known of every particle the model has seen.
pub struct Known {
    pub of: Key,
    pub table: Arc<Table>,
    /// The particles of the predictions.
    ids: Arc<[ParticleId]>,
    insight: Arc<Insight>,
}

/// What a table says as a whole. It takes longer to find out than the table itself.
#[derive(Default)]
pub struct Insight {
    /// Of each class; empty before the particles are measured.
    meanings: Vec<ClassMeaning>,
    ranges: Vec<Ranges>,
    /// All latents on two axes, where there are more than two.
    plane: Option<Plane>,
}

impl Insight {
    fn of(table: &Table) -> Self {
        let measured = table.rows.iter().any(|row| row.measured.is_some());
        Self {
            meanings: if measured { meanings(table) } else { Vec::new() },
            ranges: ranges(table),
            plane: if table.latents > 2 { pca(table) } else { None },
        }
    }
}

impl Known {
    /// The value of the row at a place; of the axes of the latents, too.
    pub fn value(&self, place: usize, row: &Row, variable: &Variable) -> f64 {
        match (variable, &self.insight.plane) {
            (Variable::Map(axis), Some(plane)) => {
                plane.places.get(place).map_or(f64::NAN, |at| at[*axis % 2])
            }
            _ => self.table.value(row, variable),
        }
    }

    /// The values of all rows.
    pub fn column(&self, variable: &Variable) -> Vec<f64> {
        self.table.rows.iter().enumerate().map(|(place, row)| self.value(place, row, variable)).collect()
    }

    /// The same with all that its table says.
    pub fn understood(&self) -> Self {
        Self {
            of: self.of,
            table: self.table.clone(),
            ids: self.ids.clone(),
            insight: Arc::new(Insight::of(&self.table)),
        }
    }

    /// The revision of the predictions.
    pub fn revision(&self) -> u64 {
        self.of.predictions
    }
}

/// All that [`Known`] is made from, for a thread of its own.
pub struct Sources {
    of: Key,
    ids: Arc<[ParticleId]>,
    classes: Vec<String>,
    predictions: Arc<[Prediction]>,
    /// What was known before.
    before: Option<Arc<Known>>,
    /// Where more has changed than the predictions.
    new: Option<Box<Particulars>>,
}

/// What the rows of a table are made from.
struct Particulars {
    project: Project,
    measured: Option<Arc<Measured>>,
    dataset: Option<Arc<Dataset>>,
}

/// What is known so far. It may be a moment older than the project.
#[derive(Default)]
pub struct Data {
    known: Option<Arc<Known>>,
}

impl Sources {
    /// What there is now; nothing before the model has said something.
    pub fn of(state: &State, before: Option<&Arc<Known>>) -> Option<Self> {
        let results = state.results.as_ref()?;
        let of = key(state)?;
        let classes = state.class_names();
        let same_rows = |known: &Arc<Known>| {
            Key { predictions: of.predictions, ..known.of } == of
                && Arc::ptr_eq(&known.ids, &results.ids)
                && known.table.classes == classes
        };
        let particulars = || {
            Box::new(Particulars {
                project: state.project_as_learned(),
                measured: measured(state).cloned(),
                dataset: state.training.dataset.clone(),
            })
        };
        Some(Self {
            of,
            ids: results.ids.clone(),
            predictions: results.predictions.clone(),
            new: (!before.is_some_and(same_rows)).then(particulars),
            before: before.cloned(),
            classes,
        })
    }

    /// The table of now. What the one before said as a whole stands until it is found out again.
    pub fn known(&self) -> Known {
        let before = self.before.as_deref();
        let table = match (&self.new, before) {
            (None, Some(before)) => before.table.with_predictions(self.predictions.clone()),
            (None, None) => Table::default(),
            (Some(new), _) => {
                let descriptors: &[Option<Descriptors>] =
                    new.measured.as_ref().map_or(&[], |m| &m.descriptors[..]);
                let judges = new.dataset.as_ref().map(|dataset| dataset.judges()).unwrap_or_default();
                let predictions = self.predictions.clone();
                Table::new(&new.project, &self.ids, &self.classes, predictions, descriptors)
                    .judged_by(&judges)
            }
        };
        let still_fits = |known: &&Known| {
            let (was, is) = (&known.table, &table);
            (was.classes == is.classes) && (was.latents, was.rows.len()) == (is.latents, is.rows.len())
        };
        let insight = before.filter(still_fits).map(|known| known.insight.clone()).unwrap_or_default();
        Known { of: self.of, table: Arc::new(table), ids: self.ids.clone(), insight }
    }
}

/// The measurements of the particles the model has seen.
fn measured(state: &State) -> Option<&Arc<Measured>> {
    let results = state.results.as_ref()?;
    state.measured.as_ref().filter(|m| m.ids[..] == results.ids[..])
}

/// What a table made now would be made from.
pub fn key(state: &State) -> Option<Key> {
    let results = state.results.as_ref()?;
    Some(Key {
        predictions: results.revision,
        project: state.revision,
        measured: measured(state).map_or(0, |m| Arc::as_ptr(m) as usize),
        dataset: state.training.dataset.as_ref().map_or(0, |d| Arc::as_ptr(d) as usize),
    })
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
        self.known.as_ref().map_or(&[], |known| &known.insight.meanings)
    }

    /// What one latent means in one class, both from 0.
    pub fn meaning(&self, class: usize, latent: usize) -> Option<&Meaning> {
        self.meanings().get(class)?.latents.get(latent)
    }

    /// How far a class reaches.
    pub fn ranges(&self, class: usize) -> Option<&Ranges> {
        self.known.as_ref()?.insight.ranges.get(class)
    }

    /// Every variable that a scatter can show, in the order of a menu.
    pub fn variables(&self) -> Vec<Variable> {
        let Some(known) = &self.known else { return Vec::new() };
        let mut all = known.table.variables();
        if known.insight.plane.is_some() {
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
            (variable, self.known.as_ref().and_then(|known| known.insight.plane.as_ref()))
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
