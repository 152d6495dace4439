//! The class list: key, marker, name, counts; the current class is the one that clicks give.

use super::action::Action;
use super::class_acts::ClassAct;
use super::run::Results;
use super::state::State;
use super::{icon, theme};
use crate::particle::{Class, ClassId, ParticleId};
use crate::project::edit::Edit;
use egui::{Button, RichText, TextEdit, Ui};
use std::collections::BTreeMap;

/// What the panel alone remembers.
#[derive(Default)]
pub struct ClassesPanel {
    new_name: String,
    renaming: Option<(ClassId, String)>,
    /// A key asked for the field of a new name.
    asked: Option<ClassAct>,
    /// How many of the predictions fall to each class, and the count that is under way.
    predicted: Counted,
    counting: Option<Counted>,
}

/// A count of predictions.
#[derive(Default)]
struct Counted {
    /// The revisions of predictions and project.
    of: (u64, u64),
    /// Predictions that are counted.
    done: usize,
    counts: BTreeMap<ClassId, usize>,
}

/// So many predictions are counted in a frame.
const SLICE: usize = 16_000;

impl ClassesPanel {
    /// Takes what only concerns the fields of names; true if it was that.
    pub fn apply(&mut self, act: ClassAct) -> bool {
        let own = matches!(act, ClassAct::Add | ClassAct::Rename);
        if own {
            self.asked = Some(act);
        }
        own
    }

