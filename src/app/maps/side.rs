//! The side panel: which image, how the run goes, the lattice, the settings.

use super::field::significant;
use super::masks::MaskPanel;
use super::run::Ask;
use super::{cell, settings};
use crate::app::action::Action;
use crate::app::panes::{scrolled, section};
use crate::app::run::Phase;
use crate::app::state::State;
use crate::app::{calibration, theme, training};
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::worker::mapping::MapSettings;
use crate::worker::message::FinishReason;
use egui::{ComboBox, Label, ProgressBar, RichText, Ui};

/// What the panel alone remembers.
#[derive(Default)]
pub struct SidePanel {
    /// Settings while a field is held.
    held: Option<MapSettings>,
    /// A pixel size being typed.
    scale: Option<(MicrographId, f64)>,
    unit: calibration::LengthUnit,
    preparation: crate::app::preparation::PreparationPanel,
    masks: MaskPanel,
}

impl SidePanel {
    /// Draws the panel.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let maps = &state.maps;
        let own = maps.is_of(state.shown);
        let mut settings = self.held.clone().unwrap_or_else(|| maps.settings.clone());
        scrolled(ui, "maps side", |ui| {
            section(ui, "Image", |ui| self.image(ui, state, actions));
            section(ui, "Run", |ui| run(ui, state, own));
            section(ui, "Lattice and window", |ui| cell::ui(ui, state, own, &mut settings, actions));
            section(ui, "Settings", |ui| {
                if maps.phase.is_active() {
                    ui.weak("Changes hold for the next run.");
                }
                let proposal = maps.survey_of(state.shown).and_then(|survey| survey.proposal(&settings));
                settings::ui(ui, &mut settings, maps.plan.as_deref().filter(|_| own), proposal.as_ref());
                let mut device = state.training.choice;
                settings::device(ui, &mut device);
                if device != state.training.choice {
                    actions.push(Action::UseDevice(device));
                }
            });
        });
        let held = ui.input(|input| input.pointer.any_down()) || ui.ctx().text_edit_focused();
        self.held = (settings != maps.settings).then_some(settings);
        if !held && let Some(settings) = self.held.take() {
            actions.push(Action::Maps(Ask::Settings(Box::new(settings))));
        }
    }

    fn image(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let names = state.project.micrograph_names();
        let name =
            |entry: &MicrographEntry| names.get(&entry.id).cloned().unwrap_or_else(|| entry.file_name());
        let entry = state.shown.and_then(|id| state.project.micrograph(id));
        let shown = entry.map_or_else(|| "none yet".to_owned(), name);
        // The button first: the list takes what is left and no more, or the panel would grow.
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
            if ui.button("Open…").clicked() {
                actions.push(Action::AddMicrographs);
            }
            ComboBox::from_id_salt("map image")
                .selected_text(shown)
                .width(ui.available_width())
                .truncate()
                .show_ui(ui, |ui| {
                    for other in &state.project.micrographs {
                        if ui.selectable_label(state.shown == Some(other.id), name(other)).clicked() {
                            actions.push(Action::Show(other.id));
                        }
                    }
                })
                .response
                .accessible_name("Image");
        });
        let Some(entry) = entry else { return };
        ui.horizontal(|ui| calibration::pixel_size(ui, entry, &mut self.scale, &mut self.unit, actions));
        if entry.pixel_size.is_none() {
            ui.weak("Lengths are in pixels until it is known.");
        }
        self.preparation.ui(ui, entry, actions);
        self.masks.ui(ui, state, entry, actions);
    }
}

