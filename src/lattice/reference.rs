//! The mean cell of an image as its reflections, and the place at which a window fits it best.
//!
//! Everything here is in fractional coordinates of the cell, so that g . r is h x + k y.

use super::Vector;
use super::cell::{Lattice, norm};
use super::local::LocalCoefficients;
use super::phase::turn;
use super::reflections::Chosen;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// Noise below this share of the strongest reflection's power makes no difference between reflections.
pub(super) const CLEAN: f32 = 1e-4;
/// Windows from which the mean cell is averaged, and how often.
const WINDOWS: usize = 500;
const ROUNDS: usize = 5;
/// Origins that the anchors may leave open.
const CANDIDATES: u32 = 64;
/// A coefficient counts up to this many times its mean amplitude.
const LOUD: f32 = 2.0;
/// Steps on each side when an origin is looked for near an expected one.
const NEAR: i32 = 4;
/// The first windows, by their rank in strength.
const SEEDS: [f64; 4] = [0.5, 0.7, 0.85, 0.95];

/// Reflections of the mean cell with its origin at (0, 0), and what is needed to invert them.
#[derive(Clone, Debug)]
pub(super) struct Reflections {
    /// Indices (h, k), one of each pair.
    index: Vec<[i32; 2]>,
    /// R_g; the sum of weight |R_g|^2 is 1.
    mean: Vec<Complex<f32>>,
    /// 1 / noise power, of any scale: the correlation is between whitened coefficients.
    weight: Vec<f32>,
    /// The largest amplitude that a coefficient of the pattern may have; a step or an adsorbate has more.
    most: Vec<f32>,
    /// Two reflections whose phases give a first origin.
    anchors: [usize; 2],
    /// The origins that the anchors cannot tell apart, fractional, and exp(2 pi i g . t) of each for every reflection.
    shifts: Vec<(Vector, Vec<Complex<f32>>)>,
}

/// The mean cell: one window of usual strength first, then the mean of many, each moved to the place where it fits best.
/// At last the scatter round that mean is each reflection's noise. Of a few first windows the one that leads to the best
/// agreement counts, since any one of them may hold a defect.
pub(super) fn measure(lattice: &Lattice, chosen: &[Chosen], local: &LocalCoefficients) -> Reflections {
    let nodes = local.columns * local.rows;
    let power = |node: usize| -> f32 {
        let all = local.values.iter().zip(chosen);
        local.weight[node].powi(2) * all.map(|(v, c)| v[node].norm_sqr() / c.noise).sum::<f32>()
    };
    let mut by_power: Vec<usize> = (0..nodes).collect();
    by_power.sort_by(|&p, &q| power(p).total_cmp(&power(q)));
    let stride = (nodes / WINDOWS).max(1);
    let windows: Vec<Vec<Complex<f32>>> = (0..nodes)
        .step_by(stride)
        .filter(|&n| local.weight[n] > 0.9)
        .map(|node| local.values.iter().map(|v| v[node]).collect())
        .collect();
    let tries = SEEDS.map(|part| by_power[((nodes - 1) as f64 * part) as usize]).map(|node| {
        let index = chosen.iter().map(|c| c.index).collect();
        let mean = local.values.iter().map(|v| v[node]).collect();
        let weight = chosen.iter().map(|c| 1.0 / c.noise).collect();
        let mut found = Reflections::new(index, mean, weight);
        let mut agreement = 0.0;
        for _ in 0..ROUNDS {
            (found, agreement) = found.averaged(&windows, false);
        }
        (found, agreement)
    });
    let [first, rest @ ..] = tries;
    let (best, _) = rest.into_iter().fold(first, |best, next| if next.1 > best.1 { next } else { best });
    let best = best.averaged(&windows, true).0.averaged(&windows, false).0;
    let centre = best.centre(lattice);
    best.moved(centre)
}

impl Reflections {
    fn new(index: Vec<[i32; 2]>, mean: Vec<Complex<f32>>, weight: Vec<f32>) -> Self {
        let power: Vec<f32> = mean.iter().zip(&weight).map(|(r, w)| w * r.norm_sqr()).collect();
        let norm = power.iter().sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        let most = mean.iter().map(|r| LOUD * r.norm()).collect();
        let mean: Vec<Complex<f32>> = mean.iter().map(|r| r / norm).collect();
        let anchors = anchors(&index, &power);
        let shifts = ambiguous(index[anchors[0]], index[anchors[1]])
            .into_iter()
            .map(|t| {
                let turns = index.iter().map(|hk| turn(along(*hk, t)));
                (t, turns.collect())
            })
            .collect();
        Self { index, mean, weight, most, anchors, shifts }
    }

