//! Weights by name, named and laid out as pyroVED's state dictionaries: `encoder_z.fc_layers.0.weight` is
//! `[outputs, inputs]`, and every second entry of `fc_layers` is a non-linearity without weights.

use super::VaeConfig;
use super::network::{Classifier, Decoder, Encoder, Networks};
use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;

/// One array: shape and values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Not of pyroVED, see [`Networks::lean`].
const LEAN: &str = "decoder.lean";

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

/// Every weight of the networks.
pub fn to_arrays(networks: &Networks) -> Arrays {
    let mut out = Arrays::new();
    visit(networks, &mut |name, layer| {
        let [inputs, outputs] = layer.weight.val().dims();
        let transposed = layer.weight.val().transpose();
        out.insert(
            format!("{name}.weight"),
            Array { shape: vec![outputs, inputs], values: host(transposed) },
        );
        if let Some(bias) = &layer.bias {
            let values = host(bias.val());
            out.insert(format!("{name}.bias"), Array { shape: vec![values.len()], values });
        }
    });
    out
}

/// Networks with the given weights; every one must be there in its right shape.
///
/// # Errors
/// The name of the array that is missing or misshapen, and how.
pub fn from_arrays(config: &VaeConfig, arrays: &Arrays, device: &Device) -> Result<Networks, String> {
    let (pixels, code) = (config.inputs(), config.class_code());
    let take = Take { arrays, device };
    let last = |widths: &[usize], or: usize| widths.last().copied().unwrap_or(or);
    let h = last(&config.hidden_encoder, pixels + code);
    let encoder = Encoder {
        layers: take.stack("encoder_z.fc_layers", pixels + code, &config.hidden_encoder)?,
        mean: take.layer("encoder_z.fc11", h, config.z(), true)?,
        spread: take.layer("encoder_z.fc12", h, config.z(), true)?,
    };
    let classifier = if config.chooses() { Some(classifier(config, &take)?) } else { None };
    let first = config.hidden_decoder.first().copied().unwrap_or(1);
    let decoder = Decoder {
        coordinate: take.layer("decoder.coord_latent.fc_coord", config.features(), first, true)?,
        code: take.layer("decoder.coord_latent.fc_latent", config.latent + code, first, false)?,
        layers: take.stack("decoder.fc_layers", first, &config.hidden_decoder)?,
        out: take.layer("decoder.out", last(&config.hidden_decoder, first), 1, true)?,
    };
    // Models of before do without.
    let leans = arrays.contains_key(&format!("{LEAN}.weight"));
    let lean = if leans { Some(take.layer(LEAN, config.latent, config.classes, true)?) } else { None };
    Ok(Networks { encoder, classifier, decoder, lean })
}

/// The classifier alone, for use without the rest of the model.
///
/// # Errors
/// As [`from_arrays`].
pub fn classifier_from_arrays(
    config: &VaeConfig,
    arrays: &Arrays,
    device: &Device,
) -> Result<Classifier, String> {
    classifier(config, &Take { arrays, device })
}

fn classifier(config: &VaeConfig, take: &Take<'_>) -> Result<Classifier, String> {
    let pixels = config.inputs();
    let h = config.hidden_classifier.last().copied().unwrap_or(pixels);
    Ok(Classifier {
        layers: take.stack("encoder_y.fc_layers", pixels, &config.hidden_classifier)?,
        out: take.layer("encoder_y.out", h, config.classes, true)?,
    })
}

