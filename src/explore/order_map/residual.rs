//! What a model leaves of an image.

use super::plan::Prepared;
use super::registered::Registered;
use super::windows::{Canvas, Windows};
use crate::error::Result;
use crate::model::vae::{PixelSubset, Vae};
use crate::order::Map;
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// A drawn cell counts round its origin with a Gaussian of this part of the longest lattice vector, out to so many of its
/// standard deviations.
const SHARE: f64 = 0.3;
const REACH: f64 = 2.8;
/// The error is a mean over a Gaussian of this part of the shortest lattice vector (of the window without a lattice).
const BLUR: f64 = 0.2;
/// Cells at the border are drawn like another at most so many of the longest lattice vector away.
const BORDER: f64 = 1.6;
/// Windows decoded together.
const TOGETHER: usize = 256;

/// Image less model at each pixel, in parts of the range that the model sees; NaN where no cell is near. `None` without
/// phase locking, where windows do not fit together.
///
/// # Errors
/// A device that stopped answering.
pub fn residual(vae: &Vae, prepared: &Prepared) -> Result<Option<Map>> {
    let Windows::Registered(registered) = &prepared.windows else { return Ok(None) };
    let canvas = &registered.canvas;
    let drawn = draw_cells(vae, registered)?;
    let long = registered.cells.lattice().lengths()[1];
    let sigma = SHARE * long;
    let reach = (REACH * sigma).min(canvas.shape.half());
    let side = canvas.side();
    let (w, h) = (canvas.width, canvas.height);
    let mut out = vec![f32::NAN; w * h];
    let mut slots = vec![None; registered.cells.all().len()];
    registered.rows.iter().enumerate().for_each(|(slot, &cell)| slots[cell] = Some(slot));
    to_the_border(&mut slots, registered, BORDER * long);
    out.par_chunks_exact_mut(w).enumerate().for_each(|(y, row)| {
        for (x, out) in row.iter_mut().enumerate() {
            let place = [x as f64, y as f64];
            let (mut sum, mut total) = (0.0, 0.0);
            for cell in registered.cells.near(place, reach) {
                let Some(slot) = slots[cell] else { continue };
                let origin = registered.cells.all()[cell].origin;
                let off = [place[0] - origin[0], place[1] - origin[1]];
                let at = off.map(|d| (d + canvas.shape.half()) / canvas.shape.pitch);
                let pixels = &drawn[slot * side * side..(slot + 1) * side * side];
                if let Some(value) = bilinear(pixels, side, at) {
                    let weight = (-0.5 * (off[0].powi(2) + off[1].powi(2)) / (sigma * sigma)).exp() as f32;
                    sum += weight * value;
                    total += weight;
                }
            }
            if total > 0.0 {
                *out = canvas.pixels[y * w + x] - sum / total;
            }
        }
    });
    if let Some(counts) = &canvas.counts {
        out.iter_mut().zip(counts.iter()).filter(|(_, counts)| !**counts).for_each(|(v, _)| *v = f32::NAN);
    }
    Ok(Some(Map::over(w, h, out)?))
}

/// Root mean square of what the model leaves, in the image's own units.
///
/// # Errors
/// A device that stopped answering.
pub fn error(vae: &Vae, prepared: &Prepared, stride: usize) -> Result<Map> {
    let plan = &prepared.plan;
    let units = plan.range[1] - plan.range[0];
    match (residual(vae, prepared)?, &plan.found) {
        (Some(residual), Some(found)) => {
            let square = residual.with(residual.values.iter().map(|v| v * v).collect())?;
            let blurred = blur(&square, BLUR * found.lattice.lengths()[0]);
            let (w, h) = (residual.width.div_ceil(stride), residual.height.div_ceil(stride));
            let value = |i: usize| {
                let at = (i / w * stride) * residual.width + i % w * stride;
                if residual.values[at].is_finite() { blurred[at].max(0.0).sqrt() * units } else { f32::NAN }
            };
            Map::new(w, h, (0..w * h).map(value).collect(), stride as f64, [0.0; 2])
        }
        _ => anywhere(vae, prepared.windows.canvas(), stride, units),
    }
}

/// Cells whose window is cut off by the border look as the nearest usable one within `furthest` pixels.
fn to_the_border(slots: &mut [Option<usize>], registered: &Registered, furthest: f64) {
    let all = registered.cells.all();
    let apart = |a: usize, b: usize| {
        let [a, b] = [all[a].origin, all[b].origin];
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    for cell in (0..slots.len()).filter(|&cell| slots[cell].is_none()).collect::<Vec<_>>() {
        let usable = registered.rows.iter().enumerate().map(|(slot, &usable)| (slot, apart(cell, usable)));
        let nearest = usable.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, apart)| *apart < furthest);
        slots[cell] = nearest.map(|(slot, _)| slot);
    }
}

