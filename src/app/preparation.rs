//! What is done to a micrograph before its pixels are used: levelling and filters, chosen here and kept as steps.
//!
//! The file stays as it is. The picture, its histogram, proposals and patches all show the prepared pixels; while a
//! field is held the picture follows, letting go is one step of the history.

use super::action::Action;
use crate::micrograph::prepare::{Axis, Length, MAX_DEGREE, MAX_MEDIAN, Step};
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{DragValue, Ui};

/// What the panel alone remembers.
#[derive(Default)]
pub struct PreparationPanel {
    /// Steps while a field is held.
    held: Option<(MicrographId, Vec<Step>)>,
}

impl PreparationPanel {
    /// Draws the steps of the shown micrograph, in their order, and a menu of more.
    pub fn ui(&mut self, ui: &mut Ui, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let mut steps = match &self.held {
            Some((id, steps)) if *id == entry.id => steps.clone(),
            _ => entry.steps.clone(),
        };
        let before = steps.clone();
        let mut gone = None;
        for (i, step) in steps.iter_mut().enumerate() {
            ui.push_id(i, |ui| {
                ui.horizontal(|ui| {
                    let name = format!("Remove step {}: {}", i + 1, step.name());
                    let remove = super::icon::button(ui, super::icon::Icon::Close, &name, false, false, true);
                    if remove.on_hover_text("Leave this step out.").clicked() {
                        gone = Some(i);
                    }
                    ui.label(step.name());
                    setting(ui, step);
                });
            });
        }
        if let Some(i) = gone {
            steps.remove(i);
        }
        let nm = entry.pixel_size.is_some();
        ui.menu_button("Add a step", |ui| {
            for (name, step) in choices(nm) {
                if ui.button(name).clicked() {
                    steps.push(step);
                    ui.close();
                }
            }
        });
        if steps != before {
            actions.push(Action::TryPreparation(Some((entry.id, steps.clone()))));
            self.held = Some((entry.id, steps));
        }
        self.settle(ui, entry, actions);
    }

    /// When everything is let go the change becomes an edit.
    fn settle(&mut self, ui: &Ui, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        if ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused() {
            return;
        }
        let Some((id, steps)) = self.held.take() else { return };
        if id == entry.id && steps != entry.steps {
            let edit = Edit::ChangeMicrograph(MicrographEntry { steps, ..entry.clone() });
            actions.push(Action::Change { name: "change the preparation".into(), edit });
        }
        actions.push(Action::TryPreparation(None));
    }
}

/// What can be added; lengths in nanometres where the scale is known.
fn choices(nm: bool) -> Vec<(&'static str, Step)> {
    let length = |px: f64, nanometres: f64| if nm { Length::Nm(nanometres) } else { Length::Px(px) };
    vec![
        ("Plane", Step::Plane),
        ("Polynomial", Step::Polynomial { degree: 2 }),
        ("Line by line", Step::Lines { axis: Axis::Rows }),
        ("Median", Step::Median { size_px: 3 }),
        ("Gaussian", Step::Gaussian { sigma: length(1.0, 1.0) }),
        ("Band-pass", Step::BandPass { shortest: length(3.0, 2.0), longest: length(100.0, 100.0) }),
    ]
}

fn setting(ui: &mut Ui, step: &mut Step) {
    match step {
        Step::Plane => {}
        Step::Polynomial { degree } => {
            ui.add(DragValue::new(degree).range(1..=MAX_DEGREE).update_while_editing(false))
                .accessible_name("Degree of the polynomial");
        }
        Step::Lines { axis } => {
            ui.selectable_value(axis, Axis::Rows, "rows");
            ui.selectable_value(axis, Axis::Columns, "columns");
        }
        Step::Median { size_px } => {
            // Odd sizes only: one step of the field is two pixels.
            let mut half = *size_px / 2;
            let field = DragValue::new(&mut half)
                .range(1..=MAX_MEDIAN / 2)
                .speed(0.1)
                .update_while_editing(false)
                .custom_formatter(|half, _| format!("{} px", 2.0 * half + 1.0))
                .custom_parser(|text| {
                    text.trim()
                        .trim_end_matches("px")
                        .trim()
                        .parse::<f64>()
                        .ok()
                        .map(|px| ((px - 1.0) / 2.0).round())
                });
            ui.add(field).accessible_name("Size of the median");
            *size_px = 2 * half + 1;
        }
        Step::Gaussian { sigma } => length(ui, sigma, "Sigma of the Gaussian"),
        Step::BandPass { shortest, longest } => {
            length(ui, shortest, "Shortest wavelength");
            ui.label("to");
            length(ui, longest, "Longest wavelength");
        }
    }
}

fn length(ui: &mut Ui, length: &mut Length, name: &str) {
    let (value, unit) = match length {
        Length::Px(value) => (value, " px"),
        Length::Nm(value) => (value, " nm"),
    };
    let field = DragValue::new(value).range(0.01..=1e6).speed(0.1).max_decimals(2).suffix(unit);
    ui.add(field.update_while_editing(false)).accessible_name(name);
}
