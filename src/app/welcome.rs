//! The first thing a person sees: what the program does, and three ways to begin.

use super::action::Action;
use super::state::State;
use egui::{Button, Rect, RichText, Ui, vec2};

/// Draws the welcome into the middle of the canvas.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, ui.visuals().faint_bg_color);
    let inner = Rect::from_center_size(rect.center(), vec2(rect.width().min(640.0) - 32.0, 300.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        ui.vertical_centered(|ui| {
            if state.under_way.is_empty() {
                begin(ui, state, actions);
            } else {
                ui.add_space(120.0);
                ui.heading(format!("{}…", state.under_way.join("\n")));
            }
        });
    });
    ui.allocate_rect(rect, egui::Sense::hover());
}

fn begin(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.label(RichText::new("From micrographs to a classified particle library").size(20.0));
    ui.add_space(10.0);
    for sentence in [
        "Open micrographs and let the program find the particles, or click them yourself.",
        "Label a few of each kind; a model learns to tell them apart, however they are turned.",
        "Watch it learn, correct it where it errs, and take the classified library away.",
    ] {
        ui.add(egui::Label::new(sentence).wrap());
    }
    ui.add_space(14.0);
    let wide = vec2(180.0, 32.0);
    if ui.add(Button::new("Open sample").min_size(wide).fill(ui.visuals().selection.bg_fill)).clicked() {
        actions.push(Action::OpenSample);
    }
    ui.add_space(2.0);
    if ui.add(Button::new("Open…").min_size(wide)).clicked() {
        actions.push(Action::Open);
    }
    ui.add_space(14.0);
    for path in state.recent.iter().take(5) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let link = ui.link(format!("Open {name} again")).on_hover_text(path.display().to_string());
        if link.clicked() {
            actions.push(Action::OpenPaths(vec![path.clone()]));
        }
    }
    ui.label(RichText::new("Drop micrographs here").strong());
    ui.weak("PNG, JPEG, BMP, TIFF, MRC, NPY, NPZ, plain matrices, or a project");
}
