//! Outlines of what lies on a pattern and is no part of it.

use super::components::{Components, split};
use crate::micrograph::Micrograph;
use crate::micrograph::prepare::{outliers, subtract_plane};
use crate::particle::Outline;
use std::collections::HashSet;

/// Fewer pixels than this are no adsorbate.
const SMALLEST: usize = 6;

/// What stands out of an atomically resolved image once it is smoothed over `size_px` (about the period of the pattern), by
/// more than `threshold` robust standard deviations: adsorbates, holes, the remains of a tip change. A tilt is levelled first.
///
/// `counts`: `width * height` flags; where it is false something was left out already and is not found again.
pub fn adsorbates(image: &Micrograph, counts: Option<&[bool]>, size_px: f64, threshold: f32) -> Vec<Outline> {
    let (width, height) = (image.width, image.height);
    let known = |i: usize| counts.is_none_or(|c| c[i]) && image.lost.as_ref().is_none_or(|l| !l[i]);
    let known: Vec<bool> = (0..width * height).map(known).collect();
    if !known.contains(&true) {
        return Vec::new();
    }
    let mut pixels = image.pixels.to_vec();
    subtract_plane(&mut pixels, width, height, Some(&known));
    let lost = known.iter().map(|known| !known).collect();
    let level = Micrograph { pixels: pixels.into(), lost: Some(lost), ..image.clone() };
    let kept = outliers(&level, size_px, threshold);
    let out: Vec<u8> = kept.iter().zip(&known).map(|(kept, known)| u8::from(*known && !kept)).collect();
    let [_, ones] = split(&out, width);
    let components = Components::new(ones, false);
    let (runs, starts) = components.sorted();
    (1..=components.count)
        .map(|label| &runs[starts[label]..starts[label + 1]])
        .map(|runs| -> HashSet<[i64; 2]> {
            let pixels = runs.iter().flat_map(|r| (r.x0..=r.x1).map(|x| [i64::from(x), i64::from(r.y)]));
            pixels.collect()
        })
        .filter(|pixels| pixels.len() >= SMALLEST)
        .map(|pixels| around(&pixels))
        .collect()
}

/// The outer border of connected pixels along their edges; holes are filled.
fn around(pixels: &HashSet<[i64; 2]>) -> Outline {
    // Vertex (x, y) is the upper left corner of pixel (x, y). The walk keeps the pixels at its right hand.
    let first = pixels.iter().copied().min_by_key(|[x, y]| (*y, *x)).unwrap_or_default();
    let (mut at, mut step) = (first, [1, 0]);
    let mut corners = Vec::new();
    for _ in 0..4 * pixels.len() + 4 {
        at = [at[0] + step[0], at[1] + step[1]];
        // The pixels ahead, at the left and at the right hand.
        let (right, left) = match step {
            [1, 0] => (at, [at[0], at[1] - 1]),
            [-1, 0] => ([at[0] - 1, at[1] - 1], [at[0] - 1, at[1]]),
            [0, 1] => ([at[0] - 1, at[1]], at),
            _ => ([at[0], at[1] - 1], [at[0] - 1, at[1] - 1]),
        };
        let turn = match (pixels.contains(&right), pixels.contains(&left)) {
            (false, _) => Some([-step[1], step[0]]),
            (true, true) => Some([step[1], -step[0]]),
            (true, false) => None,
        };
        if let Some(turn) = turn {
            corners.push([at[0] as f32 - 0.5, at[1] as f32 - 0.5]);
            step = turn;
        }
        if at == first && step == [1, 0] {
            break;
        }
    }
    Outline { corners }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_along_pixel_edges_holds_exactly_the_pixels() {
        // A ring with an arm: the hole is filled, the arm followed.
        let rows = ["..####....", ".######...", ".##..#####", ".##..##..#", "..####...."];
        let all = |wanted: char| -> HashSet<[i64; 2]> {
            let row = |(y, row): (usize, &str)| -> Vec<[i64; 2]> {
                row.char_indices().filter(|(_, c)| *c == wanted).map(|(x, _)| [x as i64, y as i64]).collect()
            };
            rows.into_iter().enumerate().flat_map(row).collect()
        };
        let pixels = all('#');
        let outline = around(&pixels);
        let hole = [[3, 2], [4, 2], [3, 3], [4, 3]];
        for y in 0..5 {
            for x in 0..10 {
                let inside = pixels.contains(&[x, y]) || hole.contains(&[x, y]);
                assert_eq!(outline.contains(x as f32, y as f32), inside, "{x} {y}");
            }
        }
    }
}
