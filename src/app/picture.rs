//! A micrograph made ready for the screen: halved copies for zooming out, and its grey values' quantiles.

use crate::micrograph::{Micrograph, stats};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Number of quantiles kept, 0 % to 100 %.
const QUANTILES: usize = 1001;
/// More pixels than this are sampled for the quantiles; the display needs no more.
const SAMPLE: usize = 1 << 20;
/// Less than any difference between two greys of a picture.
const NOTHING: f32 = 1e-30;
/// Copies are halved until the longer side is at most this.
const SMALLEST: usize = 512;

/// A micrograph ready to be drawn at any zoom.
pub struct Picture {
    pub micrograph: Micrograph,
    /// Copies at 1/4, 1/8, ... of the size, each pixel the mean of those it stands for. Level 0 is the micrograph
    /// itself; level 1, half its size, is made row by row when it is drawn, because keeping it would cost a quarter of
    /// the picture's memory.
    smaller: Vec<Level>,
    /// There is a level 1.
    halves: bool,
    pub greys: Arc<Greys>,
}

/// The distribution of the grey values.
pub struct Greys {
    /// 0 % to 100 % in equal steps.
    quantiles: Vec<f32>,
}

/// One copy of the micrograph.
pub struct Level {
    pub width: usize,
    pub height: usize,
    /// `width * height` values, row-major.
    pub pixels: Vec<f32>,
}

/// A copy borrowed from a [`Picture`].
#[derive(Clone, Copy)]
pub struct LevelRef<'a> {
    pub width: usize,
    pub height: usize,
    pub pixels: &'a [f32],
}

impl Picture {
    /// Prepares a micrograph for the screen; runs beside the window.
    pub fn new(micrograph: Micrograph) -> Self {
        let mut smaller: Vec<Level> = Vec::new();
        let (mut width, mut height) = (micrograph.width, micrograph.height);
        let more = |width: usize, height: usize| width.max(height) > SMALLEST && width.min(height) > 1;
        let halves = more(width, height);
        if halves {
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
        while more(width, height) {
            let level = match smaller.last() {
                None => quarter(&micrograph.pixels, micrograph.width, micrograph.height),
                Some(level) => halve(&level.pixels, width, height),
            };
            (width, height) = (level.width, level.height);
            smaller.push(level);
        }
        let greys = Arc::new(Greys { quantiles: quantiles(&micrograph.pixels) });
        Self { micrograph, halves, smaller, greys }
    }

    /// Number of levels, at least 1.
    pub fn levels(&self) -> usize {
        1 + usize::from(self.halves) + self.smaller.len()
    }

    /// The smallest copy; the picture itself, if it is small.
    pub fn smallest(&self) -> LevelRef<'_> {
        let whole = || LevelRef {
            width: self.micrograph.width,
            height: self.micrograph.height,
            pixels: &self.micrograph.pixels,
        };
        self.smaller.last().map_or_else(whole, |level| LevelRef {
            width: level.width,
            height: level.height,
            pixels: &level.pixels,
        })
    }

    /// Width and height of a level, at 1 / 2^`level` of the size; of the smallest one if there are fewer.
    pub fn size(&self, level: usize) -> (usize, usize) {
        let mut size = (self.micrograph.width, self.micrograph.height);
        for _ in 0..level.min(self.levels() - 1) {
            size = (size.0.div_ceil(2), size.1.div_ceil(2));
        }
        size
    }

    /// A part of row `y` of a level.
    pub fn row(&self, level: usize, y: usize, columns: Range<usize>, out: &mut Vec<f32>) {
        let (width, height) = (self.micrograph.width, self.micrograph.height);
        out.clear();
        match level.min(self.levels() - 1) {
            0 => out.extend_from_slice(&self.micrograph.pixels[y * width..][columns]),
            1 => {
                let upper = &self.micrograph.pixels[2 * y * width..][..width];
                let lower = &self.micrograph.pixels[(2 * y + 1).min(height - 1) * width..][..width];
                out.extend(columns.map(|x| {
                    let right = (2 * x + 1).min(width - 1);
                    0.25 * (upper[2 * x] + upper[right] + lower[2 * x] + lower[right])
                }));
            }
            level => {
                let level = &self.smaller[level - 2];
                out.extend_from_slice(&level.pixels[y * level.width..][columns]);
            }
        }
    }

