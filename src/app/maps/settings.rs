//! What a run uses, one plain line each.

use crate::app::detection::combo;
use crate::lattice::Proposal;
use crate::train::config::Preset;
use crate::worker::mapping::{MapSettings, Normalisation, Places, Plan};
use crate::worker::message::DeviceChoice;
use egui::{DragValue, Label, RichText, Ui};
use std::ops::RangeInclusive;

/// Draws the settings; `plan` and `proposal` say what was, or will be, chosen where nothing is asked for.
pub fn ui(ui: &mut Ui, settings: &mut MapSettings, plan: Option<&Plan>, proposal: Option<&Proposal>) {
    line(
        ui,
        "Default locks windows to the lattice and starts fast; Paper is the published recipe to the letter.",
        |ui| {
            name(ui, "Preset");
            for (which, name) in [(Preset::Default, "Default"), (Preset::Paper, "Paper")] {
                if ui.selectable_label(settings.preset == which, name).clicked() && settings.preset != which {
                    // What was chosen about this image stays.
                    let MapSettings { cell, window_px, latent, seeds, .. } = *settings;
                    *settings = MapSettings { cell, window_px, latent, seeds, ..MapSettings::preset(which) };
                }
            }
        },
    );
    whole(
        ui,
        "Latents",
        "Numbers that describe a place of the pattern; each becomes a map.",
        &mut settings.latent,
        1..=8,
    );
    line(ui, "What must not make two places different.", |ui| {
        name(ui, "Blind to");
        ui.checkbox(&mut settings.invariances.translation, "shift");
        ui.checkbox(&mut settings.invariances.rotation, "rotation");
    });
    let meaning = "How strongly neighbouring places are held alike; 0 is off, more hides small features.";
    real(ui, "Smoothness", meaning, &mut settings.smoothness, 0.0..=1000.0, 0.1);
    let meaning = "Independent runs; the best one's maps are kept and their agreement is told.";
    whole(ui, "Seeds", meaning, &mut settings.seeds, 1..=20);
    whole(ui, "Epochs", "How often all windows are seen.", &mut settings.epochs, 1..=100_000);
    let meaning = "Pixels from one value of the final maps to the next; 1 is a value for each pixel.";
    whole(ui, "Stride", meaning, &mut settings.stride, 1..=1024);
    line(ui, "What each window is freed of first: it decides which contrast the maps follow.", |ui| {
        let choices = [
            (Normalisation::None, "nothing"),
            (Normalisation::Mean, "its mean"),
            (Normalisation::MinMax, "its range"),
            (Normalisation::Contrast, "mean and contrast"),
        ];
        combo(ui, "Freed of", &mut settings.normalisation, &choices);
    });
    egui::CollapsingHeader::new("Advanced")
        .id_salt("advanced maps")
        .show(ui, |ui| advanced(ui, settings, plan, proposal));
    if let Err(why) = settings.check() {
        ui.add(Label::new(RichText::new(why.to_string()).color(ui.visuals().error_fg_color)).wrap());
    }
}

