//! How long does it take to find a lattice, to lock its phase and to judge a map?
//!
//! `cargo bench --bench lattice` measures synthetic images of 512 and 1024 px at a signal-to-noise ratio of 1.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use nanotheca::lattice::{EstimateOptions, LockOptions, PhaseLock, estimate};
use nanotheca::order::{GpaOptions, displacement, gpa, judge};
use nanotheca::sample::lattice::{Field, LatticeRecipe};

fn analysis(criterion: &mut Criterion) {
    for side in [512, 1024] {
        let mut recipe = LatticeRecipe::square(side, side, 25.0);
        recipe.snr = Some(1.0);
        recipe.field = Field::Polar { displacement: [2.5, 0.0], direction: 0.6, period_px: 256.0 };
        let sample = recipe.draw().expect("a sample");
        let image = &sample.micrograph;
        let found = estimate(image, &EstimateOptions::default()).found.expect("a lattice");
        let lock = PhaseLock::new(image, &found.lattice, &LockOptions::default()).expect("a phase");
        let mut group = criterion.benchmark_group("lattice");
        group.sample_size(10);
        let id = |what| BenchmarkId::new(what, side);
        group.bench_function(id("estimate"), |b| b.iter(|| estimate(image, &EstimateOptions::default())));
        group.bench_function(id("lock"), |b| {
            b.iter(|| PhaseLock::new(image, &found.lattice, &LockOptions::default()));
        });
        group.bench_function(id("snap 100,000 windows"), |b| {
            let place = |i: usize| [(i * 37 % side) as f64, (i * 91 % side) as f64];
            b.iter(|| (0..100_000).map(|i| lock.snap(place(i))[0]).sum::<f64>());
        });
        group.bench_function(id("displacement of every pixel"), |b| {
            b.iter(|| displacement(&lock, (side, side), 1));
        });
        group.bench_function(id("phase analysis"), |b| {
            b.iter(|| gpa(image, &found.lattice, &GpaOptions::default()));
        });
        group.bench_function(id("judge"), |b| b.iter(|| judge(&sample.field, &found.lattice)));
        group.finish();
    }
}

criterion_group!(benches, analysis);
criterion_main!(benches);
