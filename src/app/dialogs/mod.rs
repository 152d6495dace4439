//! Questions to the user: the system's file dialogs, a typed path where there are none, export, unsaved changes.

mod lists;
mod questions;

use super::action::Action;
use super::calibration::{self, LengthUnit};
use super::file_dialog::Purpose;
use super::files::name_of;
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
    /// The selected particles alone.
    pub selection: bool,
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
    /// There is a file of the name that the chosen one gets.
    Replace {
        purpose: Purpose,
        path: PathBuf,
    },
    Export {
        folder: String,
        overwrite: bool,
        selection: bool,
    },
    /// A name for the model that is kept.
    KeepModel {
        name: String,
    },
    /// All views that can be written into a file.
    TakeAway,
    /// Unsaved changes stand in the way of what was asked.
    Unsaved,
    /// The project was opened with changes that a program that died had not saved.
    Recovered {
        changes: usize,
    },
    /// Work on a project without a file that a program that died left behind.
    LeftUnsaved {
        journal: PathBuf,
        /// What it holds, and how old it is.
        about: String,
    },
    /// What becomes of the particles of a class that is removed?
    RemoveClass {
        class: ClassId,
    },
    /// With which class is it merged?
    MergeClass {
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
            let own = state.path.as_deref();
            close = modal(ctx, "path", purpose.title(), |ui| {
                path_field(ui, purpose, text, own, &mut asked.actions)
            });
            unless_answered(close, &mut asked.actions);
        }
        Dialog::Replace { purpose, path } => {
            let purpose = *purpose;
            close =
                modal(ctx, "replace", purpose.title(), |ui| replace(ui, purpose, path, &mut asked.actions));
            unless_answered(close, &mut asked.actions);
        }
        Dialog::Export { folder, overwrite, selection } => {
            close = modal(ctx, "export", "Export the library", |ui| {
                questions::export(ui, state, folder, overwrite, selection, &mut asked)
            });
        }
        Dialog::KeepModel { name } => {
            close = modal(ctx, "keep model", "Keep this model", |ui| {
                questions::keep_model(ui, name, &mut asked.actions)
            });
        }
        Dialog::TakeAway => {
            close = modal(ctx, "take away", "Take a view away", |ui| {
                let mut close = super::take::dialog(ui, state, &mut asked.actions);
                buttons(ui, |ui| close |= ui.button("Close").clicked());
                close
            });
        }
        Dialog::Unsaved => {
            let title = format!("Save the changes to {}?", state.name());
            close = modal(ctx, "unsaved", &title, |ui| questions::unsaved(ui, &mut asked.actions));
            unless_answered(close, &mut asked.actions);
        }
        Dialog::Recovered { changes } => {
            let changes = *changes;
            close = modal(ctx, "recovered", "Nothing was lost", |ui| {
                questions::recovered(ui, state, changes, &mut asked.actions)
            });
        }
        Dialog::LeftUnsaved { journal, about } => {
            close = modal(ctx, "left", "There is work that was never saved", |ui| {
                questions::left_unsaved(ui, journal, about, &mut asked.actions)
            });
        }
        Dialog::RemoveClass { class } => {
            let class = *class;
            let title = format!("Remove the class {}?", state.class_name(class));
            close = modal(ctx, "remove class", &title, |ui| {
                questions::remove_class(ui, state, class, &mut asked.actions)
            });
        }
        Dialog::MergeClass { class } => {
            let class = *class;
            let title = format!("Merge the class {} into", state.class_name(class));
            close = modal(ctx, "merge class", &title, |ui| {
                questions::merge_class(ui, state, class, &mut asked.actions)
            });
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
            close = modal(ctx, "history", "History", |ui| lists::history(ui, state, &mut asked.actions));
        }
        Dialog::Keys => close |= modal(ctx, "keys", "Keys", lists::keys),
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

/// What waits for an answer waits no longer once the dialog is gone without one.
fn unless_answered(closed: bool, actions: &mut Vec<Action>) {
    if closed && actions.is_empty() {
        actions.push(Action::StayHere);
    }
}

fn path_field(
    ui: &mut Ui,
    purpose: Purpose,
    text: &mut String,
    own: Option<&Path>,
    actions: &mut Vec<Action>,
) -> bool {
    ui.label("This system has no file dialog. Type a path:");
    let field = ui.add(egui::TextEdit::singleline(text).desired_width(f32::INFINITY)).accessible_name("Path");
    let typed = !text.trim().is_empty();
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) && typed;
    // The project's own file is replaced by every save.
    let written = purpose.written(Path::new(text.trim()));
    let there = written.filter(|path| Some(path.as_path()) != own && path.is_file());
    if let Some(path) = &there {
        there_already(ui, path);
    }
    let mut close = false;
    buttons(ui, |ui| {
        let yes = if there.is_some() { "Replace" } else { "OK" };
        let button = ui.add_enabled(typed, egui::Button::new(yes));
        let cancel = ui.button("Cancel");
        if button.clicked() || entered && there.is_none() {
            actions.extend(purpose.action(vec![PathBuf::from(text.trim())]));
            close = true;
        } else if entered {
            // What is there is replaced by a second Enter only.
            button.request_focus();
        } else if !button.has_focus() && !cancel.has_focus() {
            field.request_focus();
        }
        close |= cancel.clicked();
    });
    close
}

fn replace(ui: &mut Ui, purpose: Purpose, path: &Path, actions: &mut Vec<Action>) -> bool {
    there_already(ui, path);
    let mut close = false;
    buttons(ui, |ui| {
        close |= ui.button("Cancel").clicked();
        if ui.button("Replace").clicked() {
            actions.extend(purpose.action(vec![path.to_owned()]));
            close = true;
        }
    });
    close
}

fn there_already(ui: &mut Ui, path: &Path) {
    let text = format!("{} is there already; it would be replaced.", name_of(path));
    ui.label(RichText::new(text).color(ui.visuals().warn_fg_color));
}
