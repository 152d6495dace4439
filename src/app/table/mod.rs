//! All particles the model has seen as rows of numbers, in any order; what is selected here is selected everywhere.

mod column;

use super::action::Action;
use super::canvas::joins;
use super::explore::data::{Data, Key};
use super::state::{State, count};
use super::take::{self, Figure, Taken};
use super::theme;
use crate::library::drawing::{Drawing, Table as Numbers, cell};
use crate::particle::ParticleId;
use crate::review::Table;
use crate::review::table::Row;
use column::{COLUMNS, Column};
use egui::{Align2, Button, Checkbox, Rect, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};
use std::collections::BTreeSet;

/// Height of a row, points.
const HIGH: f32 = 20.0;

/// What the panel alone remembers.
#[derive(Default)]
pub struct TablePanel {
    /// The column it is sorted by, and whether from the largest on.
    by: (usize, bool),
    /// The table and the sorting of the order.
    of: Option<(Option<Key>, (usize, bool))>,
    order: Vec<usize>,
    /// Only the selected rows are shown: those that were selected when this was ticked.
    only: Option<BTreeSet<ParticleId>>,
    /// Where a range begins.
    anchor: Option<ParticleId>,
    /// The pointer is over the pane.
    under: bool,
}

impl TablePanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, data: &Data, actions: &mut Vec<Action>) {
        let Some(table) = data.table() else {
            theme::hint(ui, "Each particle becomes a row here when training has seen it once.");
            return;
        };
        let pane = ui.available_rect_before_wrap();
        self.under = ui.input(|input| input.pointer.hover_pos()).is_some_and(|pos| pane.contains(pos));
        self.sort(table, data.key());
        self.tools(ui, state, table, actions);
        let wide: f32 = COLUMNS.iter().map(|(_, wide)| wide).sum();
        ScrollArea::horizontal().id_salt("table").auto_shrink(false).show(ui, |ui| {
            self.header(ui, table);
            ui.spacing_mut().item_spacing.y = 0.0;
            let rows = self.order.len();
            ScrollArea::vertical().id_salt("rows").auto_shrink(false).show_rows(
                ui,
                HIGH,
                rows,
                |ui, range| {
                    for place in range {
                        let Some(row) = self.order.get(place).and_then(|at| table.rows.get(*at)) else {
                            continue;
                        };
                        self.row(ui, state, table, row, wide, actions);
                    }
                },
            );
        });
    }

    /// The particles of the pane in its order, if the pointer is over it.
    pub fn all_under_pointer(&self, data: &Data) -> Option<Vec<ParticleId>> {
        let table = data.table().filter(|_| self.under)?;
        Some(self.order.iter().filter_map(|place| table.rows.get(*place)).map(|row| row.id).collect())
    }

    /// A new frame begins; the pane may not be in it.
    pub fn begin(&mut self) {
        self.under = false;
    }

    fn sort(&mut self, table: &Table, key: Option<Key>) {
        let key = (key, self.by);
        if self.of == Some(key) {
            return;
        }
        self.of = Some(key);
        let (column, down) = self.by;
        self.order = COLUMNS.get(column).map(|(column, _)| column.order(table)).unwrap_or_default();
        if let Some(only) = &self.only {
            self.order.retain(|place| only.contains(&table.rows[*place].id));
        }
        if down {
            self.order.reverse();
            // What is not known stays last.
            if let Some((Column::Value(variable), _)) = COLUMNS.get(column) {
                let known = |place: &usize| !table.value(&table.rows[*place], variable).is_nan();
                let first = self.order.iter().position(known).unwrap_or(0);
                self.order.rotate_left(first);
            }
        }
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, table: &Table, actions: &mut Vec<Action>) {
        ui.horizontal_wrapped(|ui| {
            let rows = self.meant(state, table).len();
            let copy = ui.button("Copy").on_hover_text("The selected rows, or all, for a spreadsheet.");
            let keys = self.under
                && !ui.ctx().text_edit_focused()
                && ui.input(|input| input.events.iter().any(|event| matches!(event, egui::Event::Copy)));
            if copy.accessible_name("Copy rows").clicked() || keys {
                ui.ctx().copy_text(tabbed(&self.numbers(state, table)));
            }
            take::menu(ui, &[(Figure::Table, true)], actions);
            self.only(ui, state);
            ui.weak(format!("{} to copy. Click selects, Shift takes a range.", count(rows, "row")));
        });
    }

    /// Whether only some rows are shown. They stay the same while one after the other is looked at.
    fn only(&mut self, ui: &mut Ui, state: &State) {
        let mut ticked = self.only.is_some();
        let some = self.only.as_ref().map_or(state.selection.len(), BTreeSet::len);
        let text = if some == 0 { "Only the selected".to_owned() } else { format!("Only {some} selected") };
        let tick =
            ui.add_enabled(some > 0, Checkbox::new(&mut ticked, text)).accessible_name("Only the selected");
        if tick.on_hover_text("Shows the rows that are selected now, until it is taken back.").changed() {
            self.only = ticked.then(|| state.selection.clone());
            self.of = None;
        }
    }

    fn header(&mut self, ui: &mut Ui, table: &Table) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for (place, (column, wide)) in COLUMNS.iter().enumerate() {
                let name = column.name(table.in_nm);
                let (sorted, down) = (self.by.0 == place, self.by.1);
                let button = Button::selectable(sorted, name.as_str()).small().truncate();
                let response = ui.add_sized([*wide, HIGH], button).accessible_name(format!("Sort by {name}"));
                if sorted {
                    arrow(ui, response.rect, down);
                }
                if response.clicked() {
                    self.by = (place, sorted && !down);
                }
            }
        });
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        state: &State,
        table: &Table,
        row: &Row,
        wide: f32,
        actions: &mut Vec<Action>,
    ) {
        let (rect, response) = ui.allocate_exact_size(vec2(wide, HIGH), Sense::click());
        let selected = state.selection.contains(&row.id);
        response.widget_info(|| {
            let name = format!("Row of particle {}", row.id.0);
            WidgetInfo::selected(Role::Button, true, selected, name)
        });
        let visuals = ui.visuals();
        let ground = if selected {
            Some(visuals.selection.bg_fill)
        } else {
            response.hovered().then_some(visuals.faint_bg_color)
        };
        if let Some(ground) = ground {
            ui.painter().rect_filled(rect, 0.0, ground);
        }
        let colour = if selected { visuals.selection.stroke.color } else { visuals.text_color() };
        let font = TextStyle::Small.resolve(ui.style());
        let mut left = rect.left();
        for (column, wide) in &COLUMNS {
            let field = Rect::from_min_size(pos2(left, rect.top()), vec2(*wide - 4.0, HIGH));
            let number = matches!(column, Column::Value(_) | Column::Id);
            let (anchor, x) = if number {
                (Align2::RIGHT_CENTER, field.right())
            } else {
                (Align2::LEFT_CENTER, field.left() + 4.0)
            };
            let painter = ui.painter_at(field);
            painter.text(pos2(x, field.center().y), anchor, column.text(table, row), font.clone(), colour);
            left += wide;
        }
        if response.clicked() {
            let shift = ui.input(|input| input.modifiers.shift);
            match self.anchor.filter(|_| shift) {
                Some(anchor) => {
                    let particles = between(&self.order, table, anchor, row.id);
                    actions.push(Action::Select { particles, join: false });
                }
                None if ui.input(joins) => {
                    actions.push(Action::ToggleSelected(row.id));
                    self.anchor = Some(row.id);
                }
                None => {
                    actions.push(Action::GoToParticle(row.id));
                    self.anchor = Some(row.id);
                }
            }
        }
    }

    /// The rows in their order: the selected ones if any are, else all.
    fn meant<'a>(&self, state: &State, table: &'a Table) -> Vec<&'a Row> {
        let rows = || self.order.iter().filter_map(|place| table.rows.get(*place));
        if state.selection.is_empty() {
            return rows().collect();
        }
        rows().filter(|row| state.selection.contains(&row.id)).collect()
    }

    /// The selected rows, or all, with every digit.
    fn numbers(&self, state: &State, table: &Table) -> Numbers {
        let mut header: Vec<String> = COLUMNS.iter().map(|(column, _)| column.name(table.in_nm)).collect();
        header.extend(["x_px", "y_px"].map(String::from));
        let line = |row: &Row| {
            let mut cells: Vec<String> = COLUMNS
                .iter()
                .map(|(column, _)| match column {
                    Column::Value(variable) => cell(table.value(row, variable)),
                    Column::Label => row.label.clone().unwrap_or_default(),
                    other => other.text(table, row),
                })
                .collect();
            cells.extend([row.x.to_string(), row.y.to_string()]);
            cells
        };
        Numbers { header, rows: self.meant(state, table).into_iter().map(line).collect() }
    }

    /// The rows as data; they are no drawing.
    pub fn taken(&self, state: &State, data: &Data) -> Option<Taken> {
        let table = data.table()?;
        let mut own = Self { by: self.by, ..Self::default() };
        own.sort(table, data.key());
        Some(Taken { page: Drawing::default(), table: own.numbers(state, table) })
    }
}

