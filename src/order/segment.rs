//! Segments: pixels with alike latents, as a labelled phase map with areas.

use super::map::Map;
use super::mixture::{self, Component};
use crate::micrograph::PixelSize;
use crate::{Error, Result};
use nalgebra::DVector;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The most segments.
pub const MOST: usize = 12;
/// Pixels from which clusters are learned; all pixels are assigned.
const LEARNED_FROM: usize = 20_000;
/// Pixels that count when the number of segments is chosen: neighbours are not independent.
const CHOSEN_FROM: usize = 2_000;

/// How pixels are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Gaussians with full covariances, each pixel to the most probable one.
    GaussianMixture,
    /// Nearest centre, each latent scaled to unit variance.
    KMeans,
}

/// A labelled map.
#[derive(Clone, Debug)]
pub struct Segments {
    pub width: usize,
    pub height: usize,
    /// `width * height`: 0 where nothing is known, else 1.. in the order of `segments`.
    pub labels: Vec<u8>,
    /// Pixels of the image from one label to the next and place of the first one, as in [`Map`].
    pub step: f64,
    pub origin: [f64; 2],
    /// The largest first.
    pub segments: Vec<Segment>,
}

impl Segments {
    /// With areas by this scale, which may be known better than when they were found.
    #[must_use]
    pub fn scaled(mut self, pixel_size: Option<PixelSize>) -> Self {
        for segment in &mut self.segments {
            segment.area_nm2 = pixel_size.map(|s| segment.area_px * s.x_nm * s.y_nm);
        }
        self
    }
}

/// One phase of the map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    pub label: u8,
    /// Values of the map.
    pub count: usize,
    /// Of all known values, 0..=1.
    pub share: f64,
    /// Pixels of the image.
    pub area_px: f64,
    /// Square nanometres, if the image's pixel size is known.
    pub area_nm2: Option<f64>,
    /// Mean of each latent.
    pub mean: Vec<f64>,
}

/// Groups the pixels of maps on the same grid into `k` segments, or up to 6 as the data ask for. Same seed, same result.
///
/// # Errors
/// [`Error::Invalid`] when there is no map, sizes differ, `k` is 0 or above [`MOST`], or too few pixels are known.
pub fn segment(
    maps: &[Map],
    k: Option<usize>,
    method: Method,
    pixel_size: Option<PixelSize>,
    seed: u64,
) -> Result<Segments> {
    let points = points(maps)?;
    if let Some(k) = k.filter(|k| !(1..=MOST).contains(k)) {
        return Err(Error::invalid("segments", format!("{k} asked for; 1 to {MOST} are possible")));
    }
    let known: Vec<&DVector<f64>> = points.iter().flatten().collect();
    if known.len() < 10 * k.unwrap_or(1) {
        return Err(Error::invalid("segments", format!("only {} values are known", known.len())));
    }
    let sample = |n: usize| -> Vec<DVector<f64>> {
        let step = known.len().div_ceil(n).max(1);
        known.iter().step_by(step).map(|p| (*p).clone()).collect()
    };
    let k = k.unwrap_or_else(|| choose(&sample(CHOSEN_FROM), seed));
    let learned = learn(&sample(LEARNED_FROM), k, method, seed)
        .ok_or_else(|| Error::invalid("segments", "the latents have no spread to group them by"))?;
    let labels: Vec<u8> =
        points.par_iter().map(|p| p.as_ref().map_or(0, |p| learned.assign(p) as u8 + 1)).collect();
    Ok(describe(maps, labels, pixel_size))
}

/// Latents of each pixel, scaled to unit variance; `None` where one is not known.
fn points(maps: &[Map]) -> Result<Vec<Option<DVector<f64>>>> {
    let Some(first) = maps.first() else {
        return Err(Error::invalid("segments", "there is no map to segment"));
    };
    if maps.iter().any(|m| (m.width, m.height) != (first.width, first.height)) {
        return Err(Error::invalid("segments", "the maps differ in size"));
    }
    let scale: Vec<(f32, f32)> =
        maps.iter().map(|m| m.stats()).map(|s| (s.mean, if s.sd > 0.0 { s.sd } else { 1.0 })).collect();
    let point = |i: usize| {
        let values = maps.iter().zip(&scale).map(|(m, (mean, sd))| f64::from((m.values[i] - mean) / sd));
        let values: Vec<f64> = values.collect();
        values.iter().all(|v| v.is_finite()).then(|| DVector::from_vec(values))
    };
    Ok((0..first.values.len()).map(point).collect())
}

enum Learned {
    Mixture(Vec<Component>),
    Centres(Vec<DVector<f64>>),
}

impl Learned {
    fn assign(&self, point: &DVector<f64>) -> usize {
        match self {
            Self::Centres(centres) => mixture::nearest(centres, point).0,
            Self::Mixture(components) => {
                let logs = components.iter().map(|c| c.log_density(point)).enumerate();
                logs.fold((0, f64::NEG_INFINITY), |best, (i, l)| if l > best.1 { (i, l) } else { best }).0
            }
        }
    }
}

fn learn(points: &[DVector<f64>], k: usize, method: Method, seed: u64) -> Option<Learned> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    match method {
        Method::KMeans => Some(Learned::Centres(mixture::k_means(points, k, &mut rng).1)),
        Method::GaussianMixture => {
            // The best of a few starts.
            let tries = (0..3).filter_map(|_| mixture::gaussian_mixture(points, k, &mut rng));
            let best = tries.max_by(|a, b| a.log_likelihood.total_cmp(&b.log_likelihood));
            best.map(|m| Learned::Mixture(m.components))
        }
    }
}

