//! Touching particles: shapes chosen over all thresholds, grown to their half-height outline by a watershed.

use super::choice::{Choice, choose};
use super::components::{Components, split};
use super::distance::neighbours;
use super::field::{Field, NOTHING};
use super::levels::Candidate;
use super::shape::{Hull, Run, area, runs_of};
use super::{Detection, Plan, Progress};
use crate::micrograph::stats::percentiles;
use crate::particle::Region;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BinaryHeap;

/// A particle of this contrast is as clear as any.
const CLEAR: f32 = 0.6;

/// Number of thresholds looked at.
const LEVELS: usize = 36;

/// The particles of a field: a label map (0 = nobody, else index + 1 into `detections`) and what was measured.
#[derive(Clone, Debug)]
pub(super) struct Segmentation {
    pub labels: Vec<u32>,
    pub detections: Vec<Detection>,
}

/// Divides `field` into particles. Detections are in the order of their labels.
///
/// # Errors
/// [`Error::Stopped`] as soon as `progress` returns false.
pub(super) fn segment(field: &Field, plan: &Plan, progress: Progress<'_>) -> Result<Segmentation> {
    let mut rules = plan.rules(field);
    rules.dip = rules.dip.max(2.5 * field.noise());
    let thresholds = thresholds(field, plan.contrast);
    let choices = choose(field, &thresholds, &rules, &|done| progress(0.6 * done))?;
    let mut labels = vec![0_u32; field.values.len()];
    let mut seeds = Vec::new();
    paint(field, choices, &mut labels, &mut seeds);
    grow(field, &mut labels, &mut seeds);
    // A faint particle that leans on a bright one is no branch of the tree; it shows once the bright one is gone.
    let rest = without(field, &labels);
    let coarse: Vec<f32> = thresholds.iter().copied().step_by(3).collect();
    let mut left = choose(&rest, &coarse, &rules, &|done| progress(0.6 + 0.3 * done))?;
    let width = |c: &Candidate| c.area / Hull::new(&c.runs).length();
    let small = |of: &dyn Fn(&Seed) -> f32| {
        let all: Vec<f32> = seeds.iter().map(of).collect();
        0.6 * percentiles(&all, &[25.0])[0]
    };
    // Rims and crumbs of the bright ones are left, too: smaller or thinner than any particle so far.
    let (least_width, least_area) = (small(&|s| s.width), small(&|s| area(&s.runs) as f32));
    left.retain(|c| {
        let c = &c.candidate;
        c.solidity > 0.85 && width(c) > least_width && c.area > least_area
    });
    paint(field, left, &mut labels, &mut seeds);
    grow(field, &mut labels, &mut seeds);
    if !progress(0.95) {
        return Err(Error::Stopped);
    }
    let detections = measure(field, plan, &mut labels, &seeds);
    Ok(Segmentation { labels, detections })
}

/// Levels between half the smallest contrast asked for and the brightest usual value.
fn thresholds(field: &Field, contrast: f32) -> Vec<f32> {
    let step = (field.values.len() / 100_000).max(1);
    let sample: Vec<f32> = field.values.iter().step_by(step).copied().filter(|v| *v > NOTHING).collect();
    let top = percentiles(&sample, &[99.8])[0];
    let bottom = (0.5 * contrast).max(0.02);
    if top <= bottom {
        return Vec::new();
    }
    (0..LEVELS).map(|i| bottom + (top - bottom) * i as f32 / LEVELS as f32).collect()
}

/// A painted choice: the height of its outline and how far it may grow.
#[derive(Clone, Debug)]
struct Seed {
    runs: Vec<Run>,
    /// Median value inside.
    level: f32,
    /// Outline: half of `level`, or less for hollow particles.
    outline: f32,
    /// Area over length.
    width: f32,
    reach: u8,
}

/// Paints the choices into a label map, larger ones first; one that lies mostly inside another is dropped.
fn paint(field: &Field, mut choices: Vec<Choice>, labels: &mut [u32], seeds: &mut Vec<Seed>) {
    choices.sort_by(|a, b| b.candidate.area.total_cmp(&a.candidate.area));
    let ready: Vec<(Seed, Vec<usize>)> = choices.into_par_iter().map(|choice| seed(field, choice)).collect();
    for (seed, solid) in ready {
        let rows =
            seed.runs.iter().map(|r| &labels[r.y as usize * field.width..][r.x0 as usize..=r.x1 as usize]);
        let free = rows.flatten().filter(|label| **label == 0).count();
        if free * 2 < area(&seed.runs) {
            continue;
        }
        let label = seeds.len() as u32 + 1;
        for i in solid {
            if labels[i] == 0 {
                labels[i] = label;
            }
        }
        seeds.push(seed);
    }
}

