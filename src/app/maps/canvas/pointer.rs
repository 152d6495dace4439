//! The pointer over image and map: what it points at, draws and clicks.

use super::{Canvas, Scene, Which};
use crate::app::action::{Action, Tool};
use crate::app::drag::{Drag, region_at};
use crate::app::maps::brush::Choice;
use crate::app::maps::field::Line;
use crate::app::maps::overlay;
use crate::app::maps::run::Ask;
use crate::app::maps::sight::Sight;
use crate::app::maps::tool::MapTool;
use crate::app::overlay as marks;
use crate::app::state::State;
use crate::app::tiles::Placement;
use crate::lattice::Vector;
use crate::particle::Outline;
use crate::worker::mapping::MapQuery;
use egui::{Key, Painter, Pos2, Response, Ui};

/// Points between two corners of a drawn outline.
const STEP: f32 = 3.0;
/// A line shorter than this on screen was a click.
const SHORTEST: f32 = 6.0;

impl Canvas {
    /// The pixel under the pointer, and the question to the model about it.
    pub(super) fn point(
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

    /// Boxes and outlines of what is not to count; a right click takes one away.
    pub(super) fn leave_out(
        &mut self,
        ui: &Ui,
        painter: &Painter,
        response: &Response,
        which: Which,
        scene: &Scene<'_>,
        state: &State,
        tool: Tool,
        place: Placement,
        actions: &mut Vec<Action>,
    ) {
        if self.mask.is_none() && self.held.is_none() {
            self.mask = Drag::excluding(ui, response, tool, place).map(|drag| (which, drag));
        }
        if let Some((on, drag)) = self.mask.take() {
            self.mask = if on == which {
                let drag = drag.go_on(ui, painter, response, state, tool, scene.entry, place, actions);
                drag.map(|drag| (on, drag))
            } else {
                Some((on, drag))
            };
        }
        if response.secondary_clicked()
            && let Some(pos) = response.interact_pointer_pos()
        {
            actions.extend(region_at(scene.entry, place.to_picture(pos)));
        }
    }

    /// Outlines, profile lines and clicks.
    pub(super) fn draw(
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
