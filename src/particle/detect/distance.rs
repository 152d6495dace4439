//! Exact Euclidean distance to the nearest pixel outside.

use rayon::prelude::*;

/// Below this many pixels the work is too small to be shared among threads.
pub(super) const FEW: usize = 1 << 17;

/// Distance in pixels from each pixel inside (label > 0) to the nearest pixel outside (label 0); the border of the
/// picture is not an outside, so that a particle cut by it keeps its width. Zero outside.
pub(super) fn distances(labels: &[u32], width: usize, height: usize) -> Vec<f32> {
    distances_of(|i| labels[i] > 0, width, height)
}

/// As [`distances`], of any picture.
///
/// Felzenszwalb and Huttenlocher, Distance transforms of sampled functions (2012), on the squared distance.
pub(super) fn distances_of(inside: impl Fn(usize) -> bool, width: usize, height: usize) -> Vec<f32> {
    let far = (width + height) as f32;
    let mut column = vec![0.0_f32; width * height];
    for i in 0..column.len() {
        let above = if i < width { far } else { column[i - width] };
        column[i] = if inside(i) { (above + 1.0).min(far) } else { 0.0 };
    }
    for i in (0..column.len().saturating_sub(width)).rev() {
        column[i] = column[i].min(column[i + width] + 1.0);
    }
    let least = if column.len() < FEW { usize::MAX } else { 1 };
    column.par_chunks_mut(width.max(1)).with_min_len(least).for_each_init(
        || (Envelope::default(), Vec::new()),
        |(envelope, heights), row| {
            heights.clear();
            heights.extend(row.iter().map(|d| d * d));
            envelope.lower(heights, |x, squared, _| row[x] = squared.max(0.0).sqrt());
        },
    );
    column
}

/// Lower envelope of parabolas that stand on one row; buffers are kept between rows.
#[derive(Default)]
pub(super) struct Envelope {
    at: Vec<usize>,
    from: Vec<f32>,
}

impl Envelope {
    /// Calls `visit(x, lowest (x - p)^2 + heights[p] over p, that p)` for every x; places of infinite height carry no
    /// parabola, and nothing is visited if all do.
    pub fn lower(&mut self, heights: &[f32], mut visit: impl FnMut(usize, f32, usize)) {
        self.at.clear();
        self.from.clear();
        for (x, height) in heights.iter().enumerate().filter(|(_, h)| h.is_finite()) {
            let mut start = f32::NEG_INFINITY;
            while let (Some(&last), Some(&from)) = (self.at.last(), self.from.last()) {
                let (p, q) = (last as f32, x as f32);
                start = (height - heights[last]) / (2.0 * (q - p)) + (q + p) / 2.0;
                if start > from {
                    break;
                }
                self.at.pop();
                self.from.pop();
                start = f32::NEG_INFINITY;
            }
            self.at.push(x);
            self.from.push(start);
        }
        if self.at.is_empty() {
            return;
        }
        let mut k = 0;
        for x in 0..heights.len() {
            while k + 1 < self.at.len() && self.from[k + 1] < x as f32 {
                k += 1;
            }
            let p = self.at[k];
            visit(x, (x as f32 - p as f32).powi(2) + heights[p], p);
        }
    }
}

/// The up to eight neighbours of pixel `i`.
pub(super) fn neighbours(i: usize, width: usize, len: usize) -> [Option<usize>; 8] {
    let x = i % width;
    let (left, right) = (x > 0, x + 1 < width);
    let (up, down) = (i >= width, i + width < len);
    [
        up.then(|| i - width),
        left.then(|| i - 1),
        right.then(|| i + 1),
        down.then(|| i + width),
        (up && left).then(|| i - width - 1),
        (up && right).then(|| i - width + 1),
        (down && left).then(|| i + width - 1),
        (down && right).then(|| i + width + 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_exact() {
        let (width, height) = (37, 29);
        let outside = [(3_usize, 4_usize), (20, 9), (33, 27), (8, 22)];
        let mut labels = vec![1; width * height];
        for (x, y) in outside {
            labels[y * width + x] = 0;
        }
        let got = distances(&labels, width, height);
        for y in 0..height {
            for x in 0..width {
                let want = outside
                    .iter()
                    .map(|o| (x as f32 - o.0 as f32).hypot(y as f32 - o.1 as f32))
                    .fold(f32::INFINITY, f32::min);
                assert!((got[y * width + x] - want).abs() < 1e-3, "({x}, {y})");
            }
        }
    }
}
