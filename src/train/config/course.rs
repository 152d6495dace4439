//! The course of a training: the steps of an epoch, and what changes from epoch to epoch (the weight of the prior and the
//! learning rate).

use super::{Preset, TrainConfig};
use serde::{Deserialize, Serialize};

/// How a training that had ended goes on with new labels: with small steps, which teach without shaking what is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encore {
    /// Its first epoch.
    pub from: usize,
    /// The learning rate it begins with, as a part of the first one of all.
    pub rate: f64,
}

/// What an encore's learning rate begins with at least.
const ENCORE_RATE: f64 = 0.3;

/// Steps of an epoch in the default preset at least, and images of such a step at least: what a network learns takes a
/// number of steps, however few the images are, and the steps of few images may be small.
const LEAST_STEPS: usize = 20;
const LEAST_BATCH: usize = 8;

impl TrainConfig {
    /// Steps of an epoch over `images`, and the images of each: [`Self::batch`], but in the default preset fewer where
    /// an epoch would have less than 20 steps, down to 8. Fewer images than 20 times 8 come again within the epoch.
    pub fn epoch_of(&self, images: usize) -> (usize, usize) {
        if self.preset == Preset::Paper {
            return (images.div_ceil(self.batch.max(1)), self.batch);
        }
        let batch = self.batch.min((images / LEAST_STEPS).max(LEAST_BATCH)).clamp(1, images.max(1));
        (images.div_ceil(batch).max(LEAST_STEPS), batch)
    }

    /// Weight of the latent KL term in `epoch` (from 0).
    pub fn beta(&self, epoch: usize) -> f32 {
        let steps = self.beta_ramp.saturating_sub(1).max(1);
        let part = epoch.min(steps) as f32 / steps as f32;
        self.beta_start + (self.beta_end - self.beta_start) * part
    }

    /// Lets a training that ended after `epoch` epochs go on for `more`. The learning rate goes on from where it was, so that
    /// a training stopped early still has its large steps before it.
    pub fn go_on(&mut self, epoch: usize, more: usize) {
        let rate = self.rate(epoch.saturating_sub(1)) / self.learning_rate;
        self.encore = Some(Encore { from: epoch, rate: rate.max(ENCORE_RATE) });
        self.epochs = epoch + more;
    }

    /// Learning rate in `epoch` (from 0).
    pub fn rate(&self, epoch: usize) -> f64 {
        let from = self.encore.map_or(0, |encore| encore.from);
        let (gone, of) = (epoch.saturating_sub(from), self.epochs.saturating_sub(from));
        let part = (gone as f64 / of.saturating_sub(1).max(1) as f64).min(1.0);
        let left = 0.5 * (1.0 + (std::f64::consts::PI * part).cos());
        let first = self.encore.map_or(1.0, |encore| encore.rate).max(self.final_rate);
        self.learning_rate * (self.final_rate + (first - self.final_rate) * left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_images_make_small_steps_and_come_again() {
        let config = TrainConfig::proposed();
        let of = |images| config.epoch_of(images);
        assert_eq!([of(10_000), of(1281), of(640), of(304)], [(157, 64), (21, 64), (20, 32), (21, 15)]);
        assert_eq!([of(160), of(60), of(5), of(1)], [(20, 8), (20, 8), (20, 5), (20, 1)]);
        let smaller = TrainConfig { batch: 4, ..config };
        assert_eq!(smaller.epoch_of(304), (76, 4));
        assert_eq!(TrainConfig::paper().epoch_of(304), (5, 64));
    }

    #[test]
    fn beta_ramps_and_stays() {
        let config = TrainConfig::paper();
        assert_eq!(config.beta(0), 1.0);
        assert!((config.beta(14) - (1.0 + 14.0 / 29.0)).abs() < 1e-6);
        assert_eq!(config.beta(29), 2.0);
        assert_eq!(config.beta(99), 2.0);
    }

    #[test]
    fn the_rate_is_constant_in_the_paper_and_falls_in_the_default() {
        let paper = TrainConfig::paper();
        assert_eq!((paper.rate(0), paper.rate(50), paper.rate(99)), (5e-4, 5e-4, 5e-4));
        let proposed = TrainConfig::proposed();
        assert_eq!(proposed.rate(0), 2e-3);
        assert!((proposed.rate(99) - 2e-5).abs() < 1e-12 && proposed.rate(49) > 8e-4);
    }

    #[test]
    fn an_encore_goes_on_with_small_steps_and_after_an_early_stop_with_large_ones() {
        let mut ended = TrainConfig::proposed();
        ended.go_on(100, 25);
        assert_eq!(ended.epochs, 125);
        assert!((ended.rate(100) / 2e-3 - ENCORE_RATE).abs() < 1e-9, "{}", ended.rate(100));
        assert!((ended.rate(124) - 2e-5).abs() < 1e-12);
        let mut early = TrainConfig::proposed();
        let rate = early.rate(29);
        early.go_on(30, 25);
        assert!((early.rate(30) - rate).abs() < 1e-9);
        assert!((early.rate(54) - 2e-5).abs() < 1e-12);
        let mut paper = TrainConfig::paper();
        paper.go_on(100, 25);
        assert_eq!((paper.rate(100), paper.rate(124)), (5e-4, 5e-4));
        // Twice.
        ended.go_on(125, 25);
        assert!((ended.rate(125) / 2e-3 - ENCORE_RATE).abs() < 1e-9);
    }
}
