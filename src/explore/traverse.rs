//! Walking through latent space: decoder images at chosen codes and poses.

use crate::error::{Error, Result};
use crate::model::vae::{PixelSubset, Vae};
use crate::train::trainer::host;
use burn::tensor::{Tensor, TensorData};

/// A pose to draw a particle in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Counter-clockwise on screen.
    pub angle_rad: f32,
    /// To the right and down, pixels of the patch.
    pub shift_px: [f32; 2],
    /// 1 is the class's own size.
    pub scale: f32,
}

impl Default for Pose {
    fn default() -> Self {
        Self { angle_rad: 0.0, shift_px: [0.0; 2], scale: 1.0 }
    }
}

/// One image of `class` at content `latents`: `[height, width]`, 0..1.
///
/// # Errors
/// A class or a number of latents the model does not have; a device that stops answering.
pub fn image(vae: &Vae, class: usize, latents: &[f32], pose: Pose) -> Result<Vec<f32>> {
    film(vae, class, &[latents.to_vec()], pose)
}

/// One image of `class` at each of some content latents, all in one pose: `[codes, height, width]`, 0..1.
///
/// # Errors
/// As [`image()`]; no latents at all.
pub fn film(vae: &Vae, class: usize, codes: &[Vec<f32>], pose: Pose) -> Result<Vec<f32>> {
    check(vae, class)?;
    if codes.is_empty() || codes.iter().any(|code| code.len() != vae.config.latent) {
        let given = codes.iter().map(Vec::len).find(|n| *n != vae.config.latent).unwrap_or(0);
        return Err(Error::invalid("latents", format!("{given} given, the model has {}", vae.config.latent)));
    }
    draw(vae, class, codes, pose)
}

/// A `per_side` x `per_side` grid of upright images over two content latents, each in equal steps from the lower to the
/// upper end of its range; the others are 0. First axis to the right, second up, row by row from the top.
///
/// # Errors
/// As [`image()`].
pub fn plane(
    vae: &Vae,
    class: usize,
    axes: (usize, usize),
    per_side: usize,
    ranges: [[f32; 2]; 2],
) -> Result<Vec<f32>> {
    check(vae, class)?;
    let latent = vae.config.latent;
    if axes.0 >= latent || axes.1 >= latent || per_side == 0 {
        return Err(Error::invalid("latent axes", format!("{axes:?}; the model has {latent} latents")));
    }
    let [right, up] = ranges.map(|[low, high]| {
        let part = |i: usize| if per_side == 1 { 0.5 } else { i as f32 / (per_side - 1) as f32 };
        (0..per_side).map(|i| low + part(i) * (high - low)).collect::<Vec<f32>>()
    });
    let codes: Vec<Vec<f32>> = up
        .iter()
        .rev()
        .flat_map(|up| right.iter().map(move |right| (*right, *up)))
        .map(|(right, up)| {
            let mut z = vec![0.0; latent];
            z[axes.1] = up;
            z[axes.0] = right;
            z
        })
        .collect();
    draw(vae, class, &codes, Pose::default())
}

fn check(vae: &Vae, class: usize) -> Result<()> {
    if class < vae.config.classes {
        Ok(())
    } else {
        Err(Error::invalid("class", format!("number {class}; the model has {}", vae.config.classes)))
    }
}

fn draw(vae: &Vae, class: usize, codes: &[Vec<f32>], pose: Pose) -> Result<Vec<f32>> {
    let (rows, z) = (codes.len(), vae.config.z());
    let device = vae.device();
    let first = vae.config.pose();
    let mut values = vec![0.0; rows * z];
    for (row, code) in values.chunks_exact_mut(z).zip(codes) {
        row[first..].copy_from_slice(code);
    }
    let z = Tensor::<2>::from_data(TensorData::new(values, [rows, z]), &device);
    let one = coordinate_pose(pose, &vae.config.dims);
    let poses = Tensor::<2>::from_data(TensorData::new(one.repeat(rows), [rows, 4]), &device);
    let grid = PixelSubset::all(&vae.config).grid;
    host(vae.decode_at(poses, z, &vec![class as u32; rows], &grid))
}

/// The transform of the coordinates that draws a particle in `pose`; the inverse of what `embed` reads off.
pub fn coordinate_pose(pose: Pose, dims: &[usize]) -> [f32; 4] {
    let [rows, columns] = dims[..] else { return [0.0, -pose.shift_px[0], 0.0, 1.0] };
    let step = |n: usize| (n.max(2) - 1) as f32 / 2.0;
    let (u, v) = (pose.shift_px[1] / step(rows), -pose.shift_px[0] / step(columns));
    let (sin, cos) = pose.angle_rad.sin_cos();
    let s = 1.0 / pose.scale.max(1e-3);
    [pose.angle_rad, -s * (u * cos - v * sin), -s * (u * sin + v * cos), s]
}
