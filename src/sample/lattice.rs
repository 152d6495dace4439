//! Synthetic atomically resolved images in which every factor is known: the lattice, a slow field, drift, tilt, noise,
//! vacancies and adsorbates.

use crate::lattice::{Lattice, Vector};
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::Map;
use crate::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::TAU;

/// One atom column of the cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atom {
    /// Fractional place in the cell.
    pub at: Vector,
    /// Height of its Gaussian.
    pub intensity: f64,
    /// Standard deviation of its Gaussian, pixels.
    pub sigma: f64,
    /// The field acts on sublattice 1 where it acts on one only; 0 is the other.
    pub sublattice: usize,
}

/// The slow change that a map should find. Directions are angles in radians from x to the right, clockwise on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field {
    /// A perfect crystal.
    None,
    /// Sublattice 1 is displaced by +-`displacement` (px, as a vector) on the two sides of a straight wall through the
    /// middle whose normal has `direction`; tanh, `width_px` as in [`crate::order::WallFit`]. The field is the tanh.
    Wall { displacement: Vector, direction: f64, width_px: f64 },
    /// The whole lattice is stretched along `direction`: the strain grows linearly from -`strain` to +`strain` across
    /// the image. The field is the strain.
    Strain { strain: f64, direction: f64 },
    /// Sublattice 1 is displaced by `displacement` times a sine of `period_px` along `direction`. The field is the sine.
    Polar { displacement: Vector, direction: f64, period_px: f64 },
    /// The intensity of sublattice 1 changes by +-`share` in a sine of `period_px` along `direction`. The field is the sine.
    Composition { share: f64, direction: f64, period_px: f64 },
}

/// All factors of an image.
#[derive(Clone, Debug)]
pub struct LatticeRecipe {
    pub width: usize,
    pub height: usize,
    /// Before drift.
    pub lattice: Lattice,
    /// Place of one cell origin, pixels.
    pub origin: Vector,
    pub atoms: Vec<Atom>,
    pub field: Field,
    /// Linear drift: how far (px, x and y) the specimen has moved when the last row is scanned.
    pub drift: Vector,
    /// Standard deviation of each row's own shift along x, px.
    pub jitter_px: f64,
    /// Rise over the whole width and height, in units of the pattern's standard deviation.
    pub tilt: Vector,
    /// Variance of the pattern over that of the noise; `None` for no noise.
    pub snr: Option<f64>,
    /// Atoms of sublattice 0 left out, at random.
    pub vacancies: usize,
    /// Round spots of one cell's size and twice the strongest atom, at random.
    pub adsorbates: usize,
    pub pixel_size: Option<PixelSize>,
    pub seed: u64,
}

/// An image and all that is true of it.
#[derive(Clone, Debug)]
pub struct LatticeSample {
    pub micrograph: Micrograph,
    /// The mean lattice as it lies on the image, after drift.
    pub lattice: Lattice,
    /// The recipe's field at each pixel; 0 everywhere for [`Field::None`].
    pub field: Map,
    /// Places on the image, pixels.
    pub vacancies: Vec<Vector>,
    pub adsorbates: Vec<Vector>,
}

impl LatticeRecipe {
    /// Square cells of `period` px with a strong atom in the corner and a weaker one in the middle; no field, no noise.
    pub fn square(width: usize, height: usize, period: f64) -> Self {
        let atom = |at, intensity, sublattice| Atom { at, intensity, sigma: 0.12 * period, sublattice };
        Self {
            width,
            height,
            lattice: Lattice { a: [period, 0.0], b: [0.0, period] },
            origin: [0.3 * period, 0.4 * period],
            atoms: vec![atom([0.0, 0.0], 1.0, 0), atom([0.5, 0.5], 0.7, 1)],
            field: Field::None,
            drift: [0.0; 2],
            jitter_px: 0.0,
            tilt: [0.0; 2],
            snr: None,
            vacancies: 0,
            adsorbates: 0,
            pixel_size: None,
            seed: 0,
        }
    }

    /// The same with other lattice vectors.
    ///
    /// # Errors
    /// As [`Lattice::new`].
    pub fn with_cell(mut self, a: Vector, b: Vector) -> Result<Self> {
        self.lattice = Lattice::new(a, b)?;
        Ok(self)
    }

