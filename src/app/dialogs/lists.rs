//! Lists to look through: all changes, all keys.

use super::super::action::Action;
use super::super::state::State;
use super::buttons;
use egui::{RichText, Ui};

/// All changes, those taken back faint; a click goes there.
pub fn history(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) -> bool {
    let (names, done) = state.history.names();
    let saved = state.history.saved_at();
    let rows = names.len() + 1;
    egui::ScrollArea::vertical()
        .max_height(400.0)
        .stick_to_bottom(true)
        .auto_shrink([false, true])
        .show_rows(ui, 22.0, rows, |ui, range| {
            for at in range {
                let name =
                    at.checked_sub(1).and_then(|i| names.get(i)).copied().unwrap_or("as it was opened");
                let text = RichText::new(name);
                let text = if at > done { text.weak() } else { text };
                let mark = if saved == Some(at) { "saved" } else { "" };
                let row = egui::Button::selectable(at == done, text).right_text(mark);
                let row = row.min_size(egui::vec2(ui.available_width(), 22.0));
                if ui.add(row).accessible_name(name).clicked() {
                    actions.push(Action::GoTo(at));
                }
            }
        });
    let mut close = false;
    buttons(ui, |ui| close = ui.button("Close").clicked());
    close
}

pub fn keys(ui: &mut Ui) -> bool {
    egui::ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        egui::Grid::new("keys").num_columns(2).striped(true).spacing([24.0, 4.0]).show(ui, |ui| {
            let row = |ui: &mut Ui, what: &str, keys: &str| {
                ui.label(what);
                ui.monospace(keys);
                ui.end_row();
            };
            row(ui, "Add a particle, or label the one there", "Click");
            row(ui, "Add to the selection", "Shift+Click, Ctrl+Click");
            row(ui, "Remove a particle", "Right click");
            row(ui, "Move the picture", "Drag, Space+Drag, middle button");
            row(ui, "Zoom to the pointer", "Wheel");
            row(ui, "Play the film, or pause it (pointer over it)", "Space");
            let mut looks: Vec<_> = super::super::action::ALL.iter().map(Action::look).collect();
            looks.sort_by_key(|look| look.name);
            for look in looks {
                let keys: Vec<String> = look.keys.iter().map(|keys| ui.ctx().format_shortcut(keys)).collect();
                row(ui, look.name.trim_end_matches('…'), &keys.join(", "));
            }
        });
    });
    let mut close = false;
    buttons(ui, |ui| close = ui.button("Close").clicked());
    close
}
