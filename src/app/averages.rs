//! What the particles of each class have in common: their mean and its variance, as cut and with the pose taken back.

use super::App;
use super::action::Action;
use super::jobs::Done;
use super::overlay;
use super::state::{State, count};
use super::take::{self, Figure, pages};
use super::theme;
use crate::library::insight::ClassAverage;
use egui::{Color32, ColorImage, Image, RichText, TextureHandle, TextureOptions, Ui, vec2};
use std::sync::Arc;

/// The four pictures of a class.
const KINDS: [&str; 4] = ["as cut", "upright", "variance as cut", "variance upright"];

/// Revisions of the predictions and of the project that averages were made from.
pub type Key = (u64, u64);

/// The averages of all classes.
pub struct Averaged {
    pub of: Key,
    pub averages: pages::Averages,
}

/// What the panel alone remembers.
#[derive(Default)]
pub struct AveragesPanel {
    asked: Option<Key>,
    /// The averages of the textures, and one for each class.
    of: Option<Key>,
    textures: Vec<TextureHandle>,
}

/// What averages made now would be made from; nothing before the model has said something of the patches.
fn key(state: &State) -> Option<Key> {
    let results = state.results.as_ref()?;
    state.training.dataset.as_ref()?;
    Some((results.revision, state.revision))
}

impl AveragesPanel {
    /// Draws the pane; only while it is seen are averages made.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some(key) = key(state) else {
            theme::hint(
                ui,
                "The average of each class appears here when training has seen each particle once.",
            );
            return;
        };
        let made = state.averaged.as_ref();
        if made.is_none_or(|made| made.of != key) && !state.averaging && self.asked != Some(key) {
            self.asked = Some(key);
            actions.push(Action::Average);
        }
        let Some(made) = made else {
            theme::hint(ui, "Averaging…");
            return;
        };
        let (averages, side, nm) = &made.averages;
        let most = pages::most_variance(averages);
        if self.of != Some(made.of) {
            self.of = Some(made.of);
            let strip = |a: &ClassAverage| {
                ui.ctx().load_texture("average", strip(a, *side, most), TextureOptions::NEAREST)
            };
            self.textures = averages.iter().map(strip).collect();
        }
        ui.horizontal_wrapped(|ui| {
            ui.weak(format!("Variances from 0 (black) to {most:.4} (white)."));
            take::menu(ui, &[(Figure::Averages, true)], actions);
        });
        egui::ScrollArea::vertical().id_salt("averages").auto_shrink(false).show(ui, |ui| {
            let tile = (ui.available_width() / KINDS.len() as f32).clamp(40.0, 200.0);
            for (average, texture) in averages.iter().zip(&self.textures) {
                row(ui, state, average, texture, tile, (*side, *nm));
            }
        });
    }
}

fn row(
    ui: &mut Ui,
    state: &State,
    average: &ClassAverage,
    texture: &TextureHandle,
    tile: f32,
    (side, nm): (usize, Option<f64>),
) {
    ui.horizontal(|ui| {
        if let Some(class) = state.project.class_named(&average.class) {
            theme::marker(ui, class);
        }
        ui.strong(&average.class);
        ui.label(count(average.particles, "particle"));
    });
    if average.particles == 0 {
        ui.weak("The model gives no particle this class.");
        return;
    }
    let size = vec2(tile * KINDS.len() as f32, tile);
    let name = format!("Averages of {}: {}", average.class, KINDS.join(", "));
    let shown = ui.add(Image::new((texture.id(), size)).alt_text(name));
    let first = egui::Rect::from_min_size(shown.rect.min, egui::Vec2::splat(tile));
    let points = tile / side.max(1) as f32;
    overlay::scale_bar(ui.painter(), first, points, nm);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        for kind in KINDS {
            ui.add_sized([tile, 14.0], egui::Label::new(RichText::new(kind).small().weak()).truncate());
        }
    });
}

/// The four pictures side by side; `most` is the white of variances.
fn strip(average: &ClassAverage, side: usize, most: f32) -> ColorImage {
    let pictures = [
        (&average.raw, 1.0),
        (&average.upright, 1.0),
        (&average.raw_variance, most),
        (&average.upright_variance, most),
    ];
    let mut out = ColorImage::filled([side * pictures.len(), side], Color32::BLACK);
    for (place, (values, white)) in pictures.into_iter().enumerate() {
        for (i, value) in values.iter().enumerate().take(side * side) {
            let at = (i / side) * side * KINDS.len() + place * side + i % side;
            out.pixels[at] = Color32::from_gray(((value / white).clamp(0.0, 1.0) * 255.0) as u8);
        }
    }
    out
}

impl App {
    /// Makes the averages beside the window.
    pub(super) fn average(&mut self) {
        let (Some(of), Some(averages)) = (key(&self.state), pages::averages(&self.state)) else { return };
        self.state.averaging = true;
        self.jobs.start_quietly("Averaging".into(), move |_| {
            Done::Averaged(Averaged { of, averages: averages() })
        });
    }

    pub(super) fn on_averaged(&mut self, averaged: Averaged) {
        self.state.averaging = false;
        if self.state.results.is_some() {
            self.state.averaged = Some(Arc::new(averaged));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_shows_means_as_they_are_and_variances_up_to_the_largest() {
        let average = ClassAverage {
            class: "rod".into(),
            particles: 3,
            raw: vec![0.5; 4],
            raw_variance: vec![0.01; 4],
            upright: vec![1.0; 4],
            upright_variance: vec![0.04, 0.0, 0.0, 0.0],
        };
        let most = pages::most_variance(std::slice::from_ref(&average));
        let picture = strip(&average, 2, most);
        assert_eq!(picture.size, [8, 2]);
        let top: Vec<u8> = picture.pixels[..8].iter().map(Color32::r).collect();
        assert_eq!(top, [127, 127, 255, 255, 63, 63, 255, 0]);
    }
}
