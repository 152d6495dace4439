//! Turned copies: an image turned by a quarter keeps its class and content and turns its angle; enumeration is exact.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use nanotheca::explore::traverse::{self, Pose};
use nanotheca::explore::{embed, sanity};
use nanotheca::model::orbit;
use nanotheca::model::pairs::Pairs;
use nanotheca::model::vae::{PixelSubset, Vae};
use nanotheca::model::{Copies, Invariances};
use nanotheca::particle::patch::{PatchSet, sampled};
use nanotheca::sample::cards::{self, Ranges};
use nanotheca::train::config::TrainConfig;
use nanotheca::train::present::{Seen, Shown};
use nanotheca::train::register;
use nanotheca::train::trainer::Trainer;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::{FRAC_PI_2, PI, TAU};
use std::sync::Arc;

fn set(pixels: Vec<f32>, side: usize, labels: Vec<Option<usize>>) -> PatchSet {
    let held_out = vec![None; labels.len()];
    PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out }
}

fn cards(per_class: usize, side: usize, angle_deg: f32, seed: u64) -> (PatchSet, Vec<cards::Factors>) {
    let drawn = cards::draw(per_class, side, Ranges { angle_deg, ..Ranges::default() }, seed);
    let none = vec![None; drawn.factors.len()];
    (set(drawn.pixels, side, none), drawn.factors)
}

fn fresh(side: usize) -> Vae {
    let config = TrainConfig::proposed().with_hidden(16).model(vec![side, side], 4);
    Vae::init(config, &mut ChaCha8Rng::seed_from_u64(3), &Device::flex(), true)
}

fn number(tensor: Tensor<1>) -> f32 {
    tensor.into_data().try_into_vec::<f32>().unwrap()[0]
}

#[test]
fn a_quarter_turn_turns_the_angle_and_nothing_else() {
    let side = 24;
    let (upright, factors) = cards(2, side, 180.0, 5);
    let mut turned = Vec::new();
    for image in upright.pixels.chunks_exact(side * side) {
        // Counter-clockwise on the screen: what was at the right is now on top.
        turned.extend((0..side * side).map(|i| image[(i % side) * side + side - 1 - i / side]));
    }
    let turned = set(turned, side, upright.labels.clone());
    let vae = fresh(side);
    let predict = |set: &PatchSet| embed::predict(&vae, set, &mut || true).unwrap();
    for ((a, b), factors) in predict(&upright).iter().zip(predict(&turned)).zip(factors) {
        for (p, q) in a.probabilities.iter().zip(&b.probabilities) {
            assert!((p - q).abs() < 1e-4, "{a:?} {b:?}");
        }
        for (p, q) in a.mu.iter().zip(&b.mu) {
            assert!((p - q).abs() < 1e-3, "{a:?} {b:?}");
        }
        // A diamond looks the same after half a turn.
        let period = if factors.suit == 3 { PI } else { TAU };
        let apart = (b.angle_rad - a.angle_rad - FRAC_PI_2).rem_euclid(period);
        assert!(apart.min(period - apart) < 1e-3, "{} {}", a.angle_rad, b.angle_rad);
    }
}

#[test]
fn what_the_decoder_leans_is_about_the_centre_of_the_shape() {
    let mut vae = fresh(12);
    let (device, lean) = (Device::flex(), 0.4_f32);
    let (latent, k, z) = (vae.config.latent, vae.config.classes, vae.config.z());
    let weight: Vec<f32> = (0..latent * k).map(|i| 0.1 * (i as f32 - 3.0)).collect();
    let layer = vae.networks.lean.as_mut().unwrap();
    layer.weight =
        Param::from_tensor(Tensor::from_data(TensorData::new(weight.clone(), [latent, k]), &device));
    layer.bias = Some(Param::from_tensor(Tensor::full([k], lean, &device)));
    let plain = {
        let mut vae = vae.clone();
        vae.networks.lean = None;
        vae
    };
    let (angle, shift, class) = (0.7_f32, [0.3_f32, -0.2], 2_usize);
    let content: Vec<f32> = (0..z).map(|i| 0.3 * i as f32 - 0.5).collect();
    let by = lean + (0..latent).map(|j| content[vae.config.pose() + j] * weight[j * k + class]).sum::<f32>();
    let (sin, cos) = by.sin_cos();
    let leaning = [angle + by, shift[0] * cos - shift[1] * sin, shift[0] * sin + shift[1] * cos, 1.0];
    let upright = [angle, shift[0], shift[1], 1.0];
    let grid = PixelSubset::all(&vae.config).grid;
    let drawn = |vae: &Vae, pose: [f32; 4]| {
        let pose = Tensor::<2>::from_data(TensorData::new(pose.to_vec(), [1, 4]), &device);
        let z = Tensor::<2>::from_data(TensorData::new(content.clone(), [1, z]), &device);
        vae.decode_at(pose, z, &[class as u32], &grid).into_data().try_into_vec::<f32>().unwrap()
    };
    let (a, b) = (drawn(&vae, upright), drawn(&plain, leaning));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
    assert!(a.iter().zip(drawn(&plain, upright)).any(|(a, b)| (a - b).abs() > 1e-3), "it leans");
    // So the shift says where the centre is, whatever the lean.
    let [at, same] = [upright, leaning].map(|pose| embed::particle_shift(&pose, &vae.config.dims));
    assert!((at[0] - same[0]).abs() < 1e-4 && (at[1] - same[1]).abs() < 1e-4, "{at:?} {same:?}");
}

