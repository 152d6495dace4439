//! What is known of the particle under the pointer: as it is, turned upright, as the model draws it, and the rest.

use super::super::action::Action;
use super::super::state::State;
use super::super::theme;
use crate::particle::patch::{turned, upright};
use crate::particle::{ParticleId, Prediction};
use crate::review::{Table, Variable};
use crate::worker::message::PreviewRequest;
use egui::{Color32, ColorImage, Image, ProgressBar, TextureHandle, TextureOptions, Ui, vec2};

/// Side of each of the four pictures, points.
const SIDE: f32 = 84.0;

/// The pictures of the particle last looked at.
#[derive(Default)]
pub struct Card {
    of: Option<(ParticleId, u64, bool)>,
    request: Option<PreviewRequest>,
    texture: Option<TextureHandle>,
}

impl Card {
    /// Makes the pictures of a particle and asks the worker for the model's.
    pub fn prepare(
        &mut self,
        ctx: &egui::Context,
        state: &State,
        table: &Table,
        id: ParticleId,
        actions: &mut Vec<Action>,
    ) {
        let Some(prediction) = state.results.as_ref().and_then(|r| r.of(id)) else { return };
        let request = request(prediction);
        if self.request.as_ref() != Some(&request) {
            self.request = Some(request.clone());
            actions.push(Action::Preview(request.clone()));
        }
        let model = state.previews.image.as_ref().filter(|images| images.request == request);
        let key = (id, state.revision, model.is_some());
        if self.of == Some(key) {
            return;
        }
        let Some(dataset) = &state.training.dataset else { return };
        let Some(place) = table.rows.iter().position(|row| row.id == id) else { return };
        let Some(place) = dataset.ids.get(place).filter(|other| **other == id).map(|_| place) else { return };
        self.of = Some(key);
        let set = &dataset.patches;
        let size = set.wide * set.wide;
        let wide = &set.pixels[place * size..(place + 1) * size];
        let mut raw = vec![0.0; set.side * set.side];
        turned(wide, set.wide, set.side, 0.0, [0.0; 2], 1.0, &mut raw);
        let straight = upright(wide, set.wide, set.side, prediction);
        let drawn = model.map(|images| &images.images[..]).filter(|images| images.len() == raw.len());
        let rest: Vec<f32> =
            drawn.map(|d| raw.iter().zip(d).map(|(a, b)| 0.5 + 0.5 * (a - b)).collect()).unwrap_or_default();
        let picture = strip(&[&raw, &straight, drawn.unwrap_or(&[]), &rest], set.side);
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
        if let Some(prediction) = &row.prediction {
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
