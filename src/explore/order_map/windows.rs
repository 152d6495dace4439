//! What the encoder sees at a place of an image.
//!
//! With a lattice: the *local mean cell*, windows cut round every cell's origin and averaged under a Gaussian round the
//! place. All show the cell in the same place, so that averaging takes the noise away and leaves the slow change; and the
//! average changes smoothly from place to place, so that a map of it does not show the lattice.
//! Without: one window cut round the place itself.

use super::registered::Registered;
use crate::lattice::{Cells, Vector};
use crate::micrograph::Micrograph;
use crate::micrograph::window::WindowShape;
use crate::train::shift::Normalisation;
use std::sync::Arc;

/// An image whose values are what the model sees: 0..=1 over most of them.
#[derive(Clone)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Arc<[f32]>,
    /// Pixels that count.
    pub counts: Option<Arc<[bool]>>,
    pub shape: WindowShape,
    pub normalisation: Normalisation,
}

impl Canvas {
    /// Values of one window.
    pub fn side(&self) -> usize {
        self.shape.side
    }

    /// Cuts and normalises the window round a place.
    pub fn cut(&self, place: Vector, out: &mut [f32]) {
        self.shape.cut(&self.pixels, self.width, self.height, place, out);
        normalise(out, self.normalisation);
    }

    /// True if a window round the place lies on the image and most of it counts.
    pub fn usable(&self, place: Vector) -> bool {
        self.shape.fits(place, self.width, self.height) && self.covered(place) >= LEAST_COVER
    }

    /// Share of a window's pixels that count.
    fn covered(&self, place: Vector) -> f64 {
        let Some(counts) = &self.counts else { return 1.0 };
        let half = self.shape.half();
        let span = |v: f64, n: usize| {
            let low = (v - half).round().max(0.0) as usize;
            low..((v + half).round() as usize + 1).min(n)
        };
        let (mut yes, mut all) = (0, 0);
        for y in span(place[1], self.height) {
            for x in span(place[0], self.width) {
                yes += usize::from(counts[y * self.width + x]);
                all += 1;
            }
        }
        f64::from(yes as u32) / f64::from(all.max(1) as u32)
    }
}

/// A window of which less than this share counts is not learned from.
const LEAST_COVER: f64 = 0.75;

/// The windows of an image.
#[allow(clippy::large_enum_variant)] // there is one a run
pub enum Windows {
    /// Snapped to the cells and averaged.
    Registered(Registered),
    /// Anywhere.
    Anywhere(Canvas),
}

impl Windows {
    pub fn canvas(&self) -> &Canvas {
        match self {
            Self::Registered(registered) => &registered.canvas,
            Self::Anywhere(canvas) => canvas,
        }
    }

    /// The cells that windows are snapped to.
    pub fn cells(&self) -> Option<&Cells> {
        match self {
            Self::Registered(registered) => Some(&registered.cells),
            Self::Anywhere(_) => None,
        }
    }

    /// Writes what the encoder sees at a place; false where nothing is known (near the image's edge, under a mask).
    pub fn at(&self, place: Vector, out: &mut [f32]) -> bool {
        match self {
            Self::Registered(registered) => registered.blend(place, &registered.values, out),
            Self::Anywhere(canvas) => {
                let usable = canvas.usable(place);
                if usable {
                    canvas.cut(place, out);
                }
                usable
            }
        }
    }

    /// True where [`Self::at`] has an answer.
    pub fn known(&self, place: Vector) -> bool {
        match self {
            Self::Registered(registered) => registered.known(place),
            Self::Anywhere(canvas) => canvas.usable(place),
        }
    }
}

/// Changes a window's level and contrast; 0.5 is the middle of what the model sees.
pub fn normalise(window: &mut [f32], how: Normalisation) {
    let n = window.len().max(1) as f32;
    let mean = window.iter().sum::<f32>() / n;
    match how {
        Normalisation::None => {}
        Normalisation::Mean => window.iter_mut().for_each(|v| *v += 0.5 - mean),
        Normalisation::MinMax => {
            let low = window.iter().copied().fold(f32::INFINITY, f32::min);
            let high = window.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let range = (high - low).max(f32::MIN_POSITIVE);
            window.iter_mut().for_each(|v| *v = (*v - low) / range);
        }
        Normalisation::Contrast => {
            let square = window.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
            // A quarter of the range is about the standard deviation of what spans it.
            let scale = 0.25 / square.sqrt().max(1e-6);
            window.iter_mut().for_each(|v| *v = 0.5 + (*v - mean) * scale);
        }
    }
}

/// The image on the scale that the model sees: `range` becomes 0 and 1.
pub fn scaled(image: &Micrograph, range: [f32; 2]) -> Arc<[f32]> {
    let width = (range[1] - range[0]).max(f32::MIN_POSITIVE);
    image.pixels.iter().map(|v| (v - range[0]) / width).collect()
}
