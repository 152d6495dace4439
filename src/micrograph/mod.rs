//! A micrograph: pixels with a size and, when the file knows it, a scale.
//!
//! Coordinates everywhere in the program: x to the right, y down, in pixels, and the *centre* of the top-left pixel is (0, 0).

pub mod format;
pub mod number;
mod pixels;
pub mod prepare;
pub mod stats;
pub mod window;

use crate::{Error, Result};
pub use pixels::Pixels;
use rayon::prelude::*;
use std::sync::Arc;

/// The most pixels one picture may have: 2 GiB of f32, about 23,000 x 23,000.
pub const MAX_PIXELS: usize = 1 << 29;

/// A two-dimensional picture with f32 pixels, row-major, top row first.
#[derive(Clone, Debug)]
pub struct Micrograph {
    pub width: usize,
    pub height: usize,
    /// `width * height` finite values in the file's own units (grey values, heights, counts).
    pub pixels: Pixels,
    /// Known only if the file says so.
    pub pixel_size: Option<PixelSize>,
    /// How many pixels were NaN or infinite in the file; the median of the others stands in for them.
    pub replaced: usize,
    /// `width * height` flags, true for those pixels; `None` when there are none.
    pub lost: Option<Arc<[bool]>>,
}

impl Micrograph {
    /// A picture from `width * height` values, row-major, top row first.
    ///
    /// Scanning microscopes mark lost points with NaN, so values that are not finite do not spoil a picture: the median
    /// of the finite ones takes their place and [`Micrograph::replaced`] counts them.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a side is 0, when there are more than [`MAX_PIXELS`], when the number of values is not
    /// `width * height`, or when not one value is finite.
    pub fn new(
        width: usize,
        height: usize,
        mut pixels: Vec<f32>,
        pixel_size: Option<PixelSize>,
    ) -> Result<Self> {
        let wanted = width.checked_mul(height).filter(|&n| n <= MAX_PIXELS);
        if wanted != Some(pixels.len()) || pixels.is_empty() {
            let problem = match wanted {
                Some(0) => format!("{width} x {height} is no picture"),
                Some(n) => format!("{width} x {height} needs {n} values, there are {}", pixels.len()),
                None => format!("{width} x {height} is more than {MAX_PIXELS} pixels"),
            };
            return Err(Error::invalid("size", problem));
        }
        let strange = |part: &[f32]| part.iter().filter(|v| !v.is_finite()).count();
        let replaced: usize = pixels.par_chunks(1 << 16).map(strange).sum();
        let lost: Option<Arc<[bool]>> =
            (replaced > 0).then(|| pixels.iter().map(|v| !v.is_finite()).collect());
        replace_non_finite(&mut pixels, replaced)?;
        Ok(Self { width, height, pixels: pixels.into(), pixel_size, replaced, lost })
    }

    /// The value at column `x` of row `y`, or nothing outside the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<f32> {
        if x < self.width && y < self.height { self.pixels.get(y * self.width + x).copied() } else { None }
    }

    /// What the user should know about the pixels, if anything.
    pub fn warning(&self) -> Option<String> {
        let (replaced, all) = (self.replaced, self.pixels.len());
        (replaced > 0).then(|| {
            format!(
                "{replaced} of {all} pixels are NaN or infinite; the median of the others stands in for them"
            )
        })
    }
}

/// Puts the median of the finite values where a value is not finite; `replaced` of them are not.
fn replace_non_finite(pixels: &mut [f32], replaced: usize) -> Result<()> {
    if replaced == pixels.len() {
        return Err(Error::invalid("pixels", format!("not one of the {replaced} values is a finite number")));
    }
    if replaced > 0 {
        let median = stats::percentile(pixels, 50.0);
        for v in pixels.iter_mut().filter(|v| !v.is_finite()) {
            *v = median;
        }
    }
    Ok(())
}

/// The physical size of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PixelSize {
    /// Nanometres per pixel along x, > 0.
    #[serde(deserialize_with = "number::read")]
    pub x_nm: f64,
    /// Nanometres per pixel along y, > 0.
    #[serde(deserialize_with = "number::read")]
    pub y_nm: f64,
}

impl PixelSize {
    /// `None` unless both are finite and above 0.
    pub fn new(x_nm: f64, y_nm: f64) -> Option<Self> {
        let good = |v: f64| v.is_finite() && v > 0.0;
        (good(x_nm) && good(y_nm)).then_some(Self { x_nm, y_nm })
    }
}
