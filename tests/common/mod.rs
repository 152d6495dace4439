//! Small known-answer patch sets for tests.
#![allow(dead_code)] // each test binary uses its own part

pub mod gpu;

use nanotheca::particle::patch::PatchSet;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bars (class 0) and discs (class 1) at any angle, `[n, side, side]`; the first `labelled` carry labels, the rest are
/// held out.
pub fn bars_and_discs(n: usize, side: usize, labelled: usize, seed: u64) -> PatchSet {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut pixels = Vec::with_capacity(n * side * side);
    let (mut labels, mut held_out) = (Vec::new(), Vec::new());
    for i in 0..n {
        let class = i % 2;
        draw(class, side, &mut rng, &mut pixels);
        labels.push((i < labelled).then_some(class));
        held_out.push((i >= labelled).then_some(class));
    }
    PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out }
}

fn draw(class: usize, side: usize, rng: &mut impl Rng, pixels: &mut Vec<f32>) {
    let angle = rng.random_range(-3.1..3.1_f32);
    let (sin, cos) = angle.sin_cos();
    let c = (side as f32 - 1.0) / 2.0;
    let length = side as f32 * rng.random_range(0.34..0.42);
    for row in 0..side {
        for column in 0..side {
            let (x, y) = (column as f32 - c, row as f32 - c);
            let (u, v) = ((x * cos + y * sin).abs(), (y * cos - x * sin).abs());
            let outside =
                if class == 0 { (u - length).max(v - length / 3.5) } else { x.hypot(y) - length * 0.6 };
            let value = 1.0 / (1.0 + (2.0 * outside).exp());
            pixels.push((value + rng.random_range(-0.05..0.05)).clamp(0.0, 1.0));
        }
    }
}
