//! Which pixels of a field are inside, and windows on them.

use super::distance::distances_of;
use super::field::Field;
use super::shape::Run;
use std::ops::Range;

/// One byte a pixel: 1 inside, 0 outside.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    pub width: usize,
    pub height: usize,
    pub inside: Vec<u8>,
}

impl Mask {
    /// The pixels that reach `threshold`.
    pub fn above(field: &Field, threshold: f32) -> Self {
        let inside = field.values.iter().map(|v| u8::from(*v >= threshold)).collect();
        Self { width: field.width, height: field.height, inside }
    }

    /// Makes the pixels of a run all inside or all outside.
    pub fn paint(&mut self, run: &Run, inside: bool) {
        let row = run.y as usize * self.width;
        self.inside[row + run.x0 as usize..=row + run.x1 as usize].fill(u8::from(inside));
    }
}

/// A rectangle of whole pixels of a mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    x0: usize,
    y0: usize,
    pub width: usize,
    pub height: usize,
}

impl Window {
    /// The bounds of `runs`, which are ordered by row, with a margin where the picture has one; `None` without runs.
    pub fn round(runs: &[Run], margin: usize, width: usize, height: usize) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last()?);
        let left = runs.iter().map(|r| r.x0).min()? as usize;
        let right = runs.iter().map(|r| r.x1).max()? as usize;
        let (x0, y0) = (left.saturating_sub(margin), (first.y as usize).saturating_sub(margin));
        let (x1, y1) = ((right + margin + 1).min(width), (last.y as usize + margin + 1).min(height));
        Some(Self { x0, y0, width: x1 - x0, height: y1 - y0 })
    }

    /// All of a mask.
    pub fn whole(mask: &Mask) -> Self {
        Self { x0: 0, y0: 0, width: mask.width, height: mask.height }
    }

    pub fn area(&self) -> usize {
        self.width * self.height
    }

    /// Distances to the nearest pixel outside, of those in the window; what lies beyond it is never taken for outside.
    ///
    /// A shape that is connected by edges and corners has its nearest outside within a margin of one pixel round it, so
    /// that its distances in such a window are those in the whole mask.
    pub fn distances(&self, mask: &Mask) -> Vec<f32> {
        let mut inside = Vec::with_capacity(self.area());
        for y in self.y0..self.y0 + self.height {
            inside.extend_from_slice(&mask.inside[y * mask.width + self.x0..][..self.width]);
        }
        distances_of(|i| inside[i] > 0, self.width, self.height)
    }

    /// Where the pixels of a run lie among the window's, all of which it must be.
    pub fn places(&self, run: &Run) -> Range<usize> {
        let row = (run.y as usize - self.y0) * self.width;
        row + run.x0 as usize - self.x0..row + run.x1 as usize - self.x0 + 1
    }

    /// A run of the window as one of the picture.
    pub fn to_picture(self, run: Run) -> Run {
        let (x, y) = (self.x0 as u32, self.y0 as u32);
        Run { y: run.y + y, x0: run.x0 + x, x1: run.x1 + x }
    }

    /// The largest of `values`, which are those of this window, within another that lies in it.
    pub fn largest(&self, values: &[f32], within: &Window) -> f32 {
        let columns = within.x0 - self.x0..within.x0 - self.x0 + within.width;
        let rows = within.y0 - self.y0..within.y0 - self.y0 + within.height;
        rows.flat_map(|y| &values[y * self.width..][columns.clone()]).fold(0.0_f32, |a, b| a.max(*b))
    }
}