/// A choice as it is painted, and the pixels that are.
fn seed(field: &Field, choice: Choice) -> (Seed, Vec<usize>) {
    let Choice { candidate, threshold, .. } = choice;
    let rows = candidate.runs.iter();
    let rows = rows.map(|r| &field.values[r.y as usize * field.width..][r.x0 as usize..=r.x1 as usize]);
    let values: Vec<f32> = rows.flatten().copied().filter(|v| *v >= threshold).collect();
    let level = percentiles(&values, &[50.0])[0];
    let outline = 0.5 * level;
    let solid = solid(field, &candidate.runs, outline);
    let width = candidate.area / Hull::new(&candidate.runs).length();
    let reach = (1.0 + 0.3 * width).clamp(1.0, 200.0) as u8;
    (Seed { runs: candidate.runs, level, outline, width, reach }, solid)
}

/// Pixels of `runs` that reach `outline`, and those that such pixels surround; ascending.
fn solid(field: &Field, runs: &[Run], outline: f32) -> Vec<usize> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Vec::new() };
    let x0 = runs.iter().map(|r| r.x0).min().unwrap_or(0);
    let x1 = runs.iter().map(|r| r.x1).max().unwrap_or(0);
    // One pixel of margin all round makes the outside one connected set, found first.
    let (width, height) = ((x1 - x0) as usize + 3, (last.y - first.y) as usize + 3);
    let mut gap = vec![1_u8; width * height];
    let pixels = |run: &Run| {
        let (run, y) = (*run, (run.y - first.y) as usize + 1);
        let row = run.y as usize * field.width;
        (run.x0..=run.x1).map(move |x| (row + x as usize, y * width + (x - x0) as usize + 1))
    };
    for (i, local) in runs.iter().flat_map(pixels) {
        gap[local] = u8::from(field.values[i] < outline);
    }
    let [_, gaps] = split(&gap, width);
    let gaps = Components::new(gaps, false);
    let mut inside = vec![true; width * height];
    for (run, _) in gaps.lines.runs.iter().zip(&gaps.labels).filter(|(_, label)| **label == 1) {
        inside[run.y as usize * width + run.x0 as usize..][..run.len()].fill(false);
    }
    runs.iter().flat_map(pixels).filter(|(_, local)| inside[*local]).map(|(i, _)| i).collect()
}

/// The field without the labelled shapes and the pixels next to them.
fn without(field: &Field, labels: &[u32]) -> Field {
    let mut rest = field.clone();
    rest.values.par_chunks_mut(field.width).enumerate().for_each(|(y, row)| {
        let near = y.saturating_sub(1)..(y + 2).min(field.height);
        for labels in near.map(|y| &labels[y * field.width..][..field.width]) {
            for (x, _) in labels.iter().enumerate().filter(|(_, label)| **label > 0) {
                row[x.saturating_sub(1)..(x + 2).min(field.width)].fill(NOTHING);
            }
        }
    });
    rest
}

/// A pixel that waits for its turn in [`grow`].
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    /// The brightest first; of equally bright ones the one that has waited longest.
    turn: u64,
    pixel: u32,
    label: u32,
    steps: u8,
}

/// Marker-controlled watershed: from the painted shapes outward, brightest pixels first, down to each one's outline.
fn grow(field: &Field, labels: &mut [u32], seeds: &mut [Seed]) {
    let bright = |i: usize| ((field.values[i] * 1024.0) as i32).wrapping_sub(i32::MIN).cast_unsigned();
    let mut queue: BinaryHeap<Waiting> = BinaryHeap::new();
    let mut turn = u32::MAX;
    // How bright a pixel is does not depend on who asks for it, so that it goes to the one that asks first.
    let mut asked = vec![false; labels.len()];
    let mut push = |queue: &mut BinaryHeap<_>, labels: &[u32], i: usize, label: u32, steps: u8| {
        let seed = &seeds[label as usize - 1];
        if steps >= seed.reach {
            return;
        }
        for n in neighbours(i, field.width, labels.len()).into_iter().take(4).flatten() {
            if labels[n] == 0 && !asked[n] && field.values[n] >= seed.outline {
                asked[n] = true;
                turn = turn.wrapping_sub(1);
                let turn = u64::from(bright(n)) << 32 | u64::from(turn);
                queue.push(Waiting { turn, pixel: n as u32, label, steps: steps + 1 });
            }
        }
    };
    for i in 0..labels.len() {
        if labels[i] > 0 {
            push(&mut queue, labels, i, labels[i], 0);
        }
    }
    while let Some(Waiting { pixel, label, steps, .. }) = queue.pop() {
        labels[pixel as usize] = label;
        push(&mut queue, labels, pixel as usize, label, steps);
    }
    let runs = runs_of(labels, field.width, seeds.len());
    for (seed, runs) in seeds.iter_mut().zip(runs.into_iter().skip(1)) {
        seed.runs = runs;
    }
}

