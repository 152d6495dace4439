//! One question after another: what is this? A key answers, the next one comes; then the model learns the answers.

mod answering;
mod asking;
pub mod confusion;

pub use answering::Keeper;
pub use asking::{Asking, Found};

use super::action::{Action, keys_text};
use super::explore::data::Data;
use super::state::{Readiness, State, count};
use super::take::{self, Figure};
use super::theme;
use crate::particle::ParticleId;
use crate::particle::patch::turned;
use crate::review::Table;
use crate::review::compare::{Comparison, compare_classes};
use crate::review::queue::Reason;
use asking::Asked;
use confusion::Confusion;
use egui::{Button, ColorImage, Image, ProgressBar, RichText, TextureHandle, TextureOptions, Ui, vec2};
use std::sync::Arc;

/// What the panel alone remembers.
#[derive(Default)]
pub struct ReviewPanel {
    /// What has moved since the model was last told to learn new labels, and of which two tables that is said.
    moved: Option<([Arc<Table>; 2], Comparison)>,
    confusion: Confusion,
    picture: Option<(ParticleId, TextureHandle)>,
    /// The row of the table that the question is about.
    row: usize,
}

impl ReviewPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        egui::ScrollArea::vertical().id_salt("review").auto_shrink(false).show(ui, |ui| {
            let Some(table) = data.table() else {
                before_training(ui, state, actions);
                self.question(ui, state, None, actions);
                return;
            };
            outlook(ui, state, table, actions);
            self.question(ui, state, Some(table), actions);
            ui.separator();
            self.learn(ui, state, table, actions);
            ui.separator();
            self.confusion.ui(ui, table, actions);
            take::menu(ui, &[(Figure::Confusion, Figure::Confusion.is_there(state))], actions);
        });
    }

    fn question(
        &mut self,
        ui: &mut Ui,
        state: &State,
        table: Option<&Arc<Table>>,
        actions: &mut Vec<Action>,
    ) {
        let Some(asked) = &state.asking.current else {
            if state.asking.wanted {
                ui.weak("Looking for the next question…");
            }
            return;
        };
        let id = asked.question.id;
        ui.label(format!("Particle {}: {}.", id.0, asked.question.reason.text()));
        if let Some(gain) = gain(state, asked) {
            ui.weak(gain);
        }
        if state.project.classes.is_empty() {
            ui.weak("Add a class for each kind of particle; then say which one this is.");
        }
        // The answers come first: in a low window they must be in sight, and the canvas shows the particle anyway.
        ui.horizontal_wrapped(|ui| answers(ui, state, asked, actions));
        ui.horizontal_wrapped(|ui| {
            for (place, class) in state.project.classes.iter().enumerate() {
                let text = format!("{} {}", place + 1, class.name);
                room_for(ui, &text);
                theme::marker(ui, class);
                if ui.button(text).accessible_name(format!("It is {}", class.name)).clicked() {
                    actions.push(Action::Select { particles: vec![id], join: false });
                    actions.push(Action::LabelAs(class.id));
                }
            }
        });
        ui.horizontal_top(|ui| {
            self.draw(ui, state, id);
            if let Some(table) = table {
                ui.vertical(|ui| self.bars(ui, state, table, id));
            }
        });
    }

    /// The model's probabilities.
    fn bars(&mut self, ui: &mut Ui, state: &State, table: &Table, id: ParticleId) {
        if table.rows.get(self.row).is_none_or(|row| row.id != id) {
            let place = table.rows.iter().position(|row| row.id == id);
            self.row = place.unwrap_or(usize::MAX);
        }
        let row = table.rows.get(self.row);
        let Some(prediction) = row.and_then(|row| table.prediction(row)) else { return };
        for (name, p) in table.classes.iter().zip(&prediction.probabilities) {
            let colour = state.project.class_named(name).map_or(egui::Color32::GRAY, theme::colour);
            ui.horizontal(|ui| {
                let bar = ProgressBar::new(*p)
                    .desired_width(90.0)
                    .desired_height(10.0)
                    .corner_radius(2.0)
                    .fill(colour);
                ui.add(bar).accessible_name(format!("The model's probability of {name}"));
                ui.label(format!("{name} {p:.2}"));
            });
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
        let pair = [before, table].map(Arc::clone);
        let same = |of: &[Arc<Table>; 2]| of.iter().zip(&pair).all(|(a, b)| Arc::ptr_eq(a, b));
        if self.moved.as_ref().is_none_or(|(of, _)| !same(of)) {
            self.moved = Some((pair, compare_classes(&before.renamed(&table.classes), table)));
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
            into_sight(found.moved.iter().map(|m| m.id).collect(), actions);
        }
        for moved in found.moved.iter().take(8) {
            let text = format!("{}: {} to {} ({:.2})", moved.id.0, moved.from, moved.to, moved.probability);
            if ui.link(RichText::new(text).small()).clicked() {
                into_sight(vec![moved.id], actions);
            }
        }
    }
}

