//! Finding particles.
//!
//! Two methods, each for particles brighter or darker than the background: [`Method::Blobs`] for round particles and
//! noisy pictures, [`Method::Watershed`] for particles with an outline, touching or not.

mod adsorbates;
pub mod banner;
mod blobs;
mod choice;
mod components;
mod contrast;
mod distance;
mod field;
mod holes;
mod levels;
mod mask;
mod necks;
mod shape;
mod similar;
mod text;
mod watershed;

pub use adsorbates::adsorbates;
pub use banner::{ScaleBar, find_scale_bar, propose_banner};
pub use contrast::auto_contrast;
pub(super) use necks::divide_among;
pub use similar::{Example, Examples, Likeness, similar};
pub use text::propose_excluded;

use super::Region;
use crate::micrograph::Micrograph;
use crate::{Error, Result};
use field::Field;
use levels::Rules;
use serde::{Deserialize, Serialize};

/// Above this [`contrast::noise`] outlines are lost and only blobs can be told.
const NOISY: f32 = 0.6;

/// Told how much is done, 0..=1; answers false to stop the work. Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(f32) -> bool + Sync);

/// How particles are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Round bright or dark spots at any size (scale space); best for noisy pictures and lattices.
    Blobs,
    /// Outlines, with touching particles divided; best for particles with a shape.
    Watershed,
    /// [`Method::Blobs`] for very noisy pictures, else [`Method::Watershed`].
    Auto,
}

/// Whether particles are brighter or darker than the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    Bright,
    Dark,
    /// Told from the picture by [`auto_contrast`].
    Auto,
}

/// The unit of the diameters in [`Settings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Pixels,
    /// Needs a micrograph with a known pixel size.
    Nanometres,
}

/// What the sliders set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub method: Method,
    pub contrast: Contrast,
    pub unit: Unit,
    /// Smallest equivalent diameter (of the disc of the same area) in `unit`; slider 2..=200 px, logarithmic.
    pub min_diameter: f32,
    /// Largest equivalent diameter in `unit`; slider 4..=2000 px, logarithmic.
    pub max_diameter: f32,
    /// Least contrast to the surroundings as a share of the picture's own contrast; 0..=1. Higher finds fewer.
    pub threshold: f32,
    /// How eagerly touching particles are divided; 0 (never) ..=1 (at every neck).
    pub separation: f32,
    /// Least area as a share of the disc of the smallest diameter; 0..=4.
    pub min_area: f32,
    /// Rings and shells are one particle each.
    pub hollow: bool,
    /// Keep particles that are cut by the border of the picture or by an excluded region.
    pub at_border: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            contrast: Contrast::Auto,
            unit: Unit::Pixels,
            min_diameter: 12.0,
            max_diameter: 400.0,
            threshold: 0.15,
            separation: 0.5,
            min_area: 0.0,
            hollow: true,
            at_border: true,
        }
    }
}

/// A particle found on a micrograph; lengths in micrograph pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Centre (of gravity of the outline).
    pub x: f32,
    pub y: f32,
    /// Diameter of the disc of the same area.
    pub diameter: f32,
    /// Longest extent of the outline.
    pub length: f32,
    /// Square pixels.
    pub area: f32,
    pub bounds: Region,
    /// Cut by the border of the picture or by an excluded region.
    pub touches_border: bool,
    /// 0..=1, higher is clearer.
    pub score: f32,
}

impl Detection {
    /// The fields that are searched may be a little larger than the picture: a centre beyond its border comes back.
    fn stay_on(&mut self, m: &Micrograph) {
        self.x = self.x.clamp(-0.5, m.width as f32 - 0.5);
        self.y = self.y.clamp(-0.5, m.height as f32 - 0.5);
    }
}

/// [`Settings`] in micrograph pixels, checked.
#[derive(Clone, Debug)]
struct Plan {
    diameter: (f32, f32),
    contrast: f32,
    separation: f32,
    min_area: f32,
    hollow: bool,
}

