//! What a trained model can be trusted with, measured on the user's own patches: does turning a patch by a known angle
//! turn the learned angle by as much and leave class and content alone, does 0.9 mean nine in ten, which latents are
//! used at all.

use super::embed::{self, Turned};
use super::traverse::{self, Pose};
use crate::error::{Error, Result};
use crate::model::vae::Vae;
use crate::particle::Prediction;
use crate::particle::patch::{PatchSet, turned};
use crate::particle::trust::Calibration;
pub use crate::particle::trust::Sanity;
use std::f32::consts::{PI, TAU};

/// Patches of the self-check; more would not change the figures.
const MOST: usize = 256;
/// Turns of the self-check, degrees: a quarter, and angles no grid of turns contains.
const TURNS_DEG: [f32; 3] = [90.0, 37.0, -151.0];
/// A latent whose means spread less than this, in units of its prior, tells nothing.
const COLLAPSED: f32 = 0.1;
/// A picture that correlates with its turned self at least this well looks the same.
const SAME: f32 = 0.97;

/// Measures a model on a set and its predictions, which must be of that set.
///
/// # Errors
/// [`Error::Stopped`] if `proceed` says no; a device that stops answering.
pub fn check(
    vae: &Vae,
    patches: &PatchSet,
    predictions: &[Prediction],
    proceed: &mut dyn FnMut() -> bool,
) -> Result<Sanity> {
    let spread = spread(predictions, vae.config.latent);
    let collapsed: Vec<bool> = spread.iter().map(|s| *s < COLLAPSED).collect();
    let symmetry = (0..vae.config.classes)
        .map(|class| symmetry_of(vae, class, &middle(predictions, class, vae.config.latent)))
        .collect::<Result<Vec<u32>>>()?;
    let step = patches.len().div_ceil(MOST).max(1);
    let which: Vec<usize> = (0..patches.len()).step_by(step).collect();
    let mut sums = Sums::default();
    if vae.config.invariances.rotation && !which.is_empty() {
        let still = embed::predict_turned(vae, patches, &which, 0.0)?;
        for degrees in TURNS_DEG {
            if !proceed() {
                return Err(Error::Stopped);
            }
            let angle = degrees.to_radians();
            let moved = embed::predict_turned(vae, patches, &which, angle)?;
            for (a, b) in still.iter().zip(&moved) {
                sums.add(a, b, angle, &symmetry, &spread, &collapsed);
            }
        }
    }
    Ok(Sanity {
        turned: sums.turned,
        class_agreement: sums.agreed as f32 / sums.turned.max(1) as f32,
        angle_error_deg: sums.angle_error(),
        content_drift: (sums.drift / sums.drifted.max(1) as f64).sqrt() as f32,
        symmetry,
        calibration: Calibration::measure(&patches.held_out, predictions),
        collapsed,
    })
}

#[derive(Default)]
struct Sums {
    turned: usize,
    agreed: usize,
    errors: Vec<f32>,
    drift: f64,
    drifted: usize,
}

impl Sums {
    fn add(
        &mut self,
        a: &Turned,
        b: &Turned,
        angle: f32,
        symmetry: &[u32],
        spread: &[f32],
        collapsed: &[bool],
    ) {
        self.turned += 1;
        if a.class != b.class {
            return;
        }
        self.agreed += 1;
        let order = symmetry.get(a.class).copied().unwrap_or(1);
        if order > 0 {
            let period = TAU / order as f32;
            let apart = (b.angle_rad - a.angle_rad - angle).rem_euclid(period);
            self.errors.push(apart.min(period - apart).to_degrees());
        }
        let used = spread.iter().zip(collapsed).zip(a.mu.iter().zip(&b.mu)).filter(|((_, c), _)| !**c);
        for ((spread, _), (p, q)) in used {
            self.drift += f64::from((p - q) / spread).powi(2);
            self.drifted += 1;
        }
    }

