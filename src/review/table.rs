//! One row a particle, one column anything that is known of it: what scatter plots, queries and correlations read.

use crate::particle::describe::{Descriptor, Descriptors};
use crate::particle::{ClassId, MicrographId, ParticleId, Prediction};
use crate::project::Project;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A number that a particle has, or has not (NaN).
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// Probability of the most probable class, 0..=1.
    Probability,
    /// Probability of one of the model's classes.
    ProbabilityOf(usize),
    /// Largest minus second largest probability.
    Margin,
    /// Mean squared error of the reconstruction.
    Error,
    /// Learned angle, degrees.
    Angle,
    /// Learned shift to the right and down, nm where the scale is known, else px of the micrograph.
    ShiftX,
    ShiftY,
    Scale,
    /// Mean of a content latent, from 0.
    Latent(usize),
    /// nm where the scale is known, else px.
    Measured(Descriptor),
    /// Measured direction, degrees.
    Direction,
    /// Place on the micrograph, px.
    X,
    Y,
    /// Place along the first (0) or second (1) principal axis of all latents; only [`super::pca`] knows it.
    Map(usize),
}

impl Variable {
    /// For axes, without unit: "z1", "aspect ratio".
    pub fn name(&self, classes: &[String]) -> String {
        match self {
            Self::Probability => "probability".into(),
            Self::ProbabilityOf(class) => {
                format!("probability of {}", classes.get(*class).map_or("?", String::as_str))
            }
            Self::Margin => "margin".into(),
            Self::Error => "reconstruction error".into(),
            Self::Angle => "angle".into(),
            Self::ShiftX => "shift to the right".into(),
            Self::ShiftY => "shift down".into(),
            Self::Scale => "scale".into(),
            Self::Latent(i) => format!("z{}", i + 1),
            Self::Measured(what) => what.name().into(),
            Self::Direction => "measured direction".into(),
            Self::X => "x".into(),
            Self::Y => "y".into(),
            Self::Map(axis) => format!("PCA {} of the latents", axis + 1),
        }
    }

    /// The unit, empty for plain numbers.
    pub fn unit(&self, in_nm: bool) -> &'static str {
        match self {
            Self::Angle | Self::Direction => "deg",
            Self::ShiftX | Self::ShiftY => {
                if in_nm {
                    "nm"
                } else {
                    "px"
                }
            }
            Self::X | Self::Y => "px",
            Self::Measured(what) => what.unit(in_nm),
            _ => "",
        }
    }

    /// How wide one turn is, for values that go round: 360 for angles, 180 for directions.
    pub fn cycle(&self) -> Option<f64> {
        match self {
            Self::Angle => Some(360.0),
            Self::Direction => Some(180.0),
            _ => None,
        }
    }
}

/// What is known of one particle but for what the model says, which changes more often.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: ParticleId,
    /// Short name of its micrograph.
    pub micrograph: Arc<str>,
    pub x: f32,
    pub y: f32,
    /// Name of the class a person gave it.
    pub label: Option<String>,
    pub held_out: bool,
    /// Its prediction's place in the table's; there may be none.
    pub place: usize,
    pub measured: Option<Descriptors>,
    pub nm_per_px: Option<f64>,
    /// Micrograph pixels in one patch pixel.
    pub pitch_px: f64,
}

/// What is known of many particles, in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub rows: Arc<Vec<Row>>,
    /// What the model says, found by [`Table::prediction`].
    pub predictions: Arc<[Prediction]>,
    /// The model's classes, in the order of the probabilities.
    pub classes: Vec<String>,
    /// Content latents of the model.
    pub latents: usize,
    /// True if every row has a scale: then lengths are in nm.
    pub in_nm: bool,
}

impl Table {
    /// A row for each of `ids` that the project has. `predictions` and `measured` go with `ids` or are empty;
    /// `classes` names the model's classes.
    pub fn new(
        project: &Project,
        ids: &[ParticleId],
        classes: &[String],
        predictions: Arc<[Prediction]>,
        measured: &[Option<Descriptors>],
    ) -> Self {
        let names: BTreeMap<MicrographId, Arc<str>> =
            project.micrograph_names().into_iter().map(|(id, name)| (id, name.into())).collect();
        let row = |(place, id): (usize, &ParticleId)| {
            let particle = project.particle(*id)?;
            let entry = project.micrograph(particle.micrograph)?;
            let nm = entry.pixel_size.map(|size| (size.x_nm * size.y_nm).sqrt());
            Some(Row {
                id: *id,
                micrograph: names.get(&entry.id).cloned().unwrap_or_else(|| "".into()),
                x: particle.x,
                y: particle.y,
                label: particle.label.and_then(|id: ClassId| project.class(id)).map(|c| c.name.clone()),
                held_out: particle.held_out,
                place,
                measured: measured.get(place).cloned().flatten(),
                nm_per_px: nm,
                pitch_px: project.patch.extent_on(nm) / project.patch.side.max(1) as f64,
            })
        };
        let rows: Vec<Row> = ids.iter().enumerate().filter_map(row).collect();
        let latents = predictions.first().map_or(0, |p| p.mu.len());
        let in_nm = !rows.is_empty() && rows.iter().all(|row| row.nm_per_px.is_some());
        Self { rows: Arc::new(rows), predictions, classes: classes.to_vec(), latents, in_nm }
    }

