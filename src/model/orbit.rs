//! The loss terms of a model that looks at turned copies: class and turn are one discrete choice.
//!
//! With r the turn (uniform over R), and one z a pair, the bound of an unlabelled image is
//!
//! sum_(y,r) q(y,r|x) [ -ln p(x|z,y,r) + beta KL(q(z|x,y,r) || N(0,1)) ] + KL(q(y,r|x) || uniform).
//!
//! The encoder sees the copy that turn r calls upright, so z holds what is left of the angle, the shift and the content.
//! Only the most probable pairs are decoded and their probabilities renormalised ([`super::pairs`]); with all pairs it is exact.

use super::look::column;
use super::objective::Unlabelled;
use super::pairs::Choice;
use super::vae::{PixelSubset, Posterior, Vae};
use super::{Copies, VaeConfig, pose};
use burn::tensor::{Int, Tensor, TensorData};
use std::f32::consts::TAU;

/// Posterior of each pair from the copy its turn calls upright.
pub fn encode(vae: &Vae, copies: &Copies, pairs: &impl Choice) -> Posterior {
    let device = vae.device();
    vae.encode(pairs.upright(copies, &vae.config, &device), pairs.classes(&device))
}

/// Poses `[rows, 4]` of latents `[rows, z]` of the pairs.
pub fn poses(config: &VaeConfig, z: &Tensor<2>, pairs: &impl Choice) -> Tensor<2> {
    let turned = config.look.filter(|_| config.invariances.rotation);
    pose::from_latents(config, z, turned.map(|look| pairs.angles(look, &z.device())))
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
    pairs: &impl Choice,
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
    let (at, classes) = (poses(&vae.config, &z, pairs), pairs.classes(&vae.device()));
    let excess = vae.weighted_excess_at(at, z, classes, pairs.images(), target.clone(), weight, subset);
    let reconstruction = excess.sum() + vae.uninformed_at(target, subset).sum();
    let loss = reconstruction.clone() + kl_latent.clone().mul_scalar(beta) + kl_class.clone();
    Unlabelled { loss, reconstruction, kl_latent, kl_class }
}

/// Probabilities of the pairs, summing to 1 within each image, `[pairs]`.
fn renormalised(q: &Tensor<2>, pairs: &impl Choice, vae: &Vae, batch: usize) -> Tensor<1> {
    let device = q.device();
    let [_, all] = q.dims();
    let kept = q.clone().reshape([batch * all]).select(0, pairs.entries(&vae.config, &device));
    kept.clone() / pairs.totals(kept, batch)
}

/// The labelled term at known classes and turns, one row an image, summed, `[1]`.
pub fn labelled(
    vae: &Vae,
    copies: &Copies,
    target: Tensor<2>,
    pairs: &impl Choice,
    eps: Tensor<2>,
    beta: f32,
    subset: &PixelSubset,
) -> Tensor<1> {
    let posterior = encode(vae, copies, pairs);
    let z = posterior.sample(eps);
    let rows = pairs.images().len();
    let ones = Tensor::ones([rows], &vae.device());
    let (at, classes) = (poses(&vae.config, &z, pairs), pairs.classes(&vae.device()));
    let excess = vae.weighted_excess_at(at, z, classes, pairs.images(), target.clone(), ones, subset);
    let nll = excess.sum() + vae.uninformed_at(target, subset).sum();
    let choices = (vae.config.classes * vae.config.turns()) as f32;
    nll + posterior.kl().sum().mul_scalar(beta).add_scalar(rows as f32 * choices.ln())
}

/// How far a label's particle may stand from upright, radians: a person's eye, and shear, which turns a shape, too.
pub const KNOWN_ANGLE_SD: f32 = 0.05;

/// -ln of the known angles of images, one row an image, but for a constant, summed, `[1]`: the encoder's angle is held to
/// them as to measurements of standard deviation [`KNOWN_ANGLE_SD`]. Without it the decoder is free to turn what it draws
/// with the content and the encoder's angle against that, so that the angle of a shape depends on how sheared or long it is.
///
/// `angles`: radians counter-clockwise, each near the turn of its row. `None` for a model without rotation.
pub fn told_angles(vae: &Vae, copies: &Copies, pairs: &impl Choice, angles: &[f32]) -> Option<Tensor<1>> {
    let device = vae.device();
    let look = vae.config.look.filter(|_| vae.config.invariances.rotation)?;
    let posterior = encode(vae, copies, pairs);
    let rows = angles.len();
    let known = Tensor::<2>::from_data(TensorData::new(angles.to_vec(), [rows, 1]), &device);
    let found = pose::from_latents(&vae.config, &posterior.mean, Some(pairs.angles(look, &device)));
    let off = found.slice([0..rows, 0..1]) - known;
    // The nearest of the ways round.
    let off = off.clone() - off.div_scalar(TAU).round().mul_scalar(TAU);
    Some(off.powi_scalar(2).sum().div_scalar(2.0 * KNOWN_ANGLE_SD * KNOWN_ANGLE_SD))
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
    let turns = vae.config.turns();
    let shares: Vec<f32> = angles.iter().flat_map(|&a| turn_shares(a, turns)).collect();
    let shares = Tensor::from_data(TensorData::new(shares, [labels.len(), turns]), &device);
    entropy(vae, log_joint, column(labels, &device), shares, turn_weight)
}

