//! The colours of a scatter.

use super::super::marks::opacity;
use super::super::theme::Marker;
use super::data::Known;
use super::gather::Palette;
use crate::review::table::Row;
use crate::review::{Table, Variable};
use egui::Color32;
use std::collections::BTreeSet;

/// What the colour of a dot says.
#[derive(Clone, Debug, PartialEq)]
pub enum ColourBy {
    /// The person's class, else the model's, paler where it is unsure.
    Class,
    /// The person's alone.
    Label,
    Micrograph,
    /// Viridis over the range of a value, or a colour circle for angles.
    Value(Variable),
}

impl ColourBy {
    /// For the menu.
    pub fn name(&self, classes: &[String]) -> String {
        match self {
            Self::Class => "class".into(),
            Self::Label => "label".into(),
            Self::Micrograph => "micrograph".into(),
            Self::Value(variable) => variable.name(classes),
        }
    }
}

/// What gives a row its colour and its marker.
pub struct Paint<'a> {
    table: &'a Table,
    palette: &'a Palette,
    /// Of each of the model's classes.
    classes: Vec<(Color32, Marker)>,
    by: By<'a>,
}

enum By<'a> {
    Class,
    Label,
    /// The names in order.
    Micrograph(Vec<&'a str>),
    /// The colour of each row, and the values of the end colours.
    Value(Vec<Color32>, (f64, f64)),
}

impl<'a> Paint<'a> {
    pub fn new(palette: &'a Palette, known: &'a Known, by: &ColourBy) -> Self {
        let table = &*known.table;
        let by = match by {
            ColourBy::Class => By::Class,
            ColourBy::Label => By::Label,
            ColourBy::Micrograph => By::Micrograph(micrographs(table)),
            ColourBy::Value(variable) => {
                let values = known.column(variable);
                let (low, high) = ends(variable, &values);
                let part = |v: f64| match variable.cycle() {
                    Some(turn) => v.rem_euclid(turn) / turn,
                    None => ((v - low) / (high - low).max(1e-12)).clamp(0.0, 1.0),
                };
                let map = gradient(variable);
                let of_value = |v: &f64| {
                    if v.is_finite() { colour(map.eval_continuous(part(*v))) } else { Color32::DARK_GRAY }
                };
                By::Value(values.iter().map(of_value).collect(), (low, high))
            }
        };
        let classes = table.classes.iter().map(|name| palette.look(Some(name))).collect();
        Self { table, palette, classes, by }
    }

    /// Of the row at a place.
    pub fn of(&self, place: usize, row: &Row) -> (Color32, Marker) {
        let label = row.label.as_deref();
        let (class, marker) = match (label, self.table.predicted(row)) {
            (None, Some(class)) => {
                self.classes.get(class).copied().unwrap_or_else(|| self.palette.look(None))
            }
            _ => self.palette.look(label),
        };
        let colour = match &self.by {
            By::Class if label.is_some() => class,
            By::Class => {
                let p = self.table.value(row, &Variable::Probability) as f32;
                class.gamma_multiply(0.9 * opacity(p))
            }
            By::Label => self.palette.look(label).0,
            By::Micrograph(names) => {
                of_micrograph(names.binary_search(&&*row.micrograph).unwrap_or(0), names.len())
            }
            By::Value(colours, _) => colours.get(place).copied().unwrap_or(Color32::DARK_GRAY),
        };
        (colour, marker)
    }

    /// The values of the end colours, where they say a number.
    pub fn ends(&self) -> Option<(f64, f64)> {
        if let By::Value(_, ends) = &self.by { Some(*ends) } else { None }
    }
}

/// The names of all micrographs in the table, in order.
pub fn micrographs(table: &Table) -> Vec<&str> {
    let names: BTreeSet<&str> = table.rows.iter().map(|row| &*row.micrograph).collect();
    names.into_iter().collect()
}

/// The colour of the micrograph in this place of so many.
pub fn of_micrograph(place: usize, of: usize) -> Color32 {
    colour(colorous::SINEBOW.eval_continuous(place as f64 / of.max(1) as f64))
}

/// The values of the end colours. Outliers take those, too; the others share the range. Angles go once round.
pub fn ends(variable: &Variable, values: &[f64]) -> (f64, f64) {
    if let Some(turn) = variable.cycle() {
        return (0.0, turn);
    }
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| sorted.get((sorted.len() as f64 * q) as usize).copied().unwrap_or(0.0);
    (at(0.02), at(0.98))
}

/// Viridis, or a circle of colours for angles.
pub fn gradient(variable: &Variable) -> colorous::Gradient {
    if variable.cycle().is_some() { colorous::SINEBOW } else { colorous::VIRIDIS }
}

fn colour(c: colorous::Color) -> Color32 {
    Color32::from_rgb(c.r, c.g, c.b)
}
