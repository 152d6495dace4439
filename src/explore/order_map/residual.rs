//! What a model leaves of an image, a part at a time, so that the pass can be shown as it goes and stopped.

use super::plan::Prepared;
use super::registered::Registered;
use super::windows::{Canvas, Freed, Windows};
use crate::error::Result;
use crate::lattice;
use crate::model::vae::{PixelSubset, Vae};
use crate::order::Map;
use crate::order::outlier::smoothed;
use crate::train::shift::Normalisation;
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A drawn cell counts round its origin with a Gaussian of this part of the longest lattice vector, out to so many of its
/// standard deviations.
const SHARE: f64 = 0.3;
const REACH: f64 = 2.8;
/// The error is a mean over a Gaussian of this part of the shortest lattice vector (of the window without a lattice).
const BLUR: f64 = 0.2;
/// Cells at the border are drawn like another at most so many of the longest lattice vector away.
const BORDER: f64 = 1.6;
/// Windows decoded together, and pixels of the image compared with what was drawn in one part.
const TOGETHER: usize = 256;
const BAND: usize = 1 << 16;

/// What is left of an image.
pub struct Left {
    /// Root mean square, in the image's own units, on the grid of the maps.
    pub error: Map,
    /// Image less model at each pixel, in parts of the range that the model sees; NaN where no cell is near. `None` without
    /// phase locking, where windows do not fit together.
    pub residual: Option<Map>,
}

/// The pass over the image, under way.
pub struct Residual {
    vae: Vae,
    prepared: Arc<Prepared>,
    stride: usize,
    work: Work,
}

enum Work {
    Cells(Cells),
    Anywhere(Anywhere),
}

/// With phase locking: every cell is drawn, then every pixel compared with the cells near it.
struct Cells {
    /// What the model draws for each usable cell, `[cells, side * side]`.
    drawn: Vec<f32>,
    /// Which of those stands for each cell of the image.
    slots: Vec<Option<usize>>,
    /// Image less model, row by row.
    left: Vec<f32>,
}

/// Without: the middle of windows cut anywhere, on a coarse grid.
struct Anywhere {
    step: usize,
    size: [usize; 2],
    /// Usable places of the grid.
    nodes: Vec<usize>,
    done: usize,
    values: Vec<f32>,
}

impl Residual {
    /// A pass that ends with an error every `stride` pixels.
    pub fn new(vae: Vae, prepared: Arc<Prepared>, stride: usize) -> Self {
        let work = match &prepared.windows {
            Windows::Registered(registered) => Work::Cells(Cells::new(registered)),
            Windows::Anywhere(canvas) => Work::Anywhere(Anywhere::new(canvas, stride)),
        };
        Self { vae, prepared, stride, work }
    }

    /// How much is done, 0..=1.
    pub fn share(&self) -> f32 {
        let part = |done: usize, of: usize| done as f32 / of.max(1) as f32;
        match (&self.work, &self.prepared.windows) {
            (Work::Cells(cells), Windows::Registered(registered)) => {
                let canvas = &registered.canvas;
                let drawn = part(cells.drawn.len(), registered.rows.len() * canvas.side().pow(2));
                0.5 * (drawn + part(cells.left.len(), canvas.width * canvas.height))
            }
            (Work::Anywhere(at), _) => part(at.done, at.nodes.len()),
            _ => 1.0,
        }
    }

    /// Does some more; true once all is done.
    ///
    /// # Errors
    /// A device that stopped answering.
    pub fn advance(&mut self) -> Result<bool> {
        let Self { vae, prepared, work, .. } = self;
        match (work, &prepared.windows) {
            (Work::Cells(cells), Windows::Registered(registered)) => cells.advance(vae, registered),
            (Work::Anywhere(at), windows) => {
                let [low, high] = prepared.plan.range;
                at.advance(vae, windows.canvas(), high - low)
            }
            _ => Ok(true),
        }
    }

    /// What was found.
    ///
    /// # Errors
    /// Sizes that do not fit together.
    pub fn left(self) -> Result<Left> {
        let Self { prepared, stride, work, .. } = self;
        let (plan, canvas) = (&prepared.plan, prepared.windows.canvas());
        match work {
            Work::Anywhere(at) => Ok(Left { error: at.spread(canvas, stride)?, residual: None }),
            Work::Cells(cells) => {
                let residual = Map::over(canvas.width, canvas.height, cells.left)?;
                let short = plan.found.as_ref().map_or(plan.window_px, |found| found.lattice.lengths()[0]);
                let error = error(&residual, BLUR * short, stride, plan.range[1] - plan.range[0])?;
                Ok(Left { error, residual: Some(residual) })
            }
        }
    }
}

