//! The tile kernel agrees with plain tensor operations and with finite differences, for every likelihood, activation,
//! depth and dimension.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use burn::tensor::{Device, Tensor, TensorData};
use nanotheca::model::kernel::{Inputs, Task, excess_rows, excess_rows_and_gradient};
use nanotheca::model::vae::{PixelSubset, Vae, per_class, per_image};
use nanotheca::model::{Activation, Invariances, Likelihood, VaeConfig, grid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn config(dims: &[usize], hidden: &[usize], activation: Activation, likelihood: Likelihood) -> VaeConfig {
    VaeConfig {
        dims: dims.to_vec(),
        classes: 3,
        latent: 2,
        invariances: Invariances { rotation: true, translation: true, scale: true },
        hidden_encoder: vec![12],
        hidden_decoder: hidden.to_vec(),
        hidden_classifier: vec![12],
        activation,
        likelihood,
        shift_prior: 0.1,
        scale_prior: 0.1,
        angle_prior: 1.0,
        look: None,
        waves: 0,
        input: None,
    }
}

fn random(rng: &mut ChaCha8Rng, shape: [usize; 2], low: f32, high: f32, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| rng.random_range(low..high)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}

/// `least` is what errors are measured by where the values themselves are smaller.
fn close(what: &str, a: &[f32], b: &[f32], tolerance: f32, least: f32) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(least, |m, x| m.max(x.abs()));
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= tolerance * scale, "{what}[{i}]: {x} and {y} (scale {scale})");
    }
}

/// Values with their gradients by row weight, then gradients by latents and weights; kernel on or off.
fn evaluate(vae: &Vae, z: &Tensor<2>, x: &Tensor<2>, w: &Tensor<1>, subset: &PixelSubset) -> Vec<Vec<f32>> {
    let [batch, _] = x.dims();
    let k = vae.config.classes;
    let (z, w) = (z.clone().require_grad(), w.clone().require_grad());
    let out = vae.weighted_excess(
        z.clone(),
        &per_class(batch, k),
        &per_image(batch, k),
        x.clone(),
        w.clone(),
        subset,
    );
    // A different factor a row: the general upstream gradient, not only the uniform one.
    let rows = batch * k;
    let factors: Vec<f32> = (0..rows).map(|r| 0.5 + r as f32 / rows as f32).collect();
    let factors = Tensor::from_data(TensorData::new(factors, [rows]), &z.device());
    let value = host(out.clone());
    let uneven = (out * factors).sum().backward();
    let out = vae.weighted_excess(
        z.clone(),
        &per_class(batch, k),
        &per_image(batch, k),
        x.clone(),
        w.clone(),
        subset,
    );
    let even = out.sum().backward();
    let mut found = vec![value];
    for gradients in [&uneven, &even] {
        found.push(host(z.grad(gradients).unwrap()));
        // By its weight a row has the slope of its value.
        found[0].extend(host(w.grad(gradients).unwrap()));
        let decoder = &vae.networks.decoder;
        for layer in [&decoder.coordinate, &decoder.code, &decoder.out].into_iter().chain(&decoder.layers) {
            // A layer's together: what a bias sums over pixels may cancel to nearly nothing.
            let mut layers = host(layer.weight.val().grad(gradients).unwrap());
            if let Some(bias) = &layer.bias {
                layers.extend(host(bias.val().grad(gradients).unwrap()));
            }
            found.push(layers);
        }
    }
    found
}

const ACTIVATIONS: [Activation; 4] =
    [Activation::Tanh, Activation::LeakyRelu, Activation::Softplus, Activation::Relu];
const LIKELIHOODS: [Likelihood; 3] =
    [Likelihood::Bernoulli, Likelihood::ContinuousBernoulli, Likelihood::Gaussian { sigma: 0.3 }];

/// Every activation with every likelihood, with and without waves.
fn kinds() -> impl Iterator<Item = (Activation, Likelihood, usize)> {
    ACTIVATIONS.into_iter().flat_map(|activation| {
        LIKELIHOODS
            .into_iter()
            .flat_map(move |likelihood| [0, 3].map(|waves| (activation, likelihood, waves)))
    })
}

