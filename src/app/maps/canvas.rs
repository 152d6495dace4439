//! The image and the map of it, side by side: they move together, and what is pointed at in one is marked in the other.

use super::brush::Choice;
use super::field::{Line, Shown};
use super::layer::faded;
use super::overlay;
use super::run::{Ask, MapTool, Maps};
use super::sight::Sight;
use super::{colour, empty, map_bar};
use crate::app::action::{Action, Tool, keys_text};
use crate::app::picture::Picture;
use crate::app::state::{Opened, State};
use crate::app::tiles::{Placement, Tiles};
use crate::app::view::{View, fitted, navigate};
use crate::app::{icon, overlay as marks, theme};
use crate::lattice::{Lattice, Vector};
use crate::particle::{MicrographId, Outline};
use crate::project::MicrographEntry;
use crate::worker::mapping::{MapQuery, MapSettings};
use egui::{Key, Painter, Pos2, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

/// Points between two corners of a drawn outline.
const STEP: f32 = 3.0;
/// A line shorter than this on screen was a click.
const SHORTEST: f32 = 6.0;

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
                let action = Action::MapTool(tool);
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
            self.take_handle(ui, &response, scene, sight, view.placement(rect), actions);
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
        if which == Which::Image && sight.lattice {
            self.cell(&painter, scene, place);
        }
        if scene.own && !no_map {
            sight.layers.veil.paint(&painter, place, egui::Color32::WHITE);
            sight.layers.lit.paint(&painter, place, egui::Color32::WHITE);
            over(&painter, place, which, scene, sight);
        }
        if no_map {
            return;
        }
        if which == Which::Map && sight.shown == Shown::Segments && scene.maps.segments.is_none() {
            let text = match scene.maps.segmenting {
                true => "Pixels are being grouped…",
                false => "Press Segment in the pane Segments: alike pixels become phases with areas.",
            };
            theme_hint(ui, rect, text);
        }
        marks::scale_bar(&painter, rect, view.zoom, scene.entry.pixel_size.map(|size| size.x_nm));
        self.point(ui, &response, which, scene, place, sight, actions);
        if scene.own {
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

    /// The cell as it is chosen by hand, else as it was found: where it lies, its vectors, and whether by hand.
    fn cell_of(scene: &Scene<'_>) -> Option<(overlay::Cells, [Vector; 2], bool)> {
        let found = scene.maps.plan.as_ref().filter(|_| scene.own).and_then(|plan| plan.found.as_ref());
        let middle = [scene.entry.width, scene.entry.height].map(|n| n as f64 / 2.0);
        let origin = found.map_or(middle, |found| found.origin);
        match (scene.maps.settings.cell, found) {
            (Some(cell), _) => {
                let lattice = Lattice::new(cell[0], cell[1]).ok()?;
                Some((overlay::Cells { lattice, origin }, cell, true))
            }
            (None, Some(found)) => {
                let lattice = found.lattice;
                Some((overlay::Cells { lattice, origin }, [lattice.a, lattice.b], false))
            }
            (None, None) => None,
        }
    }

    fn cell(&self, painter: &Painter, scene: &Scene<'_>, place: Placement) {
        let Some((cells, vectors, by_hand)) = Self::cell_of(scene) else { return };
        let origin =
            self.held.map_or_else(|| cells.nearest(place, corner(painter.clip_rect())), |(_, origin)| origin);
        let (w, h) = (scene.entry.width as f32, scene.entry.height as f32);
        let whole = Rect::from_min_max(place.to_screen(-0.5, -0.5), place.to_screen(w - 0.5, h - 0.5));
        let inside = painter.with_clip_rect(painter.clip_rect().intersect(whole));
        overlay::Cells { origin, ..cells }.paint(&inside, place);
        overlay::vectors(painter, place, origin, vectors, scene.entry.pixel_size, by_hand);
    }

    /// A drag that begins on a vector's end moves it, where the cell is chosen by hand.
    fn take_handle(
        &mut self,
        ui: &Ui,
        response: &Response,
        scene: &Scene<'_>,
        sight: &Sight,
        place: Placement,
        actions: &mut Vec<Action>,
    ) {
        let cell = Self::cell_of(scene).filter(|(_, _, by_hand)| *by_hand && sight.lattice);
        let Some((cells, mut vectors, _)) = cell else {
            self.held = None;
            return;
        };
        if response.drag_started()
            && let Some(from) = ui.input(|input| input.pointer.press_origin())
        {
            let origin = cells.nearest(place, corner(response.rect));
            self.held = overlay::handle_at(place, origin, vectors, from).map(|i| (i, origin));
        }
        if let (Some((i, origin)), Some(pos)) = (self.held, response.interact_pointer_pos())
            && response.dragged()
        {
            let at = place.to_picture(pos);
            vectors[i] = [f64::from(at.x) - origin[0], f64::from(at.y) - origin[1]];
            if Lattice::new(vectors[0], vectors[1]).is_ok() {
                let settings = MapSettings { cell: Some(vectors), ..scene.maps.settings.clone() };
                actions.push(Action::Maps(Ask::Settings(Box::new(settings))));
            }
        }
        if response.drag_stopped() {
            self.held = None;
        }
    }

    fn background(&mut self, painter: &Painter, scene: &Scene<'_>, state: &State, place: Placement) {
        let tiled = Some((scene.entry.id, state.picture_revision));
        if self.tiled != tiled {
            self.tiles.clear();
            self.tiled = tiled;
        }
        let range = scene.picture.range(scene.entry.contrast);
        self.tiles.paint(painter, scene.picture, place, range, scene.entry.tone);
    }

    fn waiting(&self, ui: &mut Ui, rect: Rect, scene: &Scene<'_>, state: &State, actions: &mut Vec<Action>) {
        let active = state.maps.phase.is_active();
        let text = match (&state.maps.subject, scene.own) {
            (None, _) => {
                let inner =
                    Rect::from_center_size(rect.center(), vec2(rect.width().min(460.0) - 32.0, 330.0));
                let mut over = ui.new_child(egui::UiBuilder::new().max_rect(inner.intersect(rect)));
                return over.vertical_centered(|ui| empty::invitation(ui, actions)).inner;
            }
            (Some(subject), false) if state.maps.set.is_some() || active => {
                format!(
                    "The maps are of {}. Choose it at the left, or press Start for this image.",
                    subject.name
                )
            }
            (Some(_), true) if active => "The first map comes in a moment.".to_owned(),
            (Some(_), true) => "There are no maps; what is missing stands at the left.".to_owned(),
            (Some(_), false) => "Press Start (T) for maps of this image.".to_owned(),
        };
        theme_hint(ui, rect, &text);
    }

    /// The pixel under the pointer, and the question to the model about it.
    fn point(
        &mut self,
        ui: &Ui,
        response: &Response,
        which: Which,
        scene: &Scene<'_>,
        place: Placement,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let Some(pos) = response.hover_pos().filter(|_| response.hovered()) else {
            if self.over == Some(which) {
                self.over = None;
            }
            return;
        };
        self.over = Some(which);
        let at = place.to_picture(pos);
        let (w, h) = (scene.entry.width as f32, scene.entry.height as f32);
        if !(at.x >= -0.5 && at.y >= -0.5 && at.x < w - 0.5 && at.y < h - 0.5) {
            return;
        }
        // Whole pixels: the pointer's tremble asks nothing new.
        let at: Vector = [f64::from(at.x.round()), f64::from(at.y.round())];
        if sight.place != Some(at) {
            sight.place = Some(at);
            ui.ctx().request_repaint();
        }
        // A pointer that was there before the first map is answered, too.
        let known = scene.own && scene.maps.set.is_some();
        if std::mem::replace(&mut self.asked, Some(at).filter(|_| known)) != Some(at) && known {
            actions.push(Action::Maps(Ask::Query(MapQuery::Place(at))));
        }
    }

    /// Outlines, profile lines and clicks.
    fn draw(
        &mut self,
        ui: &Ui,
        painter: &Painter,
        response: &Response,
        which: Which,
        scene: &Scene<'_>,
        place: Placement,
        sight: &mut Sight,
        actions: &mut Vec<Action>,
    ) {
        let tool = scene.maps.tool;
        let pos = response.interact_pointer_pos();
        if response.clicked()
            && let Some(pos) = pos
        {
            click(scene, which, place, sight, pos);
        }
        let space = ui.input(|input| input.key_down(Key::Space));
        let draws = tool != MapTool::Inspect
            && self.held.is_none()
            && !space
            && response.dragged_by(egui::PointerButton::Primary);
        if let Some(pos) = pos.filter(|_| draws) {
            let from = if response.drag_started() { ui.input(|i| i.pointer.press_origin()) } else { None };
            self.extend(which, tool, place, from, pos);
        }
        let Some((_, path)) = self.drawn.as_ref().filter(|(on, _)| *on == which) else { return };
        let on_screen: Vec<Pos2> = path.iter().map(|at| place.to_screen(at.x, at.y)).collect();
        let ended = response.drag_stopped();
        match (tool, path.first(), path.last()) {
            (MapTool::Outline, Some(_), Some(_)) => {
                marks::outline(painter, on_screen);
                if ended && path.len() > 2 {
                    let outline = Outline { corners: path.iter().map(|at| [at.x, at.y]).collect() };
                    sight.choose(scene.maps, Some(Choice::Image(outline)));
                }
            }
            (MapTool::Wall, Some(a), Some(b)) => {
                let at = |p: &Pos2| [f64::from(p.x), f64::from(p.y)];
                let line = Line { from: at(a), to: at(b), breadth: sight.breadth };
                overlay::line(painter, place, &line);
                let long =
                    on_screen.first().zip(on_screen.last()).is_some_and(|(a, b)| a.distance(*b) > SHORTEST);
                if ended && long {
                    sight.line = Some(line);
                    let asked = Some((sight.shown.field(), line));
                    actions.push(Action::Maps(Ask::Profile(asked)));
                }
            }
            _ => {}
        }
        if ended || tool == MapTool::Inspect {
            self.drawn = None;
        }
    }

    fn extend(&mut self, which: Which, tool: MapTool, place: Placement, from: Option<Pos2>, pos: Pos2) {
        let at = place.to_picture(pos);
        match &mut self.drawn {
            Some((on, path)) if *on == which && from.is_none() => {
                let far = path.last().is_none_or(|last| last.distance(at) * place.zoom >= STEP);
                if tool == MapTool::Wall {
                    path.truncate(1);
                    path.push(at);
                } else if far {
                    path.push(at);
                }
            }
            _ => self.drawn = Some((which, vec![place.to_picture(from.unwrap_or(pos)), at])),
        }
    }
}

/// Where the vectors begin, about: not in the middle, where one looks.
fn corner(rect: Rect) -> Pos2 {
    rect.lerp_inside(vec2(0.3, 0.6))
}

/// What the bars of the map pane need.
fn scene_maps<'a>(scene: &Scene<'a>) -> Option<&'a Maps> {
    Some(scene.maps).filter(|maps| scene.own && maps.set.is_some())
}

