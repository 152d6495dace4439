//! The image and the map of it, side by side: they move together, and what is pointed at in one is marked in the other.

mod image;
mod map;
mod pointer;

use super::super::panes::row;
use super::layer::faded;
use super::run::Maps;
use super::sight::Sight;
use super::tool::MapTool;
use super::{map_bar, overlay};
use crate::app::action::{Action, Tool, keys_text};
use crate::app::drag::Drag;
use crate::app::picture::Picture;
use crate::app::state::{Opened, State};
use crate::app::tiles::Tiles;
use crate::app::view::{View, fitted, navigate};
use crate::app::{icon, overlay as marks, theme};
use crate::lattice::Vector;
use crate::particle::MicrographId;
use crate::project::MicrographEntry;
use egui::{Key, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Image,
    Map,
}

/// What a key or menu asked the view to do.
#[derive(Clone, Copy)]
pub enum Zoom {
    By(f32),
    ActualSize,
}

/// What the two panes alone remember.
#[derive(Default)]
pub struct Canvas {
    tiles: Tiles,
    /// The picture that the tiles show.
    tiled: Option<(MicrographId, u64)>,
    /// Corners of what is being drawn, pixels of the image, and where.
    drawn: Option<(Which, Vec<Pos2>)>,
    pub zoom: Option<Zoom>,
    /// The pane the pointer is over.
    over: Option<Which>,
    /// The place the model was asked about last.
    asked: Option<Vector>,
    /// The lattice vector whose end is dragged, and where it begins.
    held: Option<(usize, Vector)>,
    /// What is being drawn that is not to count, and where.
    mask: Option<(Which, Drag)>,
}

/// What both panes draw from.
struct Scene<'a> {
    maps: &'a Maps,
    entry: &'a MicrographEntry,
    picture: &'a Picture,
    /// The maps are of this image.
    own: bool,
}