    /// The mean of windows, each moved to where it fits best, and the mean agreement. `reweigh` takes the scatter round
    /// that mean for each reflection's noise.
    fn averaged(self, windows: &[Vec<Complex<f32>>], reweigh: bool) -> (Self, f64) {
        let mut sums = vec![(Complex::new(0.0_f32, 0.0), 0.0_f32); self.index.len()];
        let mut total = 0.0;
        for values in windows {
            let (origin, agreement) = self.origin(values);
            total += agreement;
            for ((sum, value), hk) in sums.iter_mut().zip(values).zip(&self.index) {
                sum.0 += value * turn(along(*hk, origin)) * agreement as f32;
                sum.1 += value.norm_sqr() * agreement as f32;
            }
        }
        if total <= 0.0 {
            return (self, 0.0);
        }
        let n = total as f32;
        let mean: Vec<Complex<f32>> = sums.iter().map(|s| s.0 / n).collect();
        let weight = if reweigh {
            let floor = CLEAN * mean.iter().map(Complex::norm_sqr).fold(f32::MIN_POSITIVE, f32::max);
            let noise = sums.iter().zip(&mean).map(|(s, m)| (s.1 / n - m.norm_sqr()).max(floor));
            noise.map(f32::recip).collect()
        } else {
            self.weight
        };
        (Self::new(self.index, mean, weight), total / windows.len() as f64)
    }

    /// The same cell with its origin at another fractional place.
    fn moved(self, to: Vector) -> Self {
        let mean = self.mean.iter().zip(&self.index).map(|(r, hk)| r * turn(along(*hk, to))).collect();
        Self { most: self.most.clone(), ..Self::new(self.index, mean, self.weight) }
    }

    /// The origin (fractional) at which coefficients fit the mean cell best, and their correlation, 0..=1.
    pub(super) fn origin(&self, local: &[Complex<f32>]) -> (Vector, f64) {
        let Some((cross, size)) = self.cross(local) else { return ([0.0; 2], 0.0) };
        let [p, q] = self.anchors;
        let phase = |i: usize| f64::from(cross[i].arg()) / TAU;
        // o = -K^-1 phase / 2 pi.
        let ([a, b], [c, d]) = (self.index[p].map(f64::from), self.index[q].map(f64::from));
        let det = a * d - b * c;
        let first = [-(d * phase(p) - b * phase(q)) / det, -(a * phase(q) - c * phase(p)) / det];
        let there: Vec<Complex<f32>> =
            self.index.iter().zip(&cross).map(|(hk, c)| c * turn(along(*hk, first))).collect();
        let fit = |turns: &[Complex<f32>]| -> f32 { there.iter().zip(turns).map(|(c, t)| (c * t).re).sum() };
        let best = self.shifts.iter().max_by(|s, t| fit(&s.1).total_cmp(&fit(&t.1)));
        let shift = best.map_or([0.0; 2], |(t, _)| *t);
        self.climb(&cross, [first[0] + shift[0], first[1] + shift[1]], size)
    }

    /// As [`Self::origin`], but the best origin within `reach` (fractions of a cell along a and b) of an expected one:
    /// where two sublattices are alike the best one of all may be the other's.
    pub(super) fn origin_near(&self, local: &[Complex<f32>], expected: Vector, reach: f64) -> (Vector, f64) {
        let Some((cross, size)) = self.cross(local) else { return (expected, 0.0) };
        let fit = |at: Vector| -> f32 {
            self.index.iter().zip(&cross).map(|(hk, c)| (c * turn(along(*hk, at))).re).sum()
        };
        let step = |i: i32| f64::from(i) / f64::from(NEAR) * reach;
        let places = (-NEAR..=NEAR).flat_map(|i| (-NEAR..=NEAR).map(move |j| [i, j]));
        let (mut best, mut most) = (expected, f32::NEG_INFINITY);
        for [i, j] in places {
            let at = [expected[0] + step(i), expected[1] + step(j)];
            let value = fit(at);
            if value > most {
                (best, most) = (at, value);
            }
        }
        self.climb(&cross, best, size)
    }

    /// The whitened cross-spectrum of coefficients with the mean cell, what is too loud quietened, and the coefficients'
    /// size; `None` where there is nothing.
    fn cross(&self, local: &[Complex<f32>]) -> Option<(Vec<Complex<f32>>, f64)> {
        let quiet =
            |(p, most): (&Complex<f32>, &f32)| if p.norm() > *most { p * (most / p.norm()) } else { *p };
        let local: Vec<Complex<f32>> = local.iter().zip(&self.most).map(quiet).collect();
        let size = local.iter().zip(&self.weight).map(|(p, w)| w * p.norm_sqr()).sum::<f32>().sqrt();
        let pairs = local.iter().zip(&self.mean).zip(&self.weight);
        (size > 0.0).then(|| (pairs.map(|((p, r), w)| p * r.conj() * w).collect(), f64::from(size)))
    }