    /// Median and 90 % quantile.
    fn angle_error(&mut self) -> Option<[f32; 2]> {
        self.errors.sort_unstable_by(f32::total_cmp);
        let last = self.errors.len().checked_sub(1)?;
        let at = |part: f32| self.errors[(last as f32 * part) as usize];
        Some([at(0.5), at(0.9)])
    }
}

/// Standard deviation of the means of each content latent over the set.
fn spread(predictions: &[Prediction], latent: usize) -> Vec<f32> {
    let n = predictions.len().max(1) as f32;
    (0..latent)
        .map(|i| {
            let values = predictions.iter().filter_map(|p| p.mu.get(i));
            let mean = values.clone().sum::<f32>() / n;
            (values.map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt()
        })
        .collect()
}

/// Mean content of what a class holds; the prior's where it holds nothing.
fn middle(predictions: &[Prediction], class: usize, latent: usize) -> Vec<f32> {
    let of: Vec<&Prediction> = predictions.iter().filter(|p| p.best() == class).collect();
    let n = of.len().max(1) as f32;
    (0..latent).map(|i| of.iter().filter_map(|p| p.mu.get(i)).sum::<f32>() / n).collect()
}

/// The highest of the usual rotational symmetries that the class's picture at that content has; 0 for round. In the middle of
/// the prior there may be no particle, and a picture that no particle has.
fn symmetry_of(vae: &Vae, class: usize, content: &[f32]) -> Result<u32> {
    let side = vae.config.dims[0];
    let picture = traverse::image(vae, class, content, Pose::default())?;
    let same = |angle: f32| looks_the_same(&picture, side, angle);
    if same(PI / 7.0) && same(PI / 5.0) {
        return Ok(0);
    }
    Ok([6, 4, 3, 2].into_iter().find(|n| same(TAU / *n as f32)).unwrap_or(1))
}

/// Correlation of a square picture with its turned self inside the inscribed circle, against [`SAME`].
fn looks_the_same(picture: &[f32], side: usize, angle: f32) -> bool {
    let mut other = vec![0.0; picture.len()];
    turned(picture, side, side, angle, [0.0; 2], 1.0, &mut other);
    let middle = (side as f32 - 1.0) / 2.0;
    let inside = |i: &usize| ((i % side) as f32 - middle).hypot((i / side) as f32 - middle) <= middle;
    let which: Vec<usize> = (0..side * side).filter(inside).collect();
    let mean = |of: &[f32]| which.iter().map(|&i| of[i]).sum::<f32>() / which.len().max(1) as f32;
    let (a, b) = (mean(picture), mean(&other));
    let product = |p: &[f32], pm: f32, q: &[f32], qm: f32| -> f32 {
        which.iter().map(|&i| (p[i] - pm) * (q[i] - qm)).sum()
    };
    let (aa, bb) = (product(picture, a, picture, a), product(&other, b, &other, b));
    product(picture, a, &other, b) >= SAME * (aa * bb).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetries_are_told_from_pictures() {
        let side = 48;
        let paint = |inside: &dyn Fn(f32, f32) -> bool| -> Vec<f32> {
            let at = |i: usize| ((i % side) as f32 - 23.5, (i / side) as f32 - 23.5);
            (0..side * side).map(|i| f32::from(u8::from(inside(at(i).0, at(i).1)))).collect()
        };
        let bar = paint(&|x, y| x.abs() < 6.0 && y.abs() < 15.0);
        let hook = paint(&|x, y| {
            (x.abs() < 4.0 && y.abs() < 15.0) || (x > 0.0 && x < 14.0 && (y - 12.0).abs() < 4.0)
        });
        assert!(looks_the_same(&bar, side, PI) && !looks_the_same(&bar, side, PI / 2.0));
        assert!(!looks_the_same(&hook, side, PI));
        let disc = paint(&|x, y| x.hypot(y) < 14.0);
        assert!(looks_the_same(&disc, side, PI / 7.0));
    }
}
