//! Round particles at any size: maxima of the scale-normalised Laplacian in space and scale.
//!
//! Lindeberg, Feature detection with automatic scale selection (1998): a disc of radius r answers most strongly at
//! sigma = r / sqrt(2).

use super::field::{Field, NOTHING, gaussian, noise};
use super::{Detection, Plan, Progress};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentiles;
use crate::particle::Region;
use crate::{Error, Result};
use rayon::prelude::*;
use std::f32::consts::{E, PI, SQRT_2};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Ratio of neighbouring sigmas.
const SCALE_STEP: f32 = 1.189_207; // 2^(1/4)

/// Least answer in deviations of what white noise answers: of a million pixels of noise about one reaches it.
const SIGNIFICANT: f32 = 5.0;

/// Blobs below this share of the contrast of the one they lie on are its rim.
const RIM: f32 = 0.5;

/// Micrograph pixels per field pixel at a sigma, which stays at 2 to 4 field pixels: fine enough for the Laplacian,
/// cheap for large particles.
fn factor(sigma: f32) -> usize {
    ((sigma / 2.0) as usize).max(1)
}

/// The micrograph before it is smoothed; sigmas of one factor share it.
struct Ground {
    /// Without its values.
    field: Field,
    /// Excluded pixels have the usual value.
    values: Vec<f32>,
    /// Standard deviation of its noise.
    noise: f32,
}

impl Ground {
    fn new(m: &Micrograph, excluded: &[Region], bright: bool, factor: usize) -> Self {
        let mut field = Field::new(m, excluded, factor, 0.0, bright);
        let mut values = std::mem::take(&mut field.values);
        if values.contains(&NOTHING) {
            // Not finite, so it does not count.
            let usual = percentiles(&values, &[50.0])[0];
            values.iter_mut().filter(|v| **v == NOTHING).for_each(|v| *v = usual);
        }
        // Between neighbours, so that what is fine, as a lattice, is no noise; where that correlates it counts for less.
        let noise = noise(&values, field.width, 1);
        Self { field, values, noise }
    }
}

/// The answer of the micrograph to one sigma.
struct Scale {
    /// In micrograph pixels.
    sigma: f32,
    /// Without its values.
    field: Field,
    /// Contrast of the disc that would answer so.
    response: Vec<f32>,
    /// The least that is no noise, away from the border.
    least: f32,
}

/// Finds blobs; unsorted.
///
/// # Errors
/// [`Error::Stopped`] as soon as `progress` returns false.
pub(super) fn find(
    m: &Micrograph,
    excluded: &[Region],
    bright: bool,
    plan: &Plan,
    progress: Progress<'_>,
) -> Result<Vec<Detection>> {
    let largest = plan.diameter.1.min(m.width.max(m.height) as f32);
    let (low, high) = (plan.diameter.0 / 2.0 / SQRT_2, largest / 2.0 / SQRT_2);
    let steps = ((high / low).ln() / SCALE_STEP.ln()).ceil().clamp(0.0, 64.0) as usize;
    // One scale beyond each end, so that a maximum at an end can be told from a slope.
    let sigmas: Vec<f32> = (0..steps + 3).map(|i| low * SCALE_STEP.powi(i as i32 - 1)).collect();
    let done = AtomicUsize::new(0);
    let factors: Vec<&[f32]> = sigmas.chunk_by(|a, b| factor(*a) == factor(*b)).collect();
    let scales: Vec<Vec<Scale>> = factors
        .par_iter()
        .map(|sigmas| {
            let ground = Ground::new(m, excluded, bright, sigmas.first().map_or(1, |sigma| factor(*sigma)));
            let scale = |sigma: &f32| {
                let scale = Scale::new(&ground, *sigma);
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if progress(0.9 * done as f32 / (steps + 3) as f32) { Ok(scale) } else { Err(Error::Stopped) }
            };
            sigmas.par_iter().map(scale).collect::<Result<Vec<Scale>>>()
        })
        .collect::<Result<_>>()?;
    let scales: Vec<Scale> = scales.into_iter().flatten().collect();
    let mut blobs: Vec<Detection> = (1..scales.len() - 1)
        .into_par_iter()
        .flat_map_iter(|k| maxima(&scales[k - 1], &scales[k], &scales[k + 1], plan.contrast))
        .filter(|b| excluded.iter().all(|r| !r.contains(b.x, b.y)))
        .filter(|b| b.area >= plan.min_area)
        .map(|b| Detection { touches_border: cut(&b, m, excluded), ..b })
        .collect();
    blobs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.y.total_cmp(&b.y)).then(a.x.total_cmp(&b.x)));
    Ok(strongest(&blobs, plan))
}

impl Scale {
    fn new(ground: &Ground, sigma: f32) -> Self {
        let (field, mut values) = (ground.field.clone(), ground.values.clone());
        let s = sigma / field.factor as f32;
        gaussian(&mut values, field.width, field.height, s);
        let (width, height) = (field.width, field.height);
        let mut response = vec![0.0; values.len()];
        response.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
            let (up, down) = (y.saturating_sub(1) * width, (y + 1).min(height - 1) * width);
            for (x, out) in row.iter_mut().enumerate() {
                let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
                let here = y * width;
                let around = values[here + left] + values[here + right] + values[up + x] + values[down + x];
                // A disc of contrast c answers 2 c / e at its own scale.
                *out = s * s * (4.0 * values[here + x] - around) * E / 2.0;
            }
        });
        // White noise of unit deviation answers with e / (2 sqrt(2 pi) s): the norm of the kernel above.
        let least = SIGNIFICANT * ground.noise * E / (2.0 * (2.0 * PI).sqrt() * s);
        Self { sigma, field, response, least }
    }

    /// Strongest response within one pixel of a point given in micrograph pixels.
    fn near(&self, x: f32, y: f32) -> f32 {
        let f = self.field.factor as f32;
        let at = |v: f32, size: usize| (((v + 0.5) / f - 0.5).round().max(0.0) as usize).min(size - 1);
        let (column, row) = (at(x, self.field.width), at(y, self.field.height));
        let mut best = f32::NEG_INFINITY;
        for y in row.saturating_sub(1)..(row + 2).min(self.field.height) {
            for x in column.saturating_sub(1)..(column + 2).min(self.field.width) {
                best = best.max(self.response[y * self.field.width + x]);
            }
        }
        best
    }
}

