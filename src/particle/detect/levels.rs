//! What a field looks like at one threshold: connected shapes, with their holes filled, and their parts.

use super::components::{Components, split};
use super::field::Field;
use super::holes::Holes;
use super::mask::{Mask, Window};
use super::necks::divide;
use super::shape::{Hull, Run, area, runs_of};

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
    fn new(field: &Field, runs: &[Run], rules: &Rules, hole: f32) -> Option<Self> {
        let judged = Judged::new(field, runs, rules, hole)?;
        judged.candidate(runs)
    }
}

/// What there is to know of a shape before it is kept.
struct Judged {
    area: f32,
    solidity: f32,
    worth: f32,
}

impl Judged {
    fn new(field: &Field, runs: &[Run], rules: &Rules, hole: f32) -> Option<Self> {
        let area = area(runs) as f32;
        // Above its lowest threshold a particle shrinks, so small candidates are judged later, when they have grown.
        if area < 0.4 * rules.area.0 || area > rules.area.1 {
            return None;
        }
        let solidity = area / Hull::new(runs).pixels as f32;
        let quality = quality(solidity) * (1.0 - 0.5 * hole / area);
        let clear = if quality > 0.0 { (bright_area(field, runs) + hole).min(area) } else { 0.0 };
        let worth = quality * clear * (clear / area).sqrt();
        Some(Self { area, solidity, worth })
    }

    /// The shape as a candidate, if it is worth something.
    fn candidate(self, runs: &[Run]) -> Option<Candidate> {
        let Self { area, solidity, worth } = self;
        (worth > 0.0).then(|| Candidate { runs: runs.to_vec(), area, solidity, worth })
    }
}

/// Number of pixels that reach [`FAINT`] of the shape's own level, the mean of its brighter pixels: the halo that a
/// low threshold adds round a bright particle explains nothing.
fn bright_area(field: &Field, runs: &[Run]) -> f32 {
    let mut values = Vec::with_capacity(area(runs));
    for run in runs {
        let row = run.y as usize * field.width;
        values.extend_from_slice(&field.values[row + run.x0 as usize..=row + run.x1 as usize]);
    }
    let level = mean_above(&values, mean_above(&values, 0.0));
    values.iter().filter(|v| **v >= FAINT * level).count() as f32
}

/// Mean of the values that reach `least`.
fn mean_above(values: &[f32], least: f32) -> f32 {
    // Four sums at a time: one would wait for each addition.
    let (mut sums, mut counts) = ([0.0_f64; 4], [0_u32; 4]);
    for values in values.chunks(4) {
        for ((v, sum), count) in values.iter().zip(&mut sums).zip(&mut counts) {
            let counts = *v >= least;
            *sum += if counts { f64::from(*v) } else { 0.0 };
            *count += u32::from(counts);
        }
    }
    let count: u32 = counts.iter().sum();
    (sums.iter().sum::<f64>() / f64::from(count.max(1))) as f32
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
    ///
    /// Each shape is looked at by itself, in a window round it: of most of a picture nothing but its runs is needed.
    pub fn new(field: &Field, threshold: f32, rules: &Rules, divide: bool) -> Self {
        let mut mask = Mask::above(field, threshold);
        let [gaps, shapes] = split(&mask.inside, mask.width);
        let (gaps, shapes) = (Components::new(gaps, false), Components::new(shapes, true));
        let holes = Holes::fill(&mut mask, &shapes, &gaps, rules);
        let (runs, starts) = shapes.sorted();
        let mut level = Self::default();
        let mut divided = Vec::new();
        for label in 1..=shapes.count {
            let runs = holes.filled(label as u32, &runs[starts[label]..starts[label + 1]]);
            let large = area(&runs) as f32 >= rules.area.0;
            let whole = Judged::new(field, &runs, rules, holes.area[label]);
            if divide && large && rules.neck > 0.0 && whole.as_ref().is_none_or(|w| w.solidity < 0.97) {
                divided.push((label as u32, runs.to_vec()));
            }
            level.wholes.extend(whole.and_then(|w| w.candidate(&runs)));
        }
        holes.reopen(&mut mask);
        for (label, runs) in &divided {
            level.parts.extend(parts_of(field, &mask, runs, holes.chinks_of(*label), rules));
        }
        level
    }
}

