//! What changed between two states of a model: which particles moved to another class, and which latent became which.

use super::meaning::pearson;
use super::table::{Row, Table, Variable};
use crate::particle::ParticleId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A particle whose predicted class moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    pub id: ParticleId,
    pub from: String,
    pub to: String,
    /// Probability of `to` now.
    pub probability: f64,
}

/// A latent before and the one that follows it now, within one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    pub class: String,
    /// From 1.
    pub before: usize,
    pub after: usize,
    /// Correlation over the particles both know: -1 is the same latent turned round.
    pub r: f64,
}

/// Two states side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Held-out labels: right and of, before and now.
    pub accuracy: [(usize, usize); 2],
    /// Surest first.
    pub moved: Vec<Moved>,
    pub latents: Vec<Aligned>,
}

/// Compares what two models say of the particles that both have seen.
pub fn compare(before: &Table, after: &Table) -> Comparison {
    let pairs = pairs(before, after);
    let latents = after.classes.iter().flat_map(|class| align(before, after, &pairs, class)).collect();
    Comparison { latents, ..compare_pairs(before, after, &pairs) }
}

/// As [`compare`], of the classes alone: the latents, which take far longer, are left out.
pub fn compare_classes(before: &Table, after: &Table) -> Comparison {
    compare_pairs(before, after, &pairs(before, after))
}

/// The particles that both tables have.
fn pairs<'a>(before: &'a Table, after: &'a Table) -> Vec<(&'a Row, &'a Row)> {
    let earlier: HashMap<ParticleId, &Row> = before.rows.iter().map(|row| (row.id, row)).collect();
    after.rows.iter().filter_map(|row| Some((*earlier.get(&row.id)?, row))).collect()
}

fn compare_pairs(before: &Table, after: &Table, pairs: &[(&Row, &Row)]) -> Comparison {
    let name = |table: &Table, row: &Row| table.predicted(row).and_then(|c| table.classes.get(c).cloned());
    let mut moved: Vec<Moved> = pairs
        .iter()
        .filter_map(|(old, new)| {
            let (from, to) = (name(before, old)?, name(after, new)?);
            let probability = after.value(new, &Variable::Probability);
            (from != to).then_some(Moved { id: new.id, from, to, probability })
        })
        .collect();
    moved.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.id.cmp(&b.id)));
    Comparison { accuracy: [accuracy(before), accuracy(after)], moved, latents: Vec::new() }
}

/// Held-out labels the model has right, and their number.
pub fn accuracy(table: &Table) -> (usize, usize) {
    let judged = table.rows.iter().filter(|row| row.held_out && table.prediction(row).is_some());
    judged.fold((0, 0), |(right, of), row| match &row.label {
        Some(label) => {
            let predicted = table.predicted(row).and_then(|c| table.classes.get(c));
            (right + usize::from(predicted == Some(label)), of + 1)
        }
        None => (right, of),
    })
}

/// Pairs up latents by the strongest correlations, each once.
fn align(before: &Table, after: &Table, pairs: &[(&Row, &Row)], class: &str) -> Vec<Aligned> {
    let of_class: Vec<&(&Row, &Row)> =
        pairs.iter().filter(|(_, new)| after.class(new) == Some(class)).collect();
    let column = |latent: usize, new: bool| -> Vec<f64> {
        of_class
            .iter()
            .map(|(old, row)| {
                let (table, row) = if new { (after, row) } else { (before, old) };
                table.value(row, &Variable::Latent(latent))
            })
            .collect()
    };
    let old: Vec<Vec<f64>> = (0..before.latents).map(|i| column(i, false)).collect();
    let new: Vec<Vec<f64>> = (0..after.latents).map(|i| column(i, true)).collect();
    let mut all: Vec<(usize, usize, f64)> = Vec::new();
    for (i, a) in old.iter().enumerate() {
        for (j, b) in new.iter().enumerate() {
            all.extend(pearson(a, b).map(|(r, _)| (i, j, r)));
        }
    }
    all.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    let mut aligned: Vec<Aligned> = Vec::new();
    for (i, j, r) in all {
        if !aligned.iter().any(|a| a.before == i + 1 || a.after == j + 1) {
            aligned.push(Aligned { class: class.to_owned(), before: i + 1, after: j + 1, r });
        }
    }
    aligned.sort_by_key(|a| a.before);
    aligned
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn table(known: impl Iterator<Item = (u64, [f32; 2], [f32; 2])>) -> Table {
        fixture::table(known.map(|(id, p, mu)| {
            let label = (id < 4).then(|| "rod".to_owned());
            let row = Row { label, held_out: id < 4, ..fixture::row(id) };
            (row, Some(fixture::prediction(&p, &mu)))
        }))
    }

    #[test]
    fn moved_particles_and_swapped_latents_are_found() {
        let z = |i: u64| [(i as f32 * 1.7).sin(), (i as f32 * 0.9).cos()];
        let before = table((0..30).map(|i| (i, if i == 2 { [0.2, 0.8] } else { [0.9, 0.1] }, z(i))));
        // Latents change places, one turns round; particle 2 is right now, 9 became a cube, 40 is new.
        let after = table((0..30).chain([40]).map(|i| {
            let [a, b] = z(i);
            (i, if i == 9 { [0.1, 0.9] } else { [0.8, 0.2] }, [-b, a])
        }));
        let found = compare(&before, &after);
        assert_eq!(found.accuracy, [(3, 4), (4, 4)]);
        let moved: Vec<(u64, &str)> = found.moved.iter().map(|m| (m.id.0, m.to.as_str())).collect();
        assert_eq!(moved, [(9, "cube"), (2, "rod")]);
        let rod: Vec<(usize, usize, i32)> = found
            .latents
            .iter()
            .filter(|a| a.class == "rod")
            .map(|a| (a.before, a.after, (a.r * 100.0).round() as i32))
            .collect();
        assert_eq!(rod, [(1, 2, 100), (2, 1, -100)]);
    }
}