/// The same with `labels` `[batch]` and how each angle is shared among the turns, `[batch, turns]`.
fn entropy(
    vae: &Vae,
    log_joint: Tensor<2>,
    labels: Tensor<1, Int>,
    shares: Tensor<2>,
    turn_weight: f32,
) -> Tensor<1> {
    let at_label = turns_of(vae, log_joint, labels);
    let most = at_label.clone().detach().max_dim(1); // [batch, 1]
    let log_class = (at_label.clone() - most.clone()).exp().sum_dim(1).log() + most;
    let log_turn = at_label - log_class.clone();
    let turn = (shares * log_turn).sum_dim(1).mul_scalar(turn_weight);
    (log_class + turn).neg().squeeze_dim(1)
}

/// The turns of one class of each image, `[batch, turns * classes]` and `[batch]` -> `[batch, turns]`.
fn turns_of(vae: &Vae, joint: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<2> {
    let (k, turns) = (vae.config.classes, vae.config.turns());
    let [batch, _] = joint.dims();
    let index = labels.reshape([batch, 1, 1]).repeat_dim(1, turns);
    joint.reshape([batch, turns, k]).gather(2, index).reshape([batch, turns])
}

/// What is sure in one view must hold in another: cross-entropy of the second view against class and angle of the first,
/// `[batch]`, 0 where no class of the first has a probability of `least`. Nothing leaves the device, every batch has one
/// shape; [`confident`] and [`cross_entropy`] are the same on the host.
///
/// `first` and `second` `[batch, turns * classes]`; `turned` `[batch, 1]`: the angle of the second view less that of the
/// first, radians.
pub fn agreement(
    vae: &Vae,
    first: Tensor<2>,
    second: Tensor<2>,
    turned: Tensor<2>,
    least: f32,
    turn_weight: f32,
) -> Tensor<1> {
    let (k, turns) = (vae.config.classes, vae.config.turns());
    let [batch, _] = first.dims();
    let joint = first.detach().exp();
    let of_class = joint.clone().reshape([batch, turns, k]).sum_dim(1).reshape([batch, k]);
    let sure = of_class.clone().max_dim(1).greater_equal_elem(least).float().reshape([batch]);
    let labels = of_class.argmax(1).reshape([batch]);
    let of_turn = turns_of(vae, joint, labels.clone());
    let angle = peak_of(of_turn).mul_scalar(TAU / turns as f32) + turned;
    sure * entropy(vae, second, labels, shares_of(angle, turns), turn_weight)
}

/// [`peak`] of each row of `[batch, turns]`, in turns, `[batch, 1]`.
fn peak_of(of_turn: Tensor<2>) -> Tensor<2> {
    let turns = of_turn.dims()[1] as i32;
    let best = of_turn.clone().argmax(1);
    if turns < 3 {
        return best.float();
    }
    let beside = |by: i32| {
        let turn = best.clone().add_scalar(turns + by).remainder_scalar(turns);
        of_turn.clone().gather(1, turn)
    };
    let [before, at, after] = [-1, 0, 1].map(beside);
    let all = (before.clone() + at + after.clone()).clamp_min(f32::MIN_POSITIVE);
    best.float() + ((after - before) / all).clamp(-0.5, 0.5)
}

/// [`turn_shares`] of angles `[batch, 1]`, `[batch, turns]`.
fn shares_of(angles: Tensor<2>, turns: usize) -> Tensor<2> {
    let ([batch, _], device, all) = (angles.dims(), angles.device(), turns as f32);
    if turns == 1 {
        return Tensor::ones([batch, 1], &device);
    }
    let at = angles.mul_scalar(all / TAU);
    let at = at.clone() - at.div_scalar(all).floor().mul_scalar(all);
    let turn = Tensor::<1, Int>::arange(0..turns as i64, &device).float().reshape([1, turns]);
    // How far round the circle each turn is.
    let apart = (turn - at).abs();
    let apart = apart.clone().min_pair(apart.neg().add_scalar(all));
    apart.neg().add_scalar(1.0).clamp_min(0.0)
}

/// Class and angle of an image whose class is at least `least` probable, from its log joint `[turns * classes]`. The angle
/// lies between the most probable turn and its neighbours, by their probabilities.
pub fn confident(log_q: &[f32], k: usize, turns: usize, least: f32) -> Option<(u32, f32)> {
    let of = |class: usize, turn: usize| log_q[turn * k + class].exp();
    let sum = |class: usize| (0..turns).map(|turn| of(class, turn)).sum::<f32>();
    let sums: Vec<f32> = (0..k).map(sum).collect();
    let class = (0..k).find(|&class| sums[class] >= least)?;
    let (turn, part) = peak(|turn| of(class, turn), turns);
    Some((class as u32, (turn as f32 + part) * TAU / turns as f32))
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
    let at = (angle / TAU).rem_euclid(1.0) * turns as f32;
    let low = (at as usize).min(turns - 1);
    (low % turns, (at - low as f32).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_shared_between_neighbours() {
        let shares = turn_shares(-TAU / 32.0, 16);
        assert!((shares[15] - 0.5).abs() < 1e-4 && (shares[0] - 0.5).abs() < 1e-4, "{shares:?}");
        let shares = turn_shares(TAU * 3.0 / 16.0 + 1e-4, 16);
        assert!(shares[3] > 0.99, "{shares:?}");
    }
}
