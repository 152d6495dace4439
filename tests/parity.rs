//! The model computes what the reference implementation computes: every intermediate, loss term and gradient of six
//! small pyroVED models, within 1e-4 relative, with the tile kernel and with plain tensor operations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use nanotheca::model::vae::{PixelSubset, Posterior, Vae, per_class, per_image};
use nanotheca::model::weights::{self, Array, Arrays};
use nanotheca::model::{Activation, Invariances, Likelihood, VaeConfig, grid, objective, pose};
use nanotheca::train::checkpoint::Checkpoint;
use nanotheca::train::config::TrainConfig;
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::PathBuf;

const CASES: [&str; 6] = ["ssrvae_rt", "ssrvae_rts", "ssrvae_gauss", "shiftvae_2d", "rvae_rt", "shiftvae_1d"];
const RELATIVE: f32 = 1e-4;

struct Case {
    name: &'static str,
    config: VaeConfig,
    arrays: BTreeMap<String, Array>,
    labels: Vec<u32>,
}

fn path(name: &str, extension: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/parity").join(format!("{name}.{extension}"))
}

impl Case {
    fn read(name: &'static str) -> Self {
        let bytes = std::fs::read(path(name, "safetensors")).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let text = &metadata.metadata().as_ref().unwrap()["config"];
        let config: serde_json::Value = serde_json::from_str(text).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut arrays = BTreeMap::new();
        let mut labels = Vec::new();
        for (name, view) in tensors.tensors() {
            let words = view.data().chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
            if name == "labels" {
                labels = words.map(u32::from_le_bytes).collect();
            } else {
                let values = words.map(f32::from_le_bytes).collect();
                arrays.insert(name, Array { shape: view.shape().to_vec(), values });
            }
        }
        Self { name, config: model_config(&config), arrays, labels }
    }

    fn array(&self, name: &str) -> &Array {
        self.arrays.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let array = self.array(name);
        Tensor::from_data(TensorData::new(array.values.clone(), array.shape.clone()), device)
    }

    fn vae(&self, device: &Device, tiled: bool) -> Vae {
        let weights: Arrays = self
            .arrays
            .iter()
            .filter_map(|(name, array)| Some((name.strip_prefix("weight.")?.to_owned(), array.clone())))
            .collect();
        let networks = weights::from_arrays(&self.config, &weights, device).unwrap();
        Vae { config: self.config.clone(), networks, tiled }
    }

    /// `[rows, z]` noise, row = class * batch + image.
    fn eps(&self, device: &Device) -> Tensor<2> {
        let [k, batch, z] = self.array("eps").shape[..] else { panic!("eps has three axes") };
        self.tensor::<3>("eps", device).reshape([k * batch, z])
    }

    /// Relative to the largest value of the array, so that entries near zero are judged by the array's own scale.
    fn same(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "{}: {what}: length", self.name);
        let scale = expected.iter().fold(1e-6_f32, |m, x| m.max(x.abs()));
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            assert!((f - e).abs() <= RELATIVE * scale, "{}: {what}[{i}]: {f} instead of {e}", self.name);
        }
    }

    fn same_as(&self, name: &str, found: &[f32]) {
        self.same(name, found, &self.array(name).values);
    }
}

fn model_config(c: &serde_json::Value) -> VaeConfig {
    let numbers = |key: &str| -> Vec<usize> {
        c[key].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let has = |letter: &str| c["invariances"].as_array().unwrap().iter().any(|v| v == letter);
    let prior = |key: &str| c.get(key).and_then(serde_json::Value::as_f64).unwrap_or(0.1) as f32;
    VaeConfig {
        dims: numbers("data_dim"),
        classes: (c["num_classes"].as_u64().unwrap() as usize).max(1),
        latent: c["latent_dim"].as_u64().unwrap() as usize,
        invariances: Invariances { rotation: has("r"), translation: has("t"), scale: has("s") },
        hidden_encoder: numbers("hidden"),
        hidden_decoder: numbers("hidden"),
        hidden_classifier: numbers("hidden"),
        activation: Activation::Tanh,
        likelihood: match c["sampler"].as_str().unwrap() {
            "gaussian" => Likelihood::Gaussian { sigma: c["decoder_sig"].as_f64().unwrap() as f32 },
            _ => Likelihood::Bernoulli,
        },
        shift_prior: prior("dx_prior"),
        scale_prior: prior("sc_prior"),
        angle_prior: 1.0,
        look: None,
        waves: 0,
        input: None,
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}

/// Every gradient of the networks under the reference's names; weights back in `[outputs, inputs]`.
fn gradients(vae: &Vae, loss: Tensor<1>) -> Arrays {
    struct Collect<'a> {
        gradients: &'a burn::tensor::Gradients,
        found: Vec<Vec<f32>>,
    }
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad(self.gradients);
            self.found.push(gradient.map(host).unwrap_or_default());
        }
    }
    let all = loss.backward();
    let mut collect = Collect { gradients: &all, found: Vec::new() };
    vae.networks.visit(&mut collect);
    // The gradients come in the module's order; put each into a copy of the networks to borrow its names.
    let mut found = collect.found.into_iter();
    let holder = vae.networks.clone().map(&mut Fill(&mut found));
    weights::to_arrays(&holder)
}

struct Fill<'a>(&'a mut std::vec::IntoIter<Vec<f32>>);

impl burn::module::ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let shape: Vec<usize> = tensor.dims().to_vec();
        let values = self.0.next().unwrap();
        let tensor = if values.is_empty() {
            tensor.zeros_like()
        } else {
            Tensor::from_data(TensorData::new(values, shape), &tensor.device())
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}

