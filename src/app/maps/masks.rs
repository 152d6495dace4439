//! What does not count: regions that were drawn, and adsorbates that are looked for.

use super::run::Ask;
use crate::app::action::Action;
use crate::app::state::{State, count};
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{DragValue, Ui};

/// Standard deviations by which an adsorbate stands out.
const USUAL: f32 = 6.0;
/// Size where no lattice is known, pixels.
const SIZE: f64 = 20.0;

/// What the panel alone remembers.
pub struct MaskPanel {
    /// As it was chosen for an image; else the pattern's period.
    size: Option<(MicrographId, f64)>,
    threshold: f32,
}

impl Default for MaskPanel {
    fn default() -> Self {
        Self { size: None, threshold: USUAL }
    }
}

impl MaskPanel {
    /// Draws the rows.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let n = entry.excluded.len() + entry.outlines.len();
        if n > 0 {
            ui.horizontal(|ui| {
                ui.weak(format!("{} left out", count(n, "region")));
                let all = ui.button("Use all");
                if all.on_hover_text("Every pixel counts again; undo brings the regions back.").clicked() {
                    let (excluded, outlines) = Default::default();
                    let changed = MicrographEntry { excluded, outlines, ..entry.clone() };
                    let edit = Edit::ChangeMicrograph(changed);
                    actions.push(Action::Change { name: "use all regions again".into(), edit });
                }
            });
        }
        egui::CollapsingHeader::new("Adsorbates").id_salt("adsorbates").show(ui, |ui| {
            self.adsorbates(ui, state, entry, actions);
        });
    }

    fn adsorbates(&mut self, ui: &mut Ui, state: &State, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let period = state
            .maps
            .survey_of(Some(entry.id))
            .and_then(|survey| survey.lattice(&state.maps.settings))
            .map_or(SIZE, |lattice| lattice.lengths()[1]);
        let own = self.size.filter(|(id, _)| *id == entry.id).map(|(_, size)| size);
        let mut size = own.unwrap_or(period);
        ui.horizontal(|ui| {
            let label = ui.label("Smoothed over");
            let field =
                DragValue::new(&mut size).range(1.0..=1000.0).speed(0.2).max_decimals(1).suffix(" px");
            let field = ui.add(field.update_while_editing(false)).labelled_by(label.id);
            if field
                .on_hover_text("About the period of the pattern: atoms themselves do not stand out.")
                .changed()
            {
                self.size = Some((entry.id, size));
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label("Stand out by");
            let field = DragValue::new(&mut self.threshold).range(1.0..=100.0).speed(0.05).max_decimals(1);
            ui.add(field.suffix(" sd").update_while_editing(false))
                .labelled_by(label.id)
                .on_hover_text("Robust standard deviations of the smoothed image; less finds more.");
        });
        let button = egui::Button::new("Leave out adsorbates");
        let button = ui.add_enabled(!state.maps.leaving_out && state.picture().is_some(), button);
        if button
            .on_hover_text("Outlines what stands out; it counts neither for levelling nor for maps.")
            .clicked()
        {
            let ask = Ask::LeaveOut { size_px: size, threshold: self.threshold };
            actions.push(Action::Maps(ask));
        }
    }
}
