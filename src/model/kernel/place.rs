//! Coordinates as the first layer sees them, and the way back to the coordinates.

use super::lanes::{add, product, tanh};
use std::f32::consts::PI;

/// Writes `[pixels, ndim + 2 waves]`: the coordinates, then the sine and cosine of each wave. Powers of two complex numbers
/// a pixel take the place of a sine and a cosine a wave.
pub(super) fn features(out: &mut [f32], coordinates: &[f32], ndim: usize, waves: &[[i32; 2]]) {
    let order = waves.iter().flatten().map(|i| i.unsigned_abs() as usize).max().unwrap_or(0);
    let mut powers = [[(1.0_f32, 0.0_f32); MOST + 1]; 2];
    let width = ndim + 2 * waves.len();
    for (out, at) in out.chunks_exact_mut(width).zip(coordinates.chunks_exact(ndim)) {
        for (powers, x) in powers.iter_mut().zip(at) {
            let (sin, cos) = (PI * x).sin_cos();
            for n in 1..=order.min(MOST) {
                powers[n] = times(powers[n - 1], (cos, sin));
            }
        }
        out[..ndim].copy_from_slice(at);
        for (pair, &[i, j]) in out[ndim..].chunks_exact_mut(2).zip(waves) {
            let (re, im) = times(power(&powers[0], i), power(&powers[1], j));
            pair[0] = im;
            pair[1] = re;
        }
    }
}

/// The highest order of a wave.
const MOST: usize = 8;

fn power(powers: &[(f32, f32); MOST + 1], n: i32) -> (f32, f32) {
    let (re, im) = powers[n.unsigned_abs() as usize];
    if n < 0 { (re, -im) } else { (re, im) }
}

fn times(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// tanh(features W + bias + code), `[pixels, width]`.
pub(super) fn first_layer(
    out: &mut [f32],
    features: &[f32],
    inputs: usize,
    weight: &[f32],
    bias: &[f32],
    code: &[f32],
) {
    let width = bias.len();
    let n = out.len() / width;
    product(n, width, inputs, out, false, features, (inputs, 1), weight, (width, 1));
    for h in out.chunks_exact_mut(width) {
        for ((h, &b), &c) in h.iter_mut().zip(bias).zip(code) {
            *h = tanh(*h + b + c);
        }
    }
}

/// From the gradient above the first layer to its weights and to the features.
pub(super) fn backward(
    to_weight: &mut [f32],
    to_features: &mut [f32],
    column: &mut [f32],
    above: &[f32],
    features: &[f32],
    inputs: usize,
    weight: &[f32],
) {
    let width = column.len();
    let n = above.len() / width;
    product(inputs, width, n, to_weight, true, features, (1, inputs), above, (width, 1));
    product(n, inputs, width, to_features, false, above, (width, 1), weight, (1, width));
    for g in above.chunks_exact(width) {
        add(column, g);
    }
}

/// The gradient by one pixel's coordinates, from that by its features.
pub(super) fn to_coordinate(gradient: &[f32], features: &[f32], ndim: usize, waves: &[[i32; 2]]) -> [f32; 2] {
    let mut c = [0.0; 2];
    c[..ndim].copy_from_slice(&gradient[..ndim]);
    let pairs = gradient[ndim..].chunks_exact(2).zip(features[ndim..].chunks_exact(2));
    for ((g, f), wave) in pairs.zip(waves) {
        let slope = PI * (g[0] * f[1] - g[1] * f[0]);
        for (c, &i) in c.iter_mut().zip(wave) {
            *c += i as f32 * slope;
        }
    }
    c
}