/// A row of controls over a picture.
pub fn row(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let frame = egui::Frame::new().fill(ui.visuals().panel_fill).inner_margin(egui::Margin::symmetric(6, 3));
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            content(ui);
            ui.take_available_width();
        });
    });
}

fn theme_hint(ui: &mut Ui, rect: Rect, text: &str) {
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect.shrink2(vec2(24.0, 8.0))), |ui| {
        theme::hint(ui, text);
    });
}

/// Lattice, window, outliers and the profile's line.
fn over(painter: &Painter, place: Placement, which: Which, scene: &Scene<'_>, sight: &Sight) {
    let size = scene.entry.pixel_size;
    let plan = scene.maps.plan.as_ref();
    let found = plan.and_then(|plan| plan.found.as_ref());
    if let (Which::Image, true, Some(plan)) = (which, sight.lattice, plan) {
        let middle = place.to_picture(painter.clip_rect().center());
        let centre = sight.place.unwrap_or([f64::from(middle.x), f64::from(middle.y)]);
        // What was asked for since is seen at once.
        let side = scene.maps.settings.window_px.unwrap_or(plan.window_px);
        overlay::window(painter, place, centre, side, size);
    }
    if which == Which::Image
        && sight.marks
        && let Some(summary) = &scene.maps.summary
    {
        let lattice = found.map(|found| &found.lattice);
        overlay::outliers(painter, place, &summary.outliers, sight.least, lattice, sight.outlier);
    }
    if let Some(line) = &sight.line {
        overlay::line(painter, place, line);
    }
    if which == Which::Map
        && let (Shown::Two(i, j), Some(plane)) = (sight.shown, &sight.layers.plane)
    {
        key(painter, plane, [i, j]);
    }
}

