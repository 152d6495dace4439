//! What does a training step cost as classes and pixels grow?
//!
//! `cargo bench --bench cost` trains on rings (class c is a ring of its own radius, so the classifier is soon sure) and
//! prints CSV: preset, classes, side, milliseconds a step of 64 images once the classifier is sure, and images a second
//! of classification, and of classification and encoding (class, angle, shift, content). `python benches/cost_plot.py FILE` draws it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a bench speaks and may fail

use nanotheca::explore::embed;
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device;
use std::sync::Arc;
use std::time::Instant;

const BATCH: usize = 64;
/// Steps after which rings are told apart, and steps that are timed.
const LEARN: usize = 80;
const TIMED: usize = 9;

fn rings(side: usize, classes: usize) -> Arc<PatchSet> {
    // Of fewer the default preset makes smaller batches.
    let n = 20 * BATCH;
    let mut pixels = Vec::with_capacity(n * side * side);
    let middle = (side as f32 - 1.0) / 2.0;
    for i in 0..n {
        let radius = 0.1 + 0.8 * (i % classes) as f32 / classes as f32;
        for at in 0..side * side {
            let r = ((at % side) as f32 - middle).hypot((at / side) as f32 - middle) / middle;
            // No picture holds denormal numbers, which processors are slow at.
            let value = (-((r - radius) / 0.05).powi(2)).exp();
            pixels.push(if value < 1e-6 { 0.0 } else { value });
        }
    }
    let labels = (0..n).map(|i| (i < 2 * BATCH).then_some(i % classes)).collect();
    Arc::new(PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out: vec![None; n] })
}

fn measure(preset: &str, config: TrainConfig, side: usize, classes: usize) {
    let chosen = device::cpu(None);
    let names: Vec<String> = (0..classes).map(|c| c.to_string()).collect();
    let patches = rings(side, classes);
    let config = TrainConfig { batch: BATCH, epochs: 100_000, ..config };
    let learn = if preset == "default" { LEARN } else { 2 };
    let mut trainer =
        Trainer::new(config, &names, patches.clone(), &chosen.device, chosen.tiled).expect("a valid job");
    for _ in 0..learn {
        trainer.step().expect("a step");
    }
    let mut times: Vec<f64> = (0..TIMED)
        .map(|_| {
            let began = Instant::now();
            trainer.step().expect("a step");
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let vae = trainer.snapshot();
    let all: Vec<usize> = (0..patches.len()).collect();
    let rate = |work: &dyn Fn()| {
        let began = Instant::now();
        let rounds = 2;
        (0..rounds).for_each(|_| work());
        (rounds * all.len()) as f64 / began.elapsed().as_secs_f64()
    };
    let classified =
        rate(&|| assert_eq!(embed::classify(&vae, &patches, &all).expect("classes").len(), all.len()));
    let encoded = rate(&|| {
        assert_eq!(embed::predict_turned(&vae, &patches, &all, 0.0).expect("poses").len(), all.len());
    });
    println!("{preset},{classes},{side},{:.2},{classified:.0},{encoded:.0}", times[TIMED / 2]);
}

fn main() {
    println!("preset,classes,side,ms_per_step,classified_per_s,encoded_per_s");
    for classes in [2, 4, 8, 16] {
        measure("paper", TrainConfig::paper().with_hidden(64), 24, classes);
        measure("default", TrainConfig::proposed().with_hidden(64), 24, classes);
    }
    for side in [16, 24, 32, 48, 64, 96] {
        measure("paper", TrainConfig::paper().with_hidden(64), side, 4);
        measure("default", TrainConfig::proposed().with_hidden(64), side, 4);
    }
}