#[test]
fn the_encoder_s_angle_is_held_to_the_labels_the_near_way_round() {
    let batch = batch();
    let turns = batch.vae.config.turns();
    let step = TAU / turns as f32;
    let pairs = Pairs { images: vec![0, 1, 2], classes: vec![0, 1, 2], turns: vec![0, 3, turns as u32 - 1] };
    let told = |angles: [f32; 3]| {
        let copies = batch.copies.first(3, turns);
        number(orbit::told_angles(&batch.vae, &copies, &pairs, &angles).unwrap())
    };
    // A known angle is as good a whole turn further on, and costs by the square of how far it is off.
    let angles = [0.05, 3.0 * step, -step];
    assert!((told(angles) - told([0.05 - TAU, 3.0 * step + TAU, TAU - step])).abs() < 1e-2);
    let off = |by: f32| told(angles.map(|angle| angle + by));
    let bend = (off(0.1) + off(-0.1) - 2.0 * off(0.0)) / 0.01;
    assert!((bend - 3.0 / orbit::KNOWN_ANGLE_SD.powi(2)).abs() < 0.02 * bend, "{bend}");
    let flat = TrainConfig {
        invariances: Invariances { rotation: false, translation: true, scale: false },
        ..TrainConfig::proposed()
    };
    let flat =
        Vae::init(flat.model(vec![12, 12], 4), &mut ChaCha8Rng::seed_from_u64(3), &Device::flex(), true);
    assert!(flat.networks.lean.is_none());
    assert!(orbit::told_angles(&flat, &batch.copies, &pairs, &angles).is_none());
}

/// Weight of the latent KL.
const BETA: f32 = 1.5;

struct Batch {
    vae: Vae,
    copies: Copies,
    target: Tensor<2>,
    subset: PixelSubset,
}

fn batch() -> Batch {
    let (set, _) = cards(1, 12, 180.0, 8);
    let vae = fresh(12);
    let device = Device::flex();
    let seen = Seen::new(&set, &vae.config).unwrap();
    let (which, poses) = ([0, 1, 2, 3], [Shown::default(); 4]);
    let copies = seen.copies(&which, &poses, &[]);
    let target = seen.pixels(&which, &poses, None);
    Batch {
        copies,
        target: Tensor::from_data(TensorData::new(target, [4, 144]), &device),
        subset: PixelSubset::all(&vae.config),
        vae,
    }
}

impl Batch {
    fn loss(&self, log_joint: Tensor<2>, most: usize) -> Tensor<1> {
        let known = log_joint.clone().inner_if_tracked();
        let pairs = Pairs::choose(&self.vae.config, &known, most, 0.0, true);
        let eps = Tensor::zeros([pairs.len(), self.vae.config.z()], &Device::flex());
        let (copies, target) = (&self.copies, self.target.clone());
        orbit::unlabelled(&self.vae, copies, log_joint, target, &pairs, eps, BETA, &self.subset).loss
    }
}

trait Known {
    fn inner_if_tracked(self) -> Vec<f32>;
}

impl Known for Tensor<2> {
    fn inner_if_tracked(self) -> Vec<f32> {
        self.into_data().try_into_vec::<f32>().unwrap()
    }
}

#[test]
fn all_pairs_are_the_bound_and_few_tend_to_it() {
    let batch = batch();
    let all = 4 * batch.vae.config.turns();
    // A classifier that is nearly sure: pair 5 of each image, then 9.
    let mut log_joint = vec![-30.0_f32; 4 * all];
    for image in log_joint.chunks_exact_mut(all) {
        image[5] = 0.8_f32.ln();
        image[9] = 0.2_f32.ln();
    }
    let log_joint = Tensor::<2>::from_data(TensorData::new(log_joint, [4, all]), &Device::flex());
    let exact = number(batch.loss(log_joint.clone(), 0));
    let two = number(batch.loss(log_joint.clone(), 2));
    let one = number(batch.loss(log_joint, 1));
    assert!((two - exact).abs() < 1e-4 * exact.abs(), "{two} {exact}");
    assert!((one - exact).abs() > 1e-4 * exact.abs(), "one pair is an approximation: {one} {exact}");
    // With every pair as likely, the exact value is the plain mean over single pairs.
    let uniform = Tensor::<2>::full([4, all], -(all as f32).ln(), &Device::flex());
    let exact = number(batch.loss(uniform.clone(), 0));
    let few = number(batch.loss(uniform, all / 2));
    assert!(((few - exact) / exact).abs() < 0.05, "{few} {exact}");
}

