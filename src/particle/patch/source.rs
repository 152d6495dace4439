//! Cutting patches: one resampler, one normalisation, one edge policy for training, preview and export.

use super::blank::blank;
use super::{Edge, Normalise, PatchGeometry};
use crate::micrograph::stats::percentiles;
use crate::micrograph::{Micrograph, PixelSize};
use crate::particle::Region;
use crate::particle::territory::LabelMap;
use image::{GrayImage, Luma};
use std::ops::Range;

/// A micrograph made ready for cutting: its levels are measured once.
#[derive(Clone, Debug)]
pub struct PatchSource<'a> {
    micrograph: &'a Micrograph,
    pixel: Option<PixelSize>,
    bright: bool,
    /// Excluded regions inside the picture that are not cut off by `columns` and `rows`.
    holes: Vec<Region>,
    territories: Option<&'a LabelMap>,
    /// The picture without banners at its edges.
    columns: Range<usize>,
    rows: Range<usize>,
    /// Grey values of black and white.
    levels: (f32, f32),
    /// Usual grey value between the particles.
    background: f32,
}

impl<'a> PatchSource<'a> {
    /// Measures the levels of `micrograph` outside `excluded`. `bright`: particles are brighter than the background.
    pub fn new(
        micrograph: &'a Micrograph,
        pixel: Option<PixelSize>,
        bright: bool,
        excluded: &[Region],
        territories: Option<&'a LabelMap>,
    ) -> Self {
        let m = micrograph;
        let (mut columns, mut rows) = (0..m.width, 0..m.height);
        let mut holes = Vec::new();
        for region in excluded {
            let (x, y) = region.pixels(m.width, m.height);
            if x.is_empty() || y.is_empty() {
                continue;
            }
            // A banner: beyond it there is no picture, so it is an edge.
            if x.len() == m.width && y.end >= rows.end && y.start > rows.start {
                rows.end = rows.end.min(y.start);
            } else if x.len() == m.width && y.start <= rows.start && y.end < rows.end {
                rows.start = rows.start.max(y.end);
            } else if y.len() == m.height && x.end >= columns.end && x.start > columns.start {
                columns.end = columns.end.min(x.start);
            } else if y.len() == m.height && x.start <= columns.start && x.end < columns.end {
                columns.start = columns.start.max(x.end);
            } else {
                holes.push(*region);
            }
        }
        let sample = sample(m, &columns, &rows, &holes);
        let levels = percentiles(&sample, &[0.5, 99.5]);
        let levels = (levels[0], levels[1]);
        let background = background(&sample, levels, bright);
        Self { micrograph, pixel, bright, holes, territories, columns, rows, levels, background }
    }

    /// Usual grey value between the particles, in the micrograph's units.
    pub fn background(&self) -> f32 {
        self.background
    }

    /// Black and white point, in the micrograph's units.
    pub fn levels(&self) -> (f32, f32) {
        self.levels
    }

    /// A `wide` x `wide` patch, row-major, 0..=1, particle bright; its pitch is that of the `geometry.side` patch and
    /// its centre, `(wide - 1) / 2` on both axes, lies exactly on (x, y) of the micrograph.
    ///
    /// Every value is finite, wherever (x, y) lies.
    pub fn cut(&self, x: f32, y: f32, geometry: &PatchGeometry, wide: usize) -> Vec<f32> {
        let m = self.micrograph;
        let most = 2.0 * m.width.max(m.height).max(1) as f64;
        let pitch =
            geometry.extents_on(self.pixel).map(|side| (side / geometry.side.max(1) as f64).min(most));
        let (x, y) = (if x.is_finite() { x } else { -1e6 }, if y.is_finite() { y } else { -1e6 });
        let across = taps(f64::from(x), pitch[0], wide, &self.columns, geometry.edge);
        let down = taps(f64::from(y), pitch[1], wide, &self.rows, geometry.edge);
        let mut patch = self.resample(&across, &down);
        if let (true, Some(map)) = (geometry.blank_neighbours, self.territories) {
            blank(&mut patch, wide, map, [x, y], pitch.map(|p| p as f32), self.background);
        }
        self.normalise(&mut patch, geometry, wide);
        patch
    }

    /// Weighted sums along x, then along y. What the taps do not cover is background.
    fn resample(&self, across: &[Taps], down: &[Taps]) -> Vec<f32> {
        let m = self.micrograph;
        let wide = across.len();
        let mut patch = vec![self.background; wide * down.len()];
        let first = down.iter().filter(|t| !t.weights.is_empty()).map(|t| t.start).min().unwrap_or(0);
        let end = down
            .iter()
            .filter(|t| !t.weights.is_empty())
            .map(|t| t.start + t.weights.len())
            .max()
            .unwrap_or(0);
        let mut line = vec![0.0; wide];
        for y in first..end {
            let row = &m.pixels[y * m.width..][..m.width];
            let holes: Vec<Range<usize>> = self
                .holes
                .iter()
                .map(|r| r.pixels(m.width, m.height))
                .filter(|(_, rows)| rows.contains(&y))
                .map(|(columns, _)| columns)
                .collect();
            for (value, taps) in line.iter_mut().zip(across) {
                *value = 0.0;
                for (i, weight) in taps.weights.iter().enumerate() {
                    let x = taps.start + i;
                    if !holes.iter().any(|h| h.contains(&x)) {
                        *value += weight * (row[x] - self.background);
                    }
                }
            }
            for (j, taps) in down.iter().enumerate() {
                let Some(weight) = y.checked_sub(taps.start).and_then(|i| taps.weights.get(i)) else {
                    continue;
                };
                for (out, value) in patch[j * wide..][..wide].iter_mut().zip(&line) {
                    *out += weight * value;
                }
            }
        }
        patch
    }

