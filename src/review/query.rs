//! A language to pick particles by what is known of them: `p < 0.7 and area > 400 nm2`.
//!
//! ```text
//! query      = both { "or" both }
//! both       = one { "and" one }
//! one        = "not" one | "(" query ")" | comparison | "labelled" | "held_out"
//! comparison = number-name ( < <= > >= = != ) number [ unit ]
//!            | text-name ( = | != ) ( word | "quoted text" )
//! ```
//!
//! Number names: `p`, `p(class)`, `margin`, `error`, `angle`, `shift_x`, `shift_y`, `scale`, `z1`, `z2` ..., `x`, `y`,
//! `area`, `diameter`, `aspect`, `feret_max`, `feret_min`, `circularity`, `intensity`, `background`, `direction`.
//! Text names: `class` (the label, else the model's), `label`, `predicted`, `micrograph`. What is not known of a
//! particle fulfils no comparison, so `not (area > 1 nm2)` also finds what has no outline.

mod parse;
#[cfg(test)]
mod tests;
mod token;

use super::table::{Row, Table, Variable};
use crate::Result;
use crate::particle::ParticleId;
use crate::particle::describe::Descriptor;

/// A query that makes sense for a table's classes and latents.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(Condition);

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Number { name: Variable, is: Is, limit: f64, length: Length },
    Text { name: TextName, equal: bool, text: String },
    Labelled,
    HeldOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextName {
    Class,
    Label,
    Predicted,
    Micrograph,
}

/// What a length is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    None,
    /// Micrograph pixels.
    Pixels,
    Nanometres,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming the place in the text, what stands there and what could.
    pub fn parse(text: &str, table: &Table) -> Result<Self> {
        parse::parse(text, table).map(Self)
    }

    /// The particles that fulfil it, in the table's order.
    pub fn find(&self, table: &Table) -> Vec<ParticleId> {
        table.rows.iter().filter(|row| self.fits(table, row)).map(|row| row.id).collect()
    }

    /// True if one row fulfils it.
    pub fn fits(&self, table: &Table, row: &Row) -> bool {
        self.0.holds(table, row)
    }
}

/// A comparison as a person would type it: "area > 400 nm2".
pub fn comparison(variable: &Variable, above: bool, limit: f64, table: &Table) -> String {
    let name = match variable {
        Variable::Latent(i) => format!("z{}", i + 1),
        Variable::ProbabilityOf(class) => {
            let class = table.classes.get(*class).map_or("", String::as_str);
            let quote = if class.contains('"') { '\'' } else { '"' };
            format!("p({quote}{class}{quote})")
        }
        other => NUMBERS.iter().find(|(_, known)| known == other).map_or("", |(name, _)| *name).to_owned(),
    };
    let unit = match variable {
        Variable::Measured(_) | Variable::ShiftX | Variable::ShiftY => variable.unit(table.in_nm),
        _ => "",
    };
    let sign = if above { '>' } else { '<' };
    let limit = rounded(limit);
    format!("{name} {sign} {limit} {unit}").trim_end().to_owned()
}

/// Four digits are what a hand can mean.
fn rounded(value: f64) -> String {
    let digits = 3 - value.abs().max(1e-12).log10().floor() as i32;
    let text = format!("{value:.*}", digits.clamp(0, 12) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Condition {
    fn holds(&self, table: &Table, row: &Row) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(table, row)),
            Self::All(parts) => parts.iter().all(|part| part.holds(table, row)),
            Self::Not(part) => !part.holds(table, row),
            Self::Number { name, is, limit, length } => is.holds(value(table, row, name, *length), *limit),
            Self::Text { name, equal, text } => {
                let predicted =
                    || table.predicted(row).and_then(|c| table.classes.get(c)).map(String::as_str);
                let found = match name {
                    TextName::Class => table.class(row),
                    TextName::Label => row.label.as_deref(),
                    TextName::Predicted => predicted(),
                    TextName::Micrograph => Some(&*row.micrograph),
                };
                // `label = none` asks for what has none.
                let same = match found {
                    Some(found) => found == text,
                    None => text == "none",
                };
                same == *equal
            }
            Self::Labelled => row.label.is_some(),
            Self::HeldOut => row.held_out,
        }
    }
}

/// A value in the unit that was asked for; NaN if it is not known in it.
fn value(table: &Table, row: &Row, name: &Variable, length: Length) -> f64 {
    let nm = match length {
        Length::Nanometres => row.nm_per_px.unwrap_or(f64::NAN),
        Length::Pixels | Length::None => 1.0,
    };
    match name {
        Variable::Measured(what) => {
            row.measured.as_ref().map_or(f64::NAN, |d| d.get(*what) * nm.powi(what.dimension()))
        }
        Variable::ShiftX | Variable::ShiftY => {
            let place = usize::from(*name == Variable::ShiftY);
            let shift = table.prediction(row).map_or(f64::NAN, |p| f64::from(p.shift_px[place]));
            shift * row.pitch_px * nm
        }
        other => table.value(row, other),
    }
}

impl Is {
    fn holds(self, value: f64, limit: f64) -> bool {
        if value.is_nan() {
            return false;
        }
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::More => value > limit,
            Self::AtLeast => value >= limit,
            // As far as a person types digits.
            Self::Equal => (value - limit).abs() <= 1e-6 * limit.abs().max(1.0),
            Self::Unequal => (value - limit).abs() > 1e-6 * limit.abs().max(1.0),
        }
    }
}

/// Power of the length unit a variable is counted in.
fn dimension(name: &Variable) -> i32 {
    match name {
        Variable::Measured(what) => what.dimension(),
        Variable::ShiftX | Variable::ShiftY | Variable::X | Variable::Y => 1,
        _ => 0,
    }
}

/// The numbers that have a plain name.
const NUMBERS: [(&str, Variable); 19] = [
    ("p", Variable::Probability),
    ("margin", Variable::Margin),
    ("error", Variable::Error),
    ("angle", Variable::Angle),
    ("shift_x", Variable::ShiftX),
    ("shift_y", Variable::ShiftY),
    ("scale", Variable::Scale),
    ("x", Variable::X),
    ("y", Variable::Y),
    ("area", Variable::Measured(Descriptor::Area)),
    ("diameter", Variable::Measured(Descriptor::EquivalentDiameter)),
    ("aspect", Variable::Measured(Descriptor::AspectRatio)),
    ("feret_max", Variable::Measured(Descriptor::FeretMax)),
    ("feret_min", Variable::Measured(Descriptor::FeretMin)),
    ("circularity", Variable::Measured(Descriptor::Circularity)),
    ("intensity", Variable::Measured(Descriptor::MeanIntensity)),
    ("background", Variable::Measured(Descriptor::LocalBackground)),
    ("direction", Variable::Direction),
    ("aspect_ratio", Variable::Measured(Descriptor::AspectRatio)),
];

const TEXTS: [(&str, TextName); 4] = [
    ("class", TextName::Class),
    ("label", TextName::Label),
    ("predicted", TextName::Predicted),
    ("micrograph", TextName::Micrograph),
];
