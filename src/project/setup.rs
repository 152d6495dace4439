//! How a micrograph is set up: opened, prepared, and which of its pixels count.

use super::{MicrographEntry, Outline, Region, Tone, source};
use crate::micrograph::prepare::{self, Step};
use crate::micrograph::{Micrograph, PixelSize, format};
use crate::particle::MicrographId;
use std::path::Path;

/// The steps of a micrograph and what they look at; of one without steps nothing, since its pixels are the file's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    pub steps: Vec<Step>,
    /// Lengths of steps may be in nanometres.
    pub pixel_size: Option<PixelSize>,
    pub excluded: Vec<Region>,
    pub outlines: Vec<Outline>,
}

impl MicrographEntry {
    /// A micrograph as it comes from its file: nothing excluded, contrast undecided, display from the 0.5th to the
    /// 99.5th percentile. `hash` is from [`source::hash_file`]; the path is made absolute. The identifier is 0, which
    /// no project uses, until [`super::Project::add_micrograph_edit`] gives it one.
    pub fn new(
        path: impl AsRef<Path>,
        page: usize,
        width: usize,
        height: usize,
        pixel_size: Option<PixelSize>,
        hash: impl Into<String>,
    ) -> Self {
        let path = path.as_ref();
        Self {
            id: MicrographId(0),
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            hash: hash.into(),
            page,
            width,
            height,
            pixel_size,
            excluded: Vec::new(),
            outlines: Vec::new(),
            bright: None,
            contrast: (0.5, 99.5),
            tone: Tone::default(),
            steps: Vec::new(),
            maps: serde_json::Value::Null,
        }
    }

    /// The micrograph's pixels as they are used: opened, and prepared by its steps.
    ///
    /// # Errors
    /// As [`source::require`], [`format::open_page`] and [`prepare::apply`].
    pub fn open(&self) -> crate::Result<Micrograph> {
        source::require(self)?;
        self.prepared(format::open_page(&self.path, self.page)?)
    }

    /// A picture after the steps, in which excluded regions have no say. The user may know the scale better than the file,
    /// and lengths may be in nanometres.
    ///
    /// # Errors
    /// As [`prepare::apply`].
    pub fn prepared(&self, mut micrograph: Micrograph) -> crate::Result<Micrograph> {
        if self.steps.is_empty() {
            return Ok(micrograph);
        }
        micrograph.pixel_size = self.pixel_size;
        let counts = self.counts(micrograph.width, micrograph.height);
        // Where everything is excluded nothing else is left to level by.
        let counts = counts.filter(|counts| counts.contains(&true));
        prepare::apply(&micrograph, &self.steps, counts.as_deref())
    }

    /// What the prepared pixels depend on, beside the file.
    pub fn preparation(&self) -> Preparation {
        if self.steps.is_empty() {
            return Preparation::default();
        }
        let (excluded, outlines) = (self.excluded.clone(), self.outlines.clone());
        Preparation { steps: self.steps.clone(), pixel_size: self.pixel_size, excluded, outlines }
    }

    /// True for the pixels of a `width` x `height` picture that lie in no excluded region; `None` if all do.
    pub fn counts(&self, width: usize, height: usize) -> Option<Vec<bool>> {
        let regions = self.excluded_regions();
        if regions.is_empty() {
            return None;
        }
        let mut counts = vec![true; width * height];
        for region in regions {
            let (columns, rows) = region.pixels(width, height);
            for y in rows {
                counts[y * width..][columns.clone()].fill(false);
            }
        }
        Some(counts)
    }

    /// All that is excluded, rectangles and outlines, as rectangles.
    pub fn excluded_regions(&self) -> Vec<Region> {
        let outlines = self.outlines.iter().flat_map(|outline| outline.rows(self.height));
        self.excluded.iter().copied().chain(outlines).collect()
    }

    /// The last part of the path, for people.
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(|| self.path.display().to_string(), |n| n.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_has_no_say_in_levelling_and_is_part_of_the_preparation() {
        let slope = |i: usize| 0.2 * (i % 40) as f32 - 0.1 * (i / 40) as f32;
        let high = |i: usize| (5..15).contains(&(i % 40)) && (8..20).contains(&(i / 40));
        let pixels = (0..1200).map(|i| slope(i) + if high(i) { 50.0 } else { 0.0 }).collect();
        let image = Micrograph::new(40, 30, pixels, None).unwrap();
        let mut entry = MicrographEntry::new("/a.png", 0, 40, 30, None, "00");
        entry.steps = vec![Step::Plane];
        let level = |entry: &MicrographEntry| entry.prepared(image.clone()).unwrap();
        let with = level(&entry);
        assert!((with.pixels[39] - with.pixels[1160]).abs() > 1.0, "the plane follows the hill");
        let before = entry.preparation();
        entry.excluded.push(Region { x0: 4.5, y0: 7.5, x1: 14.5, y1: 19.5 });
        assert_ne!(entry.preparation(), before);
        let without = level(&entry);
        let off = (0..1200).filter(|i| !high(*i)).map(|i| without.pixels[i].abs()).fold(0.0, f32::max);
        assert!(off < 1e-3, "{off}");
        assert!((without.pixels[10 * 40 + 10] - 50.0).abs() < 1e-3, "the hill is levelled with the rest");
        // Without steps the pixels are the file's, whatever is excluded.
        entry.steps.clear();
        assert_eq!(entry.preparation(), Preparation::default());
        // A picture that is excluded as a whole is levelled all the same.
        entry.steps = vec![Step::Plane];
        entry.excluded = vec![Region { x0: -0.5, y0: -0.5, x1: 39.5, y1: 29.5 }];
        assert!(entry.prepared(image).is_ok());
    }
}
