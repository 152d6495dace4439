//! Which map is looked at, its name and unit; lines over it, and where its values lie.

use crate::lattice::Vector;
use crate::micrograph::PixelSize;
use crate::order::{Map, Smear};
use crate::worker::mapping::{MapSet, Plan};

/// One scalar map of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Content(usize),
    Uncertainty(usize),
    /// 0 to the right, 1 down.
    Shift(usize),
    Rotation,
    Error,
    /// Displacement from phase analysis: 0 to the right, 1 down.
    PhaseAnalysis(usize),
    /// Strain from phase analysis: xx, yy, xy.
    Strain(usize),
    /// A latent of another seed, turned onto those of the best one.
    Seed {
        seed: u64,
        latent: usize,
    },
}

/// What the map pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    One(Field),
    /// Two latents in one picture.
    Two(usize, usize),
    Segments,
}

impl Field {
    /// All maps that a set has, but those of the single seeds.
    pub fn all(set: &MapSet) -> Vec<Self> {
        let n = set.content.len();
        let mut all: Vec<Self> = (0..n).map(Self::Content).collect();
        all.extend([Self::Shift(0), Self::Shift(1)]);
        all.extend(set.rotation.is_some().then_some(Self::Rotation));
        all.extend(set.recon_error.is_some().then_some(Self::Error));
        if set.phase_analysis.is_some() {
            all.extend((0..2).map(Self::PhaseAnalysis).chain((0..3).map(Self::Strain)));
        }
        all.extend((0..set.uncertainty.len()).map(Self::Uncertainty));
        all
    }

    /// The map itself, if the set has it.
    pub fn of(self, set: &MapSet) -> Option<&Map> {
        match self {
            Self::Content(i) => set.content.get(i),
            Self::Uncertainty(i) => set.uncertainty.get(i),
            Self::Shift(i) => set.shift.get(i),
            Self::Rotation => set.rotation.as_ref(),
            Self::Error => set.recon_error.as_ref(),
            Self::PhaseAnalysis(i) => set.phase_analysis.as_ref()?.displacement.get(i),
            Self::Strain(i) => set.phase_analysis.as_ref()?.strain.get(i),
            Self::Seed { seed, latent } => {
                set.aligned.iter().find(|s| s.seed == seed).and_then(|s| s.content.get(latent))
            }
        }
    }

    /// As short as it can be: "z1", "sd of z1".
    pub fn name(self) -> String {
        match self {
            Self::Content(i) => format!("z{i}"),
            Self::Uncertainty(i) => format!("sd of z{i}"),
            Self::Shift(0) => "shift x".into(),
            Self::Shift(_) => "shift y".into(),
            Self::Rotation => "rotation".into(),
            Self::Error => "residual".into(),
            Self::PhaseAnalysis(i) => format!("phase analysis {}", ["x", "y"].get(i).unwrap_or(&"")),
            Self::Strain(i) => format!("strain {}", ["xx", "yy", "xy"].get(i).unwrap_or(&"")),
            Self::Seed { seed, latent } => format!("seed {seed} z{latent}"),
        }
    }

