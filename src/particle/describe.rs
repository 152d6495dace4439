//! What a ruler says of a particle: size, shape and brightness measured on its patch, without any model.
//!
//! The outline is the curve at half height between the particle and its local background, found between the pixels by
//! marching squares (Lorensen & Cline 1987, in two dimensions), so that sizes are finer than a pixel. Lengths follow
//! ISO 9276-6: Feret diameters are distances of parallel tangents.

mod outline;

use crate::micrograph::stats::percentiles;
use crate::particle::patch::PatchSet;
use outline::Outline;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A particle must stand out from its background by this much (patch intensities 0..1) to have an outline.
const LEAST_CONTRAST: f32 = 0.06;
/// Patch pixels that an outline must hold; below there is no shape to speak of.
const LEAST_AREA: f64 = 6.0;
/// Variance of the smoothing and of a pixel's own width, px². At half height a smoothed edge of curvature k lies
/// variance * k / 2 further in; round a closed curve that adds up to pi * variance, whatever the shape.
const BLUR: f64 = 0.5 + 1.0 / 12.0;
/// Ratio of the moments' axes from which on they give the angle; below it the narrowest rectangle does.
const ELONGATED: f64 = 1.25;

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Descriptor {
    Area,
    EquivalentDiameter,
    AspectRatio,
    FeretMax,
    FeretMin,
    Circularity,
    MeanIntensity,
    LocalBackground,
}

impl Descriptor {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 8] = [
        Self::Area,
        Self::EquivalentDiameter,
        Self::AspectRatio,
        Self::FeretMax,
        Self::FeretMin,
        Self::Circularity,
        Self::MeanIntensity,
        Self::LocalBackground,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::EquivalentDiameter => "equivalent diameter",
            Self::AspectRatio => "aspect ratio",
            Self::FeretMax => "largest Feret diameter",
            Self::FeretMin => "smallest Feret diameter",
            Self::Circularity => "circularity",
            Self::MeanIntensity => "mean intensity",
            Self::LocalBackground => "local background",
        }
    }

    /// Power of the length unit: 2 for areas, 1 for lengths, 0 for plain numbers.
    pub fn dimension(self) -> i32 {
        match self {
            Self::Area => 2,
            Self::EquivalentDiameter | Self::FeretMax | Self::FeretMin => 1,
            _ => 0,
        }
    }

    /// "nm2", "px" or nothing.
    pub fn unit(self, in_nm: bool) -> &'static str {
        match (self.dimension(), in_nm) {
            (2, true) => "nm2",
            (2, false) => "px2",
            (1, true) => "nm",
            (1, false) => "px",
            _ => "",
        }
    }
}

/// The measurements of one particle; lengths in pixels of the micrograph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descriptors {
    /// Within the outline, holes included, px².
    pub area: f64,
    /// Diameter of the disc of the same area, px.
    pub equivalent_diameter: f64,
    /// Length over width of the narrowest rectangle round the outline, >= 1: 1 for discs and squares.
    pub aspect_ratio: f64,
    /// Largest and smallest distance of parallel tangents, px.
    pub feret_max: f64,
    pub feret_min: f64,
    /// 4 pi area / perimeter²: 1 for a disc, 0.785 for a large square (corners are seen rounded by half a pixel).
    pub circularity: f64,
    /// Direction of the longer side, counter-clockwise on the screen from the x axis, degrees in (-90, 90]; for a
    /// square one of its two.
    pub angle_deg: f64,
    /// Of the pixels within the outline, patch intensities 0..1.
    pub mean_intensity: f64,
    /// Median outside the outline, patch intensities 0..1.
    pub local_background: f64,
}

impl Descriptors {
    /// A measurement; lengths in px.
    pub fn get(&self, what: Descriptor) -> f64 {
        match what {
            Descriptor::Area => self.area,
            Descriptor::EquivalentDiameter => self.equivalent_diameter,
            Descriptor::AspectRatio => self.aspect_ratio,
            Descriptor::FeretMax => self.feret_max,
            Descriptor::FeretMin => self.feret_min,
            Descriptor::Circularity => self.circularity,
            Descriptor::MeanIntensity => self.mean_intensity,
            Descriptor::LocalBackground => self.local_background,
        }
    }

    /// A measurement in nm where the pixel size is known, else in px.
    pub fn get_in(&self, what: Descriptor, nm_per_px: Option<f64>) -> f64 {
        self.get(what) * nm_per_px.unwrap_or(1.0).powi(what.dimension())
    }
}

