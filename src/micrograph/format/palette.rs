//! Palette TIFF, which scanning electron microscopes write with a palette of greys.
//!
//! The `tiff` crate refuses palettes. So the page is decoded a second time through a reader that shows `BlackIsZero`
//! where the file says `RGBPalette`: the pixels are then indices, and the colours are looked up here.

use super::sample::luminance;
use super::source::Source;
use super::tiff::{NAME, refusal};
use crate::Result;
use ::tiff::decoder::Decoder;
use ::tiff::tags::{ByteOrder, Tag};
use std::io::{self, Read, Seek, SeekFrom};

const PHOTOMETRIC: u16 = 262;
const RGB_PALETTE: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;

pub(super) struct Palette {
    /// Luminance of each index, 0..=255.
    greys: Vec<f32>,
    /// Where the file says that there is a palette, and what is shown there instead.
    at: u64,
    instead: [u8; 2],
}

impl Palette {
    /// The palette of the page that the decoder stands on, if it has one.
    ///
    /// # Errors
    /// [`crate::Error::File`] if there should be one but its colours are missing.
    pub fn of<R: Read + Seek>(source: &Source, decoder: &mut Decoder<R>) -> Result<Option<Self>> {
        let photometric = decoder
            .find_tag_unsigned::<u16>(Tag::PhotometricInterpretation)
            .map_err(|e| refusal(source, "PhotometricInterpretation", &e))?;
        if photometric != Some(RGB_PALETTE) {
            return Ok(None);
        }
        let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(|e| refusal(source, "ColorMap", &e))?;
        if map.is_empty() || map.len() % 3 != 0 {
            return Err(source.bad(NAME, "ColorMap", format!("{} numbers are no palette", map.len())));
        }
        // Colours are 16 bit; some writers put 8 bit there.
        let unit = if map.iter().all(|&v| v < 256) { 1.0 } else { 257.0 };
        let n = map.len() / 3;
        let colour = |i: usize| f32::from(map[i]) / unit;
        let greys = (0..n).map(|i| luminance(colour(i), colour(n + i), colour(2 * n + i))).collect();
        let at = photometric_value_at(source, decoder)?;
        let instead = match decoder.byte_order() {
            ByteOrder::LittleEndian => BLACK_IS_ZERO.to_le_bytes(),
            ByteOrder::BigEndian => BLACK_IS_ZERO.to_be_bytes(),
        };
        Ok(Some(Self { greys, at, instead }))
    }

    /// The same file with the indices as grey values.
    pub fn as_grey<R: Read + Seek>(&self, inner: R) -> Patched<R> {
        Patched { inner, position: 0, at: self.at, instead: self.instead }
    }

    /// Turns indices into luminance.
    pub fn apply(&self, source: &Source, pixels: &mut [f32]) -> Result<()> {
        for v in pixels {
            *v = *self.greys.get(*v as usize).ok_or_else(|| {
                let problem = format!("colour {v} is used, the palette has {}", self.greys.len());
                source.bad(NAME, "ColorMap", problem)
            })?;
        }
        Ok(())
    }
}

/// The byte at which the value of the photometric tag stands.
fn photometric_value_at<R: Read + Seek>(source: &Source, decoder: &mut Decoder<R>) -> Result<u64> {
    let broken = |e: io::Error| source.broken(NAME, "directory", &e);
    let missing = || source.bad(NAME, "PhotometricInterpretation", "this tag is missing");
    let start = decoder.ifd_pointer().ok_or_else(missing)?.0;
    let little = decoder.byte_order() == ByteOrder::LittleEndian;
    let short = |b: [u8; 2]| if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) };
    let mut reader = source.reader()?;
    // "II+" and "MM\0+" are BigTIFF: longer counts and entries.
    let big = source.head.get(2..4).is_some_and(|b| b.contains(&43));
    let (count_bytes, entry_bytes, value_at) = if big { (8, 20, 12) } else { (2, 12, 8) };
    let mut at = start + count_bytes;
    reader.seek(SeekFrom::Start(at)).map_err(broken)?;
    // Entries ascend by tag, so that the photometric one is among the first 263.
    for _ in 0..=PHOTOMETRIC {
        let mut entry = [0; 20];
        let entry = &mut entry[..entry_bytes];
        reader.read_exact(entry).map_err(broken)?;
        if short([entry[0], entry[1]]) == PHOTOMETRIC {
            return Ok(at + value_at);
        }
        at += entry_bytes as u64;
    }
    Err(missing())
}

/// A reader that shows two other bytes at one place.
pub(super) struct Patched<R> {
    inner: R,
    position: u64,
    at: u64,
    instead: [u8; 2],
}

impl<R: Read> Read for Patched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        for (at, byte) in (self.at..).zip(self.instead) {
            let shown =
                at.checked_sub(self.position).and_then(|i| buffer[..n].get_mut(usize::try_from(i).ok()?));
            if let Some(shown) = shown {
                *shown = byte;
            }
        }
        self.position += n as u64;
        Ok(n)
    }
}

impl<R: Seek> Seek for Patched<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}
