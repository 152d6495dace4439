//! What is known of a library beyond its records: averages, calibration, manifolds, what the latents mean.

use super::stack;
use crate::particle::Prediction;
use crate::particle::patch::{PatchSet, upright};
use crate::review::meaning::ClassMeaning;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use tiff::encoder::{TiffEncoder, colortype};

/// Everything beyond the records; each part may be empty.
#[derive(Clone, Debug, Default)]
pub struct Insight {
    pub meanings: Vec<ClassMeaning>,
    pub averages: Vec<ClassAverage>,
    pub manifolds: Vec<Manifold>,
    pub calibration: Option<Calibration>,
}

/// Mean and variance of a class's patches, as cut and with the learned pose taken back; `[side, side]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassAverage {
    pub class: String,
    pub particles: usize,
    pub raw: Vec<f32>,
    pub raw_variance: Vec<f32>,
    pub upright: Vec<f32>,
    pub upright_variance: Vec<f32>,
}

/// Decoder images of a class over two latents: `[per_side, per_side, side, side]`, first latent to the right, second
/// up, row by row from the top.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifold {
    pub class: String,
    /// From 1.
    pub axes: (usize, usize),
    pub per_side: usize,
    pub side: usize,
    pub images: Vec<f32>,
}

/// How often the model is right when it says it is so sure, on labels it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub bins: Vec<CalibrationBin>,
    /// Mean difference of confidence and accuracy over the particles (expected calibration error, Guo et al. 2017).
    pub expected_error: f64,
}

/// Particles whose largest probability lies between `low` and `high`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    pub low: f64,
    pub high: f64,
    pub particles: usize,
    /// Mean largest probability, and share that is right; 0 for an empty bin.
    pub confidence: f64,
    pub accuracy: f64,
}

impl Calibration {
    /// Ten bins of equal width; `truth` is a class index or `None`, one a prediction. `None` without any truth.
    pub fn measure(truth: &[Option<usize>], predictions: &[Prediction]) -> Option<Self> {
        const BINS: usize = 10;
        let mut sums = [(0_usize, 0.0_f64, 0_usize); BINS];
        for (truth, prediction) in truth.iter().zip(predictions) {
            let Some(truth) = truth else { continue };
            let best = prediction.best();
            let p = prediction.probabilities.get(best).copied().map_or(0.0, f64::from).clamp(0.0, 1.0);
            let bin = &mut sums[((p * BINS as f64) as usize).min(BINS - 1)];
            *bin = (bin.0 + 1, bin.1 + p, bin.2 + usize::from(best == *truth));
        }
        let all: usize = sums.iter().map(|s| s.0).sum();
        if all == 0 {
            return None;
        }
        let bin = |(i, (n, p, right)): (usize, &(usize, f64, usize))| CalibrationBin {
            low: i as f64 / BINS as f64,
            high: (i + 1) as f64 / BINS as f64,
            particles: *n,
            confidence: p / (*n).max(1) as f64,
            accuracy: *right as f64 / (*n).max(1) as f64,
        };
        let bins: Vec<CalibrationBin> = sums.iter().enumerate().map(bin).collect();
        let off = |b: &CalibrationBin| (b.confidence - b.accuracy).abs() * b.particles as f64;
        Some(Self { expected_error: bins.iter().map(off).sum::<f64>() / all as f64, bins })
    }
}

/// The averages of each class over the patches given to it (`class` holds a place in `names` a patch).
pub fn averages(
    patches: &PatchSet,
    class: &[Option<usize>],
    names: &[String],
    predictions: &[Prediction],
) -> Vec<ClassAverage> {
    let average = |(place, name): (usize, &String)| {
        let members: Vec<usize> =
            (0..patches.len()).filter(|i| class.get(*i) == Some(&Some(place))).collect();
        let size = patches.wide * patches.wide;
        let wide = |i: usize| &patches.pixels[i * size..(i + 1) * size];
        let still = Prediction {
            probabilities: Vec::new(),
            angle_rad: 0.0,
            shift_px: [0.0; 2],
            scale: 1.0,
            mu: Vec::new(),
            sigma: Vec::new(),
            recon_error: 0.0,
        };
        let of = |posed: bool| {
            let pose = |i: usize| predictions.get(i).filter(|_| posed).unwrap_or(&still);
            moments(&members, patches.side, |i| upright(wide(i), patches.wide, patches.side, pose(i)))
        };
        let ((raw, raw_variance), (upright, upright_variance)) = (of(false), of(true));
        ClassAverage {
            class: name.clone(),
            particles: members.len(),
            raw,
            raw_variance,
            upright,
            upright_variance,
        }
    };
    names.par_iter().enumerate().map(average).collect()
}

fn moments(members: &[usize], side: usize, picture: impl Fn(usize) -> Vec<f32>) -> (Vec<f32>, Vec<f32>) {
    let (mut sum, mut square) = (vec![0.0_f64; side * side], vec![0.0_f64; side * side]);
    for i in members {
        for ((s, q), v) in sum.iter_mut().zip(&mut square).zip(picture(*i)) {
            *s += f64::from(v);
            *q += f64::from(v) * f64::from(v);
        }
    }
    let n = members.len().max(1) as f64;
    let mean: Vec<f32> = sum.iter().map(|s| (s / n) as f32).collect();
    let variance =
        sum.iter().zip(&square).map(|(s, q)| (q / n - (s / n) * (s / n)).max(0.0) as f32).collect();
    (mean, variance)
}

