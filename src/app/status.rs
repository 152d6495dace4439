//! The one line at the bottom: what the mouse does, where it is, what is under way, whether all is saved.

use super::action::{Action, Tool};
use super::canvas::Pointer;
use super::maps::{self, Workspace};
use super::spectra;
use super::state::{Level, State, count};
use egui::{Label, RichText, Ui};

/// Draws the line.
pub fn ui(ui: &mut Ui, state: &State, place: Option<String>, actions: &mut Vec<Action>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        // The right side first: it keeps its place, the sentence at the left gives way.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(saved(state)).small());
            if let Some(place) = place {
                ui.label(RichText::new(place).monospace());
            }
            if state.workspace == Workspace::Particles && !state.selection.is_empty() {
                selection(ui, state, actions);
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let (text, colour) = sentence(state, ui.visuals());
                ui.add(Label::new(RichText::new(text).color(colour).small()).truncate());
            });
        });
    });
}

/// What can be done with the selected particles, from the right.
fn selection(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let buttons = [
        (Action::ExportSelection, "Export", "Export the selection", "A library of these particles alone."),
        (
            Action::Delete,
            "Delete",
            "Delete the selection",
            "They are taken out of the project; undo brings them back.",
        ),
        (
            Action::HoldOut,
            "Hold out",
            "Hold the selection out",
            "Their labels only judge; training never sees them.",
        ),
    ];
    for (action, text, name, meaning) in buttons {
        let button = egui::Button::new(RichText::new(text).small()).small();
        let response = ui.add_enabled(action.is_possible(state), button).accessible_name(name);
        if response.on_hover_text(meaning).clicked() {
            actions.push(action);
        }
    }
    // As small as its neighbours: a higher one would move all that lies above the line.
    let button = egui::Button::new(RichText::new("Label").small()).small();
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        for class in &state.project.classes {
            if ui.button(&class.name).clicked() {
                actions.push(Action::LabelAs(class.id));
                ui.close();
            }
        }
        if ui.button("No label").clicked() {
            actions.push(Action::Unlabel);
            ui.close();
        }
    });
    response.accessible_name("Label the selection");
    ui.label(RichText::new(count(state.selection.len(), "particle")).small().strong());
}

fn saved(state: &State) -> &'static str {
    if state.history.locked().is_some() {
        return "read-only: open in another window";
    }
    match (state.is_blank() && state.path.is_none(), state.history.is_dirty()) {
        (_, true) => "unsaved changes",
        (true, false) => "",
        (false, false) => "saved",
    }
}

/// "x 312.4 nm  y 88.0 nm  grey 0.42", each number in a field of its own width.
pub fn position(pointer: Pointer) -> String {
    let grey = match pointer.grey {
        None => "      ".to_owned(),
        Some(v) if v == v.round() && v.abs() < 1e6 => format!("{v:>6.0}"),
        Some(v) if v.abs() >= 1e5 || v.abs() < 1e-2 => format!("{v:>6.1e}"),
        Some(v) => format!("{v:>6.2}"),
    };
    match pointer.nm {
        Some((x, y)) => format!("x {x:>7.1} nm  y {y:>7.1} nm  grey {grey}"),
        None => format!("x {:>7.1} px  y {:>7.1} px  grey {grey}", pointer.x, pointer.y),
    }
}

fn sentence(state: &State, visuals: &egui::Visuals) -> (String, egui::Color32) {
    if !state.under_way.is_empty() {
        return (format!("{}…", state.under_way.join(" · ")), visuals.text_color());
    }
    if let Some(last) = state.messages.last()
        && last.at.elapsed() < super::TOAST * if last.level == Level::Error { 4 } else { 1 }
    {
        let colour = match last.level {
            Level::Done => visuals.text_color(),
            Level::Warning => visuals.warn_fg_color,
            Level::Error => visuals.error_fg_color,
        };
        return (last.text.lines().next().unwrap_or_default().to_owned(), colour);
    }
    match state.workspace {
        Workspace::Maps => return (maps::hint(state), visuals.text_color()),
        Workspace::Spectra => return (spectra::hint(state).to_owned(), visuals.text_color()),
        Workspace::Particles => {}
    }
    let text = match state.tool {
        _ if state.is_blank() => "Drop micrographs on the window, or open some.".to_owned(),
        _ if !state.selection.is_empty() => {
            format!(
                "{} selected. Number keys label, Delete removes, Esc lets go.",
                count(state.selection.len(), "particle")
            )
        }
        Tool::Pick => match state.class {
            Some(class) => {
                let name = state.class_name(class);
                format!(
                    "Click adds one {name}. Shift+Click selects. Right click removes. Drag moves the picture."
                )
            }
            None => "Click adds a particle without a class. Add a class to label.".to_owned(),
        },
        Tool::Select => "Click or drag a box to select. Shift adds. Space+Drag moves the picture.".to_owned(),
        Tool::Lasso => {
            "Draw round particles to select them. Shift adds. A drag on a particle moves it.".to_owned()
        }
        Tool::Outline => "Draw round what holds no particles. Right click takes a region away.".to_owned(),
        Tool::Measure => "Draw a line along the picture's scale bar; then say how long it is.".to_owned(),
        Tool::Exclude => "Drag a box over what holds no particles. V or P goes back.".to_owned(),
    };
    (text, visuals.text_color())
}
