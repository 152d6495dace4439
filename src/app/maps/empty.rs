//! What the workspace is for, and two ways to begin.

use super::run::Ask;
use crate::app::action::Action;
use crate::app::state::State;
use crate::app::welcome::{self, Invitation};
use egui::{RichText, Ui};

/// Draws the welcome into the middle.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    welcome::middle(ui, welcome::under_way(state), |ui| invitation(ui, false, actions));
}

/// What it is for, in three sentences or, where there is little room, in one, and how to begin.
pub fn invitation(ui: &mut Ui, brief: bool, actions: &mut Vec<Action>) {
    let sentences = [
        "Open an atomically resolved image and press Start (T): its lattice is found, and what varies in the repeating pattern is learned from the image alone.",
        "Each thing that varies becomes a map while it learns: phases and walls, strain and shift, vacancies and adsorbates.",
        "Point at a pixel, draw round pixels or latents, measure a wall, and take calibrated maps away.",
    ];
    let invitation = Invitation {
        title: "Maps of order parameters",
        sentences: if brief { &sentences[..1] } else { &sentences },
        main: ("Open the example (DyScO3)", Action::Maps(Ask::Example)),
        other: ("Open an image…", Action::AddMicrographs),
    };
    invitation.ui(ui, actions);
    ui.label(RichText::new("Drop an image here").strong());
}
