//! The loss terms (arXiv 2105.11475; Kingma et al. 2014 for the semi-supervised bound).
//!
//! Unlabelled, per image: sum_y q(y|x) [ -ln p(x|z,y) + beta KL(q(z|x,y) || N(0,1)) ] + KL(q(y|x) || uniform), with one
//! z a class. Labelled: the bracket at the known y, + ln K. Auxiliary: the classifier's cross-entropy.

use super::vae::{PixelSubset, Vae, per_class, per_image};
use burn::tensor::{Tensor, TensorData};

/// Images of a batch, `[batch, pixels]`, and how often each counts, `[batch]`: `None` is once. An image that counts 0 times
/// only gives a batch its size.
#[derive(Clone, Debug)]
pub struct Batch {
    pub x: Tensor<2>,
    pub counts: Option<Tensor<1>>,
}

impl From<Tensor<2>> for Batch {
    fn from(x: Tensor<2>) -> Self {
        Self { x, counts: None }
    }
}

impl Batch {
    /// `values` of rows `class * batch + image`, as often as their images count.
    pub fn counted(&self, values: Tensor<1>) -> Tensor<1> {
        let Some(counts) = &self.counts else { return values };
        let classes = values.dims()[0] / counts.dims()[0];
        values * counts.clone().repeat_dim(0, classes)
    }
}

/// The unlabelled loss summed over a batch, and its parts.
#[derive(Clone, Debug)]
pub struct Unlabelled {
    /// `[1]`, differentiable: reconstruction + beta KL + class KL.
    pub loss: Tensor<1>,
    /// `[1]` each: expected -ln p(x|z,y), expected KL of z (without beta), KL of y.
    pub reconstruction: Tensor<1>,
    pub kl_latent: Tensor<1>,
    pub kl_class: Tensor<1>,
}

impl Unlabelled {
    /// The sums of two batches; only `self` stays differentiable.
    pub fn and(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss.detach(),
            reconstruction: self.reconstruction + other.reconstruction.detach(),
            kl_latent: self.kl_latent + other.kl_latent.detach(),
            kl_class: self.kl_class + other.kl_class.detach(),
        }
    }
}

/// The unlabelled term of a batch.
///
/// `eps` `[classes * batch, z]` is the noise of row `class * batch + image`. Classes with q(y|x) below `threshold` count
/// nothing and the reconstruction is renormalised over the rest; 0 is exact. With the tile kernel they are not decoded
/// either; elsewhere that would take a look at the numbers, and batches of many shapes.
pub fn unlabelled(
    vae: &Vae,
    batch: impl Into<Batch>,
    eps: Tensor<2>,
    beta: f32,
    subset: &PixelSubset,
    threshold: f32,
) -> Unlabelled {
    let images = batch.into();
    let x = images.x.clone();
    let [batch, _] = x.dims();
    let k = vae.config.classes;
    let log_q = vae.log_probabilities(x.clone()); // [batch, k]
    let q = log_q.clone().exp();
    let posterior = vae.encode_all(x.clone());
    let z = posterior.sample(eps);
    let by_class = |values: Tensor<2>| values.swap_dims(0, 1).reshape([k * batch]); // row = class * batch + image
    let row_q = by_class(q.clone());
    let kl_latent = images.counted(row_q.clone() * posterior.kl()).sum();
    let kl_class = q.clone() * log_q.add_scalar((k as f32).ln());
    let kl_class = match images.counts {
        None => kl_class.sum(),
        Some(_) => images.counted(by_class(kl_class)).sum(),
    };
    let (classes, of) = (per_class(batch, k), per_image(batch, k));
    let weighted = if threshold > 0.0 && k > 1 {
        // Kept probabilities, renormalised per image; differentiable through both.
        let renormalised = |mask: Tensor<1>| {
            let kept = row_q * mask;
            let total = kept.clone().reshape([k, batch]).sum_dim(0).repeat_dim(0, k).reshape([k * batch]);
            images.counted(kept / total)
        };
        if vae.tiled {
            let sparse = Sparse::choose(&q, threshold, batch, k);
            let rows = super::look::column(&sparse.rows, &x.device());
            let pick = |all: &[u32]| sparse.rows.iter().map(|&r| all[r as usize]).collect::<Vec<u32>>();
            let weight = renormalised(sparse.mask).select(0, rows.clone());
            vae.weighted_excess(z.select(0, rows), &pick(&classes), &pick(&of), x.clone(), weight, subset)
        } else {
            let q = q.detach();
            // The most probable class is always kept, whatever the threshold.
            let most = q.clone().max_dim(1).repeat_dim(1, k);
            let left_out = q.clone().lower_equal_elem(threshold).bool_and(q.clone().lower(most));
            let mask = Tensor::ones_like(&q).mask_fill(left_out, 0.0);
            let weight = renormalised(by_class(mask));
            vae.weighted_excess(z, &classes, &of, x.clone(), weight, subset)
        }
    } else {
        vae.weighted_excess(z, &classes, &of, x.clone(), images.counted(row_q), subset)
    };
    // The weights of an image sum to 1, so what is common to all classes is added once an image.
    let reconstruction = weighted.sum() + images.counted(vae.uninformed(x, subset)).sum();
    let loss = reconstruction.clone() + kl_latent.clone().mul_scalar(beta) + kl_class.clone();
    Unlabelled { loss, reconstruction, kl_latent, kl_class }
}