fn check(case: &Case, tiled: bool) {
    let device = Device::flex().autodiff();
    let vae = case.vae(&device, tiled);
    let x = case.tensor::<2>("x", &device);
    let [batch, pixels] = x.dims();
    let k = case.config.classes;
    case.same_as("grid", &grid::coordinates(&case.config.dims));
    let posterior = vae.encode_all(x.clone());
    let z = posterior.sample(case.eps(&device));
    let subset = PixelSubset::all(&case.config);
    let (classes, images) = (per_class(batch, k), per_image(batch, k));
    let ones = Tensor::ones([k * batch], &device);
    let excess = vae.weighted_excess(z.clone(), &classes, &images, x.clone(), ones, &subset);
    let nll = host(excess + vae.uninformed(x.clone(), &subset).repeat_dim(0, k));
    let recon = host(vae.decode(z.clone(), &classes, &subset.grid));
    let flat =
        Tensor::from_data(TensorData::new(subset.grid.to_vec(), [pixels, case.config.ndim()]), &device);
    let coordinates = host(pose::transform(&flat, &pose::from_latents(&case.config, &z, None)));
    let Posterior { mean, sd } = posterior.clone();
    let parts = [
        ("mu", host(mean)),
        ("sigma", host(sd)),
        ("coords", coordinates),
        ("recon", recon),
        ("nll", nll),
        ("kl", host(posterior.kl())),
    ];
    for (name, values) in parts {
        let per = values.len() / k;
        for c in 0..k {
            let name = if k > 1 { format!("{name}.{c}") } else { name.to_owned() };
            case.same_as(&name, &values[c * per..(c + 1) * per]);
        }
    }
    let terms = objective::unlabelled(&vae, x.clone(), case.eps(&device), 1.0, &subset, 0.0);
    let total = if k > 1 { "neg_elbo_unlabelled" } else { "neg_elbo" };
    let expected: f32 = case.array(total).values.iter().sum();
    case.same(total, &host(terms.loss.clone()), &[expected]);
    let found = gradients(&vae, terms.loss);
    for network in ["encoder_z.", "encoder_y.", "decoder."] {
        // One network's gradients as one vector: single arrays of the classifier are differences of sums of hundreds,
        // which the reference itself, in f32, knows to 4e-4 of their own size only.
        let of = |arrays: &Arrays, prefix: &str| -> (Vec<String>, Vec<f32>) {
            let mine = arrays.iter().filter_map(|(n, a)| Some((n.strip_prefix(prefix)?, a)));
            let mine: Vec<_> = mine.filter(|(n, _)| n.starts_with(network)).collect();
            let values = mine.iter().flat_map(|(_, a)| a.values.iter().copied()).collect();
            (mine.iter().map(|(n, _)| (*n).to_owned()).collect(), values)
        };
        let ((names, found), (expected_names, expected)) = (of(&found, ""), of(&case.arrays, "grad."));
        assert_eq!(names, expected_names, "{}: the same arrays", case.name);
        case.same(&format!("gradients of {network}"), &found, &expected);
    }
    if k > 1 {
        check_labelled(case, &vae, &x, batch);
    }
}

/// Class probabilities, and the labelled and auxiliary terms image by image.
fn check_labelled(case: &Case, vae: &Vae, x: &Tensor<2>, batch: usize) {
    let device = x.device();
    case.same_as("class_probs", &host(vae.log_probabilities(x.clone()).exp()));
    case.same_as("cross_entropy", &host(objective::cross_entropy(vae, x.clone(), &case.labels)));
    let subset = PixelSubset::all(&case.config);
    let eps = case.eps(&device);
    let z = case.config.z();
    let mut found = Vec::new();
    for i in 0..batch {
        let row = case.labels[i] as usize * batch + i;
        let (x, eps) = (x.clone().slice([i..i + 1]), eps.clone().slice([row..row + 1, 0..z]));
        found.extend(host(objective::labelled(vae, x, &case.labels[i..i + 1], eps, 1.0, &subset)));
    }
    case.same_as("neg_elbo_labelled", &found);
}

#[test]
fn the_tile_kernel_computes_what_the_reference_computes() {
    for name in CASES {
        check(&Case::read(name), true);
    }
}

#[test]
fn plain_operations_compute_what_the_reference_computes() {
    for name in CASES {
        check(&Case::read(name), false);
    }
}

#[test]
fn weights_as_pyroved_saves_them_give_its_probabilities() {
    let device = Device::flex();
    for name in ["ssrvae_rt", "ssrvae_rts", "ssrvae_gauss"] {
        let case = Case::read(name);
        let train = TrainConfig { invariances: case.config.invariances, ..TrainConfig::paper() };
        let checkpoint =
            Checkpoint::load_pyroved(&path(name, "pt"), case.config.dims.clone(), &train).unwrap();
        assert_eq!(checkpoint.description.model.classes, case.config.classes);
        assert_eq!(checkpoint.description.model.latent, case.config.latent);
        let x = case.tensor::<2>("x", &device);
        let vae = checkpoint.vae(&device, true).unwrap();
        case.same_as("class_probs", &host(vae.log_probabilities(x.clone()).exp()));
        // The classifier alone, from a file that has nothing else.
        let alone = checkpoint.classifier_only();
        let logits = alone.classifier(&device).unwrap().forward(x, Activation::Tanh);
        case.same_as("class_probs", &host(burn::tensor::activation::softmax(logits, 1)));
    }
}

#[test]
fn the_wrong_invariances_for_a_weight_file_are_an_error() {
    let train = TrainConfig {
        invariances: Invariances { rotation: false, translation: false, scale: false },
        ..TrainConfig::paper()
    };
    let error =
        Checkpoint::load_pyroved(&path("ssrvae_rts", "pt"), vec![10, 14], &train).unwrap_err().to_string();
    assert!(error.contains("ssrvae_rts.pt") && error.contains("invariances"), "{error}");
}
