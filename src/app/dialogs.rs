//! Questions to the user: the system's file dialogs, a typed path where there are none, export, unsaved changes.

use super::action::Action;
use super::calibration::{self, LengthUnit};
use super::file_dialog::Purpose;
use super::palette;
use super::state::State;
use crate::particle::ClassId;
use egui::{Id, Modal, RichText, Ui};
use std::path::{Path, PathBuf};

/// Where a library goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPlan {
    pub dir: PathBuf,
    /// The user agreed to replace what lies there.
    pub overwrite: bool,
}

/// The dialog that is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Dialog {
    #[default]
    None,
    /// There is no system dialog: the user types a path.
    Path {
        purpose: Purpose,
        text: String,
    },
    Export {
        folder: String,
        overwrite: bool,
    },
    /// Unsaved changes stand in the way of what was asked.
    Unsaved,
    /// The project was opened with changes that a program that died had not saved.
    Recovered {
        changes: usize,
    },
    /// Work on a project without a file that a program that died left behind.
    LeftUnsaved {
        journal: PathBuf,
    },
    /// What becomes of the particles of a class that is removed?
    RemoveClass {
        class: ClassId,
    },
    /// A line of so many pixels lies along the picture's scale bar.
    Calibrate {
        length_px: f32,
        text: String,
        unit: LengthUnit,
    },
    Palette {
        text: String,
        chosen: usize,
    },
    History,
    Keys,
    Messages,
}

/// What a dialog asks of the program.
#[derive(Default)]
pub struct Asked {
    pub actions: Vec<Action>,
    /// Show the system's folder dialog for the export.
    pub choose_folder: bool,
}

/// Shows the open dialog and closes it when it is answered.
pub fn show(ctx: &egui::Context, dialog: &mut Dialog, state: &State) -> Asked {
    let mut asked = Asked::default();
    let mut close = false;
    match dialog {
        Dialog::None => return asked,
        Dialog::Path { purpose, text } => {
            let purpose = *purpose;
            close =
                modal(ctx, "path", purpose.title(), |ui| path_field(ui, purpose, text, &mut asked.actions));
        }
        Dialog::Export { folder, overwrite } => {
            close = modal(ctx, "export", "Export the library", |ui| {
                export(ui, state, folder, overwrite, &mut asked)
            });
        }
        Dialog::Unsaved => {
            let title = format!("Save the changes to {}?", state.name());
            if modal(ctx, "unsaved", &title, |ui| unsaved(ui, &mut asked.actions)) {
                close = true;
                if asked.actions.is_empty() {
                    asked.actions.push(Action::StayHere);
                }
            }
        }
        Dialog::Recovered { changes } => {
            let changes = *changes;
            close = modal(ctx, "recovered", "Nothing was lost", |ui| {
                recovered(ui, state, changes, &mut asked.actions)
            });
        }
        Dialog::LeftUnsaved { journal } => {
            close = modal(ctx, "left", "There is work that was never saved", |ui| {
                left_unsaved(ui, journal, &mut asked.actions)
            });
        }
        Dialog::RemoveClass { class } => {
            let class = *class;
            let title = format!("Remove the class {}?", state.class_name(class));
            close =
                modal(ctx, "remove class", &title, |ui| remove_class(ui, state, class, &mut asked.actions));
        }
        Dialog::Calibrate { length_px, text, unit } => {
            let length = *length_px;
            close = modal(ctx, "calibrate", "Scale of this micrograph", |ui| {
                calibration::ask(ui, state, length, text, unit, &mut asked.actions)
            });
        }
        Dialog::Palette { text, chosen } => {
            close = modal(ctx, "palette", "All actions", |ui| {
                palette::ui(ui, state, text, chosen, &mut asked.actions)
            });
        }
        Dialog::History => {
            close = modal(ctx, "history", "History", |ui| history(ui, state, &mut asked.actions));
        }
        Dialog::Keys => close |= modal(ctx, "keys", "Keys", keys),
        Dialog::Messages => close |= modal(ctx, "messages", "Messages", |ui| messages(ui, state)),
    }
    if close {
        *dialog = Dialog::None;
    }
    asked
}