impl Canvas {
    /// Draws one of the panes.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        which: Which,
        state: &State,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let entry = state.shown.and_then(|id| state.project.micrograph(id));
        let opened = entry.and_then(|entry| state.pictures.get(&entry.id));
        let (Some(entry), Some(Opened::Ready(picture))) = (entry, opened) else {
            match (entry, opened) {
                (Some(_), Some(Opened::Failed(why))) => theme::hint(ui, why),
                (Some(entry), _) => theme::hint(ui, &format!("Opening {}…", entry.file_name())),
                (None, _) => theme::hint(ui, "Open an atomically resolved image."),
            }
            return;
        };
        let own = state.maps.is_of(Some(entry.id));
        let scene = Scene { maps: &state.maps, entry, picture, own };
        match which {
            Which::Image => self.tools(ui, state, sight, actions),
            Which::Map => map_bar::ui(ui, &scene_maps(&scene), sight, actions),
        }
        let foot = if which == Which::Map { map_bar::foot_height(&scene_maps(&scene), sight) } else { 0.0 };
        let mut rect = ui.available_rect_before_wrap();
        rect.max.y = (rect.max.y - foot).max(rect.min.y + 40.0);
        self.picture(ui, rect, which, &scene, state, sight, actions);
        if foot > 0.0 {
            map_bar::foot(ui, &scene_maps(&scene), entry.pixel_size, sight);
        }
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, sight: &mut Sight, actions: &mut Vec<Action>) {
        row(ui, |ui| {
            for tool in MapTool::ALL {
                let action = tool.action();
                let look = action.look();
                let Some(picture) = look.icon else { continue };
                let button = icon::button(ui, picture, look.name, false, state.maps.tool == tool, true);
                let keys = keys_text(ui.ctx(), &action);
                if button.on_hover_text(format!("{} ({keys})", look.name)).clicked() {
                    actions.push(action);
                }
            }
            ui.separator();
            let fit = icon::button(ui, icon::Icon::Fit, "Fit", false, false, true);
            if fit.on_hover_text("Show the whole image (F)").clicked() {
                actions.push(Action::Fit);
            }
            ui.separator();
            ui.toggle_value(&mut sight.lattice, "Lattice")
                .on_hover_text("Cells, lattice vectors and the window that the model sees, to scale.");
            let marked = state.maps.summary.as_ref().is_some_and(|summary| !summary.outliers.is_empty());
            if marked {
                ui.toggle_value(&mut sight.marks, "Outliers")
                    .on_hover_text("Circles round places that the repeating pattern does not explain.");
            }
            if sight.brush.is_some()
                && ui.button("Let go").on_hover_text("Show all pixels again (Esc).").clicked()
            {
                sight.brush = None;
            }
        });
    }

    fn picture(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        which: Which,
        scene: &Scene<'_>,
        state: &State,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        let name = if which == Which::Image { "Image canvas" } else { "Map canvas" };
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, name));
        let painter = ui.painter().with_clip_rect(rect);
        painter.rect_filled(rect, 0.0, theme::canvas(ui.visuals()));
        let size = vec2(scene.entry.width as f32, scene.entry.height as f32);
        if which == Which::Image {
            let view = sight.view.unwrap_or_else(|| fitted(rect, size));
            self.take_handle(ui, rect, scene, sight, view.placement(rect), actions);
        }
        let view = self.look(ui, &response, rect, size, state.maps.tool, sight);
        let place = view.placement(rect);
        let no_map = which == Which::Map && !(scene.own && scene.maps.set.is_some());
        if no_map {
            self.waiting(ui, rect, scene, state, actions);
        } else {
            if which == Which::Image || sight.opacity < 1.0 {
                self.background(&painter, scene, state, place);
            }
            if which == Which::Map {
                sight.layers.map.paint(&painter, place, faded(sight.opacity));
            }
        }
        if which == Which::Image {
            for region in &scene.entry.excluded {
                marks::excluded(&painter, place.to_screen_rect(*region));
            }
            for outline in &scene.entry.outlines {
                marks::excluded_outline(&painter, place, outline);
            }
        }
        if which == Which::Image && sight.lattice {
            self.cell(&painter, scene, place);
            image::window(&painter, place, scene, sight);
        }
        if scene.own && !no_map {
            sight.layers.veil.paint(&painter, place, egui::Color32::WHITE);
            sight.layers.lit.paint(&painter, place, egui::Color32::WHITE);
            if which == Which::Image {
                image::over(&painter, place, scene, sight);
            }
            if let Some(line) = &sight.line {
                overlay::line(&painter, place, line);
            }
            if which == Which::Map {
                map::over(&painter, scene, sight);
            }
        }
        if no_map {
            return;
        }
        if which == Which::Map {
            map::unsegmented(ui, rect, scene, sight);
        }
        marks::scale_bar(&painter, rect, view.zoom, scene.entry.pixel_size.map(|size| size.x_nm));
        self.point(ui, &response, which, scene, place, sight, actions);
        if let Some(tool) = state.maps.tool.mask() {
            self.leave_out(ui, &painter, &response, which, scene, state, tool, place, actions);
        } else if scene.own {
            self.draw(ui, &painter, &response, which, scene, place, sight, actions);
        }
        if self.over != Some(which)
            && scene.own
            && let Some(at) = sight.place
        {
            overlay::cross(&painter, place, at);
        }
    }

    /// Pan, zoom, and what a key or a list asked for.
    fn look(
        &mut self,
        ui: &Ui,
        response: &Response,
        rect: Rect,
        size: Vec2,
        tool: MapTool,
        sight: &mut Sight,
    ) -> View {
        let mut view = sight.view.unwrap_or_else(|| fitted(rect, size));
        match self.zoom.take() {
            Some(Zoom::By(factor)) => view.set_zoom(view.zoom * factor),
            Some(Zoom::ActualSize) => view.set_zoom(1.0),
            None => {}
        }
        if let Some([x, y]) = sight.look_at {
            let at = view.placement(rect).to_screen(x as f32, y as f32);
            if !rect.shrink(30.0).contains(at) {
                view.centre = vec2(x as f32, y as f32);
                view.whole = false;
            }
        }
        let space = ui.input(|input| input.key_down(Key::Space));
        let tool = if tool == MapTool::Inspect { Tool::Pick } else { Tool::Select };
        if self.held.is_none() {
            navigate(ui, response, tool, space, &mut view);
        }
        sight.view = Some(view).filter(|view| !view.whole);
        view
    }
}

/// What the bars of the map pane need.
fn scene_maps<'a>(scene: &Scene<'a>) -> Option<&'a Maps> {
    Some(scene.maps).filter(|maps| scene.own && maps.set.is_some())
}

fn hint(ui: &mut Ui, rect: Rect, text: &str) {
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(24.0, 8.0))), |ui| {
        theme::hint(ui, text);
    });
}