    /// See [`Greys::percent`].
    pub fn percent(&self, grey: f32) -> f32 {
        self.greys.percent(grey)
    }

    /// See [`Greys::range`].
    pub fn range(&self, percentiles: (f32, f32)) -> (f32, f32) {
        self.greys.range(percentiles)
    }

    /// The grey value at a pixel, if it lies inside.
    pub fn grey(&self, x: f32, y: f32) -> Option<f32> {
        let (x, y) = (x.round(), y.round());
        let inside =
            x >= 0.0 && y >= 0.0 && x < self.micrograph.width as f32 && y < self.micrograph.height as f32;
        inside.then(|| self.micrograph.pixels[y as usize * self.micrograph.width + x as usize])
    }

    /// Bytes of pixels held.
    pub fn bytes(&self) -> usize {
        let count = self.micrograph.pixels.len() + self.smaller.iter().map(|l| l.pixels.len()).sum::<usize>();
        count * size_of::<f32>()
    }
}

impl Greys {
    /// The percentile (0..=100) at which a grey value stands.
    pub fn percent(&self, grey: f32) -> f32 {
        let last = self.quantiles.len() - 1;
        let above = self.quantiles.partition_point(|q| *q <= grey);
        let Some(below) = above.checked_sub(1) else { return 0.0 };
        let (a, b) = (self.quantiles[below], self.quantiles[above.min(last)]);
        let part = if b > a { (grey - a) / (b - a) } else { 0.0 };
        100.0 * (below as f32 + part) / last as f32
    }

    /// The grey values at two percentiles (0..=100); the second is larger than the first.
    pub fn range(&self, (low, high): (f32, f32)) -> (f32, f32) {
        let at = |percent: f32| {
            let place = (percent / 100.0).clamp(0.0, 1.0) * (self.quantiles.len() - 1) as f32;
            let (below, part) = (place.floor() as usize, place.fract());
            let (a, b) = (self.quantiles[below], self.quantiles[(below + 1).min(self.quantiles.len() - 1)]);
            a + (b - a) * part
        };
        let (low, high) = (at(low), at(high));
        // A flat picture, or two percentiles that fall together, must not divide by zero. Heights may be 1e-10 m.
        let least = (low.abs().max(high.abs()) * f32::EPSILON * 4.0).max(NOTHING);
        (low, high.max(low + least))
    }
}

fn quantiles(pixels: &[f32]) -> Vec<f32> {
    let percents: Vec<f32> = (0..QUANTILES).map(|i| 100.0 * i as f32 / (QUANTILES - 1) as f32).collect();
    let found = if pixels.len() > SAMPLE {
        // An odd stride does not fall into step with the rows.
        let stride = (pixels.len() / SAMPLE) | 1;
        let sample: Vec<f32> = pixels.iter().step_by(stride).copied().collect();
        stats::percentiles(&sample, &percents)
    } else {
        stats::percentiles(pixels, &percents)
    };
    if found.is_empty() { vec![0.0, 1.0] } else { found }
}

/// A quarter of the size in one go, so that half the size is never held: as two halvings would give it.
fn quarter(pixels: &[f32], width: usize, height: usize) -> Level {
    let (half_w, half_h) = (width.div_ceil(2), height.div_ceil(2));
    let (w, h) = (half_w.div_ceil(2), half_h.div_ceil(2));
    let mut out = vec![0.0_f32; w * h];
    out.par_chunks_mut(w).enumerate().for_each(|(y, row)| {
        let halved = |y: usize| {
            let y = y.min(half_h - 1);
            let upper = &pixels[2 * y * width..][..width];
            let lower = &pixels[(2 * y + 1).min(height - 1) * width..][..width];
            move |x: usize| {
                let x = x.min(half_w - 1);
                let right = (2 * x + 1).min(width - 1);
                0.25 * (upper[2 * x] + upper[right] + lower[2 * x] + lower[right])
            }
        };
        let (upper, lower) = (halved(2 * y), halved(2 * y + 1));
        for (x, out) in row.iter_mut().enumerate() {
            *out = 0.25 * (upper(2 * x) + upper(2 * x + 1) + lower(2 * x) + lower(2 * x + 1));
        }
    });
    Level { width: w, height: h, pixels: out }
}

