//! A line profile across a map and the width of the wall in it.

use super::map::Map;
use crate::lattice::Vector;
use crate::micrograph::PixelSize;
use crate::{Error, Result};
use nalgebra::{Matrix4, Vector4};
use serde::Serialize;

/// Values along a line, about one step of the map apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// Distance from the start, pixels of the image.
    pub distance_px: Vec<f64>,
    /// Mean over the breadth of the line; NaN where the map is not known.
    pub values: Vec<f64>,
    /// Standard deviation over the breadth.
    pub sd: Vec<f64>,
    /// Unit vector along the line.
    pub direction: Vector,
}

impl Profile {
    /// Along the line from `from` to `to` (places on the image, pixels), averaged over `breadth_px` across it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the line is shorter than three steps of the map or lies outside it.
    pub fn along(map: &Map, from: Vector, to: Vector, breadth_px: f64) -> Result<Self> {
        let line = [to[0] - from[0], to[1] - from[1]];
        let length = line[0].hypot(line[1]);
        if length.is_nan() || length < 3.0 * map.step {
            let problem = format!("it is {length:.1} px long; at least {} are needed", 3.0 * map.step);
            return Err(Error::invalid("profile line", problem));
        }
        let most = 2 * (map.width + map.height);
        if length > map.step * most as f64 {
            return Err(Error::invalid("profile line", "it reaches far beyond the map"));
        }
        let steps = (length / map.step).floor() as usize;
        let side = (0.5 * breadth_px.max(0.0) / map.step).floor().min(most as f64) as i64;
        let along = line.map(|v| v / length);
        let mut profile =
            Self { distance_px: Vec::new(), values: Vec::new(), sd: Vec::new(), direction: along };
        for i in 0..=steps {
            let d = i as f64 * length / steps as f64;
            let values: Vec<f64> = (-side..=side)
                .filter_map(|j| {
                    let off = j as f64 * map.step;
                    let place =
                        [from[0] + d * along[0] - off * along[1], from[1] + d * along[1] + off * along[0]];
                    map.at(place).map(f64::from)
                })
                .collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            profile.distance_px.push(d);
            profile.values.push(mean);
            profile.sd.push(variance.sqrt());
        }
        if profile.values.iter().all(|v| v.is_nan()) {
            return Err(Error::invalid("profile line", "it lies outside the known part of the map"));
        }
        Ok(profile)
    }

    /// Nanometres for each pixel of the image along the line.
    pub fn nm_per_px(&self, size: PixelSize) -> f64 {
        (self.direction[0] * size.x_nm).hypot(self.direction[1] * size.y_nm)
    }
}

/// How a map is smeared by the way it was made, pixels of the image; 0 is not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Smear {
    /// Standard deviation of the Gaussian over which the map is a mean: known exactly.
    pub sigma_px: f64,
    /// Side of the window that each value speaks of. What of it a value follows is not known: at most all of it alike.
    pub window_px: f64,
}

impl Smear {
    /// Full width at half height of what the map makes of a point, at most: of Gaussian and window together.
    pub fn resolution_px(&self) -> f64 {
        2.0 * (2.0 * 2.0_f64.ln()).sqrt() * self.sigma_px.hypot(self.window_px / 12.0_f64.sqrt())
    }

    /// Offsets and weights that stand for the Gaussian; for none a single one.
    fn taps(&self) -> Vec<(f64, f64)> {
        if self.sigma_px <= 0.0 {
            return vec![(0.0, 1.0)];
        }
        let at = (-TAPS..=TAPS).map(|i| REACH * f64::from(i) / f64::from(TAPS));
        let total: f64 = at.clone().map(|t| (-0.5 * t * t).exp()).sum();
        at.map(|t| (t * self.sigma_px, (-0.5 * t * t).exp() / total)).collect()
    }
}

/// The Gaussian reaches so many standard deviations, with so many taps on either side.
const REACH: f64 = 4.0;
const TAPS: i32 = 40;
/// A wall less than this many times as wide as the resolution may be as narrow as you like.
const RESOLVED: f64 = 1.5;

