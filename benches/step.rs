//! How long is one training step, and how many images a second is that?
//!
//! `cargo bench --bench step` measures the CPU (tile kernel and plain operations); `NANOTHECA_BENCH_GPU=1` adds wgpu.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nanotheca::particle::patch::PatchSet;
use nanotheca::sample::cards::{self, Ranges};
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device::{self, Chosen};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use std::time::{Duration, Instant};

const BATCH: usize = 64;
/// Pictures: of fewer the default preset makes smaller batches.
const PICTURES: usize = 24 * BATCH;

/// Labelled pictures: less than a batch, so that the published order's steps on labels alone are told by their size.
const LABELLED: usize = 12;

/// Noise with a few labels: the work of a step on unlabelled pictures does not depend on what is on them.
fn patches(side: usize, classes: usize) -> Arc<PatchSet> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let n = PICTURES;
    let pixels: Vec<f32> = (0..n * side * side).map(|_| rng.random_range(0.0..1.0)).collect();
    let labels = (0..n).map(|i| (i < LABELLED).then_some(i % classes)).collect();
    Arc::new(PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out: vec![None; n] })
}

/// Card suits that a model is soon sure of: then every image of a step is shown twice.
fn suits(side: usize, classes: usize) -> Arc<PatchSet> {
    let ranges = Ranges { angle_deg: 180.0, shift: 0.1, ..Ranges::default() };
    let each = PICTURES / classes;
    let drawn = cards::draw(each, side, ranges, 1);
    let n = classes * each;
    let labels = (0..n).map(|i| (i % each < 20).then_some(i / each)).collect();
    let pixels = drawn.pixels[..n * side * side].into();
    Arc::new(PatchSet { side, wide: side, pixels, labels, held_out: vec![None; n] })
}

fn trainer(chosen: &Chosen, config: TrainConfig, patches: Arc<PatchSet>, classes: usize) -> Trainer {
    let names: Vec<String> = (0..classes).map(|c| c.to_string()).collect();
    Trainer::new(config, &names, patches, &chosen.device, chosen.tiled).expect("a valid job")
}

/// Time that so many steps take which show at least a batch; the published order's labelled ones in between do not count.
fn unlabelled(trainer: &mut Trainer, steps: u64) -> Duration {
    let (mut spent, mut done) = (Duration::ZERO, 0);
    assert_eq!(trainer.config.epoch_of(PICTURES).1, BATCH, "other batches than asked for");
    while done < steps {
        let began = Instant::now();
        if trainer.step().expect("a step").images >= BATCH {
            spent += began.elapsed();
            done += 1;
        }
    }
    spent
}

/// Epochs after which a model of the suits is sure of most of them.
const LEARNED: usize = 25;

fn steps(criterion: &mut Criterion) {
    let mut devices = vec![("cpu-tiles", device::cpu(None))];
    devices.push(("cpu-plain", Chosen { tiled: false, ..device::cpu(None) }));
    if std::env::var_os("NANOTHECA_BENCH_GPU").is_some() {
        devices.push(("wgpu", device::gpu(true).expect("a GPU, or a software driver")));
    }
    for (side, classes, width) in [(48, 4, 128), (24, 3, 64)] {
        let mut group = criterion.benchmark_group(format!("step {side} px K={classes} width {width}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_secs(1))
            .throughput(Throughput::Elements(BATCH as u64));
        for (name, chosen) in &devices {
            for (preset, config) in [("exact", TrainConfig::paper()), ("default", TrainConfig::proposed())] {
                let config = TrainConfig { batch: BATCH, epochs: usize::MAX, ..config.with_hidden(width) };
                let mut trainer = trainer(chosen, config, patches(side, classes), classes);
                group.bench_function(BenchmarkId::new(*name, preset), |b| {
                    b.iter_custom(|steps| unlabelled(&mut trainer, steps));
                });
            }
        }
        let config =
            TrainConfig { batch: BATCH, epochs: usize::MAX, ..TrainConfig::proposed().with_hidden(width) };
        let mut trainer = trainer(&device::cpu(None), config, suits(side, classes), classes);
        group.bench_function(BenchmarkId::new("cpu-tiles", "default, sure"), |b| {
            while trainer.epoch < LEARNED {
                trainer.step().expect("a step");
            }
            b.iter_custom(|steps| unlabelled(&mut trainer, steps));
        });
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
