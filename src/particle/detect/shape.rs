//! Connected sets of pixels and how convex they are.

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

/// Runs of a picture in raster order.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub runs: Vec<Run>,
    /// Number of runs above each row, and at last that of all.
    rows: Vec<usize>,
}

/// The runs of zeros and those of ones in a mask that has 0 or 1 for each pixel.
pub(super) fn split(mask: &[u8], width: usize) -> [Lines; 2] {
    let mut lines = [0, 1].map(|_| Lines { runs: Vec::new(), rows: vec![0] });
    for (y, row) in mask.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        while let Some(kind) = row.get(x) {
            let end = x + alike(&row[x..], *kind);
            let run = Run { y: y as u32, x0: x as u32, x1: end as u32 - 1 };
            lines[usize::from(*kind > 0)].runs.push(run);
            x = end;
        }
        lines.iter_mut().for_each(|lines| lines.rows.push(lines.runs.len()));
    }
    lines
}

/// How many bytes at the start of `row` are `kind`; eight are looked at in one go.
fn alike(row: &[u8], kind: u8) -> usize {
    let all = u64::from_le_bytes([kind; 8]);
    let (words, rest) = row.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ all;
        if other != 0 {
            return 8 * i + other.trailing_zeros() as usize / 8;
        }
    }
    8 * words.len() + rest.iter().take_while(|v| **v == kind).count()
}

/// Which runs hang together.
#[derive(Clone, Debug)]
pub(super) struct Components {
    pub lines: Lines,
    /// Of each run: 1..=count, in the order of the components' first pixels.
    pub labels: Vec<u32>,
    pub count: usize,
}

impl Components {
    /// Joins runs that touch, also by their corners if `diagonal`.
    pub fn new(lines: Lines, diagonal: bool) -> Self {
        let reach = u32::from(diagonal);
        let runs = &lines.runs;
        let mut parent: Vec<u32> = (0..runs.len() as u32).collect();
        for rows in lines.rows.windows(3) {
            let mut upper = rows[0];
            for i in rows[1]..rows[2] {
                let run = runs[i];
                while upper < rows[1] && runs[upper].x1 + reach < run.x0 {
                    upper += 1;
                }
                let mut k = upper;
                while k < rows[1] && runs[k].x0 <= run.x1 + reach {
                    unite(&mut parent, i as u32, k as u32);
                    k += 1;
                }
            }
        }
        // The representative is the first run of its set, so its label is known when it is asked for.
        let mut labels = vec![0_u32; runs.len()];
        let mut count = 0;
        for i in 0..runs.len() {
            let first = find(&mut parent, i as u32) as usize;
            if first == i {
                count += 1;
                labels[i] = count;
            } else {
                labels[i] = labels[first];
            }
        }
        Self { lines, labels, count: count as usize }
    }

    /// The label at a pixel, 0 if none of the runs holds it.
    pub fn at(&self, x: u32, y: u32) -> u32 {
        let (Some(&from), Some(&to)) = (self.lines.rows.get(y as usize), self.lines.rows.get(y as usize + 1))
        else {
            return 0;
        };
        let row = &self.lines.runs[from..to];
        let place = row.partition_point(|run| run.x1 < x);
        if row.get(place).is_some_and(|run| run.x0 <= x) { self.labels[from + place] } else { 0 }
    }

    /// The runs sorted by label, and where those of each label begin: those of label l lie at `starts[l]..starts[l + 1]`.
    pub fn sorted(&self) -> (Vec<Run>, Vec<usize>) {
        let mut starts = vec![0_usize; self.count + 2];
        for label in &self.labels {
            starts[*label as usize + 1] += 1;
        }
        for l in 1..starts.len() {
            starts[l] += starts[l - 1];
        }
        let mut next = starts.clone();
        let mut runs = self.lines.runs.clone();
        for (run, label) in self.lines.runs.iter().zip(&self.labels) {
            let slot = &mut next[*label as usize];
            runs[*slot] = *run;
            *slot += 1;
        }
        (runs, starts)
    }
}

/// The connected sets of ones in a mask, in the order of their first pixels.
pub(super) fn shapes(mask: &[u8], width: usize, diagonal: bool) -> Vec<Vec<Run>> {
    let [_, ones] = split(mask, width);
    let (runs, starts) = Components::new(ones, diagonal).sorted();
    starts.windows(2).skip(1).map(|s| runs[s[0]..s[1]].to_vec()).collect()
}

/// The representative of `a`, with path halving.
pub(super) fn find(parent: &mut [u32], mut a: u32) -> u32 {
    while parent[a as usize] != a {
        parent[a as usize] = parent[parent[a as usize] as usize];
        a = parent[a as usize];
    }
    a
}

/// Joins two sets under the smaller representative and returns it.
pub(super) fn unite(parent: &mut [u32], a: u32, b: u32) -> u32 {
    let (a, b) = (find(parent, a), find(parent, b));
    let (low, high) = (a.min(b), a.max(b));
    parent[high as usize] = low;
    low
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

    #[test]
    fn diagonal_neighbours_join_only_where_asked() {
        let mask = [1, 0, 0, 1];
        assert_eq!(shapes(&mask, 2, true).len(), 1);
        assert_eq!(shapes(&mask, 2, false).len(), 2);
    }

    /// Labels by flooding from pixel to pixel, the plain way.
    fn flooded(mask: &[u8], width: usize, kind: u8, diagonal: bool) -> Vec<u32> {
        let mut labels = vec![0_u32; mask.len()];
        let mut count = 0;
        for start in 0..mask.len() {
            if mask[start] != kind || labels[start] > 0 {
                continue;
            }
            count += 1;
            let mut open = vec![start];
            while let Some(i) = open.pop() {
                if labels[i] > 0 {
                    continue;
                }
                labels[i] = count;
                let (x, y) = ((i % width) as isize, (i / width) as isize);
                for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
                    let (u, v) = (x + dx, y + dy);
                    let there = u >= 0 && v >= 0 && u < width as isize && v < (mask.len() / width) as isize;
                    if there && (diagonal || dx == 0 || dy == 0) {
                        let n = v as usize * width + u as usize;
                        if mask[n] == kind && labels[n] == 0 {
                            open.push(n);
                        }
                    }
                }
            }
        }
        labels
    }

    #[test]
    fn runs_hang_together_as_flooded_pixels_do() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        let mut random = StdRng::seed_from_u64(3);
        for round in 0..60 {
            let (width, height) = (random.random_range(1..40), random.random_range(1..30));
            let share = random.random_range(0.2..0.8);
            let mask: Vec<u8> =
                (0..width * height).map(|_| u8::from(random.random_range(0.0..1.0) < share)).collect();
            for (kind, lines) in split(&mask, width).into_iter().enumerate() {
                let diagonal = (round + kind) % 2 == 0;
                let want = flooded(&mask, width, kind as u8, diagonal);
                let got = Components::new(lines, diagonal);
                for (i, label) in want.iter().enumerate() {
                    assert_eq!(got.at((i % width) as u32, (i / width) as u32), *label, "pixel {i}");
                }
                let (runs, starts) = got.sorted();
                for l in 1..=got.count {
                    let pixels = area(&runs[starts[l]..starts[l + 1]]);
                    assert_eq!(pixels, want.iter().filter(|w| **w == l as u32).count());
                }
            }
        }
    }
}
