//! Particles that look like examples: rotated templates, compared by normalised correlation.
//!
//! Correlating a large picture with every template at every angle would take minutes, so it is done in two steps. A
//! template averaged over all angles is the same however the particle is turned: its correlation with the picture
//! peaks at everything of the right size and contrast. Only those places are then compared with the templates proper.

mod search;
mod template;

use super::field::{Field, NOTHING};
use super::{Detection, Progress};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentile;
use crate::particle::Region;
use crate::{Error, Result};
use search::{apart, compare, places};
use template::{Disc, MOST_EXAMPLES, Template, choose};

/// A particle is about so many field pixels wide.
const FINE: f32 = 10.0;
/// Radius of a template as a share of the diameter: the surroundings tell a particle from a part of one.
const REACH: f32 = 0.7;

/// A particle to look for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// Centre in pixels of the micrograph.
    pub x: f32,
    pub y: f32,
    /// Pixels.
    pub diameter: f32,
}

/// Examples on a micrograph, which may be another one than that which is searched.
#[derive(Clone, Copy)]
pub struct Examples<'a> {
    pub micrograph: &'a Micrograph,
    pub of: &'a [Example],
}

/// How alike is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Least correlation with a template, 0..=1.
    pub score: f32,
    /// Least distance of two particles as a share of their diameter, 0.1..=4.
    pub separation: f32,
}

impl Default for Likeness {
    fn default() -> Self {
        Self { score: 0.6, separation: 0.8 }
    }
}

/// Finds what looks like the examples, at any angle, outside the `excluded` regions; the best first.
///
/// Examples on other micrographs are brought to the scale of this one where both pixel sizes are known.
/// [`Detection::score`] is the correlation with the template it resembles most; examples on this micrograph are found,
/// too.
///
/// # Errors
/// [`Error::Invalid`] without a usable example or for a setting out of range, [`Error::Stopped`] as soon as `progress`
/// returns false.
pub fn similar(
    m: &Micrograph,
    excluded: &[Region],
    examples: &[Examples<'_>],
    likeness: Likeness,
    progress: Progress<'_>,
) -> Result<Vec<Detection>> {
    if !(0.0..=1.0).contains(&likeness.score) || !(0.1..=4.0).contains(&likeness.separation) {
        return Err(Error::invalid("likeness", "the score lies in 0 to 1, the separation in 0.1 to 4"));
    }
    let usable = |e: &&Example| e.diameter.is_finite() && e.diameter > 0.0;
    let sizes = examples.iter().flat_map(|seen| {
        let enlarged = enlargement(m, seen.micrograph);
        seen.of.iter().filter(usable).map(move |e| e.diameter * enlarged)
    });
    let sizes: Vec<f32> = sizes.collect();
    if sizes.is_empty() {
        return Err(Error::invalid(
            "examples",
            "label at least one particle; what resembles it is then found",
        ));
    }
    let diameter = percentile(&sizes, 50.0).max(2.0);
    let mut field = fine(m, excluded, diameter);
    let hidden: Vec<bool> = field.values.iter().map(|v| *v == NOTHING).collect();
    field.values.iter_mut().filter(|v| **v == NOTHING).for_each(|v| *v = 0.0);
    let disc = Disc::new(REACH * diameter / field.factor as f32);
    if !progress(0.1) {
        return Err(Error::Stopped);
    }
    let mut candidates: Vec<Template> = Vec::new();
    for seen in examples.iter().filter(|seen| seen.of.iter().any(|e| usable(&e))) {
        let other;
        let enlarged = enlargement(m, seen.micrograph);
        let on = if std::ptr::eq(seen.micrograph, m) {
            &field
        } else {
            other = fine(seen.micrograph, &[], diameter / enlarged);
            &other
        };
        // A pixel of this field in pixels of theirs.
        let step = field.factor as f32 / (on.factor as f32 * enlarged);
        let room = MOST_EXAMPLES.saturating_sub(candidates.len());
        let of = seen.of.iter().filter(usable).take(room);
        candidates.extend(of.filter_map(|e| Template::new(on, &disc, (e.x, e.y), step)));
        if !progress(0.1) {
            return Err(Error::Stopped);
        }
    }
    let templates = choose(candidates);
    if templates.is_empty() {
        return Err(Error::invalid("examples", "there is no contrast round the examples to look for"));
    }
    let places = places(&field, &disc, &templates, progress)?;
    let found = compare(&field, &disc, &templates, &places, progress)?;
    let found = found.into_iter().filter(|(_, _, score)| *score >= likeness.score);
    let found = found.filter(|(x, y, _)| !hidden[(y.round() as usize) * field.width + x.round() as usize]);
    let found = apart(found.collect(), likeness.separation * diameter / field.factor as f32);
    progress(1.0);
    let mut found: Vec<Detection> =
        found.into_iter().map(|(x, y, score)| detection(m, &field, diameter, x, y, score)).collect();
    found.iter_mut().for_each(|d| d.stay_on(m));
    Ok(found)
}

/// How many pixels of a micrograph are as long as one of another; 1 where a scale is not known.
fn enlargement(m: &Micrograph, other: &Micrograph) -> f32 {
    match (m.pixel_size, other.pixel_size) {
        (Some(own), Some(theirs)) => (theirs.x_nm / own.x_nm) as f32,
        _ => 1.0,
    }
}

/// A picture so coarse that a particle of this diameter (pixels) is [`FINE`] wide.
fn fine(m: &Micrograph, excluded: &[Region], diameter: f32) -> Field {
    Field::new(m, excluded, ((diameter / FINE) as usize).max(1), 0.5, true)
}

fn detection(m: &Micrograph, field: &Field, diameter: f32, x: f32, y: f32, score: f32) -> Detection {
    let (x, y, r) = (field.to_micrograph(x), field.to_micrograph(y), diameter / 2.0);
    let bounds = Region { x0: x - r, y0: y - r, x1: x + r, y1: y + r };
    let (right, bottom) = (m.width as f32 - 0.5, m.height as f32 - 0.5);
    Detection {
        x,
        y,
        diameter,
        length: diameter,
        area: std::f32::consts::PI * r * r,
        bounds,
        touches_border: bounds.x0 < -0.5 || bounds.y0 < -0.5 || bounds.x1 > right || bounds.y1 > bottom,
        score,
    }
}
