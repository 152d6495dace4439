//! The published recipe off the tile kernel: in passes of one size, whose last is filled up, and in parts that fit into memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::bars_and_discs;
use nanotheca::explore::embed;
use nanotheca::model::objective::{self, Batch};
use nanotheca::model::vae::{PixelSubset, Vae};
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::{Sums, Trainer};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

fn names() -> [String; 2] {
    ["bar".to_owned(), "disc".to_owned()]
}

/// The last epoch's sums and the probability of the first class of every image.
fn trained(config: &TrainConfig, set: &Arc<PatchSet>, tiled: bool) -> (Sums, Vec<f32>) {
    let mut trainer = Trainer::new(config.clone(), &names(), set.clone(), &Device::flex(), tiled).unwrap();
    let mut sums = Sums::default();
    while !trainer.done() {
        sums = trainer.step().unwrap().epoch.unwrap_or(sums);
    }
    let told = embed::predict(&trainer.snapshot(), set, &mut || true).unwrap();
    (sums, told.iter().map(|p| p.probabilities[0]).collect())
}

fn agree(config: &TrainConfig, set: PatchSet) {
    let set = Arc::new(set);
    let [(tiles, here), (plain, there)] = [true, false].map(|tiled| trained(config, &set, tiled));
    assert_eq!(tiles.images, plain.images);
    for (a, b) in [(tiles.loss, plain.loss), (tiles.reconstruction, plain.reconstruction)] {
        assert!((a / b - 1.0).abs() < 1e-3, "{a} in tiles, {b} in passes of one size");
    }
    for (a, b) in [(tiles.kl_latent, plain.kl_latent), (tiles.kl_class, plain.kl_class)] {
        assert!((a - b).abs() < 2e-2 * a.abs().max(1.0), "{a} in tiles, {b} in passes of one size");
    }
    let apart = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 0.02, "probabilities {apart} apart");
}

#[test]
fn a_short_last_batch_is_filled_up_and_tells_the_same() {
    // Unlabelled batches of 32 and 18, labelled ones of 32 and 8.
    let set = bars_and_discs(90, 12, 40, 0);
    for (threshold, share) in [(0.0, 1.0), (0.0, 0.5), (0.3, 1.0)] {
        let config = TrainConfig {
            epochs: 3,
            batch: 32,
            class_threshold: threshold,
            pixel_share: share,
            ..TrainConfig::paper()
        };
        agree(&config.with_hidden(24), set.clone());
    }
}

#[test]
fn a_step_in_parts_is_the_step_at_once() {
    // 2 classes, 2304 pixels and 128 units leave room for 32 images at once: the 40 unlabelled ones take two passes.
    let config = TrainConfig { epochs: 1, ..TrainConfig::paper() };
    agree(&config, bars_and_discs(44, 48, 4, 0));
}

#[test]
fn an_image_that_counts_nothing_changes_no_term() {
    let device = Device::flex();
    let set = bars_and_discs(6, 12, 6, 0);
    let config = TrainConfig::paper().with_hidden(16).model(vec![12, 12], 2);
    let vae = Vae::init(config, &mut ChaCha8Rng::seed_from_u64(1), &device, false);
    let (subset, z) = (PixelSubset::all(&vae.config), vae.config.z());
    let images =
        |n: usize| Tensor::<2>::from_data(TensorData::new(set.pixels[..n * 144].to_vec(), [n, 144]), &device);
    let four = Batch { x: images(4), counts: None };
    let counts =
        Tensor::<1>::from_data(TensorData::new(vec![1.0_f32, 1.0, 1.0, 1.0, 0.0, 0.0], [6]), &device);
    let six = Batch { x: images(6), counts: Some(counts) };
    let value = |term: Tensor<1>| term.into_data().try_into_vec::<f32>().unwrap()[0];
    for threshold in [0.0, 0.45] {
        let noise = |n: usize| Tensor::<2>::zeros([2 * n, z], &device);
        let a = objective::unlabelled(&vae, four.clone(), noise(4), 1.5, &subset, threshold);
        let b = objective::unlabelled(&vae, six.clone(), noise(6), 1.5, &subset, threshold);
        for (a, b) in [
            (a.loss, b.loss),
            (a.reconstruction, b.reconstruction),
            (a.kl_latent, b.kl_latent),
            (a.kl_class, b.kl_class),
        ] {
            let (a, b) = (value(a), value(b));
            assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} of four, {b} with two that do not count");
        }
    }
    let labels = [0, 1, 0, 1, 1, 0];
    let noise = |n: usize| Tensor::<2>::zeros([n, z], &device);
    let a = value(objective::labelled(&vae, four, &labels[..4], noise(4), 1.5, &subset));
    let b = value(objective::labelled(&vae, six, &labels, noise(6), 1.5, &subset));
    assert!((a - b).abs() <= 1e-5 * a.abs(), "{a} of four, {b} with two that do not count");
}
