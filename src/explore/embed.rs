//! Class, pose and content of every patch.

use crate::error::{Error, Result};
use crate::model::VaeConfig;
use crate::model::look::column;
use crate::model::orbit;
use crate::model::pairs::Pairs;
use crate::model::vae::{PixelSubset, Posterior, Vae};
use crate::particle::Prediction;
use crate::particle::patch::{PatchSet, TOGETHER, turned};
use crate::train::present::{Seen, Shown, plain};
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Patches that go through the networks together.
const CHUNK: usize = 128;

/// One prediction a patch, in order.
///
/// A model that looks at turned copies takes class and turn from all of them together, and pose and content from the
/// copy that stands upright, cut at the angle between two turns that their probabilities tell; another takes them from the
/// patch as it was cut. `proceed` is asked between chunks.
///
/// # Errors
/// [`Error::Stopped`] if `proceed` says no; a device that stops answering; patches of another size than the model's.
pub fn predict(vae: &Vae, patches: &PatchSet, proceed: &mut dyn FnMut() -> bool) -> Result<Vec<Prediction>> {
    Ok(predict_with_pose(vae, patches, proceed)?.into_iter().map(|(prediction, _)| prediction).collect())
}

/// As [`predict`], with the coordinate transform beside each prediction: angle in radians, shift along axis 0 and axis 1
/// (the image is 2 wide), scale.
///
/// # Errors
/// As [`predict`].
pub fn predict_with_pose(
    vae: &Vae,
    patches: &PatchSet,
    proceed: &mut dyn FnMut() -> bool,
) -> Result<Vec<(Prediction, [f32; 4])>> {
    let seen = seen(vae, patches)?;
    let all: Vec<usize> = (0..patches.len()).collect();
    let mut out = Vec::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        if !proceed() {
            return Err(Error::Stopped);
        }
        out.extend(predict_seen(vae, patches, seen.as_ref(), chunk)?);
    }
    Ok(out)
}

/// As [`predict_with_pose`] for some of the patches, which are ready to be seen; they go through the networks together.
///
/// # Errors
/// A device that stops answering.
pub fn predict_seen(
    vae: &Vae,
    patches: &PatchSet,
    seen: Option<&Seen>,
    which: &[usize],
) -> Result<Vec<(Prediction, [f32; 4])>> {
    let images = plain(patches, which);
    let recognised = recognise(vae, seen, which, Shown::default(), &images)?;
    describe(vae, &images, recognised)
}

/// Predictions for flattened images exactly as they are, `[n, pixels]`, square or not, by a model that looks at plain
/// images.
///
/// # Errors
/// A device that stops answering.
pub fn predict_plain(vae: &Vae, images: &[f32]) -> Result<Vec<(Prediction, [f32; 4])>> {
    let pixels = vae.config.pixels();
    let mut out = Vec::new();
    for images in images.chunks(CHUNK * pixels) {
        let which: Vec<usize> = (0..images.len() / pixels).collect();
        out.extend(describe(vae, images, recognise(vae, None, &which, Shown::default(), images)?)?);
    }
    Ok(out)
}

/// Patches ready to be seen, for a model that looks at turned copies.
///
/// # Errors
/// Patches of another size than the model's.
pub fn seen(vae: &Vae, patches: &PatchSet) -> Result<Option<Seen>> {
    check_side(vae, patches)?;
    Ok(Seen::new(patches, &vae.config))
}

fn check_side(vae: &Vae, patches: &PatchSet) -> Result<()> {
    if vae.config.dims == [patches.side, patches.side] {
        return Ok(());
    }
    let trained = vae.config.dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let problem = format!("they are {0} x {0} pixels but the model was trained on {trained}", patches.side);
    Err(Error::invalid("patches", problem))
}

/// Class index of each patch, without pose and content: what accuracy needs.
///
/// # Errors
/// A device that stops answering.
pub fn classify(vae: &Vae, patches: &PatchSet, which: &[usize]) -> Result<Vec<usize>> {
    classify_seen(vae, patches, Seen::new(patches, &vae.config).as_ref(), which)
}

/// As [`classify`] for patches that are ready to be seen.
///
/// # Errors
/// A device that stops answering.
pub fn classify_seen(
    vae: &Vae,
    patches: &PatchSet,
    seen: Option<&Seen>,
    which: &[usize],
) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(which.len());
    for chunk in which.chunks(CHUNK) {
        let probabilities = match seen {
            Some(seen) => by_class(&joint(vae, seen, chunk, Shown::default())?, &vae.config),
            None => flat_probabilities(vae, &plain(patches, chunk), chunk.len())?,
        };
        out.extend(probabilities.iter().map(|p| best(p)));
    }
    Ok(out)
}

/// What the recognition networks say of a patch that was turned first.
#[derive(Clone, Debug, PartialEq)]
pub struct Turned {
    pub class: usize,
    /// Counter-clockwise on the screen.
    pub angle_rad: f32,
    /// Means of the content latents.
    pub mu: Vec<f32>,
}

