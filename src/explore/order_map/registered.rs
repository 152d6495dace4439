//! Windows round the cells of a lattice, and their average round any place.

use super::components::Components;
use super::windows::Canvas;
use crate::lattice::{Cells, Vector};
use crate::micrograph::stats::Stats;
use crate::{Error, Result};
use rayon::prelude::*;

/// Fewer cells than this tell nothing of a slow change.
const FEWEST: usize = 9;
/// The average reaches this many of its standard deviations.
const REACH: f64 = 3.0;
/// Widths of the average that are tried, in mean distances of cells. Below the first the lattice shows in the maps.
const WIDTHS: [f64; 6] = [0.7, 1.0, 1.4, 2.0, 2.8, 4.0];
/// Principal components by which widths are compared, and at most so many cells.
const COMPARED: usize = 6;
const ASKED: usize = 2000;
/// A window whose standard deviation is below this share of the usual one shows nothing: a part of the scan that was lost.
const FLAT: f64 = 0.05;
/// Errors above this many times the usual one count as much: a defect is not what the width is for.
const CAPPED: f64 = 4.0;

/// The cells' windows.
pub struct Registered {
    pub canvas: Canvas,
    pub cells: Cells,
    /// Position of each cell in `values`; `None` for a cell whose window is not usable.
    slots: Vec<Option<u32>>,
    /// `[usable cells, side * side]`
    pub values: Vec<f32>,
    /// Level and contrast that each of them was freed of.
    pub freed: Vec<[f32; 2]>,
    /// Cell of each row of `values`.
    pub rows: Vec<usize>,
    /// Standard deviation of the average, pixels.
    pub average_px: f64,
    /// Standard deviation of a pixel's noise in one window.
    pub noise: f32,
    /// Cells on the image that were left out since they show nothing of the pattern.
    pub patternless: usize,
}

/// Those of some cells that show something of the pattern.
fn patterned(canvas: &Canvas, cells: &Cells, some: &[usize]) -> Vec<usize> {
    let contrast = |&cell: &usize| -> f64 {
        let mut window = vec![0.0; canvas.side().pow(2)];
        // As it is on the image: a normalised window has lost its contrast.
        canvas.shape.cut(&canvas.pixels, canvas.width, canvas.height, cells.all()[cell].origin, &mut window);
        f64::from(Stats::of(&window).sd)
    };
    let all: Vec<f64> = some.par_iter().map(contrast).collect();
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    let least = FLAT * sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let shows =
        |(&cell, sd): (&usize, f64)| (cells.all()[cell].agreement > 0.0 && sd > least).then_some(cell);
    some.iter().zip(all).filter_map(shows).collect()
}

impl Registered {
    /// Cuts the windows; `average_px` as asked for or the one with which neighbours predict a cell best.
    ///
    /// # Errors
    /// [`Error::Invalid`] when fewer than 9 whole windows lie on the image.
    pub fn new(canvas: Canvas, cells: Cells, average_px: Option<f64>) -> Result<Self> {
        let whole: Vec<usize> =
            (0..cells.all().len()).filter(|&i| canvas.usable(cells.all()[i].origin)).collect();
        let rows = patterned(&canvas, &cells, &whole);
        let patternless = whole.len() - rows.len();
        if rows.len() < FEWEST {
            let problem = format!(
                "only {} whole windows of {:.0} px lie on the image; at least {FEWEST} are needed: choose a smaller \
                 window or a larger image",
                rows.len(),
                canvas.shape.side as f64 * canvas.shape.pitch
            );
            return Err(Error::invalid("window", problem));
        }
        let mut slots = vec![None; cells.all().len()];
        rows.iter().enumerate().for_each(|(slot, &cell)| slots[cell] = Some(slot as u32));
        let pixels = canvas.side() * canvas.side();
        let mut values = vec![0.0; rows.len() * pixels];
        let freed = values
            .par_chunks_exact_mut(pixels)
            .zip(&rows)
            .map(|(out, &cell)| canvas.cut(cells.all()[cell].origin, out).into())
            .collect();
        let mut found =
            Self { canvas, cells, slots, values, freed, rows, average_px: 0.0, noise: 0.0, patternless };
        let components = found.components();
        found.noise = components.rest;
        found.average_px = average_px.unwrap_or_else(|| found.best_width(&components));
        Ok(found)
    }

    /// Mean distance of neighbouring cells, pixels.
    fn distance(&self) -> f64 {
        self.cells.lattice().area().sqrt()
    }

    /// First-order structure of single windows, from at most [`ASKED`] of them.
    fn components(&self) -> Components {
        let pixels = self.canvas.side() * self.canvas.side();
        let stride = self.rows.len().div_ceil(ASKED).max(1);
        let some: Vec<f32> = self.values.chunks_exact(pixels).step_by(stride).flatten().copied().collect();
        Components::of(&some, self.canvas.side(), COMPARED, true)
    }