/// Where the run stands, in words and numbers.
fn run(ui: &mut Ui, state: &State, own: bool) {
    let maps = &state.maps;
    let undecided = maps.is_undecided(state.shown);
    ui.label(RichText::new(title(&maps.phase, undecided)).strong());
    ui.add(Label::new(sentence(state, own)).wrap());
    match maps.share() {
        Some(share) => {
            ui.add(ProgressBar::new(share).desired_height(6.0).fill(theme::ACCENT))
                .accessible_name("Progress");
        }
        // Its place stays free, so that what is below does not jump.
        None => ui.add_space(6.0 + ui.spacing().item_spacing.y),
    }
    if let Some(progress) = &maps.progress {
        let loss = maps.loss().map_or_else(|| "–".to_owned(), significant);
        ui.horizontal_wrapped(|ui| {
            for (name, value) in [
                ("Seed", format!("{} of {}", progress.seed, progress.seeds)),
                ("Epoch", format!("{} of {}", progress.epoch, progress.epochs)),
                ("Time", training::duration(progress.seconds)),
                ("Loss", loss),
            ] {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
            }
        });
    }
    if let Some(fallback) = state.training.fallback.as_ref().filter(|_| maps.phase.is_active()) {
        ui.add(Label::new(RichText::new(fallback).color(ui.visuals().warn_fg_color).small()).wrap());
    }
    if let Phase::Failed { details, .. } = &maps.phase
        && !undecided
        && !details.is_empty()
    {
        egui::CollapsingHeader::new("Details").id_salt("map failure").show(ui, |ui| {
            ui.add(Label::new(RichText::new(details).monospace()).wrap());
        });
    }
}

fn title(phase: &Phase, undecided: bool) -> &'static str {
    match phase {
        Phase::Idle | Phase::Failed { .. } if undecided => "A choice is due",
        Phase::Idle => "No maps yet",
        Phase::Ended { reason: FinishReason::AllEpochs, .. } => "Done",
        Phase::Failed { .. } => "The run failed",
        Phase::Starting | Phase::Preparing { .. } => "Looking for the lattice",
        Phase::Running => "Learning",
        other => training::title(other),
    }
}

fn sentence(state: &State, own: bool) -> RichText {
    let maps = &state.maps;
    let text = match &maps.phase {
        Phase::Idle if state.shown.is_none() => "Open an atomically resolved image to begin.".to_owned(),
        Phase::Idle | Phase::Failed { .. } if maps.is_undecided(state.shown) => {
            "The image shows no lattice by itself; what to do stands below.".to_owned()
        }
        Phase::Idle => {
            "Press Start (T). The first map comes within seconds and improves while you look.".to_owned()
        }
        Phase::Starting | Phase::Preparing { .. } => "Lattice, window and model are chosen.".to_owned(),
        Phase::WarmingUp { done, of } => training::warming_up(*done, *of),
        Phase::Running => "The maps follow. Point at a pixel or into the latent plane.".to_owned(),
        Phase::Paused => "Nothing is lost. Resume (T) goes on where it was.".to_owned(),
        Phase::Stopping => "One step is finished first.".to_owned(),
        Phase::Ended { .. } if maps.set.is_none() => "Before the first map: nothing was found.".to_owned(),
        Phase::Ended { seconds, .. } if maps.set.as_ref().is_some_and(|set| !set.last) => {
            let lattice = maps.plan.as_ref().is_some_and(|plan| plan.found.is_some());
            let missing =
                if lattice { "recon_error, gpa (phase analysis) and strain" } else { "recon_error" };
            format!(
                "In {seconds:.1} s. The model stays and answers; Export takes the maps away, without what comes \
                 last: {missing}."
            )
        }
        Phase::Ended { seconds, .. } => {
            format!("In {seconds:.1} s. The model stays and answers; Export takes the maps away.")
        }
        Phase::Failed { message, .. } => return RichText::new(message),
    };
    let stale = own && changed_since(state);
    RichText::new(if stale {
        format!("{text} The image's preparation, or what is left out, has changed since: start anew.")
    } else {
        text
    })
}

/// True if the maps are of the image as it was prepared before, or where something else was left out.
fn changed_since(state: &State) -> bool {
    let entry = state.shown.and_then(|id| state.project.micrograph(id));
    let (Some(entry), Some(now), Some(then)) = (entry, state.picture(), &state.maps.subject) else {
        return false;
    };
    let (excluded, outlines) = &state.maps.left_out;
    !std::sync::Arc::ptr_eq(now, &then.picture) || (&entry.excluded, &entry.outlines) != (excluded, outlines)
}
