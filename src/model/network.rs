//! Encoder, classifier and spatial decoder.

use super::{Activation, VaeConfig};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use rand::{Rng, RngExt};

/// Applies the hidden non-linearity.
pub fn activate<const D: usize>(x: Tensor<D>, kind: Activation) -> Tensor<D> {
    match kind {
        Activation::Tanh => x.tanh(),
        Activation::Relu => activation::relu(x),
        Activation::LeakyRelu => activation::leaky_relu(x, 0.01),
        Activation::Softplus => activation::softplus(x, 1.0),
    }
}

/// A dense layer with uniform weights in +-1/sqrt(inputs), drawn from the caller's generator so that every device
/// starts from the same numbers.
fn dense(inputs: usize, outputs: usize, bias: bool, rng: &mut impl Rng, device: &Device) -> Linear {
    let bound = 1.0 / (inputs.max(1) as f32).sqrt();
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-bound..=bound)).collect::<Vec<f32>>();
    let weight = TensorData::new(draw(inputs * outputs), [inputs, outputs]);
    let offset = bias.then(|| TensorData::new(draw(outputs), [outputs]));
    Linear {
        weight: Param::from_tensor(Tensor::from_data(weight, device)),
        bias: offset.map(|b| Param::from_tensor(Tensor::from_data(b, device))),
    }
}

/// A dense layer that says nothing yet.
fn zeros(inputs: usize, outputs: usize, device: &Device) -> Linear {
    Linear {
        weight: Param::from_tensor(Tensor::zeros([inputs, outputs], device)),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}

fn stack(inputs: usize, widths: &[usize], rng: &mut impl Rng, device: &Device) -> Vec<Linear> {
    let mut from = inputs;
    widths
        .iter()
        .map(|&to| {
            let layer = dense(from, to, true, rng, device);
            from = to;
            layer
        })
        .collect()
}

/// q(z | x, y): mean and standard deviation of the pose and content latents.
#[derive(Module, Debug)]
pub struct Encoder {
    /// The first layer sees the flattened image, then the one-hot class.
    pub layers: Vec<Linear>,
    pub mean: Linear,
    pub spread: Linear,
}

impl Encoder {
    /// What the first layer makes of the image alone, without bias: `[batch, pixels] -> [batch, width]`.
    ///
    /// Split from the class part so that enumerating K classes reads the image once.
    pub fn image_part(&self, x: Tensor<2>) -> Tensor<2> {
        let [_, pixels] = x.dims();
        let weight = self.layers[0].weight.val();
        x.matmul(weight.slice([0..pixels]))
    }

    /// Mean and standard deviation for rows of (image, class).
    ///
    /// # Shapes
    /// `image`: `[rows, width]` from [`Self::image_part`]; `class`: `[rows]`, `None` for a model of one class;
    /// result: two `[rows, z]`.
    pub fn rows(
        &self,
        image: Tensor<2>,
        pixels: usize,
        class: Option<Tensor<1, Int>>,
        kind: Activation,
    ) -> (Tensor<2>, Tensor<2>) {
        let first = &self.layers[0];
        let mut h = image;
        if let Some(class) = class {
            let weight = first.weight.val();
            let [inputs, _] = weight.dims();
            h = h + weight.slice([pixels..inputs]).select(0, class);
        }
        if let Some(bias) = &first.bias {
            h = h + bias.val().unsqueeze();
        }
        h = activate(h, kind);
        for layer in &self.layers[1..] {
            h = activate(layer.forward(h), kind);
        }
        (self.mean.forward(h.clone()), activation::softplus(self.spread.forward(h), 1.0))
    }
}

/// q(y | x): class logits.
#[derive(Module, Debug)]
pub struct Classifier {
    pub layers: Vec<Linear>,
    pub out: Linear,
}

impl Classifier {
    /// `[batch, pixels] -> [batch, classes]`.
    pub fn forward(&self, x: Tensor<2>, kind: Activation) -> Tensor<2> {
        let h = self.layers.iter().fold(x, |h, layer| activate(layer.forward(h), kind));
        self.out.forward(h)
    }
}

impl Classifier {
    /// All parameters in the order [`super::kernel::Rows`] reads them.
    pub fn flat(&self) -> Tensor<1> {
        flat(self.layers.iter().chain([&self.out]))
    }

    /// Inputs, then the width of each layer.
    pub fn widths(&self) -> Vec<usize> {
        let layers = || self.layers.iter().chain([&self.out]);
        let inputs = layers().next().map(|layer| layer.weight.val().dims()[0]);
        inputs.into_iter().chain(layers().map(|layer| layer.weight.val().dims()[1])).collect()
    }
}

/// Each layer's weight, row-major `[in, out]`, and bias, one after another.
fn flat<'a>(layers: impl Iterator<Item = &'a Linear>) -> Tensor<1> {
    let mut parts = Vec::new();
    for layer in layers {
        parts.push(layer.weight.val().flatten(0, 1));
        if let Some(bias) = &layer.bias {
            parts.push(bias.val());
        }
    }
    Tensor::cat(parts, 0)
}

