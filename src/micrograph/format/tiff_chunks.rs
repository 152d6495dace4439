//! Strips and tiles of a TIFF page: whether the file can hold them, and where their samples go in the picture.

use super::sample::{LUMINANCE, Sample, luminance};
use super::source::{DEFLATE_RATIO, Source};
use super::tiff::{NAME, refusal};
use crate::Result;
use crate::micrograph::MAX_PIXELS;
use ::tiff::ColorType;
use ::tiff::decoder::{ChunkType, Decoder, DecodingResult};
use ::tiff::tags::Tag;
use std::io::{Read, Seek};

/// How the stored samples become one grey value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bands {
    /// The first sample: grey, the Y of YCbCr, the L of Lab, the first of several detectors.
    First,
    /// Luminance of the first three.
    Rgb,
}

/// What has to be known of a page to decode it.
pub(super) struct Geometry {
    pub width: usize,
    pub height: usize,
    /// Width and height of a strip or tile.
    pub chunk: (usize, usize),
    pub chunks_across: usize,
    pub chunks_per_plane: usize,
    planes: usize,
    /// Interleaved samples of a pixel as they are decoded, and as they are stored.
    texel: usize,
    stored_texel: usize,
    pub bits: usize,
    bands: Bands,
    pub channels: usize,
    tiled: bool,
}

/// Where a decoded strip or tile belongs in its row of them.
pub(super) struct Place {
    pub x: usize,
    /// Pixels in one of its rows.
    pub width: usize,
    pub plane: usize,
}

impl Geometry {
    pub fn of<R: Read + Seek>(source: &Source, decoder: &mut Decoder<R>) -> Result<Self> {
        let (width, height) = decoder.dimensions().map_err(|e| refusal(source, "ImageWidth", &e))?;
        let (width, height) = (width as usize, height as usize);
        source.pixel_count(NAME, "ImageWidth, ImageLength", width, height)?;
        let color = decoder.colortype().map_err(|e| refusal(source, "PhotometricInterpretation", &e))?;
        let (channels, bands) = match color {
            ColorType::Gray(_) => (1, Bands::First),
            ColorType::RGB(_) => (3, Bands::Rgb),
            ColorType::RGBA(_) => (4, Bands::Rgb),
            ColorType::YCbCr(_) | ColorType::Lab(_) => (3, Bands::First),
            // Three or four bands are a colour picture that forgot to say so, others are several detectors.
            ColorType::Multiband { num_samples: n @ (3 | 4), .. } => (usize::from(n), Bands::Rgb),
            ColorType::Multiband { num_samples: n, .. } => (usize::from(n), Bands::First),
            other => {
                let problem = format!("{other:?} is no colour of micrographs: save it as grey or RGB");
                return Err(source.bad(NAME, "PhotometricInterpretation", problem));
            }
        };
        let mut number = |tag| decoder.find_tag_unsigned::<u16>(tag).ok().flatten();
        let planar = number(Tag::PlanarConfiguration) == Some(2);
        let samples = usize::from(number(Tag::SamplesPerPixel).unwrap_or(1));
        let tiled = decoder.get_chunk_type() == ChunkType::Tile;
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        // A page in a single strip may claim any number of rows for it.
        let rows = if tiled { chunk_height as usize } else { (chunk_height as usize).min(height) };
        let chunk = (chunk_width as usize, rows);
        source.pixel_count(NAME, "TileWidth, TileLength", chunk.0, chunk.1)?;
        let chunks_across = width.div_ceil(chunk.0);
        Ok(Self {
            width,
            height,
            chunk,
            chunks_across,
            chunks_per_plane: chunks_across * height.div_ceil(chunk.1),
            planes: if planar { samples } else { 1 },
            texel: if planar { 1 } else { channels },
            stored_texel: if planar { 1 } else { samples },
            bits: usize::from(color.bit_depth()),
            bands,
            channels,
            tiled,
        })
    }

    /// Pixels in a row of strips or tiles, from the picture's left edge to its right.
    pub fn band(&self) -> usize {
        self.chunk.1 * self.width
    }

    /// How many planes make up the grey value.
    pub fn planes_to_read(&self) -> usize {
        if self.bands == Bands::Rgb { self.planes.min(3) } else { 1 }
    }

