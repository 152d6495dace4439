//! The list of micrographs, and what is known of the one shown: scale, regions without particles.

use super::action::{Action, Tool};
use super::calibration::{self, LengthUnit};
use super::contrast::Shown;
use super::preparation::PreparationPanel;
use super::shades::Shades;
use super::state::{Opened, Small, State, count};
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{Button, RichText, TextureHandle, TextureOptions, Ui};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Height of a row of the list, points.
const ROW: f32 = 30.0;

/// What the panel alone remembers.
#[derive(Default)]
pub struct MicrographsPanel {
    thumbs: BTreeMap<MicrographId, Thumb>,
    /// Short names, and the revision of the project that they are of.
    names: Option<(u64, BTreeMap<MicrographId, String>)>,
    /// A pixel size being typed.
    scale: Option<(MicrographId, f64)>,
    unit: LengthUnit,
    preparation: PreparationPanel,
}

/// A small copy as it is drawn.
struct Thumb {
    of: Arc<Small>,
    shown: Shown,
    texture: TextureHandle,
}

impl MicrographsPanel {
    /// Draws the list and the details of the shown micrograph.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        // Of hundreds of micrographs, each is compared with the others: not in every frame.
        let names = self.names.take().filter(|(revision, _)| *revision == state.revision);
        let (_, names) = names.unwrap_or_else(|| (state.revision, state.project.micrograph_names()));
        let counts = &state.counts.micrographs;
        self.thumbs.retain(|id, _| names.contains_key(id));
        let height = if state.project.micrographs.len() > 4 { 190.0 } else { f32::INFINITY };
        egui::ScrollArea::vertical()
            .id_salt("micrographs")
            .max_height(height)
            .auto_shrink([false, true])
            .show_rows(ui, ROW, state.project.micrographs.len(), |ui, rows| {
                // Of a stack of thousands only those in sight.
                let all = state.project.micrographs.iter().zip(counts);
                for (entry, count) in all.skip(rows.start).take(rows.len()) {
                    let name = names.get(&entry.id).cloned().unwrap_or_else(|| entry.file_name());
                    self.row(ui, state, entry, &name, count.particles, actions);
                }
            });
        self.names = Some((state.revision, names));
        if ui.button("Add micrographs…").clicked() {
            actions.push(Action::AddMicrographs);
        }
        if let Some(entry) = state.shown.and_then(|id| state.project.micrograph(id)) {
            self.details(ui, entry, actions);
        }
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        state: &State,
        entry: &MicrographEntry,
        name: &str,
        particles: usize,
        actions: &mut Vec<Action>,
    ) {
        let shown = state.shown == Some(entry.id);
        ui.horizontal(|ui| {
            self.thumb(ui, state, entry, actions);
            let width = ui.available_width().max(60.0);
            let text = RichText::new(particles.to_string()).monospace();
            let row = ui
                .add(
                    Button::selectable(shown, name)
                        .right_text(text)
                        .truncate()
                        .min_size(egui::vec2(width, ROW)),
                )
                .accessible_name(format!("Micrograph {name}: {}", count(particles, "particle")))
                .on_hover_text(format!(
                    "{}\n{} x {} px, {}",
                    entry.path.display(),
                    entry.width,
                    entry.height,
                    count(particles, "particle")
                ));
            if row.clicked() {
                actions.push(Action::Show(entry.id));
            }
            row.context_menu(|ui| {
                if ui.button("Remove from the project").clicked() {
                    actions.push(Action::RemoveMicrograph(entry.id));
                }
            });
        });
    }

    fn thumb(&mut self, ui: &mut Ui, state: &State, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(38.0, ROW), egui::Sense::hover());
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        let prepared = &state.prepared;
        if prepared.wanted.is_none() && prepared.lacks_small(entry) {
            actions.push(Action::WantSmall(entry.id));
        }
        if let Some(small) = prepared.small(entry.id) {
            let shown = (entry.contrast, entry.tone);
            let made = self.thumbs.get(&entry.id);
            if made.is_none_or(|made| !Arc::ptr_eq(&made.of, small) || made.shown != shown) {
                let image = thumbnail(small, shown);
                let texture = ui.ctx().load_texture("thumbnail", image, TextureOptions::LINEAR);
                self.thumbs.insert(entry.id, Thumb { of: small.clone(), shown, texture });
            }
        }
        match (self.thumbs.get(&entry.id), state.pictures.get(&entry.id)) {
            (_, Some(Opened::Failed(_))) => {
                ui.painter().text(
                    rect.center(),
                    egui::Align2::CENTER_CENTER,
                    "!",
                    egui::TextStyle::Body.resolve(ui.style()),
                    ui.visuals().error_fg_color,
                );
            }
            (Some(thumb), _) => {
                let [w, h] = thumb.texture.size();
                let scale = (rect.width() / w as f32).min(rect.height() / h as f32);
                let inner =
                    egui::Rect::from_center_size(rect.center(), egui::vec2(w as f32, h as f32) * scale);
                let whole = egui::Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
                ui.painter().image(thumb.texture.id(), inner, whole, egui::Color32::WHITE);
            }
            _ => {}
        }
    }

    fn details(&mut self, ui: &mut Ui, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            calibration::pixel_size(ui, entry, &mut self.scale, &mut self.unit, actions);
            let measure =
                ui.small_button("Measure").on_hover_text("Draw a line along the picture's scale bar (M).");
            if measure.clicked() {
                actions.push(Action::Use(Tool::Measure));
            }
        });
        ui.horizontal(|ui| {
            let regions = entry.excluded.len() + entry.outlines.len();
            ui.label(if regions == 0 {
                "Nothing excluded".to_owned()
            } else {
                format!("{} excluded", count(regions, "region"))
            });
            if regions > 0
                && ui.small_button("Clear").on_hover_text("Particles may lie anywhere again.").clicked()
            {
                let edit = Edit::ChangeMicrograph(MicrographEntry {
                    excluded: Vec::new(),
                    outlines: Vec::new(),
                    ..entry.clone()
                });
                actions.push(Action::Change { name: "clear excluded regions".into(), edit });
            }
            if ui.small_button("Draw").on_hover_text("Drag a box over what holds no particles (X).").clicked()
            {
                actions.push(Action::Use(Tool::Exclude));
            }
        });
        self.preparation.ui(ui, entry, actions);
    }
}

fn thumbnail(small: &Small, (contrast, tone): Shown) -> egui::ColorImage {
    let shades = Shades::new(small.greys.range(contrast), tone);
    let pixels = small.pixels.iter().map(|value| shades.of(*value)).collect();
    egui::ColorImage::new([small.width, small.height], pixels)
}
