//! Card suits in every pose: the test pictures of the ss-rVAE (Ziatdinov et al. 2021), with every factor known.
//!
//! Clubs, spades, hearts, diamonds, bright on black. The outlines are curves of our own, in two sets: in one a spade is an
//! upside-down heart with a foot, so a classifier that is blind to the angle is soon found out; in the other they are as
//! fonts draw them, and as the published pictures show them.

mod outline;

pub use outline::Outlines;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

/// Names of the suits in the order of their labels.
pub const SUITS: [&str; 4] = ["clubs", "spades", "hearts", "diamonds"];
/// Samples along each side of a pixel.
const FINE: usize = 4;

/// From what ranges the factors are drawn, uniformly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    pub outlines: Outlines,
    /// Largest rotation either way, degrees.
    pub angle_deg: f32,
    /// Largest shift along each axis as a part of the side.
    pub shift: f32,
    /// Largest shear along each axis, degrees.
    pub shear_deg: f32,
    /// Smallest and largest size; 1 leaves about half of the side free.
    pub scale: [f32; 2],
}

impl Default for Ranges {
    /// The published sets: shear +-15 degrees, size 1 to 1.3; upright and centred.
    fn default() -> Self {
        Self { outlines: Outlines::Alike, angle_deg: 0.0, shift: 0.0, shear_deg: 15.0, scale: [1.0, 1.3] }
    }
}

/// What one picture was drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// Index into [`SUITS`].
    pub suit: usize,
    pub outlines: Outlines,
    /// Clockwise on the screen, degrees.
    pub angle_deg: f32,
    /// Right and down, parts of the side.
    pub shift: [f32; 2],
    /// Along x and along y, degrees.
    pub shear_deg: [f32; 2],
    pub scale: f32,
}

/// Pictures and what they were drawn with.
#[derive(Clone, Debug)]
pub struct Cards {
    pub side: usize,
    /// `[len, side, side]`, row-major, 0..=1.
    pub pixels: Vec<f32>,
    pub factors: Vec<Factors>,
}

/// `per_class` pictures of each suit, suit by suit. The same seed draws the same cards.
pub fn draw(per_class: usize, side: usize, ranges: Ranges, seed: u64) -> Cards {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let factors: Vec<Factors> = (0..SUITS.len() * per_class)
        .map(|i| Factors::random(i / per_class.max(1), ranges, &mut rng))
        .collect();
    let mut pixels = vec![0.0; factors.len() * side * side];
    if side > 0 {
        pixels.par_chunks_mut(side * side).zip(&factors).for_each(|(out, factors)| factors.paint(side, out));
    }
    Cards { side, pixels, factors }
}

impl Cards {
    /// Lays normal noise of standard deviation `noise` over every picture, clipped to 0..=1 as a detector does, and
    /// overwrites a share of its pixels with 1.
    pub fn spoil(&mut self, noise: f32, overwritten: f32, seed: u64) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for pixel in &mut self.pixels {
            if noise > 0.0 {
                *pixel = (*pixel + noise * rng.sample::<f32, _>(StandardNormal)).clamp(0.0, 1.0);
            }
            if overwritten > 0.0 && rng.random_range(0.0..1.0_f32) < overwritten {
                *pixel = 1.0;
            }
        }
    }
}

impl Factors {
    fn random(suit: usize, ranges: Ranges, rng: &mut impl Rng) -> Self {
        let mut draw = |low: f32, high: f32| if high > low { rng.random_range(low..=high) } else { low };
        let mut both = |limit: f32| [draw(-limit, limit), draw(-limit, limit)];
        let (shift, shear_deg) = (both(ranges.shift), both(ranges.shear_deg));
        let angle_deg = draw(-ranges.angle_deg, ranges.angle_deg);
        let outlines = ranges.outlines;
        Self { suit, outlines, angle_deg, shift, shear_deg, scale: draw(ranges.scale[0], ranges.scale[1]) }
    }

