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
        let steps = (length / map.step).floor() as usize;
        let side = (0.5 * breadth_px.max(0.0) / map.step).floor() as i64;
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

/// A wall: value = middle + half_step tanh((distance - centre) / (width / 2)).
///
/// `width_px` is twice the length scale of the tanh, the usual thickness of a ferroelectric domain wall: over it the value
/// makes 76 % of its step. A map made of windows is smeared by them, so it is an upper bound where the window is wide.
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
}

/// Fits a wall to a profile by least squares (Levenberg and Marquardt).
///
/// # Errors
/// [`Error::Invalid`] when fewer than 6 values are known, they are all equal, or no wall of a width between a step and
/// the profile's length fits.
pub fn fit_wall(profile: &Profile) -> Result<WallFit> {
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
    let best = starts
        .filter_map(|(at, w)| descend(&points, points[0].0 + at * length, w * length))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    let wide = |p: &Vector4<f64>| p[1].abs() < length && p[0] > points[0].0 && p[0] < points[0].0 + length;
    let Some((p, rest)) = best.filter(|(p, _)| wide(p)) else {
        return Err(Error::invalid("wall", "no wall fits this profile; draw the line across one wall"));
    };
    let (normal, _, _) = linearise(&points, &p);
    let variance = rest / (points.len() as f64 - 4.0);
    let error = normal
        .try_inverse()
        .map_or([f64::INFINITY; 2], |c| [(c[(0, 0)] * variance).sqrt(), (c[(1, 1)] * variance).sqrt()]);
    Ok(WallFit {
        centre_px: p[0],
        width_px: 2.0 * p[1].abs(),
        centre_error_px: error[0],
        width_error_px: 2.0 * error[1],
        middle: p[2],
        half_step: p[3] * p[1].signum(),
        r2: (1.0 - rest / spread).clamp(0.0, 1.0),
    })
}

/// Parameters (centre, length scale, middle, half step) from one start, and the sum of squares left.
fn descend(points: &[(f64, f64)], centre: f64, scale: f64) -> Option<(Vector4<f64>, f64)> {
    let (first, last) = (points[0].1, points[points.len() - 1].1);
    let step = if first == last { 1e-3 } else { 0.5 * (last - first) };
    let mut p = Vector4::new(centre, scale, 0.5 * (first + last), step);
    let mut damping = 1e-2;
    let (mut normal, mut slope, mut rest) = linearise(points, &p);
    for _ in 0..200 {
        let mut damped: Matrix4<f64> = normal;
        for i in 0..4 {
            damped[(i, i)] += damping * normal[(i, i)].max(1e-12);
        }
        let next = p + damped.try_inverse()? * slope;
        let (n, s, r) = linearise(points, &next);
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

/// Normal matrix, slope and sum of squares at `p`.
fn linearise(points: &[(f64, f64)], p: &Vector4<f64>) -> (Matrix4<f64>, Vector4<f64>, f64) {
    let mut normal = Matrix4::zeros();
    let mut slope = Vector4::zeros();
    let mut rest = 0.0;
    for &(d, v) in points {
        let u = (d - p[0]) / p[1];
        let t = u.tanh();
        let inner = p[3] * (1.0 - t * t) / p[1];
        let j = Vector4::new(-inner, -inner * u, 1.0, t);
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
            let fit = fit_wall(&profile).unwrap();
            // Bilinear sampling at the map's own places is exact; the line starts at 4 px.
            assert!((fit.width_px - 8.0).abs() < most, "{fit:?}");
            assert!((fit.width_px - 8.0).abs() < 4.0 * fit.width_error_px + 0.02, "{fit:?}");
            assert!((fit.centre_px - 26.0).abs() < 0.3 && fit.half_step < 0.0 && fit.r2 > 0.95);
        }
    }

    #[test]
    fn a_profile_without_a_wall_says_so() {
        let flat = Map::over(30, 30, vec![2.0; 900]).unwrap();
        let profile = Profile::along(&flat, [2.0, 5.0], [27.0, 5.0], 3.0).unwrap();
        assert!(fit_wall(&profile).unwrap_err().to_string().contains("flat"));
        assert!(Profile::along(&flat, [2.0, 5.0], [3.0, 5.0], 3.0).is_err());
        assert!(Profile::along(&flat, [200.0, 5.0], [300.0, 5.0], 3.0).is_err());
    }
}