/// Measures the particle in the middle of a `wide` x `wide` patch (row-major, 0..=1, particle bright) whose pixels are
/// `pitch_px` micrograph pixels wide.
///
/// `None` where no outline can be drawn: nothing stands out in the middle, or it reaches beyond the patch.
pub fn describe(patch: &[f32], wide: usize, pitch_px: f64) -> Option<Descriptors> {
    if wide < 5 || patch.len() != wide * wide || !patch.iter().all(|v| v.is_finite()) {
        return None;
    }
    let smooth = smoothed(patch, wide);
    let mut level = f32::midpoint(percentiles(&smooth, &[20.0])[0], middle_brightness(&smooth, wide));
    let mut found = None;
    // The level follows what it encloses; it settles in two or three turns.
    for _ in 0..4 {
        let outline = Outline::around_middle(&smooth, wide, level)?;
        let (inside, outside) = outline.split(patch);
        if inside.is_empty() || outside.is_empty() {
            return None;
        }
        let (bright, dark) = (percentiles(&inside, &[50.0])[0], percentiles(&outside, &[50.0])[0]);
        if bright - dark < LEAST_CONTRAST {
            return None;
        }
        level = f32::midpoint(bright, dark);
        found = Some((inside, dark));
    }
    let outline = Outline::around_middle(&smooth, wide, level)?;
    let (inside, dark) = found?;
    if outline.leaves_patch() {
        return None;
    }
    let shape = outline.shape()?;
    if shape.area < LEAST_AREA {
        return None;
    }
    let area = shape.area + std::f64::consts::PI * BLUR;
    let perimeter = shape.perimeter + std::f64::consts::PI * BLUR / (area / std::f64::consts::PI).sqrt();
    // The ends of a rod and of a disc are as round as it is wide.
    let rounding = 2.0 * BLUR / shape.width;
    // How round the sides are where the tangents touch: 1 for a disc or an ellipse, 0 for a rectangle.
    let roundness = (1.0 - area / (shape.length * shape.width)) / (1.0 - std::f64::consts::FRAC_PI_4);
    let sides = rounding * roundness.clamp(0.0, 1.0);
    let turned = if shape.axes_ratio > ELONGATED { shape.moments_angle } else { shape.length_angle };
    let mean = inside.iter().map(|v| f64::from(*v)).sum::<f64>() / inside.len() as f64;
    Some(Descriptors {
        area: area * pitch_px * pitch_px,
        equivalent_diameter: 2.0 * (area / std::f64::consts::PI).sqrt() * pitch_px,
        aspect_ratio: (shape.length + sides) / (shape.width + sides),
        feret_max: (shape.longest + rounding) * pitch_px,
        feret_min: (shape.width + sides) * pitch_px,
        circularity: (4.0 * std::f64::consts::PI * area / perimeter.powi(2)).min(1.0),
        angle_deg: direction_deg(turned),
        mean_intensity: mean,
        local_background: f64::from(dark),
    })
}

/// [`describe`] of every patch, `pitch_px` micrograph pixels a patch pixel for each.
pub fn describe_all(set: &PatchSet, pitch_px: &[f64]) -> Vec<Option<Descriptors>> {
    let size = set.wide * set.wide;
    set.pixels
        .par_chunks(size.max(1))
        .zip(pitch_px)
        .map(|(patch, pitch)| describe(patch, set.wide, *pitch))
        .collect()
}

/// What the brightest part of the middle is like.
fn middle_brightness(values: &[f32], wide: usize) -> f32 {
    let middle = (wide as f32 - 1.0) / 2.0;
    let near = |i: usize| ((i % wide) as f32 - middle).hypot((i / wide) as f32 - middle) <= wide as f32 / 8.0;
    let values: Vec<f32> = (0..values.len()).filter(|i| near(*i)).map(|i| values[i]).collect();
    percentiles(&values, &[95.0])[0]
}

/// A direction in a picture whose y points down, as degrees counter-clockwise on the screen in (-90, 90].
fn direction_deg(angle_rad: f64) -> f64 {
    let turn = -angle_rad.to_degrees();
    let turn = turn - 180.0 * (turn / 180.0).round();
    if turn <= -90.0 { turn + 180.0 } else { turn }
}

/// Binomial smoothing, 1-2-1 along both axes: it makes an edge wider than a pixel, so that a straight line between two
/// pixels finds its half height.
fn smoothed(patch: &[f32], wide: usize) -> Vec<f32> {
    let pass = |from: &[f32], step: usize| -> Vec<f32> {
        let place = |i: usize| (i / step) % wide;
        (0..from.len())
            .map(|i| {
                let before = if place(i) > 0 { from[i - step] } else { from[i] };
                let after = if place(i) + 1 < wide { from[i + step] } else { from[i] };
                (before + 2.0 * from[i] + after) / 4.0
            })
            .collect()
    };
    pass(&pass(patch, 1), wide)
}

#[cfg(test)]
mod tests;