/// Settings few need; each with what it does.
fn advanced(ui: &mut Ui, settings: &mut MapSettings, plan: Option<&Plan>, proposal: Option<&Proposal>) {
    line(ui, "Windows are snapped to the lattice; the model learns only the residual shift.", |ui| {
        ui.checkbox(&mut settings.lock, "Lock to the lattice");
    });
    let meaning = "Cells are averaged over a Gaussian of this width before the model sees them; less shows finer detail and more noise.";
    let chosen = plan.map(|plan| plan.average_px);
    optional(ui, "Averaging", meaning, &mut settings.average_px, chosen, 0.1..=4096.0, 1.0, " px");
    let mut prior = settings.shift_prior.map(f64::from);
    let meaning = "Spread of the shift that is thought likely; the window is 2 wide.";
    let usual = proposal.map(|p| p.dx_prior(if settings.lock { p.residual_px } else { p.shift_px }));
    optional(ui, "Shift prior", meaning, &mut prior, usual, 0.001..=1.0, 0.005, "");
    settings.shift_prior = prior.map(|v| v as f32);
    whole(ui, "Windows", "Windows the model learns from.", &mut settings.windows, 8..=1_000_000);
    let meaning = match (settings.places, settings.lock) {
        (Places::Random, _) => "They lie anywhere, drawn by chance: no place is preferred.",
        (Places::Grid, _) => "They lie on an even grid: the whole image is seen alike.",
        (Places::Atoms, false) => "They lie on bright spots, so that each shows an atom in its middle.",
        (Places::Atoms, true) => {
            "They are taken at bright spots; locked to the lattice they are snapped to its cells all the same."
        }
    };
    line(ui, meaning, |ui| {
        let choices =
            [(Places::Random, "at random"), (Places::Grid, "on a grid"), (Places::Atoms, "on atoms")];
        combo(ui, "Places", &mut settings.places, &choices);
    });
    whole(ui, "Batch", "Windows a step.", &mut settings.batch, 1..=4096);
    let mut rate = settings.learning_rate as f32;
    real(ui, "Learning rate", "Step size of the optimiser (Adam).", &mut rate, 1e-6..=1.0, 1e-4);
    if rate != settings.learning_rate as f32 {
        settings.learning_rate = f64::from(rate);
    }
    let mut last = settings.final_rate as f32;
    real(
        ui,
        "Last rate",
        "Learning rate of the last epoch as a part of the first.",
        &mut last,
        0.001..=1.0,
        0.01,
    );
    if last != settings.final_rate as f32 {
        settings.final_rate = f64::from(last);
    }
    let meaning = "Weight of the latents' prior; more keeps fewer latents alive.";
    real(ui, "Beta", meaning, &mut settings.beta, 0.0..=100.0, 0.05);
    let meaning =
        "Pixels of a window that are decoded in a step, drawn anew; 0 is all, which is exact and slower.";
    whole(ui, "Pixels a step", meaning, &mut settings.step_pixels, 0..=4096);
    whole(ui, "Waves", "Finest waves that the decoder is given; 0 is none.", &mut settings.waves, 0..=8);
    line(ui, "The encoder begins with what varies most among the windows.", |ui| {
        ui.checkbox(&mut settings.head_start, "Head start");
    });
    line(ui, "Windows may differ in size, too.", |ui| {
        ui.checkbox(&mut settings.invariances.scale, "Blind to size");
    });
    line(ui, "The same seed on the CPU gives the same maps.", |ui| {
        let label = name(ui, "First seed");
        ui.add(DragValue::new(&mut settings.seed).update_while_editing(false)).labelled_by(label.id);
    });
}

/// Where to compute.
pub fn device(ui: &mut Ui, device: &mut DeviceChoice) {
    line(ui, "Where to compute; the CPU is always there.", |ui| {
        let choices =
            [(DeviceChoice::Auto, "Automatic"), (DeviceChoice::Gpu, "GPU"), (DeviceChoice::Cpu, "CPU")];
        combo(ui, "Device", device, &choices);
    });
}

/// A field's name, as wide as the others, so that the fields stand in one column.
pub fn name(ui: &mut Ui, text: &str) -> egui::Response {
    let size = egui::vec2(92.0, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.set_min_width(size.x);
        ui.label(text)
    })
    .inner
}

/// A field with one plain line under it.
pub fn line(ui: &mut Ui, meaning: &str, field: impl FnOnce(&mut Ui)) {
    ui.horizontal(field);
    ui.add(Label::new(RichText::new(meaning).weak().small()).wrap());
    ui.add_space(2.0);
}

pub fn whole(ui: &mut Ui, what: &str, meaning: &str, value: &mut usize, range: RangeInclusive<usize>) {
    line(ui, meaning, |ui| {
        let label = name(ui, what);
        ui.add(DragValue::new(value).range(range).speed(0.1).update_while_editing(false))
            .labelled_by(label.id);
    });
}

pub fn real(ui: &mut Ui, what: &str, meaning: &str, value: &mut f32, range: RangeInclusive<f32>, speed: f64) {
    line(ui, meaning, |ui| {
        let label = name(ui, what);
        let field = DragValue::new(value).range(range).speed(speed).max_decimals(6);
        ui.add(field.update_while_editing(false)).labelled_by(label.id);
    });
}

/// A number that the program chooses unless it is asked for; `chosen` is what it took last.
pub fn optional(
    ui: &mut Ui,
    what: &str,
    meaning: &str,
    value: &mut Option<f64>,
    chosen: Option<f64>,
    range: RangeInclusive<f64>,
    speed: f64,
    suffix: &str,
) {
    line(ui, meaning, |ui| {
        let label = name(ui, what);
        let mut automatic = value.is_none();
        if ui.checkbox(&mut automatic, "auto").changed() {
            let usual = chosen.unwrap_or((range.start() * range.end()).sqrt());
            *value = (!automatic).then_some(usual.clamp(*range.start(), *range.end()));
        }
        match value {
            Some(value) => {
                let field = DragValue::new(value).range(range).speed(speed).max_decimals(3).suffix(suffix);
                ui.add(field.update_while_editing(false)).labelled_by(label.id);
            }
            None => {
                if let Some(chosen) = chosen {
                    let digits = if chosen < 1.0 { 3 } else { 1 };
                    ui.label(RichText::new(format!("{chosen:.digits$}{suffix}")).monospace());
                }
            }
        }
    });
}
