//! PNG, JPEG and BMP, through the `image` crate. Such a file states a print size at most, never a scale.

use super::sample::{Sample, merge_channels};
use super::source::{DEFLATE_RATIO, Source};
use super::{Format, Page, guarded};
use crate::micrograph::MAX_PIXELS;
use crate::{Error, Result};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Read;

/// # Errors
/// [`Error::File`]; also for a JPEG without its end mark, which the decoder would fill up with grey.
pub(super) fn read(source: &Source, format: Format, page: usize) -> Result<Page> {
    let name = format.name();
    source.check_page(name, page, 1)?;
    // Pixels that one byte can stand for at the very most.
    let (image_format, ratio) = match format {
        Format::Png => (ImageFormat::Png, 8 * DEFLATE_RATIO),
        Format::Bmp => (ImageFormat::Bmp, 256),
        _ => (ImageFormat::Jpeg, 1024),
    };
    if format == Format::Jpeg {
        check_jpeg_end(source)?;
    }
    guarded(source, name, || {
        let mut reader = ImageReader::with_format(source.reader()?, image_format);
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_PIXELS as u32);
        limits.max_image_height = Some(MAX_PIXELS as u32);
        limits.max_alloc = Some(8 * MAX_PIXELS as u64);
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(|e| refusal(source, name, "header", &e))?;
        let (width, height) = decoder.dimensions();
        let (width, height) = (width as usize, height as usize);
        let count = source.pixel_count(name, "width, height", width, height)?;
        if count as u64 > source.len.saturating_mul(ratio) {
            let problem = format!(
                "the header promises {width} x {height} pixels, more than {} bytes can hold",
                source.len
            );
            return Err(source.bad(name, "width, height", problem));
        }
        let picture = DynamicImage::from_decoder(decoder).map_err(|e| refusal(source, name, "pixels", &e))?;
        Ok(into_page(&picture, width, height))
    })
}

fn into_page(picture: &DynamicImage, width: usize, height: usize) -> Page {
    let (pixels, channels, sample_type) = match picture {
        DynamicImage::ImageLuma8(p) => merged(p.as_raw(), 1, "u8"),
        DynamicImage::ImageLumaA8(p) => merged(p.as_raw(), 2, "u8"),
        DynamicImage::ImageRgb8(p) => merged(p.as_raw(), 3, "u8"),
        DynamicImage::ImageRgba8(p) => merged(p.as_raw(), 4, "u8"),
        DynamicImage::ImageLuma16(p) => merged(p.as_raw(), 1, "u16"),
        DynamicImage::ImageLumaA16(p) => merged(p.as_raw(), 2, "u16"),
        DynamicImage::ImageRgb16(p) => merged(p.as_raw(), 3, "u16"),
        DynamicImage::ImageRgba16(p) => merged(p.as_raw(), 4, "u16"),
        other => merged(other.to_rgb32f().as_raw(), 3, "f32"),
    };
    let sample_type = sample_type.into();
    Page { width, height, pixels, pages: 1, channels, sample_type, scale: None, notes: Vec::new() }
}

fn merged<T: Sample>(
    values: &[T],
    channels: usize,
    sample_type: &'static str,
) -> (Vec<f32>, usize, &'static str) {
    let mut pixels = Vec::with_capacity(values.len() / channels);
    merge_channels(values, channels, &mut pixels);
    (pixels, channels, sample_type)
}

fn refusal(source: &Source, name: &'static str, field: &str, error: &ImageError) -> Error {
    match error {
        ImageError::IoError(e) => source.broken(name, field, e),
        ImageError::Limits(_) => source.bad(name, field, "the picture is too large"),
        other => {
            source.bad(name, field, format!("{other}: the file is truncated, damaged or of a rare kind"))
        }
    }
}

/// Goes through the markers to the end mark. JPEG decoders paint what is missing grey and say nothing.
fn check_jpeg_end(source: &Source) -> Result<()> {
    let mut bytes = Vec::new();
    let mut reader = source.reader()?;
    reader.read_to_end(&mut bytes).map_err(|e| source.broken("JPEG", "markers", &e))?;
    let mut at = 2;
    while let Some(next) = bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xFF)) {
        at += next + 1;
        match bytes.get(at) {
            Some(0xD9) => return Ok(()),
            // Stuffing within the data, restart marks, padding: no length follows.
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(0xFF) => {}
            _ => match bytes.get(at + 1..at + 3) {
                Some(&[high, low]) => at += 1 + usize::from(u16::from_be_bytes([high, low])),
                _ => break,
            },
        }
    }
    Err(source.bad("JPEG", "end mark", "there is none: the file is truncated"))
}
