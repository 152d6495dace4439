//! Maps of order parameters: phase analysis recovers known fields, judging tells the lattice from a slow change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use nanotheca::lattice::{EstimateOptions, Lattice, LockOptions, PhaseLock, estimate};
use nanotheca::order::{Gpa, GpaOptions, Map, agree, displacement, gpa, judge};
use nanotheca::sample::lattice::{Field, LatticeRecipe, LatticeSample};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// 25 px cells at a signal-to-noise ratio of 1, turned, drifting and tilted, with a field; and the lattice found in it.
fn sample(field: Field) -> (LatticeSample, Lattice) {
    let mut recipe = LatticeRecipe::square(512, 512, 25.0).with_cell([24.3, 5.1], [-5.1, 24.3]).unwrap();
    recipe.field = field;
    recipe.snr = Some(1.0);
    recipe.drift = [6.0, -4.0];
    recipe.tilt = [2.0, -1.0];
    recipe.seed = 3;
    let sample = recipe.draw().unwrap();
    let found = estimate(&sample.micrograph, &EstimateOptions::default()).found.unwrap();
    (sample, found.lattice)
}

fn phases(sample: &LatticeSample, lattice: &Lattice) -> Gpa {
    gpa(&sample.micrograph, lattice, &GpaOptions::default()).unwrap()
}

#[test]
fn geometric_phase_analysis_recovers_a_strain_gradient_in_noise() {
    let (sample, lattice) = sample(Field::Strain { strain: 0.02, direction: 0.0 });
    let maps = phases(&sample, &lattice);
    let fit = agree::best_fit(&maps.strain[..1], &sample.field).unwrap();
    assert!(fit.r > 0.95, "r {}", fit.r);
    // Its size, too: the field is the strain along x.
    assert!((fit.coefficients[0] - 1.0).abs() < 0.1, "{fit:?}");
    let other = agree::best_fit(&maps.strain[1..2], &sample.field).unwrap();
    assert!(other.r < 0.5, "strain along y follows it, too: {}", other.r);
}

#[test]
fn geometric_phase_analysis_and_the_phase_see_one_sublattice_move() {
    for (field, most) in [
        (Field::Polar { displacement: [2.5, 0.0], direction: 0.6, period_px: 256.0 }, 0.95),
        (Field::Wall { displacement: [2.5, 0.0], direction: 0.4, width_px: 30.0 }, 0.92),
    ] {
        let (sample, lattice) = sample(field);
        let r = |maps: &[Map]| agree::best_fit(maps, &sample.field).unwrap().r;
        let by_gpa = r(&phases(&sample, &lattice).displacement);
        let lock = PhaseLock::new(&sample.micrograph, &lattice, &LockOptions::default()).unwrap();
        let (shift, quality) = displacement(&lock, (512, 512), 1).unwrap();
        let by_phase = r(&shift);
        assert!(by_gpa > most && by_phase > most, "{field:?}: {by_gpa} {by_phase}");
        assert!(quality.stats().min > 0.8, "{:?}", quality.stats());
    }
}

#[test]
fn a_mask_leaves_its_inside_unknown_and_the_rest_as_it_was() {
    let (sample, lattice) = sample(Field::Strain { strain: 0.02, direction: 0.0 });
    let mask: Vec<bool> = (0..512 * 512).map(|i| i % 512 > 220 || i / 512 > 220).collect();
    let options = GpaOptions { mask: Some(&mask), ..GpaOptions::default() };
    let maps = gpa(&sample.micrograph, &lattice, &options).unwrap();
    let strain = &maps.strain[0];
    assert!(strain.values[80 * 512 + 80].is_nan());
    assert!(strain.values[400 * 512 + 400].is_finite());
    assert!(agree::best_fit(std::slice::from_ref(strain), &sample.field).unwrap().r > 0.9);
    let parallel = GpaOptions { reflections: Some([[1, 1], [2, 2]]), ..GpaOptions::default() };
    let refused = gpa(&sample.micrograph, &lattice, &parallel).unwrap_err().to_string();
    assert!(refused.contains("one line"), "{refused}");
}

fn map(width: usize, height: usize, step: f64, f: impl Fn(f64, f64) -> f64) -> Map {
    let value = |i: usize| f(step * (i % width) as f64, step * (i / width) as f64) as f32;
    Map::new(width, height, (0..width * height).map(value).collect(), step, [0.0; 2]).unwrap()
}

