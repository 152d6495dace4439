//! Clusters of points: k-means and a Gaussian mixture with full covariances.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Rounds of either method at most.
const ROUNDS: usize = 200;
/// The variance of a component is at least this share of the data's: no component shrinks onto one point.
const FLOOR: f64 = 1e-3;

/// One Gaussian of a mixture.
#[derive(Clone, Debug)]
pub(super) struct Component {
    weight: f64,
    pub(super) mean: DVector<f64>,
    /// Inverse of the covariance's Cholesky factor.
    whiten: DMatrix<f64>,
    /// -1/2 ln |2 pi covariance|.
    norm: f64,
}

impl Component {
    fn new(weight: f64, mean: DVector<f64>, covariance: DMatrix<f64>) -> Option<Self> {
        let factor = covariance.cholesky()?.l();
        let d = mean.len() as f64;
        let norm =
            -factor.diagonal().iter().map(|v| v.ln()).sum::<f64>() - 0.5 * d * std::f64::consts::TAU.ln();
        let whiten = factor.try_inverse()?;
        Some(Self { weight, mean, whiten, norm })
    }

    /// ln (weight x density).
    pub(super) fn log_density(&self, point: &DVector<f64>) -> f64 {
        let off = &self.whiten * (point - &self.mean);
        self.weight.max(1e-300).ln() + self.norm - 0.5 * off.norm_squared()
    }
}

/// Which cluster each point belongs to, and the centres: k-means++ seeds (Arthur and Vassilvitskii 2007), then Lloyd's
/// rounds.
pub(super) fn k_means(
    points: &[DVector<f64>],
    k: usize,
    rng: &mut ChaCha8Rng,
) -> (Vec<usize>, Vec<DVector<f64>>) {
    let mut centres = seeds(points, k, rng);
    let mut own = vec![usize::MAX; points.len()];
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (own, p) in own.iter_mut().zip(points) {
            let best = nearest(&centres, p).0;
            changed |= best != *own;
            *own = best;
        }
        if !changed {
            break;
        }
        let mut sums = vec![(DVector::zeros(points[0].len()), 0.0); centres.len()];
        for (own, p) in own.iter().zip(points) {
            sums[*own].0 += p;
            sums[*own].1 += 1.0;
        }
        for (centre, (sum, n)) in centres.iter_mut().zip(sums) {
            if n > 0.0 {
                *centre = sum / n;
            }
        }
    }
    (own, centres)
}

fn seeds(points: &[DVector<f64>], k: usize, rng: &mut ChaCha8Rng) -> Vec<DVector<f64>> {
    let mut centres = vec![points[rng.random_range(0..points.len())].clone()];
    while centres.len() < k {
        let far: Vec<f64> = points.iter().map(|p| nearest(&centres, p).1).collect();
        let total: f64 = far.iter().sum();
        if total <= 0.0 {
            break; // fewer different points than clusters
        }
        let mut left = rng.random_range(0.0..total);
        let next = far.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        centres.push(points[next.unwrap_or(points.len() - 1)].clone());
    }
    centres
}

/// The nearest centre and its squared distance.
pub(super) fn nearest(centres: &[DVector<f64>], point: &DVector<f64>) -> (usize, f64) {
    let distances = centres.iter().map(|c| (point - c).norm_squared());
    distances.enumerate().fold((0, f64::INFINITY), |best, (i, d)| if d < best.1 { (i, d) } else { best })
}

/// A fitted mixture.
pub(super) struct Mixture {
    pub(super) components: Vec<Component>,
    pub(super) log_likelihood: f64,
    /// -sum over points and components of share ln share: 0 where every point has one owner.
    pub(super) entropy: f64,
}

/// A mixture of up to `k` Gaussians by expectation and maximisation from k-means.
pub(super) fn gaussian_mixture(points: &[DVector<f64>], k: usize, rng: &mut ChaCha8Rng) -> Option<Mixture> {
    let (own, centres) = k_means(points, k, rng);
    let k = centres.len();
    let mut share: Vec<Vec<f64>> =
        own.iter().map(|&o| (0..k).map(|i| f64::from(u8::from(i == o))).collect()).collect();
    let floor = floor(points);
    let mut last = f64::NEG_INFINITY;
    let mut components = Vec::new();
    for _ in 0..ROUNDS {
        components = (0..k).filter_map(|i| maximise(points, &share, i, &floor)).collect();
        if components.is_empty() {
            return None;
        }
        let likelihood = expect(points, &components, &mut share);
        let done = likelihood - last < 1e-6 * likelihood.abs().max(1.0);
        last = likelihood;
        if done {
            break;
        }
    }
    let entropy = share.iter().flatten().map(|s| if *s > 0.0 { -s * s.ln() } else { 0.0 }).sum();
    Some(Mixture { components, log_likelihood: last, entropy })
}

/// Number of free parameters of a mixture, for an information criterion.
pub(super) fn parameters(k: usize, d: usize) -> f64 {
    (k * (1 + d + d * (d + 1) / 2) - 1) as f64
}

/// The variance that every direction keeps.
fn floor(points: &[DVector<f64>]) -> DMatrix<f64> {
    let d = points[0].len();
    let n = points.len() as f64;
    let mean = points.iter().fold(DVector::zeros(d), |sum, p| sum + p) / n;
    let variance = points.iter().map(|p| (p - &mean).norm_squared()).sum::<f64>() / (n * d as f64);
    DMatrix::identity(d, d) * (FLOOR * variance).max(1e-12)
}

fn maximise(
    points: &[DVector<f64>],
    share: &[Vec<f64>],
    i: usize,
    floor: &DMatrix<f64>,
) -> Option<Component> {
    let d = points[0].len();
    let weight: f64 = share.iter().map(|s| s.get(i).copied().unwrap_or(0.0)).sum();
    if weight < 1.0 {
        return None;
    }
    let each = || points.iter().zip(share).map(|(p, s)| (p, s.get(i).copied().unwrap_or(0.0)));
    let mean = each().fold(DVector::zeros(d), |sum, (p, s)| sum + p * s) / weight;
    let mut covariance = floor * 1.0;
    for (p, s) in each().filter(|(_, s)| *s > 1e-12) {
        let off = p - &mean;
        covariance.ger(s / weight, &off, &off, 1.0);
    }
    Component::new(weight / points.len() as f64, mean, covariance)
}

/// Sets each point's shares; returns the log likelihood.
fn expect(points: &[DVector<f64>], components: &[Component], share: &mut [Vec<f64>]) -> f64 {
    let mut total = 0.0;
    for (p, share) in points.iter().zip(share) {
        let logs: Vec<f64> = components.iter().map(|c| c.log_density(p)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|l| (l - most).exp()).sum();
        total += most + sum.ln();
        *share = logs.iter().map(|l| (l - most).exp() / sum).collect();
    }
    total
}
