//! Synthetic particles whose size, aspect ratio and angle are known: what measurements and latents are judged by.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Normal};

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A disc of diameter `size`; aspect ratio and angle do not show.
    Disc,
    /// A rectangle with half-discs at its ends, `size` long and `size / aspect` wide.
    Rod,
    /// A square of side `size`; the aspect ratio does not show.
    Cube,
}

/// One particle and its factors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    pub form: Form,
    /// Diameter, length or side, pixels.
    pub size: f32,
    /// Length over width, >= 1.
    pub aspect: f32,
    /// Of the length, counter-clockwise on the screen from the x axis, radians.
    pub angle_rad: f32,
    /// Centre relative to the centre of the picture, pixels to the right and down.
    pub shift: [f32; 2],
    /// Grey of the particle and of the background, 0..1.
    pub bright: f32,
    pub dark: f32,
}

impl Drawn {
    /// A particle in the middle, lying along x, white on black.
    pub fn new(form: Form, size: f32, aspect: f32) -> Self {
        Self { form, size, aspect, angle_rad: 0.0, shift: [0.0; 2], bright: 1.0, dark: 0.0 }
    }

    /// The area in px².
    pub fn area(&self) -> f32 {
        let width = self.size / self.aspect;
        match self.form {
            Form::Disc => std::f32::consts::PI * self.size * self.size / 4.0,
            Form::Rod => (self.size - width) * width + std::f32::consts::PI * width * width / 4.0,
            Form::Cube => self.size * self.size,
        }
    }

    /// Signed distance to the edge, negative inside.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let (sin, cos) = self.angle_rad.sin_cos();
        let (x, y) = (x - self.shift[0], y - self.shift[1]);
        // Into the particle's own frame: y points down, so a turn to the left is a negative one.
        let (u, v) = (x * cos - y * sin, x * sin + y * cos);
        match self.form {
            Form::Disc => u.hypot(v) - self.size / 2.0,
            Form::Rod => {
                let radius = self.size / self.aspect / 2.0;
                let straight = self.size / 2.0 - radius;
                (u.abs() - straight).max(0.0).hypot(v) - radius
            }
            Form::Cube => u.abs().max(v.abs()) - self.size / 2.0,
        }
    }

    /// The picture, `[side, side]`, row-major: each pixel the mean over its area (16 points), plus Gaussian noise of
    /// standard deviation `noise`, cut to 0..=1.
    pub fn draw(&self, side: usize, noise: f32, rng: &mut impl Rng) -> Vec<f32> {
        const FINE: usize = 4;
        let middle = (side as f32 - 1.0) / 2.0;
        let fine = |i: usize, k: usize| i as f32 - middle + (k as f32 + 0.5) / FINE as f32 - 0.5;
        let normal = Normal::new(0.0, noise.max(0.0)).ok();
        (0..side * side)
            .map(|i| {
                let inside = (0..FINE * FINE)
                    .filter(|k| self.distance(fine(i % side, k % FINE), fine(i / side, k / FINE)) < 0.0)
                    .count();
                let part = inside as f32 / (FINE * FINE) as f32;
                let noise = if noise > 0.0 { normal.map_or(0.0, |n| n.sample(rng)) } else { 0.0 };
                (self.dark + (self.bright - self.dark) * part + noise).clamp(0.0, 1.0)
            })
            .collect()
    }
}

/// `n` particles of one form, sizes and aspect ratios uniform in their ranges, at any angle, up to `reach` pixels off
/// the middle.
pub fn scattered(
    form: Form,
    n: usize,
    size: std::ops::RangeInclusive<f32>,
    aspect: std::ops::RangeInclusive<f32>,
    reach: f32,
    rng: &mut impl Rng,
) -> Vec<Drawn> {
    let pi = std::f32::consts::PI;
    (0..n)
        .map(|_| Drawn {
            angle_rad: rng.random_range(-pi..=pi),
            shift: [rng.random_range(-reach..=reach), rng.random_range(-reach..=reach)],
            bright: 0.9,
            dark: 0.1,
            ..Drawn::new(form, rng.random_range(size.clone()), rng.random_range(aspect.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::particle::describe::describe;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_ruler_finds_the_factors_again() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (form, aspect) in [(Form::Disc, 1.0..=1.0), (Form::Rod, 1.6..=4.0), (Form::Cube, 1.0..=1.0)] {
            let drawn = scattered(form, 40, 20.0..=30.0, aspect, 2.0, &mut rng);
            let (mut sizes, mut angles) = (Vec::new(), Vec::new());
            for particle in &drawn {
                let picture = particle.draw(61, 0.02, &mut rng);
                let d = describe(&picture, 61, 1.0).unwrap();
                let size = if form == Form::Cube { d.feret_min } else { d.feret_max };
                sizes.push((size / f64::from(particle.size) - 1.0).abs());
                assert!((d.area / f64::from(particle.area()) - 1.0).abs() < 0.04, "{particle:?}: {d:?}");
                let period = if form == Form::Rod { 180.0 } else { 90.0 };
                let off = (d.angle_deg - f64::from(particle.angle_rad).to_degrees()).rem_euclid(period);
                angles.push(off.min(period - off));
            }
            let worst = |v: &[f64]| v.iter().copied().fold(0.0, f64::max);
            assert!(worst(&sizes) < 0.02 && sizes.iter().sum::<f64>() / 40.0 < 0.01, "{form:?}: {sizes:?}");
            assert!(form == Form::Disc || worst(&angles) < 3.0, "{form:?}: {angles:?}");
        }
    }
}
