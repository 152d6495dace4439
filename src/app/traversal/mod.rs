//! What the model has learned, as pictures: a grid over two latents, one image under sliders, and films between them.

mod film;
mod near;
mod shown;

use super::action::Action;
use super::explore::data::Data;
use super::state::State;
use super::take::{self, Figure, Taken, pages};
use super::theme;
use crate::library::drawing::Drawing;
use crate::worker::message::{PreviewImages, PreviewRequest};
use egui::{Color32, Image, Rect, Sense, Slider, Ui, pos2, vec2};
use film::Film;
use near::Near;
use shown::Shown;

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
    film: Option<Film>,
    near: Near,
    /// The request and the model's revision asked for last, so that nothing is asked twice.
    asked: [Option<(PreviewRequest, u64)>; 3],
}

impl TraversalPanel {
    /// Draws the pane and asks for the images it lacks.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        let Some(model) = &state.training.model else {
            theme::hint(ui, "What the model has learned appears here while it trains.");
            return;
        };
        let pane = ui.available_rect_before_wrap();
        self.class = self.class.min(model.classes.len().saturating_sub(1));
        self.latents.resize(model.latent, 0.0);
        egui::ScrollArea::vertical().id_salt("traversal").auto_shrink(false).show(ui, |ui| {
            self.choose_class(ui, state, actions);
            // The grid as large as the pane allows; the single image beside it, the sliders below.
            let sliders = 30.0 * (model.latent + 3) as f32;
            let side =
                (ui.available_height() - sliders - 12.0).clamp(150.0, 480.0).min(ui.available_width() * 0.62);
            ui.horizontal_top(|ui| {
                self.grid(ui, state, data, side, actions);
                let beside = ui.available_width().min(side);
                self.decoded(ui, state, beside);
            });
            film::ui(ui, state, model.latent, &mut self.film, pane);
            self.sliders(ui);
        });
        self.ask(state, actions);
    }

    fn choose_class(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
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
            let film = Figure::Film.is_there(state) && self.film.is_some();
            let views = [Figure::Manifold, Figure::Decoded, Figure::Averages]
                .map(|view| (view, view.is_there(state)));
            take::menu(ui, &[&views[..], &[(Figure::Film, film)]].concat(), actions);
        });
    }

    fn grid(&mut self, ui: &mut Ui, state: &State, data: &Data, side: f32, actions: &mut Vec<Action>) {
        if let Some(images) = &state.previews.manifold {
            self.manifold.update(ui.ctx(), images, 0);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::click_and_drag());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Image, true, "Manifold: z1 to the right, z2 upwards")
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
        if let Some(pos) = response.interact_pointer_pos()
            && (response.clicked() || response.dragged())
        {
            let part = |at: f32, from: f32, to: f32| value_at((at - from) / (to - from));
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
        if let (Some(pos), Some(table)) = (response.hover_pos(), data.table()) {
            let step = side / PER_SIDE as f32;
            let place = |v: f32| ((v / step).max(0.0) as usize).min(PER_SIDE - 1);
            let tile = [place(pos.x - rect.left()), place(pos.y - rect.top())];
            self.near.look(ui, state, table, self.class, tile);
            if response.secondary_clicked() {
                actions.push(Action::Select { particles: self.near.ids.clone(), join: false });
            }
            response.on_hover_ui_at_pointer(|ui| self.near.ui(ui, tile));
        }
    }

    /// Where the sliders stand, on the grid.
    fn cross(&self, ui: &Ui, rect: Rect) {
        let place = |i: usize| place_of(self.latents.get(i).copied().unwrap_or(0.0));
        let at = pos2(rect.left() + place(0) * rect.width(), rect.bottom() - place(1) * rect.height());
        if rect.contains(at) {
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(3.5, theme::UNDERLINE));
            ui.painter().circle_stroke(at, 5.0, egui::Stroke::new(1.5, Color32::WHITE));
        }
    }

    /// The images that are shown in the single picture: the film's, or the one under the sliders.
    fn single<'a>(&self, state: &'a State) -> Option<(&'a PreviewImages, usize)> {
        // The card under the pointer asks for images, too.
        let own = |place: usize| {
            move |images: &&PreviewImages| {
                self.asked[place].as_ref().is_some_and(|(asked, _)| *asked == images.request)
            }
        };
        match &self.film {
            Some(film) => state.previews.film.as_ref().filter(own(2)).map(|images| (images, film.frame())),
            None => state.previews.image.as_ref().filter(own(1)).map(|images| (images, 0)),
        }
    }

    fn decoded(&mut self, ui: &mut Ui, state: &State, side: f32) {
        if let Some((images, at)) = self.single(state) {
            self.image.update(ui.ctx(), images, at);
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        let film = self.film.map(|film| film::title(film.course));
        let name = film.unwrap_or_else(|| "Decoded image".to_owned());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        if let Some(texture) = &self.image.texture {
            Image::new((texture.id(), rect.size())).paint_at(ui, rect);
        }
    }

    fn sliders(&mut self, ui: &mut Ui) {
        ui.spacing_mut().slider_width = (ui.available_width() - 130.0).clamp(60.0, 320.0);
        for (i, latent) in self.latents.iter_mut().enumerate() {
            ui.add(Slider::new(latent, -3.0..=3.0).fixed_decimals(2).text(format!("z{}", i + 1)));
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
        let angle_rad = self.angle_deg.to_radians();
        let image = PreviewRequest::At {
            class: self.class,
            latents: self.latents.clone(),
            angle_rad,
            shift: [0.0; 2],
            scale: 1.0,
        };
        let film = self.film.and_then(|film| {
            film::request(film.course, state.results.as_ref(), self.class, &self.latents, angle_rad)
        });
        if film.is_none() {
            self.film = None;
        }
        for (asked, request) in self.asked.iter_mut().zip([Some(manifold), Some(image), film]) {
            let Some(request) = request else { continue };
            let wanted = (request, state.previews.revision);
            if asked.as_ref() != Some(&wanted) {
                actions.push(Action::Preview(wanted.0.clone()));
                *asked = Some(wanted);
            }
        }
    }

    fn class_name(&self, state: &State, class: usize) -> String {
        let names = state.training.model.as_ref().map(|model| &model.classes);
        names.and_then(|names| names.get(class)).map_or_else(String::new, |(_, name)| name.clone())
    }

    /// The grid or the single image for print.
    pub fn taken(&self, view: Figure, state: &State) -> Option<Taken> {
        let images = match view {
            Figure::Manifold => state.previews.manifold.as_ref()?,
            _ => state.previews.image.as_ref()?,
        };
        let (PreviewRequest::Manifold { class, .. }
        | PreviewRequest::At { class, .. }
        | PreviewRequest::Film { class, .. }) = &images.request;
        Some(pages::decoded(state, images, &self.class_name(state, *class)))
    }

    /// The film for print.
    pub fn film(&self, state: &State) -> Option<Vec<Drawing>> {
        let (film, images) = (self.film?, state.previews.film.as_ref()?);
        let PreviewRequest::Film { class, .. } = &images.request else { return None };
        let caption = format!("{}: {}.", self.class_name(state, *class), film::title(film.course));
        Some(pages::film(state, images, &caption))
    }
}

/// The latent at a place along the grid, 0..=1: tiles stand at equal shares of the prior, not at equal steps.
fn value_at(place: f32) -> f32 {
    let at = (place * PER_SIDE as f32 - 0.5).clamp(0.0, (PER_SIDE - 1) as f32);
    let (below, part) = (at.floor() as usize, at.fract());
    let value = |tile: usize| near::latents_of([tile, 0])[0];
    value(below) + part * (value((below + 1).min(PER_SIDE - 1)) - value(below))
}

/// The place of a latent along the grid, the other way round.
fn place_of(latent: f32) -> f32 {
    let value = |tile: usize| near::latents_of([tile, 0])[0];
    let below = (0..PER_SIDE - 1).rev().find(|tile| value(*tile) <= latent).unwrap_or(0);
    let part = (latent - value(below)) / (value(below + 1) - value(below));
    (below as f32 + part + 0.5) / PER_SIDE as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_the_grid_and_its_latent_lead_to_each_other() {
        for latent in [-1.6, -0.842, -0.1, 0.0, 0.5, 1.4] {
            assert!((value_at(place_of(latent)) - latent).abs() < 1e-5, "{latent}");
        }
        // The middle of the last tile is 95 % of the prior.
        assert_eq!(value_at(6.5 / 7.0), SPAN);
        assert_eq!((value_at(-1.0), value_at(2.0)), (-SPAN, SPAN));
    }
}