/// The parts of a shape, if it has more than one; `chinks` are holes of it that stay open.
fn parts_of<'a>(
    field: &Field,
    mask: &Mask,
    runs: &[Run],
    chinks: impl Iterator<Item = &'a Run>,
    rules: &Rules,
) -> Vec<Candidate> {
    let Some(window) = Window::round(runs, 1, mask.width, mask.height) else { return Vec::new() };
    let mut own = vec![0_u32; window.area()];
    runs.iter().for_each(|run| own[window.places(run)].fill(1));
    chinks.for_each(|run| own[window.places(run)].fill(0));
    let (parts, count) = divide(&own, &window.distances(mask), window.width, rules.neck);
    if count < 2 {
        return Vec::new();
    }
    let mut parts = runs_of(&parts, window.width, count);
    parts.retain(|runs| !runs.is_empty());
    if parts.len() < 2 {
        return Vec::new();
    }
    parts.iter_mut().flatten().for_each(|run| *run = window.to_picture(*run));
    parts.iter().filter_map(|runs| Candidate::new(field, runs, rules, 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::distance::distances;
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    /// Discs of random size, many of which touch, with a ragged edge.
    fn crowd(random: &mut StdRng, width: usize, height: usize) -> Field {
        let mut values = vec![0.0_f32; width * height];
        for _ in 0..14 {
            let (x, y) = (random.random_range(0.0..width as f32), random.random_range(0.0..height as f32));
            let r = random.random_range(4.0..12.0);
            for (i, v) in values.iter_mut().enumerate() {
                let inside = r - ((i % width) as f32 - x).hypot((i / width) as f32 - y);
                *v = v.max(inside.clamp(0.0, 1.0));
            }
        }
        values.iter_mut().for_each(|v| *v += random.random_range(-0.4..0.4));
        Field { width, height, factor: 1, values, white: 0.2 }
    }

    #[test]
    fn a_shape_has_the_same_parts_in_its_window_as_in_the_whole_picture() {
        let mut random = StdRng::seed_from_u64(5);
        let rules = Rules { area: (20.0, 2000.0), neck: 0.8, dip: 0.1, part_trust: 0.7, hollow: true };
        let mut compared = 0;
        for _ in 0..20 {
            let field = crowd(&mut random, 90, 70);
            let mut mask = Mask::above(&field, 0.5);
            let [gaps, shapes] = split(&mask.inside, mask.width);
            let (gaps, shapes) = (Components::new(gaps, false), Components::new(shapes, true));
            let holes = Holes::fill(&mut mask, &shapes, &gaps, &rules);
            holes.reopen(&mut mask);
            let all: Vec<u32> = mask.inside.iter().map(|v| u32::from(*v)).collect();
            let distance = distances(&all, mask.width, mask.height);
            let (runs, starts) = shapes.sorted();
            for label in 1..=shapes.count {
                let runs = holes.filled(label as u32, &runs[starts[label]..starts[label + 1]]);
                let got = parts_of(&field, &mask, &runs, holes.chinks_of(label as u32), &rules);
                // The plain way: nothing but this shape in a picture of full size.
                let mut own = vec![0_u32; all.len()];
                for run in runs.iter() {
                    let row = run.y as usize * mask.width;
                    own[row + run.x0 as usize..=row + run.x1 as usize].fill(1);
                }
                own.iter_mut().zip(&all).for_each(|(own, inside)| *own &= inside);
                let (parts, count) = divide(&own, &distance, mask.width, rules.neck);
                let parts: Vec<Vec<Run>> =
                    runs_of(&parts, mask.width, count).into_iter().filter(|r| !r.is_empty()).collect();
                let worthy = |runs: &Vec<Run>| Candidate::new(&field, runs, &rules, 0.0);
                let want: Vec<Candidate> =
                    if parts.len() > 1 { parts.iter().filter_map(worthy).collect() } else { Vec::new() };
                assert_eq!(got.len(), want.len());
                compared += got.len();
                for (got, want) in got.iter().zip(&want) {
                    assert_eq!((&got.runs, got.worth), (&want.runs, want.worth));
                }
            }
        }
        assert!(compared > 20, "{compared} parts compared");
    }
}
