//! One question after another: what is this? A key answers, the next one comes; then the model learns the answers.

pub mod confusion;

use super::action::Action;
use super::explore::data::Data;
use super::state::{State, count};
use super::take::{self, Figure};
use super::theme;
use crate::particle::ParticleId;
use crate::particle::patch::turned;
use crate::review::Table;
use crate::review::compare::{Comparison, compare};
use crate::review::queue::{Question, Review};
use crate::review::suggest;
use egui::{ColorImage, Image, ProgressBar, RichText, TextureHandle, TextureOptions, Ui, vec2};
use std::sync::Arc;

/// Questions made at once; the later ones would be out of date.
const AHEAD: usize = 10;
/// Particles proposed where there is no model yet.
const SUGGESTED: usize = 12;

/// What the panel alone remembers.
#[derive(Default)]
pub struct ReviewPanel {
    review: Review,
    asked: Vec<Question>,
    current: Option<Question>,
    /// The label that stood on the particle when it was asked about.
    asked_labels: Vec<(ParticleId, Option<String>)>,
    /// What has moved since the model was last told to learn new labels, and of which two tables that is said.
    moved: Option<([usize; 2], Comparison)>,
    picture: Option<(ParticleId, TextureHandle)>,
}

impl ReviewPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        egui::ScrollArea::vertical().id_salt("review").auto_shrink(false).show(ui, |ui| {
            let Some(table) = data.table() else {
                self.before_training(ui, state, actions);
                return;
            };
            self.question(ui, state, table, actions);
            ui.separator();
            self.learn(ui, state, table, actions);
            ui.separator();
            confusion::ui(ui, state, table, actions);
            take::menu(ui, &[(Figure::Confusion, Figure::Confusion.is_there(state))], actions);
        });
    }

    /// Without a model: what to label first.
    fn before_training(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        ui.strong("What to label first");
        let Some(dataset) = &state.training.dataset else {
            ui.weak(
                "Train once, or let the program look at the particles, and it proposes which ones to label.",
            );
            let can = !state.project.particles.is_empty();
            if ui.add_enabled(can, egui::Button::new("Look at the particles")).clicked() {
                actions.push(Action::LookAtParticles);
            }
            return;
        };
        if ui.button("Select a few of every look").clicked() {
            let labelled = |id: &ParticleId| state.project.particle(*id).is_some_and(|p| p.label.is_some());
            let taken: Vec<bool> = dataset.ids.iter().map(labelled).collect();
            let places = suggest::first_to_label(&dataset.patches, &taken, SUGGESTED);
            let particles = places.iter().filter_map(|i| dataset.ids.get(*i).copied()).collect();
            actions.push(Action::Select { particles, join: false });
        }
        ui.weak("They show what there is, the most common look first. Give each its class.");
    }

    fn question(&mut self, ui: &mut Ui, state: &State, table: &Arc<Table>, actions: &mut Vec<Action>) {
        self.take_answer(state, table, actions);
        let progress = self.review.progress(table);
        ui.horizontal_wrapped(|ui| {
            ui.strong(format!("{} answered", progress.answered));
            ui.weak(format!(
                "{} changed something. The model expects {:.0} of the others to be wrong; {} worth a question.",
                progress.changed, progress.expected_wrong, progress.left
            ));
        });
        let Some(question) = self.current.clone() else {
            let start = if progress.answered == 0 { "Start reviewing" } else { "Ask on" };
            if ui.add_enabled(progress.left > 0, egui::Button::new(start)).clicked() {
                self.next(state, table, actions);
            }
            if progress.left == 0 {
                ui.weak("Nothing is left to ask. Let it learn the answers, or look at the scatter.");
            }
            return;
        };
        let Some(row) = table.rows.iter().find(|row| row.id == question.id) else {
            self.current = None;
            return;
        };
        ui.label(format!("Particle {}: {}.", question.id.0, question.reason.text()));
        ui.horizontal_top(|ui| {
            self.draw(ui, state, question.id);
            ui.vertical(|ui| {
                if let Some(prediction) = &row.prediction {
                    for (name, p) in table.classes.iter().zip(&prediction.probabilities) {
                        let colour =
                            state.project.class_named(name).map_or(egui::Color32::GRAY, theme::colour);
                        ui.horizontal(|ui| {
                            let bar =
                                ProgressBar::new(*p).desired_width(90.0).desired_height(10.0).fill(colour);
                            ui.add(bar).accessible_name(format!("The model's probability of {name}"));
                            ui.label(format!("{name} {p:.2}"));
                        });
                    }
                }
            });
        });
        ui.horizontal_wrapped(|ui| {
            for (place, class) in state.project.classes.iter().enumerate() {
                theme::marker(ui, class);
                let button = ui.button(format!("{} {}", place + 1, class.name));
                if button.accessible_name(format!("It is {}", class.name)).clicked() {
                    actions.push(Action::Select { particles: vec![question.id], join: false });
                    actions.push(Action::ChooseClass(class.id));
                    // The label that stands there already is an answer, too: the model was wrong, not the person.
                    if row.label.as_deref() == Some(class.name.as_str()) {
                        self.answered(&question, false, state, table, actions);
                    }
                }
            }
        });
        let proposal =
            question.proposal.and_then(|c| table.classes.get(c)).and_then(|n| state.project.class_named(n));
        ui.horizontal_wrapped(|ui| {
            if let Some(class) = proposal {
                let enter = ui.button(format!("{} is right (Enter)", class.name)).clicked()
                    || (ui.memory(|m| m.focused().is_none())
                        && ui.input(|i| i.key_pressed(egui::Key::Enter)));
                if enter {
                    actions.push(Action::Select { particles: vec![question.id], join: false });
                    actions.push(Action::ChooseClass(class.id));
                    if row.label.as_deref() == Some(class.name.as_str()) {
                        self.answered(&question, false, state, table, actions);
                    }
                }
            }
            if ui.button("Skip").on_hover_text("It is not asked again.").clicked() {
                self.answered(&question, false, state, table, actions);
            }
            if ui.button("Stop asking").clicked() {
                self.current = None;
            }
        });
    }

    /// A label that came since the question was put is the answer, whichever way it was given.
    fn take_answer(&mut self, state: &State, table: &Arc<Table>, actions: &mut Vec<Action>) {
        let Some(question) = self.current.clone() else { return };
        let Some(particle) = state.project.particle(question.id) else {
            self.current = None;
            return;
        };
        let now = particle.label.map(|id| state.class_name(id).to_owned());
        if now.is_some() && now != self.label_when_asked(&question) {
            let proposed = question.proposal.and_then(|c| table.classes.get(c));
            self.answered(&question, now.as_ref() != proposed, state, table, actions);
        }
    }

    /// The label that stood there when the question was put: only conflicts are about labelled particles.
    fn label_when_asked(&self, question: &Question) -> Option<String> {
        self.asked_labels.iter().find(|(id, _)| *id == question.id).and_then(|(_, label)| label.clone())
    }

    fn answered(
        &mut self,
        question: &Question,
        changed: bool,
        state: &State,
        table: &Arc<Table>,
        actions: &mut Vec<Action>,
    ) {
        self.review.answer(question.id, changed);
        self.next(state, table, actions);
    }

    /// Puts the next question: selects the particle and brings its micrograph up.
    fn next(&mut self, state: &State, table: &Arc<Table>, actions: &mut Vec<Action>) {
        if self.asked.is_empty() {
            self.asked = self.review.questions(table, AHEAD);
            self.asked.reverse();
        }
        self.current = self.asked.pop();
        let Some(question) = &self.current else { return };
        let Some(particle) = state.project.particle(question.id) else { return };
        let label = particle.label.map(|id| state.class_name(id).to_owned());
        self.asked_labels = vec![(question.id, label)];
        actions.push(Action::Select { particles: vec![question.id], join: false });
        if state.shown != Some(particle.micrograph) {
            actions.push(Action::Show(particle.micrograph));
        }
    }

    fn draw(&mut self, ui: &mut Ui, state: &State, id: ParticleId) {
        if self.picture.as_ref().is_none_or(|(of, _)| *of != id)
            && let Some(picture) = picture(state, id)
        {
            let texture = ui.ctx().load_texture("question", picture, TextureOptions::LINEAR);
            self.picture = Some((id, texture));
        }
        if let Some((_, texture)) = self.picture.as_ref().filter(|(of, _)| *of == id) {
            ui.add(Image::new((texture.id(), vec2(140.0, 140.0))).alt_text("The particle in question"));
        }
    }

    /// The warm restart, and what it changed.
    fn learn(&mut self, ui: &mut Ui, state: &State, table: &Arc<Table>, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            let button = ui.button("Learn the new labels");
            if button.on_hover_text("The training goes on with them; it does not start over.").clicked() {
                actions.push(Action::LearnNewLabels);
            }
            if let Some(epoch) = state.training.joined.last() {
                ui.weak(format!("New labels joined in epoch {epoch}."));
            }
        });
        let Some(before) = &state.before else { return };
        let place = [before, table].map(|table| Arc::as_ptr(table) as usize);
        if self.moved.as_ref().is_none_or(|(of, _)| *of != place) {
            self.moved = Some((place, compare(before, table)));
        }
        let Some((_, found)) = &self.moved else { return };
        let share = |(right, of): (usize, usize)| {
            if of == 0 { "unknown".to_owned() } else { format!("{:.2}", right as f64 / of as f64) }
        };
        ui.label(format!(
            "What changed: {} moved to another class; hold-out accuracy {} before, {} now.",
            count(found.moved.len(), "particle"),
            share(found.accuracy[0]),
            share(found.accuracy[1])
        ));
        if !found.moved.is_empty() && ui.button("Select the moved ones").clicked() {
            let particles = found.moved.iter().map(|m| m.id).collect();
            actions.push(Action::Select { particles, join: false });
        }
        for moved in found.moved.iter().take(8) {
            let text = format!("{}: {} to {} ({:.2})", moved.id.0, moved.from, moved.to, moved.probability);
            if ui.link(RichText::new(text).small()).clicked() {
                actions.push(Action::Select { particles: vec![moved.id], join: false });
            }
        }
    }
}

/// The patch of a particle as it was cut.
fn picture(state: &State, id: ParticleId) -> Option<ColorImage> {
    let dataset = state.training.dataset.as_ref()?;
    let place = dataset.ids.iter().position(|other| *other == id)?;
    let set = &dataset.patches;
    let size = set.wide * set.wide;
    let mut raw = vec![0.0; set.side * set.side];
    turned(
        set.pixels.get(place * size..(place + 1) * size)?,
        set.wide,
        set.side,
        0.0,
        [0.0; 2],
        1.0,
        &mut raw,
    );
    let grey: Vec<u8> = raw.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0) as u8).collect();
    Some(ColorImage::from_gray([set.side, set.side], &grey))
}
