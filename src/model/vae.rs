//! The model: networks, priors and the decoder's two implementations.

use super::kernel::{self, Inputs, Rows, Task};
use super::look::column;
use super::network::Networks;
pub use super::subset::PixelSubset;
use super::{Copies, VaeConfig, fourier, fused, likelihood, pose, recognise, weights};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use rand::Rng;
use std::sync::Arc;

/// Bytes of one layer's activations: without the tile kernel they lie in memory, and some drivers give no buffer of 256 MiB.
const ACTIVATIONS: usize = 64 << 20;

/// The semi-supervised invariant VAE on one device.
#[derive(Clone, Debug)]
pub struct Vae {
    pub config: VaeConfig,
    pub networks: Networks,
    /// Decode with the tile kernel (CPU only) instead of plain tensor operations.
    pub tiled: bool,
}

/// Posterior parameters of rows of (image, class).
#[derive(Clone, Debug)]
pub struct Posterior {
    /// `[rows, z]`, pose latents first.
    pub mean: Tensor<2>,
    /// `[rows, z]`, > 0.
    pub sd: Tensor<2>,
}

impl Posterior {
    /// KL(N(mean, sd) || N(0, 1)) summed over latents, `[rows]`.
    pub fn kl(&self) -> Tensor<1> {
        let square = self.mean.clone().powi_scalar(2) + self.sd.clone().powi_scalar(2);
        let terms = square.sub_scalar(1.0).mul_scalar(0.5) - self.sd.clone().log();
        terms.sum_dim(1).squeeze_dim(1)
    }

    /// mean + sd * eps.
    pub fn sample(&self, eps: Tensor<2>) -> Tensor<2> {
        self.mean.clone() + self.sd.clone() * eps
    }
}

impl Vae {
    /// A fresh model; `tiled` must only be set on the CPU device.
    pub fn init(config: VaeConfig, rng: &mut impl Rng, device: &Device, tiled: bool) -> Self {
        let networks = Networks::init(&config, rng, device);
        Self { config, networks, tiled }
    }

    /// The same model on the CPU, decoding in tiles; `None` if its weights cannot be read.
    pub fn on_cpu(&self) -> Option<Self> {
        let arrays = weights::to_arrays(&self.networks);
        let networks = weights::from_arrays(&self.config, &arrays, &Device::flex()).ok()?;
        Some(Self { config: self.config.clone(), networks, tiled: true })
    }

    /// True if all weights are finite numbers.
    pub fn is_finite(&self) -> bool {
        weights::to_arrays(&self.networks).values().all(|array| array.values.iter().all(|v| v.is_finite()))
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.networks.decoder.out.weight.val().device()
    }

    /// Log class probabilities `[batch, classes]`; zeros for a model of one class.
    pub fn log_probabilities(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.networks.classifier {
            Some(classifier) => {
                activation::log_softmax(classifier.forward(x, self.config.recognition_activation()), 1)
            }
            None => Tensor::zeros([x.dims()[0], 1], &x.device()),
        }
    }

    /// Log of q(class, turn | image), `[batch, turns * classes]`, entry `turn * classes + class`.
    pub fn log_joint(&self, copies: &Copies) -> Tensor<2> {
        let (turns, k) = (self.config.turns(), self.config.classes);
        let batch = copies.rows() / turns;
        let kind = self.config.recognition_activation();
        let device = self.device();
        let Some(classifier) = &self.networks.classifier else {
            return Tensor::zeros([batch, 1], &device);
        };
        let logits = match copies {
            Copies::Host { values, .. } if self.tiled => {
                let rows = Rows { values: values.clone(), widths: classifier.widths(), activation: kind };
                recognise::dense_rows(classifier.flat(), rows)
            }
            _ => classifier.forward(copies.tensor(&device), kind),
        };
        activation::log_softmax(logits.reshape([batch, turns * k]), 1)
    }

