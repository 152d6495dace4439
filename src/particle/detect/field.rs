//! The working picture of the detectors: coarser where particles are large, flat, and with bright particles.

use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentiles;
use crate::particle::Region;
use rayon::prelude::*;

/// Value of a pixel that lies in an excluded region: below every threshold.
pub(super) const NOTHING: f32 = f32::NEG_INFINITY;

/// Least contrast of a shape in deviations of the noise, times the root of its area. What is made of noise alone reaches 20; the
/// faintest of the particles that people marked have 24, most of them hundreds.
const SIGNIFICANT: f32 = 22.0;

/// A micrograph prepared for detection: background near 0, bright particles near 1, whatever the contrast was.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub width: usize,
    pub height: usize,
    /// Micrograph pixels per field pixel along each axis, >= 1.
    pub factor: usize,
    /// `width * height` values; [`NOTHING`] in excluded regions.
    pub values: Vec<f32>,
    /// Standard deviation of the noise if it is white: what neighbours before the smoothing tell. Fine structures do not count as
    /// such noise, noise that correlates does not either.
    pub white: f32,
}

impl Field {
    /// Micrograph coordinate of a field coordinate (both with pixel centres at whole numbers).
    pub fn to_micrograph(&self, at: f32) -> f32 {
        (at + 0.5) * self.factor as f32 - 0.5
    }

    /// Standard deviation of the noise that smoothing left: second differences over more than its correlation.
    pub fn noise(&self) -> f32 {
        noise(&self.values, self.width, 4)
    }

    /// Whether a shape of a contrast and an area, in pixels of the field, is more than what is chosen from white noise alone.
    pub fn is_significant(&self, contrast: f32, area: f32) -> bool {
        contrast * area.sqrt() >= SIGNIFICANT * self.white
    }

    /// Averages over `factor` x `factor` blocks, smooths with a Gaussian of `sigma` field pixels (and sharpens what is
    /// coarser, unless `sigma` is 0), subtracts a smooth background and scales to the picture's own range. `bright` tells
    /// whether particles are brighter.
    pub fn new(m: &Micrograph, excluded: &[Region], factor: usize, sigma: f32, bright: bool) -> Self {
        let (width, height) = (m.width.div_ceil(factor), m.height.div_ceil(factor));
        let (mut values, mut weights) = averages(m, excluded, factor, bright);
        let grain = noise(&values, width, 1);
        smooth(&mut values, &mut weights, width, height, sigma);
        if sigma > 0.0 {
            sharpen(&mut values, &weights, width, height, sigma);
        }
        let magnitude = values.par_iter().map(|v| v.abs()).reduce(|| 0.0, f32::max);
        flatten(&mut values, &weights, width, height);
        let gain = scale(&mut values, &weights, magnitude);
        let white = grain * gain * if sigma > 0.0 { left_by_smoothing(sigma) } else { 1.0 };
        Self { width, height, factor, values, white }
    }
}

/// Standard deviation of the noise of a picture, from second differences along its rows between pixels that far `apart`,
/// between which the noise does not correlate. What lies under it must be smoother.
pub(super) fn noise(values: &[f32], width: usize, apart: usize) -> f32 {
    let step = (values.len() / 100_000).max(1);
    let mut bends = Vec::new();
    for i in (0..values.len()).step_by(step) {
        let x = i % width;
        if x >= apart && x + apart < width {
            let bend = values[i] - 0.5 * (values[i - apart] + values[i + apart]);
            bends.extend(Some(bend.abs()).filter(|b| b.is_finite()));
        }
    }
    // The lowest fifth comes from flat places; of a normal distribution it lies within 0.2533 deviations.
    percentiles(&bends, &[20.0])[0] / (0.2533 * 1.5_f32.sqrt())
}

/// Means of blocks of pixels outside the excluded regions, negative unless `bright`; and 1 where there is such a pixel,
/// 0 elsewhere.
fn averages(m: &Micrograph, excluded: &[Region], factor: usize, bright: bool) -> (Vec<f32>, Vec<f32>) {
    let (width, height) = (m.width.div_ceil(factor), m.height.div_ceil(factor));
    let used = (!excluded.is_empty()).then(|| used_pixels(m, excluded));
    let sign = if bright { 1.0 } else { -1.0 };
    let mut values = vec![0.0_f32; width * height];
    let mut weights = vec![0.0_f32; width * height];
    let rows = values.par_chunks_mut(width).zip(weights.par_chunks_mut(width)).enumerate();
    rows.for_each(|(row, (values, weights))| {
        for y in row * factor..((row + 1) * factor).min(m.height) {
            let line = &m.pixels[y * m.width..][..m.width];
            let used = used.as_ref().map(|used| &used[y * m.width..][..m.width]);
            match used.filter(|used| used.contains(&false)) {
                None => {
                    for ((v, w), block) in values.iter_mut().zip(&mut *weights).zip(line.chunks(factor)) {
                        *v = block.iter().fold(*v, |sum, pixel| sum + pixel);
                        *w += block.len() as f32;
                    }
                }
                Some(used) => {
                    for (x, pixel) in line.iter().enumerate().filter(|(x, _)| used[*x]) {
                        values[x / factor] += pixel;
                        weights[x / factor] += 1.0;
                    }
                }
            }
        }
        for (v, w) in values.iter_mut().zip(weights).filter(|(_, w)| **w > 0.0) {
            *v = sign * *v / *w;
            *w = 1.0;
        }
    });
    (values, weights)
}

