//! Two lattice vectors, their reciprocal ones, and the shortest pair that spans the same lattice.

use super::Vector;
use crate::micrograph::PixelSize;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A two-dimensional lattice: every cell origin lies at `origin + m a + n b`, m and n whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lattice {
    /// The shortest lattice vector, pixels; it points to the right (or straight down).
    pub a: Vector,
    /// The shortest one not along `a`, pixels; from `a` to `b` is clockwise on the screen, 60 to 120 degrees.
    pub b: Vector,
}

impl Lattice {
    /// The lattice spanned by two vectors, in its shortest basis.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a component is not finite or the vectors are (nearly) parallel.
    pub fn new(a: Vector, b: Vector) -> Result<Self> {
        let finite = a.iter().chain(&b).all(|v| v.is_finite());
        let area = cross(a, b).abs();
        if !finite || area <= 1e-3 * norm(a) * norm(b) || area == 0.0 {
            let problem = format!("({}, {}) and ({}, {}) px span no cell", a[0], a[1], b[0], b[1]);
            return Err(Error::invalid("lattice vectors", problem));
        }
        let (a, b) = reduce(a, b);
        Ok(Self { a, b })
    }

    /// The lattice whose reciprocal vectors (cycles per pixel) are spanned by `g` and `h`.
    ///
    /// # Errors
    /// As [`Lattice::new`].
    pub fn from_reciprocal(g: Vector, h: Vector) -> Result<Self> {
        let (a, b) = dual(g, h);
        Self::new(a, b)
    }

    /// The reciprocal vectors, cycles per pixel: `g . a = 1`, `g . b = 0`, `h . a = 0`, `h . b = 1`.
    pub fn reciprocal(&self) -> (Vector, Vector) {
        dual(self.a, self.b)
    }

    /// The reciprocal vector with indices (h, k), cycles per pixel.
    pub fn g(&self, index: [i32; 2]) -> Vector {
        let (g, h) = self.reciprocal();
        let [i, j] = index.map(f64::from);
        [i * g[0] + j * h[0], i * g[1] + j * h[1]]
    }

    /// The lattice vector with indices (m, n), pixels.
    pub fn r(&self, index: [i32; 2]) -> Vector {
        let [m, n] = index.map(f64::from);
        self.at([m, n])
    }

    /// Fractional coordinates to pixels.
    pub fn at(&self, fraction: Vector) -> Vector {
        let [m, n] = fraction;
        [m * self.a[0] + n * self.b[0], m * self.a[1] + n * self.b[1]]
    }

    /// Pixels to fractional coordinates.
    pub fn fraction(&self, r: Vector) -> Vector {
        let (g, h) = self.reciprocal();
        [dot(g, r), dot(h, r)]
    }

    /// The shortest vector that differs from `r` by a lattice vector.
    pub fn nearest(&self, r: Vector) -> Vector {
        let [m, n] = self.fraction(r).map(f64::round);
        let mut best = r;
        let mut least = f64::INFINITY;
        // In a reduced basis the nearest point is among the neighbours of the rounded one.
        for dm in -1..=1 {
            for dn in -1..=1 {
                let t = self.at([m + f64::from(dm), n + f64::from(dn)]);
                let d = [r[0] - t[0], r[1] - t[1]];
                if dot(d, d) < least - 1e-12 {
                    (best, least) = (d, dot(d, d));
                }
            }
        }
        best
    }

    /// Lengths of `a` and `b`, pixels; the first is not longer than the second.
    pub fn lengths(&self) -> [f64; 2] {
        [norm(self.a), norm(self.b)]
    }

    /// Angle from `a` to `b` in the picture, degrees, 60 to 120.
    pub fn angle_deg(&self) -> f64 {
        self.angle_on(None)
    }

    /// The same on the specimen: pixels need not be square.
    pub fn angle_on(&self, size: Option<PixelSize>) -> f64 {
        let [a, b] = [self.a, self.b].map(|v| size.map_or(v, |s| [v[0] * s.x_nm, v[1] * s.y_nm]));
        cross(a, b).atan2(dot(a, b)).to_degrees()
    }

    /// Area of one cell, square pixels.
    pub fn area(&self) -> f64 {
        cross(self.a, self.b).abs()
    }

    /// The shortest distance between two lattice lines, pixels: what the finest first-order fringe measures.
    pub fn spacing(&self) -> f64 {
        let [a, b] = self.lengths();
        self.area() / a.max(b)
    }

    /// Indices of the reciprocal points up to `radius` cycles per pixel from the origin, the origin left out, nearest
    /// first; both g and -g.
    pub fn points(&self, radius: f64) -> Vec<[i32; 2]> {
        // h = g . a and |g| <= radius bound the indices.
        let [most_h, most_k] = self.lengths().map(|l| (l * radius).floor() as i32);
        let mut points = Vec::new();
        for h in -most_h..=most_h {
            for k in -most_k..=most_k {
                if (h, k) != (0, 0) && norm(self.g([h, k])) <= radius {
                    points.push([h, k]);
                }
            }
        }
        points.sort_by(|&p, &q| norm(self.g(p)).total_cmp(&norm(self.g(q))).then(p.cmp(&q)));
        points
    }
}