/// Which (class, image) rows are worth decoding.
struct Sparse {
    rows: Vec<u32>,
    /// `[classes * batch]`, 1 where kept.
    mask: Tensor<1>,
}

impl Sparse {
    fn choose(q: &Tensor<2>, threshold: f32, batch: usize, k: usize) -> Self {
        let host = q.clone().inner().into_data().try_into_vec::<f32>().unwrap_or_default();
        let mut mask = vec![0.0_f32; k * batch];
        for (image, q) in host.chunks_exact(k).enumerate() {
            let most = q.iter().copied().fold(0.0, f32::max);
            for (class, &p) in q.iter().enumerate() {
                // The most probable class is always kept, whatever the threshold.
                if p > threshold || p >= most {
                    mask[class * batch + image] = 1.0;
                }
            }
        }
        let rows = (0..mask.len() as u32).filter(|&r| mask[r as usize] > 0.0).collect();
        let mask = Tensor::from_data(TensorData::new(mask, [k * batch]), &q.device());
        Self { rows, mask }
    }
}

/// The labelled term of a batch at its known classes, summed, `[1]`: -ln p(x|z,y) + beta KL + ln K.
pub fn labelled(
    vae: &Vae,
    batch: impl Into<Batch>,
    labels: &[u32],
    eps: Tensor<2>,
    beta: f32,
    subset: &PixelSubset,
) -> Tensor<1> {
    let images = batch.into();
    let x = images.x.clone();
    let posterior = vae.encode(x.clone(), super::look::column(labels, &x.device()));
    let z = posterior.sample(eps);
    let ones = images.counted(Tensor::ones([labels.len()], &x.device()));
    let prior = ones.clone().sum().mul_scalar((vae.config.classes as f32).ln());
    let order: Vec<u32> = (0..labels.len() as u32).collect();
    let excess = vae.weighted_excess(z, labels, &order, x.clone(), ones, subset).sum();
    let nll = excess + images.counted(vae.uninformed(x, subset)).sum();
    nll + images.counted(posterior.kl()).sum().mul_scalar(beta) + prior
}

/// -ln q(y|x) of each image at its known class, `[batch]`.
pub fn cross_entropy(vae: &Vae, x: Tensor<2>, labels: &[u32]) -> Tensor<1> {
    let device = x.device();
    let log_q = vae.log_probabilities(x);
    let [batch, _] = log_q.dims();
    let at = super::look::column(labels, &device).reshape([batch, 1]);
    log_q.gather(1, at).neg().squeeze_dim(1)
}
