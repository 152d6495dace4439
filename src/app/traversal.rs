//! What the model has learned, as pictures: a grid over two latents, and one image under sliders.

use super::action::Action;
use super::state::State;
use super::theme;
use crate::worker::message::{PreviewImages, PreviewRequest};
use egui::{Color32, ColorImage, Image, Rect, Sense, Slider, TextureHandle, TextureOptions, Ui, pos2, vec2};
use std::sync::Arc;

/// Images along each side of the grid.
const PER_SIDE: usize = 7;
/// The grid spans the prior's 5 % to 95 % quantiles: +-1.645 standard deviations.
const SPAN: f32 = 1.645;

/// What the panel alone remembers.
#[derive(Default)]
pub struct TraversalPanel {
    class: usize,
    latents: Vec<f32>,
    angle_deg: f32,
    manifold: Shown,
    image: Shown,
    /// The request and the model's revision asked for last, so that nothing is asked twice.
    asked: [Option<(PreviewRequest, u64)>; 2],
}

/// A texture and the images it was made from.
#[derive(Default)]
struct Shown {
    of: Option<Arc<[f32]>>,
    texture: Option<TextureHandle>,
}

impl TraversalPanel {
    /// Draws the pane and asks for the images it lacks.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some(model) = &state.training.model else {
            theme::hint(ui, "What the model has learned appears here while it trains.");
            return;
        };
        self.class = self.class.min(model.classes.len().saturating_sub(1));
        self.latents.resize(model.latent, 0.0);
        egui::ScrollArea::vertical().id_salt("traversal").auto_shrink(false).show(ui, |ui| {
            self.choose_class(ui, state);
            // The grid as large as the pane allows; the single image beside it, the sliders below.
            let sliders = 30.0 * (model.latent + 2) as f32;
            let side =
                (ui.available_height() - sliders - 12.0).clamp(150.0, 480.0).min(ui.available_width() * 0.62);
            ui.horizontal_top(|ui| {
                self.grid(ui, state, side);
                let beside = ui.available_width().min(side);
                self.decoded(ui, state, beside);
            });
            self.sliders(ui);
        });
        self.ask(state, actions);
    }

    fn choose_class(&mut self, ui: &mut Ui, state: &State) {
        let Some(model) = &state.training.model else { return };
        ui.horizontal_wrapped(|ui| {
            for (place, (id, name)) in model.classes.iter().enumerate() {
                let class = id.and_then(|id| state.project.class(id));
                if let Some(class) = class {
                    theme::marker(ui, class);
                }
                let name = class.map_or(name.as_str(), |class| class.name.as_str());
                let button = ui.selectable_label(self.class == place, name);
                if button.accessible_name(format!("Show class {name}")).clicked() {
                    self.class = place;
                }
            }
        });
    }

    fn grid(&mut self, ui: &mut Ui, state: &State, side: f32) {
        if let Some(images) = &state.previews.manifold {
            self.manifold.update(ui.ctx(), images);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click_and_drag());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(
                egui::Role::Image,
                true,
                "Manifold: latent 1 to the right, latent 2 upwards",
            )
        });
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        match &self.manifold.texture {
            Some(texture) => Image::new((texture.id(), rect.size())).paint_at(ui, rect),
            None => {
                let font = egui::TextStyle::Body.resolve(ui.style());
                let colour = ui.visuals().weak_text_color();
                ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, "Drawing…", font, colour);
            }
        }
        if response.hovered() || response.dragged() {
            response.clone().on_hover_text(
                "Latent 1 to the right, latent 2 upwards, 5 % to 95 % of the prior. Click to look closer.",
            );
        }
        if let Some(pos) = response.interact_pointer_pos()
            && (response.clicked() || response.dragged())
        {
            let part = |at: f32, from: f32, to: f32| {
                (((at - from) / (to - from)).clamp(0.0, 1.0) * 2.0 - 1.0) * SPAN
            };
            if let Some(first) = self.latents.first_mut() {
                *first = part(pos.x, rect.left(), rect.right());
            }
            if let Some(second) = self.latents.get_mut(1) {
                *second = part(pos.y, rect.bottom(), rect.top());
            }
        }
        if self.manifold.texture.is_some() {
            self.cross(ui, rect);
        }
    }

    /// Where the sliders stand, on the grid.
    fn cross(&self, ui: &Ui, rect: Rect) {
        let place = |i: usize| (self.latents.get(i).copied().unwrap_or(0.0) / SPAN + 1.0) / 2.0;
        let (x, y) = (place(0), if self.latents.len() > 1 { place(1) } else { 0.5 });
        let at = pos2(rect.left() + x * rect.width(), rect.bottom() - y * rect.height());
        if rect.contains(at) {
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(3.5, theme::UNDERLINE));
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(1.5, Color32::WHITE));
        }
    }

    fn decoded(&mut self, ui: &mut Ui, state: &State, side: f32) {
        // The card under the pointer asks for images, too.
        let own = |images: &&PreviewImages| {
            self.asked[1].as_ref().is_some_and(|(asked, _)| *asked == images.request)
        };
        if let Some(images) = state.previews.image.as_ref().filter(own) {
            self.image.update(ui.ctx(), images);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Decoded image"));
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        if let Some(texture) = &self.image.texture {
            Image::new((texture.id(), rect.size())).paint_at(ui, rect);
        }
    }

    fn sliders(&mut self, ui: &mut Ui) {
        ui.spacing_mut().slider_width = (ui.available_width() - 130.0).clamp(60.0, 320.0);
        for (i, latent) in self.latents.iter_mut().enumerate() {
            ui.add(Slider::new(latent, -3.0..=3.0).fixed_decimals(2).text(format!("latent {}", i + 1)));
        }
        let angle = Slider::new(&mut self.angle_deg, -180.0..=180.0).fixed_decimals(0).suffix("°");
        ui.add(angle.text("angle"));
        if ui.small_button("Reset").on_hover_text("Back to the middle of the prior, upright.").clicked() {
            self.latents.fill(0.0);
            self.angle_deg = 0.0;
        }
    }

    fn ask(&mut self, state: &State, actions: &mut Vec<Action>) {
        // Before the first step has been made the worker is busy compiling and has nothing to show.
        if state.training.progress.is_none() && state.results.is_none() {
            return;
        }
        let manifold = PreviewRequest::Manifold {
            class: self.class,
            axes: (0, 1.min(self.latents.len().saturating_sub(1))),
            per_side: PER_SIDE,
        };
        let image = PreviewRequest::At {
            class: self.class,
            latents: self.latents.clone(),
            angle_rad: self.angle_deg.to_radians(),
            shift: [0.0; 2],
            scale: 1.0,
        };
        for (asked, request) in self.asked.iter_mut().zip([manifold, image]) {
            let wanted = (request, state.previews.revision);
            if asked.as_ref() != Some(&wanted) {
                actions.push(Action::Preview(wanted.0.clone()));
                *asked = Some(wanted);
            }
        }
    }
}

