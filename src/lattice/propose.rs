//! Window and shift prior that fit a cell.

use super::cell::Lattice;
use serde::{Deserialize, Serialize};

/// What the shift-VAE is proposed to look at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Side of the square window, pixels of the image; 1 to 2 periods of the true cell.
    pub window_px: f64,
    /// Pixels along the side of the window once it is resampled for the model, 16..=64.
    pub side: usize,
    /// Standard deviation of the shift's prior when windows are cut anywhere, pixels of the image: two of them stay
    /// below half of the shortest lattice vector, beyond which a shift is ambiguous.
    pub shift_px: f64,
    /// The same when windows are snapped to the lattice phase and only the residual is learned.
    pub residual_px: f64,
}

impl Proposal {
    /// A shift in pixels of the image as the model's `dx_prior`, in coordinates in which the window is 2 wide.
    pub fn dx_prior(&self, shift_px: f64) -> f64 {
        2.0 * shift_px / self.window_px
    }
}

/// The window holds the longest lattice vector and a third more, the prior follows the shortest one; a window never
/// exceeds the image (`width` x `height`).
pub fn propose(lattice: &Lattice, width: usize, height: usize) -> Proposal {
    let [short, long] = lattice.lengths();
    let most = width.min(height).max(1) as f64;
    let window = (4.0 / 3.0 * long).max(1.5 * short).min(2.0 * long).max(8.0).round().min(most);
    // Odd sizes have a pixel in their centre; the pitch stays 1 until a side of 64 is reached.
    let side = (window as usize).clamp(16, 64);
    let shift_px = 0.22 * short;
    Proposal { window_px: window, side, shift_px, residual_px: (0.025 * window).min(shift_px) }
}
