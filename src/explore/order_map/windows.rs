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

    /// Cuts and normalises the window round a place; what it was freed of.
    pub fn cut(&self, place: Vector, out: &mut [f32]) -> Freed {
        self.shape.cut(&self.pixels, self.width, self.height, place, out);
        normalise(out, self.normalisation)
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

/// What a window's level and contrast were before they were changed: value = level + contrast * what the model sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Freed {
    pub level: f32,
    pub contrast: f32,
}

impl Freed {
    pub const NOTHING: Self = Self { level: 0.0, contrast: 1.0 };

    /// Gives a window, or what the model drew for it, its level and contrast back.
    pub fn give_back(self, window: &mut [f32]) {
        window.iter_mut().for_each(|v| *v = self.level + self.contrast * *v);
    }
}

impl From<[f32; 2]> for Freed {
    fn from([level, contrast]: [f32; 2]) -> Self {
        Self { level, contrast }
    }
}

impl From<Freed> for [f32; 2] {
    fn from(freed: Freed) -> Self {
        [freed.level, freed.contrast]
    }
}

/// Places along each axis at which the usual level and contrast are looked at.
const GRID: usize = 12;
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

    /// What the window at a place was freed of; nothing where none is known.
    pub fn freed(&self, place: Vector) -> Freed {
        match self {
            Self::Registered(registered) => {
                let mut mean = [0.0, 1.0];
                registered.blend(place, registered.freed.as_flattened(), &mut mean);
                Freed::from(mean)
            }
            Self::Anywhere(canvas) => canvas.cut(place, &mut vec![0.0; canvas.side().pow(2)]),
        }
    }

    /// What windows are freed of on the mean over the image.
    pub fn usually_freed(&self) -> Freed {
        let all: Vec<[f32; 2]> = match self {
            Self::Registered(registered) => registered.freed.clone(),
            Self::Anywhere(canvas) => {
                let place = |i: usize| {
                    let part = |i: usize, n: usize| (i as f64 + 0.5) / GRID as f64 * (n as f64 - 1.0);
                    [part(i % GRID, canvas.width), part(i / GRID, canvas.height)]
                };
                let places = (0..GRID * GRID).map(place).filter(|place| canvas.usable(*place));
                places.map(|place| self.freed(place).into()).collect()
            }
        };
        let mean = |k: usize| all.iter().map(|freed| freed[k]).sum::<f32>() / all.len() as f32;
        if all.is_empty() { Freed::NOTHING } else { Freed::from([mean(0), mean(1)]) }
    }

    /// True where [`Self::at`] has an answer.
    pub fn known(&self, place: Vector) -> bool {
        match self {
            Self::Registered(registered) => registered.known(place),
            Self::Anywhere(canvas) => canvas.usable(place),
        }
    }
}

/// Changes a window's level and contrast, and says what they were; 0.5 is the middle of what the model sees.
pub fn normalise(window: &mut [f32], how: Normalisation) -> Freed {
    let n = window.len().max(1) as f32;
    let mean = window.iter().sum::<f32>() / n;
    let about_the_mean = |contrast: f32| Freed { level: mean - 0.5 * contrast, contrast };
    let freed = match how {
        Normalisation::None => return Freed::NOTHING,
        Normalisation::Mean => about_the_mean(1.0),
        Normalisation::MinMax => {
            let low = window.iter().copied().fold(f32::INFINITY, f32::min);
            let high = window.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            Freed { level: low, contrast: (high - low).max(f32::MIN_POSITIVE) }
        }
        Normalisation::Contrast => {
            let square = window.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
            // A quarter of the range is about the standard deviation of what spans it.
            about_the_mean(4.0 * square.sqrt().max(1e-6))
        }
    };
    window.iter_mut().for_each(|v| *v = (*v - freed.level) / freed.contrast);
    freed
}

/// The image on the scale that the model sees: `range` becomes 0 and 1.
pub fn scaled(image: &Micrograph, range: [f32; 2]) -> Arc<[f32]> {
    let width = (range[1] - range[0]).max(f32::MIN_POSITIVE);
    image.pixels.iter().map(|v| (v - range[0]) / width).collect()
}
