//! Which reflections of a lattice an image shows.

use super::cell::{Lattice, norm};
use super::fourier::Spectrum;
use super::peaks;
use super::reference::CLEAN;
use crate::micrograph::Micrograph;
use crate::{Error, Result};

/// Reflections used beyond those that are needed to tell all origins of the cell apart.
const USED: usize = 18;
/// No reflection finer than this, cycles per pixel.
const FINEST: f64 = 0.4;
/// A reflection's power (the largest of nine bins) over the mean noise power round it.
const SIGNIFICANT: f32 = 10.0;

/// A reflection that stands out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen {
    pub(super) index: [i32; 2],
    /// Mean noise power round it.
    pub(super) noise: f32,
}

/// The reflections of an image that stand out most, enough of them to tell all origins of the true cell apart.
pub(super) fn choose(image: &Micrograph, lattice: &Lattice, mask: Option<&[bool]>) -> Result<Vec<Chosen>> {
    let spectrum = Spectrum::of(&image.pixels, image.width, image.height, mask);
    let bin = spectrum.bin();
    let half = |hk: &[i32; 2]| hk[0] > 0 || (hk[0] == 0 && hk[1] > 0);
    // Index, power and noise.
    let mut strong: Vec<([i32; 2], f32, f32)> = lattice
        .points(FINEST)
        .into_iter()
        .filter(half)
        .filter_map(|hk| {
            let g = lattice.g(hk);
            let [x, y] = [0, 1].map(|i| (g[i] / bin[i]).round() as i64);
            let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
            let power = around.map(|(dx, dy)| spectrum.at(x + dx, y + dy)).fold(0.0_f32, f32::max);
            let noise = peaks::background(&spectrum, x, y).max(near_noise(&spectrum, x, y));
            (power > SIGNIFICANT * noise).then_some((hk, power, noise))
        })
        .collect();
    // Without noise every reflection counts as it is strong.
    let floor = CLEAN * strong.iter().map(|s| s.1).fold(0.0, f32::max);
    strong.iter_mut().for_each(|s| s.2 = s.2.max(floor));
    strong.sort_by(|p, q| (q.1 / q.2).total_cmp(&(p.1 / p.2)));
    let mut chosen: Vec<[i32; 2]> = Vec::new();
    let mut out = Vec::new();
    for (index, _, noise) in strong {
        let mut with = chosen.clone();
        with.push(index);
        if chosen.len() < USED || order(&with) < order(&chosen) {
            chosen = with;
            out.push(Chosen { index, noise });
        }
    }
    if order(&chosen) == usize::MAX {
        let problem = "the image shows no reflections of this lattice along two directions; \
                       estimate it again or choose other vectors";
        return Err(Error::invalid("lattice", problem));
    }
    Ok(out)
}

/// Mean noise power in the ring 2 to 3.5 bins round a reflection, between it and its neighbours: where tilt and steps
/// make the spectrum steep the wider surroundings tell too little.
fn near_noise(spectrum: &Spectrum, x: i64, y: i64) -> f32 {
    let ring = (-3..=3_i64).flat_map(|dy| (-3..=3_i64).map(move |dx| (dx, dy)));
    let ring = ring.filter(|(dx, dy)| (5..=12).contains(&(dx * dx + dy * dy)));
    let mut powers: Vec<f32> = ring.map(|(dx, dy)| spectrum.at(x + dx, y + dy)).collect();
    let middle = powers.len() / 2;
    // The median of exponentially distributed power is ln 2 of its mean.
    *powers.select_nth_unstable_by(middle, f32::total_cmp).1 / std::f32::consts::LN_2
}

/// How many origins in one cell a set of reflections cannot tell apart: the greatest common divisor of all minors.
fn order(index: &[[i32; 2]]) -> usize {
    let mut divisor = 0_u32;
    for (i, p) in index.iter().enumerate() {
        for q in &index[..i] {
            let minor = (p[0] * q[1] - p[1] * q[0]).unsigned_abs();
            divisor = gcd(divisor, minor);
        }
    }
    if divisor == 0 { usize::MAX } else { divisor as usize }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The two strongest reflections that are not (nearly) parallel, for geometric phase analysis.
///
/// # Errors
/// [`Error::Invalid`] when the image shows no such pair of this lattice.
pub fn strongest_pair(image: &Micrograph, lattice: &Lattice, mask: Option<&[bool]>) -> Result<[[i32; 2]; 2]> {
    // Strongest first.
    let chosen = choose(image, lattice, mask)?;
    let first = chosen[0].index;
    let g = lattice.g(first);
    let others: Vec<[i32; 2]> = chosen.iter().map(|c| c.index).collect();
    let apart = |hk: &&[i32; 2]| {
        let h = lattice.g(**hk);
        (g[0] * h[1] - g[1] * h[0]).abs() > 0.5 * norm(g) * norm(h)
    };
    let second =
        others.iter().find(apart).or_else(|| others.iter().find(|hk| first[0] * hk[1] != first[1] * hk[0]));
    second.map(|&second| [first, second]).ok_or_else(|| {
        Error::invalid("lattice", "the image shows reflections of this lattice along one direction only")
    })
}
