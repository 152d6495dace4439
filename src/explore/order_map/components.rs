//! What varies among windows, to first order: shifts, then principal components.
//!
//! A window that lies slightly off its place differs from the mean window by the mean's slope, which is what the shift
//! latents are for. What is left after those directions are taken out varies for another reason; its principal components
//! are where the content latents start.

use crate::model::kernel::dot;
use rayon::prelude::*;

/// Rounds of the subspace iteration.
const ROUNDS: usize = 12;
/// More directions than asked for, so that the last of those converges, too.
const SPARE: usize = 4;

/// First-order structure of a set of windows.
pub struct Components {
    /// `[pixels]`
    pub mean: Vec<f32>,
    /// Unit vectors `[pixels]` of the shifts, if asked for, then of the principal components, the strongest first.
    pub directions: Vec<Vec<f32>>,
    /// How many of the directions are shifts.
    pub shifts: usize,
    /// The mean's slope by a shift of a pixel, one a shift direction: norms and what their projections make of a window.
    shift_scale: Vec<f32>,
    /// Standard deviation of the windows along each principal component.
    pub sd: Vec<f32>,
    /// Standard deviation of a pixel that no direction explains.
    pub rest: f32,
}

impl Components {
    /// Of windows `[n, side * side]`; `principal` components beside the two shifts (if `shifts`).
    pub fn of(windows: &[f32], side: usize, principal: usize, shifts: bool) -> Self {
        let pixels = side * side;
        let n = windows.len() / pixels.max(1);
        let mean = mean(windows, pixels);
        let centred: Vec<f32> = windows
            .par_chunks_exact(pixels)
            .flat_map_iter(|w| w.iter().zip(&mean).map(|(v, m)| v - m))
            .collect();
        let mut found = Self {
            mean,
            directions: Vec::new(),
            shifts: 0,
            shift_scale: Vec::new(),
            sd: Vec::new(),
            rest: 0.0,
        };
        if shifts {
            found.add_shifts(side);
        }
        let wanted = (principal + SPARE).min(pixels.saturating_sub(found.shifts)).min(n.max(1));
        let mut basis = found.start(&centred, pixels, wanted);
        for _ in 0..ROUNDS {
            basis = found.orthonormal(multiply(&centred, pixels, &basis));
        }
        found.finish(&centred, pixels, basis, principal);
        found
    }

    /// The two slopes of the mean window, orthogonal to each other.
    fn add_shifts(&mut self, side: usize) {
        let at = |x: usize, y: usize| self.mean[y * side + x];
        let step = |i: usize| (i.saturating_sub(1), (i + 1).min(side - 1));
        let slope = |axis: usize| -> Vec<f32> {
            let each = (0..side * side).map(|i| {
                let (x, y) = (i % side, i / side);
                let (low, high) = step(if axis == 0 { x } else { y });
                let (a, b) = if axis == 0 { (at(low, y), at(high, y)) } else { (at(x, low), at(x, high)) };
                (b - a) / (high - low).max(1) as f32
            });
            each.collect()
        };
        for slope in [slope(0), slope(1)] {
            let norm = length(&slope);
            if let Some(unit) = self.orthonormal(vec![slope]).pop() {
                self.directions.push(unit);
                self.shift_scale.push(norm);
            }
        }
        self.shifts = self.directions.len();
    }

    /// Directions of single windows spread over the set.
    fn start(&self, centred: &[f32], pixels: usize, wanted: usize) -> Vec<Vec<f32>> {
        let n = centred.len() / pixels.max(1);
        let pick = |i: usize| {
            // A few windows added up, so that no start is without a component it should find.
            let mut sum = vec![0.0; pixels];
            for j in 0..5 {
                let row = ((i * 5 + j) * 7919) % n.max(1);
                let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
                let window = &centred[row * pixels..(row + 1) * pixels];
                sum.iter_mut().zip(window).for_each(|(s, v)| *s += sign * v);
            }
            sum
        };
        self.orthonormal((0..wanted).map(pick).collect())
    }

    /// Gram and Schmidt, after the shifts; vectors without a length of their own are left out.
    fn orthonormal(&self, vectors: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
        let mut done: Vec<Vec<f32>> = Vec::new();
        for mut v in vectors {
            let before = length(&v);
            // Twice is enough.
            for _ in 0..2 {
                for d in self.directions.iter().take(2).chain(&done) {
                    let along = dot(&v, d);
                    v.iter_mut().zip(d).for_each(|(v, d)| *v -= along * d);
                }
            }
            let after = length(&v);
            if after > 1e-6 * before && after > 0.0 {
                v.iter_mut().for_each(|x| *x /= after);
                done.push(v);
            }
        }
        done
    }