    /// What it says, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Content(_) => {
                "An order parameter: what varies in the repeating pattern, in standard deviations of its prior."
            }
            Self::Uncertainty(_) => {
                "How unsure the model is of the latent there: 1 is as unsure as before it saw anything."
            }
            Self::Shift(_) => "How far the pattern lies from the mean lattice, to the right (x) or down (y).",
            Self::Rotation => "How far the pattern is turned, counter-clockwise.",
            Self::Error => "Root mean square of what the model leaves unexplained, in the image's own units.",
            Self::PhaseAnalysis(_) => {
                "How far the lattice is displaced, to the right (x) or down (y), by geometric phase analysis: the reference beside the shift."
            }
            Self::Strain(_) => {
                "How the displacement of geometric phase analysis changes: along x (xx), along y (yy), and the shear (xy)."
            }
            Self::Seed { .. } => {
                "The latent of one seed, coarse, turned onto those of the best: seeds that agree look alike."
            }
        }
    }

    /// How the map is smeared by the way it was made.
    pub fn smear(self, plan: &Plan) -> Smear {
        match self {
            Self::PhaseAnalysis(_) | Self::Strain(_) => {
                Smear { sigma_px: plan.analysis_px().unwrap_or(0.0), window_px: 0.0 }
            }
            _ => Smear { sigma_px: plan.average_px, window_px: plan.window_px },
        }
    }

    /// The unit in which it is shown, and what a value of the map is multiplied by for it.
    pub fn unit(self, size: Option<PixelSize>) -> (&'static str, f64) {
        match (self, size) {
            (Self::Content(_) | Self::Uncertainty(_) | Self::Seed { .. }, _) => ("prior sd", 1.0),
            (Self::Shift(0) | Self::PhaseAnalysis(0), Some(size)) => ("pm", 1e3 * size.x_nm),
            (Self::Shift(_) | Self::PhaseAnalysis(_), Some(size)) => ("pm", 1e3 * size.y_nm),
            (Self::Shift(_) | Self::PhaseAnalysis(_), None) => ("px", 1.0),
            (Self::Strain(_), _) => ("%", 100.0),
            (Self::Rotation, _) => ("degrees", 1.0),
            (Self::Error, _) => ("image units", 1.0),
        }
    }
}

impl Shown {
    /// The scalar map that profiles and spectra are taken of.
    pub fn field(self) -> Field {
        match self {
            Self::One(field) => field,
            Self::Two(i, _) => Field::Content(i),
            Self::Segments => Field::Content(0),
        }
    }

    /// For the list of maps.
    pub fn name(self) -> String {
        match self {
            Self::One(field) => field.name(),
            Self::Two(i, j) => format!("z{i} and z{j}"),
            Self::Segments => "segments".into(),
        }
    }
}

/// A line across a map, pixels of the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub from: Vector,
    pub to: Vector,
    /// Values are averaged over this breadth across the line.
    pub breadth: f64,
}

/// Where a map's values lie on the image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    pub width: usize,
    pub height: usize,
    pub step: f64,
    pub origin: Vector,
}

impl Grid {
    pub fn of(map: &Map) -> Self {
        Self { width: map.width, height: map.height, step: map.step, origin: map.origin }
    }

    /// The value nearest to a place of the image.
    pub fn index(&self, place: Vector) -> Option<usize> {
        let at = |i: usize, n: usize| {
            let v = ((place[i] - self.origin[i]) / self.step).round();
            (v >= 0.0 && v < n as f64).then_some(v as usize)
        };
        Some(at(1, self.height)? * self.width + at(0, self.width)?)
    }

    /// The place of a value.
    pub fn place(&self, index: usize) -> Vector {
        let (x, y) = (index % self.width, index / self.width);
        [self.origin[0] + self.step * x as f64, self.origin[1] + self.step * y as f64]
    }
}

/// Area of `count` values: "12.3 nm2 (4,500 px)".
pub fn area(count: usize, step: f64, size: Option<PixelSize>) -> String {
    let px = count as f64 * step * step;
    match size {
        Some(size) => format!("{} nm²", significant(px * size.x_nm * size.y_nm)),
        None => format!("{} px²", significant(px)),
    }
}

/// Three significant digits, but whole numbers in full.
pub fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".into();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_value_is_found_and_outside_is_nothing() {
        let grid = Grid { width: 4, height: 3, step: 2.0, origin: [1.0, 1.0] };
        assert_eq!(grid.index([1.0, 1.0]), Some(0));
        assert_eq!(grid.index([6.9, 5.9]), Some(11));
        assert_eq!(grid.index([8.1, 3.0]), None);
        assert_eq!(grid.index([-0.1, 3.0]), None);
        assert_eq!(grid.index(grid.place(7)), Some(7));
    }

    #[test]
    fn areas_are_in_nanometres_where_the_scale_is_known() {
        assert_eq!(area(100, 2.0, PixelSize::new(0.1, 0.1)), "4.00 nm²");
        assert_eq!(area(100, 2.0, None), "400 px²");
    }
}
