//! A cell drawn by hand, moved onto the peaks of the image's spectrum that lie next to its reciprocal points.

use super::cell::{Lattice, norm};
use super::estimate::EstimateOptions;
use super::fourier::Spectrum;
use super::peaks::{self, Peak};
use super::settle::settle;
use super::supercell::{Basis, TOLERANCE, fit, index, solve};
use crate::micrograph::Micrograph;

/// A hand misses a reciprocal point by less than this share of the shortest reciprocal vector; then ever less.
const REACH: [f64; 3] = [0.3, 0.2, 0.1];
/// Peaks beyond this many of the longest reciprocal vectors do not speak at first: there a small error of the cell is large.
const NEAR: f64 = 2.3;
/// Peaks whose place is refined by the inner product.
const REFINED: usize = 32;

/// The lattice nearest to `drawn` that the image shows; `None` where no two peaks lie near its reciprocal points.
///
/// The cell stays the one that was meant: a supercell stays a supercell.
pub fn refine(image: &Micrograph, drawn: &Lattice, options: &EstimateOptions<'_>) -> Option<Lattice> {
    let spectrum = Spectrum::of(&image.pixels, image.width, image.height, options.mask);
    let (peaks, bin) = (peaks::find(&spectrum), spectrum.bin());
    let mut basis: Basis = drawn.reciprocal();
    for reach in REACH {
        basis = solve(beside(basis, &peaks, reach))?;
    }
    let basis = fit(basis, &peaks, bin);
    let mut indexed: Vec<([i32; 2], Peak)> = peaks
        .iter()
        .map(|peak| (index(basis, peak.g, bin), *peak))
        .filter(|((hk, off), _)| *off <= TOLERANCE && *hk != [0, 0])
        .map(|((hk, _), peak)| (hk, peak))
        .collect();
    indexed.truncate(REFINED);
    for (_, peak) in &mut indexed {
        peak.g = spectrum.refine(peak.g).unwrap_or(peak.g);
    }
    let basis = solve(indexed.iter().copied()).unwrap_or(basis);
    let lattice = Lattice::from_reciprocal(basis.0, basis.1).ok()?;
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.5;
    let same = lattice.lengths().iter().zip(drawn.lengths()).all(|(a, b)| near(*a, b));
    if !same {
        return None;
    }
    let mut level = image.pixels.to_vec();
    crate::micrograph::prepare::subtract_plane(&mut level, image.width, image.height, options.mask);
    // The indices of the lattice's own basis.
    let own: Vec<([i32; 2], Peak)> = indexed
        .iter()
        .map(|(_, peak)| {
            let dot = |v: [f64; 2]| (v[0] * peak.g[0] + v[1] * peak.g[1]).round() as i32;
            ([dot(lattice.a), dot(lattice.b)], *peak)
        })
        .collect();
    let size = (image.width, image.height);
    Some(settle(&level, size, &lattice, &own, options.mask).unwrap_or(lattice))
}

/// The peaks next to reciprocal points of low order, with the indices of these.
fn beside(basis: Basis, peaks: &[Peak], reach: f64) -> impl Iterator<Item = ([i32; 2], Peak)> + '_ {
    let short = norm(basis.0).min(norm(basis.1));
    let furthest = NEAR * norm(basis.0).max(norm(basis.1));
    peaks.iter().filter(move |peak| norm(peak.g) <= furthest).filter_map(move |peak| {
        let (hk, off) = index(basis, peak.g, [1.0; 2]);
        (hk != [0, 0] && off <= reach * short).then_some((hk, *peak))
    })
}
