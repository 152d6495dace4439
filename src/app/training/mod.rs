//! The run as it goes: where it stands, what it measures, loss and hold-out accuracy over the epochs.

mod numbers;
mod plots;

use super::action::Action;
use super::panes::scrolled;
use super::run::{Phase, Training, interval};
use super::state::{Readiness, State, count};
use super::take::{self, Figure};
use super::{sanity, theme};
use crate::worker::judges::{ENOUGH_TO_HOLD_OUT, EVERY};
use crate::worker::message::{Accuracy, FinishReason};
use egui::{Label, ProgressBar, RichText, Ui};

/// Height of both curves once the training has ended, points.
const AFTERWARDS: f32 = 180.0;

/// What the panel alone remembers.
#[derive(Default)]
pub struct TrainingPanel {
    logarithmic: bool,
    hidden: plots::Hidden,
}

impl TrainingPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let run = &state.training;
        scrolled(ui, "training", |ui| {
            if state.project.particles.is_empty() && !run.phase.is_active() {
                // What was learned of particles that are gone is nobody's; undo brings both back.
                ui.label(RichText::new(title(&Phase::Idle)).strong().size(16.0));
                ui.add(Label::new(sentence(state, &Phase::Idle)).wrap());
                return;
            }
            ui.label(RichText::new(title(&run.phase)).strong().size(16.0));
            ui.add(Label::new(sentence(state, &run.phase)).wrap());
            progress(ui, run);
            device(ui, run);
            stopped(ui, state, actions);
            if let Some(gone) = state.gone_classes() {
                ui.add(Label::new(RichText::new(gone).color(ui.visuals().warn_fg_color)).wrap());
            }
            if let Phase::Failed { details, .. } = &run.phase
                && !details.is_empty()
            {
                egui::CollapsingHeader::new("Details").id_salt("failure").show(ui, |ui| {
                    ui.add(Label::new(RichText::new(details).monospace()).wrap());
                });
            }
            if run.curve.is_empty() {
                return;
            }
            ui.scope(|ui| {
                // Close together: the plots need the room.
                ui.spacing_mut().item_spacing.y = 2.0;
                numbers::ui(ui, state, &mut self.logarithmic, actions);
            });
            // While it learns the curves fill the pane; afterwards the self-check stands under them.
            let free = ui.available_height();
            let room = if run.sanity.is_some() { AFTERWARDS.min(free - 30.0) } else { free - 60.0 };
            self.plots(ui, run, room);
            if let Some(sanity) = &run.sanity {
                sanity::ui(ui, sanity);
            }
            let views = [Figure::Loss, Figure::Accuracy, Figure::Calibration];
            take::menu(ui, &views.map(|view| (view, view.is_there(state))), actions);
        });
    }

    /// Whether the loss stands at its logarithm.
    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    fn plots(&mut self, ui: &mut Ui, run: &Training, free: f32) {
        let curve = &run.curve;
        let can_log = curve.iter().all(|point| point.loss > 0.0);
        let has_accuracy = curve.iter().any(|point| point.accuracy.is_some());
        let height = if has_accuracy { (free * 0.54).max(80.0) } else { free.max(120.0) };
        let logarithmic = self.logarithmic && can_log;
        plots::loss(ui, run, logarithmic, height, &mut self.hidden);
        if has_accuracy {
            plots::accuracy(ui, run, (free - height).max(68.0));
        }
    }
}

/// One or two words for the phase.
pub fn title(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "Not trained yet",
        Phase::Preparing { .. } => "Cutting patches",
        Phase::Starting => "Starting",
        Phase::WarmingUp { .. } => "Preparing the device",
        Phase::Running => "Training",
        Phase::Paused => "Paused",
        Phase::Stopping => "Stopping",
        Phase::Ended { reason: FinishReason::AllEpochs, .. } => "Done",
        Phase::Ended { reason: FinishReason::Stopped, .. } => "Stopped",
        Phase::Ended { reason: FinishReason::Settled, .. } => "Settled",
        Phase::Failed { .. } => "Training failed",
    }
}

/// What a GPU does before its first steps.
pub fn warming_up(done: usize, of: usize) -> String {
    format!(
        "Preparing the GPU: its programs are compiled and tuned, step {done} of about {of}. It takes longest the first time."
    )
}

