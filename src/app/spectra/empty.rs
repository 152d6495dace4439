//! What the workspace is for, and two ways to begin.

use super::run::SpectraAsk;
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
            if state.spectra.opening {
                ui.add_space(100.0);
                ui.heading("Opening…");
                return;
            }
            ui.label(RichText::new("Spectra, and what varies among them").size(20.0));
            ui.add_space(10.0);
            for sentence in [
                "Open spectra and press Learn (T): how far each one is shifted is told apart from what else varies among them, without labels.",
                "A table (CSV) has a spectrum a row; an array (NPY, NPZ) of rows, columns and points, or a Nanonis grid (3DS), is a scan, whose shifts and latents become maps.",
            ] {
                ui.add(egui::Label::new(sentence).wrap());
            }
            ui.add_space(14.0);
            let wide = vec2(ui.available_width().min(260.0), 32.0);
            let sample = Button::new("Try with sample peaks").min_size(wide);
            if ui.add(sample.fill(ui.visuals().selection.bg_fill)).clicked() {
                actions.push(Action::Spectra(SpectraAsk::Sample));
            }
            ui.add_space(2.0);
            if ui.add(Button::new("Open spectra…").min_size(wide)).clicked() {
                actions.push(Action::OpenSpectra);
            }
            ui.add_space(14.0);
            ui.label(RichText::new("Drop a file here").strong());
        });
    });
    ui.allocate_rect(rect, egui::Sense::hover());
}
