//! Percentiles, minimum, maximum and mean of a picture.

/// Percentiles `p` (each 0..=100) of `values`, linearly interpolated between ranks; zeros if `values` is empty.
pub fn percentiles(values: &[f32], p: &[f32]) -> Vec<f32> {
    if values.is_empty() {
        return vec![0.0; p.len()];
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let last = sorted.len() - 1;
    p.iter()
        .map(|p| {
            let rank = f64::from(p.clamp(0.0, 100.0)) / 100.0 * last as f64;
            let low = (rank.floor() as usize).min(last);
            let high = (low + 1).min(last);
            let part = (rank - low as f64) as f32;
            sorted[low] + (sorted[high] - sorted[low]) * part
        })
        .collect()
}
