//! What the hand does on the scatter: a click, a box, a lasso.

use super::super::action::Action;
use super::super::state::count;
use super::super::theme;
use super::cloud::{Dot, screen};
use super::{Drag, ExplorePanel, REACH, STEP};
use crate::particle::ParticleId;
use egui::{Color32, Event, Pos2, Stroke, Ui};
use egui_plot::PlotTransform;

impl ExplorePanel {
    pub(super) fn drags(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        transform: &PlotTransform,
        actions: &mut Vec<Action>,
    ) {
        if self.drag == Drag::Pan {
            self.path.clear();
            return;
        }
        if response.drag_started() {
            self.path.clear();
            self.path.extend(ui.input(|input| input.pointer.press_origin()));
        }
        if response.dragged() || response.drag_stopped() {
            for pos in
                ui.input(|input| places(&input.events)).into_iter().chain(response.interact_pointer_pos())
            {
                if self.path.last().is_none_or(|last| last.distance(pos) >= STEP) {
                    self.path.push(pos);
                }
            }
        }
        let outline = self.outline();
        if outline.len() > 2 {
            let painter = ui.painter_at(*transform.frame());
            let mut closed = outline.clone();
            closed.extend(outline.first().copied());
            painter.line(closed.clone(), Stroke::new(3.0, theme::UNDERLINE));
            painter.line(closed, Stroke::new(1.5, Color32::WHITE));
        }
        if response.drag_stopped() {
            let inside = |dot: &&Dot| within(&outline, screen(transform, dot.at));
            let particles: Vec<ParticleId> =
                self.scatter.dots.iter().filter(inside).map(|dot| dot.id).collect();
            self.tell(Ok(format!("{} inside", count(particles.len(), "particle"))), &particles);
            let join = ui.input(|input| input.modifiers.shift || input.modifiers.command);
            actions.push(Action::Select { particles, join });
            self.path.clear();
        }
    }

    /// Corners of what is being drawn.
    fn outline(&self) -> Vec<Pos2> {
        match (self.drag, self.path.first(), self.path.last()) {
            (Drag::Box, Some(a), Some(b)) => {
                vec![*a, Pos2::new(b.x, a.y), *b, Pos2::new(a.x, b.y)]
            }
            _ => self.path.clone(),
        }
    }

    pub(super) fn nearest(&self, transform: &PlotTransform, pos: Pos2) -> Option<ParticleId> {
        self.scatter
            .dots
            .iter()
            .map(|dot| (screen(transform, dot.at).distance(pos), dot.id))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(distance, _)| *distance <= REACH)
            .map(|(_, id)| id)
    }

    pub(super) fn click(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        transform: &PlotTransform,
        actions: &mut Vec<Action>,
    ) {
        let Some(pos) = response.interact_pointer_pos() else { return };
        let join = ui.input(|input| input.modifiers.shift || input.modifiers.command);
        self.tell(Ok(String::new()), &[]);
        match self.nearest(transform, pos) {
            Some(id) if join => actions.push(Action::ToggleSelected(id)),
            Some(id) => actions.push(Action::GoToParticle(id)),
            None if !join => actions.push(Action::SelectNone),
            None => {}
        }
    }
}

/// Every place the pointer has been since the last frame, until it was let go: a fast hand turns more corners than there
/// are frames.
fn places(events: &[Event]) -> Vec<Pos2> {
    let drawing =
        events.iter().take_while(|event| !matches!(event, Event::PointerButton { pressed: false, .. }));
    let place = |event: &Event| match event {
        Event::PointerMoved(pos) => Some(*pos),
        _ => None,
    };
    drawing.filter_map(place).collect()
}

/// True if a point lies in a closed outline (even-odd rule).
fn within(outline: &[Pos2], at: Pos2) -> bool {
    let mut inside = false;
    for (i, a) in outline.iter().enumerate() {
        let b = outline[(i + 1) % outline.len()];
        if (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasso_holds_what_lies_in_it() {
        // A C open to the right.
        let c = [
            (0.0, 0.0),
            (10.0, 0.0),
            (10.0, 3.0),
            (3.0, 3.0),
            (3.0, 7.0),
            (10.0, 7.0),
            (10.0, 10.0),
            (0.0, 10.0),
        ];
        let outline = c.map(|(x, y)| Pos2::new(x, y));
        for (x, y, expected) in
            [(1.0, 5.0, true), (8.0, 1.0, true), (8.0, 5.0, false), (8.0, 9.0, true), (-1.0, 5.0, false)]
        {
            assert_eq!(within(&outline, Pos2::new(x, y)), expected, "{x} {y}");
        }
        assert!(!within(&[], Pos2::ZERO) && !within(&outline[..1], Pos2::ZERO));
    }
}
