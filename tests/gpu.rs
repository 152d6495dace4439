//! wgpu computes what the CPU computes: the same weights, batch and noise give the same loss and gradients.
//!
//! One test, because a software driver compiles every kernel once a process and takes a minute or two for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use common::{bars_and_discs, gpu};
use nanotheca::explore::embed;
use nanotheca::model::objective;
use nanotheca::model::vae::{PixelSubset, Vae};
use nanotheca::model::weights;
use nanotheca::train::config::{Augmentation, TrainConfig};
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device::Chosen;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::sync::Arc;

const SIDE: usize = 12;
const BATCH: usize = 8;

/// Loss and all gradients of an unlabelled and a labelled term, in the module's order.
fn evaluate(vae: &Vae, pixels: &[f32], eps: &[f32]) -> (f32, Vec<Vec<f32>>) {
    struct Collect<'a>(&'a burn::tensor::Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad(self.0).expect("a gradient");
            self.1.push(gradient.into_data().try_into_vec::<f32>().unwrap());
        }
    }
    let device = vae.device();
    let z = vae.config.z();
    let x = Tensor::<2>::from_data(TensorData::new(pixels.to_vec(), [BATCH, SIDE * SIDE]), &device);
    let eps = Tensor::<2>::from_data(TensorData::new(eps.to_vec(), [2 * BATCH, z]), &device);
    let subset = PixelSubset::all(&vae.config);
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 2).collect();
    let unlabelled = objective::unlabelled(vae, x.clone(), eps.clone(), 1.5, &subset, 0.0).loss;
    let labelled = objective::labelled(vae, x.clone(), &labels, eps.slice([0..BATCH, 0..z]), 1.5, &subset);
    let auxiliary = objective::cross_entropy(vae, x, &labels).sum().mul_scalar(30.0);
    let loss = unlabelled + labelled + auxiliary;
    let value = loss.clone().into_data().try_into_vec::<f32>().unwrap()[0];
    let gradients = loss.backward();
    let mut collect = Collect(&gradients, Vec::new());
    vae.networks.visit(&mut collect);
    (value, collect.1)
}

/// An epoch of the default preset, new labels, another epoch: the same on both devices as far as rounding goes.
fn trainings_agree(gpu: &Chosen) {
    let mut config =
        TrainConfig { view_noise: 0.0, look_side: 12, ..TrainConfig::proposed().with_hidden(16) };
    config.augmentation = config.augmentation.map(|range| Augmentation { noise: 0.0, ..range });
    let few = Arc::new(bars_and_discs(48, SIDE, 12, 3));
    let more = Arc::new(bars_and_discs(48, SIDE, 30, 3));
    let names = ["bar".to_owned(), "disc".to_owned()];
    let [here, there] = [&Device::flex(), &gpu.device].map(|device| {
        let mut trainer = Trainer::new(config.clone(), &names, few.clone(), device, false).unwrap();
        let epoch = |trainer: &mut Trainer| {
            let sums = std::iter::repeat_with(|| trainer.step().unwrap().epoch).flatten().next().unwrap();
            sums.loss / sums.images as f64
        };
        let first = epoch(&mut trainer);
        trainer.relabel(&names, more.clone()).unwrap();
        let second = epoch(&mut trainer);
        let told = embed::predict(&trainer.snapshot(), &more, &mut || true).unwrap();
        (first, second, told.iter().map(|p| p.probabilities[0]).collect::<Vec<f32>>())
    });
    assert!((here.0 / there.0 - 1.0).abs() < 0.01, "{} on the CPU, {} on {}", here.0, there.0, gpu.name);
    assert!((here.1 / there.1 - 1.0).abs() < 0.02, "{} on the CPU, {} on {}", here.1, there.1, gpu.name);
    let apart = here.2.iter().zip(&there.2).map(|(a, b)| (a - b).abs()).sum::<f32>() / 48.0;
    assert!(apart < 0.05, "probabilities {apart} apart");
}

#[test]
fn wgpu_and_the_cpu_agree() {
    let Some(gpu) = gpu::or_skip("wgpu_and_the_cpu_agree") else { return };
    println!("on {}", gpu.name);
    let set = bars_and_discs(BATCH, SIDE, BATCH, 3);
    let config = TrainConfig::paper().with_hidden(16).model(vec![SIDE, SIDE], 2);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let cpu = Vae::init(config.clone(), &mut rng, &Device::flex().autodiff(), true);
    let eps: Vec<f32> = (0..2 * BATCH * config.z()).map(|_| rng.sample(StandardNormal)).collect();
    let arrays = weights::to_arrays(&cpu.networks);
    let networks = weights::from_arrays(&config, &arrays, &gpu.device.clone().autodiff()).unwrap();
    let there = Vae { config, networks, tiled: false };
    let (a, ga) = evaluate(&cpu, &set.pixels, &eps);
    let (b, gb) = evaluate(&there, &set.pixels, &eps);
    assert!((a - b).abs() <= 1e-3 * a.abs(), "loss {a} on the CPU, {b} on {}", gpu.name);
    trainings_agree(&gpu);
    assert_eq!(ga.len(), gb.len());
    for (i, (a, b)) in ga.iter().zip(&gb).enumerate() {
        let scale = a.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
        for (x, y) in a.iter().zip(b) {
            assert!((x - y).abs() <= 1e-3 * scale, "gradient {i}: {x} on the CPU, {y} on {}", gpu.name);
        }
    }
}
