//! Fourier features of a coordinate (Tancik et al. 2020): a network of the bare coordinate is slow to learn sharp spots,
//! and an atom is small against its window.
//!
//! A wave of order (i, j) is sin and cos of pi (i u + j v), with u and v the coordinates after the pose: its period is the
//! window's width (2) over half of the order.

use burn::tensor::Tensor;

/// Orders (i, j) of the waves up to `order`, one of each pair (i, j) and (-i, -j), none for order 0; j is 0 for signals.
pub fn waves(ndim: usize, order: usize) -> Vec<[i32; 2]> {
    let n = order as i32;
    let across = if ndim == 2 { -n..=n } else { 0..=0 };
    let mut found: Vec<[i32; 2]> = (0..=n).flat_map(|i| across.clone().map(move |j| [i, j])).collect();
    found.retain(|&[i, j]| i * i + j * j <= n * n && (i > 0 || j > 0));
    found
}

/// Coordinates `[rows, pixels, ndim]` with their waves, `[rows, pixels, ndim + 2 waves]`: the coordinates, then the sine
/// and the cosine of each wave.
pub fn features(coordinates: Tensor<3>, order: usize) -> Tensor<3> {
    let [rows, pixels, ndim] = coordinates.dims();
    let waves = waves(ndim, order);
    if waves.is_empty() {
        return coordinates;
    }
    let axis = |i: usize| coordinates.clone().slice([0..rows, 0..pixels, i..i + 1]);
    let mut parts = vec![coordinates.clone()];
    for [i, j] in waves {
        let mut phase = axis(0).mul_scalar(std::f32::consts::PI * i as f32);
        if ndim == 2 {
            phase = phase + axis(1).mul_scalar(std::f32::consts::PI * j as f32);
        }
        parts.push(phase.clone().sin());
        parts.push(phase.cos());
    }
    Tensor::cat(parts, 2)
}

#[cfg(test)]
mod tests {
    use super::waves;

    #[test]
    fn waves_come_once_a_pair_and_lie_in_a_disc() {
        assert!(waves(2, 0).is_empty() && waves(1, 0).is_empty());
        assert_eq!(waves(2, 1), [[0, 1], [1, 0]]);
        assert_eq!(waves(1, 3), [[1, 0], [2, 0], [3, 0]]);
        let three = waves(2, 3);
        assert_eq!(three.len(), 14);
        assert!(three.iter().all(|&[i, j]| !three.contains(&[-i, -j])));
    }
}
