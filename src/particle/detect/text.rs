//! Text and marks burnt into the picture outside the banner.

use super::banner::propose_banner;
use super::components::shapes;
use super::shape::{Run, area};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentiles;
use crate::particle::Region;
use std::collections::BTreeMap;

/// Strokes smaller than this are clipped noise, and more where there is much of it; see [`least_pixels`].
const LEAST_PIXELS: usize = 12;
/// A stroke ends at a step of this share of the grey range; a clipped particle fades.
const STEP: f32 = 0.15;
/// Strokes nearer than this many pixels belong together; also the margin round them.
const MARGIN: f32 = 4.0;

/// Regions in which nothing is a particle: the banner first, if there is one, then text and marks burnt in elsewhere.
pub fn propose_excluded(m: &Micrograph) -> Vec<Region> {
    let banner = propose_banner(m);
    let mut boxes = Vec::new();
    let (low, high) = m.pixels.iter().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    if low < high && !drawn(m, banner.as_ref()) {
        for value in [low, high] {
            boxes.extend(strokes(m, banner.as_ref(), value, STEP * (high - low)));
        }
    }
    banner.into_iter().chain(join(boxes)).collect()
}

/// True for a picture without noise: one grey value fills this much of it. In a drawn or thresholded picture every
/// particle is a sharp solid shape, and none of them is text.
fn drawn(m: &Micrograph, banner: Option<&Region>) -> bool {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    let step = (m.pixels.len() / 100_000).max(1);
    let outside = |i: &usize| banner.is_none_or(|b| !b.contains((i % m.width) as f32, (i / m.width) as f32));
    let mut seen = 0;
    for i in (0..m.pixels.len()).step_by(step).filter(outside) {
        *counts.entry(m.pixels[i].to_bits()).or_default() += 1;
        seen += 1;
    }
    counts.into_values().max().is_some_and(|most| most as f32 > 0.25 * seen as f32)
}

/// Boxes round sharp solid shapes of exactly this value.
fn strokes(m: &Micrograph, banner: Option<&Region>, value: f32, step: f32) -> Vec<Region> {
    let in_banner = |i: usize| banner.is_some_and(|b| b.contains((i % m.width) as f32, (i / m.width) as f32));
    let most = m.pixels.len() / 50;
    let row = |y: usize, row: &mut [u8]| {
        let pixels = row.iter_mut().zip(&m.pixels[y * m.width..]).enumerate();
        pixels.for_each(|(x, (out, v))| *out = u8::from(*v == value && !in_banner(y * m.width + x)));
    };
    let shapes = shapes([m.width, m.height], true, row);
    let least = least_pixels(&shapes.iter().map(|runs| area(runs)).collect::<Vec<_>>());
    shapes
        .into_iter()
        .filter(|runs| (least..=most).contains(&area(runs)))
        .filter(|runs| sharp(m, runs, value, step) && !ragged(m, runs, value))
        .map(|runs| bounds(&runs))
        .collect()
}

/// The size that no cluster of clipped noise is likely to have: how many there are falls about as fast from 9 pixels on as
/// it does from 3 to 9; twice what that gives, as large clusters are a little more frequent.
fn least_pixels(areas: &[usize]) -> usize {
    const STEP: usize = 3;
    const FEW: f32 = 30.0;
    let count = |from: usize| areas.iter().filter(|a| (from..from + STEP).contains(*a)).count() as f32;
    let [small, middle, large] = [STEP, 2 * STEP, 3 * STEP].map(count);
    let falls = (middle + large) / (small + middle).max(1.0);
    if large < 1.0 || falls >= 0.9 || small + middle + large < FEW {
        // Dots and thin letters, not noise.
        return LEAST_PIXELS;
    }
    // Steps until fewer than one in ten pictures has a larger one.
    let steps = (10.0 * large / (1.0 - falls)).ln() / (1.0 / falls).ln();
    (2 * (LEAST_PIXELS + STEP * steps.ceil() as usize)).max(LEAST_PIXELS)
}

