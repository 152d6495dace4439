//! What the model calls what a person called otherwise; a cell selects its particles.

use super::super::action::Action;
use super::super::state::State;
use crate::particle::ParticleId;
use crate::review::Table;
use egui::{Button, Color32, Grid, RichText, Ui};

/// Draws the matrix: rows are the person's classes, columns the model's; held-out labels where there are any, else all.
pub fn ui(ui: &mut Ui, state: &State, table: &Table, actions: &mut Vec<Action>) {
    let held_out = table.rows.iter().any(|row| row.held_out && row.label.is_some());
    ui.strong("Confusion");
    ui.weak(if held_out {
        "Labels that training never saw: rows are yours, columns the model's. A cell selects its particles."
    } else {
        "No label is held out, so these are the ones it learned from. A cell selects its particles."
    });
    let n = table.classes.len();
    let mut cells: Vec<Vec<ParticleId>> = vec![Vec::new(); n * n];
    for row in table.rows.iter().filter(|row| row.held_out == held_out) {
        let truth = row.label.as_ref().and_then(|label| table.classes.iter().position(|c| c == label));
        if let (Some(truth), Some(said)) = (truth, table.predicted(row)) {
            cells[truth * n + said].push(row.id);
        }
    }
    Grid::new("confusion").striped(true).show(ui, |ui| {
        ui.label("");
        for name in &table.classes {
            ui.label(RichText::new(name).small());
        }
        ui.end_row();
        for (i, truth) in table.classes.iter().enumerate() {
            ui.label(RichText::new(truth).small());
            let of: usize = (0..n).map(|j| cells[i * n + j].len()).sum();
            for (j, said) in table.classes.iter().enumerate() {
                let ids = &cells[i * n + j];
                let part = ids.len() as f32 / of.max(1) as f32;
                let base =
                    if i == j { Color32::from_rgb(0, 0x9e, 0x73) } else { Color32::from_rgb(0xd5, 0x5e, 0) };
                let mut button = Button::new(ids.len().to_string()).min_size(egui::vec2(38.0, 22.0));
                if !ids.is_empty() {
                    button = button.fill(base.gamma_multiply(0.25 + 0.5 * part));
                }
                let response = ui.add_enabled(!ids.is_empty(), button);
                let name = format!("{truth} called {said}: {}", ids.len());
                if response.accessible_name(name).clicked() {
                    actions.push(Action::Select { particles: ids.clone(), join: false });
                    let first = ids.first().and_then(|id| state.project.particle(*id));
                    if let Some(particle) = first.filter(|p| state.shown != Some(p.micrograph)) {
                        actions.push(Action::Show(particle.micrograph));
                    }
                }
            }
            ui.end_row();
        }
    });
}