fn sentence(state: &State, phase: &Phase) -> RichText {
    let text = match phase {
        Phase::Idle => match state.readiness() {
            Readiness::Missing(text) => text,
            Readiness::Ready { labelled, unlabelled, held_out } => {
                let classes = state.project.classes.len();
                let tested = if held_out > 0 {
                    format!(" {} held out to measure how well it does.", count(held_out, "label"))
                } else if state.counts.classes.iter().any(|count| count.labelled >= ENOUGH_TO_HOLD_OUT) {
                    format!(
                        " One label in {EVERY} of a class with {ENOUGH_TO_HOLD_OUT} or more does not teach: it measures how well it does."
                    )
                } else {
                    String::new()
                };
                format!(
                    "{} in {classes} classes and {} without a label. Press Train (T) and watch it learn.{tested}",
                    count(labelled, "label"),
                    count(unlabelled, "particle"),
                )
            }
        },
        Phase::Preparing { .. } => "Squares round all particles, in one size and one brightness.".to_owned(),
        Phase::Starting => "The worker takes the patches.".to_owned(),
        Phase::WarmingUp { done, of } => warming_up(*done, *of),
        Phase::Running => "Predictions appear on the micrograph while it learns.".to_owned(),
        Phase::Paused => "Nothing is lost. Resume (T) goes on where it was.".to_owned(),
        Phase::Stopping => "One step is finished first.".to_owned(),
        Phase::Ended { .. } => ended(state),
        Phase::Failed { message, .. } => return RichText::new(message),
    };
    RichText::new(text)
}

/// "812 particles, 4 classes, 14 to review": as many as the review would ask about, once it has looked.
fn ended(state: &State) -> String {
    let Some(results) = &state.results else {
        return "The model stays. Train starts anew.".to_owned();
    };
    let left = state.asking.progress.map(|progress| format!(", {} to review", progress.left));
    let particles = count(results.predictions.len(), "particle");
    format!(
        "{particles}, {} classes{}. Export takes the library away.",
        results.classes.len(),
        left.unwrap_or_default()
    )
}

fn progress(ui: &mut Ui, run: &Training) {
    let share = match (&run.phase, &run.progress) {
        (Phase::Preparing { share }, _) => *share,
        (Phase::WarmingUp { done, of }, _) => *done as f32 / (*of).max(1) as f32,
        (Phase::Running | Phase::Paused | Phase::Stopping, Some(p)) => {
            let step = p.step as f32 / p.steps.max(1) as f32;
            (p.epoch.saturating_sub(1) as f32 + step) / p.epochs.max(1) as f32
        }
        (Phase::Starting, _) => 0.0,
        _ => return,
    };
    // A bar that keeps its own frames would wake the window all the time; this one moves with events.
    ui.add(ProgressBar::new(share.clamp(0.0, 1.0)).desired_height(6.0).fill(theme::ACCENT))
        .accessible_name("Progress");
}

/// A training that was stopped, today or before, can go on where it was.
fn stopped(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    if state.path.is_none()
        && matches!(state.training.phase, Phase::Ended { reason: FinishReason::Stopped, .. })
    {
        ui.weak("In a saved project a training that was stopped can go on.");
    }
    let stopped = state.stopped.as_ref().filter(|stopped| stopped.can_go_on());
    let Some(stopped) = stopped.filter(|_| !state.training.phase.is_active()) else { return };
    ui.horizontal_wrapped(|ui| {
        let button = ui.button("Go on");
        let button =
            button.on_hover_text("With the same particles and labels; it is as if it had never stopped.");
        if button.accessible_name("Go on with the stopped training").clicked() {
            actions.push(Action::GoOn);
        }
        ui.weak(format!("A training was stopped after epoch {} of {}.", stopped.epoch, stopped.epochs));
    });
}

fn device(ui: &mut Ui, run: &Training) {
    if let Some(fallback) = &run.fallback {
        ui.add(Label::new(RichText::new(fallback).color(ui.visuals().warn_fg_color).small()).wrap());
    }
}

/// "0.94 (0.90–0.97) of 312".
pub fn share(accuracy: Accuracy) -> String {
    match interval(accuracy) {
        None => "unknown".to_owned(),
        Some((low, high)) => {
            let share = accuracy.right as f64 / accuracy.of as f64;
            format!("{share:.2} ({low:.2}–{high:.2}) of {}", accuracy.of)
        }
    }
}

/// Three significant digits.
pub fn significant(value: f64) -> String {
    let digits = if value == 0.0 || !value.is_finite() { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (2 - digits).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

/// "2:10", "1:02:03".
pub fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_precise_as_they_are_known() {
        assert_eq!(share(Accuracy { right: 94, of: 100 }), "0.94 (0.88–0.97) of 100");
        assert_eq!(share(Accuracy { right: 0, of: 0 }), "unknown");
        assert_eq!((significant(312.44), significant(3.1244)), ("312".to_owned(), "3.12".to_owned()));
        assert_eq!(significant(0.0), "0.00");
        assert_eq!((duration(130.9), duration(3723.0)), ("2:10".to_owned(), "1:02:03".to_owned()));
    }
}
