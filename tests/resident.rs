//! What stays on a device is what lies in memory: copies, pixels, pairs and the agreement of two views.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use burn::tensor::{Device, Int, Tensor, TensorData};
use common::{bars_and_discs, gpu};
use nanotheca::model::orbit;
use nanotheca::model::pairs::{Choice, Pairs, Ranked};
use nanotheca::model::vae::Vae;
use nanotheca::model::{Copies, VaeConfig};
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::present::{Grain, Seen, Shown};
use nanotheca::train::resident::{Held, Wide};
use nanotheca::train::trainer::Trainer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Smooth random patches of 40 px with surroundings, which the look (24 points) shrinks; or of 16 px, which it does not.
fn patches(n: usize, side: usize) -> PatchSet {
    let wide = side * 3 / 2;
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut pixels = Vec::new();
    for _ in 0..n {
        let [a, b, c]: [f32; 3] = std::array::from_fn(|_| rng.random_range(0.1..0.5));
        pixels.extend((0..wide * wide).map(|i| {
            let (x, y) = ((i % wide) as f32, (i / wide) as f32);
            0.5 + 0.2 * (a * x).sin() + 0.2 * (b * y + c * x).cos()
        }));
    }
    PatchSet { side, wide, pixels: pixels.into(), labels: vec![None; n], held_out: vec![None; n] }
}

fn model(side: usize) -> VaeConfig {
    TrainConfig::proposed().with_hidden(16).model(vec![side, side], 3)
}

fn poses(n: usize) -> Vec<Shown> {
    let augmentation = TrainConfig::proposed().augmentation.unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    (0..n).map(|_| Shown::random(augmentation, 40, &mut rng)).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}

fn whole(tensor: Tensor<1, Int>) -> Vec<u32> {
    tensor.into_data().iter::<i64>().map(|v| v as u32).collect()
}

fn there(copies: &Copies) -> Vec<f32> {
    let Copies::There(tensor) = copies else { panic!("not on the device") };
    values((**tensor).clone())
}

fn alike(a: &[f32], b: &[f32], most: f32) {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= most, "{apart} apart");
}

fn copies_and_pixels_are_those_in_memory(device: &Device) {
    for side in [40, 16] {
        let set = patches(5, side);
        let seen = Seen::new(&set, &model(side)).unwrap();
        let wide = Wide::new(&seen, device).unwrap();
        let (which, poses) = ([3, 0, 4, 3], poses(4));
        alike(&there(&wide.copies(&which, &poses, &[])), &seen.copied(&which, &poses, &[]), 1e-4);
        let some: Vec<u32> = (0..(side * side) as u32).step_by(7).collect();
        for some in [None, Some(&some[..])] {
            let here = seen.pixels(&which, &poses, some);
            alike(&values(wide.pixels(&which, &poses, some)), &here, 1e-4);
        }
    }
}

