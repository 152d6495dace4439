//! Cutting patches: one resampler, one normalisation, one edge policy for training, preview and export.

use super::{Edge, Normalise, PatchGeometry};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentiles;
use crate::particle::Region;
use crate::particle::territory::LabelMap;
use image::{GrayImage, Luma};
use std::ops::Range;

/// A micrograph made ready for cutting: its levels are measured once.
#[derive(Clone, Debug)]
pub struct PatchSource<'a> {
    micrograph: &'a Micrograph,
    nm_per_px: Option<f64>,
    bright: bool,
    /// Excluded regions inside the picture that are not cut off by `columns` and `rows`.
    holes: Vec<Region>,
    territories: Option<&'a LabelMap>,
    /// The picture without banners at its edges.
    columns: Range<usize>,
    rows: Range<usize>,
    /// Grey values of black and white.
    levels: (f32, f32),
    /// Usual grey value between the particles.
    background: f32,
}

impl<'a> PatchSource<'a> {
    /// Measures the levels of `micrograph` outside `excluded`. `bright`: particles are brighter than the background.
    pub fn new(
        micrograph: &'a Micrograph,
        nm_per_px: Option<f64>,
        bright: bool,
        excluded: &[Region],
        territories: Option<&'a LabelMap>,
    ) -> Self {
        let m = micrograph;
        let (mut columns, mut rows) = (0..m.width, 0..m.height);
        let mut holes = Vec::new();
        for region in excluded {
            let (x, y) = region.pixels(m.width, m.height);
            if x.is_empty() || y.is_empty() {
                continue;
            }
            // A banner: beyond it there is no picture, so it is an edge.
            if x.len() == m.width && y.end >= rows.end && y.start > rows.start {
                rows.end = rows.end.min(y.start);
            } else if x.len() == m.width && y.start <= rows.start && y.end < rows.end {
                rows.start = rows.start.max(y.end);
            } else if y.len() == m.height && x.end >= columns.end && x.start > columns.start {
                columns.end = columns.end.min(x.start);
            } else if y.len() == m.height && x.start <= columns.start && x.end < columns.end {
                columns.start = columns.start.max(x.end);
            } else {
                holes.push(*region);
            }
        }
        let sample = sample(m, &columns, &rows, &holes);
        let levels = percentiles(&sample, &[0.5, 99.5]);
        let levels = (levels[0], levels[1]);
        let background = background(&sample, levels, bright);
        Self { micrograph, nm_per_px, bright, holes, territories, columns, rows, levels, background }
    }

    /// Usual grey value between the particles, in the micrograph's units.
    pub fn background(&self) -> f32 {
        self.background
    }

    /// Black and white point, in the micrograph's units.
    pub fn levels(&self) -> (f32, f32) {
        self.levels
    }

    /// A `wide` x `wide` patch, row-major, 0..=1, particle bright; its pitch is that of the `geometry.side` patch and
    /// its centre, `(wide - 1) / 2` on both axes, lies exactly on (x, y) of the micrograph.
    ///
    /// Every value is finite, wherever (x, y) lies.
    pub fn cut(&self, x: f32, y: f32, geometry: &PatchGeometry, wide: usize) -> Vec<f32> {
        let m = self.micrograph;
        let pitch = geometry.extent_on(self.nm_per_px) / geometry.side.max(1) as f64;
        let pitch = pitch.min(2.0 * m.width.max(m.height).max(1) as f64);
        let (x, y) = (if x.is_finite() { x } else { -1e6 }, if y.is_finite() { y } else { -1e6 });
        let across = taps(f64::from(x), pitch, wide, &self.columns, geometry.edge);
        let down = taps(f64::from(y), pitch, wide, &self.rows, geometry.edge);
        let mut patch = self.resample(&across, &down);
        if let (true, Some(map)) = (geometry.blank_neighbours, self.territories) {
            blank(&mut patch, wide, map, x, y, pitch as f32, self.background);
        }
        self.normalise(&mut patch, geometry, wide);
        patch
    }

