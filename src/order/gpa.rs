//! Geometric phase analysis: displacement and strain from the phases of two reflections (Hytch, Snoeck and Kilaas 1998).
//!
//! The image is demodulated at each of two reciprocal vectors g and smoothed by a Gaussian of standard deviation sigma,
//! which is the same as a Gaussian mask of standard deviation 1 / (2 pi sigma) round g in its Fourier transform, but does
//! not wrap round the edges. The phase is -2 pi g . u, with u the displacement against the lattice that g belongs to.

use super::map::Map;
use super::unwrap::{unwrap, wrap};
use crate::lattice::{Lattice, LocalCoefficients, Vector, strongest_pair};
use crate::micrograph::{Micrograph, PixelSize};
use crate::{Error, Result};
use std::f64::consts::TAU;

/// What may be set by hand.
#[derive(Clone, Debug, Default)]
pub struct GpaOptions<'a> {
    /// Indices of the two reflections; by default the two strongest that are not parallel.
    pub reflections: Option<[[i32; 2]; 2]>,
    /// Standard deviation of the Gaussian in pixels: the resolution of the maps; by default 1.2 of the longest lattice
    /// vector. Larger is smoother.
    pub sigma: Option<f64>,
    /// Pixels from one value of the maps to the next; by default 1.
    pub step: Option<usize>,
    /// `width * height` flags; pixels where it is false do not count, and what rests on them is NaN.
    pub mask: Option<&'a [bool]>,
}

/// The maps.
#[derive(Clone, Debug)]
pub struct Gpa {
    /// Indices of the reflections used.
    pub reflections: [[i32; 2]; 2],
    /// Displacement along x and y, pixels, up to a constant.
    pub displacement: [Map; 2],
    /// Strain: du_x/dx, du_y/dy and (du_x/dy + du_y/dx) / 2.
    pub strain: [Map; 3],
    /// Rotation (du_y/dx - du_x/dy) / 2, radians, clockwise on the screen.
    pub rotation: Map,
    /// Width over height of the pixels by which shear and rotation are told.
    pub aspect: f64,
    /// Amplitude of the weaker of the two reflections over its median: low where the pattern is disturbed.
    pub quality: Map,
}

impl Gpa {
    /// The same with strain as it is on the specimen where pixels are of this size; `None` if it is so already.
    ///
    /// The share along an axis does not depend on the scale, shear and rotation do where pixels are not square.
    pub fn on(&self, size: Option<PixelSize>) -> Option<Self> {
        let aspect = size.map_or(1.0, |s| s.x_nm / s.y_nm);
        let ratio = aspect / self.aspect;
        if (ratio - 1.0).abs() < 1e-9 {
            return None;
        }
        let mut told = Self { aspect, ..self.clone() };
        // du_x/dy scales by width over height, du_y/dx by height over width; half their sum and half their difference are known.
        for (shear, turn) in told.strain[2].values.iter_mut().zip(&mut told.rotation.values) {
            let (across, down) = (ratio * f64::from(*shear - *turn), f64::from(*shear + *turn) / ratio);
            (*shear, *turn) = ((0.5 * (across + down)) as f32, (0.5 * (down - across)) as f32);
        }
        Some(told)
    }
}

/// Displacement and strain of an image against its mean lattice, by the image's own pixel size.
///
/// # Errors
/// [`Error::Invalid`] when the two reflections are parallel, or the image shows none of this lattice.
pub fn gpa(image: &Micrograph, lattice: &Lattice, options: &GpaOptions<'_>) -> Result<Gpa> {
    let reflections = match options.reflections {
        Some(pair) => pair,
        None => strongest_pair(image, lattice, options.mask)?,
    };
    let [p, q] = reflections;
    if p[0] * q[1] == p[1] * q[0] {
        let problem = format!("{p:?} and {q:?} lie on one line; take two that do not");
        return Err(Error::invalid("reflections", problem));
    }
    let g = reflections.map(|hk| lattice.g(hk));
    let default = 1.2 * lattice.lengths()[1];
    let sigma = options.sigma.filter(|s| s.is_finite() && *s > 0.0).unwrap_or(default);
    let mut level = image.pixels.to_vec();
    crate::micrograph::prepare::subtract_plane(&mut level, image.width, image.height, options.mask);
    let local = LocalCoefficients::of(&level, image.width, image.height, &g, sigma, options.mask);
    let nodes = Nodes::new(&local, g);
    let dense = |values: &[f32]| nodes.dense(values, image, options.step.unwrap_or(1).max(1));
    let u = nodes.displacement();
    let [ux, uy] = &u;
    let derivative = nodes.gradient();
    let [xx, xy, yx, yy] = &derivative;
    let pairs = |f: fn(f32, f32) -> f32| xy.iter().zip(yx).map(|(a, b)| f(*a, *b)).collect::<Vec<f32>>();
    let found = Gpa {
        reflections,
        displacement: [dense(ux)?, dense(uy)?],
        strain: [dense(xx)?, dense(yy)?, dense(&pairs(|a, b| 0.5 * (a + b)))?],
        rotation: dense(&pairs(|a, b| 0.5 * (b - a)))?,
        aspect: 1.0,
        quality: dense(&nodes.quality)?,
    };
    Ok(found.on(image.pixel_size).unwrap_or(found))
}