/// The frames of the two average files: each class raw, then upright.
fn frames(averages: &[ClassAverage]) -> Vec<(String, &[f32])> {
    averages
        .iter()
        .flat_map(|a| {
            let title = |kind: &str| format!("{}, {} particles, {kind}", a.class, a.particles);
            [(title("as cut"), &a.raw[..]), (title("pose taken back"), &a.upright[..])]
        })
        .collect()
}

/// `class_averages.mrcs`: a frame a class as cut, then one with the pose taken back.
///
/// # Errors
/// What the writer says.
pub fn write_mrcs(
    averages: &[ClassAverage],
    side: usize,
    nm: Option<f64>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let pixels: Vec<f32> = frames(averages).into_iter().flat_map(|(_, p)| p.iter().copied()).collect();
    stack::write(&pixels, side, nm, to)
}

/// `class_averages.tif`: the same frames as 32-bit float pages, each named in its description.
///
/// # Errors
/// What the writer says.
pub fn write_tiff(averages: &[ClassAverage], side: usize, to: &mut dyn Write) -> io::Result<()> {
    let mut bytes = io::Cursor::new(Vec::new());
    let size = u32::try_from(side).map_err(io::Error::other)?;
    let mut file = TiffEncoder::new(&mut bytes).map_err(io::Error::other)?;
    for (title, pixels) in frames(averages) {
        let mut page = file.new_image::<colortype::Gray32Float>(size, size).map_err(io::Error::other)?;
        // The format knows ASCII only.
        let title: String =
            title.chars().map(|c| if c.is_ascii() && !c.is_control() { c } else { '?' }).collect();
        let tag = tiff::tags::Tag::ImageDescription;
        page.encoder().write_tag(tag, title.as_str()).map_err(io::Error::other)?;
        page.write_data(pixels).map_err(io::Error::other)?;
    }
    to.write_all(bytes.get_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(p: f32, best: usize) -> Prediction {
        let probabilities = if best == 0 { vec![p, 1.0 - p] } else { vec![1.0 - p, p] };
        Prediction {
            probabilities,
            angle_rad: 0.0,
            shift_px: [0.0; 2],
            scale: 1.0,
            mu: vec![],
            sigma: vec![],
            recon_error: 0.0,
        }
    }

    #[test]
    fn calibration_counts_how_often_it_is_right() {
        // Ten at 0.95, nine right; four at 0.65, two right; one without a truth.
        let mut predictions: Vec<Prediction> = (0..10).map(|_| sure(0.95, 0)).collect();
        let mut truth = vec![Some(0); 9];
        truth.push(Some(1));
        predictions.extend((0..4).map(|_| sure(0.65, 1)));
        truth.extend([Some(1), Some(1), Some(0), Some(0), None]);
        predictions.push(sure(0.5, 0));
        let found = Calibration::measure(&truth, &predictions).unwrap();
        let (high, low) = (found.bins[9], found.bins[6]);
        assert_eq!((high.particles, low.particles), (10, 4));
        assert!((high.accuracy - 0.9).abs() < 1e-9 && (high.confidence - 0.95).abs() < 1e-6);
        assert!((low.accuracy - 0.5).abs() < 1e-9);
        let expected = (10.0 * 0.05 + 4.0 * 0.15) / 14.0;
        assert!((found.expected_error - expected).abs() < 1e-6, "{}", found.expected_error);
        assert_eq!(Calibration::measure(&[None], &predictions[..1]), None);
    }

    #[test]
    fn the_upright_average_of_turned_bars_is_sharp_and_the_raw_one_is_not() {
        let (wide, side) = (31, 21);
        let angles: Vec<f32> = (0..24).map(|i| i as f32 * 0.26 - 3.0).collect();
        let mut pixels = Vec::new();
        let mut predictions = Vec::new();
        for a in &angles {
            let (sin, cos) = a.sin_cos();
            for i in 0..wide * wide {
                let (x, y) = ((i % wide) as f32 - 15.0, (i / wide) as f32 - 15.0);
                let (u, v) = (x * cos - y * sin, x * sin + y * cos);
                pixels.push(f32::from(u8::from(u.abs() < 9.0 && v.abs() < 2.0)));
            }
            predictions.push(Prediction { angle_rad: *a, ..sure(1.0, 0) });
        }
        let n = angles.len();
        let patches =
            PatchSet { side, wide, pixels: pixels.into(), labels: vec![None; n], held_out: vec![None; n] };
        let found = &averages(&patches, &vec![Some(0); n], &["bar".into()], &predictions)[0];
        let spread = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
        assert!(spread(&found.upright_variance) < 0.3 * spread(&found.raw_variance));
        // Along x within the bar, off it nothing.
        let at = |x: usize, y: usize| found.upright[y * side + x];
        assert!(at(3, 10) > 0.9 && at(10, 10) > 0.95 && at(10, 3) < 0.05);
        let mut tiff = Vec::new();
        write_tiff(std::slice::from_ref(found), side, &mut tiff).unwrap();
        let mut back = tiff::decoder::Decoder::new(io::Cursor::new(tiff)).unwrap();
        assert_eq!(back.dimensions().unwrap(), (side as u32, side as u32));
        let title = back.get_tag_ascii_string(tiff::tags::Tag::ImageDescription).unwrap();
        assert_eq!(title, "bar, 24 particles, as cut");
        assert!(back.more_images());
    }
}
