//! Levelling: plane, polynomial, line by line.

use super::Axis;
use crate::micrograph::stats::percentile;
use nalgebra::{DMatrix, DVector};

/// Subtracts the plane that fits the pixels best; see [`subtract_polynomial`].
pub fn subtract_plane(pixels: &mut [f32], width: usize, height: usize, counts: Option<&[bool]>) {
    subtract_polynomial(pixels, width, height, 1, counts);
}

/// Subtracts the polynomial in x and y of a total degree that fits the pixels best (least squares).
///
/// `pixels` are `width * height`, row-major. Where `counts` is false or a value is not finite the pixel has no say in the
/// fit, but the polynomial is subtracted there, too. Terms that the pixels cannot tell apart are left at 0.
pub fn subtract_polynomial(
    pixels: &mut [f32],
    width: usize,
    height: usize,
    degree: usize,
    counts: Option<&[bool]>,
) {
    let terms: Vec<(usize, usize)> = (0..=degree).flat_map(|n| (0..=n).map(move |j| (n - j, j))).collect();
    let across = legendre(width, degree);
    let down = legendre(height, degree);
    let n = terms.len();
    let mut normal = DMatrix::<f64>::zeros(n, n);
    let mut right = DVector::<f64>::zeros(n);
    let mut row = vec![0.0; n];
    for (i, &v) in pixels.iter().enumerate() {
        if !v.is_finite() || counts.is_some_and(|c| !c[i]) {
            continue;
        }
        let (x, y) = (i % width, i / width);
        for (value, &(p, q)) in row.iter_mut().zip(&terms) {
            *value = across[p][x] * down[q][y];
        }
        for a in 0..n {
            right[a] += row[a] * f64::from(v);
            for b in 0..=a {
                normal[(a, b)] += row[a] * row[b];
            }
        }
    }
    normal.fill_upper_triangle_with_lower_triangle();
    let Some(fit) = least(normal, &right) else { return };
    for (i, v) in pixels.iter_mut().enumerate() {
        let (x, y) = (i % width, i / width);
        let level: f64 = terms.iter().zip(fit.iter()).map(|(&(p, q), c)| c * across[p][x] * down[q][y]).sum();
        *v = (f64::from(*v) - level) as f32;
    }
}

/// The solution of least norm of a symmetric system.
fn least(normal: DMatrix<f64>, right: &DVector<f64>) -> Option<DVector<f64>> {
    let largest = normal.amax();
    let svd = normal.svd(true, true);
    svd.solve(right, 1e-10 * largest).ok()
}

/// Legendre polynomials of degree 0 to `degree` on `n` places from -1 to 1: nearly independent, unlike powers.
fn legendre(n: usize, degree: usize) -> Vec<Vec<f64>> {
    let place = |i: usize| if n < 2 { 0.0 } else { 2.0 * i as f64 / (n - 1) as f64 - 1.0 };
    let mut all: Vec<Vec<f64>> = vec![vec![1.0; n]];
    for d in 1..=degree {
        let next = (0..n).map(|i| {
            let (k, x) = (d as f64, place(i));
            let before = if d < 2 { 0.0 } else { all[d - 2][i] };
            ((2.0 * k - 1.0) * x * all[d - 1][i] - (k - 1.0) * before) / k
        });
        let next = next.collect();
        all.push(next);
    }
    all
}

/// Moves each line so that the median of its differences to the line before is 0: offsets from line to line go, a step
/// or an adsorbate that covers less than half of a line has no say. A slope across the lines goes with them.
///
/// A line with no pixel that counts keeps the offset of the line before.
pub(super) fn level_lines(pixels: &mut [f32], width: usize, height: usize, axis: Axis, counts: &[bool]) {
    let (lines, length) = match axis {
        Axis::Rows => (height, width),
        Axis::Columns => (width, height),
    };
    let at = |line: usize, i: usize| match axis {
        Axis::Rows => line * width + i,
        Axis::Columns => i * width + line,
    };
    let mut offset = vec![0.0_f32; lines];
    let mut before: Option<usize> = None;
    for line in 0..lines {
        let Some(last) = before else {
            before = (0..length).any(|i| counts[at(line, i)]).then_some(line);
            continue;
        };
        let both = (0..length).map(|i| (at(line, i), at(last, i)));
        let steps: Vec<f32> =
            both.filter(|&(p, q)| counts[p] && counts[q]).map(|(p, q)| pixels[p] - pixels[q]).collect();
        offset[line] = offset[last];
        if !steps.is_empty() {
            offset[line] += percentile(&steps, 50.0);
            before = Some(line);
        }
    }
    let middle = offset.iter().sum::<f32>() / lines.max(1) as f32;
    for line in 0..lines {
        for i in 0..length {
            pixels[at(line, i)] -= offset[line] - middle;
        }
    }
}