fn wave(lattice: &Lattice, hk: [i32; 2], x: f64, y: f64) -> f64 {
    let g = lattice.g(hk);
    (std::f64::consts::TAU * (g[0] * x + g[1] * y)).cos()
}

#[test]
fn a_map_of_the_lattice_leaks_wholly_and_a_slow_one_not_at_all() {
    let lattice = Lattice::new([30.0, 2.0], [5.0, 21.0]).unwrap();
    let pattern = |x: f64, y: f64| {
        wave(&lattice, [1, 0], x, y)
            + 0.5 * wave(&lattice, [1, 1], x, y)
            + 0.2 * wave(&lattice, [2, -1], x, y)
    };
    let slow = |x: f64, y: f64| ((x - 100.0) / 40.0).tanh() + 0.5 * (y / 60.0).sin();
    for step in [1.0, 4.0] {
        // Every fourth pixel: the finer reflections fold back and must still be found.
        let n = (400.0 / step) as usize;
        let lattice_map = judge(&map(n, n, step, pattern), &lattice);
        assert!(lattice_map.leakage > 0.97, "step {step}: {lattice_map:?}");
        assert!(lattice_map.verdict.contains("lattice itself"));
        let clean = judge(&map(n, n, step, slow), &lattice);
        for judged in [&lattice_map, &clean] {
            let (low, all) = (judged.leakage, judged.leakage_all_orders);
            assert!(
                all >= low && judged.leakage_all_orders_of_noise >= judged.leakage_of_noise,
                "{judged:?}"
            );
        }
        assert!(clean.leakage_all_orders < 0.01, "{clean:?}");
        assert!(clean.leakage < 1e-3 && clean.roughness < 0.01, "step {step}: {clean:?}");
        assert!(clean.verdict.starts_with("clean"), "{}", clean.verdict);
        // A tenth of the amplitude is a hundredth of the power.
        let mixed = judge(&map(n, n, step, |x, y| slow(x, y) + 0.1 * pattern(x, y)), &lattice);
        assert!(mixed.leakage > 0.005 && mixed.leakage < 0.1, "step {step}: {mixed:?}");
    }
}

#[test]
fn weak_superlattice_points_count_and_noise_is_told_from_leakage() {
    let cell = Lattice::new([40.0, 0.0], [0.0, 20.0]).unwrap();
    assert!((cell.lengths()[1] - 40.0).abs() < 1e-9);
    let pseudo = Lattice::new([20.0, 0.0], [0.0, 20.0]).unwrap();
    let stripes = map(300, 300, 1.0, |x, y| wave(&cell, [0, 1], x, y));
    assert!(judge(&stripes, &cell).leakage > 0.95);
    assert!(judge(&stripes, &pseudo).leakage < 0.05, "the stripes are not of the smaller cell");
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let noise = Map::over(300, 300, (0..90_000).map(|_| rng.random_range(-1.0..1.0)).collect()).unwrap();
    let judged = judge(&noise, &cell);
    assert!((judged.leakage - judged.leakage_of_noise).abs() < 0.05, "{judged:?}");
    assert!(judged.roughness > 0.8 && judged.verdict.contains("rough"), "{judged:?}");
}

#[test]
fn collapsed_cropped_and_constant_maps_are_judged_without_trouble() {
    let lattice = Lattice::new([20.0, 0.0], [0.0, 20.0]).unwrap();
    let faint = map(200, 200, 1.0, |x, _| 0.01 * (x / 50.0).sin());
    let judged = judge(&faint, &lattice);
    assert!(judged.collapsed && judged.verdict.starts_with("collapsed"), "{judged:?}");
    let constant = judge(&map(50, 50, 1.0, |_, _| 2.0), &lattice);
    assert!(constant.collapsed && constant.leakage < 1e-6);
    let unknown = Map::over(30, 30, vec![f32::NAN; 900]).unwrap();
    assert!(judge(&unknown, &lattice).collapsed);
    // A border that is not known is cropped and does not count as an edge.
    let mut cropped = map(260, 260, 1.0, |x, y| (x / 70.0).sin() + (y / 60.0).cos() + 40.0);
    for i in 0..260 * 260 {
        let (x, y) = (i % 260, i / 260);
        if !(20..240).contains(&x) || !(20..240).contains(&y) {
            cropped.values[i] = f32::NAN;
        }
    }
    let judged = judge(&cropped, &lattice);
    assert!(judged.leakage < 1e-3 && judged.roughness < 0.01, "{judged:?}");
}
