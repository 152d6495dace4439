//! Pixels that do not count (an adsorbate, a lost part of the scan) as the pattern round them says.
//!
//! A window is used where a part of it does not count. With what lies there a map would have a halo round every adsorbate, and
//! the range that the model sees would be that of the adsorbates.

use crate::lattice::Lattice;
use crate::micrograph::Micrograph;
use crate::order::outlier::smoothed;
use rayon::prelude::*;

/// The pattern is looked for so many cells away; further away it may have changed.
const RINGS: i32 = 3;
/// Where it does not repeat, the mean round a place: standard deviation in windows.
const ROUND: f64 = 0.5;

/// The pixels of an image; in place of those that do not `count` the mean of what lies lattice vectors away, of the nearest
/// cells that count. Without a lattice, and deep inside, the mean round the place, else of all.
pub fn filled(image: &Micrograph, counts: &[bool], lattice: Option<&Lattice>, window_px: f64) -> Vec<f32> {
    let (w, h) = (image.width, image.height);
    let known = |i: usize| if counts[i] { image.pixels[i] } else { f32::NAN };
    let known: Vec<f32> = (0..w * h).into_par_iter().map(known).collect();
    let (sum, n) = known.iter().filter(|v| v.is_finite()).fold((0.0, 0_usize), |(sum, n), v| {
        let sum: f64 = sum + f64::from(*v);
        (sum, n + 1)
    });
    let all = (sum / n.max(1) as f64) as f32;
    let round = smoothed(&known, w, h, ROUND * window_px);
    let otherwise = |i: usize| if round[i].is_finite() { round[i] } else { all };
    let value = |i: usize| {
        if counts[i] {
            return known[i];
        }
        let place = [(i % w) as f64, (i / w) as f64];
        lattice.and_then(|lattice| repeated(&known, w, h, place, lattice)).unwrap_or_else(|| otherwise(i))
    };
    (0..w * h).into_par_iter().map(value).collect()
}

/// The mean of the values lattice vectors away from a place, of the nearest ring of cells where any is known.
fn repeated(known: &[f32], w: usize, h: usize, place: [f64; 2], lattice: &Lattice) -> Option<f32> {
    (1..=RINGS).find_map(|ring| {
        let (mut sum, mut n) = (0.0, 0.0);
        for m in -ring..=ring {
            for k in (-ring..=ring).filter(|k| m.abs().max(k.abs()) == ring) {
                let r = lattice.r([m, k]);
                if let Some(value) = between(known, w, h, [place[0] + r[0], place[1] + r[1]]) {
                    sum += value;
                    n += 1.0;
                }
            }
        }
        (n > 0.0).then(|| sum / n)
    })
}

/// The value at a place between four pixels; `None` where one of them is not known or there is none.
fn between(known: &[f32], w: usize, h: usize, place: [f64; 2]) -> Option<f32> {
    let inside = |v: f64, n: usize| v >= 0.0 && v <= n as f64 - 1.0;
    if !inside(place[0], w) || !inside(place[1], h) {
        return None;
    }
    let [x, y] = place.map(|v| v as usize);
    let [fx, fy] = [place[0] - x as f64, place[1] - y as f64].map(|v| v as f32);
    let (right, below) = ((x + 1).min(w - 1), (y + 1).min(h - 1));
    let row = |y: usize| known[y * w + x] * (1.0 - fx) + known[y * w + right] * fx;
    let value = row(y) * (1.0 - fy) + row(below) * fy;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_count_becomes_what_the_pattern_would_be() {
        let (w, h) = (90, 80);
        let lattice = Lattice::new([9.3, 1.1], [-1.2, 8.7]).unwrap();
        let (g, k) = lattice.reciprocal();
        let pattern = |i: usize| {
            let [x, y] = [(i % w) as f64, (i / w) as f64];
            let wave = |g: [f64; 2]| (std::f64::consts::TAU * (g[0] * x + g[1] * y)).cos();
            (wave(g) + wave(k) + 0.01 * x) as f32
        };
        let covered = |i: usize| (30..48).contains(&(i % w)) && (25..41).contains(&(i / w));
        let pixels = (0..w * h).map(|i| if covered(i) { 50.0 } else { pattern(i) }).collect();
        let image = Micrograph::new(w, h, pixels, None).unwrap();
        let counts: Vec<bool> = (0..w * h).map(|i| !covered(i)).collect();
        let with = filled(&image, &counts, Some(&lattice), 16.0);
        let far = (0..w * h).map(|i| (with[i] - pattern(i)).abs()).fold(0.0, f32::max);
        // Between pixels the pattern is known to a tenth of its range.
        assert!(far < 0.45, "{far}");
        assert!((0..w * h).all(|i| covered(i) || with[i] == image.pixels[i]));
        // Without a lattice there is no pattern to go on with, but what covers it is gone.
        let without = filled(&image, &counts, None, 16.0);
        assert!((0..w * h).filter(|i| covered(*i)).all(|i| (without[i] - 0.4).abs() < 0.6));
        let nothing = filled(&image, &vec![false; w * h], Some(&lattice), 16.0);
        assert!(nothing.iter().all(|v| *v == 0.0));
    }
}
