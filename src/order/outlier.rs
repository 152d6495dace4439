//! Places that the repeating pattern does not explain: vacancies, adsorbates, defects.

use super::map::Map;
use crate::micrograph::stats::percentile;
use serde::Serialize;

/// A place that stands out of what a model leaves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outlier {
    /// Place on the image, pixels.
    pub x: f64,
    pub y: f64,
    /// The smoothed residual there in robust standard deviations: below 0 something is missing, above 0 something is
    /// added.
    pub score: f64,
}

/// What is wider than this many times a spot is background.
const WIDER: f64 = 3.0;
/// At most so many.
const MOST: usize = 1000;

/// Extremes of a residual (image less model) of the size of `sigma` pixels (standard deviation of a spot): what is wider
/// than three times that is taken away first. Those above `least` robust standard deviations and the largest within `apart`
/// pixels, the most striking first. NaN in the map is not looked at.
pub fn outliers(residual: &Map, sigma: f64, apart: f64, least: f64) -> Vec<Outlier> {
    let (w, h) = (residual.width, residual.height);
    let fine = smoothed(&residual.values, w, h, sigma / residual.step);
    let wide = smoothed(&residual.values, w, h, WIDER * sigma / residual.step);
    let smooth: Vec<f32> = fine.iter().zip(&wide).map(|(f, w)| f - w).collect();
    let middle = percentile(&smooth, 50.0);
    let off: Vec<f32> = smooth.iter().map(|v| (v - middle).abs()).collect();
    let sd = 1.4826 * percentile(&off, 50.0);
    if sd.is_nan() || sd <= 0.0 {
        return Vec::new();
    }
    let score = |i: usize| f64::from((smooth[i] - middle) / sd);
    let mut found: Vec<usize> = (0..w * h)
        .filter(|&i| smooth[i].is_finite() && score(i).abs() >= least)
        .filter(|&i| {
            let (x, y) = (i % w, i / w);
            let near = (y.saturating_sub(1)..=(y + 1).min(h - 1))
                .flat_map(|v| (x.saturating_sub(1)..=(x + 1).min(w - 1)).map(move |u| v * w + u));
            near.filter(|&j| j != i).all(|j| smooth[j].is_nan() || score(j).abs() <= score(i).abs())
        })
        .collect();
    found.sort_by(|&p, &q| score(q).abs().total_cmp(&score(p).abs()).then(p.cmp(&q)));
    let mut kept: Vec<Outlier> = Vec::new();
    for i in found {
        let [x, y] = residual.place(i % w, i / w);
        if kept.iter().all(|o| (o.x - x).hypot(o.y - y) >= apart) {
            kept.push(Outlier { x, y, score: score(i) });
        }
        if kept.len() == MOST {
            break;
        }
    }
    kept
}

/// Gaussian mean over the known values; NaN where less than half of the weight is known.
pub fn smoothed(values: &[f32], w: usize, h: usize, sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as i64;
    let kernel: Vec<f32> =
        (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma.max(0.3)).powi(2)).exp() as f32).collect();
    let total: f32 = kernel.iter().sum();
    let pass = |from: &[(f32, f32)], along_x: bool| -> Vec<(f32, f32)> {
        use rayon::prelude::*;
        (0..w * h)
            .into_par_iter()
            .map(|i| {
                let (x, y) = ((i % w) as i64, (i / w) as i64);
                let (mut sum, mut weight) = (0.0, 0.0);
                for (k, d) in kernel.iter().zip(-reach..=reach) {
                    let (u, v) = if along_x { (x + d, y) } else { (x, y + d) };
                    if u >= 0 && v >= 0 && u < w as i64 && v < h as i64 {
                        let (value, known) = from[v as usize * w + u as usize];
                        sum += k * value;
                        weight += k * known;
                    }
                }
                (sum, weight)
            })
            .collect()
    };
    let known: Vec<(f32, f32)> =
        values.iter().map(|v| if v.is_finite() { (*v, 1.0) } else { (0.0, 0.0) }).collect();
    let both = pass(&pass(&known, true), false);
    both.iter()
        .map(|(sum, weight)| if *weight > 0.5 * total * total { sum / weight } else { f32::NAN })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_and_an_added_spot_are_found_where_they_are_and_nothing_else() {
        let (w, h) = (90, 70);
        let noise = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
        let spot = |x: f32, y: f32, cx: f32, cy: f32| (-((x - cx).powi(2) + (y - cy).powi(2)) / 18.0).exp();
        let values = (0..w * h).map(|i| {
            let (x, y) = ((i % w) as f32, (i / w) as f32);
            noise(i) * 0.3 - spot(x, y, 30.0, 22.0) + 1.5 * spot(x, y, 61.0, 48.0)
        });
        let mut map = Map::over(w, h, values.collect()).unwrap();
        map.values[5] = f32::NAN;
        let found = outliers(&map, 3.0, 10.0, 7.0);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!((found[0].x - 61.0).hypot(found[0].y - 48.0) < 1.5 && found[0].score > 0.0);
        assert!((found[1].x - 30.0).hypot(found[1].y - 22.0) < 1.5 && found[1].score < 0.0);
        let flat = Map::over(4, 4, vec![1.0; 16]).unwrap();
        assert!(outliers(&flat, 1.0, 2.0, 5.0).is_empty());
    }
}