/// The given patches turned by `angle_rad` (counter-clockwise), each cut from its surroundings with one interpolation.
///
/// # Errors
/// As [`predict`].
pub fn predict_turned(vae: &Vae, patches: &PatchSet, which: &[usize], angle_rad: f32) -> Result<Vec<Turned>> {
    let seen = seen(vae, patches)?;
    let (z, first) = (vae.config.z(), vae.config.pose());
    let mut out = Vec::with_capacity(which.len());
    for chunk in which.chunks(CHUNK) {
        let images: Vec<f32> = match &seen {
            Some(_) => Vec::new(),
            None => chunk.iter().flat_map(|&i| turned_patch(patches, i, angle_rad)).collect(),
        };
        let pose = Shown { angle_rad, ..Shown::default() };
        let recognised = recognise(vae, seen.as_ref(), chunk, pose, &images)?;
        let poses = host(poses(vae, &recognised))?;
        let Recognised { pairs, posterior, .. } = recognised;
        let mean = host(posterior.mean)?;
        let rows = pairs.classes.iter().zip(poses.chunks_exact(4)).zip(mean.chunks_exact(z));
        out.extend(rows.map(|((&class, pose), mean)| Turned {
            class: class as usize,
            angle_rad: particle_angle(pose),
            mu: mean[first..].to_vec(),
        }));
    }
    Ok(out)
}

fn turned_patch(patches: &PatchSet, i: usize, angle_rad: f32) -> Vec<f32> {
    let (side, wide) = (patches.side, patches.wide);
    let mut out = vec![0.0; side * side];
    turned(
        &patches.pixels[i * wide * wide..(i + 1) * wide * wide],
        wide,
        side,
        angle_rad,
        [0.0; 2],
        1.0,
        &mut out,
    );
    out
}

/// What the recognition networks say of a chunk.
struct Recognised {
    probabilities: Vec<Vec<f32>>,
    /// The most probable class of each image and, given it, the most probable turn.
    pairs: Pairs,
    /// How far each image is turned beyond its turn, radians.
    beyond: Vec<f32>,
    posterior: Posterior,
}

/// `pose` is how a model that looks at turned copies is shown the patches; `images` are what another sees.
fn recognise(
    vae: &Vae,
    seen: Option<&Seen>,
    chunk: &[usize],
    pose: Shown,
    images: &[f32],
) -> Result<Recognised> {
    let n = chunk.len();
    let Some(seen) = seen else {
        let probabilities = flat_probabilities(vae, images, n)?;
        let classes: Vec<u32> = probabilities.iter().map(|p| best(p) as u32).collect();
        let posterior = vae.encode(upload(vae, images, n), column(&classes, &vae.device()));
        let pairs = Pairs { images: (0..n as u32).collect(), turns: vec![0; n], classes };
        return Ok(Recognised { probabilities, pairs, beyond: vec![0.0; n], posterior });
    };
    let joint = joint(vae, seen, chunk, pose)?;
    let probabilities = by_class(&joint, &vae.config);
    let (k, turns) = (vae.config.classes, vae.config.turns());
    let mut pairs = Pairs { images: (0..n as u32).collect(), ..Pairs::default() };
    let mut beyond = Vec::with_capacity(n);
    for (p, joint) in probabilities.iter().zip(joint.chunks_exact(k * turns)) {
        let class = best(p);
        let (turn, part) = orbit::peak(|turn| joint[turn * k + class], turns);
        pairs.classes.push(class as u32);
        pairs.turns.push(turn as u32);
        beyond.push(part * std::f32::consts::TAU / turns as f32);
    }
    // The copy between two turns that stands upright: the encoder has only the rest of the angle to find.
    let copies = upright(seen, chunk, pose, &pairs.turns, &beyond);
    let posterior = vae.encode(upload(vae, &copies, n), column(&pairs.classes, &vae.device()));
    Ok(Recognised { probabilities, pairs, beyond, posterior })
}

/// q(turn, class | image), `[n, turns * classes]`.
fn joint(vae: &Vae, seen: &Seen, chunk: &[usize], pose: Shown) -> Result<Vec<f32>> {
    if vae.tiled {
        let fill = |first: usize, out: &mut [f32]| {
            let last = (first + TOGETHER).min(chunk.len());
            seen.copies_into(&chunk[first..last], &pose, out);
        };
        return Ok(vae.joint_from(chunk.len(), TOGETHER, fill));
    }
    host(vae.log_joint(&seen.copies(chunk, &vec![pose; chunk.len()], &[])).exp())
}

/// The copy of each patch that its turn, and what lies `beyond` it (radians), call upright, `[n, inputs]`.
fn upright(seen: &Seen, chunk: &[usize], pose: Shown, turns: &[u32], beyond: &[f32]) -> Vec<f32> {
    let copy = |((&patch, &turn), beyond): ((&usize, &u32), &f32)| {
        seen.copy(patch, &Shown { angle_rad: pose.angle_rad - beyond, ..pose }, turn as usize)
    };
    chunk.par_iter().zip(turns).zip(beyond).flat_map_iter(copy).collect()
}

