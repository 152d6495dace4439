//! From peaks to the true cell: the coarsest reciprocal lattice on which every significant peak lies.

use super::Vector;
use super::cell::{cross, dot, dual, norm, reduce};
use super::peaks::Peak;

/// A peak counts as indexed when it lies this close to a reciprocal point, in bins.
pub(super) const TOLERANCE: f64 = 0.5;
/// Superlattice reflections hit within one of these, in bins: where a wall or a wave moves the atoms they lie beside their
/// point. Beside it the second number more evidence is needed, since diffuse peaks come in clumps.
const NEAR: [(f64, f64); 2] = [(TOLERANCE, 0.0), (1.0, 7.0)];
/// Strongest peaks from which first bases are tried.
const FIRST: usize = 12;
/// The largest supercell that is looked for, in cells of the strong peaks' lattice.
const LARGEST: i32 = 16;
/// Supercells up to this size may rest on a few peaks; a larger one must show most of its kinds of reflections, since a
/// slow modulation of the pattern has satellites, too, and is what the maps are for.
const SMALL: i32 = 4;
/// Evidence (natural logarithm of the odds against chance) that a supercell needs.
const EVIDENCE: f64 = 3.0;

/// A reciprocal basis, cycles per pixel.
pub(super) type Basis = (Vector, Vector);

/// Indices of `g` in `basis`, and how far it is from that reciprocal point in bins.
pub(super) fn index(basis: Basis, g: Vector, bin: Vector) -> ([i32; 2], f64) {
    let (a, b) = dual(basis.0, basis.1);
    let [h, k] = [dot(a, g), dot(b, g)].map(f64::round);
    let rest = [0, 1].map(|i| (g[i] - h * basis.0[i] - k * basis.1[i]) / bin[i]);
    ([h as i32, k as i32], norm(rest))
}

/// The basis of two of the strongest peaks that best explains all of them, adjusted to those it explains.
pub(super) fn first_basis(peaks: &[Peak], bin: Vector) -> Option<Basis> {
    let top = &peaks[..peaks.len().min(FIRST)];
    let mut best: Option<(f64, Basis)> = None;
    for (i, p) in top.iter().enumerate() {
        for q in &top[..i] {
            if cross(p.g, q.g).abs() < 0.15 * norm(p.g) * norm(q.g) {
                continue;
            }
            let basis = fit(reduce(p.g, q.g), peaks, bin);
            let score = evidence(basis, peaks, bin);
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, basis));
            }
        }
    }
    best.map(|(_, basis)| basis)
}

/// How strongly the peaks speak for a lattice: the sum over indexed peaks of ln(1 / chance), the stronger peaks first
/// in importance (weighted by the share of amplitude).
fn evidence(basis: Basis, peaks: &[Peak], bin: Vector) -> f64 {
    let gain = -chance(basis, bin).ln();
    let amplitude = |p: &Peak| f64::from(p.power).sqrt();
    let all: f64 = peaks.iter().map(amplitude).sum();
    let explained: f64 = peaks.iter().filter(|p| index(basis, p.g, bin).1 <= TOLERANCE).map(amplitude).sum();
    gain * explained / all
}

/// The chance that a peak anywhere lies within the tolerance of a reciprocal point.
fn chance(basis: Basis, bin: Vector) -> f64 {
    chance_within(basis, bin, TOLERANCE)
}

fn chance_within(basis: Basis, bin: Vector, near: f64) -> f64 {
    let cell = cross(basis.0, basis.1).abs() / (bin[0] * bin[1]);
    (std::f64::consts::PI * near * near / cell).min(1.0)
}

/// Least squares of basis vectors to the peaks they index, from the innermost outwards, so that a small error of the
/// start is corrected before high orders are counted.
pub(super) fn fit(start: Basis, peaks: &[Peak], bin: Vector) -> Basis {
    let mut basis = start;
    let mut by_length: Vec<&Peak> = peaks.iter().collect();
    by_length.sort_by(|p, q| norm(p.g).total_cmp(&norm(q.g)));
    let furthest = by_length.last().map_or(0.0, |p| norm(p.g));
    let mut reach = 1.6 * norm(start.0).max(norm(start.1));
    loop {
        let near = by_length.iter().take_while(|p| norm(p.g) <= reach);
        let used = near.filter_map(|p| {
            let (hk, off) = index(basis, p.g, bin);
            (off <= TOLERANCE && hk != [0, 0]).then_some((hk, **p))
        });
        if let Some(better) = solve(used) {
            basis = better;
        }
        if reach >= furthest {
            return basis;
        }
        reach *= 1.5;
    }
}

/// Weighted least squares g = h a* + k b*. A peak's variance falls with its significance, down to what distortions
/// leave.
pub(super) fn solve(indexed: impl Iterator<Item = ([i32; 2], Peak)>) -> Option<Basis> {
    let (mut hh, mut hk, mut kk) = (0.0, 0.0, 0.0);
    let (mut hg, mut kg) = ([0.0; 2], [0.0; 2]);
    for (indices, peak) in indexed {
        let [h, k] = indices.map(f64::from);
        let weight = f64::from(peak.significance.min(1e4));
        hh += weight * h * h;
        hk += weight * h * k;
        kk += weight * k * k;
        for i in 0..2 {
            hg[i] += weight * h * peak.g[i];
            kg[i] += weight * k * peak.g[i];
        }
    }
    let det = hh * kk - hk * hk;
    (det > 1e-9 * hh * kk).then(|| {
        let a = [0, 1].map(|i| (kk * hg[i] - hk * kg[i]) / det);
        let b = [0, 1].map(|i| (hh * kg[i] - hk * hg[i]) / det);
        (a, b)
    })
}

