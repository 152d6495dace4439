//! What is known of the particle under the pointer: as it is, turned upright, as the model draws it, and the rest.

use super::super::action::Action;
use super::super::state::State;
use super::super::theme;
use crate::particle::patch::{turned, upright};
use crate::particle::{ParticleId, Prediction};
use crate::review::{Table, Variable};
use crate::worker::job::Dataset;
use crate::worker::message::PreviewRequest;
use egui::{Color32, ColorImage, Image, ProgressBar, TextureHandle, TextureOptions, Ui, vec2};

/// Side of each of the four pictures, points.
const SIDE: f32 = 84.0;

/// What the pictures were made from: the particle, the predictions' revision, and whether the model's is among them.
type Key = (ParticleId, u64, bool);

/// The pictures of the particle last looked at.
#[derive(Default)]
pub struct Card {
    of: Option<Key>,
    request: Option<PreviewRequest>,
    texture: Option<TextureHandle>,
}

impl Card {
    /// Makes the pictures of a particle and asks the worker for the model's.
    pub fn prepare(&mut self, ctx: &egui::Context, state: &State, id: ParticleId, actions: &mut Vec<Action>) {
        let Some(results) = &state.results else { return };
        let Some(prediction) = results.of(id) else { return };
        let request = request(prediction);
        if self.request.as_ref() != Some(&request) {
            self.request = Some(request.clone());
            actions.push(Action::Preview(request.clone()));
        }
        let model = state.previews.image.as_ref().filter(|images| images.request == request);
        // The pose moves while the model learns, and the upright picture with it.
        let key = (id, results.revision, model.is_some());
        if self.of == Some(key) {
            return;
        }
        let drawn = model.map(|images| &images.images[..]);
        let Some(picture) =
            state.training.dataset.as_ref().and_then(|dataset| pictures(dataset, id, prediction, drawn))
        else {
            return;
        };
        self.of = Some(key);
        match &mut self.texture {
            Some(texture) => texture.set(picture, TextureOptions::NEAREST),
            None => self.texture = Some(ctx.load_texture("card", picture, TextureOptions::NEAREST)),
        }
    }

    /// Draws the card.
    pub fn ui(&self, ui: &mut Ui, state: &State, table: &Table, id: ParticleId) {
        let Some(row) = table.rows.iter().find(|row| row.id == id) else { return };
        ui.set_max_width(4.0 * SIDE + 12.0);
        ui.strong(format!("Particle {} on {}", id.0, row.micrograph));
        if let Some(texture) = self.texture.as_ref().filter(|_| self.of.is_some_and(|(of, _, _)| of == id)) {
            ui.add(Image::new((texture.id(), vec2(4.0 * SIDE, SIDE))).alt_text("Raw, upright, model, rest"));
            ui.weak("as it is · upright · the model's · the rest");
        }
        if let Some(prediction) = table.prediction(row) {
            bars(ui, state, table, prediction);
            let value = |v: &Variable| table.value(row, v);
            let unit = if table.in_nm { "nm" } else { "px" };
            ui.label(format!(
                "angle {:.0}°, shift {:.1}, {:.1} {unit}, error {:.4}",
                value(&Variable::Angle),
                value(&Variable::ShiftX),
                value(&Variable::ShiftY),
                value(&Variable::Error)
            ));
        }
        if let Some(measured) = &row.measured {
            let nm = row.nm_per_px.filter(|_| table.in_nm);
            let scale = nm.unwrap_or(1.0);
            let unit = if nm.is_some() { "nm" } else { "px" };
            ui.label(format!(
                "{:.1} {unit} across, {:.1} x {:.1} {unit}, circularity {:.2}",
                measured.equivalent_diameter * scale,
                measured.feret_max * scale,
                measured.feret_min * scale,
                measured.circularity
            ));
        }
        ui.weak(match &row.label {
            Some(label) if row.held_out => format!("labelled {label}, held out"),
            Some(label) => format!("labelled {label}"),
            None => "not labelled".to_owned(),
        });
    }
}

fn bars(ui: &mut Ui, state: &State, table: &Table, prediction: &Prediction) {
    for (name, p) in table.classes.iter().zip(&prediction.probabilities) {
        let colour = state.project.class_named(name).map_or(Color32::GRAY, theme::colour);
        let bar = ProgressBar::new(*p).desired_width(180.0).desired_height(12.0).fill(colour);
        ui.horizontal(|ui| {
            ui.add(bar).accessible_name(format!("Probability of {name}"));
            ui.label(format!("{name} {p:.2}"));
        });
    }
}

