//! The list of micrographs, and what is known of the one shown: scale, regions without particles.

use super::action::{Action, Tool};
use super::state::{Opened, State, count};
use crate::micrograph::PixelSize;
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use crate::project::edit::Edit;
use egui::{Button, DragValue, RichText, TextureHandle, TextureOptions, Ui};
use std::collections::BTreeMap;

/// Longer side of a thumbnail, texels.
const THUMB: usize = 72;

/// What the panel alone remembers.
#[derive(Default)]
pub struct MicrographsPanel {
    thumbs: BTreeMap<MicrographId, TextureHandle>,
    /// A pixel size being typed.
    scale: Option<(MicrographId, f64)>,
}

impl MicrographsPanel {
    /// Draws the list and the details of the shown micrograph.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let names = state.project.micrograph_names();
        let counts = state.project.micrograph_counts();
        self.thumbs.retain(|id, _| names.contains_key(id));
        let height = if state.project.micrographs.len() > 4 { 190.0 } else { f32::INFINITY };
        egui::ScrollArea::vertical()
            .id_salt("micrographs")
            .max_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                for (entry, count) in state.project.micrographs.iter().zip(counts) {
                    let name = names.get(&entry.id).cloned().unwrap_or_else(|| entry.file_name());
                    self.row(ui, state, entry, &name, count.particles, actions);
                }
            });
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
            self.thumb(ui, state, entry);
            let width = ui.available_width().max(60.0);
            let text = RichText::new(particles.to_string()).monospace();
            let row = ui
                .add(
                    Button::selectable(shown, name)
                        .right_text(text)
                        .truncate()
                        .min_size(egui::vec2(width, 30.0)),
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

    fn thumb(&mut self, ui: &mut Ui, state: &State, entry: &MicrographEntry) {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(38.0, 30.0), egui::Sense::hover());
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        if !self.thumbs.contains_key(&entry.id)
            && let Some(Opened::Ready(picture)) = state.pictures.get(&entry.id)
        {
            let image = thumbnail(picture, entry.contrast);
            let texture = ui.ctx().load_texture("thumbnail", image, TextureOptions::LINEAR);
            self.thumbs.insert(entry.id, texture);
        }
        match (self.thumbs.get(&entry.id), state.pictures.get(&entry.id)) {
            (Some(texture), _) => {
                let [w, h] = texture.size();
                let scale = (rect.width() / w as f32).min(rect.height() / h as f32);
                let inner =
                    egui::Rect::from_center_size(rect.center(), egui::vec2(w as f32, h as f32) * scale);
                let whole = egui::Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(1.0, 1.0));
                ui.painter().image(texture.id(), inner, whole, egui::Color32::WHITE);
            }
            (None, Some(Opened::Failed(_))) => {
                ui.painter().text(
                    rect.center(),
                    egui::Align2::CENTER_CENTER,
                    "!",
                    egui::TextStyle::Body.resolve(ui.style()),
                    ui.visuals().error_fg_color,
                );
            }
            _ => {}
        }
    }

    fn details(&mut self, ui: &mut Ui, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let label = ui.label("Pixel size");
            let known = entry.pixel_size.map_or(0.0, |size| size.x_nm);
            let mut value = match self.scale {
                Some((id, value)) if id == entry.id => value,
                _ => known,
            };
            let field = DragValue::new(&mut value)
                .range(0.0..=1e6)
                .speed((known * 0.002).max(0.001))
                .max_decimals(4)
                .update_while_editing(false)
                .custom_formatter(|value, _| if value > 0.0 { format!("{value:.4} nm") } else { "unknown".into() })
                .custom_parser(|text| text.trim().trim_end_matches("nm").trim().parse().ok());
            let field = ui.add(field).labelled_by(label.id).on_hover_text(
                "Nanometres per pixel, from the file or typed here. Patches are cut in nanometres when it is known.",
            );
            if field.changed() {
                self.scale = Some((entry.id, value));
            }
            let settled = !field.dragged() && !field.has_focus();
            if let (true, Some((id, value))) = (settled, self.scale) {
                self.scale = None;
                let size = (value > 0.0).then_some(PixelSize { x_nm: value, y_nm: value });
                if id == entry.id && size != entry.pixel_size {
                    let edit = Edit::ChangeMicrograph(MicrographEntry { pixel_size: size, ..entry.clone() });
                    actions.push(Action::Change { name: "change pixel size".into(), edit });
                }
            }
        });
        ui.horizontal(|ui| {
            let regions = entry.excluded.len();
            ui.label(if regions == 0 {
                "Nothing excluded".to_owned()
            } else {
                format!("{} excluded", count(regions, "region"))
            });
            if regions > 0
                && ui.small_button("Clear").on_hover_text("Particles may lie anywhere again.").clicked()
            {
                let edit = Edit::ChangeMicrograph(MicrographEntry { excluded: Vec::new(), ..entry.clone() });
                actions.push(Action::Change { name: "clear excluded regions".into(), edit });
            }
            if ui.small_button("Draw").on_hover_text("Drag a box over what holds no particles (X).").clicked()
            {
                actions.push(Action::Use(Tool::Exclude));
            }
        });
    }
}

fn thumbnail(picture: &super::picture::Picture, contrast: (f32, f32)) -> egui::ColorImage {
    let level = picture.level(usize::MAX);
    let (low, high) = picture.range(contrast);
    let scale = (level.width.max(level.height) as f32 / THUMB as f32).max(1.0);
    let (w, h) =
        (((level.width as f32 / scale) as usize).max(1), ((level.height as f32 / scale) as usize).max(1));
    let mut pixels = Vec::with_capacity(w * h);
    for y in 0..h {
        for x in 0..w {
            let (sx, sy) = ((x as f32 * scale) as usize, (y as f32 * scale) as usize);
            let value = level.pixels[sy.min(level.height - 1) * level.width + sx.min(level.width - 1)];
            pixels.push(egui::Color32::from_gray(
                ((value - low) / (high - low) * 255.0).clamp(0.0, 255.0) as u8
            ));
        }
    }
    egui::ColorImage::new([w, h], pixels)
}