fn noise_is_as_strong_as_in_memory_and_the_same_for_a_seed(device: &Device) {
    for side in [40, 16] {
        let set = patches(2, side);
        let seen = Seen::new(&set, &model(side)).unwrap();
        let wide = Wide::new(&seen, device).unwrap();
        let (which, poses) = (vec![0; 240], vec![Shown::default(); 240]);
        let clean = seen.copied(&which, &poses, &[]);
        for (sd, hot) in [(0.2, 0.0), (0.0, 0.1), (0.6, 0.2)] {
            let grain = |seed: u64| (0..240).map(|i| Grain { sd, hot, seed: seed + i }).collect::<Vec<_>>();
            let moments = |noisy: &[f32]| {
                let n = noisy.len() as f32;
                let off: Vec<f32> = noisy.iter().zip(&clean).map(|(a, b)| a - b).collect();
                let mean = off.iter().sum::<f32>() / n;
                [mean, (off.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt()]
            };
            let drawn = |seed: u64| {
                wide.seed(seed);
                [0, 1].map(|_| there(&wide.copies(&which, &poses, &grain(7))))
            };
            let [noisy, next] = drawn(7);
            alike(&noisy, &drawn(7)[0], 1e-6);
            assert!(noisy != drawn(8)[0] && noisy != next, "another seed, or the next draw: the same noise");
            let (a, b) = (moments(&noisy), moments(&seen.copied(&which, &poses, &grain(7))));
            assert!((a[0] - b[0]).abs() < 0.01 && (a[1] / b[1] - 1.0).abs() < 0.05, "{a:?}, here {b:?}");
        }
        // A patch without noise among noisy ones stays as it is.
        let grain = [Grain::default(), Grain { sd: 0.5, hot: 0.1, seed: 1 }];
        let copies = there(&wide.copies(&[1, 1], &poses[..2], &grain));
        let (first, second) = copies.split_at(copies.len() / 2);
        alike(first, &seen.copied(&[1], &poses[..1], &[]), 1e-4);
        assert!(first.iter().zip(second).any(|(a, b)| (a - b).abs() > 0.2));
    }
}

fn pictures_that_are_held_are_taken_in_any_order(device: &Device) {
    let held = Held::new(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 2, device).unwrap();
    assert_eq!(values(held.take(&[2, 0, 2])), [4.0, 5.0, 0.0, 1.0, 4.0, 5.0]);
    assert!(Held::new(&[], 4, device).is_none() && Held::in_pieces(&[0.0; 6], 2, 1, device).is_none());
    // In buffers of two pictures each, the last of which holds one.
    let values_of: Vec<f32> = (0..15).map(|v| v as f32).collect();
    let held = Held::in_pieces(&values_of, 3, 7, device).unwrap();
    let taken = values(held.take(&[4, 0, 3, 1, 2, 4]));
    let expected: Vec<f32> =
        [4, 0, 3, 1, 2, 4].iter().flat_map(|i| (0..3).map(move |k| (3 * i + k) as f32)).collect();
    assert_eq!(taken, expected);
}

/// Log probabilities of some images: some sure, some not.
fn joint(vae: &Vae, n: usize) -> Tensor<2> {
    let all = vae.config.turns() * vae.config.classes;
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let logits = (0..n * all).map(|i| rng.random_range(0.0..1.0) * [300.0, 4.0][i / all % 2]).collect();
    let logits = Tensor::<2>::from_data(TensorData::new(logits, [n, all]), &vae.device());
    burn::tensor::activation::log_softmax(logits, 1)
}

fn fresh(device: &Device) -> Vae {
    Vae::init(model(24), &mut ChaCha8Rng::seed_from_u64(3), device, false)
}

fn the_most_probable_pairs_are_chosen_without_a_look_at_the_host(device: &Device) {
    let vae = fresh(device);
    let (config, log_joint) = (&vae.config, joint(&vae, 6));
    let known = values(log_joint.clone());
    for most in [1, 2, 5, 0] {
        let here = Pairs::choose(config, &known, most, 0.0, true);
        let there = Ranked::choose(config, &log_joint, most);
        assert_eq!((there.images(), there.len()), (&here.images[..], here.len()));
        let entries = |entries: Tensor<1, Int>| {
            let mut entries = whole(entries);
            entries.sort_unstable();
            entries
        };
        assert_eq!(entries(here.entries(config, device)), entries(there.entries(config, device)));
        if most > 0 {
            assert_eq!(whole(here.classes(device)), whole(there.classes(device)));
            let look = config.look.unwrap();
            alike(&values(here.angles(look, device)), &values(there.angles(look, device)), 1e-5);
        }
    }
}

fn two_views_agree_as_they_do_on_the_host(device: &Device) {
    let vae = fresh(device);
    let (k, turns) = (vae.config.classes, vae.config.turns());
    let (first, second) = (joint(&vae, 8), joint(&vae, 8) * 0.5);
    let turned: Vec<f32> = (0..8).map(|i| i as f32 * 0.9 - 3.0).collect();
    let column = Tensor::<2>::from_data(TensorData::new(turned.clone(), [8, 1]), &vae.device());
    for least in [0.6, 0.9] {
        let there = values(orbit::agreement(&vae, first.clone(), second.clone(), column.clone(), least, 0.5));
        let mut sure = 0;
        let known = values(first.clone());
        for (i, log_q) in known.chunks_exact(k * turns).enumerate() {
            let Some((class, angle)) = orbit::confident(log_q, k, turns, least) else {
                assert!(there[i] == 0.0, "{there:?}");
                continue;
            };
            sure += 1;
            let one = second.clone().slice([i..i + 1]);
            let here = orbit::cross_entropy(&vae, one, &[class], &[angle + turned[i]], 0.5);
            alike(&values(here), &there[i..i + 1], 1e-3);
        }
        assert!(sure > 0 && sure < 8, "{sure}");
    }
}

fn everything_on(device: &Device) {
    copies_and_pixels_are_those_in_memory(device);
    noise_is_as_strong_as_in_memory_and_the_same_for_a_seed(device);
    pictures_that_are_held_are_taken_in_any_order(device);
    the_most_probable_pairs_are_chosen_without_a_look_at_the_host(device);
    two_views_agree_as_they_do_on_the_host(device);
}

#[test]
fn what_stays_on_the_cpu_is_what_lies_in_memory() {
    everything_on(&Device::flex());
    // One after the other: a device's noise is one for all threads.
    an_epoch_tells_about_the_same_with_and_without_the_tile_kernel();
}

#[test]
fn what_stays_on_a_gpu_is_what_lies_in_memory() {
    if let Some(gpu) = gpu::or_skip("what_stays_on_a_gpu_is_what_lies_in_memory") {
        everything_on(&gpu.device);
    }
}

fn an_epoch_tells_about_the_same_with_and_without_the_tile_kernel() {
    for config in [TrainConfig::proposed(), TrainConfig::paper()] {
        let config = TrainConfig { class_threshold: 0.0, pixel_share: 1.0, ..config.with_hidden(16) };
        let set = Arc::new(bars_and_discs(40, 16, 10, 3));
        let classes = ["bar".to_owned(), "disc".to_owned()];
        let [tiled, plain] = [true, false].map(|tiled| {
            let mut trainer =
                Trainer::new(config.clone(), &classes, set.clone(), &Device::flex(), tiled).unwrap();
            let first = trainer.step().unwrap().images;
            let sums = std::iter::repeat_with(|| trainer.step().unwrap().epoch).flatten().next().unwrap();
            assert!(sums.loss.is_finite() && trainer.epoch == 1);
            (first, sums.images, sums.loss / sums.images as f64)
        });
        assert_eq!((tiled.0, tiled.1), (plain.0, plain.1));
        assert!(
            (tiled.2 / plain.2 - 1.0).abs() < 0.05,
            "{} in tiles, {} in plain operations",
            tiled.2,
            plain.2
        );
    }
}
