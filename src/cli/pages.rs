//! The pages of a picture file, one after the other.

use crate::error::Result;
use crate::micrograph::{Micrograph, format};
use crate::particle::Region;
use crate::particle::detect::propose_excluded;
use std::path::Path;

/// One page of a file.
pub struct Page {
    /// From 0.
    pub place: usize,
    /// How many there are.
    pub of: usize,
    pub picture: Micrograph,
    /// The banner below it, if there is one.
    pub excluded: Vec<Region>,
}

/// Opens the pages of a file one after the other.
///
/// # Errors
/// A page that cannot be read; what `take` returns.
pub fn each(path: &Path, mut take: impl FnMut(Page) -> Result<()>) -> Result<()> {
    let format::First { micrograph, pages, alike, .. } = format::open_first(path)?;
    let first = propose_excluded(&micrograph);
    let of = pages.max(1);
    take(Page { place: 0, of, picture: micrograph, excluded: first.clone() })?;
    for place in 1..of {
        let picture = format::open_page(path, place)?;
        // Pages of one size come from one instrument.
        let excluded = if alike { first.clone() } else { propose_excluded(&picture) };
        take(Page { place, of, picture, excluded })?;
    }
    Ok(())
}