/// Gauss's reduction: the two shortest vectors of the lattice that `a` and `b` span, in a fixed order and sense.
pub(super) fn reduce(mut a: Vector, mut b: Vector) -> (Vector, Vector) {
    for _ in 0..1000 {
        if dot(a, a) > dot(b, b) {
            std::mem::swap(&mut a, &mut b);
        }
        let times = (dot(a, b) / dot(a, a)).round();
        if times == 0.0 {
            break;
        }
        b = [b[0] - times * a[0], b[1] - times * a[1]];
    }
    // Of vectors equally long within a thousandth, the one nearest to the x axis comes first, so that noise does not
    // decide the order.
    if dot(b, b) < dot(a, a) * 1.002 && b[0].abs() > a[0].abs() {
        std::mem::swap(&mut a, &mut b);
    }
    if a[0] < 0.0 || (a[0] == 0.0 && a[1] < 0.0) {
        a = [-a[0], -a[1]];
    }
    if cross(a, b) < 0.0 {
        b = [-b[0], -b[1]];
    }
    (a, b)
}

/// The dual basis: reciprocal vectors of direct ones and the reverse.
pub(super) fn dual(a: Vector, b: Vector) -> (Vector, Vector) {
    let area = cross(a, b);
    ([b[1] / area, -b[0] / area], [-a[1] / area, a[0] / area])
}

pub(super) fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub(super) fn cross(a: Vector, b: Vector) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

pub(super) fn norm(a: Vector) -> f64 {
    a[0].hypot(a[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lattice_is_known_by_its_shortest_basis() {
        let lattice = Lattice::new([10.0, 1.0], [31.0, 15.0]).unwrap();
        // 31, 15 - 3 x (10, 1) = 1, 12.
        assert_eq!(lattice, Lattice { a: [10.0, 1.0], b: [1.0, 12.0] });
        assert!((lattice.area() - 119.0).abs() < 1e-9);
        let (g, h) = lattice.reciprocal();
        assert!((dot(g, lattice.a) - 1.0).abs() < 1e-12 && dot(g, lattice.b).abs() < 1e-12);
        assert!((dot(h, lattice.b) - 1.0).abs() < 1e-12);
        let back = Lattice::from_reciprocal(g, h).unwrap();
        assert!((back.a[0] - 10.0).abs() < 1e-9 && (back.b[1] - 12.0).abs() < 1e-9);
    }

    #[test]
    fn the_angle_on_the_specimen_knows_that_pixels_are_not_square() {
        // Hexagonal on the specimen; rows of pixels twice as far apart as columns.
        let lattice = Lattice::new([10.0, 0.0], [5.0, 2.5 * 3.0_f64.sqrt()]).unwrap();
        let size = PixelSize::new(0.1, 0.2);
        assert!(
            (lattice.angle_on(size) - 60.0).abs() < 1e-9 || (lattice.angle_on(size) - 120.0).abs() < 1e-9
        );
        assert!((lattice.angle_deg() - lattice.angle_on(PixelSize::new(0.3, 0.3))).abs() < 1e-9);
        assert!((lattice.angle_deg() - lattice.angle_on(size)).abs() > 10.0);
    }

    #[test]
    fn the_nearest_origin_of_an_oblique_cell_is_found() {
        let lattice = Lattice::new([20.0, 0.0], [9.9, 17.0]).unwrap();
        for (x, y) in [(7.0, 8.0), (-33.0, 12.0), (101.0, -57.5)] {
            let near = lattice.nearest([x, y]);
            let mut least = f64::INFINITY;
            for m in -12..12 {
                for n in -12..12 {
                    let r = lattice.r([m, n]);
                    least = least.min((x - r[0]).hypot(y - r[1]));
                }
            }
            assert!((norm(near) - least).abs() < 1e-9, "({x}, {y})");
        }
    }

    #[test]
    fn reciprocal_points_are_counted_by_area() {
        let lattice = Lattice::new([10.0, 0.0], [0.0, 10.0]).unwrap();
        // Within 0.1 cycles per pixel (just above): four points.
        assert_eq!(lattice.points(0.1001).len(), 4);
        assert_eq!(lattice.points(0.1001)[0], [-1, 0]);
        assert_eq!(lattice.points(0.15).len(), 8);
    }

    #[test]
    fn vectors_that_span_no_cell_are_refused() {
        assert!(Lattice::new([1.0, 2.0], [2.0, 4.0]).is_err());
        assert!(Lattice::new([f64::NAN, 2.0], [2.0, 4.0]).is_err());
        assert!(Lattice::new([0.0, 0.0], [2.0, 4.0]).is_err());
    }
}
