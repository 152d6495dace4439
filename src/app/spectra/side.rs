//! The side panel: which spectra, how the run goes, what each latent carries, the settings.

use super::curves::spectra;
use super::run::{SpectraAsk, SpectraWork};
use super::{lines, plain};
use crate::app::action::Action;
use crate::app::maps::settings::{device, line, name, real, whole};
use crate::app::run::Phase;
use crate::app::state::State;
use crate::app::theme;
use crate::app::training::{self, significant};
use crate::train::config::Preset;
use crate::worker::message::FinishReason;
use crate::worker::spectra::MapSettings;
use egui::{DragValue, Label, ProgressBar, RichText, TextEdit, Ui};
use egui_plot::{Line, PlotPoints};

/// What the panel alone remembers.
#[derive(Default)]
pub struct SidePanel {
    /// Settings while a field is held.
    held: Option<MapSettings>,
}

impl SidePanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let work = &state.spectra;
        let mut settings = self.held.clone().unwrap_or_else(|| work.settings.clone());
        egui::ScrollArea::vertical().id_salt("spectra side").auto_shrink(false).show(ui, |ui| {
            section(ui, "Data", |ui| subject(ui, work, actions));
            section(ui, "Run", |ui| run(ui, state));
            section(ui, "Settings", |ui| {
                if work.phase.is_active() {
                    ui.weak("Changes hold for the next run.");
                }
                options(ui, &mut settings);
                let mut chosen = state.training.choice;
                device(ui, &mut chosen);
                if chosen != state.training.choice {
                    actions.push(Action::UseDevice(chosen));
                }
            });
        });
        let held = ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused();
        self.held = (settings != work.settings).then_some(settings);
        if !held && let Some(settings) = self.held.take() {
            actions.push(Action::Spectra(SpectraAsk::Settings(Box::new(settings))));
        }
    }
}

fn section(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    egui::CollapsingHeader::new(RichText::new(title).strong())
        .id_salt(("spectra", title))
        .default_open(true)
        .show_unindented(ui, |ui| {
            content(ui);
            ui.add_space(8.0);
        });
}

fn subject(ui: &mut Ui, work: &SpectraWork, actions: &mut Vec<Action>) {
    let shown = match &work.subject {
        Some(subject) => subject.name.as_str(),
        None if work.opening.is_some() => "opening…",
        None => "none yet",
    };
    let (left, right) = (egui::Layout::left_to_right, egui::Layout::right_to_left);
    // The button first: the name takes what is left and no more, or the panel would grow.
    ui.horizontal(|ui| {
        ui.with_layout(right(egui::Align::Center), |ui| {
            if ui.button("Open…").clicked() {
                actions.push(Action::OpenSpectra);
            }
            ui.with_layout(left(egui::Align::Center), |ui| ui.add(Label::new(shown).truncate()));
        });
    });
    let Some(subject) = &work.subject else { return };
    let data = &subject.spectra;
    let grid = data.grid.map_or_else(String::new, |[rows, columns]| format!(", {rows} x {columns} places"));
    ui.weak(format!("{} of {} points{grid}", spectra(data.count()), data.x.len()));
    let (first, last) = (data.x[0], data.x[data.x.len() - 1]);
    ui.horizontal(|ui| {
        ui.weak(format!("x from {} to {}", plain(first), plain(last)));
        let mut unit = work.unit.clone();
        let field = TextEdit::singleline(&mut unit).hint_text("unit").desired_width(56.0);
        if ui.add(field).accessible_name("Unit of x").changed() {
            actions.push(Action::Spectra(SpectraAsk::Unit(unit)));
        }
    });
}

/// Where the run stands, in words, numbers and a curve.
fn run(ui: &mut Ui, state: &State) {
    let work = &state.spectra;
    ui.label(RichText::new(title(&work.phase)).strong());
    ui.add(Label::new(sentence(work)).wrap());
    match work.share() {
        Some(share) => {
            ui.add(ProgressBar::new(share).desired_height(6.0).fill(theme::ACCENT))
                .accessible_name("Progress");
        }
        // Its place stays free, so that what is below does not jump.
        None => ui.add_space(6.0 + ui.spacing().item_spacing.y),
    }
    if let Some(progress) = &work.progress {
        let loss = work.curve.last().map_or_else(|| "–".to_owned(), |[_, loss]| significant(*loss));
        ui.horizontal_wrapped(|ui| {
            for (name, value) in [
                ("Epoch", format!("{} of {}", progress.epoch, progress.epochs)),
                ("Time", training::duration(progress.seconds)),
                ("Loss", loss),
            ] {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
            }
        });
    }
    if let Some(fallback) = state.training.fallback.as_ref().filter(|_| work.phase.is_active()) {
        ui.add(Label::new(RichText::new(fallback).color(ui.visuals().warn_fg_color).small()).wrap());
    }
    if let Phase::Failed { details, .. } = &work.phase
        && !details.is_empty()
    {
        egui::CollapsingHeader::new("Details").id_salt("spectra failure").show(ui, |ui| {
            ui.add(Label::new(RichText::new(details).monospace()).wrap());
        });
    }
    latents(ui, work);
    if work.curve.len() > 1 {
        let colour = lines::Colours::of(ui.visuals()).accent;
        let plot = lines::plot(ui, "spectra loss", "epoch".into(), "−ELBO (nats)", 132.0);
        plot.include_x(1.0).show(ui, |plot| {
            let line = Line::new("loss", PlotPoints::new(work.curve.clone()));
            plot.line(line.color(colour).width(1.8));
        });
    }
}

