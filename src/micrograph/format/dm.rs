//! Gatan's DM3 and DM4 files, as DigitalMicrograph writes them for TEM and STEM: a tree of tags, the pixels among them.
//!
//! Rows are stored top row first. A file may hold several pictures and stacks of them: the frames of all are its pages.
//! The thumbnail, spectra and Fourier transforms are no pages. Values are the stored counts; the calibration of their
//! intensity is not applied.

use super::dm_tags::{Array, Tags, Value};
use super::sample::{ByteOrder, SampleType, luminance, read_samples};
use super::scale::{Scale, length};
use super::source::Source;
use super::{Format, Page};
use crate::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;

/// No detector has a longer side, and no series more frames.
const MAX_SIDE: f64 = 2_147_483_648.0;

/// What the tags say of one image.
#[derive(Default)]
struct Image {
    name: String,
    /// "Image", "Spectrum" or "Spectrum image", if the camera's program said so.
    content: String,
    data_type: Option<f64>,
    dimensions: BTreeMap<usize, f64>,
    axes: BTreeMap<usize, Axis>,
    data: Option<Array>,
}

/// The calibration of one axis.
#[derive(Default)]
struct Axis {
    scale: f64,
    unit: String,
}

/// How a pixel is stored.
#[derive(Clone, Copy)]
enum Pixel {
    Grey(SampleType),
    /// Four bytes: blue, green, red and one more; as a whole they are one number, so their order is that of the file.
    Colour {
        alpha: bool,
    },
}

/// One image that is a picture or a stack of them.
struct Picture<'t> {
    name: &'t str,
    pixel: Pixel,
    width: usize,
    height: usize,
    frames: usize,
    /// Where the first pixel is.
    at: u64,
    frame_bytes: u64,
    scale: Option<Scale>,
    /// Units that are no length.
    unit: Option<&'t str>,
}

