//! Turned, shifted and scaled patches out of a wide one.

/// Cuts a `side` x `side` patch from the middle of a `wide` x `wide` one with its content scaled by `scale`, turned
/// by `angle_rad` (counter-clockwise as seen on the screen, where y points down) and then moved by `shift_px`
/// (right, down; patch pixels).
///
/// Bilinear; beyond the wide patch its nearest pixel. Angle 0, shift 0, scale 1 is the central crop, bit for bit,
/// where `wide` and `side` have the same parity. `out` must hold `side * side` values and `wide_pixels`
/// `wide * wide`; what is missing is left alone. A pose that is not finite counts as none. Does not allocate.
pub fn turned(
    wide_pixels: &[f32],
    wide: usize,
    side: usize,
    angle_rad: f32,
    shift_px: [f32; 2],
    scale: f32,
    out: &mut [f32],
) {
    if wide == 0 || side == 0 || wide_pixels.len() < wide * wide {
        return;
    }
    let finite = |v: f32| if v.is_finite() { v } else { 0.0 };
    let (sin, cos) = finite(angle_rad).sin_cos();
    let shift = shift_px.map(finite);
    let shrink = if scale.is_finite() && scale > 0.0 { 1.0 / scale } else { 1.0 };
    let (sin, cos) = (sin * shrink, cos * shrink);
    let middle = (wide as f32 - 1.0) / 2.0;
    let half = (side as f32 - 1.0) / 2.0;
    let last = (wide - 1) as f32;
    for (row, line) in out.chunks_exact_mut(side).take(side).enumerate() {
        let v = row as f32 - half - shift[1];
        for (column, value) in line.iter_mut().enumerate() {
            let u = column as f32 - half - shift[0];
            // The inverse of a counter-clockwise turn on a screen whose y points down.
            let x = (middle + u * cos - v * sin).clamp(0.0, last);
            let y = (middle + u * sin + v * cos).clamp(0.0, last);
            *value = bilinear(wide_pixels, wide, x, y);
        }
    }
}

/// Grey values of a `wide` x `wide` patch at `points` (x, y; pixels from its centre), each mapped by the row-major
/// `matrix` and moved by `offset` first. Bilinear; beyond the patch its nearest pixel.
///
/// `out` holds one value a point. Does not allocate.
pub fn sampled(
    wide_pixels: &[f32],
    wide: usize,
    points: &[[f32; 2]],
    matrix: [f32; 4],
    offset: [f32; 2],
    out: &mut [f32],
) {
    if wide == 0 || wide_pixels.len() < wide * wide {
        return;
    }
    if wide == 1 {
        return out.fill(wide_pixels[0]);
    }
    // Places first, in a loop the compiler turns into vector instructions, then the values.
    let (mut at, mut right, mut down) = ([0_i32; RUN], [0.0_f32; RUN], [0.0_f32; RUN]);
    let middle = (wide as f32 - 1.0) / 2.0;
    let (last, before_last) = ((wide - 1) as f32, (wide - 2) as f32);
    let (x_middle, y_middle) = (middle + offset[0], middle + offset[1]);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (out, points) in out.chunks_mut(RUN).zip(points.chunks(RUN)) {
                for (i, &[u, v]) in points.iter().enumerate() {
                    let x = (x_middle + matrix[0] * u + matrix[1] * v).clamp(0.0, last);
                    let y = (y_middle + matrix[2] * u + matrix[3] * v).clamp(0.0, last);
                    let (x0, y0) = (x.min(before_last) as i32, y.min(before_last) as i32);
                    at[i] = y0 * wide as i32 + x0;
                    (right[i], down[i]) = (x - x0 as f32, y - y0 as f32);
                }
                for (i, value) in out.iter_mut().enumerate() {
                    let corner = &wide_pixels[at[i] as usize..][..wide + 2];
                    let top = corner[0] + (corner[1] - corner[0]) * right[i];
                    let bottom = corner[wide] + (corner[wide + 1] - corner[wide]) * right[i];
                    *value = top + (bottom - top) * down[i];
                }
            }
        },
    );
}

/// Patches sampled together by [`sampled_together`].
pub const TOGETHER: usize = 16;

/// As [`sampled`], for up to [`TOGETHER`] patches at the same places: several times faster a patch, because one place is
/// worked out for all and the values of all stand side by side.
///
/// `patches` holds pixel after pixel the value of each patch, `[wide * wide][TOGETHER]`; `out` point after point,
/// `[points][TOGETHER]`. `wide` is at least 2.
pub fn sampled_together(
    patches: &[[f32; TOGETHER]],
    wide: usize,
    points: &[[f32; 2]],
    matrix: [f32; 4],
    offset: [f32; 2],
    out: &mut [[f32; TOGETHER]],
) {
    if wide < 2 || patches.len() < wide * wide {
        return;
    }
    let middle = (wide as f32 - 1.0) / 2.0;
    let (last, before_last) = ((wide - 1) as f32, (wide - 2) as f32);
    let (x_middle, y_middle) = (middle + offset[0], middle + offset[1]);
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (out, &[u, v]) in out.iter_mut().zip(points) {
                let x = (x_middle + matrix[0] * u + matrix[1] * v).clamp(0.0, last);
                let y = (y_middle + matrix[2] * u + matrix[3] * v).clamp(0.0, last);
                let (x0, y0) = (x.min(before_last) as i32, y.min(before_last) as i32);
                let (right, down) = (x - x0 as f32, y - y0 as f32);
                let corner = &patches[(y0 * wide as i32 + x0) as usize..][..wide + 2];
                let (a, b, c, d) = (&corner[0], &corner[1], &corner[wide], &corner[wide + 1]);
                for i in 0..TOGETHER {
                    let top = a[i] + (b[i] - a[i]) * right;
                    let bottom = c[i] + (d[i] - c[i]) * right;
                    out[i] = top + (bottom - top) * down;
                }
            }
        },
    );
}

