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
use egui::{CursorIcon, Painter, Pos2, Rect, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

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
        let middle = [scene.entry.width, scene.entry.height].map(|n| n as f64 / 2.0);
        let survey = scene.maps.survey_of(Some(scene.entry.id));
        let planned = scene.maps.plan.as_ref().filter(|_| scene.own).and_then(|plan| plan.found.as_ref());
        let found = survey
            .and_then(|survey| survey.found.as_ref().map(|found| (found.lattice, survey.origin)))
            .or_else(|| planned.map(|found| (found.lattice, found.origin)));
        let origin = found.map_or(middle, |(_, origin)| origin);
        match (scene.maps.settings.cell, found) {
            (Some(cell), _) => {
                let lattice = Lattice::new(cell[0], cell[1]).ok()?;
                Some((overlay::Cells { lattice, origin }, cell, true))
            }
            (None, Some((lattice, _))) => {
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
        rect: Rect,
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
        let origin = self.held.map_or_else(|| cells.nearest(place, corner(rect)), |(_, origin)| origin);
        for (i, name) in ["a", "b"].into_iter().enumerate() {
            let end = [origin[0] + vectors[i][0], origin[1] + vectors[i][1]];
            let end = place.to_screen(end[0] as f32, end[1] as f32);
            let reach = Rect::from_center_size(end, Vec2::splat(2.0 * overlay::REACH)).intersect(rect);
            let handle = ui.interact(reach, ui.scope_id().with(("cell handle", i)), Sense::drag());
            handle.widget_info(|| {
                WidgetInfo::labeled(Role::Slider, true, format!("End of lattice vector {name}"))
            });
            let handle = handle.on_hover_cursor(CursorIcon::Move);
            if handle.drag_started() {
                self.held = Some((i, origin));
            }
            if self.held.is_none_or(|(held, _)| held != i) {
                continue;
            }
            if let Some(pos) = handle.interact_pointer_pos().filter(|_| handle.dragged()) {
                let at = place.to_picture(pos);
                let moved = [f64::from(at.x) - origin[0], f64::from(at.y) - origin[1]];
                // Vectors along one line span no cell: the last ones that did stay.
                let before = std::mem::replace(&mut vectors[i], moved);
                if Lattice::new(vectors[0], vectors[1]).is_err() {
                    vectors[i] = before;
                }
            }
            let drawn = MapSettings { cell: Some(vectors), ..scene.maps.settings.clone() };
            if handle.drag_stopped() {
                self.held = None;
                actions.push(Action::Maps(Ask::Settings(Box::new(drawn))));
            } else if handle.dragged() {
                actions.push(Action::Maps(Ask::Hold(Box::new(drawn))));
            }
        }
    }
}

/// The window that the model sees, or will see: as it was asked for, was planned, or is proposed.
pub(super) fn window(painter: &Painter, place: Placement, scene: &Scene<'_>, sight: &Sight) {
    let maps = scene.maps;
    let planned = maps.plan.as_ref().filter(|_| scene.own).map(|plan| plan.window_px);
    let proposed = || {
        let proposal = maps.survey_of(Some(scene.entry.id)).and_then(|s| s.proposal(&maps.settings));
        proposal.map(|proposal| proposal.window_px)
    };
    // What was asked for since is seen at once.
    let Some(side) = maps.settings.window_px.or(planned).or_else(proposed) else { return };
    let middle = place.to_picture(painter.clip_rect().center());
    let centre = sight.place.unwrap_or([f64::from(middle.x), f64::from(middle.y)]);
    overlay::window(painter, place, centre, side, scene.entry.pixel_size);
}

/// What lies over the image: the outliers.
pub(super) fn over(painter: &Painter, place: Placement, scene: &Scene<'_>, sight: &Sight) {
    let plan = scene.maps.plan.as_ref();
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
