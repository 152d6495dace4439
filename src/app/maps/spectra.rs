//! Power spectra of image and map, side by side: where the lattice's spots are, and whether the map is free of them.

use super::Scene;
use super::layer::CRISP;
use super::run::{Ask, Power, Spectra};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::theme;
use crate::lattice::Lattice;
use crate::micrograph::PixelSize;
use crate::micrograph::stats::percentiles;
use egui::{Color32, ColorImage, Painter, Pos2, Rect, RichText, Sense, Stroke, TextureHandle, Ui, vec2};
use std::sync::Arc;

/// Reciprocal points are marked up to so many.
const MOST_POINTS: usize = 400;

/// What the pane alone remembers.
pub struct SpectraPanel {
    textures: [Option<TextureHandle>; 2],
    of: usize,
    marked: bool,
    /// Share of the spectrum that is seen, 0..1: the low frequencies hold the story.
    part: f32,
}

impl Default for SpectraPanel {
    fn default() -> Self {
        Self { textures: [None, None], of: 0, marked: true, part: 0.2 }
    }
}

impl SpectraPanel {
    /// Draws the pane.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        Scene { maps, own, size }: Scene<'_>,
        sight: &Sight,
        actions: &mut Vec<Action>,
    ) {
        if !own || maps.subject.is_none() {
            theme::hint(
                ui,
                "The spectra of the image and of the map stand here side by side once a run has begun.",
            );
            return;
        }
        let field = sight.shown.field();
        let fresh = |spectra: &Arc<Spectra>| (spectra.revision, spectra.field) == (maps.revision, field);
        if !maps.transforming && !maps.spectra.as_ref().is_some_and(fresh) {
            actions.push(Action::Maps(Ask::Spectra(field)));
        }
        let Some(spectra) = &maps.spectra else {
            theme::hint(ui, "Transforming…");
            return;
        };
        if self.of != Arc::as_ptr(spectra) as usize {
            self.of = Arc::as_ptr(spectra) as usize;
            self.set(ui, 0, Some(&spectra.image));
            self.set(ui, 1, spectra.map.as_ref());
        }
        ui.horizontal(|ui| {
            ui.checkbox(&mut self.marked, "Lattice")
                .on_hover_text("Rings round the points where the lattice itself has its power.");
            ui.spacing_mut().slider_width = 90.0;
            ui.weak("Seen");
            ui.add(egui::Slider::new(&mut self.part, 0.05..=1.0).show_value(false))
                .accessible_name("Part of the spectrum that is seen");
        });
        let found = maps.plan.as_ref().and_then(|plan| plan.found.as_ref());
        let lattice = found.map(|found| &found.lattice).filter(|_| self.marked);
        let side = ((ui.available_width() - 8.0) / 2.0).min(ui.available_height() - 18.0).max(60.0);
        ui.horizontal(|ui| {
            let pair =
                [(Some(&*spectra.image), "image".to_owned()), (spectra.map.as_ref(), spectra.field.name())];
            for (i, (power, name)) in pair.into_iter().enumerate() {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 2.0;
                    let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
                    let painter = ui.painter_at(rect);
                    painter.rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
                    let Some(power) = power else { return };
                    self.paint(&painter, rect, i, lattice, power, &spectra.image);
                    let edge = 0.5 * f64::from(self.part) / spectra.image.step;
                    ui.label(RichText::new(format!("{name}, to {}", frequency(edge, size))).small());
                });
            }
        });
    }

    fn set(&mut self, ui: &Ui, place: usize, power: Option<&Power>) {
        let Some(power) = power else {
            self.textures[place] = None;
            return;
        };
        let p = percentiles(&power.values, &[30.0, 99.95]);
        let (low, high) = (p.first().copied().unwrap_or(0.0), p.get(1).copied().unwrap_or(1.0));
        let shade = |v: &f32| {
            let share = ((v - low) / (high - low).max(1e-6)).clamp(0.0, 1.0);
            Color32::from_gray((255.0 * share) as u8)
        };
        let pixels: Vec<Color32> = power.values.iter().map(shade).collect();
        let image = ColorImage::new([power.width, power.height], pixels);
        match &mut self.textures[place] {
            Some(texture) => texture.set(image, CRISP),
            none => *none = Some(ui.ctx().load_texture("spectrum", image, CRISP)),
        }
    }

    /// Both spectra are drawn to the scale of the image's, so that their points lie at the same places.
    fn paint(
        &self,
        painter: &Painter,
        rect: Rect,
        place: usize,
        lattice: Option<&Lattice>,
        power: &Power,
        image: &Power,
    ) {
        // Points of the screen for a cycle per pixel of the image.
        let scale = rect.width() as f64 * image.step / f64::from(self.part);
        if let Some(texture) = &self.textures[place] {
            // Zero frequency is the value in the middle.
            let (w, h) = (power.width as f64, power.height as f64);
            let cell = [scale / (w * power.step), scale / (h * power.step)];
            let corner = Pos2::new(
                (f64::from(rect.center().x) - (power.width / 2) as f64 * cell[0] - 0.5 * cell[0]) as f32,
                (f64::from(rect.center().y) - (power.height / 2) as f64 * cell[1] - 0.5 * cell[1]) as f32,
            );
            let whole = Rect::from_min_size(corner, vec2((w * cell[0]) as f32, (h * cell[1]) as f32));
            let uv = Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0));
            painter.image(texture.id(), whole, uv, Color32::WHITE);
        }
        let Some(lattice) = lattice else { return };
        let (g, h) = lattice.reciprocal();
        let apart = (g[0].hypot(g[1]).min(h[0].hypot(h[1])) * scale) as f32;
        if apart < 5.0 {
            return;
        }
        // Rings never touch: what lies in and between them must be seen.
        let (ring, width) = ((0.3 * apart).min(6.0), if apart < 12.0 { 0.7 } else { 1.2 });
        let radius = 0.5 * f64::from(self.part) / image.step * 1.5;
        for hk in lattice.points(radius).into_iter().take(MOST_POINTS) {
            let g = lattice.g(hk);
            let at = rect.center() + vec2((g[0] * scale) as f32, (g[1] * scale) as f32);
            painter.circle_stroke(at, ring, Stroke::new(width, Color32::from_rgb(0x56, 0xb4, 0xe9)));
        }
    }
}

/// Cycles per pixel, in 1/nm where the pixel size is known.
fn frequency(cycles: f64, size: Option<PixelSize>) -> String {
    match size {
        Some(size) => {
            let of = |nm: f64| format!("{:.1} 1/nm ({:.2} Å)", cycles / nm, 10.0 * nm / cycles);
            let square = (size.x_nm / size.y_nm - 1.0).abs() < 1e-3;
            if square {
                of(size.x_nm)
            } else {
                format!("{} along x, {} along y", of(size.x_nm), of(size.y_nm))
            }
        }
        None => format!("{cycles:.2} 1/px"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_have_their_unit() {
        assert_eq!(frequency(0.25, PixelSize::new(0.01, 0.01)), "25.0 1/nm (0.40 Å)");
        assert_eq!(frequency(0.25, None), "0.25 1/px");
        let both = "25.0 1/nm (0.40 Å) along x, 12.5 1/nm (0.80 Å) along y";
        assert_eq!(frequency(0.25, PixelSize::new(0.01, 0.02)), both);
    }
}
