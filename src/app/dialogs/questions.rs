//! Questions with a few answers: where to, what becomes of it, keep it or not.

use super::super::action::Action;
use super::super::state::{State, count};
use super::{Asked, ExportPlan, buttons};
use crate::particle::ClassId;
use egui::{RichText, Ui};
use std::path::{Path, PathBuf};

pub fn export(
    ui: &mut Ui,
    state: &State,
    folder: &mut String,
    overwrite: &mut bool,
    selection: &mut bool,
    asked: &mut Asked,
) -> bool {
    *selection &= !state.selection.is_empty();
    if !state.selection.is_empty() {
        let selected = count(state.selection.len(), "selected particle");
        ui.checkbox(selection, format!("Only the {selected}"));
    }
    let all = if *selection { state.selection.len() } else { state.project.particles.len() };
    let particles = count(all, "particle");
    ui.label(format!(
        "Writes {particles} as library.csv, particles.star, stack.mrcs, a folder of pictures for each class, the \
         model and a report."
    ));
    let held_out = state.project.particles.values().filter(|particle| particle.held_out).count();
    if held_out > 0 && state.results.is_some() {
        let labels = count(held_out, "label");
        ui.weak(format!(
            "Of {labels} that you held out the library tells the model's class: they only measure how well it does."
        ));
    }
    if let Some(gone) = state.gone_classes() {
        ui.label(RichText::new(gone).color(ui.visuals().warn_fg_color));
    }
    if state.path.is_some() && state.history.is_dirty() {
        ui.weak(
            "Save the project, too: the report names a command that makes this library again from its file.",
        );
    }
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
        let button = ui.add_enabled(can, egui::Button::new("Export"));
        let cancel = ui.button("Cancel");
        let entered = ui.input(|input| input.key_pressed(egui::Key::Enter)) && !cancel.has_focus();
        if button.clicked() || entered && can {
            asked.actions.push(Action::ExportTo(ExportPlan {
                dir,
                overwrite: occupied && *overwrite,
                selection: *selection,
            }));
            close = true;
        }
        close |= cancel.clicked();
    });
    close
}

pub fn unsaved(ui: &mut Ui, actions: &mut Vec<Action>) -> bool {
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

pub fn remove_class(ui: &mut Ui, state: &State, class: ClassId, actions: &mut Vec<Action>) -> bool {
    let carriers = count(state.project.particles_labelled(class).count(), "particle");
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

pub fn merge_class(ui: &mut Ui, state: &State, class: ClassId, actions: &mut Vec<Action>) -> bool {
    let name = state.class_name(class).to_owned();
    let mut close = false;
    for other in state.project.classes.iter().filter(|other| other.id != class) {
        if ui.button(&other.name).clicked() {
            if let Ok(edit) = state.project.merge_class_edit(class, other.id) {
                actions.push(Action::Change { name: format!("merge {name} into {}", other.name), edit });
            }
            close = true;
        }
    }
    buttons(ui, |ui| close |= ui.button("Cancel").clicked());
    close
}

pub fn recovered(ui: &mut Ui, state: &State, changes: usize, actions: &mut Vec<Action>) -> bool {
    let changes = count(changes, "change");
    ui.label(format!(
        "The program ended before the last {changes} to {} were saved. They are back, with their undo history.",
        state.name()
    ));
    let mut close = false;
    buttons(ui, |ui| {
        close |= ui.button("Keep them").clicked();
        // Where changes that were saved had been taken back, the saved state is no step of this history.
        let can = state.history.saved_at().is_some();
        let back = ui.add_enabled(can, egui::Button::new("Back to the saved project"));
        let back = back.on_hover_text("Redo brings them back again.");
        let back = back
            .on_disabled_hover_text("Steps from before it was saved were taken back: undo them one by one.");
        if back.clicked() {
            actions.push(Action::BackToSaved);
            close = true;
        }
    });
    close
}

pub fn left_unsaved(ui: &mut Ui, journal: &Path, about: &str, actions: &mut Vec<Action>) -> bool {
    ui.label("The program ended before this work had a file. It can be brought back, with its undo history.");
    ui.strong(about);
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

/// A name for the model; Enter takes it.
pub fn keep_model(ui: &mut Ui, name: &mut String, actions: &mut Vec<Action>) -> bool {
    ui.label("It is kept beside the project; you can go back to it, or compare it with another.");
    let field = ui.add(egui::TextEdit::singleline(name).desired_width(f32::INFINITY)).accessible_name("Name");
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let can = !name.trim().is_empty();
    let (mut keep, mut close) = (entered && can, false);
    if !entered {
        field.request_focus();
    }
    buttons(ui, |ui| {
        keep |= ui.add_enabled(can, egui::Button::new("Keep")).clicked();
        close = ui.button("Cancel").clicked();
    });
    if keep {
        actions.push(Action::KeepModelAs(name.trim().to_owned()));
    }
    close || keep
}
