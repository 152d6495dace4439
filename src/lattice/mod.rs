//! The lattice of an atomically resolved image: its true cell, found without a model, and its phase at any place.
//!
//! - [`estimate`]: significant Fourier peaks, refined below a bin, and the cell that indexes all of them.
//! - [`refine`]: a cell drawn by hand, moved onto the nearest peaks.
//! - [`propose`]: window and shift prior that fit the cell.
//! - [`PhaseLock`]: where the nearest cell origin lies, for any centre; [`Cells`]: all of them, each once.
//!
//! Positions are pixels of the image, x to the right, y down, the centre of the top-left pixel is (0, 0); reciprocal
//! vectors are in cycles per pixel, so that g . r is a number of periods.

mod cell;
mod cells;
mod estimate;
mod fourier;
mod local;
mod nearest;
mod peaks;
mod phase;
mod propose;
mod reference;
mod reflections;
mod settle;
mod supercell;

pub use cell::Lattice;
pub use cells::{Cell, Cells};
pub use estimate::{Estimate, EstimateOptions, Found, estimate};
pub use fourier::{Spectrum, log_power};
pub(crate) use fourier::{fast_size, transform};
pub use local::LocalCoefficients;
pub use nearest::refine;
pub use peaks::Peak;
pub use phase::{Lock, LockOptions, PhaseLock};
pub use propose::{Proposal, propose};
pub use reflections::strongest_pair;

/// A place or a vector, `[x, y]`.
pub type Vector = [f64; 2];
