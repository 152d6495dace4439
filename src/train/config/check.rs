//! Is every setting in its range?

use super::{Preset, TrainConfig};
use crate::error::{Error, Result};
use crate::model::Likelihood;
use std::fmt::Display;

impl TrainConfig {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// The first setting that is not, its value and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: &str, value: String, range: &str| {
            Err(Error::invalid(what, format!("{value} is out of range; it must be {range}")))
        };
        let widths = [&self.hidden_encoder, &self.hidden_decoder, &self.hidden_classifier];
        if widths.iter().any(|w| w.is_empty() || w.iter().any(|&n| n == 0 || n > 4096)) {
            return wrong("hidden widths", format!("{widths:?}"), "1 to 4096, at least one layer a network");
        }
        let in_range = |x: f32, most: f32| (0.0..=most).contains(&x);
        let positive = |x: f32| x > 0.0 && x.is_finite();
        let augmentation = self.augmentation.unwrap_or_default();
        let sigma = match self.likelihood {
            Likelihood::Gaussian { sigma } => sigma,
            _ => 1.0,
        };
        let check = |what: &'static str, fine: bool, value: &dyn Display, range: &'static str| {
            (what, fine, value.to_string(), range)
        };
        let checks = [
            check("latent", (1..=64).contains(&self.latent), &self.latent, "1 to 64"),
            check("epochs", self.epochs >= 1, &self.epochs, "at least 1"),
            (
                "patience",
                self.patience != Some(0),
                self.patience.map_or_else(String::new, |epochs| epochs.to_string()),
                "at least 1 epoch, or null",
            ),
            check("waves", self.waves <= 8, &self.waves, "0 to 8"),
            check("batch", (1..=4096).contains(&self.batch), &self.batch, "1 to 4096"),
            check("rotations", (1..=360).contains(&self.rotations), &self.rotations, "1 to 360"),
            check("look side", (4..=256).contains(&self.look_side), &self.look_side, "4 to 256"),
            check(
                "labelled images of a step",
                (1..=4096).contains(&self.labelled_batch),
                &self.labelled_batch,
                "1 to 4096",
            ),
            check(
                "learning rate",
                self.learning_rate > 0.0 && self.learning_rate <= 1.0,
                &self.learning_rate,
                "above 0 and at most 1",
            ),
            check(
                "final learning rate",
                self.final_rate > 0.0 && self.final_rate <= 1.0,
                &self.final_rate,
                "above 0 and at most 1",
            ),
            (
                "rate of going on",
                self.encore.is_none_or(|encore| encore.rate > 0.0 && encore.rate <= 1.0),
                self.encore.map_or_else(String::new, |encore| encore.rate.to_string()),
                "above 0 and at most 1",
            ),
            check(
                "pixel share",
                self.pixel_share > 0.0 && self.pixel_share <= 1.0,
                &self.pixel_share,
                "above 0 and at most 1",
            ),
            check(
                "class threshold",
                (0.0..0.5).contains(&self.class_threshold),
                &self.class_threshold,
                "from 0 to below 0.5",
            ),
            check(
                "agreement of two views",
                self.consistency >= 0.0 && self.consistency.is_finite(),
                &self.consistency,
                "at least 0",
            ),
            check("noise of the second view", in_range(self.view_noise, 2.0), &self.view_noise, "0 to 2"),
            check("confidence", (0.5..=1.0).contains(&self.confidence), &self.confidence, "0.5 to 1"),
            check(
                "angle of labelled images",
                in_range(augmentation.angle_deg, 180.0),
                &augmentation.angle_deg,
                "0 to 180 degrees",
            ),
            check(
                "shift of labelled images",
                in_range(augmentation.shift, 0.25),
                &augmentation.shift,
                "0 to 0.25",
            ),
            check(
                "stretch of labelled images",
                in_range(augmentation.stretch, 0.5),
                &augmentation.stretch,
                "0 to 0.5",
            ),
            check(
                "noise of labelled images",
                in_range(augmentation.noise, 2.0),
                &augmentation.noise,
                "0 to 2",
            ),
            check("shift prior", positive(self.shift_prior), &self.shift_prior, "above 0"),
            check("scale prior", positive(self.scale_prior), &self.scale_prior, "above 0"),
            check("sigma of the Gaussian likelihood", positive(sigma), &sigma, "above 0"),
            check(
                "auxiliary weight",
                self.auxiliary >= 0.0 && self.auxiliary.is_finite(),
                &self.auxiliary,
                "at least 0",
            ),
            (
                "beta",
                self.beta_start >= 0.0
                    && self.beta_end >= 0.0
                    && (self.beta_start + self.beta_end).is_finite(),
                format!("{} to {}", self.beta_start, self.beta_end),
                "at least 0",
            ),
        ];
        for (what, fine, value, range) in checks {
            if !fine {
                return wrong(what, value, range);
            }
        }
        if self.labels_only && self.preset == Preset::Paper {
            let problem = "the published recipe has no training on labels alone; take the default preset";
            return Err(Error::invalid("labels only", problem));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Augmentation, Encore};
    use super::*;

    #[test]
    fn a_setting_out_of_range_is_named() {
        let config = TrainConfig { latent: 0, ..TrainConfig::paper() };
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains("latent") && message.contains("1 to 64"), "{message}");
        let fine = TrainConfig::proposed();
        assert!(fine.check().is_ok() && TrainConfig::paper().check().is_ok());
        let noisy = fine.augmentation.map(|augmentation| Augmentation { noise: f32::NAN, ..augmentation });
        for (wrong, what) in [
            (TrainConfig { confidence: 0.2, ..fine.clone() }, "confidence"),
            (TrainConfig { consistency: -1.0, ..fine.clone() }, "agreement"),
            (TrainConfig { view_noise: 2.1, ..fine.clone() }, "second view"),
            (TrainConfig { labels_only: true, ..TrainConfig::paper() }, "labels only"),
            (TrainConfig { encore: Some(Encore { from: 0, rate: -5.0 }), ..fine.clone() }, "going on"),
            (TrainConfig { augmentation: noisy, ..fine }, "noise of labelled"),
        ] {
            let message = wrong.check().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
    }
}
