//! Which particle to ask a person about next.
//!
//! Five reasons are mixed, because each finds another kind of mistake: the model hesitates (small margin; Scheffer et
//! al. 2001), it cannot draw what it sees, it contradicts a label, nothing like it has been labelled, or it is sure, and
//! wrong all the same: few labels can lead it astray with confidence, which its own doubts never show. Within a reason
//! the next question is not only urgent but also unlike those already asked, so that ten answers teach ten things.

pub use super::answers::{Answer, Review};

use super::table::{Row, Table, Variable, spread};
use crate::particle::ParticleId;
use crate::particle::describe::Descriptor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why a particle is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Two classes are nearly as probable.
    Uncertain,
    /// The model says another class than the person did.
    Conflict,
    /// Nothing like it has been labelled.
    Unusual,
    /// The model cannot draw it.
    PoorlyDrawn,
    /// The model is sure of it; what else it is sure of looks different.
    SpotCheck,
    /// There is no model yet, and it shows one of the looks there are.
    Typical,
}

impl Reason {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Uncertain => "the model hesitates between two classes",
            Self::Conflict => "the model contradicts the label",
            Self::Unusual => "nothing like it has been labelled",
            Self::PoorlyDrawn => "the model cannot draw it well",
            Self::SpotCheck => "the model is sure of it; a spot check",
            Self::Typical => "it shows one of the looks there are",
        }
    }
}

/// Out of ten questions so many for each reason; what one has not enough of, the first that has some takes.
const SHARES: [(Reason, usize); REASONS] = [
    (Reason::Uncertain, 4),
    (Reason::Conflict, 1),
    (Reason::Unusual, 1),
    (Reason::PoorlyDrawn, 1),
    (Reason::SpotCheck, 3),
];
const REASONS: usize = 5;
/// The place of [`Reason::SpotCheck`]: the reasons before it are doubts.
const SPOT_CHECKS: usize = 4;
/// Margins above this are no hesitation.
const HESITATES: f64 = 0.9;
/// Robust deviations above the usual from which on an error or a distance is large.
const LARGE: f64 = 2.5;
/// Labelled particles that others are compared with, at most: at 100,000 particles all pairs would take minutes.
const REFERENCES: usize = 1000;

/// Rows and how urgent each is, for each reason of [`SHARES`].
type Lists = [Vec<(usize, f64)>; REASONS];

/// A question to a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub id: ParticleId,
    pub reason: Reason,
    /// What the model proposes, as a place in [`Table::classes`].
    pub proposal: Option<usize>,
    /// Probability that the proposal is wrong, as far as the model knows: what an answer may mend.
    pub doubt: f64,
}

/// How far a review is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    pub answered: usize,
    /// Answers that differed from what the model or the label said.
    pub changed: usize,
    /// Unlabelled particles the model expects to have wrong: the sum of its doubts.
    pub expected_wrong: f64,
    /// Particles that are worth a question.
    pub left: usize,
    /// Unlabelled particles that the model is sure of: what spot checks are taken from.
    pub sure: usize,
}

/// What there is to ask.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    pub progress: Progress,
    /// Most useful first.
    pub questions: Vec<Question>,
}

impl Question {
    /// A question before there is a model.
    pub fn typical(id: ParticleId) -> Self {
        Self { id, reason: Reason::Typical, proposal: None, doubt: 0.0 }
    }
}

impl Review {
    /// How far it is.
    pub fn progress(&self, table: &Table) -> Progress {
        self.outlook(table, 0).progress
    }

    /// The next `n` questions, most useful first. Held-out particles are never asked about: they judge.
    pub fn questions(&self, table: &Table, n: usize) -> Vec<Question> {
        self.outlook(table, n).questions
    }

    /// How far it is, and the next `n` questions.
    pub fn outlook(&self, table: &Table, n: usize) -> Outlook {
        let features = Features::of(table);
        let known = to_labelled(table, &features);
        let lists = self.candidates(table, &known);
        Outlook { progress: self.standing(table, &lists), questions: pick(table, &features, known, lists, n) }
    }

    fn standing(&self, table: &Table, lists: &Lists) -> Progress {
        let (answered, changed) = self.counts();
        let open = |row: &&Row| row.label.is_none() && !self.is_answered(row.id);
        Progress {
            answered,
            changed,
            // Not a sum, which is -0 for nothing.
            expected_wrong: table.rows.iter().filter(open).fold(0.0, |sum, row| sum + doubt(table, row)),
            left: doubtful(&lists[..SPOT_CHECKS]).len(),
            sure: lists[SPOT_CHECKS].len(),
        }
    }

