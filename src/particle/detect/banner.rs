//! The instrument's banner: rows of one colour with burnt-in text, and the scale bar drawn in it.

use crate::micrograph::Micrograph;
use crate::particle::Region;
use std::collections::BTreeMap;

/// A scale bar in micrograph pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaleBar {
    /// Left and right edge: `x1 - x0` is the length of the bar.
    pub x0: f32,
    pub x1: f32,
    /// Row of its middle.
    pub y: f32,
}

/// A banner is at least this many rows high, and at most this share of the picture.
const LEAST_ROWS: usize = 8;
const MOST: f32 = 0.4;
/// Rows of the micrograph that some instruments leave beyond the banner.
const STRAY_ROWS: usize = 4;
/// Share of a row that has the banner's own colour.
const COLOURED: f32 = 0.5;

/// The banner at the bottom or the top, if there is one. A constant picture has none.
pub fn propose_banner(m: &Micrograph) -> Option<Region> {
    let rows = |y: usize| &m.pixels[y * m.width..][..m.width];
    let bottom = banner_rows(m.height, |i| rows(m.height - 1 - i));
    let top = banner_rows(m.height, rows);
    let (y0, y1) = match (bottom, top) {
        (Some(bottom), Some(top)) if top > bottom => (0, top),
        (Some(bottom), _) => (m.height - bottom, m.height),
        (None, Some(top)) => (0, top),
        (None, None) => return None,
    };
    // Edges between pixel centres, so that whole rows are in or out.
    Some(Region { x0: -0.5, y0: y0 as f32 - 0.5, x1: m.width as f32 - 0.5, y1: y1 as f32 - 0.5 })
}

/// Number of banner rows, counted from the first row that `row` gives inward.
fn banner_rows<'a>(height: usize, row: impl Fn(usize) -> &'a [f32]) -> Option<usize> {
    if height < 2 * LEAST_ROWS {
        return None;
    }
    let (first, colour) = (0..=STRAY_ROWS).find_map(|i| Some((i, row_colour(row(i), 0.95)?)))?;
    let share = |i: usize| {
        let pixels = row(i);
        pixels.iter().filter(|v| **v == colour).count() as f32 / pixels.len() as f32
    };
    let end = (first..height).find(|i| share(*i) < COLOURED).unwrap_or(height);
    let rows = end - first;
    if rows < LEAST_ROWS || end as f32 > MOST * height as f32 {
        return None;
    }
    // A banner ends at a line; the dark background of a picture fades out and goes on between its particles.
    let mean = (first..end).map(share).sum::<f32>() / rows as f32;
    let beyond = (end..(end + LEAST_ROWS).min(height)).map(share).fold(0.0, f32::max);
    (mean > 0.6 && beyond < 0.3 * mean + 0.1).then_some(end)
}

/// The value that at least `share` of the row's pixels have exactly.
fn row_colour(row: &[f32], share: f32) -> Option<f32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for v in row {
        *counts.entry(v.to_bits()).or_default() += 1;
    }
    let (bits, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count as f32 >= share * row.len() as f32).then(|| f32::from_bits(bits))
}

/// The scale bar: the longest horizontal bar of the lightest or darkest value, inside the banner if there is one.
pub fn find_scale_bar(m: &Micrograph, banner: Option<Region>) -> Option<ScaleBar> {
    let whole = Region { x0: -0.5, y0: -0.5, x1: m.width as f32 - 0.5, y1: m.height as f32 - 0.5 };
    let (_, rows) = banner.unwrap_or(whole).pixels(m.width, m.height);
    let pixels = || m.pixels[rows.start * m.width..rows.end * m.width].iter();
    let (low, high) = pixels().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
    if low >= high {
        return None;
    }
    let most = |value: f32| 2 * pixels().filter(|v| **v == value).count() > rows.len() * m.width;
    // What fills most of the banner is its ground.
    let (low, high) = (if most(low) { f32::NAN } else { low }, if most(high) { f32::NAN } else { high });
    let most_rows = (rows.len() / 3).min(m.height / 30).max(1);
    let mut best: Option<ScaleBar> = None;
    for y in rows.clone() {
        for (x0, x1) in extreme_runs(&m.pixels[y * m.width..][..m.width], low, high, m.width / 25) {
            if best.is_some_and(|b| b.x1 - b.x0 >= (x1 - x0) as f32) {
                continue;
            }
            let value = m.pixels[y * m.width + x0];
            let same = |row: usize| m.pixels[row * m.width..][x0..x1].iter().all(|v| *v == value);
            let end = (y..rows.end).find(|row| !same(*row)).unwrap_or(rows.end);
            // Lone lines are frames or noise, high blocks are panels.
            let begins = y == rows.start || !same(y - 1);
            if begins && (2..=most_rows).contains(&(end - y)) {
                best = Some(ScaleBar {
                    x0: x0 as f32 - 0.5,
                    x1: x1 as f32 - 0.5,
                    y: (y + end - 1) as f32 / 2.0,
                });
            }
        }
    }
    best
}

/// Runs `x0..x1` of the lowest or highest value that are long, but shorter than the row.
fn extreme_runs(row: &[f32], low: f32, high: f32, least: usize) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut x = 0;
    while x < row.len() {
        let start = x;
        while x < row.len() && row[x] == row[start] {
            x += 1;
        }
        let extreme = row[start] == low || row[start] == high;
        if extreme && x - start >= least.max(8) && start > 0 && x < row.len() {
            runs.push((start, x));
        }
    }
    runs
}
