//! Do maps agree: with a known field, and with the maps of another run.

use super::judge::COLLAPSED_SD;
use super::map::Map;
use crate::{Error, Result};
use nalgebra::{DMatrix, DVector};
use serde::Serialize;

/// Directions that carry less than this share of the largest variance count as none.
const FLAT: f64 = 1e-8;

/// The linear combination of maps that fits a field best.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearFit {
    /// One a map.
    pub coefficients: Vec<f64>,
    pub intercept: f64,
    /// |Pearson r| between the combination and the field, 0..=1; 0 if either is constant.
    pub r: f64,
}

/// Fits `field` by a linear combination of `maps`, all on the same grid, over the places where all are known.
///
/// # Errors
/// [`Error::Invalid`] when there is no map, their sizes differ, or fewer places are known than coefficients.
pub fn best_fit(maps: &[Map], field: &Map) -> Result<LinearFit> {
    let all: Vec<&Map> = maps.iter().chain([field]).collect();
    let mut columns = common(&all)?;
    let Some((target, target_mean)) = columns.pop() else {
        return Err(Error::invalid("maps", "there is none"));
    };
    if maps.is_empty() {
        return Err(Error::invalid("maps", "there is none to fit"));
    }
    let x = matrix(&columns);
    let y = DVector::from_vec(target);
    let normal = x.transpose() * &x;
    let right = x.transpose() * &y;
    let flat = FLAT * normal.amax();
    let weights = normal.svd(true, true).solve(&right, flat).map_err(|why| Error::invalid("maps", why))?;
    let fit = &x * &weights;
    let (fit_norm, norm) = (fit.norm(), y.norm());
    let r = if fit_norm > 0.0 && norm > 0.0 { (fit.dot(&y) / (fit_norm * norm)).abs().min(1.0) } else { 0.0 };
    let coefficients: Vec<f64> = weights.iter().copied().collect();
    let intercept =
        target_mean - coefficients.iter().zip(&columns).map(|(c, (_, mean))| c * mean).sum::<f64>();
    Ok(LinearFit { coefficients, intercept, r })
}

/// Canonical correlations (0..=1, falling) between two sets of maps on the same grid: how well the best linear
/// combinations of one set are combinations of the other (Hotelling 1936). Collapsed maps and directions without variance
/// are left out; where one set has fewer directions left than the other, so has the result.
///
/// # Errors
/// [`Error::Invalid`] when sizes differ or no place is known in all maps.
pub fn canonical_correlations(first: &[Map], second: &[Map]) -> Result<Vec<f64>> {
    let alive = |maps: &[Map]| -> Vec<Map> {
        maps.iter().filter(|m| f64::from(m.stats().sd) >= COLLAPSED_SD).cloned().collect()
    };
    let (first, second) = (alive(first), alive(second));
    if first.is_empty() || second.is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<&Map> = first.iter().chain(&second).collect();
    let columns = common(&all)?;
    let (x, y) = columns.split_at(first.len());
    let (x, y) = (orthonormal(&matrix(x)), orthonormal(&matrix(y)));
    let mut correlations: Vec<f64> =
        (x.transpose() * y).singular_values().iter().map(|v| v.clamp(0.0, 1.0)).collect();
    correlations.sort_by(|a, b| b.total_cmp(a));
    Ok(correlations)
}

/// Agreement of seeds, 0..=1: the mean canonical correlation over all pairs of runs. A run in which other latents are
/// alive than in another counts the missing directions as 0. `None` for fewer than two runs or where all has collapsed.
///
/// # Errors
/// As [`canonical_correlations`].
pub fn agreement(seeds: &[Vec<Map>]) -> Result<Option<f64>> {
    let alive = |maps: &[Map]| maps.iter().filter(|m| f64::from(m.stats().sd) >= COLLAPSED_SD).count();
    let (mut sum, mut pairs) = (0.0, 0);
    for (i, first) in seeds.iter().enumerate() {
        for second in &seeds[..i] {
            let most = alive(first).max(alive(second));
            if most > 0 {
                sum += canonical_correlations(first, second)?.iter().sum::<f64>() / most as f64;
                pairs += 1;
            }
        }
    }
    Ok((pairs > 0).then(|| sum / f64::from(pairs)))
}

/// `maps` turned onto `reference` by the rotation (with reflections) of latent space that fits best: an isotropic prior
/// leaves a model free to turn its latents, so two runs can only be compared afterwards (orthogonal Procrustes; Schönemann
/// 1966). Means go with it: the result is the rotated latents themselves.
///
/// # Errors
/// [`Error::Invalid`] when the numbers or sizes of maps differ.
pub fn align(reference: &[Map], maps: &[Map]) -> Result<Vec<Map>> {
    let k = reference.len();
    if maps.len() != k || k == 0 {
        let problem = format!("{} maps cannot be turned onto {k}", maps.len());
        return Err(Error::invalid("maps", problem));
    }
    let all: Vec<&Map> = reference.iter().chain(maps).collect();
    let columns = common(&all)?;
    let (x, y) = columns.split_at(k);
    let svd = (matrix(y).transpose() * matrix(x)).svd(true, true);
    let (Some(u), Some(v)) = (svd.u, svd.v_t) else {
        return Err(Error::invalid("maps", "they hold no finite values"));
    };
    let turn = u * v;
    (0..k)
        .map(|to| {
            let value = |i: usize| {
                let sum: f64 = (0..k).map(|from| f64::from(maps[from].values[i]) * turn[(from, to)]).sum();
                sum as f32
            };
            maps[to].with((0..maps[to].values.len()).map(value).collect())
        })
        .collect()
}

