//! The particles in any two of their properties: pick, box, lasso or ask; the selection is the same everywhere.

mod card;
mod cloud;
pub mod data;
mod taken;

use super::action::Action;
use super::state::{State, count};
use super::take::{self, Figure};
use super::theme;
use crate::particle::ParticleId;
use crate::review::query::Query;
use crate::review::{Table, Variable};
use card::Card;
use cloud::{Cloud, ColourBy, Dot, screen};
use data::Data;
use egui::{Color32, ComboBox, Pos2, Rect, RichText, Stroke, TextEdit, Ui};
use egui_plot::{Plot, PlotBounds, PlotTransform};
use std::sync::Arc;

/// A click or a pointer within this many points of a dot means that dot.
const REACH: f32 = 8.0;
/// Points between two corners of a lasso.
const STEP: f32 = 3.0;

/// What a drag does on the scatter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Drag {
    /// Moves the view.
    #[default]
    Pan,
    Box,
    Lasso,
}

/// What the panel alone remembers.
pub struct ExplorePanel {
    x: Variable,
    y: Variable,
    colour: ColourBy,
    drag: Drag,
    /// Corners of the box or lasso being drawn, screen points.
    path: Vec<Pos2>,
    query: String,
    /// What became of the last query or lasso.
    said: Result<String, String>,
    of: Option<(usize, Variable, Variable, ColourBy, u64)>,
    dots: Arc<Vec<Dot>>,
    bounds: Option<PlotBounds>,
    /// The part that is looked at.
    shown: Option<PlotBounds>,
    card: Card,
}

impl Default for ExplorePanel {
    fn default() -> Self {
        Self {
            x: Variable::Latent(0),
            y: Variable::Latent(1),
            colour: ColourBy::Class,
            drag: Drag::Pan,
            path: Vec::new(),
            query: String::new(),
            said: Ok(String::new()),
            of: None,
            dots: Arc::new(Vec::new()),
            bounds: None,
            shown: None,
            card: Card::default(),
        }
    }
}

