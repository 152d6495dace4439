//! The plane of two latents: where the pixels lie, which are chosen, and what the decoder makes of a point.

use super::Scene;
use super::brush::Choice;
use super::colour;
use super::density::{Density, SIDE};
use super::layer::CRISP;
use super::run::{Ask, Maps};
use super::sight::Sight;
use crate::app::action::Action;
use crate::app::axes::numbered;
use crate::app::overlay::outline;
use crate::app::take::{self, Figure};
use crate::app::theme;
use crate::micrograph::PixelSize;
use crate::particle::Outline;
use crate::worker::mapping::MapQuery;
use egui::{Color32, ColorImage, ComboBox, Pos2, Response, TextureHandle, Ui};
use egui_plot::{Plot, PlotBounds, PlotImage, PlotPoint, PlotTransform, Points};
use std::sync::Arc;

/// Points between two corners of a drawn outline.
const STEP: f32 = 3.0;

/// What the pane alone remembers.
#[derive(Default)]
pub struct PlanePanel {
    texture: Option<TextureHandle>,
    /// Revision, axes and chosen pixels that the texture shows.
    of: Option<(u64, [usize; 2], usize)>,
    bounds: Option<[[f32; 2]; 2]>,
    /// Corners of the outline being drawn, latents.
    drawn: Vec<PlotPoint>,
}

