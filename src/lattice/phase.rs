//! Phase locking: where the nearest cell origin lies, for any centre.
//!
//! A perfect pattern with an origin at o has the local coefficients P_g = R_g exp(-2 pi i g . o), with R_g those of a
//! pattern with its origin at (0, 0). For two reciprocal vectors o follows from the phases, o = -K^-1 phase / 2 pi, up to
//! a lattice vector. Here more reflections than two speak: o maximises Re sum over g of P_g conj(R_g) exp(2 pi i g . o),
//! the correlation of the window with the mean cell. Both are divided by the noise's amplitude at g, measured as
//! the scatter round the mean cell, so that this is the most likely place also where tilt and steps fill low frequencies. Superlattice
//! reflections decide among the origins that the strong ones cannot tell apart.

use super::cell::Lattice;
use super::local::LocalCoefficients;
use super::reference::Reflections;
use super::reflections::choose;
use super::{Vector, reference};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::Stats;
use crate::{Error, Result};
use rustfft::num_complex::Complex;
use std::f64::consts::TAU;

/// What may be set by hand.
#[derive(Clone, Debug, Default)]
pub struct LockOptions<'a> {
    /// Standard deviation of the Gaussian window, pixels; by default 0.6 of the longest lattice vector, below which
    /// neighbouring reflections mix.
    pub sigma: Option<f64>,
    /// `width * height` flags; pixels where it is false do not count.
    pub mask: Option<&'a [bool]>,
}

/// The phase of the lattice round one centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lock {
    /// From the centre to the nearest cell origin, pixels.
    pub offset: Vector,
    /// 0..=1: correlation of the window with the mean cell there.
    pub agreement: f64,
}

/// An image made ready: its local coefficients and its mean cell.
#[derive(Clone, Debug)]
pub struct PhaseLock {
    lattice: Lattice,
    local: LocalCoefficients,
    reflections: Reflections,
}

impl PhaseLock {
    /// Measures the local coefficients of the strongest reflections and, from them, the mean cell; its strongest maximum
    /// (or minimum, where dark spots carry the pattern) becomes the cell's origin.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the image shows no reflection of this lattice, when they lie on one line, or when the
    /// image is smaller than a cell.
    pub fn new(image: &Micrograph, lattice: &Lattice, options: &LockOptions<'_>) -> Result<Self> {
        let long = lattice.lengths()[1];
        if long > image.width.min(image.height) as f64 {
            let (w, h) = (image.width, image.height);
            let problem = format!("a period of {long:.1} px does not fit into {w} x {h} px");
            return Err(Error::invalid("lattice", problem));
        }
        let sigma = options.sigma.filter(|s| s.is_finite() && *s > 0.0).unwrap_or(0.6 * long);
        let chosen = choose(image, lattice, options.mask)?;
        let g: Vec<Vector> = chosen.iter().map(|c| lattice.g(c.index)).collect();
        let mut level = image.pixels.to_vec();
        crate::micrograph::prepare::subtract_plane(&mut level, image.width, image.height, options.mask);
        // Heights in metres have squares that f32 does not hold well.
        let sd = Stats::of(&level).sd.max(f32::MIN_POSITIVE);
        level.iter_mut().for_each(|v| *v /= sd);
        let local = LocalCoefficients::of(&level, image.width, image.height, &g, sigma, options.mask);
        let reflections = reference::measure(lattice, &chosen, &local);
        Ok(Self { lattice: *lattice, local, reflections })
    }

    /// The lattice that the phases belong to.
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// Where the nearest cell origin lies from `centre` (pixels of the image). A few microseconds a call.
    ///
    /// At the image's edge half of a window is missing and reflections mix, so there the phase of the nearest whole
    /// window is continued by the lattice.
    pub fn at(&self, centre: Vector) -> Lock {
        let inner = self.local.inner(centre);
        let local: Vec<Complex<f32>> = (0..self.local.g.len()).map(|i| self.local.at(i, inner)).collect();
        self.lock(&local, centre)
    }

    /// The origin of a cell that is expected at a place, looked for within `reach` (a share of the lattice vectors) of it:
    /// [`Lock::offset`] is from the expected place to it.
    pub fn near(&self, expected: Vector, reach: f64) -> Lock {
        let inner = self.local.inner(expected);
        let local: Vec<Complex<f32>> = (0..self.local.g.len()).map(|i| self.local.at(i, inner)).collect();
        let start = self.lattice.fraction(expected);
        let (fraction, agreement) = self.reflections.origin_near(&local, start, reach);
        let origin = self.lattice.at(fraction);
        Lock { offset: [origin[0] - expected[0], origin[1] - expected[1]], agreement }
    }

    /// The nearest cell origin itself: where a window is to be cut so that the cell lies in it as in all others.
    pub fn snap(&self, centre: Vector) -> Vector {
        let offset = self.at(centre).offset;
        [centre[0] + offset[0], centre[1] + offset[1]]
    }

    /// One answer for each node of the internal grid (about a fifth of a period apart): columns, rows, pixels from node
    /// to node, and the locks row by row.
    pub fn grid(&self) -> (usize, usize, usize, Vec<Lock>) {
        use rayon::prelude::*;
        let (columns, rows, step) = (self.local.columns, self.local.rows, self.local.step);
        let locks = (0..columns * rows)
            .into_par_iter()
            .map(|node| self.at([((node % columns) * step) as f64, ((node / columns) * step) as f64]));
        (columns, rows, step, locks.collect())
    }

    /// The mean cell, drawn in the lattice's shape: `side` x `side` values on fractional coordinates -0.5 to 0.5 along
    /// a (fast) and b, the origin in the middle.
    pub fn mean_cell(&self, side: usize) -> Vec<f32> {
        let place = |i: usize| (i as f64 + 0.5) / side as f64 - 0.5;
        (0..side * side).map(|i| self.reflections.value([place(i % side), place(i / side)]) as f32).collect()
    }

    fn lock(&self, local: &[Complex<f32>], centre: Vector) -> Lock {
        let (fraction, agreement) = self.reflections.origin(local);
        let origin = self.lattice.at(fraction);
        let offset = self.lattice.nearest([origin[0] - centre[0], origin[1] - centre[1]]);
        Lock { offset, agreement }
    }
}

/// exp(2 pi i turns).
pub(super) fn turn(turns: f64) -> Complex<f32> {
    let (sin, cos) = (TAU * turns.fract()).sin_cos();
    Complex::new(cos as f32, sin as f32)
}