/// Maxima of the middle scale in space and scale that are no edges or ridges.
fn maxima(finer: &Scale, scale: &Scale, coarser: &Scale, threshold: f32) -> Vec<Detection> {
    let (width, height) = (scale.field.width, scale.field.height);
    let r = &scale.response;
    let reach = (1.5 * scale.sigma / scale.field.factor as f32).ceil() as usize;
    // Mirrored at a border, noise meets itself: twice the variance.
    let near = |at: usize, size: usize| if at.min(size - 1 - at) < reach { SQRT_2 } else { 1.0 };
    let mut found = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let value = r[row * width + column];
            if value < threshold || value <= 0.0 {
                continue;
            }
            let at = |dx: isize, dy: isize| {
                let x = (column as isize + dx).clamp(0, width as isize - 1) as usize;
                let y = (row as isize + dy).clamp(0, height as isize - 1) as usize;
                r[y * width + x]
            };
            if value < scale.least * near(column, width) * near(row, height) {
                continue;
            }
            // Equal neighbours: only the first in raster order may be the maximum.
            let before = [at(-1, -1), at(0, -1), at(1, -1), at(-1, 0)];
            let after = [at(1, 0), at(-1, 1), at(0, 1), at(1, 1)];
            let first = |v: &f32, at_edge: bool| *v < value || (at_edge && *v == value);
            let edge = column == 0 || row == 0;
            if !before.iter().all(|v| first(v, edge)) || after.iter().any(|v| *v > value) {
                continue;
            }
            let (xx, yy) = (at(-1, 0) + at(1, 0) - 2.0 * value, at(0, -1) + at(0, 1) - 2.0 * value);
            let xy = (at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4.0;
            let (trace, det) = (xx + yy, xx * yy - xy * xy);
            if det <= 0.0 || trace * trace > 6.0 * det {
                continue;
            }
            let offset = |low: f32, high: f32, bend: f32| {
                if bend < 0.0 { (0.5 * (low - high) / bend).clamp(-0.5, 0.5) } else { 0.0 }
            };
            let x = scale.field.to_micrograph(column as f32 + offset(at(-1, 0), at(1, 0), xx));
            let y = scale.field.to_micrograph(row as f32 + offset(at(0, -1), at(0, 1), yy));
            let (below, above) = (finer.near(x, y), coarser.near(x, y));
            if below > value || above >= value {
                continue;
            }
            let shift = offset(below, above, below + above - 2.0 * value);
            let radius = scale.sigma * SCALE_STEP.powf(shift) * SQRT_2;
            found.push(blob(x, y, radius, value));
        }
    }
    found
}

fn blob(x: f32, y: f32, radius: f32, contrast: f32) -> Detection {
    Detection {
        x,
        y,
        diameter: 2.0 * radius,
        length: 2.0 * radius,
        area: PI * radius * radius,
        bounds: Region { x0: x - radius, y0: y - radius, x1: x + radius, y1: y + radius },
        touches_border: false,
        score: contrast.clamp(0.0, 1.0),
    }
}

/// True if the disc crosses the border of the picture or an excluded region.
fn cut(b: &Detection, m: &Micrograph, excluded: &[Region]) -> bool {
    let outside = b.bounds.x0 < -0.5
        || b.bounds.y0 < -0.5
        || b.bounds.x1 > m.width as f32 - 0.5
        || b.bounds.y1 > m.height as f32 - 0.5;
    let r = b.diameter / 2.0;
    outside
        || excluded.iter().any(|e| {
            let (dx, dy) = (b.x - b.x.clamp(e.x0, e.x1), b.y - b.y.clamp(e.y0, e.y1));
            dx * dx + dy * dy < r * r
        })
}

/// Keeps a blob only if no stronger one covers too much of it. `blobs` are sorted by score.
///
/// `separation` decides how near two may be: the centres of two equal discs at 0.5 must be a radius apart.
fn strongest(blobs: &[Detection], plan: &Plan) -> Vec<Detection> {
    let cell = plan.diameter.1.max(1.0);
    let mut grid: std::collections::BTreeMap<(i32, i32), Vec<usize>> = std::collections::BTreeMap::new();
    let mut kept: Vec<Detection> = Vec::new();
    let share = 1.0 - plan.separation;
    for b in blobs {
        let (column, row) = ((b.x / cell).floor() as i32, (b.y / cell).floor() as i32);
        let near = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (column + dx, row + dy)));
        let covered = near.filter_map(|c| grid.get(&c)).flatten().any(|&k| {
            let other: &Detection = &kept[k];
            let reach = (b.diameter + other.diameter) / 2.0;
            let inside = b.diameter.max(other.diameter) / 2.0;
            // A straight edge answers with a third of its contrast: such blobs on a stronger one are its rim.
            let rim = b.diameter < other.diameter && b.score < RIM * other.score;
            let near = (share * reach).max(if rim { inside } else { 0.7 * inside });
            (b.x - other.x).hypot(b.y - other.y) < near
        });
        if !covered {
            grid.entry((column, row)).or_default().push(kept.len());
            kept.push(b.clone());
        }
    }
    kept
}