/// A wall: value = middle + half_step tanh((distance - centre) / (width / 2)).
///
/// `width_px` is twice the length scale of the tanh, the usual thickness of a ferroelectric domain wall: over it the value
/// makes 76 % of its step. A map is smeared by the mean that it is and by its windows: see `upper_bound`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WallFit {
    /// From the start of the profile, pixels of the image.
    pub centre_px: f64,
    pub width_px: f64,
    /// Standard errors, from the scatter round the fit.
    pub centre_error_px: f64,
    pub width_error_px: f64,
    pub middle: f64,
    /// Half of the step from before the wall to behind it; negative where the value falls.
    pub half_step: f64,
    /// Share of the variance that the fit explains, 0..=1.
    pub r2: f64,
    /// See [`Smear::resolution_px`].
    pub resolution_px: f64,
    /// The map shows hardly anything narrower: the wall is at most so wide.
    pub upper_bound: bool,
    /// Width and standard error of the wall that the map's Gaussian mean makes as wide as this one: what the windows smear is
    /// still in it. `None` where there is no such mean, and of a wall too narrow to tell.
    pub before_mean_px: Option<[f64; 2]>,
}

impl WallFit {
    /// The same in another unit of the map's values.
    pub fn times(self, factor: f64) -> Self {
        Self { middle: factor * self.middle, half_step: factor * self.half_step, ..self }
    }
}

/// Fits a wall to a profile by least squares (Levenberg and Marquardt).
///
/// # Errors
/// [`Error::Invalid`] when fewer than 6 values are known, they are all equal, or no wall of a width between a step and
/// the profile's length fits.
pub fn fit_wall(profile: &Profile, smear: &Smear) -> Result<WallFit> {
    let known = profile.distance_px.iter().zip(&profile.values).filter(|(_, v)| v.is_finite());
    let points: Vec<(f64, f64)> = known.map(|(d, v)| (*d, *v)).collect();
    if points.len() < 6 {
        return Err(Error::invalid("wall", format!("{} known values are too few for a fit", points.len())));
    }
    let length = points[points.len() - 1].0 - points[0].0;
    let mean = points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
    let spread: f64 = points.iter().map(|p| (p.1 - mean).powi(2)).sum();
    if spread <= 1e-20 * (1.0 + mean * mean) {
        return Err(Error::invalid("wall", "the profile is flat"));
    }
    let starts = (1..8).flat_map(|i| [0.05, 0.15, 0.4].map(|w| (f64::from(i) / 8.0, w)));
    let sharp = Smear::default().taps();
    let best = starts
        .filter_map(|(at, w)| descend(&points, points[0].0 + at * length, w * length, &sharp))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let wide = |p: &Vector4<f64>| p[1].abs() < length && p[0] > points[0].0 && p[0] < points[0].0 + length;
    let Some((p, rest)) = best.filter(|(p, _)| wide(p)) else {
        return Err(Error::invalid("wall", "no wall fits this profile; draw the line across one wall"));
    };
    let error = errors(&points, &p, &sharp);
    let (width_px, resolution_px) = (2.0 * p[1].abs(), smear.resolution_px());
    Ok(WallFit {
        centre_px: p[0],
        width_px,
        centre_error_px: error[0],
        width_error_px: 2.0 * error[1],
        middle: p[2],
        half_step: p[3] * p[1].signum(),
        r2: (1.0 - rest / spread).clamp(0.0, 1.0),
        resolution_px,
        upper_bound: width_px < RESOLVED * resolution_px,
        before_mean_px: before_mean(&points, &p, smear),
    })
}

/// Width and error of the wall `p` before the mean that the map is; see [`WallFit::before_mean_px`].
fn before_mean(points: &[(f64, f64)], p: &Vector4<f64>, smear: &Smear) -> Option<[f64; 2]> {
    let sigma = smear.sigma_px;
    if sigma <= 0.0 {
        return None;
    }
    let taps = smear.taps();
    // Of a sharp wall a mean over sigma makes one of about 1.2 sigma.
    let about = (p[1].powi(2) - (1.2 * sigma).powi(2)).max((0.1 * sigma).powi(2)).sqrt();
    let starts = [about, 0.5 * p[1].abs(), 0.3 * sigma];
    let found = starts.iter().filter_map(|scale| descend(points, p[0], *scale, &taps));
    let (p, _) = found.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let [_, error] = errors(points, &p, &taps);
    error.is_finite().then_some([2.0 * p[1].abs(), 2.0 * error])
}