/// True for what noise has lifted beyond the range of the picture here and there, as on a bright particle: larger than a
/// small letter, and full of holes of one pixel or without a stroke that goes straight on in any direction.
fn ragged(m: &Micrograph, runs: &[Run], value: f32) -> bool {
    const LETTER: usize = 50;
    const PIXELS_A_HOLE: usize = 60;
    const STROKE: f32 = 2.5;
    let area = area(runs);
    let has = |y: Option<u32>, x: u32| {
        y.and_then(|y| m.pixels.get(y as usize * m.width + x as usize)).is_some_and(|v| *v == value)
    };
    let hole = |pair: &&[Run]| {
        let (a, b, x) = (&pair[0], &pair[1], pair[0].x1 + 1);
        a.y == b.y && b.x0 == x + 1 && has(a.y.checked_sub(1), x) && has(Some(a.y + 1), x)
    };
    let holes = runs.windows(2).filter(hole).count();
    let begins = |run: &Run| (run.x0..=run.x1).filter(|x| !has(run.y.checked_sub(1), *x)).count();
    // As many pixels as it has, in so many strokes along rows, or along columns.
    let strokes = runs.len().min(runs.iter().map(begins).sum());
    area >= LETTER && (holes * PIXELS_A_HOLE > area || strokes as f32 * STROKE > area as f32)
}

/// True if most pixels beside the runs differ by more than `step`.
fn sharp(m: &Micrograph, runs: &[Run], value: f32, step: f32) -> bool {
    let mut steps = Vec::new();
    for run in runs {
        let row = &m.pixels[run.y as usize * m.width..][..m.width];
        let left = run.x0.checked_sub(1).map(|x| row[x as usize]);
        let right = row.get(run.x1 as usize + 1).copied();
        steps.extend(left.into_iter().chain(right).map(|v| (v - value).abs()));
    }
    // A long bar has few ends; above and below it are as telling.
    for run in runs {
        for y in
            [run.y.checked_sub(1), Some(run.y + 1)].into_iter().flatten().filter(|y| (*y as usize) < m.height)
        {
            let row = &m.pixels[y as usize * m.width..][run.x0 as usize..=run.x1 as usize];
            steps.extend(row.iter().map(|v| (v - value).abs()).filter(|s| *s > 0.0));
        }
    }
    percentiles(&steps, &[40.0])[0] > step
}

fn bounds(runs: &[Run]) -> Region {
    let x0 = runs.iter().map(|r| r.x0).min().unwrap_or(0);
    let x1 = runs.iter().map(|r| r.x1).max().unwrap_or(0);
    let (y0, y1) = (runs.first().map_or(0, |r| r.y), runs.last().map_or(0, |r| r.y));
    Region { x0: x0 as f32 - 0.5, y0: y0 as f32 - 0.5, x1: x1 as f32 + 0.5, y1: y1 as f32 + 0.5 }
}

/// Joins boxes until none are near each other; letters become a line of text.
fn join(mut boxes: Vec<Region>) -> Vec<Region> {
    for b in &mut boxes {
        *b = Region { x0: b.x0 - MARGIN, y0: b.y0 - MARGIN, x1: b.x1 + MARGIN, y1: b.y1 + MARGIN };
    }
    let mut joined: Vec<Region> = Vec::new();
    while let Some(mut next) = boxes.pop() {
        let touches = |a: &Region, b: &Region| a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
        while let Some(k) = joined.iter().position(|j| touches(j, &next)) {
            let other = joined.swap_remove(k);
            next = Region {
                x0: next.x0.min(other.x0),
                y0: next.y0.min(other.y0),
                x1: next.x1.max(other.x1),
                y1: next.y1.max(other.y1),
            };
        }
        joined.push(next);
    }
    joined.sort_by(|a, b| a.y0.total_cmp(&b.y0).then(a.x0.total_cmp(&b.x0)));
    joined
}