impl Plan {
    fn new(m: &Micrograph, settings: &Settings) -> Result<Self> {
        let nm_per_px = match (settings.unit, m.pixel_size) {
            (Unit::Pixels, _) => 1.0,
            (Unit::Nanometres, Some(size)) => ((size.x_nm * size.y_nm).sqrt()) as f32,
            (Unit::Nanometres, None) => {
                let problem =
                    "in nanometres, but this micrograph's pixel size is not known; set it, or give pixels";
                return Err(Error::invalid("detection diameters", problem));
            }
        };
        let (min, max) = (settings.min_diameter / nm_per_px, settings.max_diameter / nm_per_px);
        if !(min > 0.0 && max >= min && max.is_finite()) {
            let (min, max) = (settings.min_diameter, settings.max_diameter);
            return Err(Error::invalid(
                "detection diameters",
                format!("{min} to {max} is not a range above 0"),
            ));
        }
        for (name, value, top) in [
            ("threshold", settings.threshold, 1.0),
            ("separation", settings.separation, 1.0),
            ("min_area", settings.min_area, 4.0),
        ] {
            if !(0.0..=top).contains(&value) {
                let what = format!("detection setting {name}");
                return Err(Error::invalid(what, format!("{value} is not in 0 to {top}")));
            }
        }
        let disc = std::f32::consts::PI / 4.0 * min * min;
        Ok(Self {
            diameter: (min, max),
            contrast: settings.threshold,
            separation: settings.separation,
            min_area: settings.min_area * disc,
            hollow: settings.hollow,
        })
    }

    /// Micrograph pixels per pixel of the field: as coarse as the smallest particle allows.
    fn factor(&self) -> usize {
        ((self.diameter.0 / 6.0) as usize).clamp(1, 4)
    }

    fn rules(&self, field: &Field) -> Rules {
        let area = |d: f32| std::f32::consts::PI / 4.0 * (d / field.factor as f32).powi(2);
        // What covers most of the picture is the background.
        let most = 0.5 * field.values.len() as f32;
        Rules {
            // Larger particles must be recognised, too, or their bright spots would be found instead of them.
            area: (area(self.diameter.0), area(2.0 * self.diameter.1).min(most)),
            neck: (1.7 * self.separation).min(0.75 + 0.2 * self.separation),
            part_trust: 0.5 + 0.45 * self.separation,
            dip: 0.02 + 0.2 * (1.0 - self.separation).powi(2) / 0.5,
            hollow: self.hollow,
        }
    }
}

/// Finds particles outside the `excluded` regions; best score first, the same for the same input.
///
/// # Errors
/// [`Error::Invalid`] for settings that make no sense, [`Error::Stopped`] as soon as `progress` returns false.
pub fn detect(
    m: &Micrograph,
    excluded: &[Region],
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<Vec<Detection>> {
    let plan = Plan::new(m, settings)?;
    if m.pixels.is_empty() {
        return Ok(Vec::new());
    }
    let bright = match settings.contrast {
        Contrast::Bright => true,
        Contrast::Dark => false,
        Contrast::Auto => auto_contrast(m, excluded),
    };
    if !progress(0.05) {
        return Err(Error::Stopped);
    }
    let rest = |done: f32| progress(0.1 + 0.9 * done);
    let blobs = match settings.method {
        Method::Blobs => true,
        Method::Watershed => false,
        Method::Auto => contrast::noise(m, excluded) > NOISY,
    };
    let mut found = if blobs {
        blobs::find(m, excluded, bright, &plan, &rest)?
    } else {
        let field = Field::new(m, excluded, plan.factor(), 1.0, bright);
        watershed::segment(&field, &plan, &rest)?.detections
    };
    found.retain(|d| settings.at_border || !d.touches_border);
    found.iter_mut().for_each(|d| d.stay_on(m));
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.y.total_cmp(&b.y)).then(a.x.total_cmp(&b.x)));
    progress(1.0);
    Ok(found)
}

/// Label map of the particles of `m` for [`crate::particle::territory`]: `(width, height, factor, labels)`, one label
/// for `factor` x `factor` pixels, 0 for the background.
///
/// # Errors
/// As [`detect`].
pub(super) fn regions(
    m: &Micrograph,
    excluded: &[Region],
    bright: bool,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<(usize, usize, usize, Vec<u32>)> {
    let plan = Plan::new(m, settings)?;
    let field = Field::new(m, excluded, plan.factor(), 1.0, bright);
    let labels = watershed::segment(&field, &plan, progress)?.labels;
    Ok((field.width, field.height, field.factor, labels))
}
