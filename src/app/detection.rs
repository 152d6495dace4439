//! The detector's sliders: proposals follow them live, none is a particle before it is accepted.

use super::action::Action;
use super::state::{State, count};
use crate::particle::detect::{Method, Settings, Unit};
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{ComboBox, Slider, SliderClamping, Ui};

/// Draws the panel; it has no state of its own.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let detection = &state.detection;
    let can = state.picture().is_some();
    ui.horizontal(|ui| {
        let find = egui::Button::new("Find particles").selected(detection.live);
        let find = ui.add_enabled(can, find).on_hover_text("Propose particles on this micrograph, live.");
        if find.clicked() {
            actions.push(Action::Detect(!detection.live));
        }
        let similar = ui.add_enabled(can, egui::Button::new("Pick similar").selected(detection.similar));
        let hint =
            "Propose what resembles the selected particles, or those of the current class, at any angle (S).";
        if similar.on_hover_text(hint).clicked() {
            actions.push(if detection.similar { Action::Detect(false) } else { Action::FindSimilar });
        }
        let found = detection.found.iter().filter(|found| found.score >= detection.least).count();
        let accept = egui::Button::new("Accept all");
        if ui
            .add_enabled(found > 0, accept)
            .on_hover_text("Make all proposals particles (one step to undo).")
            .clicked()
        {
            actions.push(Action::AcceptDetections);
        }
    });
    outcome(ui, state);
    if detection.live {
        let mut least = detection.least;
        let slider = Slider::new(&mut least, 0.0..=1.0).fixed_decimals(2).text("score");
        // Without proposals it keeps its place: the sliders below must not slide away under the pointer.
        let slider = ui
            .add_enabled(!detection.found.is_empty(), slider)
            .on_hover_text("Only proposals of this score or better; Tab goes through them.");
        if slider.changed() {
            actions.push(Action::LeastScore(least));
        }
    }
    ui.add_enabled_ui(can, |ui| {
        contrast(ui, state, actions);
        let mut settings = detection.settings.clone();
        sliders(ui, state, &mut settings);
        if settings != detection.settings {
            actions.push(Action::DetectSettings(settings));
        }
    });
}

/// One line of fixed height, so that nothing jumps while a search runs.
fn outcome(ui: &mut Ui, state: &State) {
    let detection = &state.detection;
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        if let Some(problem) = &detection.problem {
            ui.add(egui::Label::new(egui::RichText::new(problem).color(ui.visuals().error_fg_color)).wrap());
        } else if !detection.live {
            ui.weak("Proposals appear as thin rings.");
        } else if detection.running && detection.found.is_empty() {
            ui.add(egui::ProgressBar::new(detection.share).desired_width(140.0).text("Searching…"));
        } else {
            let shown = detection.found.iter().filter(|found| found.score >= detection.least).count();
            ui.label(count(shown, "new particle"));
            if detection.running {
                ui.weak("searching…");
            }
        }
    });
}

/// Bright or dark is a property of the micrograph: training needs it too.
fn contrast(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(entry) = state.shown.and_then(|id| state.project.micrograph(id)) else { return };
    let mut bright = entry.bright;
    ui.horizontal(|ui| {
        combo(
            ui,
            "Particles are",
            &mut bright,
            &[(None, "Automatic"), (Some(true), "Bright"), (Some(false), "Dark")],
        );
    });
    if bright != entry.bright {
        let name = match bright {
            None => "let contrast be told from the picture",
            Some(true) => "set particles bright",
            Some(false) => "set particles dark",
        };
        let edit = Edit::ChangeMicrograph(MicrographEntry { bright, ..entry.clone() });
        actions.push(Action::Change { name: name.into(), edit });
    }
}

/// A slider over 0..1 that leaves a finer value alone until a hand moves it.
fn share<'a>(value: &'a mut f32, text: &str) -> Slider<'a> {
    Slider::new(value, 0.0..=1.0).fixed_decimals(2).clamping(SliderClamping::Edits).text(text)
}

fn sliders(ui: &mut Ui, state: &State, settings: &mut Settings) {
    ui.horizontal(|ui| {
        let choices =
            [(Method::Auto, "Automatic"), (Method::Blobs, "Round blobs"), (Method::Watershed, "Outlines")];
        combo(ui, "Look for", &mut settings.method, &choices);
    });
    let entry = state.shown.and_then(|id| state.project.micrograph(id));
    let nm = entry.and_then(|entry| entry.pixel_size).map(|size| size.x_nm as f32);
    let unit = match settings.unit {
        Unit::Pixels => " px",
        Unit::Nanometres => " nm",
    };
    // The slider's ends in pixels, shown in nanometres where the user works in them.
    let scale = if settings.unit == Unit::Nanometres { nm.unwrap_or(1.0) } else { 1.0 };
    // A tenth of a pixel is fine enough.
    let decimals = (1.0 - scale.log10()).ceil().clamp(1.0, 6.0) as usize;
    let mut diameter = |value: &mut f32, range: std::ops::RangeInclusive<f32>, text| {
        // Only a hand changes it: another micrograph has other ends, and the slider would keep to them.
        let mut shown = *value;
        let slider = Slider::new(&mut shown, *range.start() * scale..=*range.end() * scale)
            .logarithmic(true)
            .clamping(SliderClamping::Edits)
            .max_decimals(decimals)
            .suffix(unit)
            .text(text);
        let changed = ui.add(slider).changed();
        if changed {
            *value = shown;
        }
        changed
    };
    let smallest = diameter(&mut settings.min_diameter, 2.0..=200.0, "smallest");
    if smallest | diameter(&mut settings.max_diameter, 4.0..=2000.0, "largest") {
        settings.max_diameter = settings.max_diameter.max(settings.min_diameter);
    }
    ui.add(share(&mut settings.threshold, "contrast"))
        .on_hover_text("Least contrast to the surroundings; higher finds fewer.");
    ui.add(share(&mut settings.separation, "divide"))
        .on_hover_text("How eagerly touching particles are divided.");
    ui.checkbox(&mut settings.at_border, "Keep particles cut by the border");
    let mut in_nm = settings.unit == Unit::Nanometres;
    // The way back to pixels is open on a micrograph without a scale, too.
    if (nm.is_some() || in_nm) && ui.checkbox(&mut in_nm, "Diameters in nm").changed() {
        settings.unit = if in_nm { Unit::Nanometres } else { Unit::Pixels };
        match nm {
            Some(nm) => {
                let factor = if in_nm { nm } else { 1.0 / nm };
                settings.min_diameter *= factor;
                settings.max_diameter *= factor;
            }
            None => {
                let usual = Settings::default();
                (settings.min_diameter, settings.max_diameter) = (usual.min_diameter, usual.max_diameter);
            }
        }
    }
}

/// A labelled list of choices.
pub fn combo<T: PartialEq + Copy>(ui: &mut Ui, label: &str, value: &mut T, choices: &[(T, &str)]) {
    let name = ui.label(label);
    choose(ui, &name, label, value, choices);
}

/// The same beside a name that stands there already.
pub fn choose<T: PartialEq + Copy>(
    ui: &mut Ui,
    name: &egui::Response,
    label: &str,
    value: &mut T,
    choices: &[(T, &str)],
) {
    let current = choices.iter().find(|(choice, _)| choice == value).map_or("", |(_, name)| name);
    let shown = ComboBox::from_id_salt(label).selected_text(current).width(110.0).show_ui(ui, |ui| {
        for (choice, name) in choices {
            ui.selectable_value(value, *choice, *name);
        }
    });
    shown.response.labelled_by(name.id);
}