/// Phases and quality on the grid of the local coefficients.
struct Nodes {
    columns: usize,
    rows: usize,
    step: usize,
    /// G^-1 with the two vectors as rows of G.
    inverse: [[f64; 2]; 2],
    phase: [Vec<f32>; 2],
    quality: Vec<f32>,
    /// Where, from the node, the phase belongs.
    centre: Vec<[f32; 2]>,
}

impl Nodes {
    fn new(local: &LocalCoefficients, g: [Vector; 2]) -> Self {
        let nodes = local.columns * local.rows;
        let amplitude = |i: usize| -> Vec<f32> { local.values[i].iter().map(|v| v.norm()).collect() };
        let relative = |i: usize| -> Vec<f32> {
            let all = amplitude(i);
            let usual = crate::micrograph::stats::percentile(&all, 50.0).max(f32::MIN_POSITIVE);
            all.iter().map(|v| v / usual).collect()
        };
        let (first, second) = (relative(0), relative(1));
        // Where less than an eighth of the window counts there is nothing to go by.
        let quality =
            (0..nodes).map(|n| if local.weight[n] > 0.125 { first[n].min(second[n]) } else { 0.0 }).collect();
        let det = g[0][0] * g[1][1] - g[0][1] * g[1][0];
        let inverse = [[g[1][1] / det, -g[0][1] / det], [-g[1][0] / det, g[0][0] / det]];
        let phase = [0, 1].map(|i| local.values[i].iter().map(|v| v.arg()).collect());
        Self {
            columns: local.columns,
            rows: local.rows,
            step: local.step,
            inverse,
            phase,
            quality,
            centre: local.centre.clone(),
        }
    }

    /// u = -G^-1 phase / 2 pi, x and y in pixels, its mean 0.
    fn displacement(&self) -> [Vec<f32>; 2] {
        let phase = [0, 1].map(|i| {
            let mut free = unwrap(&self.phase[i], &self.quality, self.columns, self.rows);
            for (n, v) in free.iter_mut().enumerate() {
                let slope = [self.slope(&self.phase[i], n, true), self.slope(&self.phase[i], n, false)];
                let back = slope.map(|s| if s.is_finite() { s } else { 0.0 });
                *v -= back[0] * self.centre[n][0] + back[1] * self.centre[n][1];
            }
            let mean = crate::micrograph::stats::Stats::of(&free).mean;
            free.iter_mut().for_each(|v| *v -= mean);
            free
        });
        [0, 1].map(|i| self.solve(i, &phase[0], &phase[1]))
    }

    fn solve(&self, i: usize, first: &[f32], second: &[f32]) -> Vec<f32> {
        let [a, b] = self.inverse[i];
        let u = |p: f32, q: f32| (-(a * f64::from(p) + b * f64::from(q)) / TAU) as f32;
        first.iter().zip(second).map(|(p, q)| u(*p, *q)).collect()
    }

    /// du_x/dx, du_x/dy, du_y/dx, du_y/dy from differences of the wrapped phases, so that no jump shows.
    fn gradient(&self) -> [Vec<f32>; 4] {
        let along = |i: usize, x: bool| -> Vec<f32> {
            (0..self.columns * self.rows).map(|n| self.slope(&self.phase[i], n, x)).collect()
        };
        let [px, py, qx, qy] = [along(0, true), along(0, false), along(1, true), along(1, false)];
        [self.solve(0, &px, &qx), self.solve(0, &py, &qy), self.solve(1, &px, &qx), self.solve(1, &py, &qy)]
    }

    /// Slope of a wrapped phase at a node, radians a pixel: from both neighbours where both are known.
    fn slope(&self, phase: &[f32], node: usize, x: bool) -> f32 {
        let (place, count, stride) = if x {
            (node % self.columns, self.columns, 1)
        } else {
            (node / self.columns, self.rows, self.columns)
        };
        let good = |n: usize| self.quality[n] > 0.0;
        let before = (place > 0 && good(node - stride.min(node))).then(|| node - stride);
        let after = (place + 1 < count).then(|| node + stride).filter(|&n| good(n));
        if !good(node) {
            return f32::NAN;
        }
        let axis = usize::from(!x);
        let difference = |to: usize, from: usize| {
            let apart = self.step as f32 + self.centre[to][axis] - self.centre[from][axis];
            wrap(phase[to] - phase[from]) / apart.max(0.1 * self.step as f32)
        };
        match (before, after) {
            (Some(b), Some(a)) => 0.5 * (difference(a, node) + difference(node, b)),
            (Some(b), None) => difference(node, b),
            (None, Some(a)) => difference(a, node),
            (None, None) => f32::NAN,
        }
    }

    /// Values at the nodes as a map over the image.
    fn dense(&self, values: &[f32], image: &Micrograph, step: usize) -> Result<Map> {
        super::shift::spread(values, self.columns, self.rows, self.step, (image.width, image.height), step)
    }
}
