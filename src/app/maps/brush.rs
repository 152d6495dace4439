//! What is chosen among the pixels: drawn on the image, drawn round latents, or a segment.

use super::field::{Field, Grid};
use super::run::Segmented;
use crate::particle::Outline;
use crate::worker::mapping::MapSet;
use rayon::prelude::*;
use std::sync::Arc;

/// How pixels were chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// An outline on the image, pixels.
    Image(Outline),
    /// An outline in the plane of two latents.
    Latents {
        axes: [usize; 2],
        outline: Outline,
    },
    Segment(u8),
}

/// The chosen values of a set of maps.
pub struct Brush {
    pub choice: Choice,
    /// The maps for which `inside` holds.
    revision: u64,
    pub grid: Grid,
    /// One a value of the maps.
    pub inside: Arc<Vec<bool>>,
    pub count: usize,
}

impl Brush {
    /// Finds the pixels of a choice; `None` where the maps (or the segments) are not there.
    pub fn new(choice: Choice, set: &MapSet, segments: Option<&Segmented>, revision: u64) -> Option<Self> {
        let grid = Grid::of(set.content.first()?);
        let known = |i: usize| set.content.iter().all(|map| map.values[i].is_finite());
        let all = 0..grid.width * grid.height;
        let inside: Vec<bool> = match &choice {
            Choice::Image(outline) => {
                let hit = Within::new(outline);
                all.into_par_iter()
                    .map(|i| {
                        let [x, y] = grid.place(i);
                        known(i) && hit.holds(x as f32, y as f32)
                    })
                    .collect()
            }
            Choice::Latents { axes, outline } => {
                let hit = Within::new(outline);
                let [u, v] = axes.map(|axis| Field::Content(axis).of(set));
                let (u, v) = (u?, v?);
                all.into_par_iter().map(|i| hit.holds(u.values[i], v.values[i])).collect()
            }
            Choice::Segment(label) => {
                let segments = segments?.result.as_ref().ok()?;
                if (segments.width, segments.height) != (grid.width, grid.height) {
                    return None;
                }
                segments.labels.par_iter().map(|l| l == label).collect()
            }
        };
        let count = inside.par_iter().filter(|inside| **inside).count();
        Some(Self { choice, revision, grid, inside: Arc::new(inside), count })
    }

    /// The same choice for newer maps.
    pub fn refreshed(self, set: &MapSet, segments: Option<&Segmented>, revision: u64) -> Option<Self> {
        if self.revision == revision { Some(self) } else { Self::new(self.choice, set, segments, revision) }
    }
}

/// An outline with its bounds, so that most points are dismissed at once.
struct Within<'a> {
    outline: &'a Outline,
    low: [f32; 2],
    high: [f32; 2],
}

impl<'a> Within<'a> {
    fn new(outline: &'a Outline) -> Self {
        let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
        for corner in &outline.corners {
            for i in 0..2 {
                (low[i], high[i]) = (low[i].min(corner[i]), high[i].max(corner[i]));
            }
        }
        Self { outline, low, high }
    }

    /// False for what is not known, too.
    fn holds(&self, x: f32, y: f32) -> bool {
        x >= self.low[0]
            && x <= self.high[0]
            && y >= self.low[1]
            && y <= self.high[1]
            && self.outline.contains(x, y)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::order::Map;

    /// Two latents that rise along x and along y, one value unknown.
    pub fn set() -> MapSet {
        let map = |f: fn(usize) -> f32| Map::new(40, 30, (0..1200).map(f).collect(), 2.0, [0.0; 2]).unwrap();
        let mut content = vec![map(|i| (i % 40) as f32 / 20.0 - 1.0), map(|i| (i / 40) as f32 / 15.0 - 1.0)];
        content[0].values[0] = f32::NAN;
        MapSet {
            seed: 1,
            epoch: 1,
            stride: 2,
            last: true,
            uncertainty: content.clone(),
            shift: [content[0].clone(), content[1].clone()],
            content,
            rotation: None,
            recon_error: None,
            judgements: Vec::new(),
            phase_analysis: None,
            aligned: Arc::new([]),
        }
    }

    #[test]
    fn an_outline_on_the_image_and_one_round_its_latents_choose_the_same_pixels() {
        let set = set();
        let square = |x0: f32, y0: f32, x1: f32, y1: f32| Outline {
            corners: vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
        };
        let on_image = Brush::new(Choice::Image(square(19.0, 9.0, 41.0, 31.0)), &set, None, 1).unwrap();
        // Columns 10..=20 and rows 5..=15.
        assert_eq!(on_image.count, 121);
        let z = |v: f32, n: f32| v / n - 1.0;
        let outline = square(z(9.5, 20.0), z(4.5, 15.0), z(20.5, 20.0), z(15.5, 15.0));
        let latents = Brush::new(Choice::Latents { axes: [0, 1], outline }, &set, None, 1).unwrap();
        assert_eq!(latents.inside, on_image.inside);
        let whole = Brush::new(Choice::Image(square(-9.0, -9.0, 99.0, 99.0)), &set, None, 1).unwrap();
        assert_eq!(whole.count, 1199, "what is not known is never chosen");
    }
}