/// A modal box with a title; true when it should close.
fn modal(ctx: &egui::Context, id: &str, title: &str, content: impl FnOnce(&mut Ui) -> bool) -> bool {
    let frame = egui::Frame::popup(&ctx.global_style()).inner_margin(16);
    let shown = Modal::new(Id::unique(("dialog", id))).frame(frame).show(ctx, |ui| {
        ui.set_width(520.0_f32.min(ctx.content_rect().width() - 40.0));
        ui.heading(title);
        ui.add_space(6.0);
        content(ui)
    });
    shown.inner || shown.should_close()
}

/// A row of buttons, the safe one first from the right.
fn buttons(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ui.add_space(8.0);
    ui.horizontal(|ui| ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), content));
}

fn path_field(ui: &mut Ui, purpose: Purpose, text: &mut String, actions: &mut Vec<Action>) -> bool {
    ui.label("This system has no file dialog. Type a path:");
    let field = ui.add(egui::TextEdit::singleline(text).desired_width(f32::INFINITY)).accessible_name("Path");
    if field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) && !text.trim().is_empty()
    {
        actions.extend(purpose.action(vec![PathBuf::from(text.trim())]));
        return true;
    }
    field.request_focus();
    let mut close = false;
    buttons(ui, |ui| {
        if ui.add_enabled(!text.trim().is_empty(), egui::Button::new("OK")).clicked() {
            actions.extend(purpose.action(vec![PathBuf::from(text.trim())]));
            close = true;
        }
        close |= ui.button("Cancel").clicked();
    });
    close
}

fn export(ui: &mut Ui, state: &State, folder: &mut String, overwrite: &mut bool, asked: &mut Asked) -> bool {
    let particles = super::state::count(state.project.particles.len(), "particle");
    ui.label(format!(
        "Writes {particles} as library.csv, particles.star, stack.mrcs, a folder of pictures for each class, the \
         model and a report."
    ));
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let label = ui.label("Folder");
        let width = ui.available_width() - 90.0;
        ui.add(egui::TextEdit::singleline(folder).desired_width(width)).labelled_by(label.id);
        asked.choose_folder = ui.button("Choose…").clicked();
    });
    let dir = PathBuf::from(folder.trim());
    let occupied = std::fs::read_dir(&dir).is_ok_and(|mut files| files.next().is_some());
    if occupied {
        ui.label(RichText::new("There are files in this folder already.").color(ui.visuals().warn_fg_color));
        ui.checkbox(overwrite, "Replace the library there");
    }
    let can = !folder.trim().is_empty() && (!occupied || *overwrite);
    let mut close = false;
    buttons(ui, |ui| {
        if ui.add_enabled(can, egui::Button::new("Export")).clicked() {
            asked.actions.push(Action::ExportTo(ExportPlan { dir, overwrite: occupied && *overwrite }));
            close = true;
        }
        close |= ui.button("Cancel").clicked();
    });
    close
}

fn unsaved(ui: &mut Ui, actions: &mut Vec<Action>) -> bool {
    ui.label("They are lost if you don't.");
    let before = actions.len();
    buttons(ui, |ui| {
        for (name, action) in [
            ("Save changes", Action::SaveFirst),
            ("Cancel", Action::StayHere),
            ("Discard changes", Action::DiscardChanges),
        ] {
            if ui.button(name).clicked() {
                actions.push(action);
            }
        }
    });
    actions.len() > before
}

