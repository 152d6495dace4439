//! Classes by what the decoder can draw: better than the classifier where noise is much stronger than in training.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that panics has failed

use burn::tensor::Device;
use nanotheca::error::Error;
use nanotheca::explore::drawings::Drawings;
use nanotheca::explore::embed;
use nanotheca::model::vae::Vae;
use nanotheca::particle::patch::PatchSet;
use nanotheca::sample::cards::{self, Ranges};
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::Trainer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::sync::Arc;

const SIDE: usize = 24;

/// Upright suits within 60 degrees, `each` of a class, the first `labelled` of them with their label.
fn suits(each: usize, labelled: usize, seed: u64) -> PatchSet {
    let ranges = Ranges { angle_deg: 60.0, shift: 0.1, ..Ranges::default() };
    let drawn = cards::draw(each, SIDE, ranges, seed);
    let label = |i: usize| Some(drawn.factors[i].suit);
    PatchSet {
        side: SIDE,
        wide: SIDE,
        labels: (0..4 * each).map(|i| label(i).filter(|_| i % each < labelled)).collect(),
        held_out: (0..4 * each).map(label).collect(),
        pixels: drawn.pixels.into(),
    }
}

fn trained(epochs: usize, set: PatchSet) -> Vae {
    let classes: Vec<String> = (0..4).map(|suit| format!("suit {suit}")).collect();
    let config = TrainConfig { epochs, ..TrainConfig::proposed().with_hidden(64) };
    let mut trainer = Trainer::new(config, &classes, Arc::new(set), &Device::flex(), true).unwrap();
    while !trainer.done() {
        trainer.step().unwrap();
    }
    trainer.snapshot()
}

/// The same pictures under noise, clipped to 0..1.
fn noisy(set: &PatchSet, sd: f32) -> PatchSet {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut noise = || rng.sample::<f32, _>(StandardNormal);
    let pixels = set.pixels.iter().map(|v| (v + sd * noise()).clamp(0.0, 1.0)).collect();
    PatchSet { pixels, ..set.clone() }
}

fn accuracy(set: &PatchSet, best: impl Fn(usize) -> usize) -> f64 {
    let right = (0..set.len()).filter(|&i| set.held_out[i] == Some(best(i))).count();
    right as f64 / set.len() as f64
}

#[test]
fn the_decoder_tells_what_noise_hides_from_the_classifier() {
    let vae = trained(100, suits(200, 40, 3));
    let drawings = Drawings::new(&vae, &mut || true).unwrap();
    let clean = suits(150, 0, 8);
    for (sd, gain) in [(0.0, -0.2), (1.0, 0.02)] {
        let set = noisy(&clean, sd);
        let drawn = drawings.predict(&set.pixels, &mut || true).unwrap();
        let asked = embed::predict(&vae, &set, &mut || true).unwrap();
        let by_drawings = accuracy(&set, |i| drawn[i].0.best());
        let by_classifier = accuracy(&set, |i| asked[i].best());
        println!("sd {sd}: drawings {by_drawings}, classifier {by_classifier}");
        assert!(by_drawings >= by_classifier + gain, "sd {sd}: {by_drawings}, classifier {by_classifier}");
        for (p, pose) in &drawn {
            assert!((p.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{p:?}");
            assert!(p.angle_rad.is_finite() && p.recon_error > 0.0 && pose.iter().all(|v| v.is_finite()));
            assert!(p.sigma.iter().all(|s| *s > 0.0) && p.mu.len() == p.sigma.len());
        }
        // What is left of a clean picture is little, of a noisy one about its noise.
        let mut left: Vec<f32> = drawn.iter().map(|(p, _)| p.recon_error).collect();
        left.sort_unstable_by(f32::total_cmp);
        let middle = left[left.len() / 2];
        assert!(if sd == 0.0 { middle < 0.05 } else { (0.1..0.2).contains(&middle) }, "sd {sd}: {middle}");
        let again = drawings.predict(&set.pixels, &mut || true).unwrap();
        assert!(again.iter().zip(&drawn).all(|(a, b)| a.0.probabilities == b.0.probabilities && a.1 == b.1));
    }
}

#[test]
fn what_cannot_be_asked_is_said() {
    let vae = trained(1, suits(6, 3, 3));
    assert!(matches!(Drawings::new(&vae, &mut || false), Err(Error::Stopped)));
    let drawings = Drawings::new(&vae, &mut || true).unwrap();
    let flat = [0.5; SIDE * SIDE];
    assert!(matches!(drawings.predict(&flat, &mut || false), Err(Error::Stopped)));
    assert!(drawings.predict(&[0.5; 7], &mut || true).unwrap_err().to_string().contains("pixels"));
    assert!(drawings.predict(&[], &mut || true).unwrap().is_empty());
    let (told, _) = drawings.predict(&flat, &mut || true).unwrap().remove(0);
    assert!(told.probabilities.iter().all(|p| p.is_finite()), "{told:?}");
}
