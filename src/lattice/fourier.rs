//! Windowed power spectra of an image, and the inner product at any frequency between the bins.

use super::Vector;
use crate::micrograph::stats::percentiles;
use rayon::prelude::*;
use rustfft::{FftPlanner, num_complex::Complex};
use std::f64::consts::TAU;

/// The largest side that is transformed at once; a larger image is seen through several tiles of this size.
const TILE: usize = 2048;
/// Pixels further from the median than this many robust standard deviations are drawn in, so that an adsorbate or a hot
/// pixel does not drown the lattice.
const CLIP: f32 = 6.0;
/// Relative error of values in f32 after a plane was taken off.
const ROUNDING: f32 = 1e-6;

/// The mean power of an image's tiles, each levelled and under a Hann window.
pub struct Spectrum {
    /// Bins along x and y.
    pub width: usize,
    pub height: usize,
    /// `width * height` values |F|^2, row-major; the zero frequency is the first, negative ones wrap round.
    pub power: Vec<f32>,
    tiles: Vec<Vec<f32>>,
}

impl Spectrum {
    /// Of `width * height` pixels; where `mask` is false the pixel does not count.
    pub fn of(pixels: &[f32], width: usize, height: usize, mask: Option<&[bool]>) -> Self {
        let (w, h) = (fast_size(width.min(TILE)), fast_size(height.min(TILE)));
        let tiles: Vec<Vec<f32>> = starts(height, h)
            .into_iter()
            .flat_map(|y| starts(width, w).into_iter().map(move |x| (x, y)))
            .map(|(x, y)| windowed(pixels, width, mask, (x, y), (w, h)))
            .collect();
        let mut power = vec![0.0_f32; w * h];
        for tile in &tiles {
            let mut values: Vec<Complex<f32>> = tile.iter().map(|&v| Complex::new(v, 0.0)).collect();
            transform(&mut values, w, h);
            let share = 1.0 / tiles.len() as f32;
            power.iter_mut().zip(&values).for_each(|(p, v)| *p += share * v.norm_sqr());
        }
        Self { width: w, height: h, power, tiles }
    }

    /// Power at a bin; indices may be negative.
    pub fn at(&self, x: i64, y: i64) -> f32 {
        let (w, h) = (self.width as i64, self.height as i64);
        self.power[(y.rem_euclid(h) * w + x.rem_euclid(w)) as usize]
    }

    /// One bin, cycles per pixel, along x and y.
    pub fn bin(&self) -> Vector {
        [1.0 / self.width as f64, 1.0 / self.height as f64]
    }

    /// Moves `g` to the nearest maximum of the power by Newton's method on sum over tiles of
    /// |sum over pixels of w f exp(-2 pi i g . r)|^2; `None` when it does not settle within a bin.
    pub fn refine(&self, g: Vector) -> Option<Vector> {
        let bin = self.bin();
        let mut at = g;
        for _ in 0..8 {
            let (slope, curve) = self.derivatives(at);
            let det = curve[0] * curve[2] - curve[1] * curve[1];
            if curve[0] >= 0.0 || det <= 0.0 {
                return None; // no maximum near
            }
            let step = [
                -(curve[2] * slope[0] - curve[1] * slope[1]) / det,
                -(curve[0] * slope[1] - curve[1] * slope[0]) / det,
            ];
            at = [at[0] + step[0], at[1] + step[1]];
            if (at[0] - g[0]).abs() > bin[0] || (at[1] - g[1]).abs() > bin[1] {
                return None;
            }
            if step[0].abs() < 1e-5 * bin[0] && step[1].abs() < 1e-5 * bin[1] {
                return Some(at);
            }
        }
        None
    }

    /// Gradient and Hessian (xx, xy, yy) of the power at `g`, from the moments of the demodulated pixels.
    fn derivatives(&self, g: Vector) -> (Vector, [f64; 3]) {
        let mut slope = [0.0; 2];
        let mut curve = [0.0; 3];
        for tile in &self.tiles {
            let m = self.moments(tile, g);
            let product = |a: Complex<f64>, b: Complex<f64>| (a.conj() * b).re;
            // d F / d g = -2 pi i (moment): the factors cancel but for signs and 2 pi.
            let i = Complex::new(0.0, -TAU);
            let (dx, dy) = (i * m[1], i * m[2]);
            let (xx, xy, yy) = (i * i * m[3], i * i * m[4], i * i * m[5]);
            slope[0] += 2.0 * product(m[0], dx);
            slope[1] += 2.0 * product(m[0], dy);
            curve[0] += 2.0 * (product(dx, dx) + product(m[0], xx));
            curve[1] += 2.0 * (product(dx, dy) + product(m[0], xy));
            curve[2] += 2.0 * (product(dy, dy) + product(m[0], yy));
        }
        (slope, curve)
    }

