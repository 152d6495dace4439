//! A scalar field over an image.

use crate::lattice::Vector;
use crate::micrograph::stats::Stats;
use crate::{Error, Result};

/// A map: one value each `step` pixels of the image, the first at `origin`.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub width: usize,
    pub height: usize,
    /// `width * height` values, row-major, top row first; NaN where nothing is known (a cropped border, a mask).
    pub values: Vec<f32>,
    /// Pixels of the image from one value to the next, > 0; below 1 where a map is finer than its image.
    pub step: f64,
    /// Place of the first value on the image, pixels; the centre of the image's top-left pixel is (0, 0).
    pub origin: Vector,
}

impl Map {
    /// A map of `width * height` values.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a side is 0, the number of values is another, or `step` is not above 0.
    pub fn new(width: usize, height: usize, values: Vec<f32>, step: f64, origin: Vector) -> Result<Self> {
        if width == 0 || height == 0 || width.checked_mul(height) != Some(values.len()) {
            let problem = format!("{width} x {height} does not fit {} values", values.len());
            return Err(Error::invalid("map", problem));
        }
        if !(step.is_finite() && step > 0.0) || origin.iter().any(|v| !v.is_finite()) {
            return Err(Error::invalid("map", format!("a step of {step} px from {origin:?}")));
        }
        Ok(Self { width, height, values, step, origin })
    }

    /// A map with a value for each pixel of an image.
    ///
    /// # Errors
    /// As [`Map::new`].
    pub fn over(width: usize, height: usize, values: Vec<f32>) -> Result<Self> {
        Self::new(width, height, values, 1.0, [0.0; 2])
    }

    /// The same places with other values.
    ///
    /// # Errors
    /// As [`Map::new`].
    pub fn with(&self, values: Vec<f32>) -> Result<Self> {
        Self::new(self.width, self.height, values, self.step, self.origin)
    }

    /// Where a value lies on the image, pixels.
    pub fn place(&self, x: usize, y: usize) -> Vector {
        [self.origin[0] + self.step * x as f64, self.origin[1] + self.step * y as f64]
    }

    /// The value at any place of the image, bilinear; `None` outside and where a neighbour is NaN.
    pub fn at(&self, place: Vector) -> Option<f32> {
        let [u, v] = [0, 1].map(|i| (place[i] - self.origin[i]) / self.step);
        let inside = |v: f64, n: usize| v >= -1e-9 && v <= (n - 1) as f64 + 1e-9;
        if !inside(u, self.width) || !inside(v, self.height) {
            return None;
        }
        let split = |v: f64, n: usize| {
            let low = (v.max(0.0).floor() as usize).min(n - 1);
            (low, (low + 1).min(n - 1), (v - low as f64).clamp(0.0, 1.0) as f32)
        };
        let ((x0, x1, fx), (y0, y1, fy)) = (split(u, self.width), split(v, self.height));
        let mut sum = 0.0;
        for (y, py) in [(y0, 1.0 - fy), (y1, fy)] {
            for (x, px) in [(x0, 1.0 - fx), (x1, fx)] {
                if px * py > 0.0 {
                    sum += px * py * self.values[y * self.width + x];
                }
            }
        }
        sum.is_finite().then_some(sum)
    }

    /// Minimum, maximum, mean and standard deviation of the known values.
    pub fn stats(&self) -> Stats {
        Stats::of(&self.values)
    }

    /// The smallest part that holds all known values: columns and rows `(x0, y0, width, height)`.
    pub fn known(&self) -> Option<(usize, usize, usize, usize)> {
        let (mut x0, mut y0, mut x1, mut y1) = (usize::MAX, usize::MAX, 0, 0);
        for (i, _) in self.values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
            let (x, y) = (i % self.width, i / self.width);
            (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x), y1.max(y));
        }
        (x0 != usize::MAX).then(|| (x0, y0, x1 - x0 + 1, y1 - y0 + 1))
    }
}