/// What the model draws for each usable cell at the cell's own latents, `[cells, side * side]`.
fn draw_cells(vae: &Vae, registered: &Registered) -> Result<Vec<f32>> {
    let pixels = registered.canvas.side().pow(2);
    let all = PixelSubset::all(&vae.config);
    let mut drawn = Vec::with_capacity(registered.rows.len() * pixels);
    for cells in registered.rows.chunks(TOGETHER) {
        let mut windows = vec![0.0; cells.len() * pixels];
        windows.par_chunks_exact_mut(pixels).zip(cells).for_each(|(out, &cell)| {
            registered.blend(registered.cells.all()[cell].origin, &registered.values, out);
        });
        drawn.extend(reconstruct(vae, &windows, &all)?);
    }
    Ok(drawn)
}

/// What the model draws at the mean latents of windows `[n, pixels]`.
///
/// # Errors
/// A device that stopped answering.
pub fn reconstruct(vae: &Vae, windows: &[f32], all: &PixelSubset) -> Result<Vec<f32>> {
    let pixels = vae.config.pixels();
    let rows = windows.len() / pixels;
    let x = Tensor::<2>::from_data(TensorData::new(windows.to_vec(), [rows, pixels]), &vae.device());
    let mean = vae.encode_all(x).mean;
    host(vae.decode(mean, &vec![0; rows], &all.grid))
}

/// The error of the middle of windows cut anywhere, on a coarse grid, spread over the map.
fn anywhere(vae: &Vae, canvas: &Canvas, stride: usize, units: f32) -> Result<Map> {
    let side = canvas.side();
    let step = ((BLUR * side as f64 * canvas.shape.pitch).round() as usize).max(stride).max(1);
    let (columns, rows) = (canvas.width.div_ceil(step), canvas.height.div_ceil(step));
    let all = PixelSubset::all(&vae.config);
    let mut values = vec![f32::NAN; columns * rows];
    let nodes: Vec<usize> = (0..columns * rows)
        .filter(|n| canvas.usable([(n % columns * step) as f64, (n / columns * step) as f64]))
        .collect();
    for nodes in nodes.chunks(TOGETHER) {
        let mut windows = vec![0.0; nodes.len() * side * side];
        windows.par_chunks_exact_mut(side * side).zip(nodes).for_each(|(out, n)| {
            canvas.cut([(n % columns * step) as f64, (n / columns * step) as f64], out);
        });
        let drawn = reconstruct(vae, &windows, &all)?;
        let pairs = windows.chunks_exact(side * side).zip(drawn.chunks_exact(side * side));
        for (node, (window, drawn)) in nodes.iter().zip(pairs) {
            let middle = |i: &usize| {
                let off = [i % side, i / side].map(|v| v as f64 - 0.5 * (side - 1) as f64);
                off[0].hypot(off[1]) < 0.25 * side as f64
            };
            let squares: Vec<f32> =
                (0..side * side).filter(middle).map(|i| (window[i] - drawn[i]).powi(2)).collect();
            values[*node] = (squares.iter().sum::<f32>() / squares.len().max(1) as f32).sqrt() * units;
        }
    }
    let coarse = Map::new(columns, rows, values, step as f64, [0.0; 2])?;
    let (w, h) = (canvas.width.div_ceil(stride), canvas.height.div_ceil(stride));
    let value = |i: usize| {
        let place = [(i % w * stride) as f64, (i / w * stride) as f64];
        coarse.at(place).unwrap_or(f32::NAN)
    };
    Map::new(w, h, (0..w * h).map(value).collect(), stride as f64, [0.0; 2])
}

fn bilinear(pixels: &[f32], side: usize, at: [f64; 2]) -> Option<f32> {
    let last = (side - 1) as f64;
    if at.iter().any(|v| *v < 0.0 || *v > last) {
        return None;
    }
    let [x, y] = at.map(|v| (v.floor() as usize).min(side.saturating_sub(2)));
    let (fx, fy) = ((at[0] - x as f64) as f32, (at[1] - y as f64) as f32);
    let row = |y: usize| {
        let (a, b) = (pixels[y * side + x], pixels[y * side + x + 1]);
        a + (b - a) * fx
    };
    let (top, bottom) = (row(y), row(y + 1));
    Some(top + (bottom - top) * fy)
}

/// A Gaussian mean over the known pixels.
fn blur(map: &Map, sigma: f64) -> Vec<f32> {
    crate::order::outlier::smoothed(&map.values, map.width, map.height, sigma)
}