    fn normalise(&self, patch: &mut [f32], geometry: &PatchGeometry, wide: usize) {
        let (black, white) = match geometry.normalise {
            Normalise::Micrograph => self.levels,
            Normalise::Patch => {
                let side = geometry.side.min(wide);
                let edge = (wide - side) / 2;
                let middle: Vec<f32> = patch
                    .chunks(wide.max(1))
                    .skip(edge)
                    .take(side)
                    .flat_map(|row| &row[edge..edge + side])
                    .copied()
                    .collect();
                let p = percentiles(&middle, &[1.0, 99.0]);
                (p[0], p[1])
            }
        };
        let range = white - black;
        // A range below the rounding of f32 is no contrast.
        let flat = range <= 1e-6 * black.abs().max(white.abs()) || !range.is_finite();
        for v in patch {
            let part = if flat { 0.0 } else { ((*v - black) / range).clamp(0.0, 1.0) };
            *v = if self.bright || flat { part } else { 1.0 - part };
        }
    }
}

/// Which micrograph pixels along one axis make up one patch pixel.
struct Taps {
    start: usize,
    weights: Vec<f32>,
}

/// Taps of `wide` patch pixels round `centre`: a tent as wide as the larger of the two pitches, which is bilinear
/// interpolation where the patch is finer than the micrograph and averages without aliasing where it is coarser.
fn taps(centre: f64, pitch: f64, wide: usize, within: &Range<usize>, edge: Edge) -> Vec<Taps> {
    let reach = pitch.max(1.0);
    (0..wide)
        .map(|i| {
            let at = centre + (i as f64 - (wide as f64 - 1.0) / 2.0) * pitch;
            let (low, high) = ((at - reach).ceil() as i64, (at + reach).floor() as i64);
            let tent = |p: i64| (1.0 - (p as f64 - at).abs() / reach).max(0.0);
            let sum: f64 = (low..=high).map(tent).sum();
            if within.is_empty() || sum <= 0.0 {
                return Taps { start: 0, weights: Vec::new() };
            }
            let (first, last) = (within.start as i64, within.end as i64 - 1);
            let (start, end) = match edge {
                Edge::Background => (low.max(first), high.min(last)),
                Edge::Nearest => (low.clamp(first, last), high.clamp(first, last)),
            };
            if start > end {
                return Taps { start: 0, weights: Vec::new() };
            }
            let mut weights = vec![0.0_f32; (end - start + 1) as usize];
            for p in low..=high {
                let inside = (first..=last).contains(&p);
                if inside || edge == Edge::Nearest {
                    weights[(p.clamp(start, end) - start) as usize] += (tent(p) / sum) as f32;
                }
            }
            Taps { start: start as usize, weights }
        })
        .collect()
}

/// Up to about 200,000 values of the picture, evenly spread, outside the excluded regions.
fn sample(m: &Micrograph, columns: &Range<usize>, rows: &Range<usize>, holes: &[Region]) -> Vec<f32> {
    let step = (((columns.len() * rows.len()) as f64 / 200_000.0).sqrt().ceil() as usize).max(1);
    let mut values = Vec::new();
    for y in rows.clone().step_by(step) {
        for x in columns.clone().step_by(step) {
            if !holes.iter().any(|r| r.contains(x as f32, y as f32)) {
                values.push(m.pixels[y * m.width + x]);
            }
        }
    }
    values
}

/// Median of the values on the background's side of Otsu's threshold.
fn background(sample: &[f32], levels: (f32, f32), bright: bool) -> f32 {
    let (black, white) = levels;
    let range = white - black;
    if sample.is_empty() || range <= 0.0 || !range.is_finite() {
        return percentiles(sample, &[50.0])[0];
    }
    let grey = |v: f32| (((v - black) / range).clamp(0.0, 1.0) * 255.0).round() as u8;
    let mut picture = GrayImage::new(sample.len() as u32, 1);
    for (pixel, v) in picture.pixels_mut().zip(sample) {
        *pixel = Luma([grey(*v)]);
    }
    let level = imageproc::contrast::otsu_level(&picture);
    let side: Vec<f32> = sample.iter().copied().filter(|v| (grey(*v) <= level) == bright).collect();
    percentiles(if side.is_empty() { sample } else { &side }, &[50.0])[0]
}

#[cfg(test)]
mod tests;
