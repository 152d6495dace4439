//! The scatter for print: the axes, colours and zoom of the pane on white, with a legend or a colour bar.

use super::super::state::{State, count};
use super::super::take::{Taken, pages};
use super::super::theme::{self, Marker};
use super::cloud::Dot;
use super::paint::{self, ColourBy};
use super::{Data, ExplorePanel};
use crate::library::drawing::chart::{Axis, Bar, Chart, Point, Series};
use crate::library::drawing::{Ink, Table as Numbers, cell};
use crate::particle::{ClassId, ParticleId};
use crate::review::table::Row;
use crate::review::{Table, Variable};
use egui::Pos2;
use std::collections::{BTreeMap, HashMap};

/// What particles share a place in the legend: by class where the colour says class, else all alike.
type Group = (Option<ClassId>, String);

impl ExplorePanel {
    /// The scatter as it is shown.
    pub fn taken(&self, state: &State, data: &Data) -> Option<Taken> {
        let table = data.table()?;
        let rows: HashMap<ParticleId, &Row> = table.rows.iter().map(|row| (row.id, row)).collect();
        let range = |i: usize| self.shown.map(|bounds| [bounds.min()[i], bounds.max()[i]]);
        let axis = |variable: &Variable, i: usize| Axis {
            name: data.axis(variable),
            range: range(i),
            ..Axis::default()
        };
        let mut groups: BTreeMap<Group, Series> = BTreeMap::new();
        for dot in self.scatter.dots.iter() {
            let Some(row) = rows.get(&dot.id) else { continue };
            let group = self.group(state, table, row);
            let series = groups.entry(group.clone()).or_insert_with(|| empty(state, &group));
            let ink = if group.0.is_some() { paler(series.ink, dot) } else { pages::inked(dot.colour) };
            let radius = if dot.labelled { 3.6 } else { 2.2 };
            series.points.push(Point { at: dot.at, ink, radius });
        }
        let chart = Chart {
            across: axis(&self.scatter.look.x, 0),
            up: axis(&self.scatter.look.y, 1),
            series: groups.into_values().collect(),
            bar: self.bar(table),
            caption: format!(
                "{}; colour: {}. Larger dots carry a person's label. {}",
                count(self.scatter.dots.len(), "particle"),
                self.scatter.look.colour.name(&table.classes),
                pages::source(state)
            ),
            ..Chart::default()
        };
        Some(Taken { page: chart.draw(), table: self.numbers(data, table, &rows) })
    }

    fn group(&self, state: &State, table: &Table, row: &Row) -> Group {
        let name = match self.scatter.look.colour {
            ColourBy::Class => table.class(row),
            ColourBy::Label => row.label.as_deref(),
            _ => return (None, String::new()),
        };
        let class = name.and_then(|name| state.project.class_named(name));
        (class.map(|class| class.id), name.unwrap_or("no label").to_owned())
    }

    /// What the colours say, where they say a number.
    fn bar(&self, table: &Table) -> Option<Bar> {
        let ColourBy::Value(variable) = &self.scatter.look.colour else { return None };
        let (low, high) = self.scatter.ends?;
        let map = paint::gradient(variable);
        let ink = |i: i32| {
            let c = map.eval_continuous(f64::from(i) / 63.0);
            [c.r, c.g, c.b, 255]
        };
        let (name, unit) = (variable.name(&table.classes), variable.unit(table.in_nm));
        let name = if unit.is_empty() { name } else { format!("{name} ({unit})") };
        Some(Bar { name, range: [low, high], inks: (0..64).map(ink).collect() })
    }

    /// One row a particle of the plot.
    fn numbers(&self, data: &Data, table: &Table, rows: &HashMap<ParticleId, &Row>) -> Numbers {
        let named = |variable: &Variable| {
            let (name, unit) = (variable.name(&table.classes), variable.unit(table.in_nm));
            if unit.is_empty() { name } else { format!("{name} ({unit})") }
        };
        let mut header =
            ["particle", "micrograph", "x_px", "y_px", "class", "label"].map(String::from).to_vec();
        header.extend([named(&self.scatter.look.x), named(&self.scatter.look.y)]);
        let value =
            if let ColourBy::Value(variable) = &self.scatter.look.colour { Some(variable) } else { None };
        header.extend(value.map(named));
        // As the colours have it: the axes of all latents stand in no row.
        let known = data.known().zip(value).map(|(known, variable)| known.column(variable));
        let values: Option<HashMap<ParticleId, f64>> =
            known.map(|column| table.rows.iter().map(|row| row.id).zip(column).collect());
        let mut shown: Vec<&Dot> = self.scatter.dots.iter().collect();
        shown.sort_by_key(|dot| dot.id);
        let row = |dot: &Dot| {
            let row = rows.get(&dot.id)?;
            let mut cells = vec![
                row.id.0.to_string(),
                row.micrograph.to_string(),
                row.x.to_string(),
                row.y.to_string(),
                table.class(row).unwrap_or_default().to_owned(),
                row.label.clone().unwrap_or_default(),
                cell(dot.at[0]),
                cell(dot.at[1]),
            ];
            cells
                .extend(values.as_ref().map(|values| cell(values.get(&row.id).copied().unwrap_or(f64::NAN))));
            Some(cells)
        };
        Numbers { header, rows: shown.into_iter().filter_map(row).collect() }
    }
}

fn empty(state: &State, (id, name): &Group) -> Series {
    let class = id.and_then(|id| state.project.class(id));
    let marker = id.map_or(Marker::Circle, Marker::of);
    let marker = match marker {
        Marker::Circle => Vec::new(),
        marker => marker.corners(Pos2::ZERO, 1.0).iter().map(|p| [p.x, p.y]).collect(),
    };
    let ink = class.map_or([120, 125, 130, 255], |class| pages::inked(theme::colour(class)));
    Series { name: name.clone(), ink, marker, ..Series::default() }
}

/// As see-through as the dot on screen.
fn paler([r, g, b, _]: Ink, dot: &Dot) -> Ink {
    [r, g, b, dot.colour.a()]
}
