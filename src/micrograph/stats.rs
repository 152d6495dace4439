//! Percentiles, minimum, maximum and mean of a picture.

use rayon::prelude::*;

/// Below this many values a sorted copy is faster than counting.
const SMALL: usize = 1 << 16;
/// The same where many percentiles are asked for, each of which counting looks for by itself.
const MANY: usize = 1 << 21;

/// Minimum, maximum, mean and population standard deviation of the finite values.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Stats {
    pub min: f32,
    pub max: f32,
    pub mean: f32,
    pub sd: f32,
}

impl Stats {
    /// Sums in f64; values that are not finite are left out. With no finite value every field is NaN.
    pub fn of(values: &[f32]) -> Self {
        let (mut min, mut max, mut sum, mut n) = (f32::INFINITY, f32::NEG_INFINITY, 0.0_f64, 0_usize);
        for &v in values.iter().filter(|v| v.is_finite()) {
            min = min.min(v);
            max = max.max(v);
            sum += f64::from(v);
            n += 1;
        }
        if n == 0 {
            return Self { min: f32::NAN, max: f32::NAN, mean: f32::NAN, sd: f32::NAN };
        }
        let mean = sum / n as f64;
        let squares: f64 =
            values.iter().filter(|v| v.is_finite()).map(|&v| (f64::from(v) - mean).powi(2)).sum();
        Self { min, max, mean: mean as f32, sd: (squares / n as f64).sqrt() as f32 }
    }
}

/// The `p`-th percentile (0..=100, clamped) of the finite values; see [`percentiles`].
pub fn percentile(values: &[f32], p: f32) -> f32 {
    percentiles(values, &[p]).first().copied().unwrap_or(f32::NAN)
}

/// Exact percentiles of the finite values, one for each of `ps` (0..=100, clamped).
///
/// Between two neighbouring values the result is interpolated, as numpy does by default. NaN if there is no finite value.
/// Large pictures are counted, not sorted: two passes over the values whatever their range, so that a hot pixel far
/// above the rest costs no precision.
pub fn percentiles(values: &[f32], ps: &[f32]) -> Vec<f32> {
    let finite = values.iter().filter(|v| v.is_finite()).count();
    if finite == 0 {
        return vec![f32::NAN; ps.len()];
    }
    let places: Vec<(usize, usize, f64)> = ps.iter().map(|&p| place(p, finite)).collect();
    let mut ranks: Vec<usize> = places.iter().flat_map(|&(low, high, _)| [low, high]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let small = if ranks.len() > 100 { MANY } else { SMALL };
    let found = if finite < small { sorted(values, &ranks) } else { counted(values, &ranks) };
    let at = |rank: usize| ranks.binary_search(&rank).ok().and_then(|i| found.get(i)).copied().map(f64::from);
    places
        .iter()
        .map(|&(low, high, part)| match (at(low), at(high)) {
            (Some(a), Some(b)) => (a + (b - a) * part) as f32,
            _ => f32::NAN,
        })
        .collect()
}

/// The ranks on both sides of percentile `p` of `n` sorted values, and how far it lies between them.
fn place(p: f32, n: usize) -> (usize, usize, f64) {
    let p = if p.is_nan() { 50.0 } else { f64::from(p).clamp(0.0, 100.0) };
    let rank = p / 100.0 * (n - 1) as f64;
    let low = rank.floor() as usize;
    (low, (low + 1).min(n - 1), rank - rank.floor())
}

fn sorted(values: &[f32], ranks: &[usize]) -> Vec<f32> {
    let mut finite: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.len() < SMALL {
        finite.sort_unstable_by(f32::total_cmp);
    } else {
        finite.par_sort_unstable_by(f32::total_cmp);
    }
    ranks.iter().filter_map(|&r| finite.get(r).copied()).collect()
}

/// Order statistics by counting the upper, then the lower half of the bits. `ranks` ascend.
fn counted(values: &[f32], ranks: &[usize]) -> Vec<f32> {
    let mut upper = vec![0_usize; 1 << 16];
    for key in values.iter().filter(|v| v.is_finite()).map(|&v| key(v)) {
        upper[(key >> 16) as usize] += 1;
    }
    // Which upper half holds each rank, and the rank among the values that share it.
    let mut wanted: Vec<(u32, usize)> = Vec::with_capacity(ranks.len());
    let (mut bin, mut before) = (0_usize, 0_usize);
    for &rank in ranks {
        while before + upper[bin] <= rank {
            before += upper[bin];
            bin += 1;
        }
        wanted.push((bin as u32, rank - before));
    }
    let mut bins: Vec<u32> = wanted.iter().map(|&(bin, _)| bin).collect();
    bins.dedup();
    let mut slot_of = vec![u32::MAX; 1 << 16];
    for (slot, &bin) in bins.iter().enumerate() {
        slot_of[bin as usize] = slot as u32;
    }
    let mut lower = vec![0_usize; bins.len() << 16];
    for key in values.iter().filter(|v| v.is_finite()).map(|&v| key(v)) {
        let slot = slot_of[(key >> 16) as usize];
        if slot != u32::MAX {
            lower[((slot as usize) << 16) | (key & 0xFFFF) as usize] += 1;
        }
    }
    wanted
        .iter()
        .map(|&(bin, rank)| {
            let start = (slot_of[bin as usize] as usize) << 16;
            let mut before = 0;
            let low = lower[start..start + (1 << 16)].iter().position(|&count| {
                before += count;
                before > rank
            });
            value((bin << 16) | low.unwrap_or(0) as u32)
        })
        .collect()
}

/// A number that sorts as the value does: IEEE 754 bits with the sign turned round.
fn key(v: f32) -> u32 {
    let bits = v.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated_as_numpy_does() {
        // numpy.percentile([1, 2, 4, 8], [0, 25, 50, 90, 100])
        let got = percentiles(&[8.0, 1.0, 4.0, 2.0], &[0.0, 25.0, 50.0, 90.0, 100.0]);
        for (a, b) in got.iter().zip([1.0, 1.75, 3.0, 6.8, 8.0]) {
            assert!((a - b).abs() < 1e-6, "{got:?}");
        }
    }

    #[test]
    fn counting_a_large_picture_gives_the_same_as_sorting_it() {
        // Both signs, many equal values, one hot pixel, and NaN that must not count.
        let mut values: Vec<f32> =
            (0..300_000_u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 12) as f32 / 1e3) - 500.0).collect();
        values[17] = 3.0e38;
        values[18] = f32::NAN;
        values[19..1000].fill(0.25);
        let mut finite: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
        finite.sort_by(f32::total_cmp);
        let ps = [0.0, 0.1, 1.0, 37.5, 50.0, 99.9, 100.0];
        for (p, got) in ps.iter().zip(percentiles(&values, &ps)) {
            let (low, high, part) = place(*p, finite.len());
            let want = f64::from(finite[low]) + (f64::from(finite[high]) - f64::from(finite[low])) * part;
            assert_eq!(got, want as f32, "percentile {p}");
        }
    }

    #[test]
    fn stats_of_known_values() {
        let stats = Stats::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, f32::NAN]);
        assert_eq!(stats, Stats { min: 2.0, max: 9.0, mean: 5.0, sd: 2.0 });
        assert!(Stats::of(&[]).mean.is_nan() && percentile(&[f32::NAN], 50.0).is_nan());
        assert_eq!(percentile(&[3.5], 99.0), 3.5);
    }
}
