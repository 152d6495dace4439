//! What the model has learned, as pictures: a grid over two latents, one image under sliders, and films between them.

mod film;
mod grid;
mod near;
mod plane;
mod shown;
mod sliders;

use super::action::Action;
use super::explore::data::{Data, Key};
use super::overlay;
use super::state::State;
use super::take::{self, Figure, Taken, pages};
use super::theme;
use crate::library::drawing::Drawing;
use crate::review::ranges::Ranges;
use crate::worker::message::{PreviewImages, PreviewRequest};
use egui::{ComboBox, Image, Rect, RichText, Sense, Ui, vec2};
use film::{Film, Stand};
use near::Near;
use plane::Plane;
use shown::Shown;

/// Images along each side of the grid.
const PER_SIDE: usize = 7;

/// What the panel alone remembers.
pub struct TraversalPanel {
    class: usize,
    /// The latents to the right and upwards.
    axes: (usize, usize),
    latents: Vec<f32>,
    angle_deg: f32,
    /// To the right and down, pixels of the patch.
    shift: [f32; 2],
    scale: f32,
    /// Frames round the tiles say how many particles lie there.
    dense: bool,
    /// The table and the plane of the counts.
    crowd: Option<(Option<Key>, Plane, Vec<usize>)>,
    manifold: Shown,
    image: Shown,
    /// The single picture as it is shown, for print.
    kept: Option<PreviewImages>,
    film: Option<Film>,
    near: Near,
    /// The request and the model's revision asked for last, so that nothing is asked twice.
    asked: [Option<(PreviewRequest, u64)>; 3],
}