/// Shapes of a model read off its arrays: hidden widths, classes, latents. What the arrays cannot tell (activation,
/// likelihood, priors, which of rotation, translation and scale) is taken from `base`.
///
/// # Errors
/// The array that is missing, or why the numbers do not fit together.
pub fn infer_config(arrays: &Arrays, dims: Vec<usize>, base: &VaeConfig) -> Result<VaeConfig, String> {
    let shape = |name: &str| {
        let array = arrays.get(name).ok_or_else(|| format!("there is no `{name}`"))?;
        match array.shape[..] {
            [a, b] => Ok((a, b)),
            _ => Err(format!("`{name}` has shape {:?} instead of two axes", array.shape)),
        }
    };
    let widths = |prefix: &str| -> Vec<usize> {
        (0..)
            .map_while(|i| arrays.get(&format!("{prefix}.{}.weight", 2 * i)))
            .filter_map(|array| array.shape.first().copied())
            .collect()
    };
    let mut config = VaeConfig { dims, ..base.clone() };
    config.hidden_encoder = widths("encoder_z.fc_layers");
    config.hidden_decoder = widths("decoder.fc_layers");
    config.hidden_classifier = widths("encoder_y.fc_layers");
    config.classes =
        if arrays.contains_key("encoder_y.out.weight") { shape("encoder_y.out.weight")?.0 } else { 1 };
    let (_, code) = shape("decoder.coord_latent.fc_latent.weight")?;
    config.latent = code.checked_sub(config.class_code()).filter(|&n| n > 0).ok_or_else(|| {
        format!("`decoder.coord_latent.fc_latent.weight` has {code} inputs for {} classes", config.classes)
    })?;
    let (z, _) = shape("encoder_z.fc11.weight")?;
    if z != config.z() {
        return Err(format!(
            "the encoder has {z} latents but the invariances asked for need {} for the pose and the decoder has {} for the content",
            config.pose(),
            config.latent
        ));
    }
    Ok(config)
}

/// Calls `see` with the name and layer of everything that has weights.
fn visit(networks: &Networks, see: &mut impl FnMut(&str, &Linear)) {
    let encoder = &networks.encoder;
    for (i, layer) in encoder.layers.iter().enumerate() {
        see(&format!("encoder_z.fc_layers.{}", 2 * i), layer);
    }
    see("encoder_z.fc11", &encoder.mean);
    see("encoder_z.fc12", &encoder.spread);
    if let Some(classifier) = &networks.classifier {
        for (i, layer) in classifier.layers.iter().enumerate() {
            see(&format!("encoder_y.fc_layers.{}", 2 * i), layer);
        }
        see("encoder_y.out", &classifier.out);
    }
    let decoder = &networks.decoder;
    see("decoder.coord_latent.fc_coord", &decoder.coordinate);
    see("decoder.coord_latent.fc_latent", &decoder.code);
    for (i, layer) in decoder.layers.iter().enumerate() {
        see(&format!("decoder.fc_layers.{}", 2 * i), layer);
    }
    see("decoder.out", &decoder.out);
    if let Some(lean) = &networks.lean {
        see(LEAN, lean);
    }
}

struct Take<'a> {
    arrays: &'a Arrays,
    device: &'a Device,
}

impl Take<'_> {
    fn array(&self, name: &str, shape: &[usize]) -> Result<&Array, String> {
        let array = self.arrays.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
        if array.shape == shape {
            Ok(array)
        } else {
            Err(format!("`{name}` has shape {:?} instead of {shape:?}", array.shape))
        }
    }

    fn layer(&self, name: &str, inputs: usize, outputs: usize, bias: bool) -> Result<Linear, String> {
        let array = self.array(&format!("{name}.weight"), &[outputs, inputs])?;
        let mut turned = vec![0.0; inputs * outputs];
        for (o, row) in array.values.chunks_exact(inputs.max(1)).enumerate() {
            for (i, &w) in row.iter().enumerate() {
                turned[i * outputs + o] = w;
            }
        }
        let weight = Tensor::from_data(TensorData::new(turned, [inputs, outputs]), self.device);
        let bias = if bias {
            let array = self.array(&format!("{name}.bias"), &[outputs])?;
            Some(Tensor::from_data(TensorData::new(array.values.clone(), [outputs]), self.device))
        } else {
            None
        };
        Ok(Linear { weight: Param::from_tensor(weight), bias: bias.map(Param::from_tensor) })
    }

    fn stack(&self, prefix: &str, inputs: usize, widths: &[usize]) -> Result<Vec<Linear>, String> {
        let mut from = inputs;
        widths
            .iter()
            .enumerate()
            .map(|(i, &to)| {
                let layer = self.layer(&format!("{prefix}.{}", 2 * i), from, to, true);
                from = to;
                layer
            })
            .collect()
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap_or_default()
}
