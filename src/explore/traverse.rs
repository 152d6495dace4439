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
/// As [`image`]; no latents at all.
pub fn film(vae: &Vae, class: usize, codes: &[Vec<f32>], pose: Pose) -> Result<Vec<f32>> {
    check(vae, class)?;
    if codes.is_empty() || codes.iter().any(|code| code.len() != vae.config.latent) {
        let given = codes.iter().map(Vec::len).find(|n| *n != vae.config.latent).unwrap_or(0);
        return Err(Error::invalid("latents", format!("{given} given, the model has {}", vae.config.latent)));
    }
    draw(vae, class, codes, pose)
}

/// A `per_side` x `per_side` grid of upright images over two content latents, each at equally spaced quantiles of the
/// prior between 5 % and 95 %; the others are 0. First axis to the right, second up, row by row from the top.
///
/// # Errors
/// As [`image`].
pub fn manifold(vae: &Vae, class: usize, axes: (usize, usize), per_side: usize) -> Result<Vec<f32>> {
    let at: Vec<f32> = (0..per_side)
        .map(|i| {
            let part = if per_side == 1 { 0.5 } else { i as f64 / (per_side - 1) as f64 };
            normal_quantile(0.05 + 0.9 * part) as f32
        })
        .collect();
    grid(vae, class, axes, [&at, &at])
}

/// The same over ranges of one's own, lower and upper end for each axis, in equal steps.
///
/// # Errors
/// As [`image`].
pub fn plane(
    vae: &Vae,
    class: usize,
    axes: (usize, usize),
    per_side: usize,
    ranges: [[f32; 2]; 2],
) -> Result<Vec<f32>> {
    let [right, up] = ranges.map(|[low, high]| {
        let part = |i: usize| if per_side == 1 { 0.5 } else { i as f32 / (per_side - 1) as f32 };
        (0..per_side).map(|i| low + part(i) * (high - low)).collect::<Vec<f32>>()
    });
    grid(vae, class, axes, [&right, &up])
}

/// One image at each pair of values, the first to the right, the second up, row by row from the top.
fn grid(vae: &Vae, class: usize, axes: (usize, usize), [right, up]: [&[f32]; 2]) -> Result<Vec<f32>> {
    check(vae, class)?;
    let latent = vae.config.latent;
    if axes.0 >= latent || axes.1 >= latent || right.is_empty() || up.is_empty() {
        return Err(Error::invalid("latent axes", format!("{axes:?}; the model has {latent} latents")));
    }
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

/// Quantile of the standard normal (Acklam's rational approximation, |error| < 1.2e-9).
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    // The manifold asks for 5 % to 95 % only, which this central branch (2.4 % to 97.6 %) covers.
    let q = p.clamp(0.025, 0.975) - 0.5;
    let r = q * q;
    let top = A.iter().fold(0.0, |sum, a| sum * r + a) * q;
    top / (B.iter().fold(0.0, |sum, b| sum * r + b) * r + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal() {
        assert!((normal_quantile(0.95) - 1.644_853_6).abs() < 1e-6);
        assert!(normal_quantile(0.5).abs() < 1e-12);
        assert!((normal_quantile(0.25) + 0.674_489_75).abs() < 1e-6);
    }
}
