//! Pixel coordinates, as pyroVED lays them out.

/// Coordinates of every pixel, flattened axis 0 first: `[pixels, ndim]`.
///
/// 2D: axis 0 runs from -1 to +1, axis 1 from +1 to -1. 1D: from +1 to -1.
///
/// ```
/// let grid = nanotheca::model::grid::coordinates(&[2, 2]);
/// assert_eq!(grid, [-1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, -1.0]);
/// ```
pub fn coordinates(dims: &[usize]) -> Vec<f32> {
    match dims {
        [length] => (0..*length).map(|i| -along(i, *length)).collect(),
        [rows, columns] => (0..*rows)
            .flat_map(|i| (0..*columns).flat_map(move |j| [along(i, *rows), -along(j, *columns)]))
            .collect(),
        _ => Vec::new(),
    }
}

/// -1 at the first, +1 at the last of `n` equally spaced places.
fn along(i: usize, n: usize) -> f32 {
    if n < 2 { -1.0 } else { (-1.0 + 2.0 * i as f64 / (n - 1) as f64) as f32 }
}
