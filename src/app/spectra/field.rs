//! One number a spectrum: its name, unit, values and colours.

use crate::library::figure::{self, Colours};
use crate::micrograph::stats::percentiles;
use crate::spectrum::Found;
use egui::Color32;

/// What a spectrum has a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Latent(usize),
    Shift,
    /// Root mean square of spectrum less model.
    Error,
}

impl Field {
    /// All that were found.
    pub fn all(found: &Found) -> Vec<Self> {
        (0..found.latent()).map(Self::Latent).chain([Self::Shift, Self::Error]).collect()
    }

    /// As in the files.
    pub fn name(self) -> String {
        match self {
            Self::Latent(k) => format!("z{k}"),
            Self::Shift => "shift".into(),
            Self::Error => "error".into(),
        }
    }

    /// What its values are counted in.
    pub fn unit(self, axis: &str) -> String {
        match self {
            Self::Latent(_) => "prior sd".into(),
            Self::Shift if axis.is_empty() => "units of x".into(),
            Self::Shift => axis.into(),
            Self::Error => "rms, units of the spectra".into(),
        }
    }

    /// Name and unit, for an axis.
    pub fn label(self, axis: &str) -> String {
        format!("{} ({})", self.name(), self.unit(axis))
    }

    /// One value a spectrum.
    pub fn values(self, found: &Found) -> Vec<f64> {
        match self {
            Self::Latent(k) => found.column(k).into_iter().map(f64::from).collect(),
            Self::Shift => found.shift.clone(),
            Self::Error => found.error.clone(),
        }
    }

    /// True if a latent carries nothing.
    pub fn collapsed(self, found: &Found) -> bool {
        matches!(self, Self::Latent(k) if found.collapsed(k))
    }

    /// Values at both ends of the colours: percentiles, round zero for signed values; the second is larger.
    pub fn range(self, values: &[f64]) -> [f32; 2] {
        let narrow: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let p = percentiles(&narrow, &[1.0, 99.0]);
        let [low, high] = match p[..] {
            [low, high] if low.is_finite() && high.is_finite() => [low, high],
            _ => [0.0, 1.0],
        };
        if self == Self::Error {
            return [low, high.max(low + low.abs().max(1e-6) * 1e-3)];
        }
        let most = low.abs().max(high.abs()).max(1e-6);
        [-most, most]
    }

    /// The colour of a value, as a pixel and as a dot: signed values round zero, others from dark to bright.
    pub fn colour(self, value: f64, range: [f32; 2]) -> Color32 {
        let colours = if self == Self::Error { Colours::Sequential } else { Colours::Diverging };
        let image::Rgb([r, g, b]) = figure::colour(value as f32, range, colours);
        Color32::from_rgb(r, g, b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_values_are_shown_round_zero_and_flat_ones_do_not_divide_by_it() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i) / 50.0 - 0.4).collect();
        let [low, high] = Field::Shift.range(&values);
        assert!(low == -high && high > 1.5, "{low} {high}");
        for field in [Field::Latent(0), Field::Error] {
            let [low, high] = field.range(&[0.0; 9]);
            assert!(low < high, "{field:?}");
            let [low, high] = field.range(&[]);
            assert!(low < high, "{field:?}");
        }
        assert_eq!(Field::Shift.label("eV"), "shift (eV)");
        assert_eq!(Field::Latent(1).label(""), "z1 (prior sd)");
    }
}
