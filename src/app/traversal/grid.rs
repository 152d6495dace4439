//! The manifold in the window: tiles, how many particles lie on each, where the sliders stand, and what is near.

use super::super::action::Action;
use super::super::explore::data::Data;
use super::super::state::State;
use super::super::take::pages;
use super::super::theme;
use super::plane::Plane;
use super::{PER_SIDE, TraversalPanel};
use egui::{Color32, Image, Rect, Sense, Ui, pos2, vec2};

impl TraversalPanel {
    pub(super) fn grid(
        &mut self,
        ui: &mut Ui,
        state: &State,
        data: &Data,
        side: f32,
        actions: &mut Vec<Action>,
    ) {
        let images = state.previews.manifold.as_ref();
        if let Some(images) = images {
            self.manifold.update(ui.ctx(), images, 0);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click_and_drag());
        let (right, up) = (self.axes.0 + 1, self.axes.1 + 1);
        response.widget_info(|| {
            let name = format!("Manifold: z{right} to the right, z{up} upwards");
            egui::WidgetInfo::labeled(egui::Role::Image, true, name)
        });
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        // What is drawn may be a moment older than what was chosen: places mean what is seen.
        let plane = images.and_then(|images| Plane::of(&images.request));
        let (Some(texture), Some(plane)) = (&self.manifold.texture, plane) else {
            let font = egui::TextStyle::Body.resolve(ui.style());
            let colour = ui.visuals().weak_text_color();
            ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, "Drawing…", font, colour);
            return;
        };
        Image::new((texture.id(), rect.size())).paint_at(ui, rect);
        self.count(data, plane);
        if self.dense {
            self.frames(ui, rect);
        }
        let place =
            |pos: egui::Pos2| [(pos.x - rect.left()) / rect.width(), (rect.bottom() - pos.y) / rect.height()];
        if let Some(pos) = response.interact_pointer_pos()
            && (response.clicked() || response.dragged())
        {
            let at = plane.latents_at(place(pos));
            for (axis, value) in [(plane.axes.0, at[0]), (plane.axes.1, at[1])] {
                if let Some(latent) = self.latents.get_mut(axis) {
                    *latent = value;
                }
            }
        }
        self.cross(ui, rect, plane);
        if let Some(pos) = response.hover_pos() {
            let [x, y] = place(pos).map(|v| v * PER_SIDE as f32);
            let tile = [x, PER_SIDE as f32 - y].map(|v| (v.max(0.0) as usize).min(PER_SIDE - 1));
            self.near.look(ui, state, data, plane, tile);
            if response.secondary_clicked() {
                actions.push(Action::Select { particles: self.near.ids.clone(), join: false });
            }
            if response.double_clicked() {
                actions.extend(self.near.ids.first().copied().map(Action::GoToParticle));
            }
            let crowd =
                self.crowd.as_ref().and_then(|(_, _, counts)| counts.get(tile[1] * PER_SIDE + tile[0]));
            response.on_hover_ui_at_pointer(|ui| self.near.ui(ui, plane, tile, crowd.copied()));
        }
    }

    /// Counts the particles on each tile, if it has not been done.
    fn count(&mut self, data: &Data, plane: Plane) {
        let Some(table) = data.table() else { return };
        let key = data.key();
        if self.crowd.as_ref().is_none_or(|(of, over, _)| (*of, *over) != (key, plane)) {
            self.crowd = Some((key, plane, plane.density(table)));
        }
    }

    /// The density, as the colour of each tile's frame.
    fn frames(&self, ui: &Ui, rect: Rect) {
        let Some((_, _, counts)) = &self.crowd else { return };
        let most = counts.iter().copied().max().unwrap_or(0);
        let tile = rect.width() / PER_SIDE as f32;
        for (i, count) in counts.iter().enumerate() {
            let corner = rect.min + tile * vec2((i % PER_SIDE) as f32, (i / PER_SIDE) as f32);
            let [r, g, b, _] = pages::crowd_ink(*count, most);
            let stroke = egui::Stroke::new(2.0, Color32::from_rgb(r, g, b));
            let frame = Rect::from_min_size(corner, egui::Vec2::splat(tile));
            ui.painter().rect_stroke(frame.shrink(0.5), 0.0, stroke, egui::StrokeKind::Inside);
        }
    }

    /// Where the sliders stand, on the grid.
    fn cross(&self, ui: &Ui, rect: Rect, plane: Plane) {
        let latent = |axis: usize| self.latents.get(axis).copied().unwrap_or(0.0);
        let [across, up] = plane.place_of([latent(plane.axes.0), latent(plane.axes.1)]);
        let at = pos2(rect.left() + across * rect.width(), rect.bottom() - up * rect.height());
        if rect.contains(at) {
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(3.5, theme::UNDERLINE));
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(1.5, Color32::WHITE));
        }
    }
}