impl Cells {
    fn new(registered: &Registered) -> Self {
        let mut slots = vec![None; registered.cells.all().len()];
        registered.rows.iter().enumerate().for_each(|(slot, &cell)| slots[cell] = Some(slot));
        // What a window at the border would be freed of is not known: another one's level would stand out there.
        if registered.canvas.normalisation == Normalisation::None {
            slots = to_the_border(&slots, &registered.cells);
        }
        Self { drawn: Vec::new(), slots, left: Vec::new() }
    }

    fn advance(&mut self, vae: &Vae, registered: &Registered) -> Result<bool> {
        let canvas = &registered.canvas;
        let first = self.drawn.len() / canvas.side().pow(2).max(1);
        if first < registered.rows.len() {
            let last = registered.rows.len().min(first + TOGETHER);
            self.drawn.extend(draw(vae, registered, first..last)?);
            return Ok(false);
        }
        let from = self.left.len() / canvas.width.max(1);
        let rows = (BAND / canvas.width.max(1)).max(1).min(canvas.height - from);
        self.compare(registered, from, rows);
        Ok(from + rows >= canvas.height)
    }

    /// Image less model for some rows.
    fn compare(&mut self, registered: &Registered, from: usize, rows: usize) {
        let canvas = &registered.canvas;
        let sigma = SHARE * registered.cells.lattice().lengths()[1];
        let reach = (REACH * sigma).min(canvas.shape.half());
        let (side, w) = (canvas.side(), canvas.width);
        let mut out = vec![f32::NAN; w * rows];
        out.par_chunks_exact_mut(w).enumerate().for_each(|(row, line)| {
            let y = from + row;
            for (x, out) in line.iter_mut().enumerate() {
                let place = [x as f64, y as f64];
                let (mut sum, mut total) = (0.0, 0.0);
                for cell in registered.cells.near(place, reach) {
                    let Some(slot) = self.slots[cell] else { continue };
                    let origin = registered.cells.all()[cell].origin;
                    let off = [place[0] - origin[0], place[1] - origin[1]];
                    let at = off.map(|d| (d + canvas.shape.half()) / canvas.shape.pitch);
                    let pixels = &self.drawn[slot * side * side..(slot + 1) * side * side];
                    if let Some(value) = bilinear(pixels, side, at) {
                        let weight =
                            (-0.5 * (off[0].powi(2) + off[1].powi(2)) / (sigma * sigma)).exp() as f32;
                        sum += weight * value;
                        total += weight;
                    }
                }
                let counts = canvas.counts.as_ref().is_none_or(|counts| counts[y * w + x]);
                if total > 0.0 && counts {
                    *out = canvas.pixels[y * w + x] - sum / total;
                }
            }
        });
        self.left.extend(out);
    }
}

/// Root mean square of a residual over a Gaussian, in the image's own units.
fn error(residual: &Map, sigma: f64, stride: usize, units: f32) -> Result<Map> {
    let square = residual.with(residual.values.iter().map(|v| v * v).collect())?;
    let blurred = smoothed(&square.values, square.width, square.height, sigma);
    let (w, h) = (residual.width.div_ceil(stride), residual.height.div_ceil(stride));
    let value = |i: usize| {
        let at = (i / w * stride) * residual.width + i % w * stride;
        if residual.values[at].is_finite() { blurred[at].max(0.0).sqrt() * units } else { f32::NAN }
    };
    Map::new(w, h, (0..w * h).map(value).collect(), stride as f64, [0.0; 2])
}

/// The same where cells whose window is cut off by the border look as the nearest usable one, if it is not too far.
fn to_the_border(slots: &[Option<usize>], cells: &lattice::Cells) -> Vec<Option<usize>> {
    let all = cells.all();
    let furthest = BORDER * cells.lattice().lengths()[1];
    let nearest = |cell: usize| {
        let at = all[cell].origin;
        let apart = |other: usize| (all[other].origin[0] - at[0]).hypot(all[other].origin[1] - at[1]);
        let usable = cells.near(at, furthest).filter_map(|other| Some((apart(other), slots[other]?)));
        usable.min_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1))).map(|(_, slot)| slot)
    };
    (0..slots.len()).map(|cell| slots[cell].or_else(|| nearest(cell))).collect()
}

