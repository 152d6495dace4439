//! The particles in any two of their properties: pick, box, lasso or ask; the selection is the same everywhere.

mod card;
mod cloud;
pub mod data;
pub mod gather;
mod hand;
mod legend;
pub mod meanings;
mod paint;
mod taken;
mod threshold;

use super::action::Action;
use super::axes::numbered;
use super::panes::scrolled;
use super::state::{State, count};
use super::take::{self, Figure};
use super::theme;
use crate::particle::ParticleId;
use crate::review::query::Query;
use crate::review::{Table, Variable};
use card::Card;
use cloud::Cloud;
use data::Data;
use egui::{ComboBox, Pos2, Rect, RichText, TextEdit, Ui, Vec2};
use egui_plot::{Plot, PlotBounds};
use gather::{Gather, Gathered, Gathering, Look, Scatter};
use paint::ColourBy;
use threshold::Threshold;

/// The plot is at least so high, points; a pane that is lower than this one scrolls.
const LEAST_HEIGHT: f32 = 150.0;
const LOW: f32 = 280.0;
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

/// What is shown between the query and the scatter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Above {
    #[default]
    Nothing,
    Meanings,
    Threshold,
}

/// What the panel alone remembers.
pub struct ExplorePanel {
    /// The axes and colours that are wanted; the scatter follows when they are made.
    look: Look,
    drag: Drag,
    above: Above,
    threshold: Threshold,
    /// Corners of the box or lasso being drawn, screen points.
    path: Vec<Pos2>,
    query: String,
    /// What became of the last query or lasso.
    said: Result<String, String>,
    /// How many particles that was about, and the first: another selection has its own number.
    said_of: (usize, Option<ParticleId>),
    scatter: Scatter,
    gathering: Gathering,
    /// The view is to hold all dots when it is drawn next.
    fit: bool,
    /// The part that is looked at.
    shown: Option<PlotBounds>,
    card: Card,
}

impl Default for ExplorePanel {
    fn default() -> Self {
        Self {
            look: Look::default(),
            drag: Drag::Pan,
            above: Above::Nothing,
            threshold: Threshold::default(),
            path: Vec::new(),
            query: String::new(),
            said: Ok(String::new()),
            said_of: (0, None),
            scatter: Scatter::default(),
            gathering: Gathering::default(),
            fit: false,
            shown: None,
            card: Card::default(),
        }
    }
}

impl ExplorePanel {
    /// Work to be done beside the window, if what is shown is out of date.
    pub fn gather(&mut self, state: &State, data: &Data) -> Option<Gather> {
        self.gathering.next(state, data, &self.look)
    }

    /// Takes what was made.
    pub fn take(&mut self, gathered: Gathered, data: &mut Data) {
        self.gathering.clear_away(data.take(gathered.known));
        self.fit |= (&self.scatter.look.x, &self.scatter.look.y)
            != (&gathered.scatter.look.x, &gathered.scatter.look.y);
        self.scatter = gathered.scatter;
    }