    /// Rows and their urgency for each reason of [`SHARES`]; `known` is each row's distance to the nearest label.
    fn candidates(&self, table: &Table, known: &[f64]) -> Lists {
        let rows: Vec<(usize, &Row)> = table
            .rows
            .iter()
            .enumerate()
            .filter(|(_, r)| !r.held_out && table.prediction(r).is_some() && !self.is_answered(r.id))
            .collect();
        let unlabelled = || rows.iter().filter(|(_, row)| row.label.is_none());
        let uncertain = unlabelled()
            .map(|(i, row)| (*i, 1.0 - table.value(row, &Variable::Margin)))
            .filter(|(_, urgency)| *urgency > 1.0 - HESITATES)
            .collect();
        let conflict = rows.iter().filter_map(|(i, row)| Some((*i, contradiction(table, row)?))).collect();
        let errors: Vec<f64> = table.column(&Variable::Error);
        let error = large(unlabelled().map(|(i, _)| (*i, errors[*i])), &errors);
        // What is usual is so among the others: labelled ones are all near a labelled one.
        let usual: Vec<f64> = unlabelled().map(|(i, _)| known[*i]).collect();
        let unusual = large(unlabelled().map(|(i, _)| (*i, known[*i])), &usual);
        let doubts = [uncertain, conflict, unusual, error];
        let doubted = doubtful(&doubts);
        let sure = unlabelled().filter(|(i, _)| !doubted.contains(i)).map(|(i, _)| (*i, 1.0)).collect();
        let [uncertain, conflict, unusual, error] = doubts;
        [uncertain, conflict, unusual, error, sure]
    }
}

/// The rows that are in some list.
fn doubtful(lists: &[Vec<(usize, f64)>]) -> BTreeSet<usize> {
    lists.iter().flatten().map(|(i, _)| *i).collect()
}

/// Takes `n` from the lists in turn, each as urgent and as unlike those labelled or taken before as can be; `nearest` is
/// each row's distance to the nearest label.
fn pick(
    table: &Table,
    features: &Features,
    mut nearest: Vec<f64>,
    mut lists: Lists,
    n: usize,
) -> Vec<Question> {
    let mut picked: Vec<(usize, Reason)> = Vec::new();
    let order = order(n);
    let mut turn = 0;
    while picked.len() < n && lists.iter().any(|list| !list.is_empty()) {
        let wanted = order[turn % order.len().max(1)];
        turn += 1;
        let Some(list) = std::iter::once(wanted).chain(0..REASONS).find(|l| !lists[*l].is_empty()) else {
            break;
        };
        let far = far_distance(&nearest, &lists[list]);
        let worth = |(i, urgency): &(usize, f64)| {
            // Being unlike what is known counts as much as being urgent.
            urgency * (nearest[*i] / far).min(1.0)
        };
        let best = lists[list]
            .iter()
            .max_by(|a, b| worth(a).total_cmp(&worth(b)).then(b.0.cmp(&a.0)))
            .map(|(i, _)| *i);
        let Some(best) = best else { break };
        picked.push((best, SHARES[list].0));
        lists.iter_mut().for_each(|list| list.retain(|(i, _)| *i != best));
        for (i, near) in nearest.iter_mut().enumerate() {
            *near = near.min(distance(features.row(i), features.row(best)));
        }
    }
    picked
        .into_iter()
        .map(|(i, reason)| {
            let row = &table.rows[i];
            Question { id: row.id, reason, proposal: table.predicted(row), doubt: doubt(table, row) }
        })
        .collect()
}

/// Places of the reasons for `n` questions, spread evenly.
fn order(n: usize) -> Vec<usize> {
    let total: usize = SHARES.iter().map(|(_, share)| share).sum();
    let mut given = [0_usize; REASONS];
    (1..=n.max(1))
        .map(|k| {
            let lack = |l: usize| (k * SHARES[l].1) as f64 / total as f64 - given[l] as f64;
            let next = (0..REASONS).max_by(|a, b| lack(*a).total_cmp(&lack(*b)).then(b.cmp(a))).unwrap_or(0);
            given[next] += 1;
            next
        })
        .collect()
}

fn doubt(table: &Table, row: &Row) -> f64 {
    let p = table.value(row, &Variable::Probability);
    if p.is_finite() { 1.0 - p } else { 0.0 }
}