    /// Draws the image. Same recipe, same image.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no atom, drift folds the image, or a size is not usable.
    pub fn draw(&self) -> Result<LatticeSample> {
        if self.atoms.is_empty() || self.drift[1].abs() >= 0.9 * self.height as f64 {
            return Err(Error::invalid("lattice sample", "no atom, or a drift that folds the image"));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let (mut pixels, vacancies) = self.pattern(&mut rng);
        let sd = f64::from(crate::micrograph::stats::Stats::of(&pixels).sd).max(1e-12);
        let adsorbates = self.adsorb(&mut pixels, &mut rng);
        let noise = self.snr.map_or(0.0, |snr| sd / snr.sqrt());
        for (i, v) in pixels.iter_mut().enumerate() {
            let (x, y) = ((i % self.width) as f64, (i / self.width) as f64);
            let tilt = sd * (self.tilt[0] * x / self.width as f64 + self.tilt[1] * y / self.height as f64);
            let draw: f64 = StandardNormal.sample(&mut rng);
            *v += (tilt + noise * draw) as f32;
        }
        let field = (0..pixels.len()).map(|i| {
            let r = self.before_drift([(i % self.width) as f64, (i / self.width) as f64]);
            self.field_at(r) as f32
        });
        let field = Map::over(self.width, self.height, field.collect())?;
        let micrograph = Micrograph::new(self.width, self.height, pixels, self.pixel_size)?;
        let lattice = Lattice::new(self.after_drift(self.lattice.a), self.after_drift(self.lattice.b))?;
        Ok(LatticeSample { micrograph, lattice, field, vacancies, adsorbates })
    }

    /// Where the specimen's place `r` appears: on the row y that is scanned when drift has carried it there,
    /// y = r_y + drift_y y / height.
    fn after_drift(&self, r: Vector) -> Vector {
        let height = self.height as f64;
        let row = r[1] / (1.0 - self.drift[1] / height);
        [r[0] + self.drift[0] * row / height, row]
    }

    /// What place of the specimen appears at `r`.
    fn before_drift(&self, r: Vector) -> Vector {
        let part = r[1] / self.height as f64;
        [r[0] - part * self.drift[0], r[1] - part * self.drift[1]]
    }

    /// The noise-free pattern and the places of the vacancies.
    fn pattern(&self, rng: &mut ChaCha8Rng) -> (Vec<f32>, Vec<Vector>) {
        let (w, h) = (self.width as f64, self.height as f64);
        let corners = [[0.0, 0.0], [w, 0.0], [0.0, h], [w, h]].map(|r| {
            let r = self.before_drift(r);
            self.lattice.fraction([r[0] - self.origin[0], r[1] - self.origin[1]])
        });
        let range = |i: usize| {
            let values = corners.map(|c| c[i]);
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low.floor() as i32 - 2)..=(high.ceil() as i32 + 2)
        };
        let cells: Vec<[i32; 2]> = range(0).flat_map(|m| range(1).map(move |n| [m, n])).collect();
        let missing = self.choose_vacancies(&cells, rng);
        let rows: Vec<f64> = (0..self.height)
            .map(|_| {
                let draw: f64 = StandardNormal.sample(rng);
                self.jitter_px * draw
            })
            .collect();
        let mut pixels = vec![0.0_f32; self.width * self.height];
        let mut vacancies = Vec::new();
        for (i, &[m, n]) in cells.iter().enumerate() {
            let mut first = true;
            for atom in &self.atoms {
                let ideal = self.lattice.at([f64::from(m) + atom.at[0], f64::from(n) + atom.at[1]]);
                let r = [ideal[0] + self.origin[0], ideal[1] + self.origin[1]];
                let (place, intensity) = self.moved(r, atom);
                let place = self.after_drift(place);
                if atom.sublattice == 0 && first && missing.contains(&i) {
                    vacancies.push(place);
                    first = false;
                    continue;
                }
                self.add(&mut pixels, place, intensity, atom.sigma, &rows);
            }
        }
        (pixels, vacancies)
    }

