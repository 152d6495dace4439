//! Readers: the format is told by content first, by extension second.
//!
//! | format | file |
//! |---|---|
//! | PNG, JPEG, BMP | `raster` |
//! | TIFF, OME-TIFF, BigTIFF | `tiff`, `tiff_chunks`, `tiff_scale`, `palette` |
//! | MRC, MRCS, MAP, REC, ST | `mrc` |
//! | NPY, NPZ | `npy`, `npz` |
//! | Gatan DM3, DM4 | `dm`, `dm_tags` |
//! | SER of FEI's TIA | `ser` |
//! | text and SPIEPy matrices | `matrix` |
//! | Nanonis SXM | `sxm`, `channels` |
//! | Gwyddion GWY | `gwy`, `gwy_tree`, `channels` |
//! | Igor IBW | `ibw`, `channels` |
//! | arrays that are no picture | `numbers` |
//!
//! Any of them may be packed with gzip. Colour becomes luminance. Every reader compares what a header promises with the
//! file's own length before it takes memory: a truncated, lying or foreign file gives an error that names the file, the
//! format and the field, and never a part of a picture.

mod channels;
mod detect;
mod dm;
mod dm_tags;
mod gwy;
mod gwy_tree;
mod ibw;
mod matrix;
mod mrc;
mod npy;
mod npz;
mod numbers;
mod palette;
mod raster;
mod sample;
mod scale;
mod ser;
mod source;
mod sxm;
mod tiff;
mod tiff_chunks;
mod tiff_scale;

pub use npz::{LabelledImages, read_images_npz};
pub use numbers::{Arrays, Numbers};

use super::stats::Stats;
use super::{Micrograph, PixelSize};
use crate::{Error, Result};
use detect::describe;
use scale::Scale;
use source::Source;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// The extensions of files that [`open`] reads, for dialogs; each may be followed by `.gz`.
pub const EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "bmp", "tif", "tiff", "mrc", "mrcs", "map", "rec", "st", "npy", "npz", "dm3",
    "dm4", "ser", "dat", "txt", "csv", "asc", "sxm", "gwy", "ibw", "gz",
];

/// The format of a micrograph's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Format {
    #[serde(rename = "PNG")]
    Png,
    #[serde(rename = "JPEG")]
    Jpeg,
    #[serde(rename = "BMP")]
    Bmp,
    #[serde(rename = "TIFF")]
    Tiff,
    #[serde(rename = "MRC")]
    Mrc,
    #[serde(rename = "NPY")]
    Npy,
    #[serde(rename = "NPZ")]
    Npz,
    #[serde(rename = "DM3")]
    Dm3,
    #[serde(rename = "DM4")]
    Dm4,
    #[serde(rename = "SER")]
    Ser,
    #[serde(rename = "text matrix")]
    TextMatrix,
    #[serde(rename = "SPIEPy matrix")]
    SpiePy,
    #[serde(rename = "Nanonis SXM")]
    Sxm,
    #[serde(rename = "Gwyddion GWY")]
    Gwy,
    #[serde(rename = "Igor IBW")]
    Ibw,
}

