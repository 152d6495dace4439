//! Sets of pixels and how convex they are.

/// Pixels `x0..=x1` of row `y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub y: u32,
    pub x0: u32,
    pub x1: u32,
}

impl Run {
    pub fn len(&self) -> usize {
        (self.x1 - self.x0 + 1) as usize
    }
}

/// Number of pixels in `runs`.
pub(super) fn area(runs: &[Run]) -> usize {
    runs.iter().map(Run::len).sum()
}

/// Runs of every label 1..=count in a label map; index 0 (no label) stays empty.
pub(super) fn runs_of(labels: &[u32], width: usize, count: usize) -> Vec<Vec<Run>> {
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); count + 1];
    for (y, row) in labels.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        while x < row.len() {
            let label = row[x];
            let start = x;
            while x < row.len() && row[x] == label {
                x += 1;
            }
            if label > 0 {
                runs[label as usize].push(Run { y: y as u32, x0: start as u32, x1: x as u32 - 1 });
            }
        }
    }
    runs
}

/// The convex hull of a set of pixels.
#[derive(Clone, Debug)]
pub(super) struct Hull {
    /// Corner pixels in order round the hull.
    corners: Vec<(i64, i64)>,
    /// Number of pixels whose centres lie in the hull.
    pub pixels: usize,
}

impl Hull {
    /// The hull of `runs`, which must be ordered by row.
    ///
    /// The pixels inside are counted by Pick's theorem, so that every digitally convex shape, however small or
    /// turned, fills its hull exactly: `area / pixels` needs no allowance for jagged edges.
    pub fn new(runs: &[Run]) -> Self {
        let mut rows: Vec<(i64, i64, i64)> = Vec::new();
        for run in runs {
            let (y, x0, x1) = (i64::from(run.y), i64::from(run.x0), i64::from(run.x1));
            match rows.last_mut() {
                Some(last) if last.0 == y => *last = (y, last.1.min(x0), last.2.max(x1)),
                _ => rows.push((y, x0, x1)),
            }
        }
        let mut corners = chain(rows.iter().map(|r| (r.2, r.0)), 1);
        let mut left = chain(rows.iter().map(|r| (r.1, r.0)), -1);
        left.reverse();
        corners.extend(left);
        corners.dedup();
        if corners.len() > 1 && corners.first() == corners.last() {
            corners.pop();
        }
        let (mut twice_area, mut boundary) = (0, 0);
        for (i, a) in corners.iter().enumerate() {
            let b = corners[(i + 1) % corners.len()];
            twice_area += a.0 * b.1 - b.0 * a.1;
            boundary += gcd((a.0 - b.0).abs(), (a.1 - b.1).abs());
        }
        let pixels = if corners.is_empty() { 0 } else { (twice_area.abs() + boundary) / 2 + 1 };
        Self { corners, pixels: pixels as usize }
    }

    /// Longest distance between two corners, in pixels, counting whole pixels (a single pixel is 1 long).
    pub fn length(&self) -> f32 {
        let mut longest = 0;
        for (i, a) in self.corners.iter().enumerate() {
            for b in &self.corners[i + 1..] {
                longest = longest.max((a.0 - b.0).pow(2) + (a.1 - b.1).pow(2));
            }
        }
        (longest as f32).sqrt() + 1.0
    }
}

/// One side of the hull from top to bottom; `side` is 1 for the right and -1 for the left.
fn chain(points: impl Iterator<Item = (i64, i64)>, side: i64) -> Vec<(i64, i64)> {
    let mut hull: Vec<(i64, i64)> = Vec::new();
    for p in points {
        while let [.., a, b] = hull[..] {
            let turn = (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0);
            if turn * side > 0 {
                break;
            }
            hull.pop();
        }
        hull.push(p);
    }
    hull
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(width: usize, height: usize, inside: impl Fn(f32, f32) -> bool) -> Vec<Run> {
        let labels: Vec<u32> =
            (0..width * height).map(|i| u32::from(inside((i % width) as f32, (i / width) as f32))).collect();
        runs_of(&labels, width, 1).remove(1)
    }

    #[test]
    fn convex_shapes_fill_their_hull_whatever_their_size_and_direction() {
        for radius in [1.0, 2.5, 7.3, 20.0] {
            let disc = shape(50, 50, |x, y| (x - 24.3).hypot(y - 25.1) <= radius);
            assert_eq!(Hull::new(&disc).pixels, area(&disc), "disc of radius {radius}");
        }
        for angle in [0.0_f32, 0.3, 1.1, 2.0] {
            let (s, c) = angle.sin_cos();
            let rod = shape(100, 100, |x, y| {
                let (x, y) = (x - 50.0, y - 50.0);
                (x * c + y * s).abs() <= 40.0 && (y * c - x * s).abs() <= 6.0
            });
            assert_eq!(Hull::new(&rod).pixels, area(&rod), "rod at {angle}");
            assert!((Hull::new(&rod).length() - 81.0).abs() < 2.5);
        }
    }

    #[test]
    fn a_concave_shape_does_not_fill_its_hull() {
        let pair =
            shape(60, 30, |x, y| (x - 15.0).hypot(y - 15.0) <= 10.0 || (x - 35.0).hypot(y - 15.0) <= 10.0);
        let solidity = area(&pair) as f32 / Hull::new(&pair).pixels as f32;
        assert!((0.85..0.92).contains(&solidity), "{solidity}");
    }

    #[test]
    fn degenerate_shapes_have_hulls() {
        assert_eq!(Hull::new(&[]).pixels, 0);
        assert_eq!(Hull::new(&[Run { y: 3, x0: 4, x1: 4 }]).pixels, 1);
        assert_eq!(Hull::new(&[Run { y: 3, x0: 4, x1: 9 }]).pixels, 6);
        let diagonal: Vec<Run> = (0..5).map(|i| Run { y: i, x0: i, x1: i }).collect();
        assert_eq!(Hull::new(&diagonal).pixels, 5);
    }
}