/// What the model draws for some usable cells at the cells' own latents, each with its own level and contrast,
/// `[cells, side * side]`.
fn draw(vae: &Vae, registered: &Registered, some: Range<usize>) -> Result<Vec<f32>> {
    let pixels = registered.canvas.side().pow(2);
    let (cells, freed) = (&registered.rows[some.clone()], &registered.freed[some]);
    let mut windows = vec![0.0; cells.len() * pixels];
    windows.par_chunks_exact_mut(pixels).zip(cells).for_each(|(out, &cell)| {
        registered.blend(registered.cells.all()[cell].origin, &registered.values, out);
    });
    let mut drawn = reconstruct(vae, &windows, &PixelSubset::all(&vae.config))?;
    drawn.chunks_exact_mut(pixels).zip(freed).for_each(|(drawn, freed)| Freed::from(*freed).give_back(drawn));
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

impl Anywhere {
    fn new(canvas: &Canvas, stride: usize) -> Self {
        let across = canvas.side() as f64 * canvas.shape.pitch;
        let step = ((BLUR * across).round() as usize).max(stride).max(1);
        let size = [canvas.width.div_ceil(step), canvas.height.div_ceil(step)];
        let all = size[0] * size[1];
        let place = |n: usize| [n % size[0], n / size[0]].map(|v| (v * step) as f64);
        let nodes = (0..all).filter(|n| canvas.usable(place(*n))).collect();
        Self { step, size, nodes, done: 0, values: vec![f32::NAN; all] }
    }

    fn advance(&mut self, vae: &Vae, canvas: &Canvas, units: f32) -> Result<bool> {
        let side = canvas.side();
        let nodes = &self.nodes[self.done..self.nodes.len().min(self.done + TOGETHER)];
        let mut windows = vec![0.0; nodes.len() * side * side];
        let place = |n: usize| [n % self.size[0], n / self.size[0]].map(|v| (v * self.step) as f64);
        let cut =
            windows.par_chunks_exact_mut(side * side).zip(nodes).map(|(out, n)| canvas.cut(place(*n), out));
        let freed: Vec<Freed> = cut.collect();
        let drawn = if nodes.is_empty() {
            Vec::new()
        } else {
            reconstruct(vae, &windows, &PixelSubset::all(&vae.config))?
        };
        let pairs = windows.chunks_exact(side * side).zip(drawn.chunks_exact(side * side));
        for ((node, freed), (window, drawn)) in nodes.iter().zip(freed).zip(pairs) {
            let middle = |i: &usize| {
                let off = [i % side, i / side].map(|v| v as f64 - 0.5 * (side - 1) as f64);
                off[0].hypot(off[1]) < 0.25 * side as f64
            };
            let squares: Vec<f32> =
                (0..side * side).filter(middle).map(|i| (window[i] - drawn[i]).powi(2)).collect();
            let rms = (squares.iter().sum::<f32>() / squares.len().max(1) as f32).sqrt();
            self.values[*node] = rms * freed.contrast * units;
        }
        self.done += nodes.len();
        Ok(self.done >= self.nodes.len())
    }

    /// The coarse grid over the map.
    fn spread(self, canvas: &Canvas, stride: usize) -> Result<Map> {
        let [columns, rows] = self.size;
        let coarse = Map::new(columns, rows, self.values, self.step as f64, [0.0; 2])?;
        let (w, h) = (canvas.width.div_ceil(stride), canvas.height.div_ceil(stride));
        let value = |i: usize| {
            let place = [(i % w * stride) as f64, (i / w * stride) as f64];
            coarse.at(place).unwrap_or(f32::NAN)
        };
        Map::new(w, h, (0..w * h).map(value).collect(), stride as f64, [0.0; 2])
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::{Lattice, LockOptions, PhaseLock};
    use crate::micrograph::Micrograph;

    #[test]
    fn cells_at_the_border_look_as_the_nearest_usable_one() {
        let side = 240;
        let spot = |i: usize| {
            let [x, y] = [i % side, i / side].map(|v| {
                let off = (v as f32 - 5.0) / 10.0;
                10.0 * (off - off.round())
            });
            (-(x * x + y * y) / 8.0).exp()
        };
        let image = Micrograph::new(side, side, (0..side * side).map(spot).collect(), None).unwrap();
        let lattice = Lattice::new([10.0, 0.0], [0.0, 10.0]).unwrap();
        let lock = PhaseLock::new(&image, &lattice, &LockOptions::default()).unwrap();
        let cells = lattice::Cells::find(&lock, side, side);
        let all = cells.all();
        assert!(all.len() > 500, "{}", all.len());
        // The border, and a hole that is wider than a cell may be away.
        let usable = |at: [f64; 2]| {
            let inside = at.iter().all(|v| (15.0..225.0).contains(v));
            inside && (at[0] - 120.0).hypot(at[1] - 120.0) > 40.0
        };
        let rows: Vec<usize> = (0..all.len()).filter(|&cell| usable(all[cell].origin)).collect();
        let mut slots = vec![None; all.len()];
        rows.iter().enumerate().for_each(|(slot, &cell)| slots[cell] = Some(slot));
        let found = to_the_border(&slots, &cells);
        for (cell, found) in found.iter().enumerate() {
            let apart = |other: usize| {
                let [a, b] = [all[cell].origin, all[other].origin];
                (a[0] - b[0]).hypot(a[1] - b[1])
            };
            let each = rows.iter().enumerate().map(|(slot, &other)| (slot, apart(other)));
            let nearest = each.min_by(|p, q| p.1.total_cmp(&q.1)).filter(|(_, apart)| *apart < 16.0);
            assert_eq!(*found, nearest.map(|(slot, _)| slot), "{:?}", all[cell]);
        }
        assert!(found.iter().any(Option::is_none), "the middle of the hole is not known");
    }
}