impl ExplorePanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        let Some(table) = data.table() else {
            self.of = None;
            theme::hint(ui, "Each particle becomes a point here when training has seen it once.");
            return;
        };
        self.choices(ui, table, actions);
        self.ask(ui, state, table, actions);
        self.refresh(state, table);
        let Some(bounds) = self.bounds else {
            theme::hint(ui, "No particle has both properties. Choose others above.");
            return;
        };
        let selected = self.dots.iter().filter(|dot| state.selection.contains(&dot.id)).cloned().collect();
        let cloud = Cloud::new(self.dots.clone(), selected, bounds);
        let names = [&self.x, &self.y].map(|variable| data.axis(variable));
        let whole = ui.available_rect_before_wrap();
        let [across, up] = [(&names[0], whole.width() - 60.0), (&names[1], whole.height() - 50.0)]
            .map(|(name, room)| theme::elided(ui, name, room));
        let shown = Plot::new("scatter")
            .x_axis_label(across)
            .y_axis_label(up)
            .y_axis_min_width(30.0)
            .show_crosshair(false)
            .allow_drag(self.drag == Drag::Pan)
            .allow_boxed_zoom(false)
            .grid_color(theme::grid(ui.visuals()))
            .label_formatter(|_| None)
            .show(ui, |plot| plot.add(cloud));
        let (response, transform) = (shown.response, shown.transform);
        self.shown = Some(*transform.bounds());
        axis_names(ui, whole, *transform.frame(), &names);
        self.drags(ui, &response, &transform, actions);
        if response.clicked() {
            self.click(ui, state, &response, &transform, actions);
        }
        let under = response
            .hover_pos()
            .filter(|_| self.path.is_empty())
            .and_then(|pos| self.nearest(&transform, pos));
        if let Some(id) = under {
            self.card.prepare(ui.ctx(), state, table, id, actions);
            response.on_hover_ui_at_pointer(|ui| self.card.ui(ui, state, table, id));
        }
    }

    fn choices(&mut self, ui: &mut Ui, table: &Table, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            for (name, variable) in [("Across", &mut self.x), ("Up", &mut self.y)] {
                ui.weak(name);
                ComboBox::from_id_salt(name)
                    .selected_text(variable.name(&table.classes))
                    .show_ui(ui, |ui| {
                        for one in table.variables() {
                            let label = one.name(&table.classes);
                            ui.selectable_value(variable, one, label);
                        }
                    })
                    .response
                    .accessible_name(name);
            }
            ui.weak("Colour");
            ComboBox::from_id_salt("colour")
                .selected_text(self.colour.name(&table.classes))
                .show_ui(ui, |ui| {
                    let plain = [ColourBy::Class, ColourBy::Label, ColourBy::Micrograph];
                    let others = table.variables().into_iter().map(ColourBy::Value);
                    for one in plain.into_iter().chain(others) {
                        let label = one.name(&table.classes);
                        ui.selectable_value(&mut self.colour, one, label);
                    }
                })
                .response
                .accessible_name("Colour");
            for (drag, name, meaning) in [
                (Drag::Pan, "Pan", "A drag moves the view, the wheel zooms, a double click fits."),
                (Drag::Box, "Box", "A drag selects what lies in a box; Shift adds."),
                (Drag::Lasso, "Lasso", "A drag selects what lies in a drawn outline; Shift adds."),
            ] {
                ui.selectable_value(&mut self.drag, drag, name).on_hover_text(meaning);
            }
            take::menu(ui, &[(Figure::Scatter, true)], actions);
        });
    }

    /// The query line, and what the last selection found.
    fn ask(&mut self, ui: &mut Ui, state: &State, table: &Table, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            let hint = if table.in_nm { "p < 0.7 and area > 400 nm2" } else { "p < 0.7 and area > 400 px2" };
            let edit = TextEdit::singleline(&mut self.query).hint_text(hint).desired_width(220.0);
            let line = ui.add(edit).accessible_name("Query");
            let entered = line.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if (ui.button("Find").clicked() || entered) && !self.query.trim().is_empty() {
                self.said = match Query::parse(&self.query, table) {
                    Ok(query) => {
                        let particles = query.find(table);
                        let said = format!("{} found", count(particles.len(), "particle"));
                        actions.push(Action::Select { particles, join: false });
                        Ok(said)
                    }
                    Err(error) => Err(error.to_string()),
                };
            }
            match &self.said {
                Ok(said) if !state.selection.is_empty() => {
                    let selected = count(state.selection.len(), "particle");
                    let text =
                        if said.is_empty() { format!("{selected} chosen.") } else { format!("{said}.") };
                    ui.label(text);
                    ui.weak("1-9 give a class, H holds out, Delete removes.");
                }
                Ok(said) if !said.is_empty() => {
                    ui.weak(format!("{said}."));
                }
                Ok(_) => {}
                Err(problem) => {
                    ui.label(RichText::new(problem).color(ui.visuals().error_fg_color));
                }
            }
        });
    }

    fn drags(
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
        if let Some(pos) = response.interact_pointer_pos().filter(|_| response.dragged()) {
            if response.drag_started() {
                self.path.clear();
            }
            if self.path.last().is_none_or(|last| last.distance(pos) >= STEP) {
                self.path.push(pos);
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
            let particles: Vec<ParticleId> = self.dots.iter().filter(inside).map(|dot| dot.id).collect();
            self.said = Ok(format!("{} inside", count(particles.len(), "particle")));
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

    fn nearest(&self, transform: &PlotTransform, pos: Pos2) -> Option<ParticleId> {
        self.dots
            .iter()
            .map(|dot| (screen(transform, dot.at).distance(pos), dot.id))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(distance, _)| *distance <= REACH)
            .map(|(_, id)| id)
    }

    fn click(
        &mut self,
        ui: &Ui,
        state: &State,
        response: &egui::Response,
        transform: &PlotTransform,
        actions: &mut Vec<Action>,
    ) {
        let Some(pos) = response.interact_pointer_pos() else { return };
        let join = ui.input(|input| input.modifiers.shift || input.modifiers.command);
        self.said = Ok(String::new());
        match self.nearest(transform, pos) {
            Some(id) if join => actions.push(Action::ToggleSelected(id)),
            Some(id) => {
                actions.push(Action::Select { particles: vec![id], join: false });
                // Selected here, seen there: the micrograph it lies on comes up.
                if let Some(particle) = state.project.particle(id)
                    && state.shown != Some(particle.micrograph)
                {
                    actions.push(Action::Show(particle.micrograph));
                }
            }
            None if !join => actions.push(Action::SelectNone),
            None => {}
        }
    }

    fn refresh(&mut self, state: &State, table: &Arc<Table>) {
        let place = Arc::as_ptr(table) as usize;
        let key = (place, self.x.clone(), self.y.clone(), self.colour.clone(), state.revision);
        if self.of.as_ref() == Some(&key) {
            return;
        }
        self.of = Some(key);
        let (dots, bounds) = cloud::dots(state, table, &self.x, &self.y, &self.colour);
        self.dots = Arc::new(dots);
        self.bounds = bounds;
    }
}

/// The names of the axes in full, under the pointer: beside the plot there may be no room for them.
fn axis_names(ui: &Ui, whole: Rect, frame: Rect, names: &[String; 2]) {
    let under = Rect::from_min_max(frame.left_bottom(), egui::pos2(frame.right(), whole.bottom()));
    let beside = Rect::from_min_max(whole.left_top(), frame.left_bottom());
    for (rect, name) in [under, beside].into_iter().zip(names) {
        let response = ui.interact(rect, ui.scope_id().with(("axis", name)), egui::Sense::hover());
        response.on_hover_text(name);
    }
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
