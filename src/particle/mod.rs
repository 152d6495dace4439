//! What is seen on a micrograph: particles, their classes and the patches cut round them.

pub mod describe;
pub mod detect;
pub mod patch;
pub mod territory;
pub mod trust;

use serde::{Deserialize, Serialize};

/// Identifies a particle within a project; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ParticleId(pub u64);

/// Identifies a class within a project; never reused. Not its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassId(pub u32);

/// Identifies a micrograph within a project; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicrographId(pub u32);

/// A kind of particle, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    pub id: ClassId,
    pub name: String,
    /// sRGB.
    pub colour: [u8; 3],
    /// Names it had before: a model that learned it then calls it so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
}

impl Class {
    /// The same class under another name.
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        let mut class = Self { name: name.into(), ..self.clone() };
        class.formerly.retain(|before| *before != self.name && *before != class.name);
        if self.name != class.name {
            class.formerly.push(self.name.clone());
        }
        class
    }
}

/// One particle on one micrograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Particle {
    pub id: ParticleId,
    pub micrograph: MicrographId,
    /// Centre in pixels of the micrograph (see [`crate::micrograph`] for the convention).
    pub x: f32,
    pub y: f32,
    /// Equivalent diameter in pixels, when a detector measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diameter: Option<f32>,
    /// The detector's score; `None` for a particle a person added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// The class a person gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<ClassId>,
    /// A label that training never sees: it only measures accuracy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
}

/// An axis-aligned rectangle in pixels: x0 <= x < x1, y0 <= y < y1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

impl Region {
    /// True if the point lies inside.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        self.x0 <= x && x < self.x1 && self.y0 <= y && y < self.y1
    }

    /// The whole pixels inside a `width` x `height` picture as `(columns, rows)`; empty ranges if there are none.
    pub fn pixels(&self, width: usize, height: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let span = |low: f32, high: f32, size: usize| {
            let first = (low.ceil().max(0.0) as usize).min(size);
            let end = (high.ceil().max(0.0) as usize).min(size);
            first..end.max(first)
        };
        (span(self.x0, self.x1, width), span(self.y0, self.y1, height))
    }
}

/// A region of any outline: straight lines from corner to corner and back to the first; crossing lines leave holes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outline {
    /// At least three (x, y) in pixels.
    pub corners: Vec<[f32; 2]>,
}

impl Outline {
    /// True if the point lies inside (a line from it to the right crosses the outline an odd number of times).
    pub fn contains(&self, x: f32, y: f32) -> bool {
        let mut inside = false;
        self.sides().for_each(|(a, b)| {
            if (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
                inside = !inside;
            }
        });
        inside
    }

    /// The rectangles, one pixel high, that hold exactly the pixel centres inside, in a picture of this height.
    pub fn rows(&self, height: usize) -> Vec<Region> {
        let (top, bottom) = self
            .corners
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(top, bottom), c| (top.min(c[1]), bottom.max(c[1])));
        let mut rows = Vec::new();
        let last = bottom.floor().min(height as f32 - 1.0);
        let mut y = top.ceil().max(0.0);
        while y <= last {
            let mut crossings: Vec<f32> = self
                .sides()
                .filter(|(a, b)| (a[1] > y) != (b[1] > y))
                .map(|(a, b)| a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
                .collect();
            crossings.sort_by(f32::total_cmp);
            for pair in crossings.chunks_exact(2) {
                rows.push(Region { x0: pair[0], y0: y - 0.5, x1: pair[1], y1: y + 0.5 });
            }
            y += 1.0;
        }
        rows
    }

    fn sides(&self) -> impl Iterator<Item = ([f32; 2], [f32; 2])> + '_ {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().zip(next).map(|(a, b)| (*a, *b))
    }
}

/// What a trained model says of one particle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Class probabilities in the order of the model's classes; they sum to 1.
    pub probabilities: Vec<f32>,
    /// Learned in-plane angle in radians, in (-pi, pi]; 0 if the model has no rotation.
    pub angle_rad: f32,
    /// Learned shift along image (x, y), in pixels of the patch; 0 if the model has no translation.
    pub shift_px: [f32; 2],
    /// Learned scale; 1 if the model has no scale.
    pub scale: f32,
    /// Means of the content latents.
    pub mu: Vec<f32>,
    /// Standard deviations of the content latents, > 0.
    pub sigma: Vec<f32>,
    /// Mean squared error per pixel of the reconstruction at the most probable class (patch intensities 0..1).
    pub recon_error: f32,
}

impl Prediction {
    /// Index of the most probable class.
    pub fn best(&self) -> usize {
        let mut best = 0;
        for (i, p) in self.probabilities.iter().enumerate() {
            if *p > self.probabilities[best] {
                best = i;
            }
        }
        best
    }

    /// Largest probability minus the second largest, 0..1; 1 for a single class.
    pub fn margin(&self) -> f32 {
        let (mut first, mut second) = (0.0_f32, 0.0_f32);
        for &p in &self.probabilities {
            if p > first {
                second = first;
                first = p;
            } else if p > second {
                second = p;
            }
        }
        first - second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_covers_the_pixels_whose_centres_it_holds() {
        // A star, whose arms make concave corners, partly outside the picture.
        let corners = (0..10)
            .map(|i| {
                let (angle, r) = (i as f32 * 0.628_318_5 + 0.1, if i % 2 == 0 { 31.3 } else { 12.1 });
                [40.2 + r * angle.cos(), 20.7 + r * angle.sin()]
            })
            .collect();
        let outline = Outline { corners };
        let (width, height) = (64, 48);
        let rows = outline.rows(height);
        for y in 0..height {
            for x in 0..width {
                let covered = rows.iter().any(|row| {
                    let (columns, rows) = row.pixels(width, height);
                    columns.contains(&x) && rows.contains(&y)
                });
                assert_eq!(covered, outline.contains(x as f32, y as f32), "{x} {y}");
            }
        }
        let area: usize = rows.iter().map(|row| row.pixels(width, height).0.len()).sum();
        assert!(area > 500, "{area}");
    }
}