/// Standard errors of centre and length scale, from the scatter round the fit.
fn errors(points: &[(f64, f64)], p: &Vector4<f64>, taps: &[(f64, f64)]) -> [f64; 2] {
    let (normal, _, rest) = linearise(points, p, taps);
    let variance = rest / (points.len() as f64 - 4.0);
    let of = |c: Matrix4<f64>| [0, 1].map(|i| (c[(i, i)] * variance).sqrt());
    normal.try_inverse().map_or([f64::INFINITY; 2], of)
}

/// Parameters (centre, length scale, middle, half step) from one start, and the sum of squares left.
fn descend(
    points: &[(f64, f64)],
    centre: f64,
    scale: f64,
    taps: &[(f64, f64)],
) -> Option<(Vector4<f64>, f64)> {
    let (first, last) = (points[0].1, points[points.len() - 1].1);
    let step = if first == last { 1e-3 } else { 0.5 * (last - first) };
    let mut p = Vector4::new(centre, scale, 0.5 * (first + last), step);
    let mut damping = 1e-2;
    let (mut normal, mut slope, mut rest) = linearise(points, &p, taps);
    for _ in 0..200 {
        let mut damped: Matrix4<f64> = normal;
        for i in 0..4 {
            damped[(i, i)] += damping * normal[(i, i)].max(1e-12);
        }
        let next = p + damped.try_inverse()? * slope;
        let (n, s, r) = linearise(points, &next, taps);
        if r.is_finite() && r < rest {
            let done = (rest - r) < 1e-12 * rest;
            (p, normal, slope, rest) = (next, n, s, r);
            damping *= 0.3;
            if done {
                break;
            }
        } else {
            damping *= 4.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    Some((p, rest))
}

/// Normal matrix, slope and sum of squares at `p` of a wall that is a mean over `taps`.
fn linearise(
    points: &[(f64, f64)],
    p: &Vector4<f64>,
    taps: &[(f64, f64)],
) -> (Matrix4<f64>, Vector4<f64>, f64) {
    let mut normal = Matrix4::zeros();
    let mut slope = Vector4::zeros();
    let mut rest = 0.0;
    for &(d, v) in points {
        let (mut t, mut inner, mut along) = (0.0, 0.0, 0.0);
        for (offset, weight) in taps {
            let u = (d - p[0] - offset) / p[1];
            let tanh = u.tanh();
            let slope = weight * p[3] * (1.0 - tanh * tanh) / p[1];
            (t, inner, along) = (t + weight * tanh, inner + slope, along + slope * u);
        }
        let j = Vector4::new(-inner, -along, 1.0, t);
        let off = v - p[2] - p[3] * t;
        normal += j * j.transpose();
        slope += j * off;
        rest += off * off;
    }
    (normal, slope, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wall across x at 30 px, 8 px wide, on a map with a value every 2 px.
    fn wall(noise: f64) -> Map {
        let value = |i: usize| {
            let x = 2.0 * (i % 40) as f64;
            let noise = noise * (((i * 7919) % 1000) as f64 / 500.0 - 1.0);
            (1.5 - 0.5 * ((x - 30.0) / 4.0).tanh() + noise) as f32
        };
        Map::new(40, 30, (0..1200).map(value).collect(), 2.0, [0.0; 2]).unwrap()
    }

    #[test]
    fn the_width_of_a_wall_comes_back_within_its_error() {
        for (noise, most) in [(0.0, 0.02_f64), (0.2, 0.6)] {
            let profile = Profile::along(&wall(noise), [4.0, 30.0], [74.0, 30.0], 40.0).unwrap();
            let fit = fit_wall(&profile, &Smear::default()).unwrap();
            // Bilinear sampling at the map's own places is exact; the line starts at 4 px.
            assert!((fit.width_px - 8.0).abs() < most, "{fit:?}");
            assert!((fit.width_px - 8.0).abs() < 4.0 * fit.width_error_px + 0.02, "{fit:?}");
            assert!((fit.centre_px - 26.0).abs() < 0.3 && fit.half_step < 0.0 && fit.r2 > 0.95);
        }
    }

    #[test]
    fn a_wall_that_the_map_has_smeared_is_told_as_an_upper_bound_and_comes_back_from_the_mean() {
        // A profile through walls of known width, smeared by a mean over cells and noisy.
        let profile = |width: f64, sigma: f64| {
            let smear = Smear { sigma_px: sigma, window_px: 0.0 };
            let taps: Vec<(f64, f64)> = (-200..=200)
                .map(|i| (0.02 * f64::from(i) * sigma, (-0.5 * (0.02 * f64::from(i)).powi(2)).exp()))
                .collect();
            let total: f64 = taps.iter().map(|t| t.1).sum();
            let value = |d: f64| {
                let wall = |(off, weight): &(f64, f64)| weight * (2.0 * (d - 150.0 - off) / width).tanh();
                taps.iter().map(wall).sum::<f64>() / total
            };
            let distance_px: Vec<f64> = (0..300).map(f64::from).collect();
            let noise = |i: usize| 0.01 * (((i * 7919) % 1000) as f64 / 500.0 - 1.0);
            let values = distance_px.iter().enumerate().map(|(i, d)| value(*d) + noise(i)).collect();
            (Profile { distance_px, values, sd: vec![0.0; 300], direction: [1.0, 0.0] }, smear)
        };
        for sigma in [17.5, 25.0, 35.0] {
            let (sharp, smear) = profile(2.0, sigma);
            let fit = fit_wall(&sharp, &smear).unwrap();
            assert!((fit.width_px / sigma - 2.37).abs() < 0.05 && fit.r2 > 0.999, "{fit:?}");
            assert!(fit.upper_bound && (fit.resolution_px / sigma - 2.355).abs() < 0.001, "{fit:?}");
            let most = fit.before_mean_px.map_or(0.0, |[width, error]| width - error);
            assert!(most < 0.4 * sigma, "{fit:?}");
        }
        for (width, sigma) in [(40.0, 25.0), (20.0, 12.0), (80.0, 10.0)] {
            let (wall, smear) = profile(width, sigma);
            let fit = fit_wall(&wall, &smear).unwrap();
            let [own, error] = fit.before_mean_px.unwrap();
            assert!((own - width).abs() < 0.05 * width && error < 0.1 * width, "{width} {sigma}: {fit:?}");
            assert_eq!(fit.upper_bound, width < 50.0, "{fit:?}");
            let pm = fit.times(50.0);
            assert_eq!((pm.half_step, pm.width_px), (50.0 * fit.half_step, fit.width_px));
        }
        // What the windows smear is not taken out, but counts.
        let smear = Smear { sigma_px: 0.0, window_px: 24.0 };
        assert!((smear.resolution_px() - 16.31).abs() < 0.01);
        let fit = fit_wall(&profile(18.0, 0.001).0, &smear).unwrap();
        assert!(fit.upper_bound && fit.before_mean_px.is_none(), "{fit:?}");
    }

    #[test]
    fn a_profile_without_a_wall_says_so() {
        let flat = Map::over(30, 30, vec![2.0; 900]).unwrap();
        let profile = Profile::along(&flat, [2.0, 5.0], [27.0, 5.0], 3.0).unwrap();
        assert!(fit_wall(&profile, &Smear::default()).unwrap_err().to_string().contains("flat"));
        assert!(Profile::along(&flat, [2.0, 5.0], [3.0, 5.0], 3.0).is_err());
        assert!(Profile::along(&flat, [2.0, 5.0], [1e12, 5.0], 1e12).is_err());
        assert!(Profile::along(&flat, [200.0, 5.0], [300.0, 5.0], 3.0).is_err());
    }
}