/// How much each latent varies; what carries nothing is grey, and said.
fn latents(ui: &mut Ui, work: &SpectraWork) {
    let Some(found) = &work.found else { return };
    for (k, sd) in found.spread.iter().enumerate() {
        let text = format!("z{k}  sd {sd:.2}");
        if found.collapsed(k) {
            ui.label(RichText::new(format!("{text}  collapsed: it carries nothing")).weak());
        } else {
            ui.label(text).on_hover_text("How much its mean varies among the spectra; its prior has 1.");
        }
    }
}

fn title(phase: &Phase) -> &'static str {
    match phase {
        Phase::Idle => "Nothing learned yet",
        Phase::Failed { .. } => "The run failed",
        Phase::Running => "Learning",
        Phase::Ended { reason: FinishReason::AllEpochs, .. } => "Done",
        other => training::title(other),
    }
}

fn sentence(work: &SpectraWork) -> RichText {
    RichText::new(match &work.phase {
        Phase::Idle if work.subject.is_none() => "Open spectra to begin.".to_owned(),
        Phase::Idle => "Press Learn (T). Shifts and latents come after the first epoch and improve.".into(),
        Phase::Starting | Phase::Preparing { .. } => "The worker takes the spectra.".into(),
        Phase::WarmingUp { done, of } => training::warming_up(*done, *of),
        Phase::Running => "The dots follow. Point at one to see its spectrum.".into(),
        Phase::Paused => "Nothing is lost. Resume (T) goes on where it was.".into(),
        Phase::Stopping => "One step is finished first.".into(),
        Phase::Ended { reason: FinishReason::Stopped, .. } if work.found.is_none() => {
            "Before the first epoch was complete: nothing was found.".into()
        }
        Phase::Ended { seconds, .. } => {
            format!("In {seconds:.1} s. The model stays and answers; Export takes everything away.")
        }
        Phase::Failed { message, .. } => message.clone(),
    })
}

/// What a run uses, one plain line each.
fn options(ui: &mut Ui, settings: &mut MapSettings) {
    line(ui, "Default starts fast and ends calm; Paper is the published recipe to the letter.", |ui| {
        name(ui, "Preset");
        for (which, text) in [(Preset::Default, "Default"), (Preset::Paper, "Paper")] {
            if ui.selectable_label(settings.preset == which, text).clicked() && settings.preset != which {
                // What was chosen about these spectra stays.
                let (latent, seed) = (settings.latent, settings.seed);
                *settings = MapSettings { latent, seed, ..MapSettings::spectra(which) };
            }
        }
    });
    let meaning = "Numbers that describe a spectrum beside its shift.";
    whole(ui, "Latents", meaning, &mut settings.latent, 1..=8);
    line(ui, "Spectra that differ only by a shift are alike; off is a plain VAE.", |ui| {
        name(ui, "Blind to");
        if ui.checkbox(&mut settings.invariances.translation, "shift").changed()
            && !settings.invariances.translation
        {
            // The published recipe always has a shift.
            settings.preset = Preset::Default;
        }
    });
    if settings.invariances.translation {
        let mut prior = settings.shift_prior.unwrap_or(0.3);
        let meaning = "Spread of the shift that is thought likely; the axis is 2 long.";
        real(ui, "Shift prior", meaning, &mut prior, 0.001..=1.0, 0.005);
        if settings.shift_prior != Some(prior) {
            settings.shift_prior = Some(prior);
        }
    }
    whole(ui, "Epochs", "How often all spectra are seen.", &mut settings.epochs, 1..=100_000);
    egui::CollapsingHeader::new("Advanced").id_salt("advanced spectra").show(ui, |ui| {
        whole(ui, "Batch", "Spectra a step.", &mut settings.batch, 1..=4096);
        let mut rate = settings.learning_rate as f32;
        real(ui, "Learning rate", "Step size of the optimiser (Adam).", &mut rate, 1e-6..=1.0, 1e-4);
        if rate != settings.learning_rate as f32 {
            settings.learning_rate = f64::from(rate);
        }
        let meaning = "Weight of the latents' prior; more keeps fewer latents alive.";
        real(ui, "Beta", meaning, &mut settings.beta, 0.0..=100.0, 0.05);
        line(ui, "The same seed on the CPU gives the same model.", |ui| {
            let label = name(ui, "Seed");
            ui.add(DragValue::new(&mut settings.seed).update_while_editing(false)).labelled_by(label.id);
        });
    });
    if let Err(why) = settings.check() {
        ui.add(Label::new(RichText::new(why.to_string()).color(ui.visuals().error_fg_color)).wrap());
    }
}
