//! Real particles beside what the model draws: those nearest to a tile of the manifold.

use super::super::explore::data::{Data, Key};
use super::super::state::{self, State};
use super::plane::Plane;
use crate::particle::ParticleId;
use crate::particle::patch::upright;
use crate::review::Table;
use egui::{Color32, ColorImage, Image, TextureHandle, TextureOptions, Ui, vec2};

/// Particles shown, and the side of each, points.
const MOST: usize = 4;
const SIDE: f32 = 76.0;

/// The particles near the tile last looked at.
#[derive(Default)]
pub struct Near {
    of: Option<(Option<Key>, Plane, [usize; 2])>,
    pub ids: Vec<ParticleId>,
    texture: Option<TextureHandle>,
}

/// The particles that the model gives the class and that lie nearest to two latents.
pub fn nearest(table: &Table, plane: Plane, at: [f32; 2], most: usize) -> Vec<ParticleId> {
    let mut found: Vec<(f32, ParticleId)> = table
        .rows
        .iter()
        .filter(|row| table.predicted(row) == Some(plane.class))
        .filter_map(|row| {
            let mu = &table.prediction(row)?.mu;
            let away = |axis: usize, at: f32| mu.get(axis).map_or(0.0, |v| v - at);
            Some((away(plane.axes.0, at[0]).hypot(away(plane.axes.1, at[1])), row.id))
        })
        .collect();
    let nearer = |a: &(f32, ParticleId), b: &(f32, ParticleId)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if found.len() > most {
        found.select_nth_unstable_by(most, nearer);
        found.truncate(most);
    }
    found.sort_by(nearer);
    found.into_iter().map(|(_, id)| id).collect()
}

impl Near {
    /// Looks for the particles near a tile, if it is another one than before.
    pub fn look(&mut self, ui: &Ui, state: &State, data: &Data, plane: Plane, tile: [usize; 2]) {
        let Some(table) = data.table() else { return };
        let key = (data.key(), plane, tile);
        if self.of == Some(key) {
            return;
        }
        self.of = Some(key);
        self.ids = nearest(table, plane, plane.latents_of(tile), MOST);
        let Some(picture) = strip(state, &self.ids) else { return };
        match &mut self.texture {
            Some(texture) => texture.set(picture, TextureOptions::LINEAR),
            None => self.texture = Some(ui.ctx().load_texture("near", picture, TextureOptions::LINEAR)),
        }
    }

    /// The tooltip of the tile.
    pub fn ui(&self, ui: &mut Ui, plane: Plane, tile: [usize; 2], count: Option<usize>) {
        let [right, up] = plane.latents_of(tile);
        let (first, second) = (plane.axes.0 + 1, plane.axes.1 + 1);
        ui.strong(format!("z{first} = {right:.2}, z{second} = {up:.2}"));
        if let Some(count) = count {
            ui.label(format!("{} of the class on this tile", state::count(count, "particle")));
        }
        if self.ids.is_empty() {
            ui.weak("The model gives no particle this class.");
            return;
        }
        if let Some(texture) = &self.texture {
            let size = vec2(SIDE * self.ids.len() as f32, SIDE);
            ui.add(Image::new((texture.id(), size)).alt_text("The nearest particles, upright"));
        }
        let names: Vec<String> = self.ids.iter().map(|id| id.0.to_string()).collect();
        ui.label(format!("The nearest particles: {}", names.join(", ")));
        ui.weak("A click looks closer, a double click goes to the nearest, a right click selects them.");
    }
}

/// The particles upright, side by side.
fn strip(state: &State, ids: &[ParticleId]) -> Option<ColorImage> {
    let dataset = state.training.dataset.as_ref()?;
    let results = state.results.as_ref()?;
    let set = &dataset.patches;
    let (side, size) = (set.side, set.wide * set.wide);
    let mut out = ColorImage::filled([side * ids.len().max(1), side], Color32::from_gray(24));
    for (place, id) in ids.iter().enumerate() {
        let Some(at) = dataset.ids.iter().position(|other| other == id) else { continue };
        let (Some(wide), Some(pose)) = (set.pixels.get(at * size..(at + 1) * size), results.of(*id)) else {
            continue;
        };
        for (i, value) in upright(wide, set.wide, side, pose).iter().enumerate() {
            let to = (i / side) * side * ids.len() + place * side + i % side;
            out.pixels[to] = Color32::from_gray((value.clamp(0.0, 1.0) * 255.0) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::fixture;

    #[test]
    fn the_nearest_of_the_class_come_first() {
        let places =
            [([0.0, 0.0], 0), ([-1.6, 1.6], 0), ([-1.6, 1.6], 1), ([-1.0, 1.0], 0), ([1.6, -1.6], 0)];
        let known = |(i, (mu, class)): (u64, ([f32; 2], usize))| {
            (fixture::row(i), Some(fixture::prediction(&fixture::sure(class), &mu)))
        };
        let table = fixture::table((0..).zip(places).map(known));
        // The top left tile: first latent low, second high.
        let plane = Plane { class: 0, axes: (0, 1), ranges: [[-1.6, 1.6]; 2] };
        let found = nearest(&table, plane, plane.latents_of([0, 0]), 3);
        assert_eq!(found, [ParticleId(1), ParticleId(3), ParticleId(0)]);
        let turned = Plane { axes: (1, 0), ..plane };
        let found = nearest(&table, turned, turned.latents_of([6, 6]), 1);
        assert_eq!(found, [ParticleId(1)], "the other way round");
    }
}
