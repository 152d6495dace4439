//! The map: what is said while there is none, and the key to its colours.

use super::{Canvas, Scene, hint};
use crate::app::action::Action;
use crate::app::maps::field::{Field, Shown};
use crate::app::maps::sight::Sight;
use crate::app::maps::{colour, empty, overlay};
use crate::app::panes::scrolled;
use crate::app::state::State;
use egui::{Painter, Pos2, Rect, Ui, Vec2, vec2};

impl Canvas {
    pub(super) fn waiting(
        &self,
        ui: &mut Ui,
        rect: Rect,
        scene: &Scene<'_>,
        state: &State,
        actions: &mut Vec<Action>,
    ) {
        let active = state.maps.phase.is_active();
        let text = match (&state.maps.subject, scene.own) {
            (None, _) => {
                let inner =
                    Rect::from_center_size(rect.center(), vec2(rect.width().min(460.0) - 32.0, 330.0));
                // In a small pane the ways to begin stand under one sentence; what still does not fit scrolls.
                let brief = inner.width() < 300.0 || rect.height() < inner.height();
                let mut over = ui.new_child(egui::UiBuilder::new().max_rect(inner.intersect(rect)));
                return scrolled(&mut over, "invitation", |ui| {
                    ui.vertical_centered(|ui| empty::invitation(ui, brief, actions));
                });
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
        hint(ui, rect, &text);
    }
}

/// Says how phases come about where they are to be shown, but are not there yet.
pub(super) fn unsegmented(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, sight: &Sight) {
    if sight.shown == Shown::Segments && scene.maps.segments.is_none() {
        let text = match scene.maps.segmenting {
            true => "Pixels are being grouped…",
            false => "Press Segment in the pane Segments: alike pixels become phases with areas.",
        };
        hint(ui, rect, text);
    }
}

/// What lies over the map: the key to the colours of two latents; how far a shift is known.
pub(super) fn over(painter: &Painter, scene: &Scene<'_>, sight: &Sight) {
    let lattice = scene.maps.plan.as_ref().is_none_or(|plan| plan.found.is_some());
    if let (Shown::One(Field::Shift(_)), false) = (sight.shown, lattice) {
        let at = painter.clip_rect().left_top() + vec2(8.0, 8.0);
        overlay::label(
            painter,
            at,
            egui::Align2::LEFT_TOP,
            "within the window, known up to a lattice vector",
        );
    }
    if let (Shown::Two(i, j), Some(plane)) = (sight.shown, &sight.layers.plane) {
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
    let name = |axis: usize| format!("z{axis}");
    let below = Pos2::new(rect.center().x, rect.max.y + 2.0);
    painter.text(below, egui::Align2::CENTER_TOP, name(axes[0]), font.clone(), white);
    let beside = Pos2::new(rect.min.x - 3.0, rect.center().y);
    painter.text(beside, egui::Align2::RIGHT_CENTER, name(axes[1]), font, white);
}
