//! What the workspace is for, and two ways to begin.

use super::run::Ask;
use crate::app::action::Action;
use crate::app::state::State;
use egui::{Button, Rect, RichText, Ui, vec2};

/// Draws the welcome into the middle.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, ui.visuals().faint_bg_color);
    let inner = Rect::from_center_size(rect.center(), vec2(rect.width().min(640.0) - 32.0, 260.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        ui.vertical_centered(|ui| {
            if !state.under_way.is_empty() {
                ui.add_space(100.0);
                ui.heading(format!("{}…", state.under_way.join("\n")));
                return;
            }
            invitation(ui, actions);
        });
    });
    ui.allocate_rect(rect, egui::Sense::hover());
}

/// What it is for, in three sentences, and how to begin.
pub fn invitation(ui: &mut Ui, actions: &mut Vec<Action>) {
    ui.label(RichText::new("Maps of order parameters").size(20.0));
    ui.add_space(10.0);
    for sentence in [
        "Open an atomically resolved image and press Start (T): its lattice is found, and what varies in the repeating pattern is learned from the image alone.",
        "Each thing that varies becomes a map while it learns: phases and walls, strain and shift, vacancies and adsorbates.",
        "Point at a pixel, draw round pixels or latents, measure a wall, and take calibrated maps away.",
    ] {
        ui.add(egui::Label::new(sentence).wrap());
    }
    ui.add_space(14.0);
    let wide = vec2(ui.available_width().min(260.0), 32.0);
    let example = Button::new("Open the example (DyScO3)").min_size(wide);
    if ui.add(example.fill(ui.visuals().selection.bg_fill)).clicked() {
        actions.push(Action::Maps(Ask::Example));
    }
    ui.add_space(2.0);
    if ui.add(Button::new("Open an image…").min_size(wide)).clicked() {
        actions.push(Action::AddMicrographs);
    }
    ui.add_space(14.0);
    ui.label(RichText::new("Drop an image here").strong());
}
