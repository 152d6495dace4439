//! What a model can be trusted with: does 0.9 mean nine in ten, does it see a turned particle as the same?

use super::Prediction;
use serde::{Deserialize, Serialize};

/// Bins of the calibration curve, as is usual for the expected calibration error.
const BINS: usize = 15;

/// What a model was found to be worth on a set of patches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sanity {
    /// Patches turned, times the number of turns.
    pub turned: usize,
    /// Share of turned patches that keep their class.
    pub class_agreement: f32,
    /// Median and 90 % error of the learned turn, degrees, modulo the symmetry of the class; `None` if nothing has an
    /// angle: a model without rotation, or round particles only.
    pub angle_error_deg: Option<[f32; 2]>,
    /// Root mean square change of the content latents that are used, in units of their spread over the set.
    pub content_drift: f32,
    /// Rotational symmetry of each class as the decoder draws it: 1 for none, 2, 3, 4, 6; 0 for round.
    pub symmetry: Vec<u32>,
    /// `None` without held-out labels.
    pub calibration: Option<Calibration>,
    /// For each content latent true if its means do not vary: it measures nothing.
    pub collapsed: Vec<bool>,
}

impl Sanity {
    /// For reports; `None` where nothing was turned.
    pub fn in_words(&self) -> Option<String> {
        if self.turned == 0 {
            return None;
        }
        let mut text = format!(
            "Turned by known angles, {:.1} % of the particles keep their class",
            100.0 * self.class_agreement
        );
        if let Some([median, most]) = self.angle_error_deg {
            text +=
                &format!("; the angle follows within {median:.1} degrees (median), {most:.1} (nine in ten)");
        }
        text.push('.');
        Some(text)
    }
}

/// How often the model is right when it says it is so sure, on labels it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub bins: Vec<CalibrationBin>,
    /// Mean difference of confidence and accuracy over the particles (expected calibration error, Guo et al. 2017).
    pub expected_error: f64,
}

/// Particles whose largest probability lies between `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    pub low: f64,
    pub high: f64,
    pub particles: usize,
    /// Mean largest probability, and share that is right; 0 for an empty bin.
    pub confidence: f64,
    pub accuracy: f64,
}

impl Calibration {
    /// `BINS` bins of equal width; `truth` is a class index or `None`, one a prediction. `None` without any truth.
    pub fn measure(truth: &[Option<usize>], predictions: &[Prediction]) -> Option<Self> {
        let mut sums = [(0_usize, 0.0_f64, 0_usize); BINS];
        for (truth, prediction) in truth.iter().zip(predictions) {
            let Some(truth) = truth else { continue };
            let best = prediction.best();
            let p = prediction.probabilities.get(best).copied().map_or(0.0, f64::from).clamp(0.0, 1.0);
            let bin = &mut sums[((p * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + 1, bin.1 + p, bin.2 + usize::from(best == *truth));
        }
        let all: usize = sums.iter().map(|s| s.0).sum();
        if all == 0 {
            return None;
        }
        let bin = |(i, (n, p, right)): (usize, &(usize, f64, usize))| CalibrationBin {
            low: i as f64 / BINS as f64,
            high: (i + 1) as f64 / BINS as f64,
            particles: *n,
            confidence: p / (*n).max(1) as f64,
            accuracy: *right as f64 / (*n).max(1) as f64,
        };
        let bins: Vec<CalibrationBin> = sums.iter().enumerate().map(bin).collect();
        let off = |b: &CalibrationBin| (b.confidence - b.accuracy).abs() * b.particles as f64;
        Some(Self { expected_error: bins.iter().map(off).sum::<f64>() / all as f64, bins })
    }

    /// The bins that hold particles.
    pub fn filled(&self) -> impl Iterator<Item = &CalibrationBin> {
        self.bins.iter().filter(|bin| bin.particles > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(p: f32, best: usize) -> Prediction {
        let probabilities = if best == 0 { vec![p, 1.0 - p] } else { vec![1.0 - p, p] };
        Prediction {
            probabilities,
            angle_rad: 0.0,
            shift_px: [0.0; 2],
            scale: 1.0,
            mu: vec![],
            sigma: vec![],
            recon_error: 0.0,
        }
    }

    #[test]
    fn calibration_counts_how_often_it_is_right() {
        // Ten at 0.95, nine right; four at 0.65, two right; one without a truth.
        let mut predictions: Vec<Prediction> = (0..10).map(|_| sure(0.95, 0)).collect();
        let mut truth = vec![Some(0); 9];
        truth.push(Some(1));
        predictions.extend((0..4).map(|_| sure(0.65, 1)));
        truth.extend([Some(1), Some(1), Some(0), Some(0), None]);
        predictions.push(sure(0.5, 0));
        let found = Calibration::measure(&truth, &predictions).unwrap();
        let (high, low) = (found.bins[14], found.bins[9]);
        assert_eq!((high.particles, low.particles), (10, 4));
        assert!((high.accuracy - 0.9).abs() < 1e-9 && (high.confidence - 0.95).abs() < 1e-6);
        assert!((low.accuracy - 0.5).abs() < 1e-9);
        let expected = (10.0 * 0.05 + 4.0 * 0.15) / 14.0;
        assert!((found.expected_error - expected).abs() < 1e-6, "{}", found.expected_error);
        assert_eq!(Calibration::measure(&[None], &predictions[..1]), None);
    }
}