impl Shown {
    fn update(&mut self, ctx: &egui::Context, images: &PreviewImages) {
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &images.images)) {
            return;
        }
        self.of = Some(images.images.clone());
        let Some(picture) = mosaic(images) else { return };
        match &mut self.texture {
            Some(texture) => texture.set(picture, TextureOptions::LINEAR),
            None => self.texture = Some(ctx.load_texture("decoder", picture, TextureOptions::LINEAR)),
        }
    }
}

/// The images side by side, the first row on top. `None` if there are too few.
fn mosaic(images: &PreviewImages) -> Option<ColorImage> {
    let side = images.side;
    let count = images.images.len().checked_div(side * side)?;
    let per_side = match images.request {
        PreviewRequest::Manifold { per_side, .. } => per_side,
        PreviewRequest::At { .. } => 1,
    };
    if per_side == 0 || count < per_side * per_side {
        return None;
    }
    let wide = side * per_side;
    let mut out = ColorImage::filled([wide, wide], Color32::BLACK);
    for tile in 0..per_side * per_side {
        let (row, column) = (tile / per_side, tile % per_side);
        let top = row * side;
        for y in 0..side {
            for x in 0..side {
                let value = images.images[(tile * side + y) * side + x];
                let grey = Color32::from_gray((value.clamp(0.0, 1.0) * 255.0) as u8);
                out.pixels[(top + y) * wide + column * side + x] = grey;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_row_by_row() {
        let request = PreviewRequest::Manifold { class: 0, axes: (0, 1), per_side: 2 };
        let images: Vec<f32> = [0.0, 0.25, 0.5, 1.0].into_iter().flat_map(|v| [v; 4]).collect();
        let picture = mosaic(&PreviewImages { request, side: 2, images: images.into() }).unwrap();
        let greys: Vec<u8> = picture.pixels.iter().map(Color32::r).collect();
        assert_eq!(greys, [0, 0, 63, 63, 0, 0, 63, 63, 127, 127, 255, 255, 127, 127, 255, 255]);
    }

    #[test]
    fn too_few_images_are_no_picture() {
        let request = PreviewRequest::Manifold { class: 0, axes: (0, 1), per_side: 2 };
        assert!(mosaic(&PreviewImages { request, side: 2, images: vec![0.0; 4].into() }).is_none());
    }
}
