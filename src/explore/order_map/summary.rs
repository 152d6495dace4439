//! What a map run leaves: seeds compared, phase analysis beside the shift field, outliers.

use super::MapSet;
use super::plan::{Plan, Prepared};
use super::residual;
use crate::error::Result;
use crate::micrograph::Micrograph;
use crate::model::vae::Vae;
pub use crate::order::Outlier;
use crate::order::agree::{agreement, align};
use crate::order::{GpaOptions, Judgement, Map, gpa, outliers};
use nalgebra::{Matrix3, Vector3};
use serde::Serialize;

/// An atom's blur is at most this part of the shortest lattice vector; two outliers are this many times it apart.
const ATOM: f64 = 0.15;
const APART: f64 = 3.0;
/// What is large is this part of the shortest lattice vector.
const COARSE: f64 = 0.35;
/// What counts as an outlier, robust standard deviations.
const LEAST: f64 = 6.0;
/// Values along a side of the maps on which two fields are compared.
const COMPARED: usize = 128;

/// One seed's model, judged.
#[derive(Clone, Debug, Serialize)]
pub struct SeedReport {
    pub seed: u64,
    /// Negative ELBO a window, all pixels, beta 1, without the smoothness penalty, nats: lower explains better.
    pub negative_elbo: f64,
    /// The smoothness penalty before its weight (0: neighbours alike, 1 a latent: unrelated), and weighted, nats a window.
    pub roughness: f64,
    pub smoothness_cost: f64,
    pub judgements: Vec<Judgement>,
    /// Mean leakage of the latents that did not collapse, 0..=1; 1 if all did.
    pub leakage: f64,
    pub seconds: f64,
}

impl SeedReport {
    /// Of a model whose maps are judged.
    pub fn new(
        seed: u64,
        bound: (f64, f64),
        smoothness: f32,
        judgements: Vec<Judgement>,
        seconds: f64,
    ) -> Self {
        let alive: Vec<f64> = judgements.iter().filter(|j| !j.collapsed).map(|j| j.leakage).collect();
        let none = if judgements.is_empty() { 0.0 } else { 1.0 };
        let leakage = if alive.is_empty() { none } else { alive.iter().sum::<f64>() / alive.len() as f64 };
        let (negative_elbo, roughness) = bound;
        let smoothness_cost = f64::from(smoothness) * roughness;
        Self { seed, negative_elbo, roughness, smoothness_cost, judgements, leakage, seconds }
    }
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Best first; see [`rank`].
    pub seeds: Vec<SeedReport>,
    /// Mean canonical correlation of the content maps over all pairs of seeds, 0..=1; `None` for one seed.
    pub agreement: Option<f64>,
    /// Coarse content maps of each seed, turned onto the best one's, in the order of `seeds`.
    #[serde(skip)]
    pub aligned: Vec<Vec<Map>>,
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

/// Order of the seeds, best first: a map that shows the lattice is worse than one that does not, and among maps alike in
/// that the one that explains the windows better is better.
pub fn rank(reports: &[SeedReport]) -> Vec<usize> {
    let steps = |leakage: f64| (leakage / 0.01).floor() as i64;
    let mut order: Vec<usize> = (0..reports.len()).collect();
    order.sort_by(|&p, &q| {
        let (p, q) = (&reports[p], &reports[q]);
        steps(p.leakage).cmp(&steps(q.leakage)).then(p.negative_elbo.total_cmp(&q.negative_elbo))
    });
    order
}

/// Agreement of the seeds and their maps turned onto the first one's.
///
/// # Errors
/// Maps of different sizes.
pub fn compare(contents: &[Vec<Map>]) -> Result<(Option<f64>, Vec<Vec<Map>>)> {
    let Some(first) = contents.first() else { return Ok((None, Vec::new())) };
    let aligned = contents.iter().map(|maps| align(first, maps)).collect::<Result<_>>()?;
    Ok((agreement(contents)?, aligned))
}

/// |r| of the shift maps with geometric phase analysis of the same image.
pub fn beside_phase_analysis(image: &Micrograph, plan: &Plan, maps: &MapSet) -> Option<[f64; 2]> {
    let found = plan.found.as_ref()?;
    let step = image.width.max(image.height).div_ceil(COMPARED).max(1);
    let options = GpaOptions { step: Some(step), sigma: sigma(plan), ..GpaOptions::default() };
    let reference = gpa(image, &found.lattice, &options).ok()?;
    let r = |axis: usize| {
        let theirs = &reference.displacement[axis];
        let mut pairs = Vec::new();
        for y in 0..theirs.height {
            for x in 0..theirs.width {
                let place = theirs.place(x, y);
                if let (Some(a), Some(b)) = (theirs.at(place), maps.shift[axis].at(place)) {
                    pairs.push([place[0], place[1], f64::from(a), f64::from(b)]);
                }
            }
        }
        correlation_without_trend(&pairs)
    };
    Some([r(0)?, r(1)?])
}

/// Phase analysis at the resolution of the maps, so that both are smoothed alike.
fn sigma(plan: &Plan) -> Option<f64> {
    let least = 0.6 * plan.found.as_ref()?.lattice.lengths()[1];
    Some(plan.average_px.max(least))
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

/// Places that the model leaves unexplained, of the size of an atom (a vacancy) or of a good part of a cell (an adsorbate).
///
/// # Errors
/// A device that stopped answering.
pub fn find_outliers(vae: &Vae, prepared: &Prepared) -> Result<Vec<Outlier>> {
    let (Some(residual), Some(found)) = (residual::residual(vae, prepared)?, &prepared.plan.found) else {
        return Ok(Vec::new());
    };
    let short = found.lattice.lengths()[0];
    let atom = prepared.atom_px().unwrap_or(ATOM * short).clamp(1.0, ATOM * short);
    let mut all = outliers(&residual, atom, APART * atom, LEAST);
    for large in outliers(&residual, COARSE * short, 2.0 * COARSE * short, LEAST) {
        let near = |o: &Outlier| (o.x - large.x).hypot(o.y - large.y) < 2.0 * COARSE * short;
        if !all.iter().any(near) {
            all.push(large);
        }
    }
    all.sort_by(|p, q| q.score.abs().total_cmp(&p.score.abs()));
    Ok(all)
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