/// Poses of the images as they are, `[n, 4]`: their turn, what lies beyond it, and what the encoder found left.
fn poses(vae: &Vae, recognised: &Recognised) -> Tensor<2> {
    let at = orbit::poses(&vae.config, &recognised.posterior.mean, &recognised.pairs);
    let n = recognised.pairs.len();
    let beyond: Vec<f32> = recognised.beyond.iter().flat_map(|b| [*b, 0.0, 0.0, 0.0]).collect();
    at + Tensor::from_data(TensorData::new(beyond, [n, 4]), &vae.device())
}

/// Class probabilities: the joint ones summed over the turns.
fn by_class(joint: &[f32], config: &VaeConfig) -> Vec<Vec<f32>> {
    let k = config.classes;
    let of_image = |joint: &[f32]| {
        let mut sum = vec![0.0; k];
        for turn in joint.chunks_exact(k) {
            sum.iter_mut().zip(turn).for_each(|(s, p)| *s += p);
        }
        let total: f32 = sum.iter().sum();
        sum.iter_mut().for_each(|s| *s /= total.max(f32::MIN_POSITIVE));
        sum
    };
    joint.chunks_exact(k * config.turns()).map(of_image).collect()
}

fn best(p: &[f32]) -> usize {
    (0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best })
}

fn flat_probabilities(vae: &Vae, images: &[f32], n: usize) -> Result<Vec<Vec<f32>>> {
    let q = host(vae.log_probabilities(upload(vae, images, n)).exp())?;
    Ok(q.chunks_exact(vae.config.classes).map(<[f32]>::to_vec).collect())
}

/// Pose, content and reconstruction error at the most probable class and turn.
fn describe(vae: &Vae, images: &[f32], recognised: Recognised) -> Result<Vec<(Prediction, [f32; 4])>> {
    let at = poses(vae, &recognised);
    let Recognised { probabilities, pairs, posterior, .. } = recognised;
    let pixels = vae.config.pixels();
    let poses = host(at.clone())?;
    let grid = PixelSubset::all(&vae.config).grid;
    let decoded = host(vae.decode_at(at, posterior.mean.clone(), &pairs.classes, &grid))?;
    let (mean, sd) = (host(posterior.mean)?, host(posterior.sd)?);
    let (z, first) = (vae.config.z(), vae.config.pose());
    let rows = probabilities.into_iter().enumerate();
    Ok(rows
        .map(|(i, probabilities)| {
            let pose = &poses[i * 4..i * 4 + 4];
            let error: f32 = decoded[i * pixels..(i + 1) * pixels]
                .iter()
                .zip(&images[i * pixels..(i + 1) * pixels])
                .map(|(a, b)| (a - b) * (a - b))
                .sum();
            let prediction = Prediction {
                probabilities,
                angle_rad: particle_angle(pose),
                shift_px: particle_shift(pose, &vae.config.dims),
                scale: 1.0 / pose[3].max(1e-3),
                mu: mean[i * z + first..(i + 1) * z].to_vec(),
                sigma: sd[i * z + first..(i + 1) * z].to_vec(),
                recon_error: error / pixels as f32,
            };
            (prediction, [pose[0], pose[1], pose[2], pose[3]])
        })
        .collect())
}

/// The particle's counter-clockwise turn on screen, radians in (-pi, pi], from the turn of the coordinates.
///
/// Coordinates are (u, v) = (down, left). The decoder draws at pixel g what the upright class has at R(a) g, so the
/// picture is the upright one turned by -a in the (u, v) plane; from u (down) to v (left) is clockwise on screen.
/// Two reversals: the picture turns by `a` counter-clockwise.
pub fn particle_angle(pose: &[f32]) -> f32 {
    let turn = f64::from(pose[0]);
    let wrapped = turn.sin().atan2(turn.cos()) as f32;
    if wrapped <= -std::f32::consts::PI { std::f32::consts::PI } else { wrapped }
}

/// Where the upright class's centre lies in the patch, as a shift (x, y) in pixels from the patch's centre.
///
/// The centre is where s R g + t = 0, so g = -R^T t / s; one step of a pixel is 2 / (n - 1) of the coordinate.
pub fn particle_shift(pose: &[f32], dims: &[usize]) -> [f32; 2] {
    let [rows, columns] = dims[..] else { return [-pose[1], 0.0] };
    let (sin, cos) = pose[0].sin_cos();
    let (t0, t1, s) = (pose[1], pose[2], pose[3].max(1e-3));
    // The row vector times R is (u cos - v sin, u sin + v cos); its inverse takes the transpose.
    let u = -(t0 * cos + t1 * sin) / s;
    let v = -(t1 * cos - t0 * sin) / s;
    let step = |n: usize| (n.max(2) - 1) as f32 / 2.0;
    [-v * step(columns), u * step(rows)]
}

pub(super) fn upload(vae: &Vae, images: &[f32], rows: usize) -> Tensor<2> {
    let columns = images.len() / rows.max(1);
    Tensor::from_data(TensorData::new(images.to_vec(), [rows, columns]), &vae.device())
}
