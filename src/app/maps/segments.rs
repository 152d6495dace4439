//! Phases: pixels with alike latents, with their areas.

use super::Scene;
use super::brush::Choice;
use super::colour;
use super::field::{Shown, significant};
use super::run::{Ask, Maps};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::panes::scrolled;
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::order::Method;
use crate::order::segment::MOST;
use egui::{Button, Label, RichText, Sense, Ui, vec2};

/// What the pane alone remembers.
pub struct SegmentsPanel {
    k: Option<usize>,
    method: Method,
    /// Grouped before: newer maps are grouped by themselves.
    asked: bool,
    /// The last thing asked for.
    of: Option<(u64, Option<usize>, Method)>,
}

impl Default for SegmentsPanel {
    fn default() -> Self {
        Self { k: None, method: Method::GaussianMixture, asked: false, of: None }
    }
}

impl SegmentsPanel {
    /// Draws the pane.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        Scene { maps, own, size }: Scene<'_>,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let Some(set) = maps.set.as_ref().filter(|_| own) else {
            self.asked = false;
            theme::hint(ui, "Pixels with alike latents become phases with areas, once there is a map.");
            return;
        };
        let pressed = self.choices(ui);
        // After the first time it follows: another number of groups, and the maps that a seed ends with.
        let key = (maps.revision, self.k, self.method);
        let changed = self.of.is_none_or(|(_, k, method)| (k, method) != (self.k, self.method));
        let renewed = set.last && self.of.is_some_and(|(revision, ..)| revision != maps.revision);
        if pressed || (self.asked && (changed || renewed) && !maps.segmenting) {
            self.asked = true;
            self.of = Some(key);
            sight.shown = Shown::Segments;
            actions.push(Action::Maps(Ask::Segment { k: self.k, method: self.method }));
        }
        if maps.segmenting {
            ui.weak("Grouping…");
        }
        let Some(segmented) = &maps.segments else { return };
        if segmented.revision != maps.revision && !maps.segmenting {
            ui.weak("These are of earlier maps; press Segment for the present ones.");
        }
        match &segmented.result {
            Ok(_) => table(ui, maps, size, sight),
            Err(why) => {
                ui.add(Label::new(RichText::new(why).color(ui.visuals().error_fg_color)).wrap());
            }
        }
    }

    fn choices(&mut self, ui: &mut Ui) -> bool {
        let mut pressed = false;
        ui.horizontal_wrapped(|ui| {
            pressed = ui
                .add(Button::new("Segment").fill(ui.visuals().selection.bg_fill))
                .on_hover_text("Group all pixels by their latents.")
                .clicked();
            let mut auto = self.k.is_none();
            if ui.checkbox(&mut auto, "as many as there are").changed() {
                self.k = if auto { None } else { Some(2) };
            }
            if let Some(k) = &mut self.k {
                ui.add(egui::DragValue::new(k).range(1..=MOST).suffix(" phases").update_while_editing(false))
                    .accessible_name("Number of phases");
            }
            for (method, name, meaning) in [
                (
                    Method::GaussianMixture,
                    "Gaussian mixture",
                    "Each phase has its own spread and shape in the latents.",
                ),
                (Method::KMeans, "k-means", "Nearest centre: phases of about the same spread."),
            ] {
                ui.selectable_value(&mut self.method, method, name).on_hover_text(meaning);
            }
        });
        pressed
    }
}

/// One row a phase; a click lights it up.
fn table(ui: &mut Ui, maps: &Maps, size: Option<PixelSize>, sight: &mut Sight) {
    let Some(Ok(found)) = maps.segments.as_ref().map(|s| s.result.as_ref()) else { return };
    let chosen = match sight.brush.as_ref().map(|brush| &brush.choice) {
        Some(Choice::Segment(label)) => Some(*label),
        _ => None,
    };
    let mut choice = None;
    scrolled(ui, "phases", |ui| {
        egui::Grid::new("phases").num_columns(5).spacing([16.0, 4.0]).striped(true).show(ui, |ui| {
            for name in ["", "phase", "area", "share"] {
                ui.weak(name);
            }
            ui.weak("mean latents (prior sd)");
            ui.end_row();
            for segment in &found.segments {
                let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
                ui.painter().rect_filled(rect, 3.0, colour::segment(segment.label));
                let name = format!("phase {}", segment.label);
                if ui.selectable_label(chosen == Some(segment.label), name).clicked() {
                    choice = Some((chosen != Some(segment.label)).then_some(Choice::Segment(segment.label)));
                }
                let area = match size {
                    Some(s) => format!("{} nm²", significant(segment.area_px * s.x_nm * s.y_nm)),
                    None => format!("{} px²", significant(segment.area_px)),
                };
                ui.label(RichText::new(area).monospace());
                ui.label(RichText::new(format!("{:>5.1} %", 100.0 * segment.share)).monospace());
                let means: Vec<String> = segment.mean.iter().map(|m| format!("{m:+.2}")).collect();
                ui.label(RichText::new(means.join("  ")).monospace());
                ui.end_row();
            }
        });
    });
    if let Some(choice) = choice {
        sight.choose(maps, choice);
    }
}