    /// The revision of the predictions that the scatter shows.
    pub fn revision(&self) -> u64 {
        self.scatter.revision
    }

    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        let Some(table) = data.table() else {
            theme::hint(ui, "Each particle becomes a point here when training has seen it once.");
            return;
        };
        if ui.available_height() > LOW {
            return self.content(ui, state, data, table, actions);
        }
        // The plot keeps a height and is scrolled to.
        scrolled(ui, "latents", |ui| self.content(ui, state, data, table, actions));
    }

    fn content(&mut self, ui: &mut Ui, state: &State, data: &Data, table: &Table, actions: &mut Vec<Action>) {
        self.choices(ui, table, data);
        self.ask(ui, state, table, actions);
        match self.above {
            Above::Nothing => {}
            Above::Meanings => meanings::ui(ui, state, data, &mut self.look, actions),
            Above::Threshold => {
                if self.threshold.ui(ui, data, &mut self.query) {
                    self.find(table, actions);
                }
            }
        }
        legend::ui(ui, state, table, &self.scatter);
        if self.gathering.lags(&self.look) {
            ui.ctx().request_repaint();
        }
        let Some(bounds) = self.scatter.bounds else {
            theme::hint(ui, "No particle has both properties. Choose others above.");
            return;
        };
        let dots = &self.scatter.dots;
        let selected = if state.selection.is_empty() {
            Vec::new()
        } else {
            dots.iter().filter(|dot| state.selection.contains(&dot.id)).cloned().collect()
        };
        let cloud = Cloud::new(dots.clone(), selected, bounds);
        let names = [&self.scatter.look.x, &self.scatter.look.y].map(|variable| data.axis(variable));
        let height = ui.available_height().max(LEAST_HEIGHT);
        let whole = Rect::from_min_size(ui.cursor().min, Vec2::new(ui.available_width(), height));
        let [across, up] = [(&names[0], whole.width() - 60.0), (&names[1], whole.height() - 50.0)]
            .map(|(name, room)| theme::elided(ui, name, room));
        let mut plot = numbered(Plot::new("scatter"), across, up, 36.0)
            .height(height)
            .show_crosshair(false)
            .allow_drag(self.drag == Drag::Pan)
            // The wheel zooms, as on the micrograph.
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .grid_color(theme::grid(ui.visuals()))
            .label_formatter(|_| None);
        if std::mem::take(&mut self.fit) {
            plot = plot.reset();
        }
        let shown = plot.show(ui, |plot| {
            let over = plot.response().contains_pointer();
            let wheel = plot.ctx().input(|input| input.smooth_scroll_delta().y);
            if over && wheel != 0.0 {
                plot.zoom_bounds_around_hovered(Vec2::splat((wheel * 0.005).exp()));
            }
            plot.add(cloud);
        });
        let (response, transform) = (shown.response, shown.transform);
        self.shown = Some(*transform.bounds());
        axis_names(ui, whole, *transform.frame(), &names);
        self.drags(ui, &response, &transform, actions);
        if response.clicked() {
            self.click(ui, &response, &transform, actions);
        }
        let under = response
            .hover_pos()
            .filter(|_| self.path.is_empty())
            .and_then(|pos| self.nearest(&transform, pos));
        if let Some(id) = under {
            self.card.prepare(ui.ctx(), state, id, actions);
            response.on_hover_ui_at_pointer(|ui| self.card.ui(ui, state, table, id));
        }
    }

    fn choices(&mut self, ui: &mut Ui, table: &Table, data: &Data) {
        ui.horizontal_wrapped(|ui| {
            // Three menus beside each other where the pane is narrow: the plot needs the height.
            let narrow = ui.available_width() < 620.0;
            ui.spacing_mut().combo_width = if narrow { 56.0 } else { 90.0 };
            for (name, variable) in [("Across", &mut self.look.x), ("Up", &mut self.look.y)] {
                ui.weak(name);
                ComboBox::from_id_salt(name)
                    .selected_text(named(table, data, variable))
                    .show_ui(ui, |ui| {
                        for one in data.variables() {
                            let label = named(table, data, &one);
                            ui.selectable_value(variable, one, label);
                        }
                    })
                    .response
                    .accessible_name(name);
            }
            ui.weak("Colour");
            ComboBox::from_id_salt("colour")
                .selected_text(self.look.colour.name(&table.classes))
                .show_ui(ui, |ui| {
                    for one in [ColourBy::Class, ColourBy::Label, ColourBy::Micrograph] {
                        let label = one.name(&table.classes);
                        ui.selectable_value(&mut self.look.colour, one, label);
                    }
                    for one in data.variables() {
                        let label = named(table, data, &one);
                        ui.selectable_value(&mut self.look.colour, ColourBy::Value(one), label);
                    }
                })
                .response
                .accessible_name("Colour");
            if narrow {
                ui.end_row();
            }
            for (drag, name, meaning) in [
                (Drag::Pan, "Pan", "A drag moves the view, the wheel zooms, a double click fits."),
                (Drag::Box, "Box", "A drag selects what lies in a box; Shift adds."),
                (Drag::Lasso, "Lasso", "A drag selects what lies in a drawn outline; Shift adds."),
            ] {
                ui.selectable_value(&mut self.drag, drag, name).on_hover_text(meaning);
            }
            let fit = ui.button("Fit").on_hover_text("Show all particles (a double click, too).");
            self.fit |= fit.accessible_name("Fit the scatter").clicked();
            for (above, name, meaning) in [
                (Above::Meanings, "Meanings", "Which measured property each latent goes with."),
                (Above::Threshold, "Threshold", "A histogram; a dragged line writes the query."),
            ] {
                let open = self.above == above;
                if ui.selectable_label(open, name).on_hover_text(meaning).clicked() {
                    self.above = if open { Above::Nothing } else { above };
                }
            }
        });
    }

    /// The query line, and what the last selection found.
    fn ask(&mut self, ui: &mut Ui, state: &State, table: &Table, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            let hint = if table.in_nm { "p < 0.7 and area > 400 nm2" } else { "p < 0.7 and area > 400 px2" };
            let room = (ui.available_width() - 150.0).clamp(120.0, 220.0);
            let edit = TextEdit::singleline(&mut self.query).hint_text(hint).desired_width(room);
            let line = ui.add(edit).accessible_name("Query");
            let entered = line.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if ui.button("Find").clicked() || entered {
                self.find(table, actions);
            }
            take::menu(ui, &[(Figure::Scatter, true)], actions);
            match &self.said {
                Ok(said) if !state.selection.is_empty() => {
                    let selected = count(state.selection.len(), "particle");
                    let about = (state.selection.len(), state.selection.first().copied()) == self.said_of;
                    let text = if about && !said.is_empty() {
                        format!("{said}.")
                    } else {
                        format!("{selected} chosen.")
                    };
                    let keys = "1-9 give a class, H holds out, Delete removes.";
                    let told = ui.label(text).on_hover_text(keys);
                    // In a narrow pane it would push the plot down by another line.
                    if told.rect.right() + 320.0 < ui.max_rect().right() {
                        ui.weak(keys);
                    }
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

    /// Selects what the query finds.
    fn find(&mut self, table: &Table, actions: &mut Vec<Action>) {
        if self.query.trim().is_empty() {
            return;
        }
        match Query::parse(&self.query, table) {
            Ok(query) => {
                let particles = query.find(table);
                self.tell(Ok(format!("{} found", count(particles.len(), "particle"))), &particles);
                actions.push(Action::Select { particles, join: false });
            }
            Err(error) => self.tell(Err(error.to_string()), &[]),
        }
    }

    /// What is said beside the query line, and of which particles.
    fn tell(&mut self, said: Result<String, String>, of: &[ParticleId]) {
        (self.said, self.said_of) = (said, (of.len(), of.iter().min().copied()));
    }
}

/// A variable in a menu; a latent that says nothing is faint.
fn named(table: &Table, data: &Data, variable: &Variable) -> RichText {
    let name = RichText::new(variable.name(&table.classes));
    if data.is_collapsed(variable) { name.weak() } else { name }
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
