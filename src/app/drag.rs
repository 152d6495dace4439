//! What a drag over the picture does: boxes, outlines, lines, and particles that are moved.

use super::action::{Action, Tool};
use super::canvas::joins;
use super::overlay;
use super::state::State;
use super::tiles::Placement;
use crate::particle::ParticleId;
use crate::project::edit::Edit;
use crate::project::{MicrographEntry, Outline, Region};
use egui::{Key, Painter, PointerButton, Pos2, Rect, Response, Ui, vec2};

/// Corners of an outline lie at least so far apart, points on screen.
const STEP: f32 = 3.0;

/// A drag under way; places in micrograph pixels.
pub enum Drag {
    Box { start: Pos2 },
    Outline { corners: Vec<Pos2> },
    Line { start: Pos2 },
    Move { particles: Vec<ParticleId>, start: Pos2 },
}

impl Drag {
    /// What a drag that starts now is, if it is not one that moves the picture.
    pub fn begin(ui: &Ui, response: &Response, state: &State, place: Placement, reach: f32) -> Option<Self> {
        if !response.drag_started_by(PointerButton::Primary) || ui.input(|input| input.key_down(Key::Space)) {
            return None;
        }
        let start = place.to_picture(ui.input(|input| input.pointer.press_origin())?);
        let join = ui.input(joins);
        let under = state.nearest(start.x, start.y, reach);
        match (state.tool, under) {
            (Tool::Pick | Tool::Select | Tool::Lasso, Some(id)) if !join => {
                // A selected particle takes along what is selected and in sight.
                let all = state.selection.contains(&id);
                let seen = |id: &ParticleId| state.is_in_sight(*id);
                let along = || state.selection.iter().copied().filter(seen).collect();
                let particles = if all { along() } else { vec![id] };
                Some(Drag::Move { particles, start })
            }
            (Tool::Pick, _) if join => Some(Drag::Box { start }),
            (Tool::Pick, _) => None,
            (Tool::Select | Tool::Exclude, _) => Some(Drag::Box { start }),
            (Tool::Lasso | Tool::Outline, _) => Some(Drag::Outline { corners: vec![start] }),
            (Tool::Measure, _) => Some(Drag::Line { start }),
        }
    }

    /// The same where nothing but what counts is drawn, with a box or an outline.
    pub fn excluding(ui: &Ui, response: &Response, tool: Tool, place: Placement) -> Option<Self> {
        if !response.drag_started_by(PointerButton::Primary) || ui.input(|input| input.key_down(Key::Space)) {
            return None;
        }
        let start = place.to_picture(ui.input(|input| input.pointer.press_origin())?);
        match tool {
            Tool::Exclude => Some(Drag::Box { start }),
            Tool::Outline => Some(Drag::Outline { corners: vec![start] }),
            _ => None,
        }
    }

    /// Follows the pointer; gives itself back until the button is let go.
    pub fn go_on(
        mut self,
        ui: &Ui,
        painter: &Painter,
        response: &Response,
        state: &State,
        tool: Tool,
        entry: &MicrographEntry,
        place: Placement,
        actions: &mut Vec<Action>,
    ) -> Option<Self> {
        if ui.input(|input| input.key_pressed(Key::Escape)) {
            return None;
        }
        let end = place.to_picture(response.interact_pointer_pos()?);
        if let Drag::Outline { corners } = &mut self
            && corners.last().is_none_or(|last| last.distance(end) * place.zoom >= STEP)
        {
            corners.push(end);
        }
        self.draw(painter, state, place, end);
        if !response.drag_stopped() {
            return Some(self);
        }
        actions.extend(self.finish(ui, state, tool, entry, end));
        None
    }