#[test]
fn the_slope_of_class_and_turn_is_that_of_the_bound() {
    let batch = batch();
    let all = 4 * batch.vae.config.turns();
    let logits: Vec<f32> = (0..4 * all).map(|i| ((i * 37) % 19) as f32 * 0.1).collect();
    let device = Device::flex();
    let normal = |logits: Tensor<2>| burn::tensor::activation::log_softmax(logits, 1);
    let plain = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [4, all]), &device);
    let value = |values: Vec<f32>| number(batch.loss(normal(plain(values)), 0));
    let tracked = Batch {
        vae: batch.vae.clone(),
        copies: batch.copies.clone(),
        target: batch.target.clone(),
        subset: batch.subset.clone(),
    };
    let (loss, exact) = {
        let device = device.clone().autodiff();
        let lift = |t: &Tensor<2>| {
            let shape = t.dims();
            Tensor::<2>::from_data(TensorData::new(t.clone().inner_if_tracked(), shape), &device)
        };
        let mut networks =
            Vae::init(tracked.vae.config.clone(), &mut ChaCha8Rng::seed_from_u64(3), &device, true);
        networks.tiled = true;
        let lifted = Batch {
            vae: networks,
            copies: tracked.copies.clone(),
            target: lift(&tracked.target),
            subset: tracked.subset.clone(),
        };
        let logits =
            Tensor::<2>::from_data(TensorData::new(logits.clone(), [4, all]), &device).require_grad();
        let known = normal(logits.clone()).inner().inner_if_tracked();
        let pairs = Pairs::choose(&lifted.vae.config, &known, 0, 0.0, true);
        let eps = Tensor::zeros([pairs.len(), lifted.vae.config.z()], &device);
        let target = lifted.target.clone();
        let terms = orbit::unlabelled(
            &lifted.vae,
            &lifted.copies,
            normal(logits.clone()),
            target,
            &pairs,
            eps,
            BETA,
            &lifted.subset,
        );
        let loss = number(terms.loss.clone().inner());
        let gradients = terms.loss.backward();
        (loss, logits.grad(&gradients).unwrap().inner_if_tracked())
    };
    assert!((loss - value(logits.clone())).abs() < 1e-3 * loss.abs());
    for at in [0, 7, 70, 130, 200] {
        let step = 0.05;
        let moved = |by: f32| {
            let mut values = logits.clone();
            values[at] += by;
            value(values)
        };
        let measured = (moved(step) - moved(-step)) / (2.0 * step);
        assert!(
            (measured - exact[at]).abs() < 0.02 + 0.03 * measured.abs(),
            "{at}: {measured} {}",
            exact[at]
        );
    }
}

#[test]
fn upright_labels_stay_upright_and_turned_ones_are_registered() {
    let side = 24;
    let model = TrainConfig::proposed().model(vec![side, side], 4);
    let (upright, factors) = cards(6, side, 5.0, 4);
    let labels: Vec<u32> = factors.iter().map(|f| f.suit as u32).collect();
    let all: Vec<usize> = (0..upright.len()).collect();
    assert!(register::angles(&upright, &model, &all, &labels).iter().all(|a| *a == 0.0));
    // The same cards without shear, turned by angles that are known.
    let ranges = Ranges { angle_deg: 180.0, shear_deg: 0.0, ..Ranges::default() };
    let drawn = cards::draw(6, side, ranges, 4);
    let labels: Vec<u32> = drawn.factors.iter().map(|f| f.suit as u32).collect();
    let turned = set(drawn.pixels, side, vec![None; labels.len()]);
    let found = register::angles(&turned, &model, &all, &labels);
    for suit in [1, 2] {
        let members: Vec<usize> = all.iter().copied().filter(|&i| labels[i] == suit).collect();
        // Counter-clockwise angles against clockwise factors: their sum is the same for all, the class's own angle.
        let sum = |i: usize| found[i] + drawn.factors[i].angle_deg.to_radians();
        for &i in &members {
            let apart = (sum(i) - sum(members[0])).rem_euclid(TAU);
            assert!(apart.min(TAU - apart) < 0.16, "suit {suit}: {} {}", sum(i), sum(members[0]));
        }
    }
}

