//! Where the pixels lie in the plane of two latents: counted in cells, so that millions cost no more than thousands.

use super::colour;
use super::field::Field;
use crate::micrograph::stats::percentiles;
use crate::worker::mapping::MapSet;

/// Cells along a side of the plane.
pub const SIDE: usize = 160;
/// Part of the spread that is left free at each side.
const MARGIN: f32 = 0.08;

/// The pixels of two latents, sorted into cells.
pub struct Density {
    pub axes: [usize; 2],
    /// Least and greatest value along both axes.
    pub bounds: [[f32; 2]; 2],
    /// The pixels of cell i are `order[starts[i]..starts[i + 1]]`; cells row by row, the first row holds the least
    /// values of the second axis.
    starts: Vec<u32>,
    order: Vec<u32>,
    /// Pixels in the fullest cell.
    pub most: u32,
}

impl Density {
    /// Sorts all known pixels; `old` bounds are kept while they fit, so that the plane does not move all the time.
    /// `None` if there are no such latents or nothing is known.
    pub fn new(set: &MapSet, axes: [usize; 2], old: Option<[[f32; 2]; 2]>) -> Option<Self> {
        let [u, v] = axes.map(|axis| Field::Content(axis).of(set).map(|map| &map.values[..]));
        let (u, v) = (u?, v?);
        let wanted = [bounds(u)?, bounds(v)?];
        let fits = |old: &[f32; 2], new: &[f32; 2]| {
            old[0] <= new[0] && old[1] >= new[1] && (old[1] - old[0]) < 2.0 * (new[1] - new[0])
        };
        let kept = old.filter(|old| old.iter().zip(&wanted).all(|(old, new)| fits(old, new)));
        let bounds = kept.unwrap_or_else(|| wanted.map(widened));
        let cell = |i: usize| -> Option<usize> {
            let at = |value: f32, [low, high]: [f32; 2]| {
                let place = (value - low) / (high - low) * SIDE as f32;
                (place >= 0.0 && place < SIDE as f32).then_some(place as usize)
            };
            Some(at(v[i], bounds[1])? * SIDE + at(u[i], bounds[0])?)
        };
        let mut starts = vec![0_u32; SIDE * SIDE + 1];
        let cells: Vec<u32> = (0..u.len()).map(|i| cell(i).map_or(u32::MAX, |c| c as u32)).collect();
        for c in cells.iter().filter(|c| **c != u32::MAX) {
            starts[*c as usize + 1] += 1;
        }
        let most = starts.iter().copied().max().unwrap_or(0);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut order = vec![0_u32; starts.last().copied().unwrap_or(0) as usize];
        for (i, c) in cells.iter().enumerate().filter(|(_, c)| **c != u32::MAX) {
            order[next[*c as usize] as usize] = i as u32;
            next[*c as usize] += 1;
        }
        (most > 0).then_some(Self { axes, bounds, starts, order, most })
    }

    /// The pixels of a cell.
    pub fn pixels(&self, column: usize, row: usize) -> &[u32] {
        let cell = row * SIDE + column;
        &self.order[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    /// Values in the middle of a cell.
    pub fn middle(&self, column: usize, row: usize) -> [f32; 2] {
        let at = |i: usize, n: usize| {
            let [low, high] = self.bounds[i];
            low + (high - low) * (n as f32 + 0.5) / SIDE as f32
        };
        [at(0, column), at(1, row)]
    }

    /// The pixels whose latents lie within `reach` cells of a point.
    pub fn near(&self, point: [f32; 2], reach: f32) -> Vec<u32> {
        let at = |i: usize| {
            let [low, high] = self.bounds[i];
            (point[i] - low) / (high - low) * SIDE as f32 - 0.5
        };
        let (x, y) = (at(0), at(1));
        let span = |v: f32| {
            let first = (v - reach).ceil().max(0.0) as usize;
            let last = (v + reach).floor().min((SIDE - 1) as f32);
            first..if last < 0.0 { 0 } else { last as usize + 1 }
        };
        let inside = |column: usize, row: usize| (column as f32 - x).hypot(row as f32 - y) <= reach;
        let mut found = Vec::new();
        for row in span(y) {
            for column in span(x).filter(|column| inside(*column, row)) {
                found.extend_from_slice(self.pixels(column, row));
            }
        }
        found
    }
}

/// All but one in a thousand at each end: single wild pixels do not press the rest together.
fn bounds(values: &[f32]) -> Option<[f32; 2]> {
    let p = percentiles(values, &[0.1, 99.9]);
    let (low, high) = (*p.first()?, *p.get(1)?);
    (low.is_finite() && high.is_finite()).then(|| colour::at_least([low, high], colour::LEAST))
}

fn widened([low, high]: [f32; 2]) -> [f32; 2] {
    let margin = MARGIN * (high - low);
    [low - margin, high + margin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::maps::brush::tests::set;

    #[test]
    fn every_known_pixel_lies_in_its_cell_and_is_found_near_its_latents() {
        let set = set();
        let density = Density::new(&set, [0, 1], None).unwrap();
        let all: usize = (0..SIDE * SIDE).map(|i| density.pixels(i % SIDE, i / SIDE).len()).sum();
        assert_eq!(all, 1199);
        let i = 17 * 40 + 23;
        let point = [set.content[0].values[i], set.content[1].values[i]];
        assert_eq!(density.near(point, 1.5), [i as u32]);
        assert!(density.near([9.0, 9.0], 2.0).is_empty() && density.near([-9.0, 0.0], 2.0).is_empty());
    }

    #[test]
    fn the_plane_stays_where_it_is_while_the_latents_fit() {
        let mut set = set();
        let first = Density::new(&set, [0, 1], None).unwrap().bounds;
        set.content[0].values.iter_mut().for_each(|v| *v *= 0.9);
        assert_eq!(Density::new(&set, [0, 1], Some(first)).unwrap().bounds, first);
        set.content[0].values.iter_mut().for_each(|v| *v *= 3.0);
        assert_ne!(Density::new(&set, [0, 1], Some(first)).unwrap().bounds, first);
    }
}
