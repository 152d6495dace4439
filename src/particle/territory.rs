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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two touching discs, a rod, and a disc without a seed.
    fn micrograph() -> Micrograph {
        let disc = |x: f32, y: f32, u: f32, v: f32, r: f32| (r - (x - u).hypot(y - v) + 0.5).clamp(0.0, 1.0);
        let value = |x: f32, y: f32| {
            let rod = (70.0 - (x - 100.0).abs() + 0.5).min(9.0 - (y - 30.0).abs() + 0.5).clamp(0.0, 1.0);
            let discs = disc(x, y, 60.0, 110.0, 18.0).max(disc(x, y, 92.0, 110.0, 18.0));
            10.0 + 50.0 * rod.max(discs).max(disc(x, y, 170.0, 120.0, 18.0))
        };
        let (width, height) = (220, 170);
        let pixels = (0..width * height).map(|i| value((i % width) as f32, (i / width) as f32)).collect();
        Micrograph { width, height, pixels, pixel_size: None, replaced: 0, lost: None }
    }

    const SEEDS: [(f32, f32); 3] = [(60.0, 110.0), (92.0, 110.0), (45.0, 30.0)];

    fn map(separation: f32) -> LabelMap {
        let settings = Settings { separation, ..Settings::default() };
        territories(&micrograph(), &[], &SEEDS, true, &settings, &|_| true).unwrap()
    }

    #[test]
    fn a_rod_is_whole_and_touching_discs_are_divided_even_where_the_outline_is_not() {
        for separation in [0.0, 0.5] {
            let map = map(separation);
            for x in [35.0, 45.0, 100.0, 165.0] {
                assert_eq!(map.at(x, 30.0), 3, "the rod at x = {x} is its seed's");
            }
            for (x, owner) in [(46.0, 1), (60.0, 1), (72.0, 1), (80.0, 2), (92.0, 2), (106.0, 2)] {
                assert_eq!(map.at(x, 110.0), owner, "separation {separation}, x = {x}");
            }
            assert!(map.at(170.0, 120.0) > 3, "a particle without a seed is there, but no seed's");
            assert_eq!((map.at(5.0, 80.0), map.at(-40.0, 30.0), map.at(1e9, f32::NAN)), (0, 0, 0));
        }
    }

    #[test]
    fn a_particle_owns_the_territory_round_its_seed() {
        let map = map(0.5);
        assert_eq!((map.own(92.2, 110.1), map.own(100.0, 118.0), map.own(140.0, 30.0)), (2, 2, 3));
        assert_eq!(map.own(120.0, 80.0), 0);
    }

    #[test]
    fn seeds_outside_the_picture_or_on_the_background_own_nothing() {
        let seeds = [(-50.0, 10.0), (1e9, 1e9), (f32::NAN, 3.0), (10.0, 160.0)];
        let map = territories(&micrograph(), &[], &seeds, true, &Settings::default(), &|_| true).unwrap();
        assert!(map.labels.iter().all(|l| *l == 0 || *l > map.seeds.len() as u32));
    }
}
