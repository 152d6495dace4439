//! Phase unwrapping: the field without its jumps of 2 pi, or of a lattice vector.

use crate::lattice::{Lattice, Vector};
use std::collections::BinaryHeap;
use std::f32::consts::{PI, TAU};

/// A pixel that waits for its turn, the best first.
#[derive(PartialEq)]
struct Waiting {
    quality: f32,
    at: usize,
    from: usize,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.quality.total_cmp(&other.quality).then(other.at.cmp(&self.at))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Unwraps phases in radians, `width * height`: whole turns are added so that neighbours differ by less than pi, along
/// paths of the best quality first (after Herráez et al. 2002), so that errors stay where the quality is low.
///
/// Where `quality` is 0 or not finite, or the phase is not, the result is NaN; parts that such pixels separate each keep
/// an offset of whole turns of their own.
pub fn unwrap(phase: &[f32], quality: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; width * height];
    let known = |i: usize| phase[i].is_finite() && quality[i].is_finite() && quality[i] > 0.0;
    walk(width, height, quality, known, |at, from| {
        let wrapped = phase[at];
        out[at] = match from {
            None => wrapped,
            Some(from) => wrapped + TAU * ((out[from] - wrapped) / TAU).round(),
        };
    });
    out
}

/// Unwraps displacements that are known up to a lattice vector, in place; as [`unwrap`].
pub fn unwrap_lattice(field: &mut [Vector], quality: &[f32], width: usize, height: usize, lattice: &Lattice) {
    let start: Vec<Vector> = field.to_vec();
    let known = |i: usize| start[i].iter().all(|v| v.is_finite()) && quality[i] > 0.0;
    walk(width, height, quality, known, |at, from| {
        if let Some(from) = from {
            let near = lattice.nearest([field[at][0] - field[from][0], field[at][1] - field[from][1]]);
            field[at] = [field[from][0] + near[0], field[from][1] + near[1]];
        }
    });
    for i in (0..field.len()).filter(|&i| !known(i)) {
        field[i] = [f64::NAN; 2];
    }
}

/// Visits every known pixel once, each (but the first of a part) from a neighbour that was visited before.
fn walk(
    width: usize,
    height: usize,
    quality: &[f32],
    known: impl Fn(usize) -> bool,
    mut visit: impl FnMut(usize, Option<usize>),
) {
    let mut seen = vec![false; width * height];
    let mut starts: Vec<usize> = (0..width * height).filter(|&i| known(i)).collect();
    starts.sort_by(|&a, &b| quality[b].total_cmp(&quality[a]));
    let mut heap = BinaryHeap::new();
    for start in starts {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        visit(start, None);
        let mut here = start;
        loop {
            let (x, y) = (here % width, here / width);
            let near = [
                (x > 0).then(|| here - 1),
                (x + 1 < width).then(|| here + 1),
                (y > 0).then(|| here - width),
                (y + 1 < height).then(|| here + width),
            ];
            for at in near.into_iter().flatten().filter(|&i| !seen[i] && known(i)) {
                heap.push(Waiting { quality: quality[at].min(quality[here]), at, from: here });
            }
            let next = std::iter::from_fn(|| heap.pop()).find(|w: &Waiting| !seen[w.at]);
            let Some(next) = next else { break };
            seen[next.at] = true;
            visit(next.at, Some(next.from));
            here = next.at;
        }
    }
}

/// An angle in (-pi, pi].
pub(super) fn wrap(angle: f32) -> f32 {
    let turned = angle - TAU * (angle / TAU).round();
    if turned <= -PI { turned + TAU } else { turned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steep_ramp_comes_back_whole_but_for_its_start() {
        let (w, h) = (60, 40);
        let truth: Vec<f32> = (0..w * h).map(|i| 0.9 * (i % w) as f32 - 0.4 * (i / w) as f32).collect();
        let wrapped: Vec<f32> = truth.iter().map(|v| wrap(*v)).collect();
        let got = unwrap(&wrapped, &vec![1.0; w * h], w, h);
        let offset = got[0] - truth[0];
        assert!(got.iter().zip(&truth).all(|(g, t)| (g - t - offset).abs() < 1e-3));
        assert!((offset / TAU - (offset / TAU).round()).abs() < 1e-4);
    }

    #[test]
    fn a_bad_spot_does_not_spoil_the_rest() {
        // A hole with random phase inside and low quality: the path goes round it.
        let (w, h) = (50, 50);
        let truth: Vec<f32> = (0..w * h).map(|i| 0.7 * (i / w) as f32).collect();
        let mut wrapped: Vec<f32> = truth.iter().map(|v| wrap(*v)).collect();
        let mut quality = vec![1.0; w * h];
        for i in 0..w * h {
            let (x, y) = (i % w, i / w);
            if (15..30).contains(&x) && (20..33).contains(&y) {
                wrapped[i] = wrap((i * i % 97) as f32);
                quality[i] = 0.01;
            }
        }
        wrapped[7] = f32::NAN;
        let got = unwrap(&wrapped, &quality, w, h);
        let offset = got[w * h - 1] - truth[w * h - 1];
        assert!(got[7].is_nan());
        let good = (0..w * h).filter(|&i| quality[i] == 1.0 && i != 7);
        assert!(good.clone().count() > 2000);
        for i in good {
            assert!((got[i] - truth[i] - offset).abs() < 1e-3, "{i}");
        }
    }
}
