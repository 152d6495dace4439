//! The curve round a particle at one grey level.

use std::f64::consts::FRAC_PI_2;

/// The field inside and outside one connected set of pixels above a level, its holes filled.
pub(super) struct Outline<'a> {
    values: &'a [f32],
    wide: usize,
    level: f32,
    /// True for pixels of the particle, holes included.
    mask: Vec<bool>,
}

/// What the outline encloses, in patch pixels; angles in radians from the x axis towards y (which points down).
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub area: f64,
    pub perimeter: f64,
    pub longest: f64,
    /// The narrowest rectangle round it.
    pub length: f64,
    pub width: f64,
    pub length_angle: f64,
    /// Long axis of the second moments, and the ratio of the axes.
    pub moments_angle: f64,
    pub axes_ratio: f64,
}

impl<'a> Outline<'a> {
    /// The set of pixels above `level` that holds the middle of the patch or comes nearest to it; `None` if there is
    /// none within a quarter of the side.
    pub fn around_middle(values: &'a [f32], wide: usize, level: f32) -> Option<Self> {
        let middle = (wide as f32 - 1.0) / 2.0;
        let far = |i: usize| ((i % wide) as f32 - middle).hypot((i / wide) as f32 - middle);
        let seed = (0..values.len())
            .filter(|&i| values[i] > level && far(i) <= wide as f32 / 4.0)
            .min_by(|a, b| far(*a).total_cmp(&far(*b)))?;
        let particle = flood(wide, &[seed], |i| values[i] > level);
        let border: Vec<usize> = (0..values.len())
            .filter(|i| {
                let (x, y) = (i % wide, i / wide);
                (x == 0 || y == 0 || x + 1 == wide || y + 1 == wide) && !particle[*i]
            })
            .collect();
        let open = flood(wide, &border, |i| !particle[i]);
        let mask = open.iter().map(|open| !open).collect();
        Some(Self { values, wide, level, mask })
    }

    /// True if the particle reaches the edge of the patch.
    pub fn leaves_patch(&self) -> bool {
        let w = self.wide;
        (0..w).any(|i| {
            self.mask[i] || self.mask[(w - 1) * w + i] || self.mask[i * w] || self.mask[i * w + w - 1]
        })
    }

    /// The values of `patch` well inside and well outside: pixels at the edge belong to neither.
    pub fn split(&self, patch: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        let mut edge = Vec::new();
        for (i, value) in patch.iter().enumerate() {
            let near = self.near(i);
            if near.iter().all(|n| self.mask[*n] == self.mask[i]) {
                if self.mask[i] { inside.push(*value) } else { outside.push(*value) }
            } else if self.mask[i] {
                edge.push(*value);
            }
        }
        // A particle three pixels wide is all edge.
        if inside.is_empty() {
            inside = edge;
        }
        (inside, outside)
    }

    fn near(&self, i: usize) -> [usize; 4] {
        let (w, x, y) = (self.wide, i % self.wide, i / self.wide);
        [
            if x > 0 { i - 1 } else { i },
            if x + 1 < w { i + 1 } else { i },
            if y > 0 { i - w } else { i },
            if y + 1 < w { i + w } else { i },
        ]
    }

    /// Height above the level: the field itself at the particle's edge, and safely below or above away from it, so
    /// that neither neighbours nor holes draw a curve.
    fn height(&self, i: usize) -> f64 {
        let h = f64::from(self.values[i] - self.level);
        if self.mask[i] { h.max(1e-6) } else { h.min(-1e-6) }
    }

    /// Directed pieces of the curve, the particle always on the same side.
    fn pieces(&self) -> Vec<[[f64; 2]; 2]> {
        let w = self.wide;
        let mut pieces = Vec::new();
        for y in 0..w - 1 {
            for x in 0..w - 1 {
                let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
                let inside = corners.map(|(x, y)| self.mask[y * w + x]);
                if inside == [false; 4] || inside == [true; 4] {
                    continue;
                }
                let crossing = |from: usize| {
                    let ((x0, y0), (x1, y1)) = (corners[from], corners[(from + 1) % 4]);
                    let (a, b) = (self.height(y0 * w + x0), self.height(y1 * w + x1));
                    let part = a / (a - b);
                    let between = |a: usize, b: usize| a as f64 + (b as f64 - a as f64) * part;
                    [between(x0, x1), between(y0, y1)]
                };
                // Round the cell: the curve goes from where the round leaves the particle back to where it entered.
                for entry in (0..4).filter(|&e| !inside[e] && inside[(e + 1) % 4]) {
                    let exit = (1..4).map(|k| (entry + k) % 4).find(|&e| inside[e] && !inside[(e + 1) % 4]);
                    if let Some(exit) = exit {
                        pieces.push([crossing(exit), crossing(entry)]);
                    }
                }
            }
        }
        pieces
    }

