//! The lattice that holds in most places.
//!
//! A wall or a bent scan splits a peak of the whole image's spectrum, and its highest part belongs to one side only. The
//! slope of the local phase does not mind: its median over the image is the lattice that most places have.

use super::Vector;
use super::cell::Lattice;
use super::local::LocalCoefficients;
use super::peaks::Peak;
use super::supercell::solve;
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// Reflections that speak, the strongest.
const USED: usize = 10;
/// Phases are compared over this share of the image: long enough to average noise, short enough that a wall lies between
/// few of the pairs.
const BASELINE: f64 = 0.15;

/// Corrects a lattice by the median slopes of its reflections' local phases; `None` where the image is too small for
/// that or the result is no lattice.
pub(super) fn settle(
    pixels: &[f32],
    (width, height): (usize, usize),
    lattice: &Lattice,
    indexed: &[([i32; 2], Peak)],
    mask: Option<&[bool]>,
) -> Option<Lattice> {
    let used = &indexed[..indexed.len().min(USED)];
    let g: Vec<Vector> = used.iter().map(|(hk, _)| lattice.g(*hk)).collect();
    let sigma = 0.6 * lattice.lengths()[1];
    let local = LocalCoefficients::of(pixels, width, height, &g, sigma, mask);
    let over = |n: usize| (BASELINE * n as f64).round() as usize;
    let (across, down) = (over(local.columns), over(local.rows));
    if across == 0 || down == 0 {
        return None;
    }
    let corrected: Option<Vec<([i32; 2], Peak)>> = used
        .iter()
        .zip(&g)
        .enumerate()
        .map(|(i, ((hk, peak), g))| {
            let slope = [
                slope(&local, i, across, 1, local.columns)?,
                slope(&local, i, down, local.columns, local.rows)?,
            ];
            Some((*hk, Peak { g: [g[0] + slope[0], g[1] + slope[1]], ..*peak }))
        })
        .collect();
    let (a, b) = solve(corrected?.into_iter())?;
    let settled = Lattice::from_reciprocal(a, b).ok()?;
    // The same cell, not another one.
    let near = |p: Vector, q: Vector| (p[0] - q[0]).hypot(p[1] - q[1]) < 0.1 * q[0].hypot(q[1]);
    (near(settled.a, lattice.a) && near(settled.b, lattice.b)).then_some(settled)
}

/// Weighted median of the phase's slope along one axis, cycles per pixel. `stride` is 1 along x and the number of
/// columns along y, `count` the nodes along that axis, `apart` how many nodes lie between the two compared.
fn slope(local: &LocalCoefficients, i: usize, apart: usize, stride: usize, count: usize) -> Option<f64> {
    let values: &[Complex<f32>] = &local.values[i];
    let mut turns: Vec<(f64, f64)> = Vec::new();
    for node in 0..values.len() {
        let place = if stride == 1 { node % local.columns } else { node / local.columns };
        if place + apart >= count {
            continue;
        }
        let other = node + apart * stride;
        // Windows that reach over the edge have their centre of mass elsewhere.
        if local.weight[node] < 0.95 || local.weight[other] < 0.95 {
            continue;
        }
        let product = values[other] * values[node].conj();
        turns.push((f64::from(product.arg()) / TAU, f64::from(product.norm()).sqrt()));
    }
    let half = 0.5 * turns.iter().map(|t| t.1).sum::<f64>();
    turns.sort_by(|p, q| p.0.total_cmp(&q.0));
    let mut sum = 0.0;
    let median = turns.iter().find(|t| {
        sum += t.1;
        sum >= half
    })?;
    Some(median.0 / (apart * local.step) as f64)
}
