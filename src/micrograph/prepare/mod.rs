//! Preparation of a picture: levelling and filters as steps that are kept with the project and applied in memory.
//!
//! The file is never changed. Steps are applied in order to a copy of the pixels. Pixels that were lost in the file (NaN)
//! and those under a mask (adsorbates, a step edge) have no say in any fit or mean.

mod filter;
mod level;
mod lost;

pub use level::{subtract_plane, subtract_polynomial};
pub use lost::outliers;

use super::Micrograph;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The highest degree of a levelling polynomial: above it the surface follows the pattern.
pub const MAX_DEGREE: usize = 6;
/// The largest side of a median filter, pixels.
pub const MAX_MEDIAN: usize = 31;

/// One step of preparation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Subtract the plane that fits best.
    Plane,
    /// Subtract the polynomial in x and y of this total degree (1..=[`MAX_DEGREE`]) that fits best.
    Polynomial { degree: usize },
    /// Shift each scan line so that the median of its differences to the line before is 0.
    Lines { axis: Axis },
    /// Median over a square of `size_px` (odd, 3..=[`MAX_MEDIAN`]).
    Median { size_px: usize },
    /// Gaussian mean with this standard deviation.
    Gaussian { sigma: Length },
    /// Keep wavelengths from `shortest` to `longest`; at both the amplitude falls to half.
    BandPass { shortest: Length, longest: Length },
}

/// Which lines are scan lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    Rows,
    Columns,
}

/// A length on the picture, > 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    Px(#[serde(deserialize_with = "super::number::read")] f64),
    /// Needs a picture whose pixel size is known.
    Nm(#[serde(deserialize_with = "super::number::read")] f64),
}

/// The picture after the steps, in order. Lost pixels are filled from their neighbours first.
///
/// `mask`: `width * height` flags; where it is false the pixel has no say, but is levelled with the others.
///
/// # Errors
/// [`Error::Invalid`] naming the step and the setting that cannot be used: a length that is not above 0, one in
/// nanometres without a pixel size, a mask of another size, or nothing left to count.
pub fn apply(image: &Micrograph, steps: &[Step], mask: Option<&[bool]>) -> Result<Micrograph> {
    let (w, h) = (image.width, image.height);
    if let Some(mask) = mask.filter(|m| m.len() != w * h) {
        let problem = format!("it has {} pixels, the picture {}", mask.len(), w * h);
        return Err(Error::invalid("mask", problem));
    }
    let counts = lost::counts(image, mask);
    if !counts.contains(&true) {
        return Err(Error::invalid(
            "mask",
            "it covers the whole picture, so that nothing is left to level by",
        ));
    }
    for (i, step) in steps.iter().enumerate() {
        step.check(image)
            .map_err(|problem| Error::invalid(format!("preparation step {}", i + 1), problem))?;
    }
    let mut pixels = image.pixels.to_vec();
    lost::fill(&mut pixels, w, h, image.lost.as_deref());
    for step in steps {
        step.apply(image, &mut pixels, &counts);
    }
    Ok(Micrograph { pixels: pixels.into(), ..image.clone() })
}

impl Step {
    /// The step in words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plane => "plane",
            Self::Polynomial { .. } => "polynomial",
            Self::Lines { .. } => "line by line",
            Self::Median { .. } => "median",
            Self::Gaussian { .. } => "Gaussian",
            Self::BandPass { .. } => "band-pass",
        }
    }

    fn check(&self, image: &Micrograph) -> std::result::Result<(), String> {
        let name = self.name();
        match *self {
            Self::Polynomial { degree } if !(1..=MAX_DEGREE).contains(&degree) => {
                Err(format!("{name}: the degree is {degree}; it must be 1 to {MAX_DEGREE}"))
            }
            Self::Median { size_px } if size_px % 2 == 0 || !(3..=MAX_MEDIAN).contains(&size_px) => {
                Err(format!("{name}: the size is {size_px} px; it must be odd, 3 to {MAX_MEDIAN}"))
            }
            Self::Gaussian { sigma } => sigma.px(image).map(drop).map_err(|e| format!("{name}: {e}")),
            Self::BandPass { shortest, longest } => {
                let [short, long] = [shortest, longest].map(|l| l.px(image));
                let (short, long) =
                    (short.map_err(|e| format!("{name}: {e}"))?, long.map_err(|e| format!("{name}: {e}"))?);
                if short[0] < long[0] {
                    Ok(())
                } else {
                    Err(format!("{name}: the shortest wavelength is not below the longest"))
                }
            }
            _ => Ok(()),
        }
    }

    /// After [`Step::check`].
    fn apply(&self, image: &Micrograph, pixels: &mut Vec<f32>, counts: &[bool]) {
        let (w, h) = (image.width, image.height);
        let smooth = |pixels: &[f32], length: Length, factor: f64| {
            let sigma = length.px(image).unwrap_or([1.0; 2]).map(|s| s * factor);
            filter::gaussian(pixels, w, h, sigma, counts)
        };
        match *self {
            Self::Plane => subtract_plane(pixels, w, h, Some(counts)),
            Self::Polynomial { degree } => subtract_polynomial(pixels, w, h, degree, Some(counts)),
            Self::Lines { axis } => level::level_lines(pixels, w, h, axis, counts),
            Self::Median { size_px } => *pixels = filter::median(pixels, w, h, size_px, counts),
            Self::Gaussian { sigma } => *pixels = smooth(pixels, sigma, 1.0),
            Self::BandPass { shortest, longest } => {
                let fine = smooth(pixels, shortest, HALF);
                let coarse = smooth(pixels, longest, HALF);
                *pixels = fine.iter().zip(&coarse).map(|(f, c)| f - c).collect();
            }
        }
    }
}

/// A Gaussian of standard deviation s halves waves of length s / HALF: exp(-2 (pi s / l)^2) = 1/2.
const HALF: f64 = 0.187_390_624_6;

impl Length {
    /// In pixels along x and y.
    fn px(self, image: &Micrograph) -> std::result::Result<[f64; 2], String> {
        let (value, unit) = match self {
            Self::Px(v) => (v, "px"),
            Self::Nm(v) => (v, "nm"),
        };
        if !(value.is_finite() && value > 0.0) {
            return Err(format!("a length of {value} {unit}; it must be above 0"));
        }
        match (self, image.pixel_size) {
            (Self::Px(v), _) => Ok([v; 2]),
            (Self::Nm(v), Some(size)) => Ok([v / size.x_nm, v / size.y_nm]),
            (Self::Nm(_), None) => {
                Err("a length in nm, but the pixel size is not known: give it in px".to_owned())
            }
        }
    }
}
