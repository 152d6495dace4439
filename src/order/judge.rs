//! How good a map is, without knowing the truth: lattice leakage, roughness, collapse, and a sentence.

use super::map::Map;
use crate::lattice::{Lattice, Vector, fast_size, transform};
use rustfft::num_complex::Complex;
use serde::Serialize;
use std::f64::consts::TAU;

/// A latent whose posterior means vary less than this (its prior's standard deviation is 1) carries nothing.
pub const COLLAPSED_SD: f64 = 0.1;
/// Radius of the discs round reciprocal points: this share of the shortest reciprocal vector, but at least [`LEAST_BINS`].
const DISC: f64 = 0.12;
/// A wave under a Hann window has all but a few hundredths of its power within so many bins, wherever it lies between them.
const LEAST_BINS: f64 = 1.5;
/// Reciprocal points count up to this order of the shortest lattice vector (and half a cycle per pixel). What shows of a
/// lattice is in its low orders; all the higher ones, folded into a coarse map, would cover its slow changes, too.
const ORDERS: f64 = 3.0;
/// Wavelengths below this many times the longest lattice vector are rough.
const ROUGH: f64 = 1.5;

/// Numbers that judge one map, and what they mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judgement {
    /// Share (0..=1) of the map's spectral power, mean excluded, in small discs round every reciprocal point of the true
    /// cell; folded where the map is coarser than the image. A perfect order-parameter map has none.
    pub leakage: f64,
    /// Share of the power at wavelengths below 1.5 times the longest lattice vector.
    pub roughness: f64,
    /// Share of the spectrum's area that the discs cover: what white noise would leak.
    pub leakage_of_noise: f64,
    /// The same with the discs of all orders that the map itself can show (up to half a cycle a value; the higher ones,
    /// folded into it, would cover its slow changes, too). The verdict goes by the low orders.
    pub leakage_all_orders: f64,
    pub leakage_all_orders_of_noise: f64,
    /// Standard deviation of the known values.
    pub sd: f64,
    /// Whether the map carries anything at all; see [`COLLAPSED_SD`].
    pub collapsed: bool,
    /// In plain words.
    pub verdict: String,
}

/// Judges a map of a content latent against the true cell of its image.
///
/// The known part of the map, unknown values at the mean, is taken under a Hann window (so that its edges do not spread
/// over the discs). A map that is constant, or has fewer than 8 values along a side, has leakage and roughness 0.
pub fn judge(map: &Map, lattice: &Lattice) -> Judgement {
    let sd = f64::from(map.stats().sd);
    let collapsed = sd.is_nan() || sd < COLLAPSED_SD;
    let Shares { low: [leakage, leakage_of_noise], all: [every, every_of_noise], roughness } =
        shares(map, lattice).unwrap_or_default();
    Judgement {
        leakage,
        roughness,
        leakage_of_noise,
        leakage_all_orders: every,
        leakage_all_orders_of_noise: every_of_noise,
        sd,
        collapsed,
        verdict: verdict(leakage, roughness, leakage_of_noise, collapsed).to_owned(),
    }
}

fn verdict(leakage: f64, roughness: f64, of_noise: f64, collapsed: bool) -> &'static str {
    if collapsed {
        "collapsed: this latent carries nothing; the others suffice, or the penalty on it is too strong"
    } else if leakage > 0.3 {
        "this map is mostly the lattice itself: check the cell, lock the phase or raise the smoothness"
    } else if leakage > 0.03 + of_noise * roughness {
        "the lattice shows through: read slow changes only"
    } else if roughness > 0.5 {
        "mostly rough: noise or single defects rather than a slow change"
    } else if roughness > 0.1 {
        "free of the lattice, with some noise or point defects"
    } else {
        "clean: a slow change, free of the lattice"
    }
}

/// Shares of power and of the spectrum's area in the discs of the low orders and of all, and of power that is rough.
#[derive(Default)]
struct Shares {
    low: [f64; 2],
    all: [f64; 2],
    roughness: f64,
}