/// A small triangle at the right of a header: its tip is where the larger values are.
fn arrow(ui: &Ui, rect: Rect, down: bool) {
    let at = pos2(rect.right() - 6.0, rect.center().y);
    let tip = if down { -3.5 } else { 3.5 };
    let corners = [vec2(-3.5, -tip), vec2(3.5, -tip), vec2(0.0, tip)].map(|off| at + off).to_vec();
    let colour = ui.visuals().selection.stroke.color;
    ui.painter().add(egui::Shape::convex_polygon(corners, colour, egui::Stroke::NONE));
}

/// All particles from one to another, in the order shown.
fn between(order: &[usize], table: &Table, from: ParticleId, to: ParticleId) -> Vec<ParticleId> {
    let ids = || order.iter().filter_map(|place| table.rows.get(*place)).map(|row| row.id);
    let (a, b) = (ids().position(|id| id == from), ids().position(|id| id == to));
    match (a, b) {
        (Some(a), Some(b)) => ids().skip(a.min(b)).take(a.abs_diff(b) + 1).collect(),
        _ => vec![to],
    }
}

/// Lines of cells with tabs between, as spreadsheets take them.
fn tabbed(numbers: &Numbers) -> String {
    let plain = |cell: &String| cell.replace(['\t', '\n', '\r'], " ");
    let line = |cells: &Vec<String>| cells.iter().map(plain).collect::<Vec<_>>().join("\t");
    let lines: Vec<String> = std::iter::once(&numbers.header).chain(&numbers.rows).map(line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::particle::Prediction;
    use crate::review::{Variable, fixture};

    fn table() -> Table {
        let known = |(id, error, micrograph): (u64, Option<f32>, &str)| {
            let said = |recon_error| Prediction { recon_error, ..fixture::prediction(&[1.0], &[0.0]) };
            (Row { micrograph: micrograph.into(), x: 1.5, y: 2.0, ..fixture::row(id) }, error.map(said))
        };
        let all = [(1, Some(0.3), "b"), (2, None, "a\tx"), (3, Some(0.1), "c"), (4, Some(0.2), "a")];
        fixture::table(all.map(known))
    }

    fn ids(panel: &TablePanel, table: &Table) -> Vec<u64> {
        panel.order.iter().map(|place| table.rows[*place].id.0).collect()
    }

    #[test]
    fn rows_stand_in_the_order_of_a_column_and_the_unknown_comes_last() {
        let table = table();
        let error = COLUMNS.iter().position(|(c, _)| *c == Column::Value(Variable::Error)).unwrap();
        let mut panel = TablePanel::default();
        for (by, expected) in
            [((0, false), [1, 2, 3, 4]), ((error, false), [3, 4, 1, 2]), ((error, true), [1, 4, 3, 2])]
        {
            panel.by = by;
            panel.sort(&table, None);
            assert_eq!(ids(&panel, &table), expected, "{by:?}");
        }
        // A range follows what is seen.
        let range = between(&panel.order, &table, ParticleId(3), ParticleId(1));
        assert_eq!(range, [1, 4, 3].map(ParticleId));
    }

    #[test]
    fn the_selected_rows_are_copied_or_else_all() {
        let (table, mut state, mut panel) = (table(), State::default(), TablePanel::default());
        panel.sort(&table, None);
        assert_eq!(tabbed(&panel.numbers(&state, &table)).lines().count(), 5);
        state.selection.extend([2, 3].map(ParticleId));
        let text = tabbed(&panel.numbers(&state, &table));
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() == COLUMNS.len() + 2), "a tab in a name moves no cell");
        assert_eq!((lines[1][0], lines[2][0]), ("2", "3"));
    }
}