#[test]
fn the_kernel_is_the_plain_operations() {
    let device = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut shapes: Vec<(Vec<usize>, Vec<usize>)> = vec![
        (vec![12, 12], vec![16, 16]),
        (vec![9, 17], vec![8, 24]),
        (vec![15, 15], vec![7]),
        (vec![12, 12], vec![16, 8, 12]),
        (vec![150], vec![10, 10]),
    ];
    for _ in 0..4 {
        let mut some = |least: usize, most: usize| rng.random_range(least..=most);
        let dims = if some(0, 3) == 0 { vec![some(2, 200)] } else { vec![some(1, 20), some(1, 20)] };
        let layers = some(1, 3);
        shapes.push((dims, (0..layers).map(|_| some(1, 40)).collect()));
    }
    for (dims, hidden) in &shapes {
        for (activation, likelihood, waves) in kinds() {
            let config = VaeConfig { waves, ..config(dims, hidden, activation, likelihood) };
            let mut vae = Vae::init(config.clone(), &mut rng, &device, true);
            let (batch, z) = (4, config.z());
            let x = random(&mut rng, [batch, config.pixels()], 0.0, 1.0, &device);
            let z = random(&mut rng, [batch * 3, z], -2.0, 2.0, &device);
            let w = random(&mut rng, [1, batch * 3], 0.1, 1.0, &device).reshape([batch * 3]);
            let some: Vec<u32> = (0..config.pixels() as u32).step_by(3).collect();
            for subset in [PixelSubset::all(&config), PixelSubset::some(&config, some)] {
                vae.tiled = true;
                let tiled = evaluate(&vae, &z, &x, &w, &subset);
                vae.tiled = false;
                let plain = evaluate(&vae, &z, &x, &w, &subset);
                for (i, (a, b)) in tiled.iter().zip(&plain).enumerate() {
                    // Sines of several periods have that many times the rounding of their argument.
                    let tolerance = if waves > 0 { 5e-5 } else { 1e-5 };
                    // The value is a small rest of the likelihood of all pixels.
                    let least = if i == 0 { 0.1 * config.pixels() as f32 } else { 1e-6 };
                    let what = format!("{dims:?} {hidden:?} {activation:?} {likelihood:?} {waves} part {i}");
                    close(&what, a, b, tolerance, least);
                }
            }
        }
    }
}

#[test]
fn the_gradient_is_the_slope() {
    // Those with a corner have no slope there; that they are the plain ones is shown above.
    for activation in [Activation::Tanh, Activation::Softplus] {
        for likelihood in LIKELIHOODS {
            for waves in [0, 1] {
                slopes(activation, likelihood, waves);
            }
        }
    }
}

fn slopes(activation: Activation, likelihood: Likelihood, waves: usize) {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let task = Task {
        waves: nanotheca::model::fourier::waves(2, waves).into(),
        grid: grid::coordinates(&[13, 13]).into(),
        ndim: 2,
        widths: vec![6, 5],
        activation,
        likelihood,
        images: vec![0, 1, 0].into(),
        pixel_weight: 1.5,
    };
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-0.8..0.8_f32)).collect::<Vec<f32>>();
    let (mut pose, code, parameters) = (draw(12), draw(18), draw(task.parameter_count()));
    pose.iter_mut().skip(3).step_by(4).for_each(|s| *s = 1.1);
    let target: Vec<f32> = draw(2 * 169).iter().map(|v| v + 0.8).map(|v| v / 1.6).collect();
    let weight = [0.7_f32, 1.0, 0.2];
    let total = |pose: &[f32], code: &[f32], parameters: &[f32]| -> f64 {
        let inputs = Inputs { pose, code, parameters, target: &target };
        excess_rows(&task, inputs).iter().zip(weight).map(|(n, w)| f64::from(n * w)).sum()
    };
    let inputs = Inputs { pose: &pose, code: &code, parameters: &parameters, target: &target };
    let (_, gradient) = excess_rows_and_gradient(&task, inputs, &weight);
    let h = 2e-2_f32;
    let near = |what: &str, slope: f64, given: f32| {
        assert!((slope - f64::from(given)).abs() < 0.02 + 0.01 * slope.abs(), "{what}: {slope} {given}");
    };
    for i in 0..pose.len() {
        let (mut up, mut down) = (pose.clone(), pose.clone());
        (up[i], down[i]) = (up[i] + h, down[i] - h);
        let slope = (total(&up, &code, &parameters) - total(&down, &code, &parameters)) / f64::from(2.0 * h);
        near(&format!("pose {i}"), slope, gradient.pose[i]);
    }
    for i in 0..code.len() {
        let (mut up, mut down) = (code.clone(), code.clone());
        (up[i], down[i]) = (up[i] + h, down[i] - h);
        let slope = (total(&pose, &up, &parameters) - total(&pose, &down, &parameters)) / f64::from(2.0 * h);
        near(&format!("code {i}"), slope, gradient.code[i]);
    }
    for i in 0..parameters.len() {
        let (mut up, mut down) = (parameters.clone(), parameters.clone());
        (up[i], down[i]) = (up[i] + h, down[i] - h);
        let slope = (total(&pose, &code, &up) - total(&pose, &code, &down)) / f64::from(2.0 * h);
        near(&format!("parameter {i}"), slope, gradient.parameters[i]);
    }
}