/// One flag a pixel: true outside all excluded regions.
pub(super) fn used_pixels(m: &Micrograph, excluded: &[Region]) -> Vec<bool> {
    let mut used = vec![true; m.width * m.height];
    for region in excluded {
        let (columns, rows) = region.pixels(m.width, m.height);
        for y in rows {
            used[y * m.width..][columns.clone()].fill(false);
        }
    }
    used
}

/// Normalised convolution: pixels of weight 0 neither give nor keep a value, so an edge to them stays sharp.
fn smooth(values: &mut [f32], weights: &mut [f32], width: usize, height: usize, sigma: f32) {
    if sigma <= 0.0 {
        return;
    }
    if weights.iter().all(|w| *w == 1.0) {
        return gaussian(values, width, height, sigma);
    }
    let kept: Vec<bool> = weights.iter().map(|w| *w > 0.0).collect();
    for (v, w) in values.iter_mut().zip(weights.iter()) {
        *v *= w;
    }
    gaussian(values, width, height, sigma);
    gaussian(weights, width, height, sigma);
    for ((v, w), kept) in values.iter_mut().zip(weights.iter_mut()).zip(kept) {
        if kept {
            *v /= w.max(f32::MIN_POSITIVE);
            *w = 1.0;
        } else {
            (*v, *w) = (0.0, 0.0);
        }
    }
}

/// How much more than the blurred picture a sharpened one differs from what is around.
const AMOUNT: f32 = 1.5;
/// How far around: so many times the blur's own sigma.
const AROUND: f32 = 3.0;

/// Standard deviation that is left of white noise of deviation 1 once it is smoothed and sharpened: the norm of the difference
/// of two Gaussians, `(1 + AMOUNT) G(sigma) - AMOUNT G(sigma sqrt(1 + AROUND^2))`.
fn left_by_smoothing(sigma: f32) -> f32 {
    let product = |a: f32, b: f32| 1.0 / (2.0 * std::f32::consts::PI * (a * a + b * b));
    let (fine, wide) = (sigma, sigma * AROUND.hypot(1.0));
    let (more, less) = (1.0 + AMOUNT, AMOUNT);
    let squared = more * more * product(fine, fine) - 2.0 * more * less * product(fine, wide)
        + less * less * product(wide, wide);
    squared.max(0.0).sqrt()
}

/// Unsharp mask: the narrow gaps between crowded particles, which blur fills, become as deep as they were.
fn sharpen(values: &mut [f32], weights: &[f32], width: usize, height: usize, sigma: f32) {
    let (mut wide, mut weights) = (values.to_vec(), weights.to_vec());
    smooth(&mut wide, &mut weights, width, height, AROUND * sigma);
    for (v, w) in values.iter_mut().zip(&wide) {
        *v += AMOUNT * (*v - w);
    }
}