/// The smallest supercell (largest reciprocal density only as needed) that also explains the peaks `basis` leaves out,
/// or `basis` itself.
pub(super) fn refine_cell(basis: Basis, peaks: &[Peak], bin: Vector) -> Basis {
    let left: Vec<Peak> = peaks.iter().filter(|p| index(basis, p.g, bin).1 > TOLERANCE).copied().collect();
    if left.is_empty() {
        return basis;
    }
    let mut best = (EVIDENCE, basis);
    let mut tried = 0.0;
    for n in 2..=LARGEST {
        let candidates: Vec<Basis> = supercells(basis, n).collect();
        tried += (candidates.len() * NEAR.len()) as f64;
        for candidate in candidates {
            let gain =
                NEAR.map(|(near, more)| for_cell(basis, candidate, &left, bin, near) - more).into_iter();
            let gain = gain.fold(0.0, f64::max) - f64::ln(tried);
            let hits = || left.iter().filter(|p| index(candidate, p.g, bin).1 <= TOLERANCE);
            if gain > best.0
                && resolved(candidate, bin)
                && (n <= SMALL || fills(basis, n, &hits().collect::<Vec<_>>()))
            {
                best = (gain, candidate);
            }
        }
    }
    let (a, b) = reduce(best.1.0, best.1.1);
    fit((a, b), peaks, bin)
}

/// What speaks for a supercell if peaks within `near` bins of its points hit. Those that are as near to a point of the cell
/// itself say nothing: they are satellites.
fn for_cell(basis: Basis, candidate: Basis, left: &[Peak], bin: Vector, near: f64) -> f64 {
    let telling = left.iter().filter(|p| index(basis, p.g, bin).1 > near);
    surprise(telling.map(|p| index(candidate, p.g, bin).1 <= near), chance_within(candidate, bin, near))
}

/// How surprising the hits are, if peaks lie anywhere: for the strongest peak, the two strongest and so on, each number m of
/// them being as probable beforehand as 1 / (m (m + 1)), the largest of what speaks against chance. Strong peaks that hit
/// count, whatever satellites come after; many peaks of which few hit, such as those of the diffuse scattering of
/// vacancies, do not.
fn surprise(hit: impl Iterator<Item = bool>, chance: f64) -> f64 {
    let mut hits = 0;
    let at = |(before, hit): (usize, bool)| {
        hits += usize::from(hit);
        let all = before + 1;
        unlikely(hits, all, chance) - ((all * (all + 1)) as f64).ln()
    };
    hit.enumerate().map(at).fold(0.0, f64::max)
}

/// How unlikely it is that at least `hits` of `all` peaks that lie anywhere hit by chance: the natural logarithm of one over
/// the Chernoff bound.
fn unlikely(hits: usize, all: usize, chance: f64) -> f64 {
    let (all, share) = (all as f64, hits as f64 / all as f64);
    if share <= chance {
        return 0.0;
    }
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    all * (term(share, chance) + term(1.0 - share, 1.0 - chance))
}

/// Reciprocal points closer than this many bins cannot be told apart.
fn resolved(basis: Basis, bin: Vector) -> bool {
    let (short, _) = reduce(basis.0, basis.1);
    (short[0] / bin[0]).hypot(short[1] / bin[1]) > 4.0
}

/// Whether the peaks show most kinds of superlattice reflections: the different residues of their indices.
fn fills(basis: Basis, n: i32, hits: &[&Peak]) -> bool {
    let (a, b) = dual(basis.0, basis.1);
    let mut kinds: Vec<[i32; 2]> = Vec::new();
    for p in hits {
        for sign in [1.0, -1.0] {
            let part =
                [dot(a, p.g), dot(b, p.g)].map(|v| ((sign * v * f64::from(n)).round() as i32).rem_euclid(n));
            if !kinds.contains(&part) {
                kinds.push(part);
            }
        }
    }
    kinds.len() as f64 >= 0.6 * f64::from(n - 1)
}

/// Every reciprocal lattice n times as dense that contains the one of `basis`: the Hermite normal forms of determinant n
/// in the direct cell.
fn supercells((g, h): Basis, n: i32) -> impl Iterator<Item = Basis> {
    (1..=n).filter(move |p| n % p == 0).flat_map(move |p| {
        let q = n / p;
        (0..p).map(move |s| {
            // Direct vectors p a and s a + q b; these are the reciprocal ones.
            let [p, q, s] = [p, q, s].map(f64::from);
            let a = [0, 1].map(|i| (g[i] - s / q * h[i]) / p);
            let b = h.map(|v| v / q);
            (a, b)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{surprise, unlikely};

    #[test]
    fn peaks_that_hit_nothing_speak_against() {
        assert!((unlikely(4, 4, 0.05) + 4.0 * 0.05_f64.ln()).abs() < 1e-9);
        assert!(unlikely(5, 100, 0.05) < 1e-9 && unlikely(7, 100, 0.05) < 1.0);
        assert!(unlikely(40, 100, 0.05) > 50.0);
        assert_eq!(unlikely(0, 3, 0.1), 0.0);
        // The strongest hits and weak ones do not: more than if the weak ones did.
        let only = |which: usize| surprise((0..30).map(|i| i == which), 0.002);
        assert!(only(0) > 5.0 && only(29) < 0.5, "{} {}", only(0), only(29));
    }
}