#[test]
fn a_network_over_many_rows_is_the_plain_one() {
    use burn::tensor::activation;
    use nanotheca::model::kernel::Rows;
    use nanotheca::model::recognise::dense_rows;
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for (rows, widths) in [(1, vec![5, 3, 2]), (64, vec![30, 16, 4]), (150, vec![77, 20, 11, 3])] {
        let mut draw = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-0.5..0.5)).collect() };
        let task = Rows {
            values: std::sync::Arc::new(draw(rows * widths[0])),
            widths: widths.clone(),
            activation: Activation::LeakyRelu,
        };
        let parameters = draw(task.parameter_count());
        let slope = draw(rows * widths[widths.len() - 1]);
        let device = Device::flex().autodiff();
        let tensor = |values: &[f32], shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let flat = || {
            let data = TensorData::new(parameters.clone(), [parameters.len()]);
            Tensor::<1>::from_data(data, &device).require_grad()
        };
        let weigh = |out: Tensor<2>| (out * tensor(&slope, [rows, widths[widths.len() - 1]])).sum();
        // The kernel.
        let ours = flat();
        let out = dense_rows(ours.clone(), task.clone());
        let values = host(out.clone().inner());
        let gradient = host(ours.grad(&weigh(out).backward()).unwrap());
        // Plain operations.
        let plain = flat();
        let mut h = tensor(&task.values, [rows, widths[0]]);
        let mut at = 0;
        for (l, w) in widths.windows(2).enumerate() {
            let (from, to) = (w[0], w[1]);
            let weight = plain.clone().slice([at..at + from * to]).reshape([from, to]);
            let bias = plain.clone().slice([at + from * to..at + from * to + to]).reshape([1, to]);
            at += from * to + to;
            h = h.matmul(weight) + bias;
            if l + 2 < widths.len() {
                h = activation::leaky_relu(h, 0.01);
            }
        }
        let expected = host(h.clone().inner());
        let expected_gradient = host(plain.grad(&weigh(h).backward()).unwrap());
        let close = |a: &[f32], b: &[f32]| {
            let norm = b.iter().map(|v| v * v).sum::<f32>().sqrt();
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt() <= 1e-5 * norm
        };
        assert!(close(&values, &expected), "{rows} {widths:?}");
        assert!(close(&gradient, &expected_gradient), "{rows} {widths:?}");
    }
}

#[test]
fn plain_operations_in_parts_are_those_in_one() {
    // Of these pictures 32 rows go through the decoder at once, so that no buffer is larger than every driver gives.
    let device = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let config = config(&[64, 64], &[128, 128], Activation::Tanh, Likelihood::Bernoulli);
    let mut vae = Vae::init(config.clone(), &mut rng, &device, true);
    let batch = 13;
    let x = random(&mut rng, [batch, config.pixels()], 0.0, 1.0, &device);
    let z = random(&mut rng, [batch * 3, config.z()], -1.0, 1.0, &device);
    let w = random(&mut rng, [1, batch * 3], 0.1, 1.0, &device).reshape([batch * 3]);
    let subset = PixelSubset::all(&config);
    let tiled = evaluate(&vae, &z, &x, &w, &subset);
    vae.tiled = false;
    let plain = evaluate(&vae, &z, &x, &w, &subset);
    for (i, (a, b)) in tiled.iter().zip(&plain).enumerate() {
        let least = if i == 0 { 0.1 * config.pixels() as f32 } else { 1e-6 };
        close(&format!("part {i}"), a, b, 1e-5, least);
    }
}