/// Why an image is not a picture: the tag, and the problem.
type Refusal = (&'static str, String);

/// The page and whether all pages of the file have one size and one scale.
///
/// # Errors
/// [`crate::Error::File`] naming the tag that cannot be true, or what else the file holds if that is no picture.
pub(super) fn read(source: &Source, format: Format, page: usize) -> Result<(Page, bool)> {
    let name = format.name();
    let mut tags = Tags::open(source, name)?;
    let (images, thumbnails) = images(&mut tags)?;
    let mut notes = Vec::new();
    let (mut pictures, mut refusals) = (Vec::new(), Vec::new());
    for (index, image) in &images {
        // Nearly every file has one: nobody is told.
        if thumbnails.contains(index) {
            continue;
        }
        match picture(image) {
            Ok(picture) => pictures.push(picture),
            Err(refusal) => refusals.push((index, image, refusal)),
        }
    }
    let pages = pictures.iter().fold(0_usize, |n, p| n.saturating_add(p.frames));
    if pages == 0 {
        return Err(match refusals.into_iter().next() {
            Some((index, _, (field, problem))) => {
                source.bad(name, format!("tag ImageList.{index}.{field}"), problem)
            }
            None => source.bad(name, "tag ImageList", "there is no picture in the file"),
        });
    }
    notes
        .extend(refusals.iter().map(|(_, image, (_, why))| format!("\"{}\" is left out: {why}", image.name)));
    source.check_page(name, page, pages)?;
    let mut frame = page;
    let chosen = pictures.iter().find(|picture| {
        let here = frame < picture.frames;
        frame -= if here { 0 } else { picture.frames };
        here
    });
    let chosen = chosen.ok_or_else(|| source.bad(name, "page", format!("page {page} is in no picture")))?;
    if pictures.len() > 1 {
        let names: Vec<String> = pictures.iter().map(|p| format!("\"{}\"", p.name)).collect();
        notes.push(format!("the pages are those of several pictures: {}", names.join(", ")));
    }
    let alike = pictures.windows(2).all(|pair| match pair {
        [a, b] => (a.width, a.height, &a.scale) == (b.width, b.height, &b.scale),
        _ => true,
    });
    let order = tags.order;
    Ok((chosen.page(source, name, order, frame, pages, notes)?, alike))
}

/// The images of the tree by their number in the list, and which of them are thumbnails.
fn images(tags: &mut Tags<'_>) -> Result<(BTreeMap<usize, Image>, BTreeSet<usize>)> {
    let mut images: BTreeMap<usize, Image> = BTreeMap::new();
    let mut thumbnails = BTreeSet::new();
    tags.walk(&mut |path: &[String], value| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (index, rest) = match path.as_slice() {
            ["ImageList", index, rest @ ..] => match index.parse() {
                Ok(index) => (index, rest),
                Err(_) => return,
            },
            ["Thumbnails", _, "ImageIndex"] => {
                if let Value::Number(n) = value {
                    thumbnails.extend(whole(n));
                }
                return;
            }
            _ => return,
        };
        let place = |key: &str| key.parse::<usize>().ok();
        let image = images.entry(index).or_default();
        match (rest, value) {
            (["Name"], Value::Array(a)) => image.name = a.text,
            (["ImageTags", "Meta Data", "Format"], Value::Array(a)) => image.content = a.text,
            (["ImageData", "DataType"], Value::Number(n)) => image.data_type = Some(n),
            (["ImageData", "Data"], Value::Array(a)) => image.data = Some(a),
            (["ImageData", "Dimensions", axis], Value::Number(n)) => {
                if let Some(axis) = place(axis) {
                    image.dimensions.insert(axis, n);
                }
            }
            (["ImageData", "Calibrations", "Dimension", axis, field], value) => {
                if let Some(axis) = place(axis) {
                    let axis = image.axes.entry(axis).or_default();
                    match (*field, value) {
                        ("Scale", Value::Number(n)) => axis.scale = n,
                        ("Units", Value::Array(a)) => axis.unit = a.text,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    })?;
    // Old files do not list their thumbnail; it is the first of several images and has colours.
    if thumbnails.is_empty() && images.len() > 1 {
        let first = images.first_key_value();
        thumbnails.extend(first.filter(|(_, i)| i.data_type == Some(23.0)).map(|(index, _)| *index));
    }
    Ok((images, thumbnails))
}

fn whole(number: f64) -> Option<usize> {
    ((0.0..MAX_SIDE).contains(&number) && number.fract() == 0.0).then_some(number as usize)
}

fn picture(image: &Image) -> std::result::Result<Picture<'_>, Refusal> {
    let unit = |axis| image.axes.get(&axis).map_or("", |a: &Axis| a.unit.trim());
    if image.content.starts_with("Spectrum") || image.axes.values().any(|a| a.unit.trim().ends_with("eV")) {
        let problem =
            "it holds spectra, not a picture: export them from DigitalMicrograph as text or a table";
        return Err(("ImageData", problem.into()));
    }
    let sides =
        image.dimensions.values().map(|&n| whole(n).filter(|&n| n > 0)).collect::<Option<Vec<usize>>>();
    let (width, height, frames) = match sides.as_deref() {
        Some([width, height, stack @ ..]) => {
            (*width, *height, stack.iter().try_fold(1_usize, |n, &side| n.checked_mul(side)))
        }
        Some(&[n]) => {
            let problem = format!("{n} values along one axis are a spectrum or a profile, not a picture");
            return Err(("ImageData.Dimensions", problem));
        }
        Some([]) => return Err(("ImageData.Dimensions", "the numbers of pixels are missing".into())),
        None => {
            let problem =
                format!("{:?} are no numbers of pixels", image.dimensions.values().collect::<Vec<_>>());
            return Err(("ImageData.Dimensions", problem));
        }
    };
    let pixel = pixel(image.data_type).map_err(|problem| ("ImageData.DataType", problem))?;
    let Some(data) = &image.data else {
        return Err(("ImageData.Data", "the pixels are missing".into()));
    };
    let bytes = match pixel {
        Pixel::Grey(kind) => kind.bytes(),
        Pixel::Colour { .. } => 4,
    };
    let frame_bytes = width.checked_mul(height).and_then(|n| n.checked_mul(bytes)).map(|n| n as u64);
    let needed = frame_bytes.zip(frames).and_then(|(bytes, frames)| bytes.checked_mul(frames as u64));
    // The array lies within the file, so nothing larger than the file is believed.
    let (Some(frame_bytes), Some(frames), true) = (frame_bytes, frames, needed == Some(data.bytes)) else {
        let sides: Vec<String> = sides.iter().flatten().map(usize::to_string).collect();
        let (sides, there) = (sides.join(" x "), data.bytes);
        let problem =
            format!("{sides} pixels of {bytes} byte(s) are promised, there are {there} bytes of them");
        return Err(("ImageData.Dimensions", problem));
    };
    let scale = match (image.axes.get(&0), image.axes.get(&1)) {
        (Some(x), Some(y)) => scale(x, y),
        _ => None,
    };
    let unit = [unit(0), unit(1)].into_iter().find(|unit| !unit.is_empty() && length(unit).is_none());
    Ok(Picture { name: &image.name, pixel, width, height, frames, at: data.at, frame_bytes, scale, unit })
}

fn pixel(data_type: Option<f64>) -> std::result::Result<Pixel, String> {
    let kind = data_type.ok_or("the type of the pixels is missing")?;
    let code = whole(kind).ok_or_else(|| format!("{kind} is no type of pixels"))?;
    Ok(match code {
        1 => Pixel::Grey(SampleType::I16),
        2 => Pixel::Grey(SampleType::F32),
        6 | 14 => Pixel::Grey(SampleType::U8),
        7 => Pixel::Grey(SampleType::I32),
        9 => Pixel::Grey(SampleType::I8),
        10 => Pixel::Grey(SampleType::U16),
        11 => Pixel::Grey(SampleType::U32),
        12 => Pixel::Grey(SampleType::F64),
        8 => Pixel::Colour { alpha: true },
        23 => Pixel::Colour { alpha: false },
        3 | 5 | 13 | 27 | 28 => {
            return Err("its pixels are complex numbers, as of a Fourier transform or a hologram: \
                        save their modulus or phase as a picture of its own"
                .into());
        }
        _ => {
            return Err(format!(
                "{code} is none of the types of pixels that are read: 1, 2, 6 to 12, 14, 23"
            ));
        }
    })
}

/// The size of a pixel; each axis has a unit of its own.
fn scale(x: &Axis, y: &Axis) -> Option<Scale> {
    let (one_x, one_y) = (length(&x.unit)?.0, length(&y.unit)?.0);
    // Of two equal units nothing is rounded.
    let y_scale = if one_x == one_y { y.scale } else { y.scale * (one_y / one_x) };
    Scale::new(x.scale, y_scale, &x.unit, "calibration of the image's axes")
}

impl Picture<'_> {
    fn page(
        &self,
        source: &Source,
        name: &'static str,
        order: ByteOrder,
        frame: usize,
        pages: usize,
        mut notes: Vec<String>,
    ) -> Result<Page> {
        let count = source.pixel_count(name, "tag ImageData.Dimensions", self.width, self.height)?;
        let broken = |e: std::io::Error| source.broken(name, "tag ImageData.Data", &e);
        let mut reader = source.reader()?;
        reader.seek(SeekFrom::Start(self.at + self.frame_bytes * frame as u64)).map_err(broken)?;
        let mut pixels = Vec::with_capacity(count);
        let (channels, sample_type) = match self.pixel {
            Pixel::Grey(kind) => {
                let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
                read_samples(&mut reader, kind, order, count, &mut keep).map_err(broken)?;
                (1, kind)
            }
            Pixel::Colour { alpha } => {
                let mut keep = |block: &[f32]| {
                    pixels.extend(block.as_chunks::<4>().0.iter().map(|&[a, b, c, d]| match order {
                        ByteOrder::Little => luminance(c, b, a),
                        ByteOrder::Big => luminance(b, c, d),
                    }));
                };
                read_samples(&mut reader, SampleType::U8, order, count * 4, &mut keep).map_err(broken)?;
                notes.push("the colours were turned into luminance".into());
                (if alpha { 4 } else { 3 }, SampleType::U8)
            }
        };
        if let Some(unit) = self.unit {
            notes.push(format!("the axes are in {unit}, which is no length: the pixel size is not known"));
        }
        Ok(Page {
            width: self.width,
            height: self.height,
            pixels,
            pages,
            channels,
            sample_type: sample_type.name().into(),
            scale: self.scale.clone(),
            notes,
        })
    }
}