#[test]
fn five_upright_labels_teach_every_angle() {
    let side = 16;
    let (unlabelled, truth) = cards(60, side, 180.0, 6);
    let (few, factors) = cards(5, side, 5.0, 7);
    let mut pixels = few.pixels.to_vec();
    pixels.extend_from_slice(&unlabelled.pixels);
    let mut labels: Vec<Option<usize>> = factors.iter().map(|f| Some(f.suit)).collect();
    labels.resize(labels.len() + truth.len(), None);
    let all = set(pixels, side, labels);
    let config = TrainConfig { epochs: 40, ..TrainConfig::proposed().with_hidden(48) };
    let names: Vec<String> = cards::SUITS.iter().map(|s| (*s).to_owned()).collect();
    let mut trainer = Trainer::new(config, &names, Arc::new(all), &Device::flex(), true).unwrap();
    while !trainer.done() {
        trainer.step().unwrap();
    }
    let found = embed::predict(&trainer.snapshot(), &unlabelled, &mut || true).unwrap();
    let right = found.iter().zip(&truth).filter(|(p, f)| p.best() == f.suit).count();
    assert!(right * 100 >= truth.len() * 85, "{right} of {}", truth.len());
}

#[test]
fn points_are_sampled_where_they_are_asked_for() {
    let pixels: Vec<f32> = (0..25).map(|i| (i % 5) as f32).collect();
    let mut out = [0.0; 3];
    let points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    sampled(&pixels, 5, &points, [1.0, 0.0, 0.0, 1.0], [0.5, 0.0], &mut out);
    assert_eq!(out, [2.5, 3.5, 2.5]);
    sampled(&pixels, 5, &points, [0.0, -1.0, 1.0, 0.0], [0.0, 0.0], &mut out);
    assert_eq!(out, [2.0, 2.0, 1.0]);
}

/// The generator is part of the promise: a picture turned by a quarter turns the learned angle and nothing else, and what
/// the decoder draws at what was learned of a picture is that picture, sharply.
#[test]
fn what_was_learned_draws_the_picture_sharply_and_follows_its_turn() {
    let side = 24;
    let ranges = Ranges { angle_deg: 180.0, shift: 0.05, ..Ranges::default() };
    let drawn = cards::draw(90, side, ranges, 6);
    let few = cards::draw(10, side, Ranges { angle_deg: 5.0, ..Ranges::default() }, 7);
    let mut labels: Vec<Option<usize>> = few.factors.iter().map(|f| Some(f.suit)).collect();
    labels.resize(labels.len() + drawn.factors.len(), None);
    let all = set([few.pixels, drawn.pixels.clone()].concat(), side, labels);
    let config = TrainConfig { epochs: 60, ..TrainConfig::proposed().with_hidden(64) };
    let names: Vec<String> = cards::SUITS.iter().map(|s| (*s).to_owned()).collect();
    let mut trainer = Trainer::new(config, &names, Arc::new(all), &Device::flex(), true).unwrap();
    while !trainer.done() {
        trainer.step().unwrap();
    }
    let vae = trainer.snapshot();
    let none = vec![None; drawn.factors.len()];
    let unseen = set(drawn.pixels, side, none);
    let predictions = embed::predict(&vae, &unseen, &mut || true).unwrap();
    let sanity = sanity::check(&vae, &unseen, &predictions, &mut || true).unwrap();
    let [median, most] = sanity.angle_error_deg.unwrap();
    assert!(sanity.class_agreement > 0.98, "{sanity:?}");
    assert!(median < 2.0 && most < 8.0, "{sanity:?}");
    assert!(sanity.content_drift < 0.3, "{sanity:?}");
    // Sharpness: how steep the edges of what is drawn are, beside those of the picture.
    let steepness = |image: &[f32]| -> f32 {
        (0..side * (side - 1)).map(|i| (image[i + side] - image[i]).powi(2)).sum::<f32>()
    };
    let (mut sharp, mut alike) = (Vec::new(), Vec::new());
    for (image, p) in unseen.pixels.chunks_exact(side * side).zip(&predictions) {
        let pose = Pose { angle_rad: p.angle_rad, shift_px: p.shift_px, scale: p.scale };
        let drawn = traverse::image(&vae, p.best(), &p.mu, pose).unwrap();
        sharp.push((steepness(&drawn) / steepness(image)).sqrt());
        let off: f32 = drawn.iter().zip(image).map(|(a, b)| (a - b).powi(2)).sum();
        alike.push(1.0 - off / image.iter().map(|v| v * v).sum::<f32>());
    }
    let middle = |mut values: Vec<f32>| {
        values.sort_unstable_by(f32::total_cmp);
        values[values.len() / 2]
    };
    let (sharp, alike) = (middle(sharp), middle(alike));
    assert!(sharp > 0.6 && alike > 0.93, "steepness {sharp}, explained {alike}");
}