    /// The same particles with what the model says of them now.
    #[must_use]
    pub fn with_predictions(&self, predictions: Arc<[Prediction]>) -> Self {
        Self { predictions, ..self.clone() }
    }

    /// What the model says of a row.
    pub fn prediction(&self, row: &Row) -> Option<&Prediction> {
        self.predictions.get(row.place)
    }

    /// The same with these as the labels that judge: those that the model's training left out, which may be others than
    /// the ones a person marked.
    #[must_use]
    pub fn judged_by(mut self, judges: &BTreeSet<ParticleId>) -> Self {
        Arc::make_mut(&mut self.rows).iter_mut().for_each(|row| row.held_out = judges.contains(&row.id));
        self
    }

    /// Every variable that this table can show, in the order of a menu.
    pub fn variables(&self) -> Vec<Variable> {
        let mut all: Vec<Variable> = (0..self.latents).map(Variable::Latent).collect();
        all.extend([Variable::Angle, Variable::ShiftX, Variable::ShiftY, Variable::Scale]);
        all.extend([Variable::Probability, Variable::Margin, Variable::Error]);
        all.extend((0..self.classes.len()).map(Variable::ProbabilityOf));
        all.extend(Descriptor::ALL.map(Variable::Measured));
        all.extend([Variable::Direction, Variable::X, Variable::Y]);
        all
    }

    /// A value of one row; NaN where it is not known.
    pub fn value(&self, row: &Row, variable: &Variable) -> f64 {
        let nm = row.nm_per_px.filter(|_| self.in_nm);
        let of = |f: &dyn Fn(&Prediction) -> Option<f32>| {
            self.prediction(row).and_then(f).map_or(f64::NAN, f64::from)
        };
        let length = |patch_px: f64| patch_px * row.pitch_px * nm.unwrap_or(1.0);
        match variable {
            Variable::Probability => of(&|p| p.probabilities.get(p.best()).copied()),
            Variable::ProbabilityOf(class) => of(&|p| p.probabilities.get(*class).copied()),
            Variable::Margin => of(&|p| Some(p.margin())),
            Variable::Error => of(&|p| Some(p.recon_error)),
            Variable::Angle => of(&|p| Some(p.angle_rad.to_degrees())),
            Variable::ShiftX => length(of(&|p| Some(p.shift_px[0]))),
            Variable::ShiftY => length(of(&|p| Some(p.shift_px[1]))),
            Variable::Scale => of(&|p| Some(p.scale)),
            Variable::Latent(i) => of(&|p| p.mu.get(*i).copied()),
            Variable::Measured(what) => row.measured.as_ref().map_or(f64::NAN, |d| d.get_in(*what, nm)),
            Variable::Direction => row.measured.as_ref().map_or(f64::NAN, |d| d.angle_deg),
            Variable::X => f64::from(row.x),
            Variable::Y => f64::from(row.y),
            Variable::Map(_) => f64::NAN,
        }
    }

    /// The values of all rows.
    pub fn column(&self, variable: &Variable) -> Vec<f64> {
        self.rows.iter().map(|row| self.value(row, variable)).collect()
    }

    /// The class the model gives a row, as its place in `classes`.
    pub fn predicted(&self, row: &Row) -> Option<usize> {
        self.prediction(row).filter(|p| !p.probabilities.is_empty()).map(Prediction::best)
    }

    /// The same with other names for its classes, place by place: what a model said before a person renamed one.
    pub fn renamed(&self, classes: &[String]) -> Self {
        if self.classes == classes || self.classes.len() != classes.len() {
            return self.clone();
        }
        let name = |label: &String| {
            let place = self.classes.iter().position(|class| class == label);
            place.map_or_else(|| label.clone(), |place| classes[place].clone())
        };
        let rows = self.rows.iter().map(|row| Row { label: row.label.as_ref().map(name), ..row.clone() });
        Self { rows: Arc::new(rows.collect()), classes: classes.to_vec(), ..self.clone() }
    }

    /// The class of a row as the library has it: the label, else the model's. A label that judges tells what is right, not
    /// what the model found; its particle has the model's class.
    pub fn class<'a>(&'a self, row: &'a Row) -> Option<&'a str> {
        let model = || self.predicted(row).and_then(|c| self.classes.get(c)).map(String::as_str);
        match row.label.as_deref() {
            Some(label) if !row.held_out => Some(label),
            label => model().or(label),
        }
    }
}

/// Means and standard deviations of some finite values; `None` for fewer than two.
pub(super) fn spread(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let n = values.clone().count();
    if n < 2 {
        return None;
    }
    let mean = values.clone().sum::<f64>() / n as f64;
    let square = values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
    Some((mean, square.sqrt()))
}