impl PlanePanel {
    /// Draws the pane.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        Scene { maps, own, size }: Scene<'_>,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let set = maps.set.as_ref().filter(|_| own);
        let Some(set) = set else {
            theme::hint(ui, "Each pixel becomes a point of this plane once there is a map.");
            return;
        };
        let n = set.content.len();
        if n < 2 {
            theme::hint(ui, "One latent has no plane; its histogram stands under the map.");
            return;
        }
        self.choices(ui, n, size, sight, actions);
        sight.plane_of(set, sight.axes, maps.revision);
        self.refresh(ui, maps, sight);
        let Some(density) = &sight.layers.density else {
            theme::hint(ui, "Nothing is known of these two latents.");
            return;
        };
        let [x, y] = density.bounds.map(|b| b.map(f64::from));
        let refit = self.bounds != Some(density.bounds);
        self.bounds = Some(density.bounds);
        let at = sight.place.and_then(|place| Sight::latents(set, place));
        let axes = sight.axes;
        let texture = self.texture.as_ref().map(TextureHandle::id);
        let name = |axis: usize| format!("z{axis} (prior sd)");
        let plot = Plot::new("latent plane")
            .show_crosshair(false)
            .allow_drag(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false)
            .default_x_bounds(x[0], x[1])
            .default_y_bounds(y[0], y[1])
            .grid_color(theme::grid(ui.visuals()))
            .label_formatter(|_| None);
        let shown = numbered(plot, name(axes[0]), name(axes[1]), 40.0).show(ui, |plot| {
            if refit {
                plot.set_plot_bounds(PlotBounds::from_min_max([x[0], y[0]], [x[1], y[1]]));
            }
            if let Some(texture) = texture {
                let middle = PlotPoint::new((x[0] + x[1]) / 2.0, (y[0] + y[1]) / 2.0);
                let size = egui::vec2((x[1] - x[0]) as f32, (y[1] - y[0]) as f32);
                plot.image(PlotImage::new("pixels", texture, middle, size));
            }
            if let Some(at) = at.filter(|at| axes.iter().all(|axis| at[*axis].is_finite())) {
                let point = vec![[f64::from(at[axes[0]]), f64::from(at[axes[1]])]];
                for (radius, colour) in [(5.5, Color32::BLACK), (4.0, Color32::WHITE)] {
                    plot.points(Points::new("", point.clone()).radius(radius).color(colour).filled(true));
                }
            }
        });
        let (response, transform) = (shown.response, shown.transform);
        self.point(ui, &response, &transform, n, sight, actions);
        self.draw(ui, &response, &transform, maps, sight);
    }

    fn choices(
        &mut self,
        ui: &mut Ui,
        n: usize,
        size: Option<PixelSize>,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        ui.horizontal(|ui| {
            if n > 2 {
                for (i, name) in ["Across", "Up"].into_iter().enumerate() {
                    ui.weak(name);
                    ComboBox::from_id_salt(name)
                        .selected_text(format!("z{}", sight.axes[i]))
                        .width(44.0)
                        .show_ui(ui, |ui| {
                            let other = sight.axes[1 - i];
                            for axis in (0..n).filter(|axis| *axis != other) {
                                ui.selectable_value(&mut sight.axes[i], axis, format!("z{axis}"));
                            }
                        })
                        .response
                        .accessible_name(name);
                }
            }
            take::menu(ui, &[(Figure::LatentPlane, true)], actions);
            match &sight.brush {
                Some(brush) => {
                    let area = super::field::area(brush.count, brush.grid.step, size);
                    ui.label(format!("{} pixels, {area}", brush.count));
                    if ui.button("Let go").on_hover_text("Show all pixels again (Esc).").clicked() {
                        sight.brush = None;
                    }
                }
                None => {
                    ui.weak("Draw round pixels to see where they lie.");
                }
            }
        });
    }

    /// The texture of the plane: bright where many pixels lie, pale where none of them is chosen.
    fn refresh(&mut self, ui: &Ui, maps: &Maps, sight: &Sight) {
        let chosen = sight.brush.as_ref().map_or(0, |brush| Arc::as_ptr(&brush.inside) as usize);
        let key = (maps.revision, sight.axes, chosen);
        let (Some(density), Some(plane)) = (&sight.layers.density, &sight.layers.plane) else { return };
        if self.of == Some(key) && self.texture.is_some() {
            return;
        }
        self.of = Some(key);
        let inside = sight.brush.as_ref().map(|brush| &brush.inside[..]);
        let image = picture(density, plane, inside);
        match &mut self.texture {
            Some(texture) => texture.set(image, CRISP),
            None => self.texture = Some(ui.ctx().load_texture("latent plane", image, CRISP)),
        }
    }

    /// The latents under the pointer: pixels near them light up, the decoder draws them.
    fn point(
        &mut self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        n: usize,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let over = response.hover_pos().filter(|_| response.hovered() && self.drawn.is_empty());
        let pointed = over.map(|pos| {
            let at = transform.value_from_position(pos);
            [at.x as f32, at.y as f32]
        });
        if pointed == sight.pointed {
            return;
        }
        sight.pointed = pointed;
        ui.ctx().request_repaint();
        if let Some(pointed) = pointed {
            let mut latents = vec![0.0; n];
            for (axis, value) in sight.axes.iter().zip(pointed) {
                latents[*axis] = value;
            }
            actions.push(Action::Maps(Ask::Query(MapQuery::Latents(latents))));
        }
    }

    /// An outline round latents chooses their pixels.
    fn draw(
        &mut self,
        ui: &Ui,
        response: &Response,
        transform: &PlotTransform,
        maps: &Maps,
        sight: &mut Sight,
    ) {
        if response.clicked() {
            sight.brush = None;
        }
        if let Some(pos) =
            response.interact_pointer_pos().filter(|_| response.dragged_by(egui::PointerButton::Primary))
        {
            if response.drag_started() {
                self.drawn.clear();
                if let Some(first) = ui.input(|input| input.pointer.press_origin()) {
                    self.drawn.push(transform.value_from_position(first));
                }
            }
            let far = |last: &PlotPoint| transform.position_from_point(last).distance(pos) >= STEP;
            if self.drawn.last().is_none_or(far) {
                self.drawn.push(transform.value_from_position(pos));
            }
        }
        if self.drawn.len() > 2 {
            let mut closed: Vec<Pos2> =
                self.drawn.iter().map(|at| transform.position_from_point(at)).collect();
            closed.extend(closed.first().copied());
            outline(&ui.painter_at(*transform.frame()), closed);
        }
        if response.drag_stopped() {
            if self.drawn.len() > 2 {
                let corners = self.drawn.iter().map(|at| [at.x as f32, at.y as f32]).collect();
                let choice = Choice::Latents { axes: sight.axes, outline: Outline { corners } };
                sight.choose(maps, Some(choice));
            }
            self.drawn.clear();
        }
    }
}

/// Colours of the plane of latents, as strong as pixels are many; those not chosen are grey.
fn picture(density: &Density, plane: &colour::Plane, inside: Option<&[bool]>) -> ColorImage {
    let most = (density.most as f32).ln_1p().max(1e-6);
    let colour = |i: usize| {
        // The first row of a texture is the uppermost.
        let (column, row) = (i % SIDE, SIDE - 1 - i / SIDE);
        let pixels = density.pixels(column, row);
        if pixels.is_empty() {
            return Color32::TRANSPARENT;
        }
        let strength = 0.3 + 0.7 * (pixels.len() as f32).ln_1p() / most;
        let own = plane.of(density.middle(column, row));
        let chosen = |inside: &[bool]| pixels.iter().filter(|i| inside[**i as usize]).count();
        match inside.map(chosen) {
            Some(0) => Color32::from_gray(128).gamma_multiply(0.6 * strength),
            _ => own.gamma_multiply(strength),
        }
    };
    ColorImage::new([SIDE, SIDE], (0..SIDE * SIDE).map(colour).collect())
}
