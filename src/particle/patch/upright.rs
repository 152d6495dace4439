//! A patch as the model would have it stand: its learned turn and shift taken back.

use super::turned;
use crate::particle::Prediction;

/// The `side` x `side` patch with the learned shift, angle and scale taken back, cut from its wide surroundings
/// (`wide` x `wide`, row-major): the particle upright, in the middle, at its class's own size.
pub fn upright(wide_pixels: &[f32], wide: usize, side: usize, pose: &Prediction) -> Vec<f32> {
    let mut out = vec![0.0; side * side];
    let shrink = if pose.scale.is_finite() && pose.scale > 0.0 { 1.0 / pose.scale } else { 1.0 };
    let (sin, cos) = pose.angle_rad.sin_cos();
    let [x, y] = pose.shift_px;
    // First back by the shift, then back by the angle; `turned` moves last, so its shift is the turned one.
    let shift = [-(x * cos - y * sin) * shrink, -(x * sin + y * cos) * shrink];
    turned(wide_pixels, wide, side, -pose.angle_rad, shift, shrink, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prediction(angle_rad: f32, shift_px: [f32; 2], scale: f32) -> Prediction {
        Prediction {
            probabilities: vec![1.0],
            angle_rad,
            shift_px,
            scale,
            mu: vec![],
            sigma: vec![],
            recon_error: 0.0,
        }
    }

    #[test]
    fn a_pose_taken_back_is_the_upright_picture() {
        const WIDE: usize = 61;
        // Three blobs without any symmetry, smooth so that interpolation costs little.
        let value = |x: f32, y: f32| {
            let blob = |u: f32, v: f32, s: f32| (-((x - u).powi(2) + (y - v).powi(2)) / (2.0 * s * s)).exp();
            0.1 + 0.8 * blob(0.0, -6.0, 3.0) + 0.5 * blob(5.0, 3.0, 2.5) + 0.3 * blob(-3.0, 5.0, 2.5)
        };
        let middle = (WIDE as f32 - 1.0) / 2.0;
        let picture: Vec<f32> =
            (0..WIDE * WIDE).map(|i| value((i % WIDE) as f32 - middle, (i / WIDE) as f32 - middle)).collect();
        for (angle, shift, scale) in
            [(0.7_f32, [2.0_f32, -1.5_f32], 1.0_f32), (-2.4, [-1.0, 3.0], 1.15), (3.1, [0.0, 0.0], 0.9)]
        {
            let mut posed = vec![0.0; WIDE * WIDE];
            turned(&picture, WIDE, WIDE, angle, shift, scale, &mut posed);
            let back = upright(&posed, WIDE, 33, &prediction(angle, shift, scale));
            let edge = (WIDE - 33) / 2;
            for y in 0..33 {
                for x in 0..33 {
                    let (found, expected) = (back[y * 33 + x], picture[(y + edge) * WIDE + x + edge]);
                    assert!((found - expected).abs() < 0.04, "{angle} at {x}, {y}: {found} not {expected}");
                }
            }
        }
    }
}
