//! The maps of an image as a folder of files other programs read.

mod about;
mod page;

pub use about::{About, Cell, Windows};

use super::figure::{self, Colours, Style};
use super::map;
use crate::micrograph::{Micrograph, PixelSize};
use crate::order::{Gpa, Map, Method, SeedMaps, Segments, segment};
use crate::project::{CLASS_COLOURS, atomic};
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
    /// Displacement and strain from the lattice's phases alone.
    pub phase_analysis: Option<&'a Gpa>,
    /// Coarse content maps of each seed, turned onto the best one's; none for a single seed.
    pub aligned: &'a [SeedMaps],
    pub segments: Option<&'a Segments>,
    /// Everything else.
    pub about: &'a About,
}

/// Hears of a map: the name of its file, its values, how they are coloured, and their unit.
pub(super) type Visit<'a> = dyn FnMut(&str, &Map, Colours, &str) -> Result<()> + 'a;

/// Pixels along the longer side of the image's own picture.
const SMALL: usize = 1024;

/// Writes `z<i>`, `z<i>_sd`, `shift_x`, `shift_y`, `rotation`, `recon_error`, `gpa_x`, `gpa_y`, `strain_xx`, `strain_yy`,
/// `strain_xy` and, for more than one seed, `seed<k>_z<i>` as calibrated float TIFF, NPY and PNG with colour bar and scale bar,
/// `segments` as TIFF, CSV and PNG, the image, `map.json` and `report.html`.
///
/// Shifts and displacements are in nanometres where the pixel size is known, else in pixels. `folder` must be new or
/// empty; everything is written beside it first and renamed, so that it is there whole or not at all. `more` adds to it
/// what only the caller has: the model, at least.
///
/// # Errors
/// [`Error::Invalid`] if the folder is in use, [`Error::Io`] with the file at fault, that of `more`.
pub fn export(maps: &MapFolder<'_>, folder: &Path, more: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    whole(folder, |inside| write_all(maps, inside).and_then(|()| more(inside)))
}

/// Puts a copy of the model's file into a folder of maps.
///
/// # Errors
/// [`Error::Io`] with `folder`.
pub fn add_model(model: &Path, folder: &Path) -> Result<()> {
    fs::copy(model, folder.join("model.safetensors"))
        .map_err(|e| Error::io(folder, "write the model into", e))?;
    Ok(())
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

/// Segments as the maps ask for; none where too little is known.
pub fn segments_of(content: &[Map], size: Option<PixelSize>, seed: u64) -> Option<Segments> {
    segment(content, None, Method::GaussianMixture, size, seed).ok()
}

fn write_all(maps: &MapFolder<'_>, folder: &Path) -> Result<()> {
    let size = maps.image.pixel_size;
    maps.each(&mut |name, map, colours, unit| write_one(map, size, colours, unit, &folder.join(name)))?;
    if let Some(found) = maps.segments {
        map::write_labels(found, size, &folder.join("segments.tif"))?;
        map::write_segments(found, &folder.join("segments.csv"))?;
        let picture = paint_segments(found, size, figure::LARGEST);
        figure::write_picture(&picture, &folder.join("segments.png"))?;
    }
    let grey = Style { colours: Colours::Grey, range: None, unit: String::new() };
    figure::write_png(&small(maps.image)?, size, &grey, &folder.join("image.png"))?;
    write_text(&folder.join("map.json"), &format!("{:#}\n", maps.document()))?;
    write_text(&folder.join("report.html"), &page::page(maps)?)
}

pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    atomic::write_file(path, |to| to.write_all(text.as_bytes()))
}

/// The image with so few pixels that it is a picture.
fn small(image: &Micrograph) -> Result<Map> {
    let step = image.width.max(image.height).div_ceil(SMALL).max(1);
    let (w, h) = (image.width.div_ceil(step), image.height.div_ceil(step));
    let value = |i: usize| image.pixels[i / w * step * image.width + i % w * step];
    Map::new(w, h, (0..w * h).map(value).collect(), step as f64, [0.0; 2])
}

/// Labels in their colours, with a scale bar.
pub fn paint_segments(found: &Segments, size: Option<PixelSize>, largest: usize) -> image::RgbImage {
    let colour = |i: usize| match usize::from(found.labels[i]).checked_sub(1) {
        Some(label) => image::Rgb(CLASS_COLOURS[label % CLASS_COLOURS.len()]),
        None => image::Rgb([255; 3]),
    };
    figure::paint([found.width, found.height], found.step, size, colour, largest)
}

impl MapFolder<'_> {
    /// Every scalar map, one after the other, in the order of the files.
    fn each(&self, visit: &mut Visit<'_>) -> Result<()> {
        for (i, map) in self.content.iter().enumerate() {
            visit(&format!("z{i}"), map, Colours::Diverging, "sd")?;
        }
        for (i, map) in self.uncertainty.iter().enumerate() {
            visit(&format!("z{i}_sd"), map, Colours::Sequential, "sd")?;
        }
        for (axis, letter) in ["x", "y"].into_iter().enumerate() {
            let shift = self.length(self.shift[axis], axis)?;
            visit(&format!("shift_{letter}"), &shift, Colours::Diverging, self.unit())?;
            if let Some(found) = self.phase_analysis {
                let map = self.length(&found.displacement[axis], axis)?;
                visit(&format!("gpa_{letter}"), &map, Colours::Diverging, self.unit())?;
            }
        }
        if let Some(found) = self.phase_analysis {
            let told = found.on(self.image.pixel_size);
            for (name, map) in STRAINS.into_iter().zip(&told.as_ref().unwrap_or(found).strain) {
                visit(&format!("strain_{name}"), map, Colours::Diverging, "")?;
            }
        }
        if let Some(map) = self.rotation {
            visit("rotation", map, Colours::Diverging, "deg")?;
        }
        if let Some(map) = self.recon_error {
            visit("recon_error", map, Colours::Sequential, "")?;
        }
        for seed in self.aligned {
            for (i, map) in seed.content.iter().enumerate() {
                visit(&format!("seed{}_z{i}", seed.seed), map, Colours::Diverging, "sd")?;
            }
        }
        Ok(())
    }

    fn unit(&self) -> &'static str {
        if self.image.pixel_size.is_some() { "nm" } else { "px" }
    }

    /// A map of pixels along an axis in nanometres, where they are known.
    fn length(&self, map: &Map, axis: usize) -> Result<Map> {
        let factor = self.image.pixel_size.map_or(1.0, |s| [s.x_nm, s.y_nm][axis] as f32);
        map.with(map.values.iter().map(|v| v * factor).collect())
    }
}

/// Components of strain, as files are named.
const STRAINS: [&str; 3] = ["xx", "yy", "xy"];

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
