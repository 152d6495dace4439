//! One-dimensional peaks with a known centre and width: the shift-VAE's model data (Ziatdinov, Wong and Kalinin 2023).

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// How the spectra are drawn; the default is the published recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct SpectraRecipe {
    pub count: usize,
    pub points: usize,
    /// x runs from -`reach` to +`reach`, both ends included.
    pub reach: f64,
    /// Centres are uniform in +-`centre`.
    pub centre: f64,
    /// Standard deviations of the peaks are uniform in this range.
    pub sigma: [f64; 2],
    /// Each spectrum's noise has a standard deviation uniform in this range; the peak's height is 1.
    pub noise: [f64; 2],
    pub seed: u64,
}

impl Default for SpectraRecipe {
    fn default() -> Self {
        Self {
            count: 5_000,
            points: 100,
            reach: 12.0,
            centre: 3.0,
            sigma: [0.5, 5.0],
            noise: [0.001, 0.099],
            seed: 0,
        }
    }
}

/// Spectra and all that is true of them.
#[derive(Clone, Debug)]
pub struct SpectraSample {
    /// `[points]`
    pub x: Vec<f64>,
    /// `[count, points]`, row-major; all of them together scaled to 0..=1.
    pub values: Vec<f32>,
    /// `[count]` each, in units of x.
    pub centre: Vec<f64>,
    pub sigma: Vec<f64>,
    /// Standard deviation of the noise before scaling, the peak's height being 1.
    pub noise: Vec<f64>,
}

impl SpectraRecipe {
    /// Draws the spectra. Same recipe, same spectra.
    pub fn draw(&self) -> SpectraSample {
        let within = |rng: &mut ChaCha8Rng, [low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        self.drawn(self.count, |rng, _| {
            let centre = within(rng, [-self.centre, self.centre]);
            (centre, within(rng, self.sigma))
        })
    }

    /// Spectra as a scan over a grid brings them, row by row: the centre steps across a wall that winds from top to
    /// bottom, the width grows downwards.
    pub fn scan(&self, [rows, columns]: [usize; 2]) -> SpectraSample {
        let part = |i: usize, n: usize| i as f64 / n.saturating_sub(1).max(1) as f64;
        self.drawn(rows * columns, |_, i| {
            let (down, along) = (part(i / columns, rows), part(i % columns, columns));
            let wall = 0.5 + 0.15 * (std::f64::consts::TAU * down).sin();
            let centre = self.centre * ((along - wall) / 0.06).tanh();
            (centre, self.sigma[0] + (self.sigma[1] - self.sigma[0]) * down)
        })
    }

    /// So many spectra with the centre and the width that `factors` gives each.
    fn drawn(
        &self,
        count: usize,
        mut factors: impl FnMut(&mut ChaCha8Rng, usize) -> (f64, f64),
    ) -> SpectraSample {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let last = self.points.saturating_sub(1).max(1) as f64;
        let x: Vec<f64> = (0..self.points).map(|i| self.reach * (2.0 * i as f64 / last - 1.0)).collect();
        let mut sample =
            SpectraSample { x, values: Vec::new(), centre: Vec::new(), sigma: Vec::new(), noise: Vec::new() };
        for i in 0..count {
            let (centre, sigma) = factors(&mut rng, i);
            let noise = self.noise[0] + (self.noise[1] - self.noise[0]) * rng.random::<f64>();
            for x in &sample.x {
                let draw: f64 = StandardNormal.sample(&mut rng);
                sample.values.push(((-0.5 * ((x - centre) / sigma).powi(2)).exp() + noise * draw) as f32);
            }
            sample.centre.push(centre);
            sample.sigma.push(sigma);
            sample.noise.push(noise);
        }
        let low = sample.values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = sample.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if high > low {
            sample.values.iter_mut().for_each(|v| *v = (*v - low) / (high - low));
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_has_a_wall_and_grows_wider_downwards() {
        let recipe = SpectraRecipe { points: 20, sigma: [1.0, 2.0], ..SpectraRecipe::default() };
        let scan = recipe.scan([5, 8]);
        assert_eq!((scan.values.len(), scan.centre.len()), (40 * 20, 40));
        assert!(scan.centre[0] < -2.9 && scan.centre[7] > 2.9);
        assert_eq!((scan.sigma[0], scan.sigma[39]), (1.0, 2.0));
        assert!(scan.sigma.is_sorted());
    }
}