    /// Measures the curve; `None` if it encloses nothing.
    pub fn shape(&self) -> Option<Shape> {
        let pieces = self.pieces();
        let middle = (self.wide as f64 - 1.0) / 2.0;
        let (mut area, mut first, mut second, mut perimeter) = (0.0, [0.0; 2], [0.0; 3], 0.0);
        for [a, b] in &pieces {
            let ([x0, y0], [x1, y1]) = (a.map(|v| v - middle), b.map(|v| v - middle));
            // Green's theorem: area and moments as sums over the pieces of the boundary.
            let cross = x0 * y1 - x1 * y0;
            area += cross / 2.0;
            first[0] += (x0 + x1) * cross / 6.0;
            first[1] += (y0 + y1) * cross / 6.0;
            second[0] += (x0 * x0 + x0 * x1 + x1 * x1) * cross / 12.0;
            second[1] += (y0 * y0 + y0 * y1 + y1 * y1) * cross / 12.0;
            second[2] += (x0 * y1 + 2.0 * x0 * y0 + 2.0 * x1 * y1 + x1 * y0) * cross / 24.0;
            perimeter += (x1 - x0).hypot(y1 - y0);
        }
        if area.abs() < 1e-9 {
            return None;
        }
        let centre = first.map(|v| v / area);
        let xx = second[0] / area - centre[0] * centre[0];
        let yy = second[1] / area - centre[1] * centre[1];
        let xy = second[2] / area - centre[0] * centre[1];
        let (mean, half) = (f64::midpoint(xx, yy), ((xx - yy) / 2.0).hypot(xy));
        let hull = hull(pieces.iter().flatten().copied().collect());
        let (width, length, length_angle) = narrowest(&hull)?;
        let longest = hull
            .iter()
            .enumerate()
            .flat_map(|(i, a)| hull[i + 1..].iter().map(move |b| (a[0] - b[0]).hypot(a[1] - b[1])))
            .fold(0.0, f64::max);
        Some(Shape {
            area: area.abs(),
            perimeter,
            longest,
            length,
            width,
            length_angle,
            moments_angle: 0.5 * (2.0 * xy).atan2(xx - yy),
            axes_ratio: ((mean + half) / (mean - half).max(1e-9)).sqrt(),
        })
    }
}

/// The pixels reached from `seeds` through pixels that `belongs`, side by side.
fn flood(wide: usize, seeds: &[usize], belongs: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut reached = vec![false; wide * wide];
    let mut stack: Vec<usize> = seeds.to_vec();
    while let Some(i) = stack.pop() {
        if reached[i] || !belongs(i) {
            continue;
        }
        reached[i] = true;
        let (x, y) = (i % wide, i / wide);
        stack.extend((x > 0).then(|| i - 1));
        stack.extend((x + 1 < wide).then_some(i + 1));
        stack.extend((y > 0).then(|| i - wide));
        stack.extend((y + 1 < wide).then_some(i + wide));
    }
    reached
}

/// Corners of the convex hull in order (Andrew 1979).
fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let half = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..] {
                if (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0.0 {
                    break;
                }
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut corners = half(&mut points.iter().copied());
    corners.extend(half(&mut points.iter().rev().copied()));
    corners
}

/// Width, length and direction of the length of the narrowest rectangle round a convex polygon: one of its sides lies
/// on a side of the polygon (Freeman & Shapira 1975 for area; for width it is the smallest Feret diameter).
fn narrowest(hull: &[[f64; 2]]) -> Option<(f64, f64, f64)> {
    let mut best: Option<(f64, f64, f64)> = None;
    for (i, a) in hull.iter().enumerate() {
        let b = hull[(i + 1) % hull.len()];
        let size = (b[0] - a[0]).hypot(b[1] - a[1]);
        if size < 1e-9 {
            continue;
        }
        let along = [(b[0] - a[0]) / size, (b[1] - a[1]) / size];
        let span = |axis: [f64; 2]| {
            let at = hull.iter().map(|p| p[0] * axis[0] + p[1] * axis[1]);
            let (low, high) = at.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
            high - low
        };
        let (width, length) = (span([-along[1], along[0]]), span(along));
        if best.is_none_or(|(least, _, _)| width < least) {
            let angle = along[1].atan2(along[0]);
            // Of a rectangle whose narrow way is its longer side there is none; equal sides keep the direction.
            best = Some(if width <= length {
                (width, length, angle)
            } else {
                (width, width, angle + FRAC_PI_2)
            });
        }
    }
    best
}
