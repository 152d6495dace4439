//! Pixels that do not count: lost in the file, masked, or far from their surroundings.

use super::filter;
use crate::micrograph::{Micrograph, stats::percentiles};

/// True where a pixel is neither lost nor masked.
pub(super) fn counts(image: &Micrograph, mask: Option<&[bool]>) -> Vec<bool> {
    let lost = |i: usize| image.lost.as_ref().is_some_and(|l| l[i]);
    (0..image.pixels.len()).map(|i| !lost(i) && mask.is_none_or(|m| m[i])).collect()
}

/// Puts the line between the nearest known pixels above and below in place of a lost one, since scanners lose whole rows;
/// in a lost column the line between left and right.
pub(super) fn fill(pixels: &mut [f32], width: usize, height: usize, lost: Option<&[bool]>) {
    let Some(lost) = lost else { return };
    let mut left = lost.to_vec();
    for x in 0..width {
        let column: Vec<usize> = (0..height).map(|y| y * width + x).collect();
        bridge(pixels, &column, lost, &mut left);
    }
    let after = left.clone();
    for y in 0..height {
        let row: Vec<usize> = (0..width).map(|x| y * width + x).collect();
        bridge(pixels, &row, &after, &mut left);
    }
}

/// Fills the lost pixels of one line from its known ones; a line without any stays lost.
fn bridge(pixels: &mut [f32], line: &[usize], lost: &[bool], left: &mut [bool]) {
    let known: Vec<usize> = (0..line.len()).filter(|&i| !lost[line[i]]).collect();
    let (Some(&first), Some(&last)) = (known.first(), known.last()) else { return };
    let mut next = 0;
    for (i, &at) in line.iter().enumerate() {
        while known[next] < i && next + 1 < known.len() {
            next += 1;
        }
        if !lost[at] {
            continue;
        }
        pixels[at] = if i < first {
            pixels[line[first]]
        } else if i > last {
            pixels[line[last]]
        } else {
            let (low, high) = (known[next - 1], known[next]);
            let part = (i - low) as f32 / (high - low) as f32;
            pixels[line[low]] * (1.0 - part) + pixels[line[high]] * part
        };
        left[at] = false;
    }
}

/// A mask that leaves out adsorbates: false where the picture, smoothed over `size_px` (about the lattice's period, so
/// that atoms themselves do not stand out), lies more than `threshold` robust standard deviations from the median of the
/// smoothed picture. Level a tilted picture first.
pub fn outliers(image: &Micrograph, size_px: f64, threshold: f32) -> Vec<bool> {
    let (w, h) = (image.width, image.height);
    let counts = counts(image, None);
    let sigma = if size_px.is_finite() { (size_px / 2.0).max(0.3) } else { 1.0 };
    let smooth = filter::gaussian(&image.pixels, w, h, [sigma; 2], &counts);
    let p = percentiles(&smooth, &[25.0, 50.0, 75.0]);
    let reach = threshold * (p[2] - p[0]) / 1.349;
    smooth.iter().map(|v| reach <= 0.0 || (v - p[1]).abs() <= reach).collect()
}
