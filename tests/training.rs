//! Training: it learns, it repeats itself byte for byte, it says clearly what it cannot work with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use burn::tensor::Device;
use common::bars_and_discs;
use nanotheca::explore::embed;
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::checkpoint::Checkpoint;
use nanotheca::train::config::{Invariances, Likelihood, TrainConfig};
use nanotheca::train::trainer::Trainer;
use std::sync::Arc;

fn names(k: usize) -> Vec<String> {
    (0..k).map(|c| format!("class {c}")).collect()
}

fn small(base: TrainConfig, epochs: usize) -> TrainConfig {
    TrainConfig { epochs, batch: 32, ..base.with_hidden(24) }
}

fn train(config: &TrainConfig, set: &PatchSet, classes: usize) -> Trainer {
    let device = Device::flex();
    let mut trainer =
        Trainer::new(config.clone(), &names(classes), Arc::new(set.clone()), &device, true).unwrap();
    while !trainer.done() {
        trainer.step().unwrap();
    }
    trainer
}

fn bytes(trainer: &Trainer) -> Vec<u8> {
    let vae = trainer.snapshot();
    let classes = names(vae.config.classes);
    Checkpoint::of(&vae, &trainer.config, &classes, None, trainer.epoch).to_bytes().unwrap()
}

#[test]
fn it_learns_bars_from_discs_at_any_angle() {
    let set = bars_and_discs(200, 16, 12, 3);
    let trainer = train(&small(TrainConfig::proposed(), 30), &set, 2);
    let vae = trainer.snapshot();
    let predictions = embed::predict(&vae, &set, &mut || true).unwrap();
    let judged: Vec<_> = (0..set.len()).filter(|&i| set.held_out[i].is_some()).collect();
    let right = judged.iter().filter(|&&i| set.held_out[i] == Some(predictions[i].best())).count();
    assert!(right * 100 >= judged.len() * 95, "{right} of {}", judged.len());
    for p in &predictions {
        assert!((p.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!(p.angle_rad.abs() <= std::f32::consts::PI && p.recon_error.is_finite());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let set = bars_and_discs(70, 12, 20, 4);
    for base in [TrainConfig::paper(), TrainConfig::proposed()] {
        let config = small(base, 3);
        let (a, b) = (train(&config, &set, 2), train(&config, &set, 2));
        assert_eq!(bytes(&a), bytes(&b));
        let other = train(&TrainConfig { seed: 2, ..config }, &set, 2);
        assert_ne!(bytes(&a), bytes(&other));
    }
}

#[test]
fn every_subset_of_invariances_and_every_likelihood_trains() {
    let set = bars_and_discs(40, 12, 16, 6);
    for bits in 0..8 {
        let invariances =
            Invariances { rotation: bits & 1 > 0, translation: bits & 2 > 0, scale: bits & 4 > 0 };
        let likelihood = match bits % 3 {
            0 => Likelihood::Bernoulli,
            1 => Likelihood::ContinuousBernoulli,
            _ => Likelihood::Gaussian { sigma: 0.5 },
        };
        let config = TrainConfig { invariances, likelihood, ..small(TrainConfig::proposed(), 2) };
        let trainer = train(&config, &set, 2);
        assert_eq!(trainer.vae.config.z(), trainer.vae.config.pose() + 2);
    }
}

#[test]
fn one_class_is_the_unsupervised_model() {
    let mut set = bars_and_discs(60, 12, 0, 8);
    set.held_out.fill(None);
    let config = TrainConfig { learning_rate: 1e-3, ..small(TrainConfig::paper(), 8) };
    let device = Device::flex();
    let mut trainer = Trainer::new(config, &names(1), Arc::new(set), &device, true).unwrap();
    let mut losses = Vec::new();
    while !trainer.done() {
        if let Some(sums) = trainer.step().unwrap().epoch {
            assert_eq!(sums.kl_class, 0.0);
            losses.push(sums.loss / sums.images as f64);
        }
    }
    assert!(trainer.snapshot().networks.classifier.is_none());
    assert!(losses[7] < losses[0], "{losses:?}");
}

#[test]
fn without_classes_turned_copies_still_find_the_angle() {
    let mut set = bars_and_discs(60, 12, 0, 8);
    set.held_out.fill(None);
    let config = small(TrainConfig::proposed(), 12);
    let trainer = train(&config, &set, 1);
    let vae = trainer.snapshot();
    assert_eq!(vae.config.turns(), config.rotations);
    let found = embed::predict(&vae, &set, &mut || true).unwrap();
    assert!(found.iter().all(|p| p.probabilities == [1.0] && p.angle_rad.is_finite()));
}

#[test]
fn what_cannot_be_trained_on_is_said() {
    let device = Device::flex();
    let refuse = |set: PatchSet, classes: usize| {
        let made =
            Trainer::new(small(TrainConfig::proposed(), 1), &names(classes), Arc::new(set), &device, true);
        made.err().expect("refused").to_string()
    };
    let mut none = bars_and_discs(20, 12, 10, 1);
    none.labels.fill(None);
    assert!(refuse(none, 2).contains("no particle has a class"));
    let mut one = bars_and_discs(20, 12, 10, 1);
    one.labels.iter_mut().for_each(|l| *l = l.map(|_| 1));
    let message = refuse(one, 2);
    assert!(message.contains("one class") && message.contains("class 1"), "{message}");
    let empty = PatchSet { side: 12, wide: 12, pixels: Arc::new([]), labels: vec![], held_out: vec![] };
    assert!(refuse(empty, 2).contains("no particles"));
}

#[test]
fn a_loss_that_explodes_stops_with_the_last_good_weights() {
    let set = bars_and_discs(40, 12, 16, 2);
    // The largest learning rate the settings allow, and a likelihood whose gradient it overflows.
    let config = TrainConfig {
        learning_rate: 1.0,
        likelihood: Likelihood::Gaussian { sigma: 1e-19 },
        ..small(TrainConfig::proposed(), 5)
    };
    let device = Device::flex();
    let mut trainer = Trainer::new(config, &names(2), Arc::new(set), &device, true).unwrap();
    let error = (0..50).find_map(|_| trainer.step().err()).expect("the loss overflows").to_string();
    assert!(error.contains("finite") && error.contains("learning rate"), "{error}");
    let weights = nanotheca::model::weights::to_arrays(&trainer.snapshot().networks);
    assert!(weights.values().all(|a| a.values.iter().all(|v| v.is_finite())));
}

#[test]
fn a_gradient_that_explodes_leaves_the_last_good_weights() {
    // The loss is still finite when its gradient is not any more: only the next step finds out.
    let device = Device::flex();
    let exploded = |base: TrainConfig, seed: u64, tiled: bool| {
        let config = TrainConfig { seed, final_rate: 1.0, ..small(base, 5) };
        let set = Arc::new(bars_and_discs(60, 12, 16, 2));
        let mut trainer = Trainer::new(config, &names(2), set, &device, tiled).unwrap();
        (0..100).find_map(|_| trainer.step().err()).expect("it explodes");
        let weights = nanotheca::model::weights::to_arrays(&trainer.snapshot().networks);
        weights.values().all(|a| a.values.iter().all(|v| v.is_finite()))
    };
    assert!(exploded(TrainConfig { learning_rate: 0.3, ..TrainConfig::proposed() }, 5, true));
    for seed in 1..4 {
        assert!(exploded(TrainConfig { learning_rate: 1.0, ..TrainConfig::paper() }, seed, true));
    }
    // Without the tile kernel, as on a GPU, a step looks at fewer of its numbers.
    for base in [TrainConfig::proposed(), TrainConfig::paper()] {
        let likelihood = Likelihood::Gaussian { sigma: 1e-19 };
        assert!(exploded(TrainConfig { learning_rate: 1.0, likelihood, ..base }, 1, false));
    }
}

#[test]
fn a_model_file_gives_back_the_model() {
    let set = bars_and_discs(40, 12, 16, 5);
    let trainer = train(&small(TrainConfig::proposed(), 2), &set, 2);
    let vae = trainer.snapshot();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let checkpoint = Checkpoint::of(&vae, &trainer.config, &names(2), None, 2);
    checkpoint.save(&path).unwrap();
    #[cfg(unix)]
    {
        // It may be read by whom any new file may be read.
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
        let any = folder.path().join("any");
        std::fs::write(&any, "").unwrap();
        assert_eq!(mode(&path), mode(&any));
    }
    let read = Checkpoint::load(&path).unwrap();
    assert_eq!(read.description, checkpoint.description);
    assert_eq!(read.arrays, checkpoint.arrays);
    let again = read.vae(&Device::flex(), true).unwrap();
    let predict = |vae| embed::predict(vae, &set, &mut || true).unwrap();
    assert_eq!(predict(&vae), predict(&again));
}

#[test]
fn foreign_and_newer_model_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, b"not a model").unwrap();
    let message = Checkpoint::load(&path).unwrap_err().to_string();
    assert!(message.contains("model.safetensors") && message.contains("header"), "{message}");
    let foreign = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/rvae_rt.safetensors");
    let message = Checkpoint::load(&foreign).unwrap_err().to_string();
    assert!(message.contains("not a model of this program"), "{message}");
    let set = bars_and_discs(20, 12, 10, 5);
    let trainer = train(&small(TrainConfig::paper(), 1), &set, 2);
    let mut checkpoint = Checkpoint::of(&trainer.snapshot(), &trainer.config, &names(2), None, 1);
    checkpoint.description.version = 99;
    checkpoint.save(&path).unwrap();
    let message = Checkpoint::load(&path).unwrap_err().to_string();
    assert!(message.contains("99") && message.contains("newer"), "{message}");
}

#[test]
fn a_subset_of_pixels_is_unbiased_and_the_sum_over_few_classes_tends_to_the_full_one() {
    use nanotheca::model::objective;
    use nanotheca::model::vae::PixelSubset;
    let set = bars_and_discs(24, 12, 12, 9);
    let trainer = train(&small(TrainConfig::paper(), 2), &set, 2);
    let vae = trainer.snapshot();
    let device = Device::flex();
    let x = burn::tensor::Tensor::<2>::from_data(
        burn::tensor::TensorData::new(set.pixels.to_vec(), [24, 144]),
        &device,
    );
    let eps = burn::tensor::Tensor::<2>::zeros([48, vae.config.z()], &device);
    let value = |subset: &PixelSubset, threshold: f32| {
        let terms = objective::unlabelled(&vae, x.clone(), eps.clone(), 1.0, subset, threshold);
        f64::from(terms.loss.into_data().try_into_vec::<f32>().unwrap()[0])
    };
    let exact = value(&PixelSubset::all(&vae.config), 0.0);
    // Four disjoint quarters cover every pixel once: their mean is the exact value, not only close to it.
    let quarters: Vec<f64> =
        (0..4).map(|q| value(&PixelSubset::some(&vae.config, (q..144).step_by(4).collect()), 0.0)).collect();
    let mean = quarters.iter().sum::<f64>() / 4.0;
    assert!((mean - exact).abs() < 1e-4 * exact.abs(), "{mean} {exact}");
    assert!(quarters.iter().any(|q| (q - exact).abs() > 1e-3 * exact.abs()), "the quarters differ");
    // The more of the improbable classes are decoded, the nearer to the exact sum; those that are left out here are real.
    let probabilities = vae.log_probabilities(x.clone()).exp().into_data().try_into_vec::<f32>().unwrap();
    let mut least: Vec<f32> = probabilities.chunks_exact(2).map(|q| q[0].min(q[1])).collect();
    least.sort_unstable_by(f32::total_cmp);
    assert!(least[23] > 0.01, "a model that is not sure of everything: {least:?}");
    let off = |threshold: f32| (value(&PixelSubset::all(&vae.config), threshold) - exact).abs();
    let offs = [24, 18, 12, 6, 0].map(|left_out| off(least.get(left_out).map_or(0.9, |q| q * 0.999)));
    assert!(offs[0] > 1e-3 * exact.abs(), "{offs:?} of {exact}");
    assert!(offs.windows(2).all(|pair| pair[1] <= pair[0] + 1e-6 * exact.abs()), "{offs:?} of {exact}");
    assert!(offs[4] < 1e-6 * exact.abs(), "{offs:?} of {exact}");
}
