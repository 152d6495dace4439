//! How long is one training step, and how many images a second is that?
//!
//! `cargo bench --bench step` measures the CPU (tile kernel and plain operations); `NANOTHECA_BENCH_GPU=1` adds wgpu.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device::{self, Chosen};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use std::time::Duration;

const BATCH: usize = 64;

/// Noise with labels on the first batch: the work of a step does not depend on what is on the pictures.
fn patches(side: usize, classes: usize) -> Arc<PatchSet> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let n = 4 * BATCH;
    let pixels: Vec<f32> = (0..n * side * side).map(|_| rng.random_range(0.0..1.0)).collect();
    let labels = (0..n).map(|i| (i < BATCH).then_some(i % classes)).collect();
    Arc::new(PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out: vec![None; n] })
}

fn trainer(chosen: &Chosen, config: TrainConfig, side: usize, classes: usize) -> Trainer {
    let names: Vec<String> = (0..classes).map(|c| c.to_string()).collect();
    Trainer::new(config, &names, patches(side, classes), &chosen.device, chosen.tiled).expect("a valid job")
}

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
                let mut trainer = trainer(chosen, config, side, classes);
                group.bench_function(BenchmarkId::new(*name, preset), |b| {
                    b.iter(|| trainer.step().expect("a step"));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
