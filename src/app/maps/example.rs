//! The atomically resolved image that ships with the program, opened like any other.

use crate::app::jobs::{Context, Imported, import};
use crate::error::Result;
use crate::micrograph::PixelSize;
use crate::sample;

/// Writes the image into the user's data folder, if it is not there yet, and opens it.
pub fn open(context: &Context) -> Result<Imported> {
    let folder = directories::ProjectDirs::from("", "", "nanotheca")
        .map_or_else(|| std::env::temp_dir().join("nanotheca"), |dirs| dirs.data_dir().to_owned());
    let path = sample::create_lattice(&folder.join("sample"))?;
    let mut imported = import(&path, context)?;
    for page in &mut imported.pages {
        page.entry.pixel_size = PixelSize::new(sample::LATTICE_NM_PER_PX, sample::LATTICE_NM_PER_PX);
        // Atoms are no banner.
        page.entry.excluded.clear();
    }
    Ok(imported)
}
