//! The steps of the published recipe: a bound without labels, then one with labels and the classifier's own loss.

use super::present::plain;
use super::resident::Resident;
use super::trainer::{Trainer, finite};
use crate::error::Result;
use crate::model::objective::{self, Batch, Unlabelled};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

/// Bytes of activations of one pass through plain operations. A single tensor is a sixth of it at most, which fits into the
/// 256 MiB that some drivers give a buffer.
const MEMORY: usize = 1 << 30;

/// Images of one pass. Off the CPU all passes have one size, since every shape is compiled and tuned anew: the last of a
/// batch is filled up with its first image, which then counts nothing.
struct Part {
    images: Vec<usize>,
    /// Where it begins in the batch, and how many of its images count; they come first.
    first: usize,
    real: usize,
}

impl Trainer {
    /// The published unlabelled step: an Adam step on the unlabelled bound, then the auxiliary step, whose gradient is
    /// zero without labels. Zero is not nothing: Adam goes on with its momentum, as the reference does.
    pub(super) fn published_turn(&mut self, batch: &[usize]) -> Result<usize> {
        let mut gradients = GradientsAccumulator::new();
        let mut sum: Option<Unlabelled> = None;
        let k = self.vae.config.classes;
        let (eps, subset) = (self.normal(k * batch.len()), self.subset());
        let (beta, threshold) = (self.config.beta(self.epoch), self.config.class_threshold);
        for part in self.parts(batch, k, self.unlabelled.len()) {
            let (images, eps) = (self.images(&part), self.noise_of(&part, &eps, k));
            let terms = objective::unlabelled(&self.vae, images, eps, beta, &subset, threshold);
            gradients.accumulate(&self.vae.networks, self.every_gradient(&terms.loss));
            sum = Some(match sum {
                Some(sum) => sum.and(terms),
                None => terms,
            });
        }
        if let Some(sum) = sum {
            self.count(&sum, None, batch.len())?;
        }
        self.apply(gradients.grads());
        self.coast();
        Ok(batch.len())
    }

    /// The published labelled step: labelled bound, then cross-entropy.
    pub(super) fn labelled_turn(&mut self, batch: &[usize]) -> Result<usize> {
        let (beta, subset) = (self.config.beta(self.epoch), self.subset());
        let eps = self.normal(batch.len());
        let mut gradients = GradientsAccumulator::new();
        for part in self.parts(batch, 1, self.labelled.len()) {
            let (images, eps) = (self.images(&part), self.noise_of(&part, &eps, 1));
            let bound = objective::labelled(&self.vae, images, &self.labels_of(&part), eps, beta, &subset);
            self.watch("labelled", &bound)?;
            gradients.accumulate(&self.vae.networks, self.every_gradient(&bound));
        }
        self.apply(gradients.grads());
        // The classifier keeps next to nothing, so all at once.
        let all = self.part(0, batch, self.config.batch.min(self.labelled.len()).max(batch.len()));
        let images = self.images(&all);
        let entropy = objective::cross_entropy(&self.vae, images.x.clone(), &self.labels_of(&all));
        let auxiliary = images.counted(entropy).sum().mul_scalar(self.config.auxiliary);
        self.watch("classifier", &auxiliary)?;
        let gradients = self.every_gradient(&auxiliary);
        self.apply(gradients);
        Ok(batch.len())
    }

    /// A look at a loss, where it costs nothing. Another device would be waited for; there the next bound without labels or the
    /// end of the epoch finds it out.
    fn watch(&self, what: &str, loss: &Tensor<1>) -> Result<()> {
        if self.vae.tiled { finite(what, loss) } else { Ok(()) }
    }

    /// Images whose activations fit into [`MEMORY`] while each is decoded `rows` times in plain operations. The loss is a
    /// sum over images, so their gradients simply add up. The tile kernel keeps nothing per pixel and takes all.
    fn at_once(&self, rows: usize) -> usize {
        if self.vae.tiled {
            return self.config.batch.max(1);
        }
        let config = &self.vae.config;
        let widths: usize = config.hidden_decoder.iter().sum::<usize>() + config.hidden_decoder[0];
        // Each layer's output is kept before and after its non-linearity, and once more as a gradient.
        let image = rows * config.pixels() * widths * 3 * size_of::<f32>();
        // A power of two, so that a batch falls into equal parts.
        1 << (MEMORY / image.max(1)).max(1).ilog2()
    }

    /// A batch in passes, each image decoded `rows` times; of `most` images no batch has more.
    fn parts(&self, batch: &[usize], rows: usize, most: usize) -> Vec<Part> {
        let size = self.at_once(rows).min(self.config.batch).min(most).max(1);
        batch.chunks(size).enumerate().map(|(i, images)| self.part(i * size, images, size)).collect()
    }

    /// A pass of `size` images.
    fn part(&self, first: usize, images: &[usize], size: usize) -> Part {
        let real = images.len();
        let missing = if self.vae.tiled { 0 } else { size - real };
        let images = images.iter().copied().chain(std::iter::repeat_n(images[0], missing)).collect();
        Part { images, first, real }
    }

    fn images(&self, part: &Part) -> Batch {
        let counts = (!self.vae.tiled).then(|| {
            let counts = (0..part.images.len()).map(|i| f32::from(u8::from(i < part.real))).collect();
            self.upload(counts, part.images.len()).squeeze_dim(1)
        });
        Batch { x: self.plain(&part.images), counts }
    }

    fn labels_of(&self, part: &Part) -> Vec<u32> {
        part.images.iter().map(|&i| self.labels[i]).collect()
    }

    /// A part's rows of a batch's noise, both in the order `class * images + image`.
    fn noise_of(&self, part: &Part, noise: &[f32], classes: usize) -> Tensor<2> {
        let (z, size) = (self.vae.config.z(), part.images.len());
        let mut values = vec![0.0; classes * size * z];
        for (own, all) in values.chunks_exact_mut(size * z).zip(noise.chunks_exact(noise.len() / classes)) {
            own[..part.real * z].copy_from_slice(&all[part.first * z..][..part.real * z]);
        }
        self.upload(values, classes * size)
    }

    /// Images as they were cut.
    fn plain(&self, batch: &[usize]) -> Tensor<2> {
        match &self.resident {
            Some(Resident::Plain(held)) => held.take(batch),
            _ => self.upload(plain(&self.patches, batch), batch.len()),
        }
    }

    /// The gradient of `loss` by every parameter, zero where the loss does not touch it: the reference steps these, too.
    fn every_gradient(&self, loss: &Tensor<1>) -> GradientsParams {
        let mut gradients = GradientsParams::from_grads(loss.backward(), &self.vae.networks);
        fill_zeros(&self.vae.networks, &mut gradients);
        gradients
    }

    /// An Adam step with a zero gradient.
    fn coast(&mut self) {
        let mut gradients = GradientsParams::new();
        fill_zeros(&self.vae.networks, &mut gradients);
        self.apply(gradients);
    }
}

/// Adds a zero gradient for every parameter that has none.
fn fill_zeros<M: Module>(module: &M, gradients: &mut GradientsParams) {
    struct Fill<'a>(&'a mut GradientsParams);
    impl ModuleVisitor for Fill<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.0.get::<D>(param.id).is_none() {
                self.0.register(param.id, param.val().inner().zeros_like());
            }
        }
    }
    module.visit(&mut Fill(gradients));
}
