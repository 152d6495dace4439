//! Significant peaks of a power spectrum against its own, uneven noise background.

use super::Vector;
use super::fourier::Spectrum;
use serde::Serialize;

/// Half the side, in bins, of the neighbourhood that tells the background.
const NEAR: i64 = 16;
/// The background is taken from this quantile of the neighbourhood: a dense lattice fills up to half of it with peaks.
const QUANTILE: f64 = 0.3;
/// How often white noise of the image's size may show one false peak.
const FALSE_ALARM: f64 = 1e-4;
/// Peaks kept, the strongest first.
const MOST: usize = 400;
/// No peak below this share of the strongest: numbers in f32 reach no further.
const FAINTEST: f32 = 1e-9;
/// Fewer fringes than this in the image are no lattice.
const FEWEST_PERIODS: f64 = 3.0;

/// One of the pair of peaks at g and -g.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peak {
    /// Cycles per pixel.
    pub g: Vector,
    /// |F|^2 of the levelled image under its window.
    pub power: f32,
    /// Power over the mean noise power in its neighbourhood.
    pub significance: f32,
}

/// The peaks of one half of the plane, the strongest first.
pub fn find(spectrum: &Spectrum) -> Vec<Peak> {
    let (w, h) = (spectrum.width as i64, spectrum.height as i64);
    let threshold = -(FALSE_ALARM / (w * h / 2) as f64).ln() as f32;
    let mut peaks: Vec<([i64; 2], Peak)> = Vec::new();
    let floor = FAINTEST * strongest(spectrum);
    for y in 0..=h / 2 {
        for x in -(w - 1) / 2..=w / 2 {
            let upper = y > 0 || x > 0;
            let periods = (x as f64).hypot(y as f64);
            if !upper || periods < FEWEST_PERIODS || !is_maximum(spectrum, x, y) {
                continue;
            }
            let power = spectrum.at(x, y);
            if power <= floor || power < threshold * quick_background(spectrum, x, y) {
                continue;
            }
            let significance = power / background(spectrum, x, y);
            if significance >= threshold {
                let g = between_bins(spectrum, x, y);
                peaks.push(([x, y], Peak { g, power, significance }));
            }
        }
    }
    peaks.sort_by(|a, b| b.1.power.total_cmp(&a.1.power));
    let mut kept: Vec<([i64; 2], Peak)> = Vec::new();
    for (at, peak) in peaks {
        if kept.len() < MOST && !kept.iter().any(|(other, stronger)| hides(*other, stronger, at, &peak)) {
            kept.push((at, peak));
        }
    }
    kept.into_iter().map(|(_, peak)| peak).collect()
}

fn strongest(spectrum: &Spectrum) -> f32 {
    let near_zero = |x: i64, y: i64| (x as f64).hypot(y as f64) < FEWEST_PERIODS;
    let (w, h) = (spectrum.width as i64, spectrum.height as i64);
    let mut most = 0.0_f32;
    for y in 0..=h / 2 {
        for x in -(w - 1) / 2..=w / 2 {
            if !near_zero(x, y) {
                most = most.max(spectrum.at(x, y));
            }
        }
    }
    most
}

fn is_maximum(spectrum: &Spectrum, x: i64, y: i64) -> bool {
    let here = spectrum.at(x, y);
    here > 0.0
        && (-1..=1).all(|dy| {
            (-1..=1).all(|dx| {
                let there = spectrum.at(x + dx, y + dy);
                // Of two equal bins only the first counts.
                there < here || (there == here && (dy, dx) >= (0, 0))
            })
        })
}

/// Mean of a few bins some way off: enough to rule out most of the noise at little cost. Never above the background by
/// much, since the least of the four is taken.
fn quick_background(spectrum: &Spectrum, x: i64, y: i64) -> f32 {
    let mean = |sx: i64, sy: i64| {
        let mut sum = 0.0;
        for i in 5..9 {
            for j in 5..9 {
                sum += spectrum.at(x + sx * i, y + sy * j);
            }
        }
        sum / 16.0
    };
    0.25 * mean(1, 1).min(mean(-1, 1)).min(mean(1, -1)).min(mean(-1, -1))
}

/// Mean noise power round a bin: the largest of three estimates, over the square round it, along its row and along its
/// column. Scan noise and line jitter draw streaks along the axes and through every strong peak; a maximum on a streak is
/// no peak.
pub(super) fn background(spectrum: &Spectrum, x: i64, y: i64) -> f32 {
    // For noise whose power is exponentially distributed, quantile q lies at -ln(1 - q) of the mean.
    let scale = (-(1.0 - QUANTILE).ln()) as f32;
    let beyond = |d: i64| d.abs() > 2;
    let (mut square, mut row, mut column) = (Vec::new(), Vec::new(), Vec::new());
    for d in -NEAR..=NEAR {
        for e in -NEAR..=NEAR {
            let to_zero = ((x + e) as f64).hypot((y + d) as f64);
            if (beyond(d) || beyond(e)) && to_zero >= 1.0 {
                square.push(spectrum.at(x + e, y + d));
            }
        }
    }
    for d in (-2 * NEAR..=2 * NEAR).filter(|&d| beyond(d)) {
        row.push(spectrum.at(x + d, y));
        column.push(spectrum.at(x, y + d));
    }
    [square, row, column].into_iter().map(quantile).fold(f32::MIN_POSITIVE, f32::max) / scale
}

fn quantile(mut values: Vec<f32>) -> f32 {
    let rank = (values.len() as f64 * QUANTILE) as usize;
    if rank >= values.len() {
        return 0.0;
    }
    *values.select_nth_unstable_by(rank, f32::total_cmp).1
}

/// Where a pure tone under a Hann window lies between the bins: with alpha the amplitude of the larger neighbour over the
/// peak's, the offset is (2 alpha - 1) / (alpha + 1) (Rife and Vincent 1970).
fn between_bins(spectrum: &Spectrum, x: i64, y: i64) -> Vector {
    let offset = |before: f32, here: f32, after: f32| {
        let (side, sign) = if after > before { (after, 1.0) } else { (before, -1.0) };
        let alpha = f64::from(side / here).sqrt();
        sign * ((2.0 * alpha - 1.0) / (alpha + 1.0)).clamp(0.0, 0.5)
    };
    let here = spectrum.at(x, y);
    let dx = offset(spectrum.at(x - 1, y), here, spectrum.at(x + 1, y));
    let dy = offset(spectrum.at(x, y - 1), here, spectrum.at(x, y + 1));
    let bin = spectrum.bin();
    [(x as f64 + dx) * bin[0], (y as f64 + dy) * bin[1]]
}

/// Whether `peak` may be nothing but the flank of a stronger one: within the window's main lobe, or under ten times the
/// Hann window's side lobes, 1 / (pi d (d^2 - 1))^2 of the power at d bins along each axis.
fn hides(other: [i64; 2], stronger: &Peak, at: [i64; 2], peak: &Peak) -> bool {
    let near = |sign: i64| {
        let d = [(at[0] - sign * other[0]).abs() as f64, (at[1] - sign * other[1]).abs() as f64];
        if d[0].hypot(d[1]) < 4.0 {
            return true;
        }
        let lobe = |d: f64| if d < 2.0 { 1.0 } else { (std::f64::consts::PI * d * (d * d - 1.0)).powi(-2) };
        f64::from(peak.power) < 10.0 * f64::from(stronger.power) * lobe(d[0]) * lobe(d[1])
    };
    near(1) || near(-1)
}