fn shares(map: &Map, lattice: &Lattice) -> Option<Shares> {
    let (w, h, power) = spectrum(map)?;
    let bin = [1.0 / w as f64, 1.0 / h as f64];
    let low_orders = (ORDERS * 1.001 / lattice.lengths()[0]).min(0.5);
    let all_orders = low_orders.max(0.5 / map.step.max(1.0));
    let inside = [low_orders, all_orders].map(|finest| discs(map.step, lattice, finest, w, h));
    let rough_from = 1.0 / (ROUGH * lattice.lengths()[1]);
    let (mut all, mut rough) = (0.0, 0.0);
    let (mut leaked, mut covered) = ([0.0; 2], [0_usize; 2]);
    for (i, &p) in power.iter().enumerate().skip(1) {
        let signed = |i: usize, n: usize| if 2 * i > n { i as f64 - n as f64 } else { i as f64 };
        let k = [signed(i % w, w) * bin[0], signed(i / w, h) * bin[1]].map(|v| v / map.step);
        all += p;
        for which in 0..2 {
            if inside[which][i] {
                leaked[which] += p;
                covered[which] += 1;
            }
        }
        if k[0].hypot(k[1]) > rough_from {
            rough += p;
        }
    }
    let of = |which: usize| [leaked[which] / all, covered[which] as f64 / (w * h - 1) as f64];
    (all > 0.0).then(|| Shares { low: of(0), all: of(1), roughness: rough / all })
}

/// |F|^2 of the known part under a Hann window, its weighted mean removed.
fn spectrum(map: &Map) -> Option<(usize, usize, Vec<f64>)> {
    let (x0, y0, w, h) = map.known()?;
    let (w, h) = (fast_size(w), fast_size(h));
    if w < 8 || h < 8 {
        return None;
    }
    let hann = |i: usize, n: usize| 0.5 - 0.5 * (TAU * (i as f64 + 0.5) / n as f64).cos();
    let value = |i: usize| f64::from(map.values[(y0 + i / w) * map.width + x0 + i % w]);
    let weight = |i: usize| hann(i % w, w) * hann(i / w, h);
    let (mut sum, mut weights) = (0.0, 0.0);
    for i in (0..w * h).filter(|&i| value(i).is_finite()) {
        sum += weight(i) * value(i);
        weights += weight(i);
    }
    let mean = sum / weights;
    let level = |i: usize| if value(i).is_finite() { weight(i) * (value(i) - mean) } else { 0.0 };
    let mut values: Vec<Complex<f32>> = (0..w * h).map(|i| Complex::new(level(i) as f32, 0.0)).collect();
    transform(&mut values, w, h);
    Some((w, h, values.iter().map(|v| f64::from(v.norm_sqr())).collect()))
}

/// Which bins lie in a disc round a reciprocal point up to `finest` cycles a pixel, as it appears on a map with this step.
fn discs(step: f64, lattice: &Lattice, finest: f64, w: usize, h: usize) -> Vec<bool> {
    let (g, k) = lattice.reciprocal();
    let shortest = g[0].hypot(g[1]).min(k[0].hypot(k[1])) * step;
    let size = [w as f64, h as f64];
    let radius = size.map(|n| (DISC * shortest * n).max(LEAST_BINS));
    let mut inside = vec![false; w * h];
    for hk in lattice.points(finest) {
        // Cycles from one value to the next, folded into -0.5..0.5.
        let folded: Vector = lattice.g(hk).map(|v| v * step - (v * step).round());
        let at = [0, 1].map(|i| folded[i] * size[i]);
        if at[0].abs() <= 2.0 && at[1].abs() <= 2.0 {
            continue; // it looks like the mean
        }
        let reach = radius.map(|r| r.ceil() as i64);
        for dy in -reach[1]..=reach[1] {
            for dx in -reach[0]..=reach[0] {
                let bin = [at[0].round() as i64 + dx, at[1].round() as i64 + dy];
                let off = [0, 1].map(|i| (bin[i] as f64 - at[i]) / radius[i]);
                if off[0].hypot(off[1]) <= 1.0 {
                    let (x, y) = (bin[0].rem_euclid(w as i64), bin[1].rem_euclid(h as i64));
                    inside[y as usize * w + x as usize] = true;
                }
            }
        }
    }
    inside
}
