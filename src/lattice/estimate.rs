//! From an image to its lattice, or to a sentence why there is none.

use super::cell::{Lattice, cross, norm};
use super::fourier::Spectrum;
use super::peaks::{self, Peak};
use super::settle::settle;
use super::supercell::{TOLERANCE, first_basis, fit, index, refine_cell, solve};
use super::{Vector, supercell};
use crate::micrograph::Micrograph;
use rayon::prelude::*;
use serde::Serialize;

/// The shortest period that pixels can show well enough to work with.
pub const SHORTEST_PERIOD: f64 = 3.0;
/// The smallest image in which a lattice is looked for.
const SMALLEST_SIDE: usize = 24;
/// Peaks whose place is refined by the inner product; the rest are interpolated.
const REFINED: usize = 32;
/// A peak this close to a reciprocal point, in shortest reciprocal vectors, is its satellite.
const SATELLITE: f64 = 0.15;
/// Fewer indexed peaks (pairs g, -g) are no lattice.
const FEWEST_PEAKS: usize = 2;
/// Any two peaks span a lattice. Without a third one they must stand this far out of the noise: loosely packed particles
/// have two broad ones.
const TWO_SUFFICE: f32 = 300.0;

/// What may be set by hand.
#[derive(Clone, Debug, Default)]
pub struct EstimateOptions<'a> {
    /// `width * height` flags; pixels where it is false (adsorbates, a step) do not count.
    pub mask: Option<&'a [bool]>,
}

/// The answer of [`estimate`].
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// The lattice, if there is one.
    pub found: Option<Found>,
    /// All significant peaks, one of each pair g and -g, the strongest first.
    pub peaks: Vec<Peak>,
    /// The result in a sentence for the user, whether a lattice was found or not.
    pub message: String,
}

/// A lattice and how far to trust it.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The true cell: every significant peak that belongs to a lattice lies on its reciprocal points.
    pub lattice: Lattice,
    /// The smaller cell of the strongest peaks, where the true one is a supercell of it.
    pub pseudo: Option<Lattice>,
    /// 0..=1: the share of the peaks' amplitude that the lattice explains, less what chance would.
    pub confidence: f64,
    /// Standard error of the lengths of a and b, pixels, from the scatter of the peaks.
    pub error_px: [f64; 2],
    /// Indices of each peak that the lattice explains, the strongest first.
    pub indexed: Vec<([i32; 2], Peak)>,
}

/// Looks for a lattice in an image.
///
/// Levels the image by its plane, takes the power spectrum under a Hann window, compares its maxima with the noise round
/// them, finds the shortest reciprocal basis that indexes all of the significant ones (superlattice peaks included),
/// refines the strongest by the windowed inner product and fits the basis to them.
pub fn estimate(image: &Micrograph, options: &EstimateOptions<'_>) -> Estimate {
    let none = |peaks: Vec<Peak>, why: &str| Estimate {
        found: None,
        peaks,
        message: format!("no lattice found: {why}"),
    };
    if image.width.min(image.height) < SMALLEST_SIDE {
        let why =
            format!("the image is {} x {} px, smaller than {SMALLEST_SIDE} px", image.width, image.height);
        return none(Vec::new(), &why);
    }
    let spectrum = Spectrum::of(&image.pixels, image.width, image.height, options.mask);
    if spectrum.power.iter().all(|p| *p <= f32::MIN_POSITIVE) {
        return none(Vec::new(), "the image is constant or a plane");
    }
    let peaks = peaks::find(&spectrum);
    let bin = spectrum.bin();
    let Some(strong) = first_basis(&peaks, bin) else {
        let why = one_direction(&peaks);
        return none(peaks, &why);
    };
    let mut basis = strong;
    for _ in 0..3 {
        let finer = refine_cell(basis, &peaks, bin);
        if finer == basis {
            break;
        }
        basis = finer;
    }
    conclude(image, options, &spectrum, [strong, basis], peaks, none)
}

fn one_direction(peaks: &[Peak]) -> String {
    match peaks.first() {
        None => "no peak stands out of the noise of the Fourier spectrum".to_owned(),
        Some(p) => format!("there are fringes in one direction only, {:.2} px apart", 1.0 / norm(p.g)),
    }
}

