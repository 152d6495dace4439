//! The lattice in the side panel: what was found, what fits it, and the same chosen by hand.

use super::field::significant;
use super::overlay::length;
use super::run::{Ask, Maps};
use super::settings;
use super::survey::Survey;
use crate::app::action::Action;
use crate::app::state::State;
use crate::lattice::Lattice;
use crate::micrograph::PixelSize;
use crate::worker::mapping::MapSettings;
use egui::{DragValue, Label, RichText, Ui};

/// Side of a cell that is drawn where nothing is known, pixels.
const USUAL: f64 = 20.0;

/// Draws the section.
pub fn ui(ui: &mut Ui, state: &State, own: bool, settings: &mut MapSettings, actions: &mut Vec<Action>) {
    let maps: &Maps = &state.maps;
    let size = state.shown.and_then(|id| state.project.micrograph(id)).and_then(|entry| entry.pixel_size);
    let survey = maps.survey_of(state.shown);
    let plan = maps.plan.as_ref().filter(|_| own);
    match survey {
        None if state.shown.is_none() => {
            ui.weak("Found as soon as an image is open.");
        }
        None => {
            ui.weak("The lattice is being looked for…");
        }
        Some(survey) => found(ui, survey, settings, size),
    }
    if let Some(plan) = plan {
        let none = plan.found.is_none();
        let text = if none {
            "This run has no lattice: its windows lie anywhere, and the model learns the whole shift."
        } else {
            &plan.message
        };
        ui.add(Label::new(RichText::new(text).weak().small()).wrap());
    }
    let known = survey.and_then(|survey| survey.found.as_ref());
    by_hand(ui, known.map(|found| found.lattice), settings, actions);
    if let Some(pseudo) = known.and_then(|found| found.pseudo)
        && settings.cell != Some([pseudo.a, pseudo.b])
    {
        let [a, b] = pseudo.lengths();
        let smaller = ui.button(format!("Use the smaller cell, {a:.1} × {b:.1} px"));
        let smaller = smaller.on_hover_text(
            "The cell of the strongest peaks alone. What makes the true cell larger than it, such as a reconstruction, then \
             becomes an order parameter.",
        );
        if smaller.clicked() {
            settings.cell = Some([pseudo.a, pseudo.b]);
        }
    }
    let proposed = survey.and_then(|survey| survey.proposal(settings)).map(|proposal| proposal.window_px);
    let chosen = plan.map(|plan| plan.window_px).or(proposed);
    let meaning = "Side of the square that the model sees; 1 to 2 lattice vectors.";
    settings::optional(ui, "Window", meaning, &mut settings.window_px, chosen, 6.0..=4096.0, 1.0, " px");
}

/// The cell in use with what is proposed for it; or that there is none, and the ways to go on.
fn found(ui: &mut Ui, survey: &Survey, settings: &mut MapSettings, size: Option<PixelSize>) {
    let Some(lattice) = survey.lattice(settings) else {
        return choices(ui, survey, settings);
    };
    egui::Grid::new("cell").num_columns(2).spacing([12.0, 2.0]).show(ui, |ui| {
        let mut line = |name: &str, value: String| {
            ui.weak(name);
            ui.label(RichText::new(value).monospace());
            ui.end_row();
        };
        line("a", length(lattice.a, size));
        line("b", length(lattice.b, size));
        line("angle", format!("{:.1}°", lattice.angle_on(size)));
        match (&survey.found, settings.cell) {
            (_, Some(_)) => line("cell", "by hand".into()),
            (Some(found), None) => line("confidence", format!("{:.2}", found.confidence)),
            (None, None) => {}
        }
        if let Some(proposal) = survey.proposal(settings) {
            let shift = if settings.lock { proposal.residual_px } else { proposal.shift_px };
            line("window", length([proposal.window_px, 0.0], size));
            let nm = size.map(|size| format!(", {} nm", significant(shift * size.x_nm)));
            line("shift", format!("± {shift:.2} px{}", nm.unwrap_or_default()));
        }
    });
}

/// No lattice was found: that is an answer, and there are three ways to go on.
fn choices(ui: &mut Ui, survey: &Survey, settings: &mut MapSettings) {
    let mut message = survey.message.clone();
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    ui.add(Label::new(format!("{message}.")).wrap());
    if !survey.leaves_open(settings) {
        ui.weak("Windows lie anywhere and the model learns the whole shift.");
        return;
    }
    ui.weak("You can go on in three ways; levelling or filtering the image first may help, too.");
    let draw = ui.button("Draw a cell").on_hover_text("Two vectors on the image, whose ends are dragged.");
    if draw.clicked() {
        settings.cell = Some([[USUAL, 0.0], [0.0, USUAL]]);
    }
    let window = survey.some_window();
    let give = ui.button(format!("Give the window, {window:.0} px to begin with"));
    if give.on_hover_text("The square that the model sees; 1 to 2 periods of the pattern.").clicked() {
        settings.window_px = Some(window);
    }
    let anywhere = ui.button("Turn phase locking off");
    if anywhere.on_hover_text("Windows lie anywhere and the model learns the whole shift.").clicked() {
        (settings.lock, settings.window_px) = (false, Some(window));
    }
}

/// The cell's vectors as numbers.
fn by_hand(ui: &mut Ui, found: Option<Lattice>, settings: &mut MapSettings, actions: &mut Vec<Action>) {
    let mut by_hand = settings.cell.is_some();
    if ui
        .checkbox(&mut by_hand, "Cell by hand")
        .on_hover_text(
            "Your own lattice vectors in pixels, x to the right and y down, instead of those found.",
        )
        .changed()
    {
        let usual = found.map_or([[USUAL, 0.0], [0.0, USUAL]], |lattice| [lattice.a, lattice.b]);
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
    match Lattice::new(cell[0], cell[1]) {
        Err(why) => {
            ui.add(Label::new(RichText::new(why.to_string()).color(ui.visuals().error_fg_color)).wrap());
        }
        Ok(_) => {
            let refine = ui.button("Refine to the peaks");
            let refine = refine.on_hover_text(
                "Moves the vectors so that the nearest peaks of the image's spectrum are theirs.",
            );
            if refine.clicked() {
                actions.push(Action::Maps(Ask::Refine));
            }
        }
    }
}
