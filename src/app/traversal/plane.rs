//! The plane of two latents that the manifold shows: which latents lie where, and how many particles.

use super::PER_SIDE;
use crate::review::Table;
use crate::worker::message::PreviewRequest;

/// Two latents of a class, each from the middle of the first tile to the middle of the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plane {
    pub class: usize,
    pub axes: (usize, usize),
    pub ranges: [[f32; 2]; 2],
}

impl Plane {
    /// What a manifold was asked for over.
    pub fn of(request: &PreviewRequest) -> Option<Self> {
        match request {
            PreviewRequest::Manifold { class, axes, ranges, .. } => {
                Some(Self { class: *class, axes: *axes, ranges: *ranges })
            }
            _ => None,
        }
    }

    pub fn request(self) -> PreviewRequest {
        let Self { class, axes, ranges } = self;
        PreviewRequest::Manifold { class, axes, per_side: PER_SIDE, ranges }
    }

    /// The latents at a place of the grid, from its left and from its lower edge, 0..=1.
    pub fn latents_at(&self, place: [f32; 2]) -> [f32; 2] {
        let last = (PER_SIDE - 1) as f32;
        let at = |i: usize| {
            let [low, high] = self.ranges[i];
            let step = (place[i] * PER_SIDE as f32 - 0.5).clamp(0.0, last);
            low + step / last * (high - low)
        };
        [at(0), at(1)]
    }

    /// The place of two latents on the grid, the other way round; it may lie outside.
    pub fn place_of(&self, latents: [f32; 2]) -> [f32; 2] {
        let at = |i: usize| (self.step(i, latents[i]) + 0.5) / PER_SIDE as f32;
        [at(0), at(1)]
    }

    /// The latents at the middle of a tile; column from the left, row from the top.
    pub fn latents_of(&self, [column, row]: [usize; 2]) -> [f32; 2] {
        let middle = |tile: usize| (tile as f32 + 0.5) / PER_SIDE as f32;
        self.latents_at([middle(column), middle((PER_SIDE - 1).saturating_sub(row))])
    }

    /// How many particles of the class lie on each tile, row by row from the top; those beyond the grid on none.
    pub fn density(&self, table: &Table) -> Vec<usize> {
        let mut counts = vec![0; PER_SIDE * PER_SIDE];
        for row in table.rows.iter() {
            let Some(prediction) = table.prediction(row).filter(|p| p.best() == self.class) else {
                continue;
            };
            let mu = |i: usize| prediction.mu.get(i).copied();
            let (Some(right), Some(up)) = (mu(self.axes.0), mu(self.axes.1)) else { continue };
            let [right, up] = [self.step(0, right).round(), self.step(1, up).round()];
            let on = 0.0..PER_SIDE as f32;
            if on.contains(&right) && on.contains(&up) {
                counts[(PER_SIDE - 1 - up as usize) * PER_SIDE + right as usize] += 1;
            }
        }
        counts
    }

    /// Tiles from the middle of the first one on.
    fn step(&self, axis: usize, value: f32) -> f32 {
        let [low, high] = self.ranges[axis];
        (value - low) / (high - low).max(1e-6) * (PER_SIDE - 1) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::fixture;

    const PLANE: Plane = Plane { class: 0, axes: (0, 2), ranges: [[-1.5, 1.5], [2.0, 8.0]] };

    #[test]
    fn a_place_on_the_grid_and_its_latents_lead_to_each_other() {
        for latents in [[-1.5, 2.0], [0.3, 5.5], [1.5, 8.0]] {
            let back = PLANE.latents_at(PLANE.place_of(latents));
            assert!((back[0] - latents[0]).abs() < 1e-5 && (back[1] - latents[1]).abs() < 1e-5, "{back:?}");
        }
        // Beyond the middles of the outer tiles nothing is drawn.
        assert_eq!(PLANE.latents_at([-1.0, 2.0]), [-1.5, 8.0]);
        assert_eq!(PLANE.latents_of([0, 0]), [-1.5, 8.0]);
        assert_eq!(PLANE.latents_of([PER_SIDE - 1, PER_SIDE - 1]), [1.5, 2.0]);
        assert_eq!(Plane::of(&PLANE.request()), Some(PLANE));
    }

    #[test]
    fn particles_are_counted_where_the_tiles_stand_for_them() {
        // Two in the upper left, one in the middle, one of another class, one beyond.
        let places = [
            ([-1.5, 9.0, 8.0], 0),
            ([-1.4, 9.0, 7.9], 0),
            ([0.1, 9.0, 5.0], 0),
            ([0.1, 9.0, 5.0], 1),
            ([4.0, 9.0, 5.0], 0),
        ];
        let known = |(i, (mu, class)): (u64, ([f32; 3], usize))| {
            (fixture::row(i), Some(fixture::prediction(&fixture::sure(class), &mu)))
        };
        let table = fixture::table((0..).zip(places).map(known));
        let counts = PLANE.density(&table);
        let there: Vec<(usize, usize)> = counts.iter().copied().enumerate().filter(|(_, n)| *n > 0).collect();
        assert_eq!(there, [(0, 2), (PER_SIDE * PER_SIDE / 2, 1)]);
    }
}
