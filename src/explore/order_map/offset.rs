//! From the shift of a pattern within windows that lie anywhere to its offset from the lattice.
//!
//! A window anywhere sees the nearest motif, so that the shift alone is a sawtooth with the lattice's period. Place and shift
//! together say where the motif lies, up to a lattice vector; neighbours differ little, so that the jumps can be taken out.

use crate::lattice::{Lattice, Vector};
use crate::micrograph::stats::percentile;
use crate::order::unwrap::unwrap_lattice;

/// The places of a map: a value every `stride` pixels.
pub(super) struct Grid {
    pub width: usize,
    pub height: usize,
    pub stride: usize,
}

impl Grid {
    /// Turns shifts (x and y, pixels) into offsets from a perfect lattice, in place: without jumps, median 0 along each axis.
    /// The path goes where `certainty` is highest first.
    pub fn offsets(&self, [x, y]: [&mut [f32]; 2], certainty: &[f32], lattice: &Lattice) {
        let place = |node: usize| [node % self.width, node / self.width].map(|i| (i * self.stride) as f64);
        let mut field: Vec<Vector> = (0..x.len())
            .map(|node| {
                let at = place(node);
                lattice.nearest([at[0] + f64::from(x[node]), at[1] + f64::from(y[node])])
            })
            .collect();
        unwrap_lattice(&mut field, certainty, self.width, self.height, lattice);
        for (axis, out) in [x, y].into_iter().enumerate() {
            let values: Vec<f32> = field.iter().map(|u| u[axis] as f32).collect();
            let usual = percentile(&values, 50.0);
            out.iter_mut().zip(&values).for_each(|(out, v)| *out = v - usual);
        }
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
        x[77] = f32::NAN;
        grid.offsets([&mut x, &mut y], &vec![1.0; 3000], &lattice);
        assert!(x[77].is_nan() && y[77].is_nan());
        for axis in 0..2 {
            let got = [&x, &y][axis];
            let off = f64::from(got[0]) - truth(0)[axis];
            for node in (0..3000).filter(|node| *node != 77) {
                let error = f64::from(got[node]) - truth(node)[axis] - off;
                assert!(error.abs() < 1e-3, "{node}: {error}");
            }
        }
    }
}