    /// q(class, turn | image) of `batch` images on the host, laid out as [`Self::log_joint`], without gradient. `fill`
    /// writes the copies of up to `together` images from a given one on, `[len, turns, inputs]`, where they are needed.
    pub fn joint_from(
        &self,
        batch: usize,
        together: usize,
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Vec<f32> {
        let turns = self.config.turns();
        let all = turns * self.config.classes;
        let Some(classifier) = &self.networks.classifier else { return vec![1.0; batch] };
        let activation = self.config.recognition_activation();
        let rows = Rows { values: Arc::default(), widths: classifier.widths(), activation };
        let parameters = classifier.flat().into_data().try_into_vec::<f32>().unwrap_or_default();
        let mut out = rows
            .forward_from(&parameters, batch * turns, together * turns, |row, out| fill(row / turns, out));
        for q in out.chunks_exact_mut(all) {
            let most = q.iter().copied().fold(f32::MIN, f32::max);
            q.iter_mut().for_each(|v| *v = (*v - most).exp());
            let total: f32 = q.iter().sum();
            q.iter_mut().for_each(|v| *v /= total);
        }
        out
    }

    /// What the encoder's first layer makes of images alone, `[batch, pixels] -> [batch, width]`; affine in the image.
    pub fn image_part(&self, x: Tensor<2>) -> Tensor<2> {
        let x = match &self.config.input {
            Some(input) => {
                let mean = TensorData::new(input.mean.clone(), [1, input.mean.len()]);
                (x.clone() - Tensor::from_data(mean, &x.device())).mul_scalar(input.scale)
            }
            None => x,
        };
        self.networks.encoder.image_part(x)
    }

    /// Posterior of every (class, image) pair: row `class * batch + image`.
    pub fn encode_all(&self, x: Tensor<2>) -> Posterior {
        let [batch, pixels] = x.dims();
        let k = self.config.classes;
        let h = self.image_part(x.clone());
        let (rows, class) = if k > 1 {
            (h.repeat_dim(0, k), Some(column(&per_class(batch, k), &x.device())))
        } else {
            (h, None)
        };
        let (mean, sd) =
            self.networks.encoder.rows(rows, pixels, class, self.config.recognition_activation());
        Posterior { mean, sd }
    }

    /// Posterior of each image at its given class, `classes` `[batch]`.
    pub fn encode(&self, x: Tensor<2>, classes: Tensor<1, Int>) -> Posterior {
        let [_, pixels] = x.dims();
        let class = (self.config.classes > 1).then_some(classes);
        let h = self.image_part(x);
        let (mean, sd) = self.networks.encoder.rows(h, pixels, class, self.config.recognition_activation());
        Posterior { mean, sd }
    }

    /// `weight * (ln p(x | nothing) - ln p(x | z, y))` of each row, `[rows]`; see [`likelihood`] and [`Self::uninformed`].
    ///
    /// # Shapes
    /// `z` `[rows, z]`; `classes` and `images` one entry a row (class index, row of `x`); `x` `[batch, pixels]`;
    /// `weight` `[rows]`.
    pub fn weighted_excess(
        &self,
        z: Tensor<2>,
        classes: &[u32],
        images: &[u32],
        x: Tensor<2>,
        weight: Tensor<1>,
        subset: &PixelSubset,
    ) -> Tensor<1> {
        let pose = pose::from_latents(&self.config, &z, None);
        let classes = column(classes, &z.device());
        self.weighted_excess_at(pose, z, classes, images, subset.of(x), weight, subset)
    }

    /// As [`Self::weighted_excess`], with poses `[rows, 4]` given instead of read off `z`, and only the subset's pixels
    /// of the images, `[batch, subset]`.
    pub fn weighted_excess_at(
        &self,
        pose: Tensor<2>,
        z: Tensor<2>,
        classes: Tensor<1, Int>,
        images: &[u32],
        target: Tensor<2>,
        weight: Tensor<1>,
        subset: &PixelSubset,
    ) -> Tensor<1> {
        let device = z.device();
        let pose = self.leaning(pose, &z, classes.clone());
        let code = self.code(z, classes);
        if self.tiled {
            let parameters = self.networks.decoder.flat();
            return fused::weighted_excess(pose, code, parameters, weight, target, self.task(images, subset));
        }
        // With every image in order, once a class, the rows are copies; only a sparse choice needs a gather.
        let rows = match (images.len(), target.dims()[0]) {
            (r, b) if r == b && in_order(images, b) => target,
            (r, b) if r % b == 0 && in_order(images, b) => target.repeat_dim(0, r / b),
            _ => target.select(0, column(images, &device)),
        };
        let excess = self.in_parts(images.len(), &subset.grid, |part| {
            let own = |t: &Tensor<2>| t.clone().slice([part.clone()]);
            let o = self.plain_logits(own(&pose), own(&code), &subset.grid);
            likelihood::excess_tensor(self.config.likelihood, o, own(&rows)).sum_dim(1)
        });
        weight * excess.squeeze_dim::<1>(1).mul_scalar(subset.weight)
    }

    /// -ln p(x | nothing) of each image, `[batch]`: what a decoder that knows nothing pays. No gradient.
    pub fn uninformed(&self, x: Tensor<2>, subset: &PixelSubset) -> Tensor<1> {
        self.uninformed_at(subset.of(x), subset)
    }

    /// As [`Self::uninformed`], for the subset's pixels of the images, `[batch, subset]`.
    pub fn uninformed_at(&self, target: Tensor<2>, subset: &PixelSubset) -> Tensor<1> {
        let each = likelihood::uninformed_tensor(self.config.likelihood, target);
        each.sum_dim(1).squeeze_dim::<1>(1).mul_scalar(subset.weight)
    }

    /// Decoder intensities of rows, `[rows, pixels]`, each 0..1.
    pub fn decode(&self, z: Tensor<2>, classes: &[u32], grid: &Arc<[f32]>) -> Tensor<2> {
        let pose = pose::from_latents(&self.config, &z, None);
        self.decode_at(pose, z, classes, grid)
    }

    /// As [`Self::decode`], with poses `[rows, 4]` (angle, shift, shift, scale) given instead of read off `z`.
    pub fn decode_at(&self, pose: Tensor<2>, z: Tensor<2>, classes: &[u32], grid: &Arc<[f32]>) -> Tensor<2> {
        let (device, rows) = (z.device(), classes.len());
        let classes = column(classes, &device);
        let pose = self.leaning(pose, &z, classes.clone());
        let code = self.code(z, classes);
        if !self.tiled {
            return self.in_parts(rows, grid, |part| {
                let (pose, code) = (pose.clone().slice([part.clone()]), code.clone().slice([part]));
                activation::sigmoid(self.plain_logits(pose, code, grid))
            });
        }
        let host = |t: TensorData| t.try_into_vec::<f32>().unwrap_or_default();
        let (pose, code) = (host(pose.into_data()), host(code.into_data()));
        let parameters = host(self.networks.decoder.flat().into_data());
        let subset = PixelSubset { indices: None, grid: grid.clone(), weight: 1.0 };
        let images = vec![0; rows];
        let inputs = Inputs { pose: &pose, code: &code, parameters: &parameters, target: &[] };
        let mut out = kernel::logits(&self.task(&images, &subset), inputs);
        out.iter_mut().for_each(|o| *o = likelihood::sigmoid(*o));
        let pixels = grid.len() / self.config.ndim();
        Tensor::from_data(TensorData::new(out, [rows, pixels]), &device)
    }

    /// What is made of `rows` rows, in parts that fit.
    fn in_parts(
        &self,
        rows: usize,
        grid: &Arc<[f32]>,
        make: impl Fn(std::ops::Range<usize>) -> Tensor<2>,
    ) -> Tensor<2> {
        let at_once = self.rows_at_once(grid);
        if rows <= at_once {
            return make(0..rows);
        }
        let parts = (0..rows).step_by(at_once).map(|first| make(first..(first + at_once).min(rows)));
        Tensor::cat(parts.collect(), 0)
    }

    /// Rows of which one layer's activations fit into [`ACTIVATIONS`]; a power of two, so that parts are mostly alike.
    fn rows_at_once(&self, grid: &Arc<[f32]>) -> usize {
        let widest = self.config.hidden_decoder.iter().copied().max().unwrap_or(1);
        let row = grid.len() / self.config.ndim() * widest * size_of::<f32>();
        1 << (ACTIVATIONS / row.max(1)).max(1).ilog2()
    }

    /// Poses `[rows, 4]` with what the decoder turns of its own accord, see [`Networks::lean`].
    fn leaning(&self, pose: Tensor<2>, z: &Tensor<2>, classes: Tensor<1, Int>) -> Tensor<2> {
        let Some(lean) = &self.networks.lean else { return pose };
        let [rows, width] = z.dims();
        let by = lean.forward(z.clone().slice([0..rows, self.config.pose()..width]));
        pose::leaning(pose, by.gather(1, classes.reshape([rows, 1])))
    }

    /// What the decoder's first layer makes of content and class.
    fn code(&self, z: Tensor<2>, classes: Tensor<1, Int>) -> Tensor<2> {
        let [rows, width] = z.dims();
        let content = z.slice([0..rows, self.config.pose()..width]);
        let class = (self.config.classes > 1).then_some(classes);
        self.networks.decoder.code_part(content, class)
    }

    fn plain_logits(&self, pose: Tensor<2>, code: Tensor<2>, grid: &Arc<[f32]>) -> Tensor<2> {
        let ndim = self.config.ndim();
        let pixels = grid.len() / ndim;
        let grid = Tensor::<2>::from_data(TensorData::new(grid.to_vec(), [pixels, ndim]), &pose.device());
        let coordinates = fourier::features(pose::transform(&grid, &pose), self.config.waves);
        self.networks.decoder.logits(coordinates, code, self.config.activation)
    }

    fn task(&self, images: &[u32], subset: &PixelSubset) -> Task {
        Task {
            grid: subset.grid.clone(),
            ndim: self.config.ndim(),
            waves: fourier::waves(self.config.ndim(), self.config.waves).into(),
            widths: self.config.hidden_decoder.clone(),
            activation: self.config.activation,
            likelihood: self.config.likelihood,
            images: images.into(),
            pixel_weight: subset.weight,
        }
    }
}

/// Class index of every row when all classes are enumerated: row `class * batch + image`.
pub fn per_class(batch: usize, classes: usize) -> Vec<u32> {
    (0..classes as u32).flat_map(|c| std::iter::repeat_n(c, batch)).collect()
}

/// Image index of every row when all classes are enumerated.
pub fn per_image(batch: usize, classes: usize) -> Vec<u32> {
    (0..classes).flat_map(|_| 0..batch as u32).collect()
}

fn in_order(images: &[u32], batch: usize) -> bool {
    images.iter().enumerate().all(|(i, &image)| image as usize == i % batch)
}