/// The number of Gaussians with the least integrated classification likelihood criterion (Biernacki, Celeux and Govaert
/// 2000): the Bayesian one plus the entropy, which asks for segments that are apart and not for more Gaussians in a segment
/// that has another shape.
fn choose(points: &[DVector<f64>], seed: u64) -> usize {
    let (n, d) = (points.len() as f64, points[0].len());
    let criterion = |k: usize| -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        mixture::gaussian_mixture(points, k, &mut rng).map_or(f64::INFINITY, |m| {
            mixture::parameters(m.components.len(), d) * n.ln() - 2.0 * m.log_likelihood + 2.0 * m.entropy
        })
    };
    (1..=6).min_by(|a, b| criterion(*a).total_cmp(&criterion(*b))).unwrap_or(1)
}

/// Orders the labels by area and measures them.
fn describe(maps: &[Map], labels: Vec<u8>, pixel_size: Option<PixelSize>) -> Segments {
    let map = &maps[0];
    let mut counts = [0_usize; 256];
    labels.iter().for_each(|&l| counts[usize::from(l)] += 1);
    let mut order: Vec<u8> = (1..=255).filter(|&l| counts[usize::from(l)] > 0).collect();
    order.sort_by_key(|&l| std::cmp::Reverse(counts[usize::from(l)]));
    let mut renamed = [0_u8; 256];
    for (i, &old) in order.iter().enumerate() {
        renamed[usize::from(old)] = i as u8 + 1;
    }
    let labels: Vec<u8> = labels.iter().map(|&l| renamed[usize::from(l)]).collect();
    let all: usize = order.iter().map(|&l| counts[usize::from(l)]).sum();
    let segments = order.iter().enumerate().map(|(i, &old)| {
        let (label, count) = (i as u8 + 1, counts[usize::from(old)]);
        let mean = maps.iter().map(|m| {
            let own = m.values.iter().zip(&labels).filter(|(_, l)| **l == label);
            own.map(|(v, _)| f64::from(*v)).sum::<f64>() / count as f64
        });
        let area_px = count as f64 * map.step * map.step;
        Segment {
            label,
            count,
            share: count as f64 / all.max(1) as f64,
            area_px,
            area_nm2: pixel_size.map(|s| area_px * s.x_nm * s.y_nm),
            mean: mean.collect(),
        }
    });
    let segments = segments.collect();
    Segments { width: map.width, height: map.height, labels, step: map.step, origin: map.origin, segments }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three phases in 60 : 30 : 10 of the rows, well apart, with a scatter.
    fn maps() -> Vec<Map> {
        let noise = |i: usize, k: usize| ((i * k) % 1009) as f32 / 1009.0 - 0.5;
        let phase = |i: usize| match i / 100 {
            0..60 => (0.0, 0.0),
            60..90 => (4.0, 1.0),
            _ => (-2.0, 5.0),
        };
        let z0 = (0..10_000).map(|i| phase(i).0 + noise(i, 7919)).collect();
        let mut z1: Vec<f32> = (0..10_000).map(|i| phase(i).1 + 2.0 * noise(i, 104_729)).collect();
        z1[17] = f32::NAN;
        vec![Map::new(100, 100, z0, 2.0, [5.0; 2]).unwrap(), Map::new(100, 100, z1, 2.0, [5.0; 2]).unwrap()]
    }

    #[test]
    fn three_phases_are_found_with_their_areas() {
        let size = PixelSize::new(0.5, 0.25);
        for method in [Method::GaussianMixture, Method::KMeans] {
            for k in [None, Some(3)] {
                let found = segment(&maps(), k, method, size, 1).unwrap();
                let counts: Vec<usize> = found.segments.iter().map(|s| s.count).collect();
                assert_eq!(counts, [5999, 3000, 1000], "{method:?} {k:?}");
                assert_eq!((found.labels[17], found.labels[18], found.labels[9_999]), (0, 1, 3));
                assert!((found.segments[1].area_px - 12_000.0).abs() < 1e-6);
                assert!((found.segments[1].area_nm2.unwrap() - 1_500.0).abs() < 1e-6);
                assert!((found.segments[2].mean[1] - 5.0).abs() < 0.1);
                let scaled = found.scaled(PixelSize::new(1.0, 1.0));
                assert!((scaled.segments[1].area_nm2.unwrap() - 12_000.0).abs() < 1e-6);
                assert!(scaled.scaled(None).segments[1].area_nm2.is_none());
            }
        }
    }

    #[test]
    fn what_cannot_be_segmented_says_why() {
        assert!(segment(&[], None, Method::KMeans, None, 0).is_err());
        assert!(segment(&maps(), Some(0), Method::KMeans, None, 0).is_err());
        let unknown = Map::over(4, 4, vec![f32::NAN; 16]).unwrap();
        assert!(segment(&[unknown], Some(2), Method::GaussianMixture, None, 0).is_err());
        // A constant map is one segment, not a crash.
        let flat = Map::over(20, 20, vec![1.0; 400]).unwrap();
        let one = segment(&[flat], None, Method::GaussianMixture, None, 0).unwrap();
        assert_eq!(one.segments.len(), 1);
    }
}
