//! Which pixels belong to which particle, when the particles are known.

use super::Region;
use super::detect::{Progress, Settings, divide_among, regions};
use crate::Result;
use crate::micrograph::Micrograph;

/// One label for `factor` x `factor` pixels of a micrograph: 0 for the background, 1 + the index of a particle, and
/// beyond those the outlines that no particle claims.
#[derive(Clone, Debug)]
pub struct LabelMap {
    pub width: usize,
    pub height: usize,
    pub factor: usize,
    pub labels: Vec<u32>,
    /// Positions of the particles in micrograph pixels, by index.
    pub seeds: Vec<(f32, f32)>,
}

impl LabelMap {
    /// Label at a point in micrograph pixels; 0 outside the picture.
    pub fn at(&self, x: f32, y: f32) -> u32 {
        let cell = |v: f32| ((v + 0.5) / self.factor.max(1) as f32).floor();
        let (column, row) = (cell(x), cell(y));
        let inside = column >= 0.0 && row >= 0.0 && column < self.width as f32 && row < self.height as f32;
        if inside {
            self.labels.get(row as usize * self.width + column as usize).copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// Label of the particle at (x, y): the one whose position this is, else the one on whose territory it lies.
    pub fn own(&self, x: f32, y: f32) -> u32 {
        let near = |s: &(f32, f32)| (s.0 - x).hypot(s.1 - y);
        let nearest =
            (0..self.seeds.len()).min_by(|a, b| near(&self.seeds[*a]).total_cmp(&near(&self.seeds[*b])));
        match nearest {
            Some(i) if near(&self.seeds[i]) < 0.75 => i as u32 + 1,
            _ => self.at(x, y),
        }
    }
}

/// Gives the outlines found on `m` to the particles at `seeds` (micrograph pixels).
///
/// An outline with one particle in it is that particle's, a whole rod for a rod; one with several is divided among
/// them by a watershed of its distance map. One with none stays an outline of its own: it is something, even if nobody
/// marked it, and does not belong into anybody's patch.
///
/// # Errors
/// As [`super::detect::detect`].
pub fn territories(
    m: &Micrograph,
    excluded: &[Region],
    seeds: &[(f32, f32)],
    bright: bool,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<LabelMap> {
    let (width, height, factor, labels) = regions(m, excluded, bright, settings, progress)?;
    let outlines = LabelMap { width, height, factor, labels, seeds: seeds.to_vec() };
    let pixel = |s: &(f32, f32)| {
        let label = outlines.at(s.0, s.1);
        let cell = |v: f32| ((v + 0.5) / factor as f32).floor() as usize;
        (label > 0).then(|| cell(s.1) * width + cell(s.0))
    };
    let starts: Vec<Option<usize>> = seeds.iter().map(pixel).collect();
    let mut labels = divide_among(&outlines.labels, width, height, &starts);
    for (label, outline) in labels.iter_mut().zip(&outlines.labels) {
        if *label == 0 && *outline > 0 {
            *label = seeds.len() as u32 + outline;
        }
    }
    Ok(LabelMap { labels, ..outlines })
}
