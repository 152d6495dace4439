//! Spectra of a grid as a picture: any latent or the shift, a pixel a spectrum.

use super::run::{SpectraWork, Subject};
use super::{Eye, Field, bar, scatter};
use crate::app::theme;
use egui::{
    Color32, ColorImage, Pos2, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

/// What the pane alone remembers.
#[derive(Default)]
pub struct ScanPanel {
    field: Option<Field>,
    of: Option<(u64, Field)>,
    texture: Option<TextureHandle>,
    range: [f32; 2],
}

impl ScanPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, work: &SpectraWork, subject: &Subject, eye: &mut Eye) {
        let Some(grid) = subject.spectra.grid else {
            theme::hint(
                ui,
                "These spectra were not taken over a grid. One is read from an array of (rows, columns, points).",
            );
            return;
        };
        let Some(found) = &work.found else {
            theme::hint(ui, "Each spectrum becomes a pixel here after the first epoch.");
            return;
        };
        let all = Field::all(found);
        let mut field = self.field.filter(|field| all.contains(field)).unwrap_or(Field::Shift);
        ui.horizontal(|ui| {
            scatter::choice(ui, "Map of", &mut field, &all, found);
            let [rows, columns] = grid;
            let text = if field.collapsed(found) {
                "Collapsed: it carries nothing.".into()
            } else {
                format!("{rows} rows, {columns} columns, a pixel a spectrum")
            };
            ui.add(egui::Label::new(egui::RichText::new(text).weak().small()).truncate());
        });
        self.field = Some(field);
        if self.of != Some((work.revision, field)) {
            self.of = Some((work.revision, field));
            let values = field.values(found);
            self.range = field.range(&values);
            let pixels = values.iter().map(|v| field.colour(*v, self.range)).collect();
            self.set(ui, ColorImage::new([grid[1], grid[0]], pixels));
        }
        self.picture(ui, field, work, grid, eye);
    }

    fn set(&mut self, ui: &Ui, image: ColorImage) {
        let crisp = TextureOptions { minification: egui::TextureFilter::Linear, ..TextureOptions::NEAREST };
        match &mut self.texture {
            Some(texture) => texture.set(image, crisp),
            None => self.texture = Some(ui.ctx().load_texture("spectra grid", image, crisp)),
        }
    }

    fn picture(
        &self,
        ui: &mut Ui,
        field: Field,
        work: &SpectraWork,
        [rows, columns]: [usize; 2],
        eye: &mut Eye,
    ) {
        let room = vec2((ui.available_width() - bar::ROOM).max(40.0), ui.available_height().max(60.0));
        let side = (room.x / columns as f32).min(room.y / rows as f32);
        let size = vec2(side * columns as f32, side * rows as f32);
        // All of the height is taken, or a strip below would stay bare.
        let (whole, response) = ui.allocate_exact_size(vec2(size.x + bar::ROOM, room.y), Sense::click());
        let name = format!("Grid of {}", field.name());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &name));
        let rect = Rect::from_min_size(whole.min, size);
        let painter = ui.painter_at(whole.expand(2.0));
        if let Some(texture) = &self.texture {
            let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
            painter.image(texture.id(), rect, uv, Color32::WHITE);
        }
        let cell = |i: usize| {
            let corner = rect.min + side * vec2((i % columns) as f32, (i / columns) as f32);
            Rect::from_min_size(corner, Vec2::splat(side)).expand((4.0 - side).max(0.0) / 2.0)
        };
        if let Some(i) = eye.looked().filter(|i| *i < rows * columns) {
            painter.rect_stroke(cell(i), 0.0, Stroke::new(3.5, Color32::BLACK), StrokeKind::Outside);
            painter.rect_stroke(cell(i), 0.0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Outside);
        }
        bar::paint(ui, &painter, field, self.range, &work.unit, rect);
        let over = response.hover_pos().filter(|pos| rect.contains(*pos)).map(|pos| {
            let at = (pos - rect.min) / side;
            (at.y as usize).min(rows - 1) * columns + (at.x as usize).min(columns - 1)
        });
        eye.point(over);
        if response.clicked() {
            eye.kept = over;
        }
    }
}
