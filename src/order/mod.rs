//! Order parameters: maps over an image, how good they are, and what they say.
//!
//! - [`Map`]: a scalar field on the image, with NaN where nothing is known.
//! - [`mod@gpa`] and [`displacement`]: what the lattice's phase alone tells, the reference beside a learned map.
//! - [`judge`](mod@judge) and [`agree`]: lattice leakage, roughness, agreement of seeds, fit to a known field, a verdict.
//! - [`seeds`]: models of several seeds, compared and ranked.
//! - [`outliers`]: places that the repeating pattern does not explain.
//! - [`segment`](mod@segment) and [`profile`](mod@profile): phases with areas, walls with widths.

pub mod agree;
pub mod gpa;
pub mod judge;
mod map;
pub mod mixture;
pub mod outlier;
pub mod profile;
pub mod seeds;
pub mod segment;
pub mod shift;
pub mod unwrap;

pub use gpa::{Gpa, GpaOptions, gpa};
pub use judge::{Judgement, judge};
pub use map::Map;
pub use outlier::{Outlier, outliers};
pub use profile::{Profile, Smear, WallFit};
pub use seeds::{SeedMaps, SeedReport};
pub use segment::{Method, Segment, Segments, segment};
pub use shift::displacement;
