//! Smoothness of order parameters: places less than a lattice period apart should have alike content.

use burn::tensor::Tensor;

/// Keeps a latent that varies hardly at all from costing without bound, in prior variances.
const FLOOR: f32 = 0.01;

/// How much content differs between windows a small distance apart, as a part of how much it varies at all.
///
/// `a` and `b` `[windows, latent]` are posterior means of windows and of their neighbours. For each latent the mean of
/// (a - b)^2 / 2 over its variance: 0 where neighbours are alike, 1 where they are unrelated; summed over latents, `[1]`.
/// The variance is differentiated, too: held constant, shrinking a latent would pay.
pub fn roughness(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let apart = (a.clone() - b.clone()).powi_scalar(2).mean_dim(0).mul_scalar(0.5);
    let both = Tensor::cat(vec![a, b], 0);
    let middle = both.clone().mean_dim(0);
    let variance = (both - middle).powi_scalar(2).mean_dim(0).add_scalar(FLOOR);
    (apart / variance).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn alike_neighbours_cost_nothing_unrelated_ones_one_a_latent_whatever_the_scale() {
        let device = Device::flex();
        let draw = |seed: u64, scale: f32| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let values: Vec<f32> = (0..4000).map(|_| rng.random_range(0.0..scale)).collect();
            Tensor::<2>::from_data(TensorData::new(values, [2000, 2]), &device)
        };
        let value = |t: Tensor<1>| t.into_data().try_into_vec::<f32>().unwrap()[0];
        assert_eq!(value(roughness(draw(1, 5.0), draw(1, 5.0))), 0.0);
        let unrelated = value(roughness(draw(1, 5.0), draw(2, 5.0)));
        assert!((unrelated - 2.0).abs() < 0.15, "{unrelated}");
        let larger = value(roughness(draw(1, 50.0), draw(2, 50.0)));
        assert!((unrelated - larger).abs() < 0.05);
    }
}