/// The plane of colours with its axes, in the lower right corner.
fn key(painter: &Painter, plane: &colour::Plane, axes: [usize; 2]) {
    const SIDE: f32 = 64.0;
    const CELLS: usize = 24;
    let clip = painter.clip_rect();
    let rect = Rect::from_min_size(clip.max - vec2(SIDE + 12.0, SIDE + 28.0), Vec2::splat(SIDE));
    let ground = rect.expand2(vec2(4.0, 4.0)).with_max_y(rect.max.y + 18.0).with_min_x(rect.min.x - 18.0);
    painter.rect_filled(ground, 3.0, egui::Color32::from_black_alpha(150));
    let ranges = plane.ranges();
    let mut mesh = egui::Mesh::default();
    let cell = SIDE / CELLS as f32;
    for row in 0..CELLS {
        for column in 0..CELLS {
            let at = |i: usize, n: usize| {
                let [low, high] = ranges[i];
                low + (high - low) * (n as f32 + 0.5) / CELLS as f32
            };
            let corner = Pos2::new(rect.min.x + column as f32 * cell, rect.max.y - (row + 1) as f32 * cell);
            let colour = plane.of([at(0, column), at(1, row)]);
            mesh.add_colored_rect(Rect::from_min_size(corner, Vec2::splat(cell)), colour);
        }
    }
    painter.add(mesh);
    let font = egui::FontId::proportional(12.0);
    let white = egui::Color32::WHITE;
    let name = |axis: usize| format!("z{}", axis + 1);
    let below = Pos2::new(rect.center().x, rect.max.y + 2.0);
    painter.text(below, egui::Align2::CENTER_TOP, name(axes[0]), font.clone(), white);
    let beside = Pos2::new(rect.min.x - 3.0, rect.center().y);
    painter.text(beside, egui::Align2::RIGHT_CENTER, name(axes[1]), font, white);
}

/// A click on an outlier chooses it; one beside what is chosen lets go.
fn click(scene: &Scene<'_>, which: Which, place: Placement, sight: &mut Sight, pos: Pos2) {
    let plan = scene.maps.plan.as_ref();
    let lattice = plan.and_then(|plan| plan.found.as_ref()).map(|found| &found.lattice);
    if which == Which::Image
        && sight.marks
        && let Some(summary) = &scene.maps.summary
    {
        sight.outlier = overlay::outlier_at(place, &summary.outliers, sight.least, lattice, pos);
    }
    if scene.maps.tool == MapTool::Outline {
        sight.brush = None;
    }
}