/// The values of each map where all are known, less their mean, and that mean.
fn common(maps: &[&Map]) -> Result<Vec<(Vec<f64>, f64)>> {
    let Some(first) = maps.first() else { return Err(Error::invalid("maps", "there is none")) };
    if let Some(other) = maps.iter().find(|m| (m.width, m.height) != (first.width, first.height)) {
        let problem = format!("{} x {} and {} x {}", first.width, first.height, other.width, other.height);
        return Err(Error::invalid("sizes of maps", problem));
    }
    let known: Vec<usize> =
        (0..first.values.len()).filter(|&i| maps.iter().all(|m| m.values[i].is_finite())).collect();
    if known.len() <= maps.len() {
        return Err(Error::invalid("maps", format!("only {} places are known in all", known.len())));
    }
    let columns = maps.iter().map(|m| {
        let mut values: Vec<f64> = known.iter().map(|&i| f64::from(m.values[i])).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|v| *v -= mean);
        (values, mean)
    });
    Ok(columns.collect())
}

fn matrix(columns: &[(Vec<f64>, f64)]) -> DMatrix<f64> {
    let rows = columns.first().map_or(0, |c| c.0.len());
    DMatrix::from_fn(rows, columns.len(), |i, j| columns[j].0[i])
}

/// Orthonormal columns that span the same space, directions without variance left out.
fn orthonormal(x: &DMatrix<f64>) -> DMatrix<f64> {
    let eigen = (x.transpose() * x).symmetric_eigen();
    let most = eigen.eigenvalues.amax();
    let kept: Vec<usize> =
        (0..eigen.eigenvalues.len()).filter(|&i| eigen.eigenvalues[i] > FLAT * most).collect();
    let directions: Vec<DVector<f64>> =
        kept.iter().map(|&i| x * eigen.eigenvectors.column(i) / eigen.eigenvalues[i].sqrt()).collect();
    if directions.is_empty() { DMatrix::zeros(x.nrows(), 0) } else { DMatrix::from_columns(&directions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(f: impl Fn(f64, f64) -> f64) -> Map {
        let value = |i: usize| f((i % 40) as f64, (i / 40) as f64) as f32;
        Map::over(40, 30, (0..1200).map(value).collect()).unwrap()
    }

    fn pair() -> [Map; 2] {
        [map(|x, _| (x / 7.0).sin()), map(|x, y| (y / 5.0).cos() + 0.2 * x / 40.0)]
    }

    #[test]
    fn turned_copies_agree_wholly_and_turn_back() {
        let [p, q] = pair();
        let (sin, cos) = 0.7_f32.sin_cos();
        let mix = |a: f32, b: f32| {
            p.with(p.values.iter().zip(&q.values).map(|(p, q)| a * p + b * q).collect()).unwrap()
        };
        let turned = [mix(cos, sin), mix(sin, -cos)];
        let r = canonical_correlations(&[p.clone(), q.clone()], &turned).unwrap();
        assert!(r.len() == 2 && r.iter().all(|r| (r - 1.0).abs() < 1e-6), "{r:?}");
        let back = align(&[p.clone(), q.clone()], &turned).unwrap();
        for (a, b) in back[0].values.iter().zip(&p.values) {
            assert!((a - b).abs() < 1e-4);
        }
        let seeds = [vec![p.clone(), q.clone()], turned.to_vec()];
        assert!((agreement(&seeds).unwrap().unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn unrelated_maps_do_not_agree_and_collapsed_ones_do_not_count() {
        let [p, q] = pair();
        let other = map(|x, y| (x * 1.3).sin() * (y * 2.1).cos());
        let r = canonical_correlations(&[p.clone()], &[other.clone()]).unwrap();
        assert!(r[0] < 0.2, "{r:?}");
        let collapsed = q.with(q.values.iter().map(|v| v * 1e-3).collect()).unwrap();
        let r = canonical_correlations(&[p.clone(), collapsed.clone()], &[p.clone(), collapsed]).unwrap();
        assert_eq!(r.len(), 1);
        // One run has a second direction that the other lacks: it counts against them.
        let half = agreement(&[vec![p.clone(), q], vec![p]]).unwrap().unwrap();
        assert!((half - 0.5).abs() < 1e-6, "{half}");
        assert_eq!(agreement(&[]).unwrap(), None);
    }

    #[test]
    fn a_field_is_found_as_a_combination_of_maps() {
        let [p, q] = pair();
        let mut truth =
            p.with(p.values.iter().zip(&q.values).map(|(p, q)| 3.0 * p - 2.0 * q + 5.0).collect()).unwrap();
        truth.values[3] = f32::NAN;
        let fit = best_fit(&[p.clone(), q], &truth).unwrap();
        assert!((fit.r - 1.0).abs() < 1e-6);
        assert!((fit.coefficients[0] - 3.0).abs() < 1e-4 && (fit.coefficients[1] + 2.0).abs() < 1e-4);
        assert!((fit.intercept - 5.0).abs() < 1e-4);
        let small = Map::over(2, 2, vec![0.0; 4]).unwrap();
        assert!(best_fit(&[small], &truth).is_err());
        assert!(best_fit(&[], &p).is_err());
    }
}