    /// Newton's method on the correlation from a place near its maximum.
    fn climb(&self, cross: &[Complex<f32>], start: Vector, size: f64) -> (Vector, f64) {
        let (mut at, mut best) = (start, (start, f64::NEG_INFINITY));
        for _ in 0..4 {
            let (mut value, mut slope, mut curve) = (0.0, [0.0; 2], [0.0; 3]);
            for (hk, c) in self.index.iter().zip(cross) {
                let z = c * turn(along(*hk, at));
                let (re, im) = (f64::from(z.re), f64::from(z.im));
                let [h, k] = hk.map(|v| TAU * f64::from(v));
                value += re;
                slope = [slope[0] - h * im, slope[1] - k * im];
                curve = [curve[0] - h * h * re, curve[1] - h * k * re, curve[2] - k * k * re];
            }
            if value > best.1 {
                best = (at, value);
            }
            let det = curve[0] * curve[2] - curve[1] * curve[1];
            if curve[0] >= 0.0 || det <= 0.0 {
                break;
            }
            let step = [
                -(curve[2] * slope[0] - curve[1] * slope[1]) / det,
                -(curve[0] * slope[1] - curve[1] * slope[0]) / det,
            ];
            if norm(step) > 0.1 {
                break;
            }
            at = [at[0] + step[0], at[1] + step[1]];
            if norm(step) < 1e-6 {
                break;
            }
        }
        (best.0, (best.1 / size).clamp(0.0, 1.0))
    }

    /// The mean cell's value at a fractional place, in units of its own.
    pub(super) fn value(&self, at: Vector) -> f64 {
        let terms = self.index.iter().zip(&self.mean);
        terms.map(|(hk, r)| 2.0 * f64::from((r * turn(along(*hk, at))).re)).sum()
    }

    /// The strongest maximum; the deepest minimum where the pattern is made of dark spots.
    fn centre(&self, lattice: &Lattice) -> Vector {
        let [nx, ny] = lattice.lengths().map(|l| (l.ceil() as usize * 2).clamp(16, 256));
        let place = |i: usize| [(i % nx) as f64 / nx as f64, (i / nx) as f64 / ny as f64];
        let values: Vec<f64> = (0..nx * ny).map(|i| self.value(place(i))).collect();
        let skew: f64 = values.iter().map(|v| v.powi(3)).sum();
        let sign = if skew < 0.0 { -1.0 } else { 1.0 };
        let best = (0..values.len()).max_by(|&p, &q| (sign * values[p]).total_cmp(&(sign * values[q])));
        best.map_or([0.0; 2], place)
    }
}

fn along(hk: [i32; 2], r: Vector) -> f64 {
    f64::from(hk[0]) * r[0] + f64::from(hk[1]) * r[1]
}

/// The two reflections furthest above their noise that are not parallel: their phases are right where others are not, and
/// the others decide among the origins that they leave open.
fn anchors(index: &[[i32; 2]], power: &[f32]) -> [usize; 2] {
    let mut best = ([0, 0], 0.0_f32);
    for (i, p) in index.iter().enumerate() {
        for (j, q) in index.iter().enumerate().take(i) {
            let minor = (p[0] * q[1] - p[1] * q[0]).unsigned_abs();
            if minor > 0 {
                let score = power[i].min(power[j]);
                if score > best.1 && minor <= CANDIDATES {
                    best = ([i, j], score);
                }
            }
        }
    }
    if best.1 == 0.0 && index.len() > 1 { [0, 1] } else { best.0 }
}

/// The fractional translations t in one cell with g . t whole for both reflections.
fn ambiguous(p: [i32; 2], q: [i32; 2]) -> Vec<Vector> {
    let det = p[0] * q[1] - p[1] * q[0];
    if det == 0 {
        return vec![[0.0; 2]];
    }
    let n = det.abs();
    let mut found: Vec<[i32; 2]> = Vec::new();
    for i in 0..n {
        for j in 0..n {
            // K^-1 (i, j) = adj(K) (i, j) / det.
            let t = [q[1] * i - p[1] * j, p[0] * j - q[0] * i].map(|v| (v * det.signum()).rem_euclid(n));
            if !found.contains(&t) {
                found.push(t);
            }
        }
    }
    found.into_iter().map(|t| t.map(|v| f64::from(v) / f64::from(n))).collect()
}