fn halve(pixels: &[f32], width: usize, height: usize) -> Level {
    let (w, h) = (width.div_ceil(2), height.div_ceil(2));
    let mut out = Vec::with_capacity(w * h);
    for y in 0..h {
        let upper = &pixels[2 * y * width..][..width];
        let lower = &pixels[(2 * y + 1).min(height - 1) * width..][..width];
        for x in 0..w {
            let right = (2 * x + 1).min(width - 1);
            out.push(0.25 * (upper[2 * x] + upper[right] + lower[2 * x] + lower[right]));
        }
    }
    Level { width: w, height: h, pixels: out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: usize, height: usize) -> Micrograph {
        let pixels: Vec<f32> = (0..width * height).map(|i| (i % width) as f32).collect();
        Micrograph::new(width, height, pixels, None).unwrap()
    }

    #[test]
    fn each_level_halves_and_keeps_the_mean() {
        let picture = Picture::new(ramp(2048, 1024));
        assert_eq!(picture.levels(), 3);
        for i in 0..3 {
            let (width, height) = picture.size(i);
            assert_eq!((width, height), (2048 >> i, 1024 >> i));
            let (mut sum, mut row) = (0.0, Vec::new());
            for y in 0..height {
                picture.row(i, y, 0..width, &mut row);
                sum += row.iter().map(|p| f64::from(*p)).sum::<f64>();
            }
            let mean = sum / (width * height) as f64;
            assert!((mean - 1023.5).abs() < 1e-3, "level {i}: {mean}");
        }
        assert_eq!((picture.smallest().width, picture.smallest().height), (512, 256));
    }

    #[test]
    fn odd_sizes_and_single_pixels_survive() {
        assert_eq!(Picture::new(ramp(1, 1)).levels(), 1);
        let picture = Picture::new(ramp(1023, 3));
        assert_eq!(picture.size(1), (512, 2));
        let mut row = Vec::new();
        picture.row(1, 1, 510..512, &mut row);
        assert_eq!(row[1], 1022.0);
    }

    #[test]
    fn grey_values_and_percentiles_lead_to_each_other() {
        let picture = Picture::new(ramp(1000, 3));
        for percent in [0.3, 10.0, 50.05, 99.0] {
            let (grey, _) = picture.range((percent, 100.0));
            assert!((picture.percent(grey) - percent).abs() < 0.11, "{percent}: {}", picture.percent(grey));
        }
        assert_eq!((picture.percent(-5.0), picture.percent(5000.0)), (0.0, 100.0));
    }

    #[test]
    fn contrast_of_a_flat_picture_is_a_range() {
        let picture = Picture::new(Micrograph::new(2, 2, vec![7.0; 4], None).unwrap());
        let (low, high) = picture.range((0.5, 99.5));
        assert!(low < high && low == 7.0);
    }

    #[test]
    fn heights_in_metres_have_a_range_of_their_own() {
        let heights = (0..200).map(|i| 1e-12 * i as f32).collect();
        let (low, high) = Picture::new(Micrograph::new(200, 1, heights, None).unwrap()).range((0.5, 99.5));
        assert!(low > 0.0 && high > 1.9e-10 && high < 2e-10, "{low} {high}");
        let zero = Picture::new(Micrograph::new(2, 2, vec![0.0; 4], None).unwrap());
        assert!(zero.range((0.5, 99.5)).1 > 0.0);
    }

    #[test]
    fn grey_is_read_at_pixel_centres() {
        let picture = Picture::new(ramp(4, 2));
        assert_eq!(picture.grey(2.4, 0.0), Some(2.0));
        assert_eq!(picture.grey(-0.4, 0.0), Some(0.0));
        assert_eq!(picture.grey(3.6, 0.0), None);
    }
}
