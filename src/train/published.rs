//! The steps of the published recipe: a bound without labels, then one with labels and the classifier's own loss.

use super::present::plain;
use super::resident::Resident;
use super::trainer::{Trainer, finite};
use crate::error::Result;
use crate::model::objective;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

/// Bytes of activations of one pass through plain operations. A single tensor is a sixth of it at most, which fits into the
/// 256 MiB that some drivers give a buffer.
const MEMORY: usize = 1 << 30;

impl Trainer {
    /// The published unlabelled step: an Adam step on the unlabelled bound, then the auxiliary step, whose gradient is
    /// zero without labels. Zero is not nothing: Adam goes on with its momentum, as the reference does.
    pub(super) fn published_turn(&mut self, batch: &[usize]) -> Result<usize> {
        let mut sum = GradientsAccumulator::new();
        for part in batch.chunks(self.at_once(self.vae.config.classes)) {
            let x = self.plain(part);
            let loss = self.unlabelled_loss(x, part.len())?;
            sum.accumulate(&self.vae.networks, self.every_gradient(&loss));
        }
        self.apply(sum.grads());
        self.coast();
        Ok(batch.len())
    }

    /// The published labelled step: labelled bound, then cross-entropy.
    pub(super) fn labelled_turn(&mut self, batch: &[usize]) -> Result<usize> {
        let labels: Vec<u32> = batch.iter().map(|&i| self.labels[i]).collect();
        let beta = self.config.beta(self.epoch);
        let subset = self.subset();
        let mut sum = GradientsAccumulator::new();
        let at_once = self.at_once(1);
        for (part, labels) in batch.chunks(at_once).zip(labels.chunks(at_once)) {
            let (x, eps) = (self.plain(part), self.noise(part.len()));
            let bound = objective::labelled(&self.vae, x, labels, eps, beta, &subset);
            self.watch("labelled", &bound)?;
            sum.accumulate(&self.vae.networks, self.every_gradient(&bound));
        }
        self.apply(sum.grads());
        let auxiliary = objective::cross_entropy(&self.vae, self.plain(batch), &labels)
            .sum()
            .mul_scalar(self.config.auxiliary);
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
        // A power of two, so that a batch falls into equal parts: another shape would be compiled and tuned anew.
        1 << (MEMORY / image.max(1)).max(1).ilog2()
    }

    fn unlabelled_loss(&mut self, x: Tensor<2>, batch: usize) -> Result<Tensor<1>> {
        let eps = self.noise(batch * self.vae.config.classes);
        let (beta, subset) = (self.config.beta(self.epoch), self.subset());
        let terms = objective::unlabelled(&self.vae, x, eps, beta, &subset, self.config.class_threshold);
        self.count(&terms, None, batch)?;
        Ok(terms.loss)
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