    /// Sums over the tile of w f e^(-2 pi i g . r) times 1, x, y, xx, xy, yy; r from the middle of the tile.
    fn moments(&self, tile: &[f32], g: Vector) -> [Complex<f64>; 6] {
        let middle = [(self.width - 1) as f64 / 2.0, (self.height - 1) as f64 / 2.0];
        let wave: Vec<Complex<f32>> = (0..self.width)
            .map(|x| {
                let turn = Complex::from_polar(1.0, -TAU * g[0] * (x as f64 - middle[0]));
                Complex::new(turn.re as f32, turn.im as f32)
            })
            .collect();
        let mut sums = [Complex::new(0.0_f64, 0.0); 6];
        for (y, row) in tile.chunks_exact(self.width).enumerate() {
            let mut along = [Complex::new(0.0_f32, 0.0); 3];
            for (x, (&v, e)) in row.iter().zip(&wave).enumerate() {
                let x = x as f32 - middle[0] as f32;
                let f = e * v;
                along[0] += f;
                along[1] += f * x;
                along[2] += f * (x * x);
            }
            let y = y as f64 - middle[1];
            let turn = Complex::from_polar(1.0, -TAU * g[1] * y);
            let [s, sx, sxx] = along.map(|s| Complex::new(f64::from(s.re), f64::from(s.im)) * turn);
            for (sum, part) in sums.iter_mut().zip([s, sx, s * y, sxx, sx * y, s * (y * y)]) {
                *sum += part;
            }
        }
        sums
    }
}

/// The logarithm (base 10) of the power of a levelled image under a Hann window, zero frequency in the middle, for
/// display: width, height and values. Parts of a very large image are averaged.
pub fn log_power(pixels: &[f32], width: usize, height: usize) -> (usize, usize, Vec<f32>) {
    let spectrum = Spectrum::of(pixels, width, height, None);
    let (w, h) = (spectrum.width, spectrum.height);
    let values = (0..w * h).map(|i| {
        let (x, y) = ((i % w + w.div_ceil(2)) % w, (i / w + h.div_ceil(2)) % h);
        (spectrum.power[y * w + x].max(f32::MIN_POSITIVE)).log10()
    });
    (w, h, values.collect())
}

/// Discrete Fourier transform in place, not normalised.
pub(crate) fn transform(values: &mut Vec<Complex<f32>>, width: usize, height: usize) {
    let mut planner = FftPlanner::new();
    let (along_x, along_y) = (planner.plan_fft_forward(width), planner.plan_fft_forward(height));
    values.par_chunks_exact_mut(width).for_each(|row| along_x.process(row));
    let mut turned = transposed(values, width, height);
    turned.par_chunks_exact_mut(height).for_each(|column| along_y.process(column));
    *values = transposed(&turned, height, width);
}

fn transposed(values: &[Complex<f32>], width: usize, height: usize) -> Vec<Complex<f32>> {
    let mut out = vec![Complex::new(0.0, 0.0); values.len()];
    out.par_chunks_exact_mut(height).enumerate().for_each(|(x, column)| {
        for (y, to) in column.iter_mut().enumerate() {
            *to = values[y * width + x];
        }
    });
    out
}

/// The largest number up to `n` with no prime factor above 5.
pub(crate) fn fast_size(n: usize) -> usize {
    let smooth = |mut n: usize| {
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    (1..=n).rev().find(|&n| smooth(n)).unwrap_or(1)
}

/// Where up to three tiles of length `tile` start so that they spread over `length`.
fn starts(length: usize, tile: usize) -> Vec<usize> {
    let room = length - tile;
    match length / tile.max(1) {
        0 | 1 => vec![room / 2],
        2 => vec![0, room],
        _ => vec![0, room / 2, room],
    }
}

/// A tile without its plane, outliers drawn in, masked pixels 0, under a Hann window along both axes.
fn windowed(
    pixels: &[f32],
    stride: usize,
    mask: Option<&[bool]>,
    (x0, y0): (usize, usize),
    (w, h): (usize, usize),
) -> Vec<f32> {
    let place = |i: usize| (y0 + i / w) * stride + x0 + i % w;
    let counts = |i: usize| mask.is_none_or(|m| m[place(i)]) && pixels[place(i)].is_finite();
    let used: Vec<bool> = (0..w * h).map(counts).collect();
    let mut tile: Vec<f32> = (0..w * h).map(|i| if used[i] { pixels[place(i)] } else { 0.0 }).collect();
    crate::micrograph::prepare::subtract_plane(&mut tile, w, h, Some(&used));
    // What rounding leaves of a plane is no pattern.
    let largest = (0..w * h).filter(|&i| used[i]).map(|i| pixels[place(i)].abs()).fold(0.0, f32::max);
    if tile.iter().zip(&used).all(|(v, used)| !used || v.abs() <= ROUNDING * largest) {
        return vec![0.0; w * h];
    }
    let kept: Vec<f32> = tile.iter().zip(&used).filter(|(_, used)| **used).map(|(v, _)| *v).collect();
    let p = percentiles(&kept, &[25.0, 50.0, 75.0]);
    let reach = CLIP * (p[2] - p[0]) / 1.349;
    let (low, high) = if reach > 0.0 { (p[1] - reach, p[1] + reach) } else { (f32::MIN, f32::MAX) };
    let hann = |i: usize, n: usize| (0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n as f64).cos()) as f32;
    let across: Vec<f32> = (0..w).map(|x| hann(x, w)).collect();
    let mean = if kept.is_empty() {
        0.0
    } else {
        kept.iter().map(|&v| f64::from(v.clamp(low, high))).sum::<f64>() / kept.len() as f64
    };
    for (i, v) in tile.iter_mut().enumerate() {
        let level = if used[i] { v.clamp(low, high) - mean as f32 } else { 0.0 };
        *v = level * across[i % w] * hann(i / w, h);
    }
    tile
}
