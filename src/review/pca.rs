//! All latents on two axes: the directions in which they vary most (principal components, Pearson 1901).

use super::table::Table;
use nalgebra::DMatrix;

/// A matrix of this size takes a few rounds a latent.
const ROUNDS: usize = 10_000;

/// Where each row of a table lies, and what share of the variance each of the two axes holds, 0..=1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plane {
    /// In the order of the rows; NaN for those without a prediction.
    pub places: Vec<[f64; 2]>,
    pub shares: [f64; 2],
}

/// The plane of the latents' means; nothing for fewer than two latents or rows.
pub fn pca(table: &Table) -> Option<Plane> {
    let n = table.latents;
    let codes: Vec<Option<&[f32]>> = table
        .rows
        .iter()
        .map(|row| {
            table
                .prediction(row)
                .map(|p| &p.mu[..])
                .filter(|mu| mu.len() == n && mu.iter().all(|v| v.is_finite()))
        })
        .collect();
    let known: Vec<&[f32]> = codes.iter().copied().flatten().collect();
    if n < 2 || known.len() < 2 {
        return None;
    }
    let mean: Vec<f64> =
        (0..n).map(|i| known.iter().map(|mu| f64::from(mu[i])).sum::<f64>() / known.len() as f64).collect();
    let mut covariance = DMatrix::<f64>::zeros(n, n);
    for mu in &known {
        for i in 0..n {
            for j in 0..n {
                covariance[(i, j)] += (f64::from(mu[i]) - mean[i]) * (f64::from(mu[j]) - mean[j]);
            }
        }
    }
    covariance /= known.len() as f64;
    let eigen = covariance.try_symmetric_eigen(f64::EPSILON, ROUNDS)?;
    let (values, vectors) = (eigen.eigenvalues, eigen.eigenvectors);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let total = values.sum().max(1e-12);
    let axis = |which: usize| {
        let column: Vec<f64> = vectors.column(order[which]).iter().copied().collect();
        // Which way an axis points is free; while the model learns it must not flip to and fro.
        let largest = column.iter().copied().fold(0.0_f64, |l, v| if v.abs() > l.abs() { v } else { l });
        column.into_iter().map(|v| v * largest.signum()).collect::<Vec<f64>>()
    };
    let axes = [axis(0), axis(1)];
    let place = |mu: &[f32]| {
        let along =
            |axis: &Vec<f64>| mu.iter().zip(&mean).zip(axis).map(|((v, m), a)| (f64::from(*v) - m) * a).sum();
        [along(&axes[0]), along(&axes[1])]
    };
    Some(Plane {
        places: codes.iter().map(|code| code.map_or([f64::NAN; 2], place)).collect(),
        shares: [order[0], order[1]].map(|i| (values[i] / total).clamp(0.0, 1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_axes_are_those_along_which_the_latents_vary() {
        // Three latents; they vary along (2, 1, -2) / 3 most, then along (1, 2, 2) / 3.
        let (long, short) = ([2.0, 1.0, -2.0], [1.0, 2.0, 2.0]);
        let parts = |i: usize| [3.0 * (i as f64 * 0.7).sin(), (i as f64 * 1.9).cos()];
        let known = |i: usize| {
            let [a, b] = parts(i);
            let mu = (0..3).map(|k| (5.0 + (a * long[k] + b * short[k]) / 3.0) as f32).collect::<Vec<f32>>();
            let said = (i != 7).then(|| fixture::prediction(&fixture::sure(0), &mu));
            (fixture::row(i as u64), said)
        };
        let table = fixture::table((0..900).map(known));
        let plane = pca(&table).unwrap();
        assert!(plane.places[7].iter().all(|v| v.is_nan()), "nothing is known of it");
        assert!(
            (plane.shares[0] - 0.9).abs() < 0.02 && (plane.shares.iter().sum::<f64>() - 1.0).abs() < 1e-6
        );
        let place = |i: usize| plane.places[i];
        for (i, j) in [(0, 1), (20, 300), (5, 899)] {
            let expected = parts(i).iter().zip(parts(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            let found = place(i).iter().zip(place(j)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
        }
        let along = (place(0)[0] - place(2)[0]).abs();
        assert!((along - (parts(0)[0] - parts(2)[0]).abs()).abs() < 0.05, "{along}");
        assert_eq!(pca(&Table { latents: 1, ..table }), None);
    }
}
