//! Lattice, window and model for an image, and the windows that a model learns from.

use super::components::Components;
use super::windows::Windows;
use crate::Result;
use crate::lattice::Lattice;
use crate::model::Likelihood;
use crate::train::shift::{MapSettings, WindowSet};
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;

/// All windows together have at most this many values.
const MOST_VALUES: usize = 1 << 23;

/// The lattice that windows are cut by.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub lattice: Lattice,
    /// 0..=1; 1 for a cell chosen by hand.
    pub confidence: f64,
    /// The place of one cell's origin, pixels: where an overlay of the lattice starts.
    pub origin: [f64; 2],
    /// Cells found one by one.
    pub cells: usize,
}

/// What a run works with.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// `None`: no lattice is known, windows lie anywhere and the model learns the whole shift.
    pub found: Option<Found>,
    /// About the lattice, for a person.
    pub message: String,
    /// Side of the window, pixels of the image, and pixels along it as the model sees it.
    pub window_px: f64,
    pub side: usize,
    /// Width (standard deviation, pixels) of the average over registered cells; 0 for none.
    pub average_px: f64,
    /// Standard deviation of the shift prior, pixels.
    pub shift_px: f64,
    /// Width of the likelihood and the noise measured in a single window, in parts of the range that the model sees as 0
    /// to 1.
    pub sigma: f32,
    pub noise: f32,
    /// Values of the image that the model sees as 0 and 1.
    pub range: [f32; 2],
    pub settings: MapSettings,
}

impl Plan {
    /// Pixels of the image between neighbouring values of a window.
    pub fn pitch(&self) -> f64 {
        self.window_px / self.side as f64
    }

    /// Standard deviation of the Gaussian of phase analysis beside the maps, pixels; `None` where no lattice is known. Both are
    /// smoothed alike.
    pub fn analysis_px(&self) -> Option<f64> {
        let found = self.found.as_ref()?;
        Some(self.average_px.max(0.6 * found.lattice.lengths()[1]))
    }

    /// The shift prior in the model's coordinates, in which a window is 2 wide.
    pub fn shift_prior(&self) -> f32 {
        (2.0 * self.shift_px / ((self.side.max(2) - 1) as f64 * self.pitch())) as f32
    }

    /// The pixel likelihood.
    pub fn likelihood(&self) -> Likelihood {
        self.settings.likelihood.unwrap_or(Likelihood::Gaussian { sigma: self.sigma })
    }
}

/// An image ready to be learned from.
pub struct Prepared {
    pub plan: Plan,
    pub windows: Windows,
}

impl Prepared {
    /// Standard deviation of an atom's spot, pixels of the image: sd over root mean square slope of the mean window, which
    /// for a Gaussian spot is its own. `None` without registered windows.
    pub fn atom_px(&self) -> Option<f64> {
        let Windows::Registered(registered) = &self.windows else { return None };
        let side = registered.canvas.side();
        let mut mean = vec![0.0_f64; side * side];
        for window in registered.values.chunks_exact(side * side) {
            mean.iter_mut().zip(window).for_each(|(m, v)| *m += f64::from(*v));
        }
        let middle = mean.iter().sum::<f64>() / mean.len() as f64;
        let (mut square, mut slope) = (0.0, 0.0);
        for y in 1..side - 1 {
            for x in 1..side - 1 {
                let at = |dx: usize, dy: usize| mean[(y + dy - 1) * side + x + dx - 1];
                square += (at(1, 1) - middle).powi(2);
                slope += (0.5 * (at(2, 1) - at(0, 1))).powi(2) + (0.5 * (at(1, 2) - at(1, 0))).powi(2);
            }
        }
        (slope > 0.0).then(|| (square / slope).sqrt() * self.plan.pitch())
    }

    /// The windows that a seed's model learns from, each with a neighbour, and where its encoder starts.
    ///
    /// # Errors
    /// [`crate::error::Error::Invalid`] when hardly a place of the image can be used.
    pub fn draw(&self, seed: u64) -> Result<WindowSet> {
        let settings = &self.plan.settings;
        let side = self.plan.side;
        let pixels = side * side;
        let wanted = settings.windows.min(MOST_VALUES / pixels).max(8);
        let places = self.places(wanted, seed)?;
        let cut = |which: usize| -> Arc<[f32]> {
            let mut values = vec![0.0; places.len() * pixels];
            values.par_chunks_exact_mut(pixels).zip(&places).for_each(|(out, place)| {
                self.windows.at(place[which], out);
            });
            values.into()
        };
        let values = cut(0);
        let neighbours = (settings.smoothness > 0.0).then(|| cut(1));
        let start = (settings.head_start && matches!(self.windows, Windows::Registered(_)))
            .then(|| self.start(&values));
        Ok(WindowSet { dims: vec![side, side], values, neighbours, start })
    }

    /// Latents to first order: shifts by the mean window's slope, content by principal components.
    fn start(&self, values: &[f32]) -> Arc<[f32]> {
        let (settings, side) = (&self.plan.settings, self.plan.side);
        let inv = settings.invariances;
        let found = Components::of(values, side, settings.latent, inv.translation);
        let prior = self.plan.shift_prior();
        // Latent of the coordinate shift that draws the pattern moved by a pixel of the window.
        let unit = 2.0 / (side.max(2) - 1) as f32 / prior;
        let each = values.par_chunks_exact(side * side).flat_map_iter(|window| {
            let scores = found.scores(window);
            let mut z = Vec::new();
            if inv.rotation {
                z.push(0.0);
            }
            if inv.translation {
                let [x, y] = [0, 1].map(|i| if i < found.shifts { scores[i] } else { 0.0 });
                z.extend([(-y * unit).clamp(-2.0, 2.0), (x * unit).clamp(-2.0, 2.0)]);
            }
            if inv.scale {
                z.push(0.0);
            }
            let content = (0..settings.latent).map(|k| scores.get(found.shifts + k).copied().unwrap_or(0.0));
            z.extend(content.map(|v| v.clamp(-3.5, 3.5)));
            z
        });
        each.collect()
    }
}
