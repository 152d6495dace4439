//! What a run of the shift-VAE finds in spectra: plain numbers, one entry a spectrum.

use crate::micrograph::stats::Stats;

/// A latent whose means vary less than this (its prior's standard deviation is 1) carries nothing.
pub const COLLAPSED_SD: f64 = 0.1;

/// Means over an epoch, nats a spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    pub loss: f64,
    pub reconstruction: f64,
    pub kl: f64,
}

/// What a run found, one entry a spectrum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In units of x, to larger x; 0 for a model without shift.
    pub shift: Vec<f64>,
    /// `[count, latent]`: posterior means and standard deviations.
    pub latents: Vec<f32>,
    pub sd: Vec<f32>,
    /// Root mean square of spectrum less model, in the spectra's units.
    pub error: Vec<f64>,
    /// Standard deviation of each latent's means over the spectra.
    pub spread: Vec<f64>,
    /// For each latent what the decoder draws along it, `[steps, points]` in the spectra's units, the others at 0; and the
    /// values of the latent.
    pub traversals: Vec<Vec<f32>>,
    pub steps: Vec<f32>,
    /// Loss of each epoch.
    pub curve: Vec<Loss>,
}

impl Found {
    /// Number of content latents.
    pub fn latent(&self) -> usize {
        self.spread.len()
    }

    /// Means of one latent, one a spectrum.
    pub fn column(&self, k: usize) -> Vec<f32> {
        column(&self.latents, k, self.latent())
    }

    /// Standard deviations of one latent, one a spectrum.
    pub fn uncertainty(&self, k: usize) -> Vec<f32> {
        column(&self.sd, k, self.latent())
    }

    /// True if a latent carries nothing.
    pub fn collapsed(&self, k: usize) -> bool {
        self.spread.get(k).is_none_or(|sd| *sd < COLLAPSED_SD)
    }

    /// Measures how much each of so many latents varies.
    pub fn measure(&mut self, latent: usize) {
        let sd = |k| f64::from(Stats::of(&column(&self.latents, k, latent)).sd);
        self.spread = (0..latent).map(sd).collect();
    }
}

fn column(of: &[f32], k: usize, latent: usize) -> Vec<f32> {
    of.iter().skip(k).step_by(latent.max(1)).copied().collect()
}
