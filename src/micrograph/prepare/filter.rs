//! Filters that leave out the pixels that do not count.

use rayon::prelude::*;

/// Median of the counting pixels in a `size` x `size` square round each pixel; where none counts the value stays.
pub(super) fn median(pixels: &[f32], width: usize, height: usize, size: usize, counts: &[bool]) -> Vec<f32> {
    let reach = size / 2;
    let mut out = pixels.to_vec();
    out.par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
        let mut near = Vec::with_capacity(size * size);
        for (x, to) in row.iter_mut().enumerate() {
            near.clear();
            for v in y.saturating_sub(reach)..=(y + reach).min(height - 1) {
                for u in x.saturating_sub(reach)..=(x + reach).min(width - 1) {
                    if counts[v * width + u] {
                        near.push(pixels[v * width + u]);
                    }
                }
            }
            if !near.is_empty() {
                let rank = near.len() / 2;
                *to = *near.select_nth_unstable_by(rank, f32::total_cmp).1;
            }
        }
    });
    out
}

/// Gaussian mean of the counting pixels, `sigma` in pixels (> 0) along both axes; weights are normalised at edges and
/// holes. Where nothing counts within three sigma the value stays.
pub(crate) fn gaussian(
    pixels: &[f32],
    width: usize,
    height: usize,
    sigma: [f64; 2],
    counts: &[bool],
) -> Vec<f32> {
    let weight: Vec<f32> = counts.iter().map(|c| f32::from(u8::from(*c))).collect();
    let value: Vec<f32> = pixels.iter().zip(counts).map(|(v, c)| if *c { *v } else { 0.0 }).collect();
    let smooth = |values: Vec<f32>| {
        let along = rows(&values, width, &kernel(sigma[0]));
        let turned = transposed(&along, width, height);
        transposed(&rows(&turned, height, &kernel(sigma[1])), height, width)
    };
    let (value, weight) = (smooth(value), smooth(weight));
    let mean = value.iter().zip(&weight).zip(pixels);
    mean.map(|((v, w), stays)| if *w > 1e-6 { v / w } else { *stays }).collect()
}

/// A Gaussian cut at four standard deviations; its sum is 1.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (4.0 * sigma).ceil() as i64;
    let values: Vec<f64> = (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum: f64 = values.iter().sum();
    values.iter().map(|v| (v / sum) as f32).collect()
}

/// Every row convolved with a symmetric kernel; beyond the ends there is nothing.
fn rows(values: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut out = vec![0.0; values.len()];
    out.par_chunks_exact_mut(width).zip(values.par_chunks_exact(width)).for_each(|(to, from)| {
        for (x, to) in to.iter_mut().enumerate() {
            let (first, last) = (x.saturating_sub(reach), (x + reach).min(width - 1));
            let weights = &kernel[first + reach - x..];
            *to = from[first..=last].iter().zip(weights).map(|(v, w)| v * w).sum();
        }
    });
    out
}

fn transposed(values: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    out.par_chunks_exact_mut(height).enumerate().for_each(|(x, column)| {
        for (y, to) in column.iter_mut().enumerate() {
            *to = values[y * width + x];
        }
    });
    out
}