/// Separable Gaussian blur in place; beyond its border the picture is mirrored, so that no single pixel's noise counts for many.
pub(super) fn gaussian(values: &mut [f32], width: usize, height: usize, sigma: f32) {
    if sigma <= 0.0 || values.is_empty() {
        return;
    }
    let radius = (3.0 * sigma).ceil() as usize;
    let mut kernel: Vec<f32> =
        (0..=2 * radius).map(|i| (-0.5 * ((i as f32 - radius as f32) / sigma).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    values.par_chunks_mut(width).for_each_init(
        || vec![0.0_f32; width + 2 * radius],
        |padded, row| {
            for (i, out) in padded.iter_mut().enumerate() {
                *out = row[mirrored(i, radius, width)];
            }
            row.fill(0.0);
            for (i, k) in kernel.iter().enumerate() {
                for (out, v) in row.iter_mut().zip(&padded[i..]) {
                    *out += k * v;
                }
            }
        },
    );
    let source = values.to_vec();
    values.par_chunks_mut(width).enumerate().for_each(|(y, row)| {
        row.fill(0.0);
        for (i, k) in kernel.iter().enumerate() {
            let from = mirrored(y + i, radius, height);
            for (out, v) in row.iter_mut().zip(&source[from * width..][..width]) {
                *out += k * v;
            }
        }
    });
}

/// Which of `size` pixels lies at `at - before` if they are mirrored at both ends, as often as it takes.
fn mirrored(at: usize, before: usize, size: usize) -> usize {
    let place = (at as isize - before as isize).rem_euclid(2 * size as isize) as usize;
    place.min(2 * size - 1 - place)
}

/// Subtracts a polynomial background of second order, fitted to the darker part of the picture by asymmetric least
/// squares: pixels above the current fit (particles) pull at it far less than pixels below.
fn flatten(values: &mut [f32], weights: &[f32], width: usize, height: usize) {
    const TERMS: usize = 6;
    let step = ((width * height) as f64 / 20_000.0).sqrt().ceil().max(1.0) as usize;
    let terms = |x: usize, y: usize| -> [f64; TERMS] {
        let u = 2.0 * x as f64 / width.max(2) as f64 - 1.0;
        let v = 2.0 * y as f64 / height.max(2) as f64 - 1.0;
        [1.0, u, v, u * u, u * v, v * v]
    };
    let mut samples = Vec::new();
    for y in (step / 2..height).step_by(step) {
        for x in (step / 2..width).step_by(step) {
            if weights[y * width + x] > 0.0 {
                samples.push((terms(x, y), f64::from(values[y * width + x])));
            }
        }
    }
    let grey: Vec<f32> = samples.iter().map(|s| s.1 as f32).collect();
    let mut fit = [0.0; TERMS];
    fit[0] = f64::from(percentiles(&grey, &[20.0])[0]);
    if samples.len() < 10 * TERMS {
        subtract(values, weights, width, |_, _| fit[0]);
        return;
    }
    for _ in 0..8 {
        let (mut a, mut b) = ([[0.0; TERMS]; TERMS], [0.0; TERMS]);
        for (t, v) in &samples {
            let expected: f64 = t.iter().zip(&fit).map(|(t, c)| t * c).sum();
            let weight = if *v > expected { 0.02 } else { 0.98 };
            for i in 0..TERMS {
                b[i] += weight * t[i] * v;
                for j in 0..TERMS {
                    a[i][j] += weight * t[i] * t[j];
                }
            }
        }
        match solve(a, b) {
            Some(next) => fit = next,
            None => break,
        }
    }
    subtract(values, weights, width, |x, y| terms(x, y).iter().zip(&fit).map(|(t, c)| t * c).sum());
}

fn subtract(
    values: &mut [f32],
    weights: &[f32],
    width: usize,
    background: impl Fn(usize, usize) -> f64 + Sync,
) {
    let rows = values.par_chunks_mut(width).zip(weights.par_chunks(width)).enumerate();
    rows.for_each(|(y, (values, weights))| {
        for (x, (v, w)) in values.iter_mut().zip(weights).enumerate() {
            *v = if *w > 0.0 { *v - background(x, y) as f32 } else { NOTHING };
        }
    });
}

/// Gauss elimination with pivoting; `None` if the system is singular.
fn solve<const N: usize>(mut a: [[f64; N]; N], mut b: [f64; N]) -> Option<[f64; N]> {
    for column in 0..N {
        let pivot = (column..N).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        if a[pivot][column].abs() < 1e-9 {
            return None;
        }
        a.swap(column, pivot);
        b.swap(column, pivot);
        for row in 0..N {
            if row != column {
                let part = a[row][column] / a[column][column];
                let above = a[column];
                for (value, above) in a[row].iter_mut().zip(above).skip(column) {
                    *value -= part * above;
                }
                b[row] -= part * b[column];
            }
        }
    }
    let mut x = [0.0; N];
    for i in 0..N {
        x[i] = b[i] / a[i][i];
    }
    Some(x)
}

/// Scales so that the usual background is 0 and the 99th percentile 1, or, where particles cover less, their usual
/// value about 1. A constant picture (of values up to `magnitude`) becomes 0 everywhere. Returns the factor.
fn scale(values: &mut [f32], weights: &[f32], magnitude: f32) -> f32 {
    let step = (values.len() / 200_000).max(1);
    let sample: Vec<f32> =
        (0..values.len()).step_by(step).filter(|i| weights[*i] > 0.0).map(|i| values[i]).collect();
    let levels = percentiles(&sample, &[5.0, 99.0, 99.95]);
    let range = (levels[1] - levels[0]).max(0.7 * (levels[2] - levels[0]));
    // A range below the rounding of f32 is noise of the arithmetic, not of the specimen.
    let gain = if range > 1e-5 * magnitude && range > 0.0 { 1.0 / range } else { 0.0 };
    values.par_iter_mut().zip(weights).filter(|(_, w)| **w > 0.0).for_each(|(v, _)| {
        *v = if gain > 0.0 { ((*v - levels[0]) * gain).clamp(-4.0, 8.0) } else { 0.0 };
    });
    gain
}
