//! What the model calls what a person called otherwise; a cell selects its particles.

use super::super::action::Action;
use super::super::state::State;
use super::super::take::{Taken, pages};
use super::into_sight;
use crate::library::drawing::{Anchor, BLACK, Drawing, Table as Numbers, WHITE, width};
use crate::particle::ParticleId;
use crate::review::Table;
use egui::{Button, Color32, Grid, RichText, Ui};
use std::sync::Arc;

/// The matrix, counted anew only when there is another table.
#[derive(Default)]
pub struct Confusion {
    of: Option<Arc<Table>>,
    held_out: bool,
    cells: Vec<Vec<ParticleId>>,
}

/// Whether the labels are held-out ones, and the particles of each class and each answer, row by row.
fn cells(table: &Table) -> (bool, Vec<Vec<ParticleId>>) {
    let held_out = table.rows.iter().any(|row| row.held_out && row.label.is_some());
    let n = table.classes.len();
    let mut cells: Vec<Vec<ParticleId>> = vec![Vec::new(); n * n];
    for row in table.rows.iter().filter(|row| row.held_out == held_out) {
        let truth = row.label.as_ref().and_then(|label| table.classes.iter().position(|c| c == label));
        if let (Some(truth), Some(said)) = (truth, table.predicted(row)) {
            // What a model says of classes that are another's has no cell.
            cells
                .get_mut(truth * n + said)
                .filter(|_| said < n)
                .into_iter()
                .for_each(|cell| cell.push(row.id));
        }
    }
    (held_out, cells)
}

impl Confusion {
    /// Draws the matrix: rows are the person's classes, columns the model's; held-out labels where there are any, else all.
    pub fn ui(&mut self, ui: &mut Ui, table: &Arc<Table>, actions: &mut Vec<Action>) {
        if self.of.as_ref().is_none_or(|of| !Arc::ptr_eq(of, table)) {
            (self.held_out, self.cells) = cells(table);
            self.of = Some(table.clone());
        }
        ui.strong("Confusion");
        ui.weak(if self.held_out {
            "Labels that training never saw: rows are yours, columns the model's. A cell selects its particles."
        } else {
            "No label is held out, so these are the ones it learned from. A cell selects its particles."
        });
        let n = table.classes.len();
        Grid::new("confusion").striped(true).show(ui, |ui| {
            ui.label("");
            for name in &table.classes {
                ui.label(RichText::new(name).small());
            }
            ui.end_row();
            for (i, truth) in table.classes.iter().enumerate() {
                ui.label(RichText::new(truth).small());
                let of: usize = (0..n).map(|j| self.cells[i * n + j].len()).sum();
                for (j, said) in table.classes.iter().enumerate() {
                    let ids = &self.cells[i * n + j];
                    let part = ids.len() as f32 / of.max(1) as f32;
                    let base = if i == j {
                        Color32::from_rgb(0, 0x9e, 0x73)
                    } else {
                        Color32::from_rgb(0xd5, 0x5e, 0)
                    };
                    let mut button = Button::new(ids.len().to_string()).min_size(egui::vec2(38.0, 22.0));
                    if !ids.is_empty() {
                        button = button.fill(base.gamma_multiply(0.25 + 0.5 * part));
                    }
                    let response = ui.add_enabled(!ids.is_empty(), button);
                    let name = format!("{truth} called {said}: {}", ids.len());
                    if response.accessible_name(name).clicked() {
                        into_sight(ids.clone(), actions);
                    }
                }
                ui.end_row();
            }
        });
    }
}

/// The matrix for print: counts, darker where they are a larger share of their row.
pub fn taken(state: &State, table: &Table) -> Option<Taken> {
    const CELL: [f32; 2] = [64.0, 28.0];
    let (held_out, cells) = cells(table);
    let n = table.classes.len();
    if cells.iter().all(Vec::is_empty) {
        return None;
    }
    let widest = table.classes.iter().map(|name| width(name)).fold(40.0, f32::max);
    let (left, top) = (34.0 + widest, 44.0);
    let mut page = Drawing {
        width: left + CELL[0].max(widest + 8.0) * n as f32 + 12.0,
        height: top + CELL[1] * n as f32 + 12.0,
        title: "Confusion matrix".into(),
        ..Drawing::default()
    };
    let wide = CELL[0].max(widest + 8.0);
    page.text([left + wide * n as f32 / 2.0, 14.0], Anchor::Middle, "class given by the model");
    page.upright_text([14.0, top + CELL[1] * n as f32 / 2.0], "class given by a person");
    let mut numbers = Numbers::new(&["person", "model", "particles"]);
    for (i, truth) in table.classes.iter().enumerate() {
        let middle = top + CELL[1] * (i as f32 + 0.5) + 3.5;
        page.text([left - 6.0, middle], Anchor::End, truth.as_str());
        page.text([left + wide * (i as f32 + 0.5), top - 8.0], Anchor::Middle, truth.as_str());
        let of: usize = (0..n).map(|j| cells[i * n + j].len()).sum();
        for (j, said) in table.classes.iter().enumerate() {
            let found = cells[i * n + j].len();
            let part = found as f32 / of.max(1) as f32;
            let corner = [left + wide * j as f32, top + CELL[1] * i as f32];
            let [r, g, b] = if i == j { [0, 122, 88] } else { [184, 74, 0] };
            let ground =
                if found == 0 { [240, 241, 242, 255] } else { [r, g, b, (60.0 + 195.0 * part) as u8] };
            page.area([corner[0] + 1.0, corner[1] + 1.0], [wide - 2.0, CELL[1] - 2.0], ground);
            let ink = if found > 0 && part > 0.5 { WHITE } else { BLACK };
            page.text_in([corner[0] + wide / 2.0, middle], Anchor::Middle, ink, found.to_string());
            numbers.rows.push(vec![truth.clone(), said.clone(), found.to_string()]);
        }
    }
    let labels = if held_out { "labels that training never saw" } else { "the labels it learned from" };
    page.caption(&format!("Confusion on {labels}. {}", pages::source(state)));
    Some(Taken { page, table: numbers })
}