/// p(x | z, y, pose) at one coordinate: intensity from a coordinate and a code.
#[derive(Module, Debug)]
pub struct Decoder {
    pub coordinate: Linear,
    /// No bias. Inputs: content latents, then the one-hot class.
    pub code: Linear,
    pub layers: Vec<Linear>,
    pub out: Linear,
}

impl Decoder {
    /// What the first layer makes of content and class: `[rows, latent]`, `[rows] -> [rows, width]`.
    pub fn code_part(&self, content: Tensor<2>, class: Option<Tensor<1, Int>>) -> Tensor<2> {
        let [_, latent] = content.dims();
        let weight = self.code.weight.val();
        let [inputs, _] = weight.dims();
        let h = content.matmul(weight.clone().slice([0..latent]));
        match class {
            Some(class) => h + weight.slice([latent..inputs]).select(0, class),
            None => h,
        }
    }

    /// Logits at transformed coordinates, in plain tensor operations.
    ///
    /// # Shapes
    /// `coordinates`: `[rows, pixels, features]`, see [`super::fourier::features`]; `code`: `[rows, width]`; result
    /// `[rows, pixels]`.
    pub fn logits(&self, coordinates: Tensor<3>, code: Tensor<2>, kind: Activation) -> Tensor<2> {
        let [rows, pixels, _] = coordinates.dims();
        // The first layer's non-linearity is tanh whatever the others are, as in pyroVED.
        let mut h = (self.coordinate.forward(coordinates) + code.unsqueeze_dim(1)).tanh();
        for layer in &self.layers {
            h = activate(layer.forward(h), kind); // [rows, pixels, width]
        }
        self.out.forward(h).reshape([rows, pixels])
    }

    /// All parameters the per-pixel part uses, as one vector in the order the kernel reads them:
    /// coordinate weight and bias, each layer's weight and bias, output weight and bias; weights row-major `[in, out]`.
    pub fn flat(&self) -> Tensor<1> {
        flat(std::iter::once(&self.coordinate).chain(&self.layers).chain([&self.out]))
    }
}

/// The three networks.
#[derive(Module, Debug)]
pub struct Networks {
    pub encoder: Encoder,
    pub classifier: Option<Classifier>,
    pub decoder: Decoder,
    /// How far the decoder turns the shapes of each class with their content, radians, `[latent, classes]`; of models that
    /// look at turned copies. A sheared shape is cheapest drawn as one that is partly turned: with this the angle need not
    /// take part in it, and is free to say what labels call upright.
    pub lean: Option<Linear>,
}

impl Networks {
    /// Fresh networks on `device`.
    pub fn init(config: &VaeConfig, rng: &mut impl Rng, device: &Device) -> Self {
        let (pixels, code) = (config.inputs(), config.class_code());
        let last = |widths: &[usize], or: usize| widths.last().copied().unwrap_or(or);
        let encoder = {
            let layers = stack(pixels + code, &config.hidden_encoder, rng, device);
            let h = last(&config.hidden_encoder, pixels + code);
            Encoder {
                layers,
                mean: dense(h, config.z(), true, rng, device),
                spread: dense(h, config.z(), true, rng, device),
            }
        };
        let classifier = config.chooses().then(|| Classifier {
            layers: stack(pixels, &config.hidden_classifier, rng, device),
            out: dense(last(&config.hidden_classifier, pixels), config.classes, true, rng, device),
        });
        let first = config.hidden_decoder.first().copied().unwrap_or(1);
        let decoder = Decoder {
            coordinate: dense(config.features(), first, true, rng, device),
            code: dense(config.latent + code, first, false, rng, device),
            layers: stack(first, &config.hidden_decoder, rng, device),
            out: dense(last(&config.hidden_decoder, first), 1, true, rng, device),
        };
        let leans = config.look.is_some() && config.invariances.rotation;
        let lean = leans.then(|| zeros(config.latent, config.classes, device));
        Self { encoder, classifier, decoder, lean }
    }
}
