//! The maps of an image as a folder of files other programs read.

use super::figure::{self, Colours, Style};
use super::map;
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::{Map, Method, Segments, segment};
use crate::project::atomic;
use crate::{Error, Result};
use std::fs;
use std::path::Path;

/// What a folder of maps holds.
pub struct MapFolder<'a> {
    pub image: &'a Micrograph,
    /// Posterior mean and standard deviation of each content latent.
    pub content: &'a [Map],
    pub uncertainty: &'a [Map],
    /// Along x and y, pixels.
    pub shift: [&'a Map; 2],
    /// Degrees.
    pub rotation: Option<&'a Map>,
    /// In the image's own units.
    pub recon_error: Option<&'a Map>,
    /// Everything else, as `map.json`.
    pub document: &'a serde_json::Value,
    /// Decides the segments' numbering.
    pub seed: u64,
}

/// Pixels along the longer side of the image's own picture.
const SMALL: usize = 1024;

/// Writes `z<i>`, `z<i>_sd`, `shift_x`, `shift_y`, `rotation` and `recon_error` as calibrated float TIFF, NPY and PNG with
/// colour bar and scale bar, `segments.tif` and `segments.csv`, the image, and `map.json`.
///
/// Shifts are in nanometres where the pixel size is known, else in pixels. `folder` must be new or empty; everything is
/// written beside it first and renamed, so that it is there whole or not at all.
///
/// # Errors
/// [`Error::Invalid`] if the folder is in use, [`Error::Io`] with the file at fault.
pub fn export(maps: &MapFolder<'_>, folder: &Path) -> Result<()> {
    whole(folder, |inside| write_all(maps, inside))
}

/// Fills a folder, new or empty, whole or not at all: everything is written beside it first and renamed.
pub(super) fn whole(folder: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    refuse_used(folder)?;
    let parent = atomic::folder_of(folder);
    fs::create_dir_all(parent).map_err(|e| Error::io(parent, "create", e))?;
    let temporary = atomic::temporary_folder(parent).map_err(|e| Error::io(folder, "create", e))?;
    fill(temporary.path())?;
    atomic::sync_folder(temporary.path());
    // An empty folder gives way.
    if folder.is_dir() {
        fs::remove_dir(folder).map_err(|e| Error::io(folder, "replace", e))?;
    }
    fs::rename(temporary.keep(), folder).map_err(|e| Error::io(folder, "create", e))?;
    atomic::sync_folder(parent);
    Ok(())
}

/// Before minutes of training, not after.
///
/// # Errors
/// [`Error::Invalid`] if the folder holds something or is a file.
pub fn refuse_used(folder: &Path) -> Result<()> {
    let used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if used || folder.is_file() {
        let problem = "it is there already and is not empty; name a new folder";
        return Err(Error::invalid(folder.display().to_string(), problem));
    }
    Ok(())
}

fn write_all(maps: &MapFolder<'_>, folder: &Path) -> Result<()> {
    let size = maps.image.pixel_size;
    let write = |name: &str, map: &Map, colours: Colours, unit: &str| -> Result<()> {
        write_one(map, size, colours, unit, &folder.join(name))
    };
    for (i, map) in maps.content.iter().enumerate() {
        write(&format!("z{i}"), map, Colours::Diverging, "sd")?;
    }
    for (i, map) in maps.uncertainty.iter().enumerate() {
        write(&format!("z{i}_sd"), map, Colours::Sequential, "sd")?;
    }
    for (name, map, per_px) in
        [("shift_x", maps.shift[0], size.map(|s| s.x_nm)), ("shift_y", maps.shift[1], size.map(|s| s.y_nm))]
    {
        let (unit, factor) = per_px.map_or(("px", 1.0), |nm| ("nm", nm as f32));
        let map = map.with(map.values.iter().map(|v| v * factor).collect())?;
        write(name, &map, Colours::Diverging, unit)?;
    }
    if let Some(map) = maps.rotation {
        write("rotation", map, Colours::Diverging, "deg")?;
    }
    if let Some(map) = maps.recon_error {
        write("recon_error", map, Colours::Sequential, "")?;
    }
    write_segments(maps, folder, size)?;
    let step = maps.image.width.max(maps.image.height).div_ceil(SMALL).max(1);
    let (w, h) = (maps.image.width.div_ceil(step), maps.image.height.div_ceil(step));
    let value = |i: usize| maps.image.pixels[i / w * step * maps.image.width + i % w * step];
    let image = Map::new(w, h, (0..w * h).map(value).collect(), step as f64, [0.0; 2])?;
    let grey = Style { colours: Colours::Grey, range: None, unit: String::new() };
    figure::write_png(&image, size, &grey, &folder.join("image.png"))?;
    let text =
        serde_json::to_string_pretty(maps.document).map_err(|e| Error::invalid("map.json", e.to_string()))?;
    atomic::write_file(&folder.join("map.json"), |to| to.write_all(text.as_bytes()))
}

/// One map as calibrated float TIFF, NPY and PNG; `path` has no ending.
pub(super) fn write_one(
    map: &Map,
    size: Option<PixelSize>,
    colours: Colours,
    unit: &str,
    path: &Path,
) -> Result<()> {
    map::write_tiff(map, size, &path.with_extension("tif"))?;
    map::write_npy(map, &path.with_extension("npy"))?;
    let style = Style { colours, range: None, unit: unit.to_owned() };
    figure::write_png(map, size, &style, &path.with_extension("png"))
}

/// Segments of the content maps; none where too little is known.
fn write_segments(maps: &MapFolder<'_>, folder: &Path, size: Option<PixelSize>) -> Result<()> {
    let found: Result<Segments> = segment(maps.content, None, Method::GaussianMixture, size, maps.seed);
    if let Ok(found) = found {
        map::write_labels(&found, size, &folder.join("segments.tif"))?;
        map::write_segments(&found, &folder.join("segments.csv"))?;
    }
    Ok(())
}