fn remove_class(ui: &mut Ui, state: &State, class: ClassId, actions: &mut Vec<Action>) -> bool {
    let carriers = super::state::count(state.project.particles_labelled(class).count(), "particle");
    let name = state.class_name(class).to_owned();
    ui.label(format!("It has {carriers}. What becomes of them?"));
    let mut edit = None;
    if ui.button("They stay, without a label").clicked() {
        edit = Some((format!("remove class {name}"), state.project.delete_class_edit(class)));
    }
    for other in state.project.classes.iter().filter(|other| other.id != class) {
        if ui.button(format!("They become {}", other.name)).clicked() {
            let merge = state.project.merge_class_edit(class, other.id);
            edit = Some((format!("merge {name} into {}", other.name), merge));
        }
    }
    if ui.button("They are removed, too").clicked() {
        let remove = state.project.delete_class_and_particles_edit(class);
        edit = Some((format!("remove class {name} and its particles"), remove));
    }
    let mut close = edit.is_some();
    if let Some((name, Ok(edit))) = edit {
        actions.push(Action::Change { name, edit });
    }
    buttons(ui, |ui| close |= ui.button("Cancel").clicked());
    close
}

/// All changes, those taken back faint; a click goes there.
fn history(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) -> bool {
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

fn recovered(ui: &mut Ui, state: &State, changes: usize, actions: &mut Vec<Action>) -> bool {
    let changes = super::state::count(changes, "change");
    ui.label(format!(
        "The program ended before the last {changes} to {} were saved. They are back, with their undo history.",
        state.name()
    ));
    let mut close = false;
    buttons(ui, |ui| {
        close |= ui.button("Keep them").clicked();
        if ui.button("Back to the saved project").on_hover_text("Redo brings them back again.").clicked() {
            actions.push(Action::BackToSaved);
            close = true;
        }
    });
    close
}

fn left_unsaved(ui: &mut Ui, journal: &Path, actions: &mut Vec<Action>) -> bool {
    ui.label("The program ended before this work had a file. It can be brought back, with its undo history.");
    let mut close = false;
    buttons(ui, |ui| {
        if ui.button("Bring it back").clicked() {
            actions.push(Action::BringBack(journal.to_owned()));
            close = true;
        }
        close |= ui.button("Ask me next time").clicked();
        if ui.button("Throw it away").clicked() {
            actions.push(Action::ThrowAway(journal.to_owned()));
            close = true;
        }
    });
    close
}

fn keys(ui: &mut Ui) -> bool {
    egui::ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
        egui::Grid::new("keys").num_columns(2).striped(true).spacing([24.0, 4.0]).show(ui, |ui| {
            let row = |ui: &mut Ui, what: &str, keys: &str| {
                ui.label(what);
                ui.monospace(keys);
                ui.end_row();
            };
            row(ui, "Add a particle, or label the one there", "Click");
            row(ui, "Add to the selection", "Shift+Click");
            row(ui, "Remove a particle", "Right click");
            row(ui, "Move the picture", "Drag, Space+Drag, middle button");
            row(ui, "Zoom to the pointer", "Wheel");
            let mut looks: Vec<_> = super::action::ALL.iter().map(Action::look).collect();
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

fn messages(ui: &mut Ui, state: &State) -> bool {
    egui::ScrollArea::vertical().max_height(360.0).stick_to_bottom(true).show(ui, |ui| {
        if state.messages.is_empty() {
            ui.weak("Nothing has been said yet.");
        }
        for (i, message) in state.messages.iter().enumerate() {
            let colour = match message.level {
                super::state::Level::Done => ui.visuals().text_color(),
                super::state::Level::Warning => ui.visuals().warn_fg_color,
                super::state::Level::Error => ui.visuals().error_fg_color,
            };
            ui.add(egui::Label::new(RichText::new(&message.text).color(colour)).wrap());
            if let Some(details) = &message.details {
                egui::CollapsingHeader::new("Details").id_salt(("details", i)).show(ui, |ui| {
                    ui.add(egui::Label::new(RichText::new(details).monospace()).wrap());
                });
            }
        }
    });
    let mut close = false;
    buttons(ui, |ui| close = ui.button("Close").clicked());
    close
}