    fn draw(&self, painter: &Painter, state: &State, place: Placement, end: Pos2) {
        match self {
            Drag::Box { start } => overlay::box_outline(painter, place.to_screen_rect(region(*start, end))),
            Drag::Outline { corners } => {
                let line = corners.iter().map(|c| place.to_screen(c.x, c.y)).collect();
                overlay::outline(painter, line);
            }
            Drag::Line { start } => {
                overlay::measured(
                    painter,
                    place.to_screen(start.x, start.y),
                    place.to_screen(end.x, end.y),
                    start.distance(end),
                );
            }
            Drag::Move { particles, start } => {
                let moved = particles.iter().filter_map(|id| state.project.particle(*id));
                let moved = moved.map(|p| place.to_screen(p.x + end.x - start.x, p.y + end.y - start.y));
                overlay::moved(painter, moved.take(500));
            }
        }
    }

    fn finish(
        self,
        ui: &Ui,
        state: &State,
        tool: Tool,
        entry: &MicrographEntry,
        end: Pos2,
    ) -> Option<Action> {
        let join = ui.input(joins);
        let inside = |test: &dyn Fn(f32, f32) -> bool| {
            let particles =
                state.project.particles_on(entry.id).filter(|p| test(p.x, p.y) && !state.is_hidden(p));
            Action::Select { particles: particles.map(|p| p.id).collect(), join }
        };
        match (self, tool) {
            (Drag::Box { start }, Tool::Exclude) => exclude(entry, Rect::from_two_pos(start, end)),
            (Drag::Box { start }, _) => {
                let dragged = Rect::from_two_pos(start, end);
                Some(inside(&|x, y| dragged.contains(Pos2::new(x, y))))
            }
            (Drag::Outline { corners }, tool) if corners.len() >= 3 => {
                let outline = Outline { corners: corners.iter().map(|c| [c.x, c.y]).collect() };
                if tool == Tool::Lasso {
                    return Some(inside(&|x, y| outline.contains(x, y)));
                }
                let mut changed = entry.clone();
                changed.outlines.push(outline);
                Some(change("exclude an outline", changed))
            }
            (Drag::Outline { .. }, _) => None,
            (Drag::Line { start }, _) => {
                // In pixels along x: where pixels are not square, those along y count by what they measure.
                let ratio = entry.pixel_size.map_or(1.0, |size| size.y_nm / size.x_nm) as f32;
                let length_px = (end.x - start.x).hypot((end.y - start.y) * ratio);
                (length_px >= 2.0).then_some(Action::Calibrate { length_px })
            }
            (Drag::Move { particles, start }, _) => {
                let by = end - start;
                (by != vec2(0.0, 0.0)).then_some(Action::MoveParticles { particles, dx: by.x, dy: by.y })
            }
        }
    }
}

fn region(a: Pos2, b: Pos2) -> Region {
    let rect = Rect::from_two_pos(a, b);
    Region { x0: rect.min.x, y0: rect.min.y, x1: rect.max.x, y1: rect.max.y }
}

fn change(name: &str, entry: MicrographEntry) -> Action {
    Action::Change { name: name.into(), edit: Edit::ChangeMicrograph(entry) }
}

/// The drawn box as an excluded region, cut to the picture; none for a box of nothing.
fn exclude(entry: &MicrographEntry, dragged: Rect) -> Option<Action> {
    let picture =
        Rect::from_min_max(Pos2::new(-0.5, -0.5), Pos2::new(entry.width as f32, entry.height as f32));
    let inside = dragged.intersect(picture);
    if inside.width() < 1.0 || inside.height() < 1.0 {
        return None;
    }
    let mut changed = entry.clone();
    changed.excluded.push(region(inside.min, inside.max));
    Some(change("exclude a region", changed))
}

/// Takes away the excluded region at a point, the one drawn last.
pub fn region_at(entry: &MicrographEntry, at: Pos2) -> Option<Action> {
    let mut changed = entry.clone();
    if let Some(place) = entry.outlines.iter().rposition(|outline| outline.contains(at.x, at.y)) {
        changed.outlines.remove(place);
    } else {
        let place = entry.excluded.iter().rposition(|region| region.contains(at.x, at.y))?;
        changed.excluded.remove(place);
    }
    Some(change("use an excluded region again", changed))
}