    /// Refuses a page whose strips lie beyond the file's end, or whose pixels could not be packed into them: before
    /// memory is taken for it.
    pub fn check_length<R: Read + Seek>(&self, source: &Source, decoder: &mut Decoder<R>) -> Result<()> {
        let (offsets_tag, counts_tag) = if self.tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let mut list =
            |tag| decoder.get_tag_u64_vec(tag).map_err(|e| refusal(source, &format!("{tag:?}"), &e));
        let (offsets, counts) = (list(offsets_tag)?, list(counts_tag)?);
        let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).ok().flatten().unwrap_or(1);
        let row = (self.chunk.0 as u64 * (self.stored_texel * self.bits) as u64).div_ceil(8);
        let (mut packed, mut unpacked) = (0_u64, 0_u64);
        for (i, (&offset, &count)) in offsets.iter().zip(&counts).enumerate() {
            let top = i % self.chunks_per_plane / self.chunks_across * self.chunk.1;
            let rows = if self.tiled { self.chunk.1 } else { self.chunk.1.min(self.height - top) };
            let full = row * rows as u64;
            // Old writers leave the count of what is not compressed at 0.
            let here = if compression == 1 { full } else { count };
            if offset.checked_add(here).is_none_or(|end| end > source.len) {
                let problem = format!(
                    "number {i} has {here} bytes from byte {offset} on, the file has only {}: it is truncated",
                    source.len
                );
                return Err(source.bad(NAME, format!("{offsets_tag:?}"), problem));
            }
            packed = packed.saturating_add(here);
            unpacked = unpacked.saturating_add(full);
        }
        if unpacked > packed.saturating_mul(largest_ratio(compression)) || unpacked > 16 * MAX_PIXELS as u64 {
            let problem = format!(
                "{} x {} pixels cannot be packed into {packed} bytes: the header is wrong",
                self.width, self.height
            );
            return Err(source.bad(NAME, "ImageWidth, ImageLength", problem));
        }
        Ok(())
    }

    /// Puts a decoded strip or tile into its place among the pixels of its row of them.
    pub fn place(&self, samples: &DecodingResult, place: &Place, pixels: &mut [f32]) {
        match samples {
            DecodingResult::U8(v) if self.bits < 8 => {
                self.put(&unpack(v, self.bits, place.width * self.texel), place, pixels);
            }
            DecodingResult::U8(v) => self.put(v, place, pixels),
            DecodingResult::I8(v) => self.put(v, place, pixels),
            DecodingResult::U16(v) => self.put(v, place, pixels),
            DecodingResult::I16(v) => self.put(v, place, pixels),
            DecodingResult::U32(v) => self.put(v, place, pixels),
            DecodingResult::I32(v) => self.put(v, place, pixels),
            DecodingResult::U64(v) => self.put(v, place, pixels),
            DecodingResult::I64(v) => self.put(v, place, pixels),
            DecodingResult::F16(v) => self.put(v, place, pixels),
            DecodingResult::F32(v) => self.put(v, place, pixels),
            DecodingResult::F64(v) => self.put(v, place, pixels),
        }
    }

    fn put<T: Sample>(&self, samples: &[T], place: &Place, pixels: &mut [f32]) {
        let width = self.width.saturating_sub(place.x).min(place.width);
        let rows = samples.chunks_exact((place.width * self.texel).max(1));
        let targets = pixels.chunks_exact_mut(self.width);
        for (from, to) in rows.zip(targets) {
            let to = &mut to[place.x..place.x + width];
            if self.texel == 1 && self.bands == Bands::First {
                // What micrographs are: one grey value a pixel.
                to.iter_mut().zip(from).for_each(|(v, s)| *v = s.to_f32());
                continue;
            }
            for (v, texel) in to.iter_mut().zip(from.chunks_exact(self.texel)) {
                match (self.bands, texel) {
                    // One plane of a colour picture after the other.
                    (Bands::Rgb, [s]) => *v += LUMINANCE[place.plane.min(2)] * s.to_f32(),
                    (Bands::Rgb, [r, g, b, ..]) => *v = luminance(r.to_f32(), g.to_f32(), b.to_f32()),
                    (_, [s, ..]) => *v = s.to_f32(),
                    (_, []) => {}
                }
            }
        }
    }
}

/// The most that one byte can unpack to.
fn largest_ratio(compression: u16) -> u64 {
    match compression {
        1 => 1,
        32773 => 64,
        8 | 32946 => DEFLATE_RATIO,
        5 => 3000,
        _ => 100_000,
    }
}

/// Samples of less than a byte, the first in the highest bits; each row starts a new byte.
fn unpack(bytes: &[u8], bits: usize, samples_per_row: usize) -> Vec<u8> {
    let row_bytes = (samples_per_row * bits).div_ceil(8).max(1);
    let mut out = Vec::with_capacity(bytes.len() / row_bytes * samples_per_row);
    for row in bytes.chunks_exact(row_bytes) {
        for i in 0..samples_per_row {
            let sample = (0..bits).fold(0_u8, |sample, bit| {
                let at = i * bits + bit;
                sample << 1 | row[at / 8] >> (7 - at % 8) & 1
            });
            out.push(sample);
        }
    }
    out
}
