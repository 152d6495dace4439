//! What is known of a library beyond its records: averages, calibration, manifolds, what the latents mean.

use super::stack;
use crate::particle::Prediction;
use crate::particle::patch::{PatchSet, upright};
use crate::particle::trust::{Calibration, Sanity};
use crate::review::meaning::ClassMeaning;
use rayon::prelude::*;
use std::io::{self, Write};
use tiff::encoder::{TiffEncoder, colortype};

/// Everything beyond the records; each part may be empty.
#[derive(Clone, Debug, Default)]
pub struct Insight {
    pub meanings: Vec<ClassMeaning>,
    pub averages: Vec<ClassAverage>,
    pub manifolds: Vec<Manifold>,
    pub calibration: Option<Calibration>,
    /// The model's self-check on the particles of the library.
    pub sanity: Option<Sanity>,
    /// Accuracy where labels were too few to hold some out.
    pub cross_validated: Option<CrossValidated>,
}

/// Accuracy found by cross-validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrossValidated {
    pub right: usize,
    pub of: usize,
    /// Trainings, each without a part of the labels.
    pub folds: usize,
}

impl CrossValidated {
    /// Share that was right, with Wilson's 95 % interval; nothing without a label that judged.
    pub fn accuracy(&self) -> Option<(f64, [f64; 2])> {
        let interval = super::report::wilson(self.right, self.of)?;
        Some((self.right as f64 / self.of as f64, interval))
    }

    /// One sentence for reports.
    pub fn in_words(&self) -> Option<String> {
        let (accuracy, [low, high]) = self.accuracy()?;
        Some(format!(
            "Cross-validated accuracy {accuracy:.3} on {} labels, each judged by one of {} trainings that had not seen it \
             (95 % interval {low:.3} to {high:.3}).",
            self.of, self.folds
        ))
    }
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
    /// From where to where the two latents go: where the particles of the class lie.
    pub ranges: [[f32; 2]; 2],
    pub side: usize,
    pub images: Vec<f32>,
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

/// The frames of the two average files: the means of each class, raw and upright, then the variances in the same order.
fn frames(averages: &[ClassAverage]) -> Vec<(String, &[f32])> {
    let title = |a: &ClassAverage, kind: &str| format!("{}, {} particles, {kind}", a.class, a.particles);
    let means = averages
        .iter()
        .flat_map(|a| [(title(a, "as cut"), &a.raw[..]), (title(a, "pose taken back"), &a.upright[..])]);
    let variances = averages.iter().flat_map(|a| {
        [
            (title(a, "variance as cut"), &a.raw_variance[..]),
            (title(a, "variance, pose taken back"), &a.upright_variance[..]),
        ]
    });
    means.chain(variances).collect()
}

/// `class_averages.mrcs`: for each class the mean as cut, then with the pose taken back; after those of all classes the
/// variances in the same order.
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
        let mut titles = vec![title];
        while back.more_images() {
            back.next_image().unwrap();
            titles.push(back.get_tag_ascii_string(tiff::tags::Tag::ImageDescription).unwrap());
        }
        assert_eq!(
            titles[1..],
            [
                "bar, 24 particles, pose taken back",
                "bar, 24 particles, variance as cut",
                "bar, 24 particles, variance, pose taken back"
            ]
        );
        let tiff::decoder::DecodingResult::F32(last) = back.read_image().unwrap() else {
            panic!("not floats")
        };
        assert_eq!(last, found.upright_variance);
        let mut mrc = Vec::new();
        write_mrcs(std::slice::from_ref(found), side, None, &mut mrc).unwrap();
        assert_eq!(mrc.len(), 1024 + 4 * 4 * side * side, "two means and two variances");
    }
}
