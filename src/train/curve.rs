//! What a training has measured, epoch by epoch; and whether it still gets better.

use serde::{Deserialize, Serialize};

/// How much of the last value stays in the smoothed loss.
pub const MEMORY: f64 = 0.7;
/// A loss that falls by less than this part of itself is the same loss.
const SAME: f64 = 1e-3;

/// Parts of the unlabelled loss, nats per image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossParts {
    pub reconstruction: f64,
    pub kl_latent: f64,
    pub kl_class: f64,
}

/// Accuracy on patches whose labels training never saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub right: usize,
    pub of: usize,
}

impl Accuracy {
    /// `right / of`; nothing where nothing judged.
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 / self.of as f64)
    }
}

/// One finished epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochPoint {
    pub epoch: usize,
    /// Nats per image.
    pub loss: f64,
    pub parts: Option<LossParts>,
    pub accuracy: Option<Accuracy>,
}

/// Exponentially smoothed values with the start-up bias taken out; `memory` in 0..1.
pub fn smoothed(values: &[f64], memory: f64) -> Vec<f64> {
    let (mut mean, mut weight) = (0.0, 0.0);
    values
        .iter()
        .map(|value| {
            mean = memory * mean + (1.0 - memory) * value;
            weight = memory * weight + (1.0 - memory);
            mean / weight
        })
        .collect()
}

/// True if neither the accuracy nor the smoothed loss has become better in the last `patience` epochs.
pub fn has_settled(curve: &[EpochPoint], patience: usize) -> bool {
    let losses: Vec<f64> = curve.iter().map(|point| point.loss).collect();
    let (mut loss, mut accuracy, mut last) = (f64::INFINITY, 0.0, 0);
    for (i, (point, smooth)) in curve.iter().zip(smoothed(&losses, MEMORY)).enumerate() {
        let share = point.accuracy.and_then(Accuracy::share).unwrap_or(0.0);
        if i == 0 || smooth < loss - SAME * loss.abs() || share > accuracy {
            last = i;
            loss = smooth.min(loss);
            accuracy = share.max(accuracy);
        }
    }
    curve.len() > last + patience
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: impl Iterator<Item = (f64, Option<usize>)>) -> Vec<EpochPoint> {
        let point = |(i, (loss, right)): (usize, (f64, Option<usize>))| EpochPoint {
            epoch: i + 1,
            loss,
            accuracy: right.map(|right| Accuracy { right, of: 20 }),
            ..EpochPoint::default()
        };
        points.enumerate().map(point).collect()
    }

    #[test]
    fn smoothing_keeps_a_constant() {
        assert!(smoothed(&[4.0; 7], 0.8).iter().all(|v| (v - 4.0).abs() < 1e-12));
    }

    #[test]
    fn a_curve_has_settled_when_nothing_got_better_for_so_long() {
        // The loss falls for 10 epochs, then stays.
        let falls = |n: usize| curve((0..n).map(|i| (300.0 - 10.0 * i.min(10) as f64, None)));
        assert!(!has_settled(&falls(11), 5), "it has just fallen");
        assert!(!has_settled(&falls(14), 30) && has_settled(&falls(60), 10));
        // A flat loss with an accuracy that still rises has not settled.
        let rises = curve((0..20).map(|i| (300.0, Some(i))));
        assert!(!has_settled(&rises, 3));
        let rose = curve((0..20).map(|i| (300.0, Some(i.min(12)))));
        assert!(has_settled(&rose, 7) && !has_settled(&rose, 8));
        assert!(!has_settled(&[], 1));
    }
}
