//! From latents to poses, from poses to coordinates.

use super::VaeConfig;
use burn::tensor::Tensor;

/// The pose part of `z` as `[rows, 4]`: angle in radians, shift along both axes, scale.
///
/// Latents come in the order angle, shift, scale; what the model does not vary is angle 0, shift 0, scale 1.
/// Angle = `start` + latent x `angle_prior` (`start`: `[rows, 1]`, the turn a copy stands for), shift = latent x `shift_prior`, scale = 1 + latent x `scale_prior`.
pub fn from_latents(config: &VaeConfig, z: &Tensor<2>, start: Option<Tensor<2>>) -> Tensor<2> {
    let [rows, _] = z.dims();
    let device = z.device();
    let constant = |value: f32| Tensor::<2>::full([rows, 1], value, &device);
    let mut next = 0;
    let mut take = |n: usize| {
        let part = z.clone().slice([0..rows, next..next + n]);
        next += n;
        part
    };
    let flat = config.ndim() == 1;
    let inv = config.invariances;
    let angle = if inv.rotation && !flat { take(1).mul_scalar(config.angle_prior) } else { constant(0.0) };
    let angle = match start {
        Some(start) => angle + start,
        None => angle,
    };
    let shift = match (inv.translation, flat) {
        (true, false) => take(2).mul_scalar(config.shift_prior),
        (true, true) => Tensor::cat(vec![take(1).mul_scalar(config.shift_prior), constant(0.0)], 1),
        (false, _) => Tensor::zeros([rows, 2], &device),
    };
    let scale = if inv.scale && !flat {
        take(1).mul_scalar(config.scale_prior).add_scalar(1.0)
    } else {
        constant(1.0)
    };
    Tensor::cat(vec![angle, shift, scale], 1)
}

/// Poses `[rows, 4]` of shapes that are turned by `by` `[rows, 1]`, radians, beyond them: about the centre of the shape, so that
/// angle and shift mean what they meant.
pub fn leaning(pose: Tensor<2>, by: Tensor<2>) -> Tensor<2> {
    let [rows, _] = pose.dims();
    let part = |i: usize| pose.clone().slice([0..rows, i..i + 1]);
    let (sin, cos) = (by.clone().sin(), by.clone().cos());
    let first = part(1) * cos.clone() - part(2) * sin.clone();
    let second = part(1) * sin + part(2) * cos;
    Tensor::cat(vec![part(0) + by, first, second, part(3)], 1)
}

/// Transformed coordinates `[rows, pixels, ndim]` of the grid `[pixels, ndim]` under poses `[rows, 4]`:
/// the row vector times [[cos, sin], [-sin, cos]], times scale, plus shift.
pub fn transform(grid: &Tensor<2>, pose: &Tensor<2>) -> Tensor<3> {
    let [pixels, ndim] = grid.dims();
    let [rows, _] = pose.dims();
    let part = |i: usize| pose.clone().slice([0..rows, i..i + 1]); // [rows, 1]
    let axis = |i: usize| grid.clone().slice([0..pixels, i..i + 1]).reshape([1, pixels]);
    if ndim == 1 {
        return (axis(0) + part(1)).unsqueeze_dim(2);
    }
    let (cos, sin, scale) = (part(0).cos(), part(0).sin(), part(3));
    let (u, v) = (axis(0), axis(1));
    let u2 = (u.clone() * cos.clone() - v.clone() * sin.clone()) * scale.clone() + part(1);
    let v2 = (u * sin + v * cos) * scale + part(2);
    Tensor::stack(vec![u2, v2], 2)
}
