//! `classes/`: a folder of 8-bit grey PNGs per class; `sheets/`: a page of each; and names that every file system takes.

use super::{Library, figure};
use crate::micrograph::PixelSize;
use image::{ImageEncoder, Rgb, RgbImage};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Longest name of a folder or a micrograph within a file name, in characters.
const LONGEST: usize = 48;
/// Particles in a row of a sheet, and rows.
const ACROSS: usize = 10;
const MOST: usize = ACROSS * ACROSS;
/// Where a sheet's last row is not full.
const EMPTY: u8 = 255;

/// The folder of each class, then the one of particles without a class; no two alike, also where case is ignored.
pub fn folders(classes: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    classes
        .iter()
        .map(String::as_str)
        .chain(["unclassified"])
        .map(|name| unique(&safe_name(name), &mut taken))
        .collect()
}

/// The file of a record within its class's folder: its number in the stack, from 1, and its micrograph.
pub fn file_name(library: &Library, index: usize) -> String {
    let micrograph = library.records.get(index).map_or("", |record| record.micrograph.as_str());
    format!("{:06}_{}.png", index + 1, safe_name(without_extension(micrograph)))
}

/// Writes one patch as an 8-bit grey PNG: 0 is black, 1 white.
///
/// # Errors
/// What the writer says.
pub fn write(patch: &[f32], side: usize, to: &mut dyn Write) -> io::Result<()> {
    let grey: Vec<u8> = patch.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    write_grey(&grey, side, side, to)
}

/// Up to a hundred of these records on one page with a scale bar, taken evenly from all of them.
pub fn sheet(library: &Library, members: &[usize]) -> RgbImage {
    let (count, side) = (members.len().min(MOST), library.side);
    let columns = (1..ACROSS).find(|n| n * n >= count).unwrap_or(ACROSS);
    let rows = count.div_ceil(columns).max(1);
    let value = |place: usize| {
        let [x, y] = [place % (columns * side), place / (columns * side)];
        let slot = y / side * columns + x / side;
        let member = members.get(slot * members.len() / count.max(1)).filter(|_| slot < count);
        let at = y % side * side + x % side;
        let value = member.and_then(|member| library.patch(*member).get(at));
        Rgb([value.map_or(EMPTY, |v| (v.clamp(0.0, 1.0) * 255.0).round() as u8); 3])
    };
    let pixel = library.patch_pixel_nm().and_then(|nm| PixelSize::new(nm, nm));
    figure::paint([columns * side, rows * side], 1.0, pixel, value, figure::LARGEST)
}

/// Writes `[height, width]` grey values as an 8-bit PNG.
///
/// # Errors
/// What the writer says.
pub fn write_grey(grey: &[u8], width: usize, height: usize, to: &mut dyn Write) -> io::Result<()> {
    write_png(grey, (width, height), image::ExtendedColorType::L8, to)
}

/// Red, green and blue of each pixel as PNG.
///
/// # Errors
/// What the writer says.
pub fn write_colour(rgb: &[u8], width: usize, height: usize, to: &mut dyn Write) -> io::Result<()> {
    write_png(rgb, (width, height), image::ExtendedColorType::Rgb8, to)
}

fn write_png(
    bytes: &[u8],
    (width, height): (usize, usize),
    kind: image::ExtendedColorType,
    to: &mut dyn Write,
) -> io::Result<()> {
    let size = |v: usize| u32::try_from(v).map_err(io::Error::other);
    let encoder = image::codecs::png::PngEncoder::new(to);
    encoder.write_image(bytes, size(width)?, size(height)?, kind).map_err(|error| match error {
        image::ImageError::IoError(error) => error,
        other => io::Error::other(other),
    })
}

/// Letters and digits of any script, `-`, `_` and `.` stay, all else becomes `_`; never empty, hidden or reserved.
pub fn safe_name(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = name.chars().map(keep).take(LONGEST).collect();
    let name = name.trim_matches('.');
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    match name {
        "" => "_".to_owned(),
        name if device => format!("_{name}"),
        name => name.to_owned(),
    }
}

fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.to_lowercase()) {
        candidate = format!("{name}_{number}");
        number += 1;
    }
    candidate
}

fn without_extension(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if dot > 0 && !name[dot..].contains(['/', '#']) => &name[..dot],
        _ => name,
    }
}