impl Default for TraversalPanel {
    fn default() -> Self {
        Self {
            class: 0,
            axes: (0, 1),
            latents: Vec::new(),
            angle_deg: 0.0,
            shift: [0.0; 2],
            scale: 1.0,
            dense: true,
            crowd: None,
            manifold: Shown::default(),
            image: Shown::default(),
            kept: None,
            film: None,
            near: Near::default(),
            asked: [const { None }; 3],
        }
    }
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
        let last = model.latent.saturating_sub(1);
        self.axes = (self.axes.0.min(last), self.axes.1.min(last));
        let known = data.ranges(self.class).filter(|ranges| ranges.latents.len() == model.latent);
        let ranges = known.cloned().unwrap_or_else(|| Ranges::of_prior(model.latent));
        // Where no particle of the class is there is nothing to see.
        for (latent, [low, high]) in self.latents.iter_mut().zip(&ranges.latents) {
            if !(*low..=*high).contains(latent) {
                *latent = 0.5 * (low + high);
            }
        }
        egui::ScrollArea::vertical().id_salt("traversal").auto_shrink(false).show(ui, |ui| {
            self.choose_class(ui, state, actions);
            self.choose_axes(ui, data);
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
            self.sliders(ui, state, data, &ranges);
        });
        self.ask(state, &ranges, actions);
    }

    fn choose_axes(&mut self, ui: &mut Ui, data: &Data) {
        ui.horizontal_wrapped(|ui| {
            let axes = [
                ("Latent to the right", "Right", &mut self.axes.0),
                ("Latent upwards", "Up", &mut self.axes.1),
            ];
            for (name, way, axis) in axes {
                ui.weak(way);
                let label = |latent: usize| {
                    let text = RichText::new(format!("z{}", latent + 1));
                    let collapsed = data.meaning(self.class, latent).is_some_and(|m| m.collapsed);
                    if collapsed { text.weak() } else { text }
                };
                ComboBox::from_id_salt(name)
                    .width(48.0)
                    .selected_text(label(*axis))
                    .show_ui(ui, |ui| {
                        for latent in 0..self.latents.len() {
                            ui.selectable_value(axis, latent, label(latent));
                        }
                    })
                    .response
                    .accessible_name(name);
            }
            ui.checkbox(&mut self.dense, "Density").on_hover_text(
                "Frames say how many particles lie on a tile, from none (grey) to the most (yellow).",
            );
        });
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
            if self.film.is_none() {
                self.kept = Some(images.clone());
            }
        }
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        let film = self.film.map(|film| film::title(film.course));
        let name = film.unwrap_or_else(|| "Decoded image".to_owned());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
        ui.painter().rect_filled(rect, 2.0, ui.visuals().extreme_bg_color);
        if let Some(texture) = &self.image.texture {
            Image::new((texture.id(), rect.size())).paint_at(ui, rect);
            self.scale_bar(ui, state, rect);
        }
    }

    fn scale_bar(&self, ui: &Ui, state: &State, rect: Rect) {
        let Some(dataset) = &state.training.dataset else { return };
        let points = rect.width() / dataset.patches.side.max(1) as f32;
        match pages::patch_pixel(state) {
            Some((nm, "nm")) => overlay::scale_bar(ui.painter(), rect, points, Some(nm)),
            Some((px, _)) => overlay::scale_bar(ui.painter(), rect, points / px as f32, None),
            None => {}
        }
    }

    fn stand(&self) -> Stand<'_> {
        Stand {
            class: self.class,
            latents: &self.latents,
            angle_rad: self.angle_deg.to_radians(),
            shift: self.shift,
            scale: self.scale,
        }
    }

    fn ask(&mut self, state: &State, ranges: &Ranges, actions: &mut Vec<Action>) {
        // Before the first step has been made the worker is busy compiling and has nothing to show.
        if state.training.progress.is_none() && state.results.is_none() {
            return;
        }
        let range = |axis: usize| ranges.latents.get(axis).copied().unwrap_or([-1.0, 1.0]);
        let plane =
            Plane { class: self.class, axes: self.axes, ranges: [range(self.axes.0), range(self.axes.1)] };
        let Stand { class, latents, angle_rad, shift, scale } = self.stand();
        let image = PreviewRequest::At { class, latents: latents.to_vec(), angle_rad, shift, scale };
        let film = self
            .film
            .and_then(|film| film::request(film.course, state.results.as_ref(), self.stand(), ranges));
        if film.is_none() {
            self.film = None;
        }
        for (asked, request) in self.asked.iter_mut().zip([Some(plane.request()), Some(image), film]) {
            let Some(request) = request else { continue };
            let wanted = (request, state.previews.revision);
            if asked.as_ref() != Some(&wanted) {
                actions.push(Action::Preview(wanted.0.clone()));
                *asked = Some(wanted);
            }
        }
    }

    fn class_name(&self, state: &State, class: usize) -> String {
        state.class_names().into_iter().nth(class).unwrap_or_default()
    }

    /// The grid or the single image for print.
    pub fn taken(&self, view: Figure, state: &State) -> Option<Taken> {
        let images = match view {
            Figure::Manifold => state.previews.manifold.as_ref()?,
            // The card under the pointer asks for images, too: this one is the traversal's.
            _ => self.kept.as_ref()?,
        };
        let (PreviewRequest::Manifold { class, .. }
        | PreviewRequest::At { class, .. }
        | PreviewRequest::Film { class, .. }) = &images.request;
        let plane = Plane::of(&images.request);
        let crowd = self.crowd.as_ref().filter(|(_, over, _)| self.dense && Some(*over) == plane);
        let density = crowd.map(|(_, _, counts)| &counts[..]);
        Some(pages::decoded(state, images, &self.class_name(state, *class), density))
    }

    /// The film for print.
    pub fn film(&self, state: &State) -> Option<Vec<Drawing>> {
        let (film, images) = (self.film?, state.previews.film.as_ref()?);
        let PreviewRequest::Film { class, .. } = &images.request else { return None };
        let caption = format!("{}: {}.", self.class_name(state, *class), film::title(film.course));
        Some(pages::film(state, images, &caption))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::drawing::Item;

    #[test]
    fn what_leaves_is_the_picture_of_the_sliders_not_that_of_a_card() {
        let images = |latent: f32| PreviewImages {
            request: PreviewRequest::At {
                class: 0,
                latents: vec![latent],
                angle_rad: 0.0,
                shift: [0.0; 2],
                scale: 1.0,
            },
            side: 2,
            images: vec![0.5; 4].into(),
        };
        let panel = TraversalPanel { kept: Some(images(0.5)), ..TraversalPanel::default() };
        let mut state = State::default();
        state.previews.image = Some(images(2.0));
        let page = panel.taken(Figure::Decoded, &state).unwrap().page;
        let text: String = (page.items.iter())
            .filter_map(
                |item| if let Item::Text { text, .. } = item { Some(format!("{text} ")) } else { None },
            )
            .collect();
        assert!(text.contains("z1 = 0.50") && !text.contains("2.00"), "{text}");
    }
}
