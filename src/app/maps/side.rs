//! The side panel: which image, how the run goes, the lattice, the settings.

use super::field::significant;
use super::overlay::length;
use super::run::{Ask, Maps};
use super::settings;
use crate::app::action::Action;
use crate::app::panes::{scrolled, section};
use crate::app::run::Phase;
use crate::app::state::State;
use crate::app::{calibration, theme, training};
use crate::lattice::Lattice;
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::worker::mapping::MapSettings;
use crate::worker::message::FinishReason;
use egui::{ComboBox, DragValue, Label, ProgressBar, RichText, Ui};

/// What the panel alone remembers.
#[derive(Default)]
pub struct SidePanel {
    /// Settings while a field is held.
    held: Option<MapSettings>,
    /// A pixel size being typed.
    scale: Option<(MicrographId, f64)>,
    unit: calibration::LengthUnit,
    preparation: crate::app::preparation::PreparationPanel,
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
            section(ui, "Lattice and window", |ui| lattice(ui, state, own, &mut settings));
            section(ui, "Settings", |ui| {
                if maps.phase.is_active() {
                    ui.weak("Changes hold for the next run.");
                }
                settings::ui(ui, &mut settings, maps.plan.as_deref().filter(|_| own));
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
    }
}

/// Where the run stands, in words and numbers.
fn run(ui: &mut Ui, state: &State, own: bool) {
    let maps = &state.maps;
    ui.label(RichText::new(title(&maps.phase)).strong());
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
        let loss = maps.curve.last().map_or_else(|| "–".to_owned(), |point| significant(point.loss));
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
        && !details.is_empty()
    {
        egui::CollapsingHeader::new("Details").id_salt("map failure").show(ui, |ui| {
            ui.add(Label::new(RichText::new(details).monospace()).wrap());
        });
    }
}

fn title(phase: &Phase) -> &'static str {
    match phase {
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
        Phase::Idle => {
            "Press Start (T). The first map comes within seconds and improves while you look.".to_owned()
        }
        Phase::Starting | Phase::Preparing { .. } => "Lattice, window and model are chosen.".to_owned(),
        Phase::WarmingUp { done, of } => {
            format!("The device is prepared, step {done} of about {of}. Only once.")
        }
        Phase::Running => "The maps follow. Point at a pixel or into the latent plane.".to_owned(),
        Phase::Paused => "Nothing is lost. Resume (T) goes on where it was.".to_owned(),
        Phase::Stopping => "One step is finished first.".to_owned(),
        Phase::Ended { seconds, .. } => {
            format!("In {seconds:.1} s. The model stays and answers; Export takes the maps away.")
        }
        Phase::Failed { message, .. } => return RichText::new(message),
    };
    let stale = own && changed_since(state);
    RichText::new(if stale {
        format!("{text} The image's preparation has changed since: start anew.")
    } else {
        text
    })
}

/// True if the maps are of the image as it was prepared before.
fn changed_since(state: &State) -> bool {
    let picture = state.picture();
    let subject = state.maps.subject.as_ref();
    picture.zip(subject).is_some_and(|(now, then)| !std::sync::Arc::ptr_eq(now, &then.picture))
}

/// What was found, or why nothing; and the same chosen by hand.
fn lattice(ui: &mut Ui, state: &State, own: bool, settings: &mut MapSettings) {
    let maps: &Maps = &state.maps;
    let size = state.shown.and_then(|id| state.project.micrograph(id)).and_then(|entry| entry.pixel_size);
    let plan = maps.plan.as_ref().filter(|_| own);
    let found = plan.and_then(|plan| plan.found.as_ref());
    match plan {
        None if own && matches!(maps.phase, Phase::Failed { .. }) => {
            ui.weak("If there is no lattice to be found: give a window of 1 to 2 periods of the pattern, or a and b by hand. Levelling or filtering the image may help, too.");
        }
        None => {
            ui.weak("Found when a run begins; it can be chosen by hand below.");
        }
        Some(plan) => {
            let none = plan.found.is_none();
            let colour = if none { ui.visuals().warn_fg_color } else { ui.visuals().text_color() };
            ui.add(Label::new(RichText::new(&plan.message).color(colour)).wrap());
            if none {
                ui.weak("Windows lie anywhere and the model learns the whole shift. If there is a lattice, give a and b by hand, or level and filter the image first.");
            }
        }
    }
    if let Some(found) = found {
        let Lattice { a, b } = found.lattice;
        egui::Grid::new("cell").num_columns(2).spacing([12.0, 2.0]).show(ui, |ui| {
            let mut line = |name: &str, value: String| {
                ui.weak(name);
                ui.label(RichText::new(value).monospace());
                ui.end_row();
            };
            line("a", length(a, size));
            line("b", length(b, size));
            line("angle", format!("{:.1}°", found.lattice.angle_deg()));
            line("confidence", format!("{:.2}, {} cells", found.confidence, found.cells));
        });
    }
    by_hand(ui, found.map(|found| found.lattice), settings);
    let chosen = plan.map(|plan| plan.window_px);
    let meaning = "Side of the square that the model sees; 1 to 2 lattice vectors.";
    settings::optional(ui, "Window", meaning, &mut settings.window_px, chosen, 6.0..=4096.0, 1.0, " px");
}

/// The cell's vectors as numbers.
fn by_hand(ui: &mut Ui, found: Option<Lattice>, settings: &mut MapSettings) {
    let mut by_hand = settings.cell.is_some();
    if ui
        .checkbox(&mut by_hand, "Cell by hand")
        .on_hover_text(
            "Your own lattice vectors in pixels, x to the right and y down, instead of those found.",
        )
        .changed()
    {
        let usual = found.map_or([[20.0, 0.0], [0.0, 20.0]], |lattice| [lattice.a, lattice.b]);
        settings.cell = by_hand.then_some(usual);
    }
    let Some(cell) = &mut settings.cell else { return };
    for (name, vector) in ["a", "b"].into_iter().zip(cell.iter_mut()) {
        ui.horizontal(|ui| {
            ui.label(RichText::new(name).monospace());
            for (axis, value) in ["x", "y"].into_iter().zip(vector.iter_mut()) {
                let field = DragValue::new(value)
                    .speed(0.05)
                    .max_decimals(3)
                    .suffix(" px")
                    .prefix(format!("{axis} "));
                ui.add(field.range(-4096.0..=4096.0).update_while_editing(false))
                    .accessible_name(format!("Lattice vector {name}, {axis} in pixels"));
            }
        });
    }
    if let Err(why) = Lattice::new(cell[0], cell[1]) {
        ui.add(Label::new(RichText::new(why.to_string()).color(ui.visuals().error_fg_color)).wrap());
    }
}
