//! The displacement field that the lattice phase alone tells.

use super::map::Map;
use super::unwrap::unwrap_lattice;
use crate::Result;
use crate::lattice::{PhaseLock, Vector};
use crate::micrograph::stats::percentile;

/// How far the pattern lies from a perfect lattice, pixels along x and y, without jumps of a lattice vector and with
/// median 0, and the correlation of each window with the mean cell (0..=1).
///
/// `size` is the image's width and height, `step` the pixels between values of the maps, >= 1.
///
/// # Errors
/// [`crate::Error::Invalid`] for an image without pixels.
pub fn displacement(lock: &PhaseLock, size: (usize, usize), step: usize) -> Result<([Map; 2], Map)> {
    let (columns, rows, pitch, locks) = lock.grid();
    let lattice = lock.lattice();
    let quality: Vec<f32> = locks.iter().map(|l| l.agreement as f32).collect();
    let mut field: Vec<Vector> = locks
        .iter()
        .enumerate()
        .map(|(node, l)| {
            let centre = [((node % columns) * pitch) as f64, ((node / columns) * pitch) as f64];
            lattice.nearest([centre[0] + l.offset[0], centre[1] + l.offset[1]])
        })
        .collect();
    unwrap_lattice(&mut field, &quality, columns, rows, lattice);
    let component = |i: usize| -> Vec<f32> {
        let values: Vec<f32> = field.iter().map(|u| u[i] as f32).collect();
        let usual = percentile(&values, 50.0);
        values.iter().map(|v| v - usual).collect()
    };
    let spread = |values: &[f32]| spread(values, columns, rows, pitch, size, step.max(1));
    Ok(([spread(&component(0))?, spread(&component(1))?], spread(&quality)?))
}

/// Values at nodes `pitch` pixels apart as a map over an image, bilinear, NaN where a node nearby is NaN.
pub(super) fn spread(
    values: &[f32],
    columns: usize,
    rows: usize,
    pitch: usize,
    (width, height): (usize, usize),
    step: usize,
) -> Result<Map> {
    use rayon::prelude::*;
    let nodes = Map::new(columns, rows, values.to_vec(), pitch as f64, [0.0; 2])?;
    let (w, h) = (width.div_ceil(step), height.div_ceil(step));
    let mut out = vec![f32::NAN; w * h];
    out.par_chunks_exact_mut(w.max(1)).enumerate().for_each(|(y, row)| {
        for (x, to) in row.iter_mut().enumerate() {
            *to = nodes.at([(x * step) as f64, (y * step) as f64]).unwrap_or(f32::NAN);
        }
    });
    Map::new(w, h, out, step as f64, [0.0; 2])
}
