//! What a map run leaves: seeds compared, phase analysis beside the shift field, outliers.

use super::dense::stride_for;
use super::plan::{Plan, Prepared};
use crate::error::Result;
use crate::micrograph::Micrograph;
pub use crate::order::Outlier;
use crate::order::agree::{agreement, align};
use crate::order::{Gpa, GpaOptions, Map, SeedMaps, SeedReport, gpa, outliers};
use nalgebra::{Matrix3, Vector3};
use serde::Serialize;
use std::sync::Arc;

/// An atom's blur is at most this part of the shortest lattice vector; two outliers are this many times it apart.
const ATOM: f64 = 0.15;
const APART: f64 = 3.0;
/// What is large is this part of the shortest lattice vector.
const COARSE: f64 = 0.35;
/// What counts as an outlier, robust standard deviations.
const LEAST: f64 = 6.0;
/// Values along a side of the maps on which two fields are compared.
const COMPARED: usize = 128;
/// Values that the maps of phase analysis have at most.
const ANALYSED: usize = 1 << 22;

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Best first; see [`crate::order::seeds::rank`].
    pub seeds: Vec<SeedReport>,
    /// Mean canonical correlation of the content maps over all pairs of seeds, 0..=1; `None` for one seed.
    pub agreement: Option<f64>,
    /// |Pearson r| of the shift field along x and y with the displacement that geometric phase analysis finds, linear
    /// trends taken away; `None` where there is no lattice or nothing to compare.
    pub phase_analysis_r: Option<[f64; 2]>,
    /// Places that the repeating pattern does not explain, the most striking first.
    pub outliers: Vec<Outlier>,
    /// Seconds from the beginning to the first map and to the end.
    pub first_map_seconds: f64,
    pub seconds: f64,
    /// In plain words.
    pub verdict: String,
}

/// Agreement of the seeds and their maps turned onto the first one's.
///
/// # Errors
/// Maps of different sizes.
pub fn compare(seeds: &[SeedMaps]) -> Result<(Option<f64>, Arc<[SeedMaps]>)> {
    let [first, _, ..] = seeds else { return Ok((None, Arc::from(Vec::new()))) };
    let turned = |s: &SeedMaps| -> Result<SeedMaps> {
        Ok(SeedMaps { seed: s.seed, content: align(&first.content, &s.content)? })
    };
    let aligned = seeds.iter().map(turned).collect::<Result<_>>()?;
    let contents: Vec<Vec<Map>> = seeds.iter().map(|s| s.content.clone()).collect();
    Ok((agreement(&contents)?, aligned))
}

/// Geometric phase analysis of an image at the resolution of its maps, with a value every `stride` pixels; `None` where no
/// lattice is known or nothing shows of it.
pub fn phase_analysis(image: &Micrograph, mask: Option<&[bool]>, plan: &Plan, stride: usize) -> Option<Gpa> {
    let found = plan.found.as_ref()?;
    // Neighbouring values of a smooth map say the same.
    let step = stride.max(stride_for(image.width, image.height, ANALYSED));
    let options = GpaOptions { step: Some(step), sigma: plan.analysis_px(), mask, ..GpaOptions::default() };
    gpa(image, &found.lattice, &options).ok()
}

/// |r| of the shift maps with the displacement that phase analysis found.
pub fn beside_phase_analysis(reference: &Gpa, shift: &[Map; 2]) -> Option<[f64; 2]> {
    let r = |axis: usize| {
        let theirs = &reference.displacement[axis];
        let every = theirs.width.max(theirs.height).div_ceil(COMPARED).max(1);
        let mut pairs = Vec::new();
        for y in (0..theirs.height).step_by(every) {
            for x in (0..theirs.width).step_by(every) {
                let place = theirs.place(x, y);
                if let (Some(a), Some(b)) = (theirs.at(place), shift[axis].at(place)) {
                    pairs.push([place[0], place[1], f64::from(a), f64::from(b)]);
                }
            }
        }
        correlation_without_trend(&pairs)
    };
    Some([r(0)?, r(1)?])
}

/// |r| of the last two of (x, y, a, b), a plane in x and y taken away from both.
fn correlation_without_trend(pairs: &[[f64; 4]]) -> Option<f64> {
    if pairs.len() < 10 {
        return None;
    }
    let flat = |k: usize| -> Option<Vec<f64>> {
        let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
        for p in pairs {
            let row = Vector3::new(1.0, p[0], p[1]);
            normal += row * row.transpose();
            right += row * p[k];
        }
        let fit = normal.lu().solve(&right)?;
        Some(pairs.iter().map(|p| p[k] - fit[0] - fit[1] * p[0] - fit[2] * p[1]).collect())
    };
    let (a, b) = (flat(2)?, flat(3)?);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let size = (dot(&a, &a) * dot(&b, &b)).sqrt();
    (size > 0.0).then(|| (dot(&a, &b) / size).abs().min(1.0))
}

/// Places of the size of an atom (a vacancy) that the model leaves unexplained, the most striking first.
pub fn small_outliers(residual: &Map, prepared: &Prepared) -> Vec<Outlier> {
    let Some(found) = &prepared.plan.found else { return Vec::new() };
    let most = ATOM * found.lattice.lengths()[0];
    let atom = prepared.atom_px().unwrap_or(most).min(most).max(1.0);
    outliers(residual, atom, APART * atom, LEAST)
}

/// The same with those of the size of a good part of a cell (an adsorbate).
pub fn with_large_outliers(mut all: Vec<Outlier>, residual: &Map, prepared: &Prepared) -> Vec<Outlier> {
    let Some(found) = &prepared.plan.found else { return all };
    let size = COARSE * found.lattice.lengths()[0];
    for large in outliers(residual, size, 2.0 * size, LEAST) {
        let near = |o: &Outlier| (o.x - large.x).hypot(o.y - large.y) < 2.0 * size;
        if !all.iter().any(near) {
            all.push(large);
        }
    }
    all.sort_by(|p, q| q.score.abs().total_cmp(&p.score.abs()));
    all
}

/// One or two sentences on the best seed's maps.
pub fn verdict(plan: &Plan, best: &SeedReport, agreement: Option<f64>) -> String {
    let alive = best.judgements.iter().filter(|j| !j.collapsed).count();
    let mut words = match (&plan.found, alive, best.judgements.len()) {
        (None, ..) => "No lattice is known, so the maps cannot be judged by it.".to_owned(),
        (Some(_), 0, _) => {
            "All latents collapsed: the windows differ by nothing but their shift and noise.".to_owned()
        }
        (Some(_), 1, n) if n > 1 => "One slow variable suffices.".to_owned(),
        (Some(_), alive, _) => format!("{alive} latents carry something."),
    };
    if let Some(agreement) = agreement {
        let how = match agreement {
            a if a >= 0.9 => "agree",
            a if a >= 0.7 => "agree in part",
            _ => "do not agree: do not trust the maps",
        };
        words += &format!(" The seeds {how} (mean canonical correlation {agreement:.2}).");
    }
    words
}
