//! Where the windows lie that a model learns from.

use super::plan::Prepared;
use super::windows::{Canvas, Windows};
use crate::lattice::Vector;
use crate::order::outlier::smoothed;
use crate::train::shift::Places;
use crate::{Error, Result};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A neighbouring window is this share of the shortest lattice vector (of the window without a lattice) away.
const NEIGHBOUR: f64 = 0.35;
/// Directions tried for a neighbour.
const TRIES: usize = 8;
/// Fewer places tell nothing.
const FEWEST: usize = 8;
/// A grid's lines are at least this far apart, pixels.
const FINEST: f64 = 0.5;
/// Atoms are looked for in the image smoothed by this share of the shortest lattice vector, pixels at least.
const SMOOTH: f64 = 0.08;
const SMOOTH_LEAST: f64 = 1.0;
/// An atom is the highest place within this share of the shortest lattice vector.
const APART: f64 = 0.22;

impl Prepared {
    /// About `wanted` places, as the settings ask for them, each with one a small offset away. The same seed, the same places.
    ///
    /// # Errors
    /// [`Error::Invalid`] when hardly a place of the image can be used.
    pub fn places(&self, wanted: usize, seed: u64) -> Result<Vec<[Vector; 2]>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5747);
        let canvas = self.windows.canvas();
        let short = self.plan.found.as_ref().map(|f| f.lattice.lengths()[0]);
        let off = NEIGHBOUR * short.unwrap_or(self.plan.window_px);
        let pair = |rng: &mut ChaCha8Rng, place: Vector| -> Option<[Vector; 2]> {
            let (sin, cos) = (rng.random::<f64>() * std::f64::consts::TAU).sin_cos();
            let near = [place[0] + off * cos, place[1] + off * sin];
            (self.windows.known(place) && self.windows.known(near)).then_some([place, near])
        };
        // Where the first direction leads out of what is known another one is tried.
        let placed = |rng: &mut ChaCha8Rng, all: Vec<Vector>| -> Vec<[Vector; 2]> {
            all.into_iter()
                .filter_map(|place| (0..TRIES).find_map(|_| pair(rng, place)))
                .take(wanted)
                .collect()
        };
        let places: Vec<[Vector; 2]> = match self.plan.settings.places {
            Places::Random => {
                let mut found = Vec::with_capacity(wanted);
                for _ in 0..wanted * 50 {
                    let place = [canvas.width, canvas.height].map(|n| rng.random::<f64>() * (n as f64 - 1.0));
                    found.extend(pair(&mut rng, place));
                    if found.len() == wanted {
                        break;
                    }
                }
                found
            }
            Places::Grid => {
                let all = grid(&self.windows, wanted);
                // Where the grid holds some more than wanted, those left out are spread over it.
                let (n, kept) = (all.len(), all.len().min(wanted));
                let even = (0..kept).map(|i| all[i * n / kept]).collect();
                placed(&mut rng, even)
            }
            Places::Atoms => {
                let mut all = atoms(canvas, short.unwrap_or(0.5 * self.plan.window_px));
                all.shuffle(&mut rng);
                placed(&mut rng, all)
            }
        };
        if places.len() < FEWEST {
            let problem = format!(
                "hardly any window of {:.0} px fits into the image's usable part; choose a smaller one",
                self.plan.window_px
            );
            return Err(Error::invalid("window", problem));
        }
        Ok(places)
    }
}

/// Places on an even grid, about as many as wanted where windows may lie.
fn grid(windows: &Windows, wanted: usize) -> Vec<Vector> {
    let canvas = windows.canvas();
    let (w, h) = (canvas.width as f64, canvas.height as f64);
    let on = |step: f64| -> Vec<Vector> {
        let line = |n: f64| {
            (0_u32..).map(move |i| (f64::from(i) + 0.5) * step - 0.5).take_while(move |v| *v <= n - 1.0)
        };
        let all = line(h).flat_map(|y| line(w).map(move |x| [x, y]));
        all.filter(|place| windows.known(*place)).collect()
    };
    let step = (w * h / wanted.max(1) as f64).sqrt().max(FINEST);
    let first = on(step);
    // Borders and masks hold no windows: the grid becomes finer by what they take.
    let share = (first.len() as f64 / wanted.max(1) as f64).clamp(0.05, 1.0);
    on((step * share.sqrt()).max(FINEST))
}

/// Bright spots of the smoothed image with their place below a pixel: the highest within a part of `period` pixels.
pub(super) fn atoms(canvas: &Canvas, period: f64) -> Vec<Vector> {
    let (w, h) = (canvas.width, canvas.height);
    let smooth = smoothed(&canvas.pixels, w, h, (SMOOTH * period).max(SMOOTH_LEAST));
    let reach = (APART * period).max(1.5).floor() as i64;
    let at = |x: i64, y: i64| -> Option<f32> {
        let inside = x >= 0 && y >= 0 && x < w as i64 && y < h as i64;
        inside.then(|| smooth[y as usize * w + x as usize])
    };
    let middle = smooth.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v)).sum::<f64>()
        / smooth.len().max(1) as f64;
    let mut found = Vec::new();
    for y in 1..h as i64 - 1 {
        for x in 1..w as i64 - 1 {
            let here = smooth[y as usize * w + x as usize];
            let counts = canvas.counts.as_ref().is_none_or(|c| c[y as usize * w + x as usize]);
            let highest = || {
                (-reach..=reach).all(|dy| {
                    (-reach..=reach).filter(|dx| dx * dx + dy * dy <= reach * reach).all(|dx| {
                        // Of two equal ones only the first counts.
                        let first = (dy, dx) >= (0, 0);
                        at(x + dx, y + dy).is_none_or(|v| v.is_nan() || v < here || (v == here && first))
                    })
                })
            };
            if counts && f64::from(here) > middle && highest() {
                // The top of the parabola through three values.
                let top = |before: Option<f32>, after: Option<f32>| {
                    let (Some(a), Some(b)) = (before, after) else { return 0.0 };
                    let bend = f64::from(a) - 2.0 * f64::from(here) + f64::from(b);
                    if bend < 0.0 { (0.5 * f64::from(a - b) / bend).clamp(-0.5, 0.5) } else { 0.0 }
                };
                let dx = top(at(x - 1, y), at(x + 1, y));
                let dy = top(at(x, y - 1), at(x, y + 1));
                found.push([x as f64 + dx, y as f64 + dy]);
            }
        }
    }
    found
}