/// Without a model: what to label first, one question after the other.
fn before_training(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.strong("What to label first");
    if let Readiness::Missing(what) = state.readiness() {
        ui.label(what);
    }
    if state.training.dataset.is_none() {
        ui.weak("Train once, or let the program look at the particles, and it proposes which ones to label.");
        let can = !state.project.particles.is_empty();
        if ui.add_enabled(can, Button::new("Look at the particles")).clicked() {
            actions.push(Action::LookAtParticles);
        }
        return;
    }
    if state.asking.current.is_none() && ui.button("Ask about a few of every look").clicked() {
        actions.push(Action::Ask);
    }
    let (answered, _) = state.asking.review.counts();
    ui.weak(format!("{answered} answered. They show what there is, the most common look first."));
}

/// How far it is, and the way into the questions.
fn outlook(ui: &mut Ui, state: &State, table: &Arc<Table>, actions: &mut Vec<Action>) {
    let asking = &state.asking;
    if !asking.looking && !asking.has_looked_in(table) {
        actions.push(Action::LookForQuestions);
    }
    let (answered, changed) = asking.review.counts();
    ui.horizontal_wrapped(|ui| {
        ui.strong(format!("{answered} answered"));
        ui.weak(format!("{changed} changed something."));
        let skipped = asking.review.skipped();
        if skipped > 0 {
            ui.weak(format!("{skipped} skipped."));
        }
        if let Some(progress) = asking.progress {
            ui.weak(if progress.expected_wrong >= 0.5 {
                let wrong = progress.expected_wrong;
                format!(
                    "The model expects {wrong:.0} of the others to be wrong; {} worth a question.",
                    progress.left
                )
            } else {
                // Among them labels that it contradicts: of those it expects nothing.
                format!("{} worth a question.", progress.left)
            });
        }
    });
    if asking.current.is_some() {
        return;
    }
    let (left, sure) = asking.progress.map_or((0, 0), |progress| (progress.left, progress.sure));
    let start = if answered == 0 { "Start reviewing" } else { "Ask on" };
    let key = keys_text(ui.ctx(), &Action::Ask);
    if ui.add_enabled(left + sure > 0, Button::new(start)).on_hover_text(format!("Key {key}")).clicked() {
        actions.push(Action::Ask);
    }
    if left == 0 && asking.has_looked_in(table) {
        ui.weak(if sure == 0 {
            "Nothing is left to ask. Let it learn the answers, or look at the scatter."
        } else {
            "Nothing is left that it doubts: let it learn the answers, or spot-check what it is sure of."
        });
    }
}

/// What an answer to this one question may mend.
fn gain(state: &State, asked: &Asked) -> Option<String> {
    let (doubt, progress) = (asked.question.doubt, state.asking.progress?);
    match asked.question.reason {
        Reason::Typical => None,
        Reason::SpotCheck => {
            let (right, of) = state.asking.review.spot_checks();
            (of > 0).then(|| format!("So far it was right in {right} of {of} spot checks."))
        }
        Reason::Conflict => {
            let [model, person] = [asked.proposal?, asked.label?].map(|id| state.class_name(id));
            Some(format!("It says {model} with {:.0} %; the label says {person}.", 100.0 * (1.0 - doubt)))
        }
        _ => Some(format!(
            "An answer is worth {doubt:.2} of the {:.1} mistakes that the model expects.",
            progress.expected_wrong.max(doubt)
        )),
    }
}

/// Goes to the next line of a wrapped row if a marker and a button with this text would part at its end.
fn room_for(ui: &mut Ui, text: &str) {
    let text = egui::WidgetText::from(text);
    let galley =
        text.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, egui::TextStyle::Button);
    let spacing = ui.spacing();
    let width =
        theme::MARKER_SIDE + spacing.item_spacing.x + galley.size().x + 2.0 * spacing.button_padding.x;
    if ui.available_size_before_wrap().x < width {
        ui.end_row();
    }
}

/// Answers that are no class.
fn answers(ui: &mut Ui, state: &State, asked: &Asked, actions: &mut Vec<Action>) {
    if let Some(class) = asked.proposal.and_then(|id| state.project.class(id)) {
        let key = keys_text(ui.ctx(), &Action::Agree);
        if ui.button(format!("{} is right ({key})", class.name)).clicked() {
            actions.push(Action::Agree);
        }
    }
    let skip = ui.button(format!("Skip ({})", keys_text(ui.ctx(), &Action::SkipQuestion)));
    if skip.on_hover_text("It is not asked again.").accessible_name("Skip").clicked() {
        actions.push(Action::SkipQuestion);
    }
    if ui.button("Stop asking").clicked() {
        actions.push(Action::StopAsking);
    }
}

/// These are selected, and the first of them is seen on its micrograph.
fn into_sight(particles: Vec<ParticleId>, actions: &mut Vec<Action>) {
    actions.extend(particles.first().copied().map(Action::GoToParticle));
    actions.push(Action::Select { particles, join: false });
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
