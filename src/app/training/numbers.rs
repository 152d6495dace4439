//! The figures of a run in lines of text: how far and how fast, how well, and the cross-validation where no label judges.

use super::super::action::Action;
use super::super::run::{Phase, Training};
use super::super::state::State;
use super::{duration, share, significant};
use crate::worker::folds::FOLDS;
use crate::worker::message::Accuracy;
use egui::text::{LayoutJob, TextFormat};
use egui::{FontSelection, Label, ProgressBar, TextStyle, Ui};

/// How well, how far and how fast.
pub fn ui(ui: &mut Ui, state: &State, logarithmic: &mut bool, actions: &mut Vec<Action>) {
    let run = &state.training;
    let Some(progress) = &run.progress else { return };
    let of = if progress.epochs > 0 { format!(" of {}", progress.epochs) } else { String::new() };
    ui.horizontal_wrapped(|ui| {
        let (text, meaning) = match run.accuracy() {
            Some(accuracy) => {
                (share(accuracy), "Share of the labels that training never saw, with the 95 % interval.")
            }
            None => {
                ("unknown".to_owned(), "No label is held out: select some labelled particles and press H.")
            }
        };
        number(ui, "Hold-out accuracy", &text).on_hover_text(meaning);
    });
    if run.accuracy().is_none() && run.dataset.is_some() {
        folds(ui, run, actions);
    }
    ui.horizontal_wrapped(|ui| {
        number(ui, "Epoch", &format!("{}{of}", progress.epoch));
        // Unknown for a training of an earlier day.
        if progress.seconds > 0.0 {
            number(ui, "Time", &duration(progress.seconds));
            number(ui, "Images/s", &significant(progress.images_per_second));
        }
        if run.phase == Phase::Running
            && let Some(left) = seconds_left(state)
        {
            number(ui, "Left, about", &duration(left));
        }
        if let Some(mib) = resident_mib() {
            number(ui, "Memory", &format!("{mib} MiB")).on_hover_text("Of the whole program.");
        }
        number(ui, "Loss", &run.curve.last().map_or_else(|| "–".to_owned(), |point| significant(point.loss)));
        let can = run.curve.iter().all(|point| point.loss > 0.0);
        ui.add_enabled(can, egui::Checkbox::new(logarithmic, "log axis"));
    });
}

/// Seconds to the end of the training at its present speed.
fn seconds_left(state: &State) -> Option<f64> {
    let progress = state.training.progress.as_ref()?;
    let gone = progress.epoch.saturating_sub(1) * progress.steps + progress.step;
    let left = (progress.epochs * progress.steps).saturating_sub(gone);
    (progress.seconds_per_step > 0.0).then_some(left as f64 * progress.seconds_per_step)
}

/// Memory that the program holds, where the system tells.
fn resident_mib() -> Option<u64> {
    // In pages, which are of 4 KiB wherever this file is.
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<u64>().ok().map(|pages| (pages * 4096) >> 20)
}

/// Where no label judges: a button for a cross-validation, how far it is, what it found.
fn folds(ui: &mut Ui, run: &Training, actions: &mut Vec<Action>) {
    let meaning = format!(
        "{FOLDS} trainings, each without a part of the labels, which then judges it. The model stays as it is."
    );
    match &run.folds {
        Some(folds) if !folds.over => {
            let text = format!("training {} of {}", (folds.trained + 1).min(folds.of), folds.of);
            ui.horizontal(|ui| {
                ui.add(ProgressBar::new(folds.share).desired_width(170.0).text(text));
                if ui.button("Stop").on_hover_text("What is known so far stays.").clicked() {
                    actions.push(Action::StopValidating);
                }
            });
        }
        last => {
            let whole = run.validated.map(|found| (Accuracy { right: found.right, of: found.of }, ""));
            // Stopped early, it has asked some of the labels.
            let part =
                last.filter(|folds| folds.accuracy.of > 0).map(|folds| (folds.accuracy, ", stopped early"));
            if let Some((accuracy, how)) = whole.or(part) {
                let text = format!("{}{how}", share(accuracy));
                ui.horizontal_wrapped(|ui| {
                    number(ui, "Cross-validated accuracy", &text).on_hover_text(&meaning);
                });
            }
            let button = egui::Button::new("Cross-validate");
            if ui.add_enabled(!run.phase.is_active(), button).on_hover_text(meaning).clicked() {
                actions.push(Action::CrossValidate);
            }
        }
    }
}

/// A name and its value; where the line is full they go to the next one together.
fn number(ui: &mut Ui, name: &str, value: &str) -> egui::Response {
    let mut text = LayoutJob::default();
    let visuals = ui.visuals();
    let font = |style| FontSelection::Style(style).resolve(ui.style());
    // The space is for who has it read out.
    text.append(
        &format!("{name} "),
        0.0,
        TextFormat::simple(font(TextStyle::Body), visuals.weak_text_color()),
    );
    text.append(value, 0.0, TextFormat::simple(font(TextStyle::Monospace), visuals.text_color()));
    let fits = ui.painter().layout_job(text.clone()).size().x <= ui.max_rect().width();
    let label = Label::new(text);
    ui.add(if fits { label.extend() } else { label })
}
