//! What the workspace is for, and two ways to begin.

use super::run::SpectraAsk;
use crate::app::action::Action;
use crate::app::state::State;
use crate::app::welcome::{self, Invitation};
use egui::{RichText, Ui};

/// Draws the welcome into the middle.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    welcome::middle(ui, state.spectra.opening.map(|_| "Opening…".to_owned()), |ui| {
        let invitation = Invitation {
            title: "Spectra, and what varies among them",
            sentences: &[
                "Open spectra and press Learn (T): how far each one is shifted is told apart from what else varies among them, without labels.",
                "A table (CSV, TXT) has a spectrum a row, or a spectrum a column beside its axis; an array (NPY, NPZ) of rows, columns and points, or a Nanonis grid (3DS), is a scan, whose shifts and latents become maps.",
            ],
            main: ("Try with sample peaks", Action::Spectra(SpectraAsk::Sample)),
            other: ("Open spectra…", Action::OpenSpectra),
        };
        invitation.ui(ui, actions);
        ui.label(RichText::new("Drop a file here").strong());
    });
}