/// Measures every labelled shape, drops what is no particle, and renumbers the labels.
fn measure(field: &Field, plan: &Plan, labels: &mut [u32], seeds: &[Seed]) -> Vec<Detection> {
    let rings = rings(field, labels, seeds.len());
    // Pixels average the noise out, but the seeds are the brightest spots of many.
    let noise = field.noise();
    let least = plan.contrast.max(2.0 * noise);
    let particle = |(seed, ring): (&Seed, Vec<f32>)| {
        let outside = if ring.is_empty() { seed.outline } else { percentiles(&ring, &[50.0])[0] };
        let contrast = seed.level - outside;
        let mut detection = detection(field, seed)?;
        let hull = Hull::new(&seed.runs);
        let solidity = area(&seed.runs) as f32 / hull.pixels as f32;
        // Faint ragged shapes are what noise and gaps between particles leave.
        if solidity < if contrast < 2.0 * plan.contrast { 0.85 } else { 0.7 } {
            return None;
        }
        let fits = (plan.diameter.0..=plan.diameter.1).contains(&detection.diameter);
        let fits = fits && field.is_significant(contrast, area(&seed.runs) as f32);
        detection.score = (contrast / CLEAR).clamp(0.0, 1.0).sqrt() * solidity;
        (fits && contrast >= least && detection.area >= plan.min_area).then_some(detection)
    };
    let found: Vec<Option<Detection>> = seeds.par_iter().zip(rings).map(particle).collect();
    let mut names = vec![0_u32; seeds.len() + 1];
    let mut detections = Vec::new();
    for (s, detection) in found.into_iter().enumerate() {
        if let Some(detection) = detection {
            detections.push(detection);
            names[s + 1] = detections.len() as u32;
        }
    }
    labels.iter_mut().for_each(|l| *l = names[*l as usize]);
    detections
}

/// Values of the unlabelled pixels two steps round each label.
fn rings(field: &Field, labels: &[u32], count: usize) -> Vec<Vec<f32>> {
    let mut near = labels.to_vec();
    let (width, height) = (field.width, field.height);
    for _ in 0..3 {
        let before = near.clone();
        near.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            let line = |y: usize| &before[y * width..][..width];
            let (above, here, below) = (line(y.saturating_sub(1)), line(y), line((y + 1).min(height - 1)));
            for (x, out) in row.iter_mut().enumerate().filter(|(x, _)| here[*x] == 0) {
                let around = [above[x], here[x.saturating_sub(1)], here[(x + 1).min(width - 1)], below[x]];
                *out = around.into_iter().find(|l| *l > 0).unwrap_or(0);
            }
        });
    }
    let mut rings = vec![Vec::new(); count];
    for (i, l) in near.iter().enumerate() {
        if *l > 0 && labels[i] == 0 && field.values[i] > NOTHING {
            rings[*l as usize - 1].push(field.values[i]);
        }
    }
    rings
}

/// Centroid, size and bounds of one shape in micrograph pixels.
fn detection(field: &Field, seed: &Seed) -> Option<Detection> {
    let first = seed.runs.first()?;
    let (mut sum_x, mut sum_y, mut area) = (0.0_f64, 0.0_f64, 0.0_f64);
    let (mut x0, mut x1, mut y1) = (first.x0, first.x1, first.y);
    for run in &seed.runs {
        let n = run.len() as f64;
        sum_x += n * f64::from(run.x0 + run.x1) / 2.0;
        sum_y += n * f64::from(run.y);
        area += n;
        (x0, x1, y1) = (x0.min(run.x0), x1.max(run.x1), y1.max(run.y));
    }
    let factor = field.factor as f32;
    let edge = |at: u32| field.to_micrograph(at as f32 - 0.5);
    let touches =
        x0 == 0 || first.y == 0 || x1 as usize + 1 >= field.width || y1 as usize + 1 >= field.height || {
            seed.runs.iter().any(|r| next_to_nothing(field, r))
        };
    let pixels = area as f32 * factor * factor;
    Some(Detection {
        x: field.to_micrograph((sum_x / area) as f32),
        y: field.to_micrograph((sum_y / area) as f32),
        diameter: 2.0 * (pixels / std::f32::consts::PI).sqrt(),
        length: Hull::new(&seed.runs).length() * factor,
        area: pixels,
        bounds: Region { x0: edge(x0), y0: edge(first.y), x1: edge(x1 + 1), y1: edge(y1 + 1) },
        touches_border: touches,
        score: 0.0,
    })
}

/// True if an excluded pixel adjoins the run.
fn next_to_nothing(field: &Field, run: &Run) -> bool {
    let (x0, x1, y) = (run.x0 as usize, run.x1 as usize, run.y as usize);
    let row = |y: usize| &field.values[y * field.width..][..field.width];
    let beside = [x0.checked_sub(1), Some(x1 + 1)];
    let mut rows = [y.checked_sub(1), (y + 1 < field.height).then_some(y + 1)].into_iter().flatten();
    beside.into_iter().flatten().any(|x| row(y).get(x) == Some(&NOTHING))
        || rows.any(|y| row(y)[x0..=x1].contains(&NOTHING))
}