    /// Weighted sums along x, then along y. What the taps do not cover is background.
    fn resample(&self, across: &[Taps], down: &[Taps]) -> Vec<f32> {
        let m = self.micrograph;
        let wide = across.len();
        let mut patch = vec![self.background; wide * down.len()];
        let first = down.iter().filter(|t| !t.weights.is_empty()).map(|t| t.start).min().unwrap_or(0);
        let end = down
            .iter()
            .filter(|t| !t.weights.is_empty())
            .map(|t| t.start + t.weights.len())
            .max()
            .unwrap_or(0);
        let mut line = vec![0.0; wide];
        for y in first..end {
            let row = &m.pixels[y * m.width..][..m.width];
            let holes: Vec<Range<usize>> = self
                .holes
                .iter()
                .map(|r| r.pixels(m.width, m.height))
                .filter(|(_, rows)| rows.contains(&y))
                .map(|(columns, _)| columns)
                .collect();
            for (value, taps) in line.iter_mut().zip(across) {
                *value = 0.0;
                for (i, weight) in taps.weights.iter().enumerate() {
                    let x = taps.start + i;
                    if !holes.iter().any(|h| h.contains(&x)) {
                        *value += weight * (row[x] - self.background);
                    }
                }
            }
            for (j, taps) in down.iter().enumerate() {
                let Some(weight) = y.checked_sub(taps.start).and_then(|i| taps.weights.get(i)) else {
                    continue;
                };
                for (out, value) in patch[j * wide..][..wide].iter_mut().zip(&line) {
                    *out += weight * value;
                }
            }
        }
        patch
    }

    fn normalise(&self, patch: &mut [f32], geometry: &PatchGeometry, wide: usize) {
        let (black, white) = match geometry.normalise {
            Normalise::Micrograph => self.levels,
            Normalise::Patch => {
                let side = geometry.side.min(wide);
                let edge = (wide - side) / 2;
                let middle: Vec<f32> = patch
                    .chunks(wide.max(1))
                    .skip(edge)
                    .take(side)
                    .flat_map(|row| &row[edge..edge + side])
                    .copied()
                    .collect();
                let p = percentiles(&middle, &[1.0, 99.0]);
                (p[0], p[1])
            }
        };
        let range = white - black;
        // A range below the rounding of f32 is no contrast.
        let flat = range <= 1e-6 * black.abs().max(white.abs()) || !range.is_finite();
        for v in patch {
            let part = if flat { 0.0 } else { ((*v - black) / range).clamp(0.0, 1.0) };
            *v = if self.bright || flat { part } else { 1.0 - part };
        }
    }
}

/// Which micrograph pixels along one axis make up one patch pixel.
struct Taps {
    start: usize,
    weights: Vec<f32>,
}

/// Taps of `wide` patch pixels round `centre`: a tent as wide as the larger of the two pitches, which is bilinear
/// interpolation where the patch is finer than the micrograph and averages without aliasing where it is coarser.
fn taps(centre: f64, pitch: f64, wide: usize, within: &Range<usize>, edge: Edge) -> Vec<Taps> {
    let reach = pitch.max(1.0);
    (0..wide)
        .map(|i| {
            let at = centre + (i as f64 - (wide as f64 - 1.0) / 2.0) * pitch;
            let (low, high) = ((at - reach).ceil() as i64, (at + reach).floor() as i64);
            let tent = |p: i64| (1.0 - (p as f64 - at).abs() / reach).max(0.0);
            let sum: f64 = (low..=high).map(tent).sum();
            if within.is_empty() || sum <= 0.0 {
                return Taps { start: 0, weights: Vec::new() };
            }
            let (first, last) = (within.start as i64, within.end as i64 - 1);
            let (start, end) = match edge {
                Edge::Background => (low.max(first), high.min(last)),
                Edge::Nearest => (low.clamp(first, last), high.clamp(first, last)),
            };
            if start > end {
                return Taps { start: 0, weights: Vec::new() };
            }
            let mut weights = vec![0.0_f32; (end - start + 1) as usize];
            for p in low..=high {
                let inside = (first..=last).contains(&p);
                if inside || edge == Edge::Nearest {
                    weights[(p.clamp(start, end) - start) as usize] += (tent(p) / sum) as f32;
                }
            }
            Taps { start: start as usize, weights }
        })
        .collect()
}

/// Up to about 200,000 values of the picture, evenly spread, outside the excluded regions.
fn sample(m: &Micrograph, columns: &Range<usize>, rows: &Range<usize>, holes: &[Region]) -> Vec<f32> {
    let step = (((columns.len() * rows.len()) as f64 / 200_000.0).sqrt().ceil() as usize).max(1);
    let mut values = Vec::new();
    for y in rows.clone().step_by(step) {
        for x in columns.clone().step_by(step) {
            if !holes.iter().any(|r| r.contains(x as f32, y as f32)) {
                values.push(m.pixels[y * m.width + x]);
            }
        }
    }
    values
}

