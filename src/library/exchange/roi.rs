//! ImageJ's regions of interest: points and rectangles, one in a `.roi`, several in a `.zip` as its ROI Manager keeps
//! them. <https://imagej.net/ij/developer/source/ij/io/RoiDecoder.java.html>
//!
//! ImageJ's pixels are squares from their corner, so a point of the middle of the top-left pixel is (0.5, 0.5); a point
//! in whole numbers, without its sub-pixel flag, names a pixel. The name of a region, unless ImageJ made it up from
//! numbers, is the class.

use super::row;
use crate::particle::{ClassId, Particle};
use crate::project::labels::LabelRow;
use crate::project::{MicrographEntry, Project};
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;

const FORMAT: &str = "ImageJ ROI";
/// Bytes of the first header; coordinates follow.
const HEADER: usize = 64;
const RECTANGLE: u8 = 1;
const POINT: u8 = 10;
const SUB_PIXEL: i16 = 128;
/// Where the position in a stack stands.
const SLICE: usize = 56;
/// No region of points is larger: 100,000 points have 1.2 MB.
const MOST_BYTES: u64 = 64 << 20;

/// `page_of` names another page, from 0, of the file that a micrograph comes from.
pub(super) fn read(
    path: &Path,
    image: impl Fn() -> Result<String>,
    page_of: &dyn Fn(&str, usize) -> String,
) -> Result<Vec<LabelRow>> {
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "open", source))?;
    let image = image()?;
    let mut rows = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| -> Result<()> {
        let wrong = |problem: &str| Error::file(path, FORMAT, name.to_owned(), problem.to_owned());
        let roi = Roi::read(bytes).map_err(|problem| wrong(&problem))?;
        let class = roi.name.clone().or_else(|| Some(name.trim_end_matches(".roi").to_owned()));
        let class = class.filter(|name| !name.is_empty() && !made_up(name));
        for (i, (x, y, diameter)) in roi.points.into_iter().enumerate() {
            // Slices count from 1; 0 is all of them.
            let slice = roi.slices.get(i).copied().filter(|slice| *slice > 0).unwrap_or(roi.slice);
            let page = slice.checked_sub(1).map(|page| page_of(&image, page as usize));
            let mut row = row(rows.len() + 1, page.as_deref().unwrap_or(&image), x, y);
            (row.class, row.diameter) = (class.clone(), diameter);
            rows.push(row);
        }
        Ok(())
    };
    if bytes.starts_with(b"Iout") {
        // A file of its own is named after the picture, not after a class.
        add("", &bytes)?;
        return Ok(rows);
    }
    let broken = |error: zip::result::ZipError| Error::file(path, FORMAT, "archive", error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    for i in 0..archive.len() {
        let entry = archive.by_index(i).map_err(broken)?;
        let name = entry.name().map_err(broken)?.rsplit('/').next().unwrap_or_default().to_owned();
        if !name.ends_with(".roi") {
            continue;
        }
        let mut bytes = Vec::new();
        let read = entry.take(MOST_BYTES).read_to_end(&mut bytes);
        read.map_err(|error| Error::file(path, FORMAT, name.clone(), error.to_string()))?;
        add(&name, &bytes)?;
    }
    Ok(rows)
}

/// True for the names that ImageJ gives by itself, such as `0123-0456` or `0001-0123-0456`: its numbers have four digits at
/// least. A number alone, or sizes such as `10-20`, may be a class.
fn made_up(name: &str) -> bool {
    let number = |part: &str| part.len() >= 4 && part.chars().all(|c| c.is_ascii_digit());
    name.contains('-') && name.split('-').all(number)
}

struct Roi {
    name: Option<String>,
    /// The slice of the stack, from 1; 0 without one. Points may have their own.
    slice: u32,
    slices: Vec<u32>,
    /// Our x and y, and the shorter side of a rectangle.
    points: Vec<(f64, f64, Option<f32>)>,
}

impl Roi {
    fn read(bytes: &[u8]) -> std::result::Result<Self, String> {
        let short = |at: usize| {
            let bytes = bytes.get(at..at + 2).and_then(|b| b.try_into().ok());
            bytes.map(i16::from_be_bytes).ok_or_else(|| "the file is truncated".to_owned())
        };
        let word = |at: usize| {
            let bytes = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
            bytes.map(u32::from_be_bytes).ok_or_else(|| "the file is truncated".to_owned())
        };
        let float = |at: usize| word(at).map(|bits| f64::from(f32::from_bits(bits)));
        if !bytes.starts_with(b"Iout") || bytes.len() < HEADER {
            return Err("this is no region of ImageJ".into());
        }
        let (version, kind) = (short(4)?, bytes[6]);
        let [top, left, bottom, right] = [short(8)?, short(10)?, short(12)?, short(14)?].map(f64::from);
        let exact = version >= 222 && short(50)? & SUB_PIXEL != 0;
        let points = match kind {
            RECTANGLE => {
                let [x, y, w, h] = if exact {
                    [float(18)?, float(22)?, float(26)?, float(30)?]
                } else {
                    [left, top, right - left, bottom - top]
                };
                vec![(x + w / 2.0 - 0.5, y + h / 2.0 - 0.5, Some(w.min(h) as f32))]
            }
            POINT => {
                let small = usize::from(short(16)? as u16);
                let count = if small == 0 { word(18)? as usize } else { small };
                let (base, size) = if exact { (HEADER + 4 * count, 4) } else { (HEADER, 2) };
                if bytes.len() < base + 2 * size * count {
                    return Err(format!("it claims {count} points, more than it holds"));
                }
                let point = |i: usize| -> std::result::Result<(f64, f64, Option<f32>), String> {
                    let (x, y) = (base + size * i, base + size * (count + i));
                    Ok(if exact {
                        (float(x)? - 0.5, float(y)? - 0.5, None)
                    } else {
                        (left + f64::from(short(x)?), top + f64::from(short(y)?), None)
                    })
                };
                (0..count).map(point).collect::<std::result::Result<_, String>>()?
            }
            other => {
                return Err(format!("a region of kind {other}: only points and rectangles are particles"));
            }
        };
        if points
            .iter()
            .any(|(x, y, d)| !x.is_finite() || !y.is_finite() || d.is_some_and(|d| d.is_nan() || d <= 0.0))
        {
            return Err("its coordinates are no place on a picture".into());
        }
        let slices = slices(bytes, &word, points.len());
        Ok(Self { name: name(bytes, &word), slice: word(SLICE)?, slices, points })
    }

