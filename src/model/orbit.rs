//! The loss terms of a model that looks at turned copies: class and turn are one discrete choice.
//!
//! With r the turn (uniform over R), and one z a pair, the bound of an unlabelled image is
//!
//! sum_(y,r) q(y,r|x) [ -ln p(x|z,y,r) + beta KL(q(z|x,y,r) || N(0,1)) ] + KL(q(y,r|x) || uniform).
//!
//! The encoder sees the copy that turn r calls upright, so z holds what is left of the angle, the shift and the content.
//! Only the most probable pairs are decoded and their probabilities renormalised ([`Pairs`]); with all pairs it is exact.

use super::objective::Unlabelled;
use super::vae::{PixelSubset, Posterior, Vae, class_column};
use super::{Copies, VaeConfig, pose};
use burn::tensor::{Tensor, TensorData};

/// The (class, turn) pairs of a batch that are decoded, image by image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// For each row its image, class and turn.
    pub images: Vec<u32>,
    pub classes: Vec<u32>,
    pub turns: Vec<u32>,
}

impl Pairs {
    /// The `most` most probable pairs of each image whose probability is at least `threshold` times that of the best.
    ///
    /// `log_joint`: `[batch, turns * classes]`. `most` 0 means all of them; `fixed` ignores the threshold, so that every
    /// batch has the same shape.
    pub fn choose(config: &VaeConfig, log_joint: &[f32], most: usize, threshold: f32, fixed: bool) -> Self {
        let k = config.classes;
        let all = k * config.turns();
        let most = if most == 0 { all } else { most.min(all) };
        let mut pairs = Self::default();
        let mut order: Vec<u32> = Vec::with_capacity(all);
        for (image, log_q) in log_joint.chunks_exact(all).enumerate() {
            order.clear();
            order.extend(0..all as u32);
            let by_probability = |a: &u32, b: &u32| {
                log_q[*b as usize].total_cmp(&log_q[*a as usize]).then(a.cmp(b)) // ties by index: the same every time
            };
            if most < all {
                order.select_nth_unstable_by(most - 1, by_probability);
                order.truncate(most);
            }
            order.sort_unstable_by(by_probability);
            let least = if fixed || threshold <= 0.0 {
                f32::NEG_INFINITY
            } else {
                log_q[order[0] as usize] + threshold.ln()
            };
            for &pair in order.iter().filter(|&&pair| log_q[pair as usize] >= least) {
                pairs.images.push(image as u32);
                pairs.classes.push(pair % k as u32);
                pairs.turns.push(pair / k as u32);
            }
        }
        pairs
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// True if there is no row.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Index of each row's copy among all copies of the batch.
    fn copies(&self, config: &VaeConfig) -> Vec<u32> {
        let turns = config.turns() as u32;
        self.images.iter().zip(&self.turns).map(|(image, turn)| image * turns + turn).collect()
    }

    /// Index of each row in the flattened log joint.
    fn entries(&self, config: &VaeConfig) -> Vec<u32> {
        let k = config.classes as u32;
        self.copies(config).iter().zip(&self.classes).map(|(copy, class)| copy * k + class).collect()
    }
}

/// Posterior of each pair from the copy its turn calls upright.
pub fn encode(vae: &Vae, copies: &Copies, pairs: &Pairs) -> Posterior {
    let upright = copies.pick(&pairs.copies(&vae.config), &vae.device());
    vae.encode(upright, &pairs.classes)
}

/// Poses `[rows, 4]` of latents `[rows, z]` of the pairs.
pub fn poses(config: &VaeConfig, z: &Tensor<2>, pairs: &Pairs) -> Tensor<2> {
    let start = config.look.filter(|_| config.invariances.rotation).map(|look| {
        let angles: Vec<f32> = pairs.turns.iter().map(|&turn| look.angle(turn as usize)).collect();
        Tensor::from_data(TensorData::new(angles, [pairs.len(), 1]), &z.device())
    });
    pose::from_latents(config, z, start)
}

/// The unlabelled term of a batch; `beta` weighs the latent KL.
///
/// # Shapes
/// `log_joint` `[batch, turns * classes]`; `target` the subset's pixels
/// `[batch, subset]`; `eps` `[pairs, z]`.
pub fn unlabelled(
    vae: &Vae,
    copies: &Copies,
    log_joint: Tensor<2>,
    target: Tensor<2>,
    pairs: &Pairs,
    eps: Tensor<2>,
    beta: f32,
    subset: &PixelSubset,
) -> Unlabelled {
    let [batch, all] = log_joint.dims();
    let q = log_joint.clone().exp();
    let posterior = encode(vae, copies, pairs);
    let z = posterior.sample(eps);
    let weight = renormalised(&q, pairs, vae, batch);
    let kl_latent = (weight.clone() * posterior.kl()).sum();
    let kl_class = (q * log_joint.add_scalar((all as f32).ln())).sum();
    let at = poses(&vae.config, &z, pairs);
    let excess = vae.weighted_excess_at(at, z, &pairs.classes, &pairs.images, target.clone(), weight, subset);
    let reconstruction = excess.sum() + vae.uninformed_at(target, subset).sum();
    let loss = reconstruction.clone() + kl_latent.clone().mul_scalar(beta) + kl_class.clone();
    Unlabelled { loss, reconstruction, kl_latent, kl_class }
}

/// Probabilities of the pairs, summing to 1 within each image, `[pairs]`.
fn renormalised(q: &Tensor<2>, pairs: &Pairs, vae: &Vae, batch: usize) -> Tensor<1> {
    let device = q.device();
    let [_, all] = q.dims();
    let kept = q.clone().reshape([batch * all]).select(0, class_column(&pairs.entries(&vae.config), &device));
    // Sums over the rows of an image, as a product with the [batch, pairs] matrix of who belongs to whom.
    let mut member = vec![0.0_f32; batch * pairs.len()];
    for (row, &image) in pairs.images.iter().enumerate() {
        member[image as usize * pairs.len() + row] = 1.0;
    }
    let member = Tensor::<2>::from_data(TensorData::new(member, [batch, pairs.len()]), &device);
    let total = member.matmul(kept.clone().reshape([pairs.len(), 1])).reshape([batch]);
    kept / total.select(0, class_column(&pairs.images, &device))
}

/// The labelled term at known classes and turns, one row an image, summed, `[1]`.
pub fn labelled(
    vae: &Vae,
    copies: &Copies,
    target: Tensor<2>,
    pairs: &Pairs,
    eps: Tensor<2>,
    beta: f32,
    subset: &PixelSubset,
) -> Tensor<1> {
    let posterior = encode(vae, copies, pairs);
    let z = posterior.sample(eps);
    let ones = Tensor::ones([pairs.len()], &vae.device());
    let at = poses(&vae.config, &z, pairs);
    let excess = vae.weighted_excess_at(at, z, &pairs.classes, &pairs.images, target.clone(), ones, subset);
    let nll = excess.sum() + vae.uninformed_at(target, subset).sum();
    let choices = (vae.config.classes * vae.config.turns()) as f32;
    nll + posterior.kl().sum().mul_scalar(beta).add_scalar(pairs.len() as f32 * choices.ln())
}

/// Cross-entropy of class and of the turn given the class, `[batch]`.
///
/// `angles`: the known angle of each image, radians counter-clockwise; shared between the two nearest turns.
pub fn cross_entropy(
    vae: &Vae,
    log_joint: Tensor<2>,
    labels: &[u32],
    angles: &[f32],
    turn_weight: f32,
) -> Tensor<1> {
    let device = log_joint.device();
    let (k, turns) = (vae.config.classes, vae.config.turns());
    let [batch, _] = log_joint.dims();
    let of_class: Vec<i32> =
        labels.iter().flat_map(|&label| std::iter::repeat_n(label as i32, turns)).collect();
    let index = Tensor::from_data(TensorData::new(of_class, [batch, turns, 1]), &device);
    let at_label = log_joint.reshape([batch, turns, k]).gather(2, index).reshape([batch, turns]);
    let most = at_label.clone().detach().max_dim(1); // [batch, 1]
    let log_class = (at_label.clone() - most.clone()).exp().sum_dim(1).log() + most;
    let log_turn = at_label - log_class.clone();
    let shares = Tensor::<2>::from_data(
        TensorData::new(
            angles.iter().flat_map(|&a| turn_shares(a, turns)).collect::<Vec<f32>>(),
            [batch, turns],
        ),
        &device,
    );
    let turn = (shares * log_turn).sum_dim(1).mul_scalar(turn_weight);
    (log_class + turn).neg().squeeze_dim(1)
}

/// How an angle is shared between the two turns next to it, `[turns]`, summing to 1.
fn turn_shares(angle: f32, turns: usize) -> Vec<f32> {
    let mut shares = vec![0.0; turns];
    let (low, part) = nearest(angle, turns);
    shares[low] += 1.0 - part;
    shares[(low + 1) % turns] += part;
    shares
}

/// The most probable of all turns, and how far the angle lies beyond it, in turns (-0.5 to 0.5): an angle between two turns
/// is shared between them, so the mean of the turns about the peak is the angle.
pub fn peak(probabilities: impl Fn(usize) -> f32, turns: usize) -> (usize, f32) {
    let best =
        (1..turns).fold(0, |best, turn| if probabilities(turn) > probabilities(best) { turn } else { best });
    if turns < 3 {
        return (best, 0.0);
    }
    let [before, at, after] = [best + turns - 1, best, best + 1].map(|turn| probabilities(turn % turns));
    (best, ((after - before) / (before + at + after).max(f32::MIN_POSITIVE)).clamp(-0.5, 0.5))
}

/// The turn at or below an angle, and how far it is to the next, 0..1.
pub fn nearest(angle: f32, turns: usize) -> (usize, f32) {
    let at = (angle / std::f32::consts::TAU).rem_euclid(1.0) * turns as f32;
    let low = (at as usize).min(turns - 1);
    (low % turns, (at - low as f32).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_shared_between_neighbours() {
        let shares = turn_shares(-std::f32::consts::TAU / 32.0, 16);
        assert!((shares[15] - 0.5).abs() < 1e-4 && (shares[0] - 0.5).abs() < 1e-4, "{shares:?}");
        let shares = turn_shares(std::f32::consts::TAU * 3.0 / 16.0 + 1e-4, 16);
        assert!(shares[3] > 0.99, "{shares:?}");
    }
}
