//! A micrograph made ready for the screen: halved copies for zooming out, and its grey values' quantiles.

use crate::error::Result;
use crate::micrograph::{Micrograph, format, stats};
use std::path::Path;
use std::sync::Arc;

/// Number of quantiles kept, 0 % to 100 %.
const QUANTILES: usize = 1001;
/// More pixels than this are sampled for the quantiles; the display needs no more.
const SAMPLE: usize = 1 << 20;
/// Copies are halved until the longer side is at most this.
const SMALLEST: usize = 512;

/// A micrograph ready to be drawn at any zoom.
pub struct Picture {
    pub micrograph: Micrograph,
    /// Copies at 1/2, 1/4, ... of the size, each pixel the mean of four; level 0 is the micrograph itself.
    smaller: Vec<Level>,
    quantiles: Vec<f32>,
}

/// One copy of the micrograph.
pub struct Level {
    pub width: usize,
    pub height: usize,
    /// `width * height` values, row-major.
    pub pixels: Arc<[f32]>,
}

/// A copy borrowed from a [`Picture`].
#[derive(Clone, Copy)]
pub struct LevelRef<'a> {
    pub width: usize,
    pub height: usize,
    pub pixels: &'a [f32],
}

impl Picture {
    /// Opens one page of a file and prepares it; runs beside the window.
    pub fn open(path: &Path, page: usize) -> Result<Self> {
        Ok(Self::new(format::open_page(path, page)?))
    }

    pub fn new(micrograph: Micrograph) -> Self {
        let mut smaller: Vec<Level> = Vec::new();
        let (mut width, mut height) = (micrograph.width, micrograph.height);
        while width.max(height) > SMALLEST && width.min(height) > 1 {
            let pixels = smaller.last().map_or(&micrograph.pixels, |level| &level.pixels);
            let level = halve(pixels, width, height);
            (width, height) = (level.width, level.height);
            smaller.push(level);
        }
        let quantiles = quantiles(&micrograph.pixels);
        Self { micrograph, smaller, quantiles }
    }

    /// Number of levels, at least 1.
    pub fn levels(&self) -> usize {
        1 + self.smaller.len()
    }

    /// The copy at 1 / 2^`level` of the size; the smallest one if there are fewer.
    pub fn level(&self, level: usize) -> LevelRef<'_> {
        match level.min(self.smaller.len()).checked_sub(1) {
            Some(i) => {
                let level = &self.smaller[i];
                LevelRef { width: level.width, height: level.height, pixels: &level.pixels }
            }
            None => LevelRef {
                width: self.micrograph.width,
                height: self.micrograph.height,
                pixels: &self.micrograph.pixels,
            },
        }
    }

    /// The grey values at two percentiles (0..=100); the second is larger than the first.
    pub fn range(&self, (low, high): (f32, f32)) -> (f32, f32) {
        let at = |percent: f32| {
            let place = (percent / 100.0).clamp(0.0, 1.0) * (self.quantiles.len() - 1) as f32;
            self.quantiles[place.round() as usize]
        };
        let (low, high) = (at(low), at(high));
        // A flat picture, or two percentiles that fall together, must not divide by zero.
        let least = low.abs().max(1.0) * f32::EPSILON * 4.0;
        (low, high.max(low + least))
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
    Level { width: w, height: h, pixels: out.into() }
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
            let level = picture.level(i);
            assert_eq!((level.width, level.height), (2048 >> i, 1024 >> i));
            let mean = level.pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / level.pixels.len() as f64;
            assert!((mean - 1023.5).abs() < 1e-3, "level {i}: {mean}");
        }
    }

    #[test]
    fn odd_sizes_and_single_pixels_survive() {
        assert_eq!(Picture::new(ramp(1, 1)).levels(), 1);
        let picture = Picture::new(ramp(1023, 3));
        let level = picture.level(1);
        assert_eq!((level.width, level.height), (512, 2));
        assert_eq!(level.pixels[511], 1022.0);
    }

    #[test]
    fn contrast_of_a_flat_picture_is_a_range() {
        let picture = Picture::new(Micrograph::new(2, 2, vec![7.0; 4], None).unwrap());
        let (low, high) = picture.range((0.5, 99.5));
        assert!(low < high && low == 7.0);
    }

    #[test]
    fn grey_is_read_at_pixel_centres() {
        let picture = Picture::new(ramp(4, 2));
        assert_eq!(picture.grey(2.4, 0.0), Some(2.0));
        assert_eq!(picture.grey(-0.4, 0.0), Some(0.0));
        assert_eq!(picture.grey(3.6, 0.0), None);
    }
}