/// How much more probable the model finds its own class than the label; `None` if they agree or it does not know the
/// label's class.
fn contradiction(table: &Table, row: &Row) -> Option<f64> {
    let (label, prediction) = (row.label.as_ref()?, table.prediction(row)?);
    let predicted = table.predicted(row)?;
    // It cannot contradict a class that it does not know.
    let place = table.classes.iter().position(|class| class == label)?;
    let of = |c: usize| prediction.probabilities.get(c).copied().map_or(0.0, f64::from);
    (place != predicted).then(|| of(predicted) - of(place))
}

/// Values far above the usual of `all` (median and median deviation), as urgency 0..1.
fn large(values: impl Iterator<Item = (usize, f64)>, all: &[f64]) -> Vec<(usize, f64)> {
    let mut sorted: Vec<f64> = all.iter().copied().filter(|v| v.is_finite()).collect();
    if sorted.is_empty() {
        return Vec::new();
    }
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let mut off: Vec<f64> = sorted.iter().map(|v| (v - median).abs()).collect();
    off.sort_by(f64::total_cmp);
    // 1.4826: the median deviation of a normal distribution in standard deviations.
    let deviation = (1.4826 * off[off.len() / 2]).max(1e-12);
    values
        .map(|(i, v)| (i, (v - median) / deviation))
        .filter(|(_, d)| *d > LARGE)
        .map(|(i, d)| (i, 1.0 - LARGE / (LARGE + d)))
        .collect()
}

/// Distance of every row to the nearest other one whose label teaches, of which some stand for all; infinite if there is
/// none.
fn to_labelled(table: &Table, features: &Features) -> Vec<f64> {
    let references = references(table);
    // Side by side in memory: they are gone through for every row.
    let of: Vec<f64> = references.iter().flat_map(|i| features.row(*i)).copied().collect();
    let nearest = |i: usize| {
        let others = references.iter().zip(of.chunks_exact(features.wide.max(1))).filter(|(r, _)| **r != i);
        others.map(|(_, other)| distance(features.row(i), other)).fold(f64::INFINITY, f64::min)
    };
    (0..table.rows.len()).map(nearest).collect()
}

/// At most [`REFERENCES`] rows whose label teaches, evenly over all of them.
fn references(table: &Table) -> Vec<usize> {
    let teaches = |i: &usize| table.rows[*i].label.is_some() && !table.rows[*i].held_out;
    let labelled: Vec<usize> = (0..table.rows.len()).filter(teaches).collect();
    let step = labelled.len().div_ceil(REFERENCES).max(1);
    labelled.into_iter().step_by(step).collect()
}

/// What particles are alike in: content, size and shape, brightness, and what the model thinks, each in standard
/// deviations; what is not known counts as usual.
struct Features {
    /// Numbers a row.
    wide: usize,
    values: Vec<f64>,
}

impl Features {
    fn of(table: &Table) -> Self {
        let mut variables: Vec<Variable> = (0..table.latents).map(Variable::Latent).collect();
        variables.extend((0..table.classes.len()).map(Variable::ProbabilityOf));
        variables.extend(
            [
                Descriptor::EquivalentDiameter,
                Descriptor::AspectRatio,
                Descriptor::Circularity,
                Descriptor::MeanIntensity,
            ]
            .map(Variable::Measured),
        );
        let wide = variables.len();
        let mut values = vec![0.0; wide * table.rows.len()];
        for (place, variable) in variables.iter().enumerate() {
            let column = table.column(variable);
            let Some((mean, sd)) = spread(column.iter().copied().filter(|v| v.is_finite())) else { continue };
            for (row, value) in values.chunks_exact_mut(wide).zip(&column) {
                let off = (value - mean) / sd.max(1e-9);
                row[place] = if off.is_finite() { off.clamp(-4.0, 4.0) } else { 0.0 };
            }
        }
        Self { wide, values }
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.wide..(i + 1) * self.wide]
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// Distance to what was picked that only a tenth of the candidates exceeds: an outlier alone sets no measure.
fn far_distance(nearest: &[f64], list: &[(usize, f64)]) -> f64 {
    let mut all: Vec<f64> = list.iter().map(|(i, _)| nearest[*i]).filter(|d| d.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() * 9 / 10).copied().unwrap_or(1.0).max(1e-9)
}

#[cfg(test)]
mod tests;
