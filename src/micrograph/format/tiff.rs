//! TIFF and BigTIFF, through the `tiff` crate: strips and tiles, chunky and planar, whole numbers and floats, palettes.

use super::palette::Palette;
use super::source::Source;
use super::tiff_chunks::{Geometry, Place};
use super::tiff_scale::{self, OfStack};
use super::{Page, guarded};
use crate::micrograph::MAX_PIXELS;
use crate::{Error, Result};
use ::tiff::decoder::{ChunkType, Decoder, Limits};
use ::tiff::tags::{IfdPointer, Tag};
use ::tiff::{TiffError, TiffFormatError, TiffUnsupportedError};
use rayon::prelude::*;
use std::io::{Read, Seek};

pub(super) const NAME: &str = "TIFF";

/// # Errors
/// [`Error::File`] naming the tag or the strip.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    guarded(source, NAME, || {
        let mut decoder = open(source, source.reader()?)?;
        let pages = directories(source, &mut decoder)?.len();
        source.check_page(NAME, page, pages)?;
        let stack = if page > 0 { OfStack::read(&mut decoder) } else { None };
        decoder.seek_to_image(page).map_err(|e| refusal(source, "directory", &e))?;
        let mut notes = Vec::new();
        let scale = tiff_scale::scale(&mut decoder, stack, &mut notes);
        let picture = match Palette::of(source, &mut decoder)? {
            None => decode(source, &|| open_at(source, source.reader()?, page))?,
            Some(palette) => {
                let reader = || open_at(source, palette.as_grey(source.reader()?), page);
                let mut picture = decode(source, &reader)?;
                palette.apply(source, &mut picture.pixels)?;
                notes.push("the palette's colours were turned into luminance".into());
                picture
            }
        };
        let Picture { width, height, pixels, channels, sample_type } = picture;
        Ok(Page { width, height, pixels, pages, channels, sample_type, scale, notes })
    })
}

fn open<R: Read + Seek>(source: &Source, reader: R) -> Result<Decoder<R>> {
    let decoder = Decoder::new(reader).map_err(|e| refusal(source, "directory", &e))?;
    let len = usize::try_from(source.len).unwrap_or(usize::MAX);
    // A tag's list takes 32 bytes of memory for at least one byte in the file.
    Ok(decoder.with_limits(limits(len.saturating_mul(32), len)))
}

fn open_at<R: Read + Seek>(source: &Source, reader: R, page: usize) -> Result<Decoder<R>> {
    let mut decoder = open(source, reader)?;
    decoder.seek_to_image(page).map_err(|e| refusal(source, "directory", &e))?;
    Ok(decoder)
}

fn limits(decoded: usize, encoded: usize) -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = decoded;
    limits.ifd_value_size = decoded;
    limits.intermediate_buffer_size = encoded;
    limits
}

/// Every page's directory, in order.
fn directories<R: Read + Seek>(source: &Source, decoder: &mut Decoder<R>) -> Result<Vec<IfdPointer>> {
    let mut found: Vec<IfdPointer> = Vec::new();
    let mut next = decoder.ifd_pointer();
    while let Some(at) = next {
        // The shortest directory has 18 bytes, so a chain with more members than that goes round.
        if found.len() as u64 > source.len / 18 {
            return Err(source.bad(NAME, "directory", "the chain of pages goes round in a circle"));
        }
        let directory = decoder
            .read_directory(IfdPointer(at.0))
            .map_err(|e| refusal(source, &format!("directory of page {}", found.len()), &e))?;
        next = directory.next();
        found.push(at);
    }
    Ok(found)
}

/// Pixels before any palette.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
    channels: usize,
    sample_type: String,
}

/// Pixels that are worth another decoder.
const SHARE: usize = 1 << 20;

/// Decodes a page; `open` gives a decoder that stands on it.
fn decode<R: Read + Seek>(
    source: &Source,
    open: &(dyn Fn() -> Result<Decoder<R>> + Sync),
) -> Result<Picture> {
    let mut decoder = open()?;
    let geometry = Geometry::of(source, &mut decoder)?;
    geometry.check_length(source, &mut decoder)?;
    let sample_format = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).ok().flatten();
    let letter = match sample_format.as_deref() {
        Some([2, ..]) => "i",
        Some([3, ..]) => "f",
        _ => "u",
    };
    let mut pixels = vec![0.0; geometry.width * geometry.height];
    // Strips are independent of each other: several threads, each with a decoder of its own, take their share.
    let bands = pixels.len().div_ceil(geometry.band());
    let shares = (pixels.len() / SHARE).clamp(1, 4 * rayon::current_num_threads()).min(bands);
    let bands = bands.div_ceil(shares);
    let parts = pixels.par_chunks_mut(bands * geometry.band()).enumerate();
    let done: Vec<Result<()>> =
        parts.map(|(part, pixels)| bands_of(source, open()?, &geometry, part * bands, pixels)).collect();
    done.into_iter().collect::<Result<()>>()?;
    Ok(Picture {
        width: geometry.width,
        height: geometry.height,
        pixels,
        channels: geometry.channels,
        sample_type: format!("{letter}{}", geometry.bits),
    })
}

/// Decodes the rows of strips or tiles from `first` on, as many as `pixels` has room for.
fn bands_of<R: Read + Seek>(
    source: &Source,
    decoder: Decoder<R>,
    geometry: &Geometry,
    first: usize,
    pixels: &mut [f32],
) -> Result<()> {
    // Only now is it known that a strip, however large, is no lie.
    let len = usize::try_from(source.len).unwrap_or(usize::MAX);
    let mut decoder = decoder.with_limits(limits(8 * MAX_PIXELS, len));
    for (band, pixels) in pixels.chunks_mut(geometry.band()).enumerate() {
        for plane in 0..geometry.planes_to_read() {
            for column in 0..geometry.chunks_across {
                let place = (first + band) * geometry.chunks_across + column;
                let index = (plane * geometry.chunks_per_plane + place) as u32;
                let field = match decoder.get_chunk_type() {
                    ChunkType::Strip => format!("strip {index}"),
                    ChunkType::Tile => format!("tile {index}"),
                };
                let data = decoder.chunk_data_dimensions(index);
                let samples = decoder.read_chunk(index).map_err(|e| refusal(source, &field, &e))?;
                let place = Place { x: column * geometry.chunk.0, width: data.0 as usize, plane };
                geometry.place(&samples, &place, pixels);
            }
        }
    }
    Ok(())
}

/// The decoder's error in this program's words; the tag it names becomes the field.
pub(super) fn refusal(source: &Source, field: &str, error: &TiffError) -> Error {
    use TiffFormatError::{InvalidCountForTag, InvalidTagValueType, RequiredTagNotFound};
    match error {
        TiffError::IoError(e) => source.broken(NAME, field, e),
        TiffError::FormatError(RequiredTagNotFound(tag)) => {
            source.bad(NAME, format!("{tag:?}"), "this tag is missing")
        }
        TiffError::FormatError(InvalidTagValueType(tag) | InvalidCountForTag(tag, _)) => {
            source.bad(NAME, format!("{tag:?}"), "this tag's value is not of the right kind")
        }
        TiffError::UnsupportedError(TiffUnsupportedError::UnsupportedCompressionMethod(method)) => {
            let problem = format!("{method:?} is not read: save it uncompressed, or with LZW or Deflate");
            source.bad(NAME, "Compression", problem)
        }
        TiffError::LimitsExceeded => source.bad(NAME, field, "it claims more than the file can hold"),
        other => source.bad(NAME, field, other.to_string()),
    }
}