    /// Points with their sub-pixel flag, as ImageJ writes them, and their name in a second header.
    fn points(particles: &[&Particle], name: Option<&str>, slice: u32) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let edge = |of: &dyn Fn(&Particle) -> f32, fold: fn(f32, f32) -> f32, start: f32| {
            particles.iter().map(|p| of(p) + 0.5).fold(start, fold).floor() as i16
        };
        let (left, top) =
            (edge(&|p: &Particle| p.x, f32::min, f32::MAX), edge(&|p: &Particle| p.y, f32::min, f32::MAX));
        let (right, bottom) =
            (edge(&|p: &Particle| p.x, f32::max, f32::MIN), edge(&|p: &Particle| p.y, f32::max, f32::MIN));
        put(0, b"Iout");
        put(4, &227_i16.to_be_bytes());
        put(6, &[POINT]);
        for (at, value) in
            [(8, top), (10, left), (12, bottom.saturating_add(1)), (14, right.saturating_add(1))]
        {
            put(at, &value.to_be_bytes());
        }
        match u16::try_from(particles.len()) {
            Ok(count) => put(16, &count.to_be_bytes()),
            Err(_) => put(18, &(particles.len() as u32).to_be_bytes()),
        }
        put(50, &SUB_PIXEL.to_be_bytes());
        put(SLICE, &slice.to_be_bytes());
        let axes: [(Axis, i16); 2] = [(|p| p.x, left), (|p| p.y, top)];
        for (of, start) in axes {
            for particle in particles {
                let whole = ((of(particle) + 0.5).floor() as i16).wrapping_sub(start);
                bytes.extend(whole.to_be_bytes());
            }
        }
        for (of, _) in axes {
            bytes.extend(particles.iter().flat_map(|particle| (of(particle) + 0.5).to_be_bytes()));
        }
        if let Some(name) = name {
            let letters: Vec<u16> = name.encode_utf16().collect();
            let second = bytes.len();
            bytes[60..64].copy_from_slice(&(second as u32).to_be_bytes());
            bytes.resize(second + HEADER, 0);
            let name_at = (second + HEADER) as u32;
            bytes[second + 16..second + 20].copy_from_slice(&name_at.to_be_bytes());
            bytes[second + 20..second + 24].copy_from_slice(&(letters.len() as u32).to_be_bytes());
            bytes.extend(letters.iter().flat_map(|letter| letter.to_be_bytes()));
        }
        bytes
    }
}

/// Where the second header begins.
fn second(bytes: &[u8], word: &dyn Fn(usize) -> std::result::Result<u32, String>) -> Option<usize> {
    let second = word(60).ok()? as usize;
    (second >= HEADER && second < bytes.len()).then_some(second)
}

/// The slices of the points, behind their counters in the second header; empty where they have none of their own.
fn slices(bytes: &[u8], word: &dyn Fn(usize) -> std::result::Result<u32, String>, points: usize) -> Vec<u32> {
    let at = second(bytes, word).and_then(|second| word(second + 48).ok()).unwrap_or_default() as usize;
    if at < HEADER {
        return Vec::new();
    }
    (0..points).map_while(|i| word(at + 4 * i).ok()).map(|counter| counter >> 8).collect()
}

/// The name in the second header, in UTF-16.
fn name(bytes: &[u8], word: &dyn Fn(usize) -> std::result::Result<u32, String>) -> Option<String> {
    let second = second(bytes, word)?;
    let (at, length) = (word(second + 16).ok()? as usize, word(second + 20).ok()? as usize);
    let letters = bytes.get(at..at.checked_add(length.checked_mul(2)?)?)?;
    let letters = letters.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let name: String = char::decode_utf16(letters).map(|c| c.unwrap_or('?')).collect();
    (length > 0).then(|| name.trim().to_owned())
}

/// x or y of a particle.
type Axis = fn(&Particle) -> f32;

/// A zip with one region of points a class.
pub(super) fn write(project: &Project, entry: &MicrographEntry) -> io::Result<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut taken = BTreeSet::new();
    let slice = if project.is_of_a_stack(entry) { entry.page as u32 + 1 } else { 0 };
    let mut add = |file: &str, name: Option<&str>, label: Option<ClassId>| -> io::Result<()> {
        let particles: Vec<&Particle> = project.particles_on(entry.id).filter(|p| p.label == label).collect();
        if particles.is_empty() {
            return Ok(());
        }
        // The names of two classes may differ in what no file name may have.
        let mut file = file.to_owned();
        while !taken.insert(file.clone()) {
            file.push('_');
        }
        archive.start_file(format!("{file}.roi"), stored).map_err(io::Error::other)?;
        archive.write_all(&Roi::points(&particles, name, slice))
    };
    for class in &project.classes {
        add(&class.name.replace(['/', '\\'], "_"), Some(&class.name), Some(class.id))?;
    }
    // ImageJ's kind of name, which is no class.
    add("0000-0000", None, None)?;
    Ok(archive.finish().map_err(io::Error::other)?.into_inner())
}