/// Points whose places are worked out together.
const RUN: usize = 64;

/// The value at (x, y), both within 0..=wide - 1.
#[inline(always)]
fn bilinear(pixels: &[f32], wide: usize, x: f32, y: f32) -> f32 {
    let (x0, y0) = (x as usize, y as usize);
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let right = usize::from(x0 + 1 < wide);
    let down = if y0 + 1 < wide { wide } else { 0 };
    let at = y0 * wide + x0;
    let top = pixels[at] + (pixels[at + right] - pixels[at]) * fx;
    let below = at + down;
    let bottom = pixels[below] + (pixels[below + right] - pixels[below]) * fx;
    top + (bottom - top) * fy
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::{FRAC_PI_2, PI};

    const F: [&str; 7] = [".......", "..###..", "..#....", "..##...", "..#....", "..#....", "......."];

    fn picture(rows: &[&str]) -> Vec<f32> {
        rows.iter().flat_map(|r| r.bytes().map(|b| f32::from(u8::from(b == b'#')))).collect()
    }

    fn turn(rows: &[&str], angle: f32, shift: [f32; 2]) -> Vec<f32> {
        let mut out = vec![9.0; 49];
        turned(&picture(rows), 7, 7, angle, shift, 1.0, &mut out);
        out.iter().map(|v| if v.abs() < 1e-4 { 0.0 } else { (v * 1e4).round() / 1e4 }).collect()
    }

    #[test]
    fn a_quarter_turn_is_counter_clockwise_on_the_screen() {
        let left = [".......", ".......", ".#.....", ".#.#...", ".#####.", ".......", "......."];
        assert_eq!(turn(&F, FRAC_PI_2, [0.0; 2]), picture(&left));
    }

    #[test]
    fn a_half_turn_and_a_shift() {
        let upside_down_one_to_the_right =
            [".......", ".....#.", ".....#.", "....##.", ".....#.", "...###.", "......."];
        assert_eq!(turn(&F, PI, [1.0, 0.0]), picture(&upside_down_one_to_the_right));
        let one_down = [".......", ".......", "..###..", "..#....", "..##...", "..#....", "..#...."];
        assert_eq!(turn(&F, 0.0, [0.0, 1.0]), picture(&one_down));
    }

    #[test]
    fn no_turn_is_the_central_crop_bit_for_bit() {
        for (wide, side) in [(12, 8), (13, 7), (9, 9), (48, 32)] {
            let pixels: Vec<f32> = (0..wide * wide).map(|i| (i as f32 * 0.731).sin()).collect();
            let mut out = vec![0.0; side * side];
            turned(&pixels, wide, side, 0.0, [0.0; 2], 1.0, &mut out);
            let edge = (wide - side) / 2;
            for y in 0..side {
                assert_eq!(out[y * side..][..side], pixels[(y + edge) * wide + edge..][..side]);
            }
        }
    }

    #[test]
    fn scale_two_doubles_a_square() {
        let wide = 21;
        let square = |half: usize| -> Vec<f32> {
            let inside = |v: usize| v.abs_diff(10) <= half;
            (0..wide * wide).map(|i| f32::from(u8::from(inside(i % wide) && inside(i / wide)))).collect()
        };
        let mut out = vec![0.0; wide * wide];
        turned(&square(2), wide, wide, 0.0, [0.0; 2], 2.0, &mut out);
        let (grown, expected): (f32, f32) = (out.iter().sum(), square(2).iter().sum::<f32>() * 4.0);
        assert!((grown / expected - 1.0).abs() < 0.05, "{grown} {expected}");
    }

    #[test]
    fn far_beyond_the_patch_stands_its_nearest_pixel() {
        let pixels: Vec<f32> = (0..16).map(|v| v as f32).collect();
        let mut out = vec![0.0; 4];
        turned(&pixels, 4, 2, 0.3, [-500.0, -500.0], 1.0, &mut out);
        assert_eq!(out, [15.0; 4]);
        turned(&pixels, 4, 2, f32::NAN, [0.0; 2], f32::NAN, &mut out);
        turned(&[0.5], 1, 1, 1.0, [3.0, 3.0], 1.0, &mut out[..1]);
        assert_eq!(out[0], 0.5);
        assert!(out.iter().all(|v| v.is_finite()));
    }
}
