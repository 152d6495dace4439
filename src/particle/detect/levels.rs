//! What a field looks like at one threshold: connected shapes, with their holes filled, and their parts.

use super::distance::distances;
use super::field::Field;
use super::holes::Holes;
use super::necks::divide;
use super::shape::{Hull, Run, area, components, runs_of};

/// What counts as one particle.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// Smallest and largest area of a particle in field pixels.
    pub area: (f32, f32),
    /// A pass below this share of the lower summit of the distance map is a neck between two particles; 0..=1.
    pub neck: f32,
    /// A valley of grey values deeper than this share of the lower crest divides two particles; 0..=1.
    pub dip: f32,
    /// How much of their worth counts where parts of one shape compete with the whole; 0..=1.
    pub part_trust: f32,
    /// Fill round holes: rings and shells are one particle.
    pub hollow: bool,
}

/// A set of pixels that may be one particle.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Ordered by row; holes are filled.
    pub runs: Vec<Run>,
    pub area: f32,
    /// How much of its convex hull it fills, 0..=1.
    pub solidity: f32,
    /// Area that counts: how particle-like it is, times how large.
    pub worth: f32,
}

impl Candidate {
    fn new(field: &Field, runs: Vec<Run>, rules: &Rules, hole: f32) -> Option<Self> {
        let area = area(&runs) as f32;
        // Above its lowest threshold a particle shrinks, so small candidates are judged later, when they have grown.
        if area < 0.4 * rules.area.0 || area > rules.area.1 {
            return None;
        }
        let solidity = area / Hull::new(&runs).pixels as f32;
        let quality = quality(solidity) * (1.0 - 0.5 * hole / area);
        let clear = if quality > 0.0 { (bright_area(field, &runs) + hole).min(area) } else { 0.0 };
        let worth = quality * clear * (clear / area).sqrt();
        Some(Self { runs, area, solidity, worth })
    }
}

/// Number of pixels that reach [`FAINT`] of the shape's own level, the mean of its brighter pixels: the halo that a
/// low threshold adds round a bright particle explains nothing.
fn bright_area(field: &Field, runs: &[Run]) -> f32 {
    let rows =
        || runs.iter().map(|r| &field.values[r.y as usize * field.width..][r.x0 as usize..=r.x1 as usize]);
    let mean_above = |least: f32| {
        let (sum, count) = rows().flatten().fold((0.0_f64, 0_u32), |(sum, count), v| {
            if *v >= least { (sum + f64::from(*v), count + 1) } else { (sum, count) }
        });
        (sum / f64::from(count.max(1))) as f32
    };
    let level = mean_above(mean_above(0.0));
    rows().flatten().filter(|v| **v >= FAINT * level).count() as f32
}

/// See [`bright_area`].
const FAINT: f32 = 0.45;

/// 1 for a shape as convex as noise lets it be, 0 where less than 0.75 of the hull is filled.
fn quality(solidity: f32) -> f32 {
    ((solidity - 0.75) / 0.23).clamp(0.0, 1.0).powi(2)
}

/// What may be a particle at one threshold, in raster order.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    /// Connected shapes.
    pub wholes: Vec<Candidate>,
    /// Parts of shapes that have necks.
    pub parts: Vec<Candidate>,
}

impl Level {
    /// Looks at `field` at `threshold`; parts are only sought if asked for.
    pub fn new(field: &Field, threshold: f32, rules: &Rules, divide: bool) -> Self {
        let mask: Vec<bool> = field.values.iter().map(|v| *v >= threshold).collect();
        let (mut labels, count) = components(&mask, field.width, true);
        let holes = Holes::fill(field, &mask, &mut labels, count, rules);
        let mut level = Self::default();
        let mut divided = vec![false; count + 1];
        for (label, runs) in runs_of(&labels, field.width, count).into_iter().enumerate().skip(1) {
            let large = area(&runs) as f32 >= rules.area.0;
            let whole = Candidate::new(field, runs, rules, holes.area[label]);
            divided[label] =
                divide && large && rules.neck > 0.0 && whole.as_ref().is_none_or(|w| w.solidity < 0.97);
            level.wholes.extend(whole.filter(|w| w.worth > 0.0));
        }
        if divided.contains(&true) {
            holes.reopen(&mut labels, field.width);
            level.parts = parts_of(field, &labels, &divided, rules);
        }
        level
    }
}

/// The parts of every shape marked in `wanted` that has more than one.
fn parts_of(field: &Field, labels: &[u32], wanted: &[bool], rules: &Rules) -> Vec<Candidate> {
    let distance = distances(labels, field.width, field.height);
    let chosen: Vec<u32> = labels.iter().map(|l| if wanted[*l as usize] { *l } else { 0 }).collect();
    let (parts, count) = divide(&chosen, &distance, field.width, rules.neck);
    let runs = runs_of(&parts, field.width, count);
    let owner =
        |runs: &[Run]| runs.first().map(|r| chosen[r.y as usize * field.width + r.x0 as usize] as usize);
    let mut number = vec![0_u32; wanted.len()];
    for label in runs.iter().filter_map(|r| owner(r)) {
        number[label] += 1;
    }
    runs.into_iter()
        .filter(|r| owner(r).is_some_and(|l| number[l] > 1))
        .filter_map(|r| Candidate::new(field, r, rules, 0.0))
        .filter(|c| c.worth > 0.0)
        .collect()
}