    /// Draws the list and the field for a new class.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.count_predictions(ui.ctx(), state);
        let asked = self.asked.take();
        if let (Some(ClassAct::Rename), Some(class)) =
            (asked, state.class.and_then(|id| state.project.class(id)))
        {
            self.renaming = Some((class.id, class.name.clone()));
        }
        if state.project.classes.is_empty() {
            ui.weak("No class yet. Name the kinds of particle you see, such as rod or cube.");
        }
        let counts = &state.counts.classes;
        for (place, (class, count)) in state.project.classes.iter().zip(counts).enumerate() {
            if self.renaming.as_ref().is_some_and(|(id, _)| *id == class.id) {
                self.rename_field(ui, class, actions);
            } else {
                self.row(ui, state, place, class, count.labelled, actions);
            }
        }
        self.new_field(ui, asked == Some(ClassAct::Add), actions);
    }

    fn new_field(&mut self, ui: &mut Ui, asked: bool, actions: &mut Vec<Action>) {
        // A row first: the layout alone would take all the height there is.
        ui.horizontal(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = self.new_name.trim().to_owned();
                let add = ui.add_enabled(!name.is_empty(), Button::new("Add")).accessible_name("Add class");
                let width = ui.available_width();
                let field =
                    TextEdit::singleline(&mut self.new_name).hint_text("new class").desired_width(width);
                let field = ui.add(field).accessible_name("New class");
                let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
                if asked {
                    field.request_focus();
                }
                if (add.clicked() || entered) && !name.is_empty() {
                    actions.push(Action::AddClass(name));
                    self.new_name.clear();
                    if entered {
                        // Ready for the next one.
                        field.request_focus();
                    }
                }
            });
        });
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        state: &State,
        place: usize,
        class: &Class,
        labelled: usize,
        actions: &mut Vec<Action>,
    ) {
        let current = state.class == Some(class.id);
        let predicted = self.predicted.counts.get(&class.id).copied().unwrap_or(0);
        ui.horizontal(|ui| {
            let key = if place < 9 { (place + 1).to_string() } else { String::new() };
            ui.add_sized([10.0, 20.0], egui::Label::new(RichText::new(key).monospace().weak()));
            theme::marker(ui, class);
            // From the right, so that the row never grows wider than the panel.
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = format!("Remove class {}", class.name);
                let remove = icon::button(ui, icon::Icon::Close, &name, false, false, true);
                if remove.on_hover_text("Remove the class; asks what becomes of its particles.").clicked() {
                    actions.push(Action::RemoveClass(class.id));
                }
                let count =
                    if predicted > 0 { format!("{labelled} + {predicted}") } else { labelled.to_string() };
                let name = RichText::new(class.name.as_str());
                let name = if state.hidden.contains(&class.id) { name.weak().strikethrough() } else { name };
                let button = Button::selectable(current, name).right_text(RichText::new(count).monospace());
                let row = ui
                    .add(button.truncate().min_size(egui::vec2(ui.available_width(), 22.0)))
                    .accessible_name(format!("Class {}: {labelled} labelled", class.name));
                let row = row.on_hover_text(if predicted > 0 {
                    format!("{labelled} labelled, {predicted} predicted. Double-click to rename.")
                } else {
                    format!("{labelled} labelled. Double-click to rename.")
                });
                if row.double_clicked() {
                    self.renaming = Some((class.id, class.name.clone()));
                } else if row.clicked() {
                    actions.push(Action::ChooseClass(class.id));
                }
                row.context_menu(|ui| self.menu(ui, state, class, actions));
            });
        });
    }

    fn menu(&mut self, ui: &mut Ui, state: &State, class: &Class, actions: &mut Vec<Action>) {
        if ui.button("Rename").clicked() {
            self.renaming = Some((class.id, class.name.clone()));
        }
        if !state.selection.is_empty() && ui.button("Give it to what is selected").clicked() {
            actions.push(Action::LabelAs(class.id));
        }
        let carriers = || state.project.particles_labelled(class.id).map(|particle| particle.id).collect();
        if ui.button("Select its particles").clicked() {
            actions.push(Action::Select { particles: carriers(), join: false });
        }
        if let Some(results) = &state.results
            && ui.button("Select the predicted ones").clicked()
        {
            let particles = predicted(state, results, class.id);
            actions.push(Action::Select { particles, join: false });
        }
        let hidden = state.hidden.contains(&class.id);
        if ui.button(if hidden { "Show its particles" } else { "Hide its particles" }).clicked() {
            actions.push(Action::ToggleClass(class.id));
        }
        let place = state.project.class_index(class.id).unwrap_or_default();
        let last = state.project.classes.len().saturating_sub(1);
        if ui.add_enabled(place > 0, Button::new("Move up")).clicked() {
            actions.push(Action::MoveClass { class: class.id, place: place.saturating_sub(1) });
        }
        if ui.add_enabled(place < last, Button::new("Move down")).clicked() {
            actions.push(Action::MoveClass { class: class.id, place: place + 1 });
        }
        ui.menu_button("Colour", |ui| {
            for colour in crate::project::CLASS_COLOURS {
                let [r, g, b] = colour;
                let swatch = Button::new("      ").fill(egui::Color32::from_rgb(r, g, b));
                if ui.add(swatch).accessible_name(format!("Colour {r} {g} {b}")).clicked() {
                    let edit = Edit::ChangeClass(Class { colour, ..class.clone() });
                    actions.push(Action::Change { name: format!("recolour {}", class.name), edit });
                }
            }
        });
        ui.menu_button("Merge into", |ui| {
            for other in state.project.classes.iter().filter(|other| other.id != class.id) {
                if ui.button(&other.name).clicked()
                    && let Ok(edit) = state.project.merge_class_edit(class.id, other.id)
                {
                    let name = format!("merge {} into {}", class.name, other.name);
                    actions.push(Action::Change { name, edit });
                }
            }
        });
        if ui.button("Remove").clicked() {
            actions.push(Action::RemoveClass(class.id));
        }
    }

    fn rename_field(&mut self, ui: &mut Ui, class: &Class, actions: &mut Vec<Action>) {
        let Some((_, text)) = &mut self.renaming else { return };
        let field = ui
            .add(TextEdit::singleline(text).desired_width(ui.available_width() - 26.0))
            .accessible_name(format!("New name of {}", class.name));
        if field.lost_focus() {
            let name = text.trim().to_owned();
            let keep = ui.input(|input| input.key_pressed(egui::Key::Escape)) || name.is_empty();
            if !keep && name != class.name {
                let edit = Edit::ChangeClass(class.renamed(name.as_str()));
                actions.push(Action::Change { name: format!("rename {} to {name}", class.name), edit });
            }
            self.renaming = None;
        } else if !field.has_focus() {
            field.request_focus();
        }
    }

    /// Counts predictions of particles without a label; only when they changed, and so many a frame.
    fn count_predictions(&mut self, ctx: &egui::Context, state: &State) {
        let Some(results) = &state.results else {
            (self.predicted, self.counting) = (Counted::default(), None);
            return;
        };
        let of = (results.revision, state.revision);
        if self.predicted.of == of {
            return;
        }
        let mut counting = self.counting.take().filter(|counting| counting.of == of).unwrap_or_default();
        counting.of = of;
        let particles = results.ids.iter().zip(results.predictions.iter());
        for (id, prediction) in particles.skip(counting.done).take(SLICE) {
            let unlabelled = state.project.particle(*id).is_some_and(|particle| particle.label.is_none());
            if let (true, (Some(class), _)) = (unlabelled, results.best(prediction)) {
                *counting.counts.entry(class).or_default() += 1;
            }
        }
        counting.done += SLICE;
        if counting.done >= results.ids.len() {
            self.predicted = counting;
        } else {
            self.counting = Some(counting);
            ctx.request_repaint();
        }
    }
}

/// The particles without a label that the model gives a class.
fn predicted(state: &State, results: &Results, class: ClassId) -> Vec<ParticleId> {
    let unlabelled = |id: &ParticleId| state.project.particle(*id).is_some_and(|p| p.label.is_none());
    let given = results.ids.iter().zip(results.predictions.iter());
    let given = given.filter(|(_, prediction)| results.best(prediction).0 == Some(class));
    given.map(|(id, _)| *id).filter(unlabelled).collect()
}
