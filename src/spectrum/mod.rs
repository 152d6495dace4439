//! Spectra: many curves on one axis, perhaps one for each place of a grid; and what a model finds in them.

mod found;
mod read;

pub use found::{COLLAPSED_SD, Found, Loss};
pub use read::{ENDINGS, open};

use crate::error::{Error, Result};

/// Spectra on one axis.
#[derive(Clone, Debug)]
pub struct Spectra {
    /// `[points]`, evenly spaced, rising or falling.
    pub x: Vec<f64>,
    /// `[count, points]`
    pub values: Vec<f32>,
    /// Rows and columns, for spectra taken over a grid: row by row, from the top.
    pub grid: Option<[usize; 2]>,
    /// Unit of the axis; empty where the file does not say.
    pub unit: String,
    /// The lowest and the highest of all values.
    range: [f32; 2],
}

impl Spectra {
    /// Spectra whose values are all finite, at least 8 of them with at least 8 points each.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the spectrum and the point that cannot be used.
    pub fn new(x: Vec<f64>, values: Vec<f32>) -> Result<Self> {
        Self::over(x, values, None)
    }

    /// As [`Spectra::new`], one spectrum for each place of a grid of rows and columns.
    ///
    /// # Errors
    /// As [`Spectra::new`]; a grid of another number of places.
    pub fn over(x: Vec<f64>, values: Vec<f32>, grid: Option<[usize; 2]>) -> Result<Self> {
        let points = x.len();
        let count = values.len() / points.max(1);
        if points < 8 || count < 8 || values.len() != points * count {
            let problem = format!("{count} spectra of {points} points; at least 8 of 8 are needed");
            return Err(Error::invalid("spectra", problem));
        }
        if let Some([rows, columns]) = grid
            && rows.checked_mul(columns) != Some(count)
        {
            let problem = format!("{rows} rows of {columns} do not hold {count} spectra");
            return Err(Error::invalid("grid", problem));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let i = at / points;
            let place = grid.map_or_else(String::new, |[_, columns]| {
                format!(" (row {}, column {})", i / columns, i % columns)
            });
            let problem =
                format!("point {} is not a finite number; mend it or leave the spectrum out", at % points);
            return Err(Error::invalid(format!("spectrum {i}{place}"), problem));
        }
        if let Some(i) = uneven(&x) {
            let problem = format!("{} at point {i} is not evenly spaced; resample the spectra", x[i]);
            return Err(Error::invalid("x", problem));
        }
        let range = values
            .iter()
            .fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], v| [low.min(*v), high.max(*v)]);
        Ok(Self { x, values, grid, unit: String::new(), range })
    }

    /// The same with the unit of its axis.
    pub fn in_units(self, unit: impl Into<String>) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// Number of spectra.
    pub fn count(&self) -> usize {
        self.values.len() / self.x.len().max(1)
    }

    /// The values of one spectrum; empty if there is no such.
    pub fn of(&self, i: usize) -> &[f32] {
        let points = self.x.len();
        self.values.get(i * points..(i + 1) * points).unwrap_or_default()
    }

    /// The lowest and the highest of all values.
    pub fn range(&self) -> [f32; 2] {
        self.range
    }

    /// Half of the axis, in its units, with the sense of the axis.
    pub fn reach(&self) -> f64 {
        0.5 * (self.x[self.x.len() - 1] - self.x[0])
    }

    /// Mean over all spectra, `[points]`.
    pub fn mean(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.x.len()];
        for spectrum in self.values.chunks_exact(self.x.len()) {
            sums.iter_mut().zip(spectrum).for_each(|(sum, v)| *sum += f64::from(*v));
        }
        let n = self.count() as f64;
        sums.iter().map(|sum| sum / n).collect()
    }
}

/// The first point of an axis that is not where even steps would have it.
fn uneven(x: &[f64]) -> Option<usize> {
    let (first, last) = (x.first()?, x.last()?);
    let step = (last - first) / (x.len().max(2) - 1) as f64;
    x.iter().enumerate().position(|(i, x)| {
        let ideal = first + step * i as f64;
        !x.is_finite() || step == 0.0 || (x - ideal).abs() > 0.02 * step.abs()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x(points: usize) -> Vec<f64> {
        (0..points).map(|i| 10.0 - 0.5 * i as f64).collect()
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        let mut values = vec![0.5; 120];
        values[57] = f32::NAN;
        let said = |grid| Spectra::over(x(10), values.clone(), grid).unwrap_err().to_string();
        assert!(said(None).starts_with("spectrum 5: point 7 is not a finite number"), "{}", said(None));
        let text = said(Some([3, 4]));
        assert!(text.starts_with("spectrum 5 (row 1, column 1): point 7"), "{text}");
        assert!(said(Some([3, 5])).contains("3 rows of 5 do not hold 12 spectra"));
        let few = Spectra::new(x(10), vec![0.0; 70]).unwrap_err().to_string();
        assert!(few.contains("7 spectra of 10 points"), "{few}");
        let mut uneven = x(10);
        uneven[4] += 0.1;
        let text = Spectra::new(uneven, vec![0.0; 120]).unwrap_err().to_string();
        assert!(text.contains("8.1 at point 4 is not evenly spaced"), "{text}");
    }

    #[test]
    fn a_falling_axis_has_its_sense_and_the_mean_is_the_mean() {
        let values = (0..80).map(|i| if i < 40 { 1.0 } else { 4.0 }).collect();
        let spectra = Spectra::over(x(10), values, Some([2, 4])).unwrap().in_units("eV");
        assert_eq!((spectra.reach(), spectra.range(), spectra.unit.as_str()), (-2.25, [1.0, 4.0], "eV"));
        assert!(spectra.mean().iter().all(|v| (v - 2.5).abs() < 1e-12));
        assert_eq!((spectra.of(7), spectra.of(8).len()), (&[4.0; 10][..], 0));
    }
}