/// Median of the values on the background's side of Otsu's threshold.
fn background(sample: &[f32], levels: (f32, f32), bright: bool) -> f32 {
    let (black, white) = levels;
    let range = white - black;
    if sample.is_empty() || range <= 0.0 || !range.is_finite() {
        return percentiles(sample, &[50.0])[0];
    }
    let grey = |v: f32| (((v - black) / range).clamp(0.0, 1.0) * 255.0).round() as u8;
    let mut picture = GrayImage::new(sample.len() as u32, 1);
    for (pixel, v) in picture.pixels_mut().zip(sample) {
        *pixel = Luma([grey(*v)]);
    }
    let level = imageproc::contrast::otsu_level(&picture);
    let side: Vec<f32> = sample.iter().copied().filter(|v| (grey(*v) <= level) == bright).collect();
    percentiles(if side.is_empty() { sample } else { &side }, &[50.0])[0]
}

/// Replaces the territories of other particles by the background level, with a soft edge of one patch pixel. The
/// blur round a neighbour goes with it; the own territory and the open background stay.
fn blank(patch: &mut [f32], wide: usize, map: &LabelMap, x: f32, y: f32, pitch: f32, background: f32) {
    const FINE: usize = 3;
    let own = map.own(x, y);
    let middle = (wide as f32 - 1.0) / 2.0;
    let (mut foreign, mut mine) = (vec![0.0_f32; wide * wide], vec![0.0_f32; wide * wide]);
    let share = 1.0 / (FINE * FINE) as f32;
    for i in 0..wide * wide {
        for k in 0..FINE * FINE {
            let fine = |i: usize, k: usize| i as f32 - middle + (k as f32 + 0.5) / FINE as f32 - 0.5;
            let label = map.at(x + fine(i % wide, k % FINE) * pitch, y + fine(i / wide, k / FINE) * pitch);
            if label > 0 && label == own {
                mine[i] += share;
            } else if label > 0 {
                foreign[i] += share;
            }
        }
    }
    if foreign.iter().all(|f| *f == 0.0) {
        return;
    }
    let open: Vec<f32> =
        (0..patch.len()).filter(|i| mine[*i] + foreign[*i] == 0.0).map(|i| patch[i]).collect();
    // The ground near the particle, where the patch shows enough of it.
    let ground = if open.len() * 20 >= patch.len() { percentiles(&open, &[50.0])[0] } else { background };
    let grown = around(&foreign, wide, |near| near.iter().copied().fold(0.0, f32::max));
    let soft = around(&grown, wide, |n| {
        (4.0 * n[4] + 2.0 * (n[1] + n[3] + n[5] + n[7]) + n[0] + n[2] + n[6] + n[8]) / 16.0
    });
    for (i, v) in patch.iter_mut().enumerate() {
        let part = soft[i] * (1.0 - mine[i]);
        *v += (ground - *v) * part;
    }
}