fn conclude(
    image: &Micrograph,
    options: &EstimateOptions<'_>,
    spectrum: &Spectrum,
    [strong, basis]: [supercell::Basis; 2],
    peaks: Vec<Peak>,
    none: impl Fn(Vec<Peak>, &str) -> Estimate,
) -> Estimate {
    let bin = spectrum.bin();
    let indexed = refined(spectrum, basis, &peaks);
    let weak = |(_, p): &([i32; 2], Peak)| p.significance < TWO_SUFFICE;
    if indexed.len() < FEWEST_PEAKS || (indexed.len() == FEWEST_PEAKS && indexed.iter().any(weak)) {
        return none(peaks, "the peaks of the Fourier spectrum do not lie on a lattice");
    }
    let basis = solve(indexed.iter().copied()).unwrap_or(basis);
    let Ok(lattice) = Lattice::from_reciprocal(basis.0, basis.1) else {
        let why = one_direction(&peaks);
        return none(peaks, &why);
    };
    let error_px = errors(&lattice, basis, &indexed);
    let confidence = confidence(basis, &indexed, &peaks);
    let indexed = reindexed(&lattice, basis, indexed);
    let mut level = image.pixels.to_vec();
    let size = (image.width, image.height);
    crate::micrograph::prepare::subtract_plane(&mut level, size.0, size.1, options.mask);
    let lattice = settle(&level, size, &lattice, &indexed, options.mask).unwrap_or(lattice);
    let [a, b] = lattice.lengths();
    if a < SHORTEST_PERIOD {
        let why = format!(
            "the shortest period is {a:.2} px; under {SHORTEST_PERIOD} px the pixels do not show the pattern: \
             record or resample with smaller pixels"
        );
        return none(peaks, &why);
    }
    if confidence < 0.3 {
        return none(peaks, "the peaks of the Fourier spectrum do not lie on one lattice");
    }
    let pseudo = fit(strong, &peaks, bin);
    let pseudo = Lattice::from_reciprocal(pseudo.0, pseudo.1).ok();
    let pseudo = pseudo.filter(|p| p.area() < 0.75 * lattice.area());
    let message = format!(
        "lattice vectors {a:.2} and {b:.2} px at {:.1} degrees, from {} peaks, confidence {:.0} %",
        lattice.angle_deg(),
        indexed.len(),
        100.0 * confidence
    );
    Estimate { found: Some(Found { lattice, pseudo, confidence, error_px, indexed }), peaks, message }
}

/// The indexed peaks; the strongest with their place refined.
fn refined(spectrum: &Spectrum, basis: supercell::Basis, peaks: &[Peak]) -> Vec<([i32; 2], Peak)> {
    let bin = spectrum.bin();
    let mut indexed: Vec<([i32; 2], Peak)> = peaks
        .iter()
        .map(|p| (index(basis, p.g, bin), *p))
        .filter(|((hk, off), _)| *off <= TOLERANCE && *hk != [0, 0])
        .map(|((hk, _), p)| (hk, p))
        .collect();
    let strongest = indexed.len().min(REFINED);
    indexed[..strongest].par_iter_mut().for_each(|(_, peak)| {
        peak.g = spectrum.refine(peak.g).unwrap_or(peak.g);
    });
    indexed
}

/// Share of the peaks' amplitude that lies on the lattice or close to a reciprocal point (satellites of a wall or a slow
/// wave), above the share that random peaks would have there.
fn confidence(basis: supercell::Basis, indexed: &[([i32; 2], Peak)], peaks: &[Peak]) -> f64 {
    let near = SATELLITE * norm(basis.0).min(norm(basis.1));
    let explains = |p: &&Peak| {
        let (hk, off) = index(basis, p.g, [1.0; 2]);
        hk != [0, 0] && off <= near
    };
    let amplitude = |p: &Peak| f64::from(p.power).sqrt();
    let all: f64 = peaks.iter().map(amplitude).sum();
    let explained: f64 = peaks.iter().filter(explains).map(amplitude).sum();
    let chance = (std::f64::consts::PI * near * near / cross(basis.0, basis.1).abs()).min(0.9);
    let beyond = ((explained / all - chance) / (1.0 - chance)).clamp(0.0, 1.0);
    // Two peaks lie on some lattice whatever they are: only further ones are evidence.
    beyond * (1.0 - 0.5_f64.powf(indexed.len() as f64 - 1.0))
}

/// Standard errors of |a| and |b| from the weighted scatter of the peaks round the fitted lattice.
fn errors(lattice: &Lattice, basis: supercell::Basis, indexed: &[([i32; 2], Peak)]) -> [f64; 2] {
    let weight = |p: &Peak| f64::from(p.significance.min(1e4));
    let (mut hh, mut hk, mut kk, mut rest) = (0.0, 0.0, 0.0, 0.0);
    for (indices, p) in indexed {
        let [h, k] = indices.map(f64::from);
        let off = [0, 1].map(|i| p.g[i] - h * basis.0[i] - k * basis.1[i]);
        rest += weight(p) * (off[0] * off[0] + off[1] * off[1]) / 2.0;
        hh += weight(p) * h * h;
        hk += weight(p) * h * k;
        kk += weight(p) * k * k;
    }
    let free = (indexed.len() as f64 - 2.0).max(1.0);
    let det = hh * kk - hk * hk;
    let variance = rest / free;
    let g_error = (variance * hh.max(kk) / det.max(f64::MIN_POSITIVE)).sqrt();
    // A change dg of a reciprocal vector changes a length by about its square.
    lattice.lengths().map(|l| l * l * g_error)
}

/// The same peaks with indices in the lattice's own reciprocal basis.
fn reindexed(
    lattice: &Lattice,
    basis: supercell::Basis,
    indexed: Vec<([i32; 2], Peak)>,
) -> Vec<([i32; 2], Peak)> {
    indexed
        .into_iter()
        .map(|([h, k], peak)| {
            let (h, k) = (f64::from(h), f64::from(k));
            let exact = [0, 1].map(|i| h * basis.0[i] + k * basis.1[i]);
            let dot = |v: Vector| (v[0] * exact[0] + v[1] * exact[1]).round() as i32;
            ([dot(lattice.a), dot(lattice.b)], peak)
        })
        .collect()
}
