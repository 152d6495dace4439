//! Class, pose and content of every patch.

use crate::error::{Error, Result};
use crate::model::pose;
use crate::model::vae::{PixelSubset, Vae};
use crate::particle::Prediction;
use crate::particle::patch::PatchSet;
use crate::train::config::TrainConfig;
use crate::train::present::{Shown, orbit, show};
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};

/// Patches that go through the networks together.
const CHUNK: usize = 256;

/// One prediction a patch, in order.
///
/// Class probabilities are averaged over the turned copies of [`TrainConfig::rotations`]; pose and content are the
/// encoder's at the most probable class, for the patch as it was cut. `proceed` is asked between chunks.
///
/// # Errors
/// [`Error::Stopped`] if `proceed` says no; a device that stops answering; patches of another size than the model's.
pub fn predict(
    vae: &Vae,
    train: &TrainConfig,
    patches: &PatchSet,
    proceed: &mut dyn FnMut() -> bool,
) -> Result<Vec<Prediction>> {
    Ok(predict_with_pose(vae, train, patches, proceed)?
        .into_iter()
        .map(|(prediction, _)| prediction)
        .collect())
}

/// Predictions for flattened images exactly as they are, `[n, pixels]`, without turned copies, and the coordinate
/// transform of each: angle in radians, shift along axis 0 and axis 1 (the image is 2 wide), scale.
///
/// # Errors
/// As [`predict`].
pub fn predict_plain(vae: &Vae, images: &[f32]) -> Result<Vec<(Prediction, [f32; 4])>> {
    let pixels = vae.config.pixels();
    let mut out = Vec::new();
    for chunk in images.chunks(CHUNK * pixels) {
        let probabilities = class_probabilities(vae, chunk, chunk.len() / pixels)?;
        out.extend(encode(vae, chunk, probabilities)?);
    }
    Ok(out)
}

/// As [`predict`], with the coordinate transform of [`predict_plain`] beside each prediction.
///
/// # Errors
/// As [`predict`].
pub fn predict_with_pose(
    vae: &Vae,
    train: &TrainConfig,
    patches: &PatchSet,
    proceed: &mut dyn FnMut() -> bool,
) -> Result<Vec<(Prediction, [f32; 4])>> {
    check_side(vae, patches)?;
    let all: Vec<usize> = (0..patches.len()).collect();
    let mut out = Vec::with_capacity(all.len());
    for chunk in all.chunks(CHUNK) {
        if !proceed() {
            return Err(Error::Stopped);
        }
        let probabilities = averaged_probabilities(vae, train, patches, chunk)?;
        let plain = show(patches, chunk, &vec![Shown::default(); chunk.len()]);
        out.extend(encode(vae, &plain, probabilities)?);
    }
    Ok(out)
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
pub fn classify(vae: &Vae, train: &TrainConfig, patches: &PatchSet, which: &[usize]) -> Result<Vec<usize>> {
    let mut out = Vec::with_capacity(which.len());
    for chunk in which.chunks(CHUNK) {
        for p in averaged_probabilities(vae, train, patches, chunk)? {
            out.push((0..p.len()).fold(0, |best, i| if p[i] > p[best] { i } else { best }));
        }
    }
    Ok(out)
}

fn averaged_probabilities(
    vae: &Vae,
    train: &TrainConfig,
    patches: &PatchSet,
    chunk: &[usize],
) -> Result<Vec<Vec<f32>>> {
    let k = vae.config.classes;
    if k == 1 {
        return Ok(vec![vec![1.0]; chunk.len()]);
    }
    let orbit = orbit(train);
    let mut sum = vec![vec![0.0_f32; k]; chunk.len()];
    for pose in &orbit {
        let images = show(patches, chunk, &vec![*pose; chunk.len()]);
        for (sum, p) in sum.iter_mut().zip(class_probabilities(vae, &images, chunk.len())?) {
            sum.iter_mut().zip(p).for_each(|(s, p)| *s += p / orbit.len() as f32);
        }
    }
    Ok(sum)
}

fn class_probabilities(vae: &Vae, images: &[f32], n: usize) -> Result<Vec<Vec<f32>>> {
    let x = upload(vae, images, n);
    let q = host(vae.log_probabilities(x).exp())?;
    Ok(q.chunks_exact(vae.config.classes).map(<[f32]>::to_vec).collect())
}

/// Pose, content and reconstruction error at the most probable class.
fn encode(vae: &Vae, images: &[f32], probabilities: Vec<Vec<f32>>) -> Result<Vec<(Prediction, [f32; 4])>> {
    let n = probabilities.len();
    let pixels = vae.config.pixels();
    let x = upload(vae, images, n);
    let best: Vec<u32> = probabilities
        .iter()
        .map(|p| (0..p.len()).fold(0, |b, i| if p[i] > p[b] { i } else { b }) as u32)
        .collect();
    let posterior = vae.encode(x, &best);
    let poses = host(pose::from_latents(&vae.config, &posterior.mean))?;
    let grid = PixelSubset::all(&vae.config).grid;
    let decoded = host(vae.decode(posterior.mean.clone(), &best, &grid))?;
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

fn upload(vae: &Vae, images: &[f32], rows: usize) -> Tensor<2> {
    let columns = images.len() / rows.max(1);
    Tensor::from_data(TensorData::new(images.to_vec(), [rows, columns]), &vae.device())
}