impl Format {
    /// As people call it: "MRC".
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Mrc => "MRC",
            Self::Npy => "NPY",
            Self::Npz => "NPZ",
            Self::Dm3 => "DM3",
            Self::Dm4 => "DM4",
            Self::Ser => "SER",
            Self::TextMatrix => "text matrix",
            Self::SpiePy => "SPIEPy matrix",
            Self::Sxm => "Nanonis SXM",
            Self::Gwy => "Gwyddion GWY",
            Self::Ibw => "Igor IBW",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a file says about itself, and the range of its first page.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Info {
    pub format: Format,
    /// Pixels.
    pub width: usize,
    pub height: usize,
    /// Pictures in the file, at least 1.
    pub pages: usize,
    /// Values a pixel has in the file: 1 grey, 3 colour, 4 colour and alpha.
    pub channels: usize,
    /// Letter and bits of one value, such as "u16" or "f32"; "text" for numbers in text.
    pub sample_type: String,
    /// Nanometres a pixel, if the file states them.
    pub pixel_size: Option<PixelSize>,
    /// The unit in which the file states them, such as "Å".
    pub pixel_size_unit: Option<String>,
    /// Where in the file they stand.
    pub pixel_size_source: Option<String>,
    pub min: f32,
    pub max: f32,
    pub mean: f32,
    /// Pixels that are NaN or infinite in the file; the median stands in for them.
    pub replaced: usize,
    /// What else the user should know, in sentences.
    pub notes: Vec<String>,
}

/// A page as a reader hands it over: pixels not yet checked for NaN.
struct Page {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
    pages: usize,
    channels: usize,
    sample_type: String,
    scale: Option<Scale>,
    notes: Vec<String>,
}

/// Opens a picture, the first if the file has several.
///
/// # Errors
/// [`Error::Io`] if the file cannot be opened, [`Error::File`] naming the format and the field if it cannot be read.
pub fn open(path: impl AsRef<Path>) -> Result<Micrograph> {
    open_page(path, 0)
}

/// Opens one picture of a stack; `page` counts from 0. Errors as [`open`].
pub fn open_page(path: impl AsRef<Path>, page: usize) -> Result<Micrograph> {
    load(path.as_ref(), page).map(|loaded| loaded.micrograph)
}

/// The first page of a file, and what is known of the others without reading them.
pub struct First {
    pub micrograph: Micrograph,
    /// At least 1.
    pub pages: usize,
    /// True if the format knows one size for all pages.
    pub alike: bool,
    /// What the user should know of the file, in sentences.
    pub notes: Vec<String>,
}

/// Opens the first page of a file. Errors as [`open`].
pub fn open_first(path: impl AsRef<Path>) -> Result<First> {
    let Loaded { page, micrograph, alike, .. } = load(path.as_ref(), 0)?;
    let mut notes = page.notes;
    notes.extend(micrograph.warning());
    Ok(First { micrograph, pages: page.pages, alike, notes })
}

/// Reads the first page and says what is in the file. Errors as [`open`].
pub fn info(path: impl AsRef<Path>) -> Result<Info> {
    let Loaded { format, page, micrograph, .. } = load(path.as_ref(), 0)?;
    let stats = Stats::of(&micrograph.pixels);
    let mut notes = page.notes;
    notes.extend(micrograph.warning());
    let (unit, source) = page.scale.map(|s| (s.unit, s.source)).unzip();
    Ok(Info {
        format,
        width: page.width,
        height: page.height,
        pages: page.pages,
        channels: page.channels,
        sample_type: page.sample_type,
        pixel_size: micrograph.pixel_size,
        pixel_size_unit: unit,
        pixel_size_source: source,
        min: stats.min,
        max: stats.max,
        mean: stats.mean,
        replaced: micrograph.replaced,
        notes,
    })
}

/// A page and the micrograph that took its pixels.
struct Loaded {
    format: Format,
    page: Page,
    micrograph: Micrograph,
    /// True if the format knows one size for all pages.
    alike: bool,
}

fn load(path: &Path, page: usize) -> Result<Loaded> {
    let source = Source::open(path)?;
    let format = detect::detect(&source)?;
    let mut alike = matches!(format, Format::Mrc | Format::Npy | Format::Sxm | Format::Ibw);
    let mut page = match format {
        Format::Png | Format::Jpeg | Format::Bmp => raster::read(&source, format, page),
        Format::Tiff => tiff::read(&source, page),
        Format::Mrc => mrc::read(&source, page),
        Format::Npy => npy::read(&source, page),
        Format::Npz => npz::read(&source, page),
        Format::Dm3 | Format::Dm4 => dm::read(&source, format, page).map(|(page, one_size)| {
            alike = one_size;
            page
        }),
        Format::Ser => ser::read(&source, page),
        Format::TextMatrix => matrix::read_text(&source, page),
        Format::SpiePy => matrix::read_spiepy(&source, page),
        Format::Sxm => sxm::read(&source, page),
        Format::Gwy => gwy::read(&source, page),
        Format::Ibw => ibw::read(&source, page),
    }?;
    let pixels = std::mem::take(&mut page.pixels);
    let pixel_size = page.scale.as_ref().map(|s| s.size);
    let micrograph = Micrograph::new(page.width, page.height, pixels, pixel_size).map_err(|e| match e {
        Error::Invalid { what, problem } => source.bad(format.name(), what, problem),
        other => other,
    })?;
    Ok(Loaded { format, page, micrograph, alike })
}

/// Runs a decoder that others wrote. If a damaged file makes it panic, that is an error like any other.
fn guarded<T>(source: &Source, format: &'static str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(source.bad(format, "content", "it cannot be decoded: the file is damaged")))
}