/// Applies `f` to each 3 x 3 neighbourhood; the nearest value stands beyond the edge.
fn around(values: &[f32], wide: usize, f: impl Fn(&[f32; 9]) -> f32) -> Vec<f32> {
    (0..values.len())
        .map(|i| {
            let mut near = [0.0; 9];
            for (k, v) in near.iter_mut().enumerate() {
                let x = (i % wide + k % 3).saturating_sub(1).min(wide - 1);
                let y = (i / wide + k / 3).saturating_sub(1).min(wide - 1);
                *v = values[y * wide + x];
            }
            f(&near)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Background 100, discs of 200 with a soft edge.
    fn discs(width: usize, height: usize, places: &[(f32, f32, f32)]) -> Micrograph {
        let value = |x: f32, y: f32| {
            let inside = |(u, v, r): &(f32, f32, f32)| (r - (x - u).hypot(y - v) + 0.5).clamp(0.0, 1.0);
            100.0 + 100.0 * places.iter().map(inside).fold(0.0, f32::max)
        };
        let pixels = (0..width * height).map(|i| value((i % width) as f32, (i / width) as f32)).collect();
        Micrograph { width, height, pixels, pixel_size: None, replaced: 0 }
    }

    fn geometry(extent_px: f64, side: usize) -> PatchGeometry {
        PatchGeometry { extent_px, side, ..PatchGeometry::default() }
    }

    /// Centre of gravity relative to the middle of the patch, in patch pixels, and the sum.
    fn gravity(patch: &[f32], wide: usize) -> (f32, f32, f32) {
        let middle = (wide as f32 - 1.0) / 2.0;
        let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
        for (i, v) in patch.iter().enumerate() {
            sum += v;
            x += v * ((i % wide) as f32 - middle);
            y += v * ((i / wide) as f32 - middle);
        }
        (x / sum, y / sum, sum)
    }

    #[test]
    fn the_patch_is_centred_and_keeps_its_area_at_every_pitch() {
        let m = discs(200, 180, &[(90.3, 80.8, 20.0)]);
        let source = PatchSource::new(&m, None, true, &[], None);
        assert!((source.background() - 100.0).abs() < 1e-3);
        for (extent, side, wide) in
            [(64.0, 64, 65), (64.0, 32, 46), (96.0, 24, 35), (60.0, 64, 90), (100.0, 25, 25)]
        {
            let patch = source.cut(90.3, 80.8, &geometry(extent, side), wide);
            assert_eq!(patch.len(), wide * wide);
            let (x, y, sum) = gravity(&patch, wide);
            assert!(x.abs() < 0.03 && y.abs() < 0.03, "pitch {}: ({x}, {y})", extent / side as f64);
            let pitch = (extent / side as f64) as f32;
            let expected = std::f32::consts::PI * 400.0 / pitch.powi(2);
            assert!((sum / expected - 1.0).abs() < 0.02, "pitch {pitch}: {sum} for {expected}");
        }
    }

    #[test]
    fn whole_pixels_at_pitch_one_are_the_micrograph_itself() {
        let m = Micrograph {
            width: 9,
            height: 8,
            pixels: (0..72).map(|i| ((i * 37) % 72) as f32).collect(),
            pixel_size: None,
            replaced: 0,
        };
        let source = PatchSource::new(&m, None, true, &[], None);
        let (black, white) = source.levels();
        let patch = source.cut(4.0, 3.0, &geometry(5.0, 5), 5);
        for (i, v) in patch.iter().enumerate() {
            let grey = m.pixels[(i / 5 + 1) * 9 + i % 5 + 2];
            assert!((v - ((grey - black) / (white - black)).clamp(0.0, 1.0)).abs() < 1e-5);
        }
    }

    #[test]
    fn nanometres_decide_where_they_are_known() {
        let m = discs(200, 200, &[(100.0, 100.0, 20.0)]);
        let geometry = PatchGeometry { extent_nm: Some(40.0), ..geometry(64.0, 32) };
        let fine = PatchSource::new(&m, Some(0.5), true, &[], None).cut(100.0, 100.0, &geometry, 32);
        let unknown = PatchSource::new(&m, None, true, &[], None).cut(100.0, 100.0, &geometry, 32);
        assert!((gravity(&fine, 32).2 / gravity(&unknown, 32).2 - 0.64).abs() < 0.02);
    }

    #[test]
    fn downsampling_does_not_alias() {
        let pixels = (0..128 * 128).map(|i| if i % 2 == 0 { 0.0 } else { 1.0 }).collect();
        let m = Micrograph { width: 128, height: 128, pixels, pixel_size: None, replaced: 0 };
        let patch = PatchSource::new(&m, None, true, &[], None).cut(63.3, 64.1, &geometry(96.0, 24), 24);
        assert!(patch.iter().all(|v| (v - 0.5).abs() < 0.05));
    }

    #[test]
    fn dark_particles_come_out_bright() {
        let m = discs(120, 120, &[(60.0, 60.0, 18.0)]);
        let negative = Micrograph { pixels: m.pixels.iter().map(|v| 300.0 - v).collect(), ..m.clone() };
        let bright = PatchSource::new(&m, None, true, &[], None);
        let dark = PatchSource::new(&negative, None, false, &[], None);
        assert!((dark.background() - 200.0).abs() < 1e-3);
        for normalise in [Normalise::Micrograph, Normalise::Patch] {
            let geometry = PatchGeometry { normalise, ..geometry(64.0, 32) };
            let (a, b) = (bright.cut(60.0, 60.0, &geometry, 46), dark.cut(60.0, 60.0, &geometry, 46));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5));
            assert!(a[23 * 46 + 23] > 0.95 && a[0] < 0.05);
        }
    }

    #[test]
    fn beyond_the_picture_and_its_banner_stands_the_background_or_the_nearest_pixel() {
        let mut m = discs(100, 100, &[(50.0, 70.0, 15.0)]);
        let mut pixels = m.pixels.to_vec();
        pixels[80 * 100..].fill(1e6);
        m.pixels = pixels.into();
        let banner = Region { x0: -0.5, y0: 79.5, x1: 99.5, y1: 99.5 };
        let source = PatchSource::new(&m, None, true, &[banner], None);
        assert_eq!(source.levels(), (100.0, 200.0));
        let ground = source.cut(50.0, 70.0, &geometry(40.0, 40), 40);
        assert!(ground[39 * 40 + 20] < 1e-5, "the banner is background");
        assert!(ground[28 * 40 + 20] > 0.99, "the particle above it stays");
        let nearest = PatchGeometry { edge: Edge::Nearest, ..geometry(40.0, 40) };
        let nearest = source.cut(50.0, 70.0, &nearest, 40);
        assert!(nearest[39 * 40 + 20] > 0.99, "the last row above the banner goes on");
        let corner = source.cut(0.0, 0.0, &geometry(40.0, 40), 40);
        assert!(corner.iter().all(|v| *v == 0.0));
    }

    #[test]
    fn a_hole_in_the_picture_is_background() {
        let m = discs(100, 100, &[(50.0, 50.0, 30.0)]);
        let text = Region { x0: 45.5, y0: 45.5, x1: 54.5, y1: 54.5 };
        let patch = PatchSource::new(&m, None, true, &[text], None).cut(50.0, 50.0, &geometry(41.0, 41), 41);
        assert!(patch[20 * 41 + 20] < 1e-5 && patch[20 * 41 + 8] > 0.99);
    }

    #[test]
    fn nothing_panics_and_everything_is_finite() {
        let one = Micrograph { width: 1, height: 1, pixels: [3.0].into(), pixel_size: None, replaced: 0 };
        let flat = Micrograph {
            width: 40,
            height: 30,
            pixels: vec![-7.0; 1200].into(),
            pixel_size: None,
            replaced: 0,
        };
        let huge = Micrograph {
            width: 3,
            height: 2,
            pixels: [-3e38, 3e38, 0.0, 1.0, 2.0, 3e38].into(),
            pixel_size: None,
            replaced: 0,
        };
        let disc = discs(50, 50, &[(25.0, 25.0, 10.0)]);
        let all = Region { x0: -1e9, y0: -1e9, x1: 1e9, y1: 1e9 };
        for m in [&one, &flat, &huge, &disc] {
            for excluded in [&[][..], &[all][..]] {
                let source = PatchSource::new(m, None, m.width % 2 == 0, excluded, None);
                for at in [0.0, -0.5, 24.0, 49.9, -1e7, 1e30, f32::NAN, f32::INFINITY] {
                    for extent in [1e-9, 1.0, 64.0, 1e12, f64::NAN] {
                        for (normalise, edge) in
                            [(Normalise::Patch, Edge::Nearest), (Normalise::Micrograph, Edge::Background)]
                        {
                            let geometry = PatchGeometry { normalise, edge, ..geometry(extent, 24) };
                            let patch = source.cut(at, -at, &geometry, 26);
                            assert_eq!(patch.len(), 26 * 26);
                            assert!(patch.iter().all(|v| (0.0..=1.0).contains(v)), "{at} {extent}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn neighbours_are_blanked_to_the_ground_and_the_particle_stays() {
        let m = discs(120, 120, &[(50.0, 60.0, 14.0), (78.0, 60.0, 14.0)]);
        let label = |i: usize| {
            let (x, y) = ((i % 120) as f32, (i / 120) as f32);
            let near = |u: f32| (x - u).hypot(y - 60.0) <= 14.5;
            if x < 64.0 && near(50.0) { 1 } else { 2 * u32::from(near(78.0)) }
        };
        let labels = (0..120 * 120).map(label).collect();
        let map =
            LabelMap { width: 120, height: 120, factor: 1, labels, seeds: vec![(50.0, 60.0), (78.0, 60.0)] };
        let source = PatchSource::new(&m, None, true, &[], Some(&map));
        let shown = source.cut(50.0, 60.0, &geometry(64.0, 64), 65);
        let blank = PatchGeometry { blank_neighbours: true, ..geometry(64.0, 64) };
        let blanked = source.cut(50.0, 60.0, &blank, 65);
        let at = |patch: &[f32], x: usize| patch[32 * 65 + x];
        assert!(at(&shown, 60) > 0.99 && at(&blanked, 60) < 0.01, "the neighbour at 78 is gone");
        for x in 18..45 {
            assert_eq!(at(&shown, x), at(&blanked, x), "the particle itself stays");
        }
        let edge = at(&blanked, 47);
        assert!((0.0..0.3).contains(&edge), "after a soft edge the ground: {edge}");
        let (x, _, sum) = gravity(&blanked, 65);
        assert!(x.abs() < 0.6 && (sum / (std::f32::consts::PI * 196.0) - 1.0).abs() < 0.08, "{x} {sum}");
    }
}
