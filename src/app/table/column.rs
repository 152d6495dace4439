//! The columns of the table: what they are called, what a cell says, and the order they give.

use crate::particle::describe::Descriptor;
use crate::review::table::Row;
use crate::review::{Table, Variable};
use std::cmp::Ordering;

/// What a column shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Id,
    Class,
    Label,
    Micrograph,
    Value(Variable),
}

/// All columns with their width in points.
pub const COLUMNS: [(Column, f32); 12] = [
    (Column::Id, 76.0),
    (Column::Class, 90.0),
    (Column::Label, 90.0),
    (Column::Value(Variable::Probability), 60.0),
    (Column::Value(Variable::Margin), 60.0),
    (Column::Value(Variable::Error), 70.0),
    (Column::Value(Variable::Measured(Descriptor::EquivalentDiameter)), 90.0),
    (Column::Value(Variable::Measured(Descriptor::FeretMax)), 90.0),
    (Column::Value(Variable::Measured(Descriptor::FeretMin)), 90.0),
    (Column::Value(Variable::Measured(Descriptor::Area)), 80.0),
    (Column::Value(Variable::Angle), 70.0),
    (Column::Micrograph, 160.0),
];

impl Column {
    /// For the header, with its unit.
    pub fn name(&self, in_nm: bool) -> String {
        let name = match self {
            Self::Id => "particle",
            Self::Class => "class",
            Self::Label => "label",
            Self::Micrograph => "micrograph",
            Self::Value(Variable::Probability) => "p",
            Self::Value(Variable::Error) => "error",
            Self::Value(Variable::Measured(Descriptor::EquivalentDiameter)) => "diameter",
            Self::Value(Variable::Measured(Descriptor::FeretMax)) => "length",
            Self::Value(Variable::Measured(Descriptor::FeretMin)) => "width",
            Self::Value(other) => return with_unit(&other.name(&[]), other.unit(in_nm)),
        };
        let unit = if let Self::Value(variable) = self { variable.unit(in_nm) } else { "" };
        with_unit(name, unit)
    }

    /// What a cell says.
    pub fn text(&self, table: &Table, row: &Row) -> String {
        match self {
            Self::Id => row.id.0.to_string(),
            Self::Class => table.class(row).unwrap_or_default().to_owned(),
            Self::Label => match &row.label {
                Some(label) if row.held_out => format!("{label} (held out)"),
                label => label.clone().unwrap_or_default(),
            },
            Self::Micrograph => row.micrograph.to_string(),
            Self::Value(variable) => {
                let value = table.value(row, variable);
                match variable {
                    _ if !value.is_finite() => String::new(),
                    Variable::Error => format!("{value:.4}"),
                    Variable::Probability | Variable::Margin => format!("{value:.2}"),
                    Variable::Measured(Descriptor::Area) | Variable::Angle => format!("{value:.0}"),
                    _ => format!("{value:.1}"),
                }
            }
        }
    }

    /// The places of all rows in rising order of this column; what is not known comes last.
    pub fn order(&self, table: &Table) -> Vec<usize> {
        let mut places: Vec<usize> = (0..table.rows.len()).collect();
        let row = |place: &usize| &table.rows[*place];
        match self {
            Self::Id => places.sort_by_key(|place| row(place).id),
            Self::Class => places.sort_by_key(|place| table.class(row(place))),
            Self::Label => places.sort_by_key(|place| row(place).label.as_deref()),
            Self::Micrograph => places.sort_by(|a, b| row(a).micrograph.cmp(&row(b).micrograph)),
            Self::Value(variable) => {
                let values = table.column(variable);
                places.sort_by(|a, b| known_first(values[*a], values[*b]));
            }
        }
        places
    }
}

fn known_first(a: f64, b: f64) -> Ordering {
    a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(&b))
}

fn with_unit(name: &str, unit: &str) -> String {
    if unit.is_empty() { name.to_owned() } else { format!("{name} ({unit})") }
}
