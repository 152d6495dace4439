//! `stack.mrcs`: all patches in the order of `library.csv`, as an MRC2014 image stack of 32-bit floats.

use std::io::{self, Write};

/// Writes `pixels`, `[count, side, side]`, top row first: the first row in the file is the top row.
///
/// `pixel_nm` is one pixel in nanometres; without it the header says 0, which means not calibrated.
///
/// # Errors
/// What the writer says, and `InvalidInput` if the sizes do not fit or do not go into the header.
pub fn write(pixels: &[f32], side: usize, pixel_nm: Option<f64>, to: &mut dyn Write) -> io::Result<()> {
    let wrong = |problem: &str| io::Error::new(io::ErrorKind::InvalidInput, problem.to_owned());
    if side == 0 || !pixels.len().is_multiple_of(side * side) {
        return Err(wrong("the pixels are not a whole number of patches"));
    }
    let count =
        i32::try_from(pixels.len() / (side * side)).map_err(|_| wrong("too many patches for one stack"))?;
    let side = i32::try_from(side).map_err(|_| wrong("the patches are too large"))?;
    to.write_all(&header(pixels, side, count, pixel_nm))?;
    let mut bytes = Vec::with_capacity(4 * 4096);
    for piece in pixels.chunks(4096) {
        bytes.clear();
        bytes.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
        to.write_all(&bytes)?;
    }
    Ok(())
}

fn header(pixels: &[f32], side: i32, count: i32, pixel_nm: Option<f64>) -> [u8; 1024] {
    let mut header = [0_u8; 1024];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    for (at, value) in [(0, side), (4, side), (8, count), (12, 2), (28, side), (32, side), (36, 1)] {
        put(at, &value.to_le_bytes()); // nx, ny, nz, mode; mx, my, mz
    }
    let angstrom = pixel_nm.unwrap_or(0.0) as f32 * 10.0;
    for (at, value) in [(40, angstrom * side as f32), (44, angstrom * side as f32), (48, angstrom)] {
        put(at, &value.to_le_bytes()); // size of the cell
    }
    for at in [52, 56, 60] {
        put(at, &90.0_f32.to_le_bytes()); // its angles
    }
    for (at, axis) in [(64, 1_i32), (68, 2), (72, 3)] {
        put(at, &axis.to_le_bytes()); // columns are x, rows y, sections z
    }
    let [min, max, mean, rms] = statistics(pixels);
    for (at, value) in [(76, min), (80, max), (84, mean), (216, rms)] {
        put(at, &value.to_le_bytes());
    }
    put(108, &20141_i32.to_le_bytes());
    put(208, b"MAP ");
    put(212, &[0x44, 0x44, 0, 0]);
    put(220, &1_i32.to_le_bytes());
    put(224, &[b' '; 80]);
    put(
        224,
        concat!("nanotheca ", env!("CARGO_PKG_VERSION"), ": particle patches, intensities 0 to 1").as_bytes(),
    );
    header
}

/// Minimum, maximum, mean, and root mean square deviation from the mean.
fn statistics(pixels: &[f32]) -> [f32; 4] {
    if pixels.is_empty() {
        return [0.0; 4];
    }
    let count = pixels.len() as f64;
    let mean = pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let variance = pixels.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    let min = pixels.iter().copied().fold(f32::INFINITY, f32::min);
    let max = pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    [min, max, mean as f32, variance.sqrt() as f32]
}