    /// Draws the card into `side * side` pixels.
    pub fn paint(&self, side: usize, out: &mut [f32]) {
        // From the picture back to the upright outline: undo shift, rotation, size and shear.
        let (sin, cos) = self.angle_deg.to_radians().sin_cos();
        let [kx, ky] = self.shear_deg.map(|k| k.to_radians().tan());
        // rotation * shear = [[cos - sin ky, cos kx - sin], [sin + cos ky, sin kx + cos]]
        let (a, b) = (cos - sin * ky, cos * kx - sin);
        let (c, d) = (sin + cos * ky, sin * kx + cos);
        let by = 1.0 / ((a * d - b * c) * self.scale.max(1e-3));
        let fine = (side * FINE) as f32;
        let place = |i: usize, shift: f32| (i as f32 + 0.5) / fine * 2.0 - 1.0 - 2.0 * shift;
        for (at, pixel) in out.iter_mut().enumerate() {
            let (row, column) = (at / side * FINE, at % side * FINE);
            let mut inside = 0;
            for i in 0..FINE * FINE {
                let x = place(column + i % FINE, self.shift[0]);
                let y = place(row + i / FINE, self.shift[1]);
                inside +=
                    usize::from(self.outlines.covers(self.suit, (d * x - b * y) * by, (a * y - c * x) * by));
            }
            *pixel = inside as f32 / (FINE * FINE) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upright(suit: usize) -> Vec<f32> {
        drawn(suit, Outlines::Alike)
    }

    fn drawn(suit: usize, outlines: Outlines) -> Vec<f32> {
        let mut out = vec![0.0; 48 * 48];
        Factors { suit, outlines, scale: 1.0, ..Factors::default() }.paint(48, &mut out);
        out
    }

    #[test]
    fn every_suit_is_a_different_shape_of_similar_size() {
        for outlines in [Outlines::Alike, Outlines::Symbols] {
            let all: Vec<Vec<f32>> = (0..4).map(|suit| drawn(suit, outlines)).collect();
            for (i, a) in all.iter().enumerate() {
                let area = a.iter().sum::<f32>() / (48.0 * 48.0);
                assert!((0.1..0.25).contains(&area), "{}: {area}", SUITS[i]);
                for b in &all[..i] {
                    assert!(apart(a, b) > 60.0, "{}", apart(a, b));
                }
            }
        }
    }

    fn apart(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
    }

    #[test]
    fn a_heart_turned_over_is_a_spade_without_its_foot_only_where_suits_are_alike() {
        let turned = |outlines: Outlines| {
            let mut heart = drawn(2, outlines);
            heart.reverse();
            let spade = drawn(1, outlines);
            // Moved up or down to where it fits best.
            let moved = (0..48).map(|rows| {
                let mut heart = heart.clone();
                heart.rotate_left(48 * rows);
                apart(&heart, &spade)
            });
            moved.fold(f32::MAX, f32::min) / spade.iter().sum::<f32>()
        };
        let (alike, symbols) = (turned(Outlines::Alike), turned(Outlines::Symbols));
        assert!(alike < 0.2 && symbols > 1.5 * alike, "{alike} {symbols}");
    }

    #[test]
    fn factors_do_what_they_say() {
        let centre = |pixels: &[f32]| {
            let total: f32 = pixels.iter().sum();
            let mean = |of: fn(usize) -> usize| {
                pixels.iter().enumerate().map(|(i, p)| p * of(i) as f32).sum::<f32>() / total
            };
            [mean(|i| i % 48), mean(|i| i / 48)]
        };
        let plain = Factors { suit: 3, scale: 1.0, ..Factors::default() };
        let mut moved = vec![0.0; 48 * 48];
        Factors { shift: [0.1, -0.05], ..plain }.paint(48, &mut moved);
        let (a, b) = (centre(&upright(3)), centre(&moved));
        assert!((b[0] - a[0] - 4.8).abs() < 0.1 && (b[1] - a[1] + 2.4).abs() < 0.1, "{a:?} {b:?}");
        // A quarter turn clockwise carries the top of the spade to the right.
        let mut turned = vec![0.0; 48 * 48];
        Factors { suit: 1, angle_deg: 90.0, scale: 1.0, ..Factors::default() }.paint(48, &mut turned);
        let spade = upright(1);
        for y in 0..48 {
            for x in 0..48 {
                assert!((turned[y * 48 + x] - spade[(47 - x) * 48 + y]).abs() < 0.2);
            }
        }
        assert_eq!(draw(2, 12, Ranges::default(), 7).pixels, draw(2, 12, Ranges::default(), 7).pixels);
    }
}