    fn finish(&mut self, centred: &[f32], pixels: usize, basis: Vec<Vec<f32>>, principal: usize) {
        let n = (centred.len() / pixels.max(1)).max(1);
        let square = |d: &Vec<f32>| -> f64 {
            centred.chunks_exact(pixels).map(|w| f64::from(dot(w, d)).powi(2)).sum::<f64>() / n as f64
        };
        let mut found: Vec<(f64, Vec<f32>)> = basis.into_iter().map(|d| (square(&d), d)).collect();
        found.sort_by(|p, q| q.0.total_cmp(&p.0));
        let all: f64 = centred.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n as f64;
        let known: f64 =
            self.directions.iter().map(square).sum::<f64>() + found.iter().map(|f| f.0).sum::<f64>();
        let free = pixels.saturating_sub(self.shifts + found.len()).max(1);
        self.rest = ((all - known).max(0.0) / free as f64).sqrt() as f32;
        for (variance, direction) in found.into_iter().take(principal) {
            self.sd.push(variance.sqrt() as f32);
            self.directions.push(direction);
        }
    }

    /// Scores of a window: its shift against the mean window in pixels (x, y; to the right and down) if shifts were asked
    /// for, then its principal components in standard deviations.
    pub fn scores(&self, window: &[f32]) -> Vec<f32> {
        let centred: Vec<f32> = window.iter().zip(&self.mean).map(|(v, m)| v - m).collect();
        let along = |d: &Vec<f32>| dot(&centred, d);
        // A window moved to the right by s is the mean less s times its slope.
        let shifts = self.directions.iter().zip(&self.shift_scale).map(|(d, s)| -along(d) / s.max(1e-12));
        let rest = self.directions[self.shifts..].iter().zip(&self.sd);
        shifts.chain(rest.map(|(d, sd)| along(d) / sd.max(1e-12))).collect()
    }
}

fn mean(windows: &[f32], pixels: usize) -> Vec<f32> {
    let n = (windows.len() / pixels.max(1)).max(1);
    let mut sum = vec![0.0_f64; pixels];
    for w in windows.chunks_exact(pixels) {
        sum.iter_mut().zip(w).for_each(|(s, v)| *s += f64::from(*v));
    }
    sum.iter().map(|s| (s / n as f64) as f32).collect()
}

/// X^T (X v) for each vector, X being the centred windows.
fn multiply(centred: &[f32], pixels: usize, vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    // Fixed pieces, added in order: the same result on any number of cores.
    const PIECES: usize = 32;
    let rows = centred.len() / pixels.max(1);
    let piece = rows.div_ceil(PIECES).max(1) * pixels;
    let parts: Vec<Vec<Vec<f32>>> = centred
        .par_chunks(piece)
        .map(|windows| {
            let mut sums = vec![vec![0.0_f32; pixels]; vectors.len()];
            for w in windows.chunks_exact(pixels) {
                for (sum, v) in sums.iter_mut().zip(vectors) {
                    let along = dot(w, v);
                    sum.iter_mut().zip(w).for_each(|(s, x)| *s += along * x);
                }
            }
            sums
        })
        .collect();
    let mut total = vec![vec![0.0_f32; pixels]; vectors.len()];
    for part in parts {
        for (sum, more) in total.iter_mut().zip(part) {
            sum.iter_mut().zip(more).for_each(|(s, m)| *s += m);
        }
    }
    total
}

fn length(v: &[f32]) -> f32 {
    dot(v, v).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifts_and_what_else_varies_are_told_apart() {
        let side = 21;
        let noise = |i: usize| (((i as f32 * 12.9898).sin() * 43_758.547).fract() - 0.5) * 0.02;
        let spot = |x: f32, y: f32| (-(x * x + y * y) / 18.0).exp();
        let factors: Vec<[f32; 3]> = (0..300)
            .map(|i| {
                let t = i as f32;
                [(t * 0.7).sin() * 0.4, (t * 1.3).cos() * 0.4, (t * 0.31).sin()]
            })
            .collect();
        let windows: Vec<f32> = factors
            .iter()
            .enumerate()
            .flat_map(|(n, &[dx, dy, c])| {
                (0..side * side).map(move |i| {
                    let (x, y) = ((i % side) as f32 - 10.0, (i / side) as f32 - 10.0);
                    spot(x - dx, y - dy)
                        + (0.3 + 0.1 * c) * spot(x - 6.0 - dx, y - 5.0 - dy)
                        + noise(n * 441 + i)
                })
            })
            .collect();
        let found = Components::of(&windows, side, 2, true);
        assert_eq!(found.shifts, 2);
        assert!(found.rest < 0.02, "{}", found.rest);
        let r = |k: usize, truth: usize| {
            let scores: Vec<f32> = windows.chunks_exact(side * side).map(|w| found.scores(w)[k]).collect();
            let truth: Vec<f32> = factors.iter().map(|f| f[truth]).collect();
            let centre = |v: &[f32]| {
                let m = v.iter().sum::<f32>() / v.len() as f32;
                v.iter().map(|x| x - m).collect::<Vec<f32>>()
            };
            let (a, b) = (centre(&scores), centre(&truth));
            dot(&a, &b) / (length(&a) * length(&b))
        };
        assert!(r(0, 0) > 0.9 && r(1, 1) > 0.9, "{} {}", r(0, 0), r(1, 1));
        assert!(r(2, 2).abs() > 0.97, "{}", r(2, 2));
    }
}
