//! Where the particles lie, so that what is at the pointer is found without asking each of 100,000.

use crate::particle::{MicrographId, Particle, ParticleId};
use crate::project::Project;
use std::collections::{BTreeMap, HashMap};

/// Side of a cell, pixels.
const CELL: f32 = 64.0;

/// The particles of a project in square cells, by micrograph.
#[derive(Default)]
pub struct Places {
    fields: BTreeMap<MicrographId, Field>,
}

/// The particles of one micrograph.
#[derive(Default)]
struct Field {
    cells: HashMap<(i32, i32), Vec<Placed>>,
    /// No particle that is or was here is larger.
    largest: f32,
}

/// A particle's place in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    pub id: ParticleId,
    pub x: f32,
    pub y: f32,
    /// 0 if nobody knows.
    pub radius: f32,
}

impl Places {
    /// Of all particles of a project.
    pub fn of(project: &Project) -> Self {
        let mut places = Self::default();
        project.particles.values().for_each(|particle| places.add(particle));
        places
    }

    /// Takes in a particle that was not there before.
    pub fn add(&mut self, particle: &Particle) {
        let radius = particle.diameter.unwrap_or(0.0) / 2.0;
        let field = self.fields.entry(particle.micrograph).or_default();
        field.largest = field.largest.max(radius);
        let placed = Placed { id: particle.id, x: particle.x, y: particle.y, radius };
        field.cells.entry(cell(particle.x, particle.y)).or_default().push(placed);
    }

    /// Forgets a particle, given as it was taken in.
    pub fn take(&mut self, particle: &Particle) {
        let cells = self.fields.get_mut(&particle.micrograph).map(|field| &mut field.cells);
        if let Some(cell) = cells.and_then(|cells| cells.get_mut(&cell(particle.x, particle.y))) {
            cell.retain(|placed| placed.id != particle.id);
        }
    }

    /// The particles whose centres may lie within `reach` of a point, or that may be so large that they reach it, and
    /// some others.
    fn round(&self, micrograph: MicrographId, x: f32, y: f32, reach: f32) -> impl Iterator<Item = &Placed> {
        self.fields.get(&micrograph).into_iter().flat_map(move |field| {
            let reach = reach.max(field.largest);
            let (left, top) = cell(x - reach, y - reach);
            let (right, bottom) = cell(x + reach, y + reach);
            let span = |from: i32, to: i32| i64::from(to) - i64::from(from) + 1;
            // Far out on a picture there are more cells to look up than there are.
            let all = span(left, right).saturating_mul(span(top, bottom)) > field.cells.len() as i64;
            let every = all.then(|| field.cells.values()).into_iter().flatten();
            let rows = (!all).then_some(top..=bottom).into_iter().flatten();
            let near =
                rows.flat_map(move |row| (left..=right).filter_map(move |c| field.cells.get(&(c, row))));
            every.chain(near).flatten()
        })
    }

    /// The particle that a point means: it lies within its radius, or within `reach`; the nearest one of those that `seen`
    /// holds for.
    pub fn nearest(
        &self,
        micrograph: MicrographId,
        (x, y): (f32, f32),
        reach: f32,
        seen: impl Fn(ParticleId) -> bool,
    ) -> Option<ParticleId> {
        let distance = |placed: &Placed| (placed.x - x).hypot(placed.y - y);
        let near = self.round(micrograph, x, y, reach).map(|placed| (distance(placed), placed));
        let near = near.filter(|(distance, placed)| *distance <= reach.max(placed.radius) && seen(placed.id));
        let nearest = near.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
        nearest.map(|(_, placed)| placed.id)
    }

    /// True if `near` holds for a particle, given its distance from a point, that may lie within `reach` of it or reach
    /// it; others may be asked, too.
    pub fn any(
        &self,
        micrograph: MicrographId,
        (x, y): (f32, f32),
        reach: f32,
        near: impl Fn(f32, &Placed) -> bool,
    ) -> bool {
        self.round(micrograph, x, y, reach).any(|placed| near((placed.x - x).hypot(placed.y - y), placed))
    }
}

fn cell(x: f32, y: f32) -> (i32, i32) {
    ((x / CELL).floor() as i32, (y / CELL).floor() as i32)
}