    /// Cells whose first atom of sublattice 0 is left out: well inside, and two periods apart.
    fn choose_vacancies(&self, cells: &[[i32; 2]], rng: &mut ChaCha8Rng) -> Vec<usize> {
        let margin = 1.5 * self.lattice.lengths()[1];
        let place = |i: usize| {
            let r = self.lattice.r(cells[i]);
            self.after_drift([r[0] + self.origin[0], r[1] + self.origin[1]])
        };
        let mut chosen: Vec<usize> = Vec::new();
        for _ in 0..1000 * self.vacancies {
            let i = rng.random_range(0..cells.len());
            let free = |&j: &usize| {
                let (p, q) = (place(i), place(j));
                (p[0] - q[0]).hypot(p[1] - q[1]) > 2.0 * margin / 1.5
            };
            if chosen.len() < self.vacancies && self.inside(place(i), margin) && chosen.iter().all(free) {
                chosen.push(i);
            }
        }
        chosen
    }

    fn inside(&self, r: Vector, margin: f64) -> bool {
        let within = |v: f64, n: usize| v >= margin && v <= n as f64 - 1.0 - margin;
        within(r[0], self.width) && within(r[1], self.height)
    }

    /// Where an atom stands and how bright it is under the field.
    fn moved(&self, r: Vector, atom: &Atom) -> (Vector, f64) {
        let own = atom.sublattice == 1;
        let field = self.field_at(r);
        match self.field {
            Field::Wall { displacement: d, .. } | Field::Polar { displacement: d, .. } if own => {
                ([r[0] + field * d[0], r[1] + field * d[1]], atom.intensity)
            }
            Field::Composition { share, .. } if own => (r, atom.intensity * (1.0 + share * field)),
            Field::Strain { strain, direction } => {
                // The integral of the strain strain * t / half along the direction.
                let (t, half) = self.along(r, direction);
                let u = 0.5 * strain * t * t / half;
                ([r[0] + u * direction.cos(), r[1] + u * direction.sin()], atom.intensity)
            }
            _ => (r, atom.intensity),
        }
    }

    /// Distance along a direction from the image's middle, and how far the image reaches that way.
    fn along(&self, r: Vector, direction: f64) -> (f64, f64) {
        let (w, h) = (self.width as f64, self.height as f64);
        let (sin, cos) = direction.sin_cos();
        ((r[0] - w / 2.0) * cos + (r[1] - h / 2.0) * sin, 0.5 * (w * cos.abs() + h * sin.abs()))
    }

    /// The field at a place of the specimen.
    fn field_at(&self, r: Vector) -> f64 {
        match self.field {
            Field::None => 0.0,
            Field::Wall { direction, width_px, .. } => (2.0 * self.along(r, direction).0 / width_px).tanh(),
            Field::Strain { strain, direction } => {
                let (t, half) = self.along(r, direction);
                strain * t / half
            }
            Field::Polar { direction, period_px, .. } | Field::Composition { direction, period_px, .. } => {
                (TAU * self.along(r, direction).0 / period_px).sin()
            }
        }
    }

    /// Adds a Gaussian; each row lies shifted by its jitter.
    fn add(&self, pixels: &mut [f32], at: Vector, intensity: f64, sigma: f64, rows: &[f64]) {
        let reach = 4.0 * sigma;
        let span = |centre: f64, n: usize| {
            let low = (centre - reach).ceil().max(0.0) as usize;
            low..((centre + reach).floor() + 1.0).clamp(0.0, n as f64) as usize
        };
        for y in span(at[1], self.height) {
            let centre = at[0] + rows.get(y).copied().unwrap_or(0.0);
            let down = (-0.5 * ((y as f64 - at[1]) / sigma).powi(2)).exp() * intensity;
            for x in span(centre, self.width) {
                let across = (-0.5 * ((x as f64 - centre) / sigma).powi(2)).exp();
                pixels[y * self.width + x] += (down * across) as f32;
            }
        }
    }

    fn adsorb(&self, pixels: &mut [f32], rng: &mut ChaCha8Rng) -> Vec<Vector> {
        let strongest = self.atoms.iter().map(|a| a.intensity).fold(0.0, f64::max);
        let sigma = 0.35 * self.lattice.lengths()[1];
        let places: Vec<Vector> = (0..self.adsorbates)
            .map(|_| {
                [
                    rng.random_range(0.1..0.9) * self.width as f64,
                    rng.random_range(0.1..0.9) * self.height as f64,
                ]
            })
            .collect();
        for place in &places {
            self.add(pixels, *place, 2.0 * strongest, sigma, &[]);
        }
        places
    }
}
