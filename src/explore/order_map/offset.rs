//! From the shift of a pattern within windows that lie anywhere to its offset from the lattice.
//!
//! A window anywhere sees the nearest motif, so that the shift alone is a sawtooth with the lattice's period. Place and shift
//! together say where the motif lies, up to a lattice vector: two phases, which no jump of the shift changes. Their mean over
//! about a cell passes over the seams where the model wavers between two motifs, and is unwrapped.

use crate::lattice::{Lattice, Vector};
use crate::micrograph::stats::percentile;
use crate::order::outlier::smoothed;
use crate::order::unwrap::unwrap;
use std::f64::consts::TAU;

/// Standard deviation of the mean, in longest lattice vectors.
const OVER: f64 = 0.5;
/// Phases whose mean is shorter than this (of at most 1) do not hang together: the model has not learned the shift.
const TOGETHER: f32 = 0.3;

/// The places of a map: a value every `stride` pixels.
pub(super) struct Grid {
    pub width: usize,
    pub height: usize,
    pub stride: usize,
}

impl Grid {
    /// Turns shifts (x and y, pixels) into offsets from a perfect lattice, in place: without jumps, median 0 along each axis.
    /// Shifts of a model that has not learned them stay as they are: with them the places alone would look like strain.
    pub fn offsets(&self, [x, y]: [&mut [f32]; 2], lattice: &Lattice) {
        let (g, h) = lattice.reciprocal();
        let sigma = OVER * lattice.lengths()[1] / self.stride as f64;
        let [(first, a), (second, b)] = [g, h].map(|g| self.phase(x, y, g, sigma));
        let quality: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect();
        let usual = percentile(&quality, 50.0);
        if usual.is_nan() || usual < TOGETHER {
            return;
        }
        let [first, second] = [first, second].map(|phase| unwrap(&phase, &quality, self.width, self.height));
        let turns = |phase: f32| f64::from(phase) / TAU;
        let field: Vec<Vector> =
            first.iter().zip(&second).map(|(p, q)| lattice.at([turns(*p), turns(*q)])).collect();
        for (axis, out) in [x, y].into_iter().enumerate() {
            let values: Vec<f32> = field.iter().map(|u| u[axis] as f32).collect();
            let usual = percentile(&values, 50.0);
            out.iter_mut().zip(&values).for_each(|(out, v)| *out = v - usual);
        }
    }

    /// The mean phase 2 pi g . (place + shift) round each place, and how well the phases hang together, 0..=1; NaN where no
    /// shift is known.
    fn phase(&self, x: &[f32], y: &[f32], g: Vector, sigma: f64) -> (Vec<f32>, Vec<f32>) {
        let angle = |node: usize| {
            let at = [node % self.width, node / self.width].map(|i| (i * self.stride) as f64);
            let turns = g[0] * (at[0] + f64::from(x[node])) + g[1] * (at[1] + f64::from(y[node]));
            TAU * turns.rem_euclid(1.0)
        };
        let angles: Vec<f64> = (0..x.len()).map(angle).collect();
        let mean = |of: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|angle| of(*angle) as f32).collect();
            smoothed(&values, self.width, self.height, sigma)
        };
        let (cos, sin) = (mean(f64::cos), mean(f64::sin));
        let known = |node: usize, value: f32| if angles[node].is_finite() { value } else { f32::NAN };
        let each = cos.iter().zip(&sin).enumerate();
        each.map(|(node, (c, s))| (known(node, s.atan2(*c)), known(node, c.hypot(*s)))).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sawtooth_of_shifts_becomes_the_field_that_made_it() {
        let lattice = Lattice::new([17.0, 2.0], [-3.0, 15.0]).unwrap();
        let grid = Grid { width: 60, height: 50, stride: 3 };
        // The motif lies at the lattice and a displacement that grows to more than a period.
        let truth = |node: usize| {
            let (x, y) = ((node % 60 * 3) as f64, (node / 60 * 3) as f64);
            [0.12 * x + 2.0 * (y / 30.0).sin(), 0.001 * x * y]
        };
        let shift = |node: usize| {
            let (x, y) = ((node % 60 * 3) as f64, (node / 60 * 3) as f64);
            let u = truth(node);
            // From the place to the nearest motif.
            lattice.nearest([5.0 + u[0] - x, 4.0 + u[1] - y])
        };
        let all: Vec<Vector> = (0..3000).map(shift).collect();
        let [mut x, mut y] = [0, 1].map(|i| all.iter().map(|s| s[i] as f32).collect::<Vec<f32>>());
        let jumps = |v: &[f32]| v.windows(2).filter(|p| (p[1] - p[0]).abs() > 5.0).count();
        assert!(jumps(&x) > 200, "the shift itself is a sawtooth");
        x[1577] = f32::NAN;
        // On the seams the model says what lies between two motifs.
        let wavers: Vec<usize> = (0..3000).filter(|&i| x[i].abs() > 6.8).collect();
        assert!(wavers.len() > 200);
        wavers.into_iter().for_each(|i| x[i] *= 0.3);
        grid.offsets([&mut x, &mut y], &lattice);
        assert!(x[1577].is_nan() && y[1577].is_nan());
        for axis in 0..2 {
            let got = [&x, &y][axis];
            let inside = |node: &usize| (9..51).contains(&(node % 60)) && (9..41).contains(&(node / 60));
            let middle = 25 * 60 + 30;
            let off = f64::from(got[middle]) - truth(middle)[axis];
            for node in (0..3000).filter(inside).filter(|node| *node != 1577) {
                let error = f64::from(got[node]) - truth(node)[axis] - off;
                assert!(error.abs() < 0.6, "{node}: {error}");
            }
        }
        // A shift that was not learned does not become a ramp of the whole image.
        let [mut x, mut y] = [vec![0.1; 3000], vec![-0.2; 3000]];
        grid.offsets([&mut x, &mut y], &lattice);
        assert!(x.iter().all(|v| *v == 0.1) && y.iter().all(|v| *v == -0.2));
    }
}