/// As cut, upright, as the model draws it, and the rest. Its place is looked up: particles that are gone since the
/// patches were cut have left gaps.
fn pictures(
    dataset: &Dataset,
    id: ParticleId,
    pose: &Prediction,
    drawn: Option<&[f32]>,
) -> Option<ColorImage> {
    let place = dataset.ids.iter().position(|other| *other == id)?;
    let set = &dataset.patches;
    let size = set.wide * set.wide;
    let wide = set.pixels.get(place * size..(place + 1) * size)?;
    let mut raw = vec![0.0; set.side * set.side];
    turned(wide, set.wide, set.side, 0.0, [0.0; 2], 1.0, &mut raw);
    let straight = upright(wide, set.wide, set.side, pose);
    let drawn = drawn.filter(|images| images.len() == raw.len());
    let rest: Vec<f32> =
        drawn.map(|d| raw.iter().zip(d).map(|(a, b)| 0.5 + 0.5 * (a - b)).collect()).unwrap_or_default();
    Some(strip(&[&raw, &straight, drawn.unwrap_or(&[]), &rest], set.side))
}

/// The particle as the model draws it, in its own pose.
fn request(prediction: &Prediction) -> PreviewRequest {
    PreviewRequest::At {
        class: prediction.best(),
        latents: prediction.mu.clone(),
        angle_rad: prediction.angle_rad,
        shift: prediction.shift_px,
        scale: prediction.scale,
    }
}

/// Square pictures side by side; one that is missing stays dark.
fn strip(pictures: &[&[f32]], side: usize) -> ColorImage {
    let mut out = ColorImage::filled([side * pictures.len(), side], Color32::from_gray(24));
    for (place, picture) in pictures.iter().enumerate().filter(|(_, p)| p.len() == side * side) {
        for (i, v) in picture.iter().enumerate() {
            let at = (i / side) * side * pictures.len() + place * side + i % side;
            out.pixels[at] = Color32::from_gray((v.clamp(0.0, 1.0) * 255.0) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::run::Results;
    use crate::particle::patch::PatchSet;
    use std::sync::Arc;

    const SIDE_PX: usize = 5;

    /// Particles 3, 5 and 8, each patch of one grey value.
    fn dataset() -> Dataset {
        let pixels: Vec<f32> = [0.2, 0.5, 0.9].into_iter().flat_map(|v| [v; SIDE_PX * SIDE_PX]).collect();
        Dataset {
            geometry: Default::default(),
            ids: [3, 5, 8].map(ParticleId).to_vec(),
            patches: Arc::new(PatchSet {
                side: SIDE_PX,
                wide: SIDE_PX,
                pixels: pixels.into(),
                labels: vec![None; 3],
                held_out: vec![None; 3],
            }),
            classes: Vec::new(),
            class_names: Vec::new(),
        }
    }

    fn prediction(angle_rad: f32) -> Prediction {
        Prediction {
            probabilities: vec![1.0],
            angle_rad,
            shift_px: [0.0; 2],
            scale: 1.0,
            mu: vec![0.0],
            sigma: vec![1.0],
            recon_error: 0.0,
        }
    }

    #[test]
    fn a_particle_keeps_its_own_picture_when_another_is_gone() {
        // The table has lost particle 3: its rows no longer stand where the patches do.
        let found = pictures(&dataset(), ParticleId(5), &prediction(0.0), None).unwrap();
        let middle = found.pixels[2 * SIDE_PX * 4 + 2].r();
        assert!((126..=128).contains(&middle), "{middle}");
        assert!(pictures(&dataset(), ParticleId(4), &prediction(0.0), None).is_none());
    }

    #[test]
    fn the_pictures_follow_the_model_while_it_learns() {
        let ctx = egui::Context::default();
        let mut state = State::default();
        let dataset = dataset();
        let ids: Arc<[ParticleId]> = dataset.ids.clone().into();
        state.training.dataset = Some(Arc::new(dataset));
        let mut card = Card::default();
        let mut shown = Vec::new();
        for angle in [0.1, 0.9] {
            let predictions = vec![prediction(angle); 3].into();
            let results = Results::new(ids.clone(), vec![None], predictions, state.results.as_ref());
            state.results = Some(results);
            let mut actions = Vec::new();
            card.prepare(&ctx, &state, ParticleId(8), &mut actions);
            assert_eq!(actions.len(), 1, "the model is asked anew");
            shown.push(card.of);
        }
        assert!(shown[0].is_some() && shown[0] != shown[1], "{shown:?}");
    }
}