    /// Leave one out: each cell's components are predicted by the average of the others under every width.
    fn best_width(&self, components: &Components) -> f64 {
        let pixels = self.canvas.side() * self.canvas.side();
        let shifts = components.shifts;
        let scores: Vec<Vec<f32>> = self
            .values
            .par_chunks_exact(pixels)
            .map(|w| {
                let scores = components.scores(w).split_off(shifts);
                scores.iter().zip(&components.sd).map(|(s, sd)| s * sd).collect()
            })
            .collect();
        let stride = self.rows.len().div_ceil(ASKED).max(1);
        let asked: Vec<usize> = (0..self.rows.len()).step_by(stride).collect();
        let errors: Vec<Vec<f64>> = WIDTHS
            .iter()
            .map(|width| {
                let sigma = width * self.distance();
                asked.par_iter().map(|&slot| self.prediction_error(slot, sigma, &scores)).collect()
            })
            .collect();
        let mut usual = errors[1].clone();
        usual.sort_by(f64::total_cmp);
        let cap = CAPPED * usual[usual.len() / 2];
        let total = |errors: &Vec<f64>| errors.iter().map(|e| e.min(cap)).sum::<f64>();
        let totals: Vec<f64> = errors.iter().map(total).collect();
        let best = (0..WIDTHS.len()).min_by(|&p, &q| totals[p].total_cmp(&totals[q])).unwrap_or(0);
        WIDTHS[best] * self.distance()
    }

    fn prediction_error(&self, slot: usize, sigma: f64, scores: &[Vec<f32>]) -> f64 {
        let own = self.cells.all()[self.rows[slot]].origin;
        let mut sum = vec![0.0; scores[slot].len()];
        let mut total = 0.0;
        for (other, weight) in self.weights(own, sigma) {
            if other != slot {
                sum.iter_mut().zip(&scores[other]).for_each(|(s, v)| *s += weight * f64::from(*v));
                total += weight;
            }
        }
        let squares =
            sum.iter().zip(&scores[slot]).map(|(s, v)| (s / total.max(1e-12) - f64::from(*v)).powi(2));
        squares.sum()
    }

    /// Usable cells round a place with their weights.
    fn weights(&self, place: Vector, sigma: f64) -> impl Iterator<Item = (usize, f64)> + '_ {
        let radius = (REACH * sigma).max(1.01 * self.cells.lattice().lengths()[1]);
        self.cells.near(place, radius).filter_map(move |cell| {
            let o = self.cells.all()[cell].origin;
            let square = (o[0] - place[0]).powi(2) + (o[1] - place[1]).powi(2);
            self.slots[cell].map(|slot| (slot as usize, (-0.5 * square / (sigma * sigma)).exp()))
        })
    }

    /// True if a usable cell lies within a lattice vector of the place.
    pub fn known(&self, place: Vector) -> bool {
        let near = 0.75 * self.cells.lattice().lengths()[1];
        self.cells.near(place, near).any(|cell| self.slots[cell].is_some())
    }

    /// The average round a place of any rows, one a usable cell; false where no cell is near.
    pub fn blend(&self, place: Vector, rows: &[f32], out: &mut [f32]) -> bool {
        if !self.known(place) {
            return false;
        }
        let width = out.len();
        out.fill(0.0);
        let mut total = 0.0_f32;
        for (slot, weight) in self.weights(place, self.average_px) {
            let weight = weight as f32;
            let row = &rows[slot * width..(slot + 1) * width];
            out.iter_mut().zip(row).for_each(|(o, v)| *o += weight * v);
            total += weight;
        }
        if total > 0.0 {
            out.iter_mut().for_each(|o| *o /= total);
        }
        total > 0.0
    }

    /// Standard deviation of the noise that is left in an average of the usual number of cells.
    pub fn noise_of_average(&self) -> f32 {
        let stride = self.rows.len().div_ceil(64).max(1);
        let mut shares: Vec<f64> = self
            .rows
            .iter()
            .step_by(stride)
            .map(|&cell| {
                let weights: Vec<f64> =
                    self.weights(self.cells.all()[cell].origin, self.average_px).map(|(_, w)| w).collect();
                weights.iter().map(|w| w * w).sum::<f64>() / weights.iter().sum::<f64>().powi(2)
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        self.noise * shares[shares.len() / 2].sqrt() as f32
    }

    /// Changes all windows to `(v - low) / width`, in place.
    pub fn rescale(&mut self, low: f32, width: f32) {
        self.values.par_iter_mut().for_each(|v| *v = (*v - low) / width);
        self.noise /= width;
    }
}
