//! A micrograph: pixels with a size and, when the file knows it, a scale.
//!
//! Coordinates everywhere in the program: x to the right, y down, in pixels, and the *centre* of the top-left pixel is (0, 0).

pub mod format;
pub mod stats;

use std::sync::Arc;

/// A two-dimensional picture with f32 pixels, row-major, top row first.
#[derive(Clone, Debug)]
pub struct Micrograph {
    pub width: usize,
    pub height: usize,
    /// `width * height` finite values in the file's own units (grey values, heights, counts).
    pub pixels: Arc<[f32]>,
    /// Known only if the file says so.
    pub pixel_size: Option<PixelSize>,
}

/// The physical size of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PixelSize {
    /// Nanometres per pixel along x, > 0.
    pub x_nm: f64,
    /// Nanometres per pixel along y, > 0.
    pub y_nm: f64,
}
