//! The image: its tiles, the lattice over it, and the vectors that can be dragged.

use super::{Canvas, Scene};
use crate::app::action::Action;
use crate::app::maps::overlay;
use crate::app::maps::run::Ask;
use crate::app::maps::sight::Sight;
use crate::app::state::State;
use crate::app::tiles::Placement;
use crate::lattice::{Lattice, Vector};
use crate::worker::mapping::MapSettings;
use egui::{Painter, Pos2, Rect, Response, Ui, vec2};

impl Canvas {
    pub(super) fn background(
        &mut self,
        painter: &Painter,
        scene: &Scene<'_>,
        state: &State,
        place: Placement,
    ) {
        let tiled = Some((scene.entry.id, state.picture_revision));
        if self.tiled != tiled {
            self.tiles.clear();
            self.tiled = tiled;
        }
        let range = scene.picture.range(scene.entry.contrast);
        self.tiles.paint(painter, scene.picture, place, range, scene.entry.tone);
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

    pub(super) fn cell(&self, painter: &Painter, scene: &Scene<'_>, place: Placement) {
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
    pub(super) fn take_handle(
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
}

/// What lies over the image: the window that the model sees, and the outliers.
pub(super) fn over(painter: &Painter, place: Placement, scene: &Scene<'_>, sight: &Sight) {
    let plan = scene.maps.plan.as_ref();
    if let (true, Some(plan)) = (sight.lattice, plan) {
        let middle = place.to_picture(painter.clip_rect().center());
        let centre = sight.place.unwrap_or([f64::from(middle.x), f64::from(middle.y)]);
        // What was asked for since is seen at once.
        let side = scene.maps.settings.window_px.unwrap_or(plan.window_px);
        overlay::window(painter, place, centre, side, scene.entry.pixel_size);
    }
    if sight.marks
        && let Some(summary) = &scene.maps.summary
    {
        let lattice = plan.and_then(|plan| plan.found.as_ref()).map(|found| &found.lattice);
        overlay::outliers(painter, place, &summary.outliers, sight.least, lattice, sight.outlier);
    }
}

/// Where the vectors begin, about: not in the middle, where one looks.
fn corner(rect: Rect) -> Pos2 {
    rect.lerp_inside(vec2(0.3, 0.6))
}
