//! Films: grey pictures one after the other as GIF89a, which every browser and slide program plays.

use crate::Result;
use crate::project::atomic;
use std::io::{self, Write};
use std::path::Path;

/// Codes of the format's dictionary are at most 12 bits long.
const MOST: usize = 4096;
/// 256 greys are the first codes; then these two.
const CLEAR: u16 = 256;
const END: u16 = 257;

/// Grey frames of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Film {
    pub width: usize,
    pub height: usize,
    /// `width * height` greys each, row by row from the top.
    pub frames: Vec<Vec<u8>>,
    /// Time between two frames, hundredths of a second.
    pub pause: u16,
}

impl Film {
    /// Writes the film, which then repeats for ever, whole or not at all.
    ///
    /// # Errors
    /// [`crate::Error::Io`] with `path`; the file is then as it was.
    pub fn save(&self, path: &Path) -> Result<()> {
        atomic::write_file(path, |to| self.write(to))
    }

    /// Writes the film.
    ///
    /// # Errors
    /// What the writer says, and `InvalidInput` for no picture, or pictures of several or too large sizes.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let wrong = |problem: &str| io::Error::new(io::ErrorKind::InvalidInput, problem.to_owned());
        let size = |v: usize| u16::try_from(v).ok().filter(|v| *v > 0);
        let (Some(width), Some(height)) = (size(self.width), size(self.height)) else {
            return Err(wrong("the pictures of the film are empty or too large for a GIF"));
        };
        if self.frames.is_empty() || self.frames.iter().any(|f| f.len() != self.width * self.height) {
            return Err(wrong("the film has no picture, or pictures of several sizes"));
        }
        self.write_sized([width, height], to)
    }

    fn write_sized(&self, [width, height]: [u16; 2], to: &mut dyn Write) -> io::Result<()> {
        to.write_all(b"GIF89a")?;
        to.write_all(&[width.to_le_bytes(), height.to_le_bytes()].concat())?;
        // A table of 256 colours, 8 bits each.
        to.write_all(&[0xf7, 0, 0])?;
        let greys: Vec<u8> = (0..=255).flat_map(|v| [v; 3]).collect();
        to.write_all(&greys)?;
        to.write_all(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")?;
        for frame in &self.frames {
            let [low, high] = self.pause.to_le_bytes();
            to.write_all(&[0x21, 0xf9, 4, 0, low, high, 0, 0])?;
            to.write_all(&[0x2c, 0, 0, 0, 0])?;
            to.write_all(&[width.to_le_bytes(), height.to_le_bytes()].concat())?;
            to.write_all(&[0, 8])?;
            for block in packed(frame).chunks(255) {
                to.write_all(&[block.len() as u8])?;
                to.write_all(block)?;
            }
            to.write_all(&[0])?;
        }
        to.write_all(&[0x3b])
    }
}

/// Codes of growing length, the lowest bit first.
struct Bits {
    out: Vec<u8>,
    waiting: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, code: u16, length: u32) {
        self.waiting |= u32::from(code) << self.count;
        self.count += length;
        while self.count >= 8 {
            self.out.push(self.waiting as u8);
            self.waiting >>= 8;
            self.count -= 8;
        }
    }
}

/// Lempel, Ziv and Welch's compression (Welch 1984) as GIF wants it: the dictionary starts anew when it is full.
fn packed(pixels: &[u8]) -> Vec<u8> {
    let mut bits = Bits { out: Vec::new(), waiting: 0, count: 0 };
    // The code of a known string followed by one more grey; 0 where there is none.
    let mut next = vec![[0_u16; 256]; MOST];
    let (mut known, mut length) = (END + 1, 9);
    bits.put(CLEAR, length);
    let mut pixels = pixels.iter();
    let Some(first) = pixels.next() else { return bits.out };
    let mut string = u16::from(*first);
    for pixel in pixels {
        let longer = next[usize::from(string)][usize::from(*pixel)];
        if longer != 0 {
            string = longer;
            continue;
        }
        bits.put(string, length);
        if usize::from(known) < MOST {
            next[usize::from(string)][usize::from(*pixel)] = known;
            if u32::from(known) == 1 << length {
                length += 1;
            }
            known += 1;
        } else {
            bits.put(CLEAR, length);
            next.fill([0; 256]);
            (known, length) = (END + 1, 9);
        }
        string = u16::from(*pixel);
    }
    bits.put(string, length);
    // The reader's dictionary has grown by the last string, too, and with it the length of what follows.
    if u32::from(known) == 1 << length && length < 12 {
        length += 1;
    }
    bits.put(END, length);
    bits.put(0, 7);
    bits.out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader of the compression, written from the standard.
    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (Vec::new(), 0_usize);
        let mut dictionary: Vec<Vec<u8>> = Vec::new();
        let (mut length, mut before): (usize, Option<Vec<u8>>) = (9, None);
        loop {
            let code: usize =
                (0..length).map(|i| usize::from(bytes[(at + i) / 8] >> ((at + i) % 8) & 1) << i).sum();
            at += length;
            if code == usize::from(CLEAR) {
                dictionary = (0..258).map(|v| if v < 256 { vec![v as u8] } else { Vec::new() }).collect();
                (length, before) = (9, None);
                continue;
            }
            if code == usize::from(END) {
                return out;
            }
            let string = match (dictionary.get(code), &before) {
                (Some(string), _) => string.clone(),
                (None, Some(before)) => [before.clone(), vec![before[0]]].concat(),
                (None, None) => panic!("code {code} before any string"),
            };
            if let Some(before) = &before
                && dictionary.len() < MOST
            {
                dictionary.push([before.clone(), vec![string[0]]].concat());
            }
            if dictionary.len() == 1 << length && length < 12 {
                length += 1;
            }
            out.extend(&string);
            before = Some(string);
        }
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        let mut state = 1_u32;
        let mut noise = |levels: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % levels) as u8
        };
        // Flat, a slope, and noise that fills the dictionary several times over.
        let cases = [
            vec![7],
            vec![0; 5000],
            (0..9000).map(|i| (i / 40) as u8).collect(),
            (0..60_000).map(|_| noise(256)).collect::<Vec<u8>>(),
            (0..60_000).map(|_| noise(3)).collect(),
        ];
        for pixels in cases {
            let bytes = packed(&pixels);
            assert!(unpacked(&bytes) == pixels, "{} pixels", pixels.len());
        }
        // Every length of a short film, so that each place where the codes grow comes last once.
        for n in 250..1100 {
            let pixels: Vec<u8> = (0..n).map(|_| noise(256)).collect();
            assert!(unpacked(&packed(&pixels)) == pixels, "{n} pixels");
        }
    }

    #[test]
    fn a_film_has_its_frames_and_refuses_none() {
        let film = Film { width: 3, height: 2, frames: vec![vec![0; 6], vec![255; 6]], pause: 8 };
        let mut bytes = Vec::new();
        film.write(&mut bytes).unwrap();
        assert!(bytes.starts_with(b"GIF89a\x03\0\x02\0") && bytes.ends_with(&[0x3b]));
        let frames = bytes.windows(4).filter(|w| *w == [0x21, 0xf9, 4, 0]).count();
        assert_eq!(frames, 2);
        assert!(Film { frames: Vec::new(), ..film.clone() }.write(&mut Vec::new()).is_err());
        assert!(Film { width: 4, ..film }.write(&mut Vec::new()).is_err());
    }
}
