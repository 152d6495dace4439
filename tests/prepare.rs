//! Preparation: what is levelled is gone, what is masked has no say, and the picture itself stays as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use nanotheca::micrograph::prepare::{Axis, Length, Step, apply, outliers};
use nanotheca::micrograph::stats::{Stats, percentile};
use nanotheca::micrograph::{Micrograph, PixelSize};
use nanotheca::particle::detect::adsorbates;
use nanotheca::sample::lattice::LatticeRecipe;

const W: usize = 160;
const H: usize = 120;

fn image(value: impl Fn(f64, f64) -> f64) -> Micrograph {
    let pixels = (0..W * H).map(|i| value((i % W) as f64, (i / W) as f64) as f32).collect();
    Micrograph::new(W, H, pixels, None).unwrap()
}

fn atoms(x: f64, y: f64) -> f64 {
    (0.9 * x).sin() * (0.8 * y).cos()
}

/// Root mean square difference of two pictures, their means apart.
fn difference(got: &Micrograph, want: &Micrograph) -> f32 {
    let off: Vec<f32> = got.pixels.iter().zip(want.pixels.iter()).map(|(g, w)| g - w).collect();
    Stats::of(&off).sd
}

#[test]
fn a_plane_and_a_bow_are_removed_and_the_atoms_stay() {
    let flat = image(atoms);
    let tilted = image(|x, y| atoms(x, y) + 0.3 * x - 0.2 * y + 7.0);
    let level = apply(&tilted, &[Step::Plane], None).unwrap();
    assert!(difference(&level, &flat) < 0.02, "{}", difference(&level, &flat));
    assert!(Stats::of(&level.pixels).mean.abs() < 1e-3);
    assert!(difference(&tilted, &flat) > 10.0, "the picture itself was changed");
    let bowed =
        image(|x, y| atoms(x, y) + 1e-3 * (x - 50.0).powi(2) - 2e-5 * (y - 60.0).powi(3) + 2e-3 * x * y);
    let level = apply(&bowed, &[Step::Polynomial { degree: 3 }], None).unwrap();
    assert!(difference(&level, &flat) < 0.05, "{}", difference(&level, &flat));
}

#[test]
fn lines_are_levelled_across_a_step_and_an_adsorbate() {
    let flat = image(|x, y| atoms(x, y) + if x > 100.0 { 5.0 } else { 0.0 });
    let offset = |y: f64| 3.0 * (y * 1.7).sin() + (y * 0.31).cos();
    let adsorbate = |x: f64, y: f64| 20.0 * (-((x - 40.0).powi(2) + (y - 60.0).powi(2)) / 80.0).exp();
    let scanned = image(|x, y| {
        let step = if x > 100.0 { 5.0 } else { 0.0 };
        atoms(x, y) + step + offset(y) + adsorbate(x, y)
    });
    let level = apply(&scanned, &[Step::Lines { axis: Axis::Rows }], None).unwrap();
    let rows: Vec<f32> = (0..H).map(|y| percentile(&level.pixels[y * W..y * W + 30], 50.0)).collect();
    assert!(Stats::of(&rows).sd < 0.35, "rows still differ by {}", Stats::of(&rows).sd);
    let far = |m: &Micrograph| -> Vec<f32> {
        (0..H).map(|y| m.pixel(130, y).unwrap() - m.pixel(20, y).unwrap()).collect()
    };
    let kept: f32 = Stats::of(&far(&level)).mean - Stats::of(&far(&flat)).mean;
    assert!(kept.abs() < 0.2, "the step changed by {kept}");
    // Columns are lines, too.
    let turned = image(|x, y| atoms(x, y) + offset(x));
    let level = apply(&turned, &[Step::Lines { axis: Axis::Columns }], None).unwrap();
    assert!(difference(&level, &image(atoms)) < 1.2);
}

#[test]
fn what_is_masked_has_no_say_but_is_levelled() {
    let bump = |x: f64, y: f64| if (x - 120.0).hypot(y - 30.0) < 20.0 { 50.0 } else { 0.0 };
    let scanned = image(|x, y| atoms(x, y) + 0.1 * x + bump(x, y));
    let mask: Vec<bool> = (0..W * H).map(|i| bump((i % W) as f64, (i / W) as f64) == 0.0).collect();
    let level = apply(&scanned, &[Step::Plane], Some(&mask)).unwrap();
    let want = image(|x, y| atoms(x, y) + bump(x, y));
    assert!(difference(&level, &want) < 0.02, "{}", difference(&level, &want));
    let without = apply(&scanned, &[Step::Plane], None).unwrap();
    assert!(difference(&without, &want) > 1.0, "the mask makes no difference");
    // The same mask, found rather than drawn.
    let flat = image(|x, y| atoms(x, y) + 0.2 * bump(x, y));
    let found = outliers(&flat, 10.0, 6.0);
    assert!(found.iter().zip(&mask).all(|(found, own)| *own || !found), "a part of the adsorbate is left");
    let kept = found.iter().filter(|f| **f).count();
    assert!(kept as f64 > 0.85 * (W * H) as f64, "only {kept} of {} pixels are left", W * H);
}

#[test]
fn filters_keep_what_they_should() {
    let mut hot = image(|_, _| 1.0).pixels.to_vec();
    hot[50 * W + 70] = 900.0;
    let hot = Micrograph::new(W, H, hot, None).unwrap();
    let calm = apply(&hot, &[Step::Median { size_px: 3 }], None).unwrap();
    assert_eq!(Stats::of(&calm.pixels).max, 1.0);
    let smooth = apply(&hot, &[Step::Gaussian { sigma: Length::Px(2.0) }], None).unwrap();
    let sums = [&hot, &smooth].map(|m| m.pixels.iter().map(|v| f64::from(v - 1.0)).sum::<f64>());
    assert!((sums[0] - sums[1]).abs() < 0.01 * sums[0], "{sums:?}");
    // A wave within the band stays, a slower and a faster one go.
    let wave = |period: f64| image(|x, _| (std::f64::consts::TAU * x / period).sin());
    let band = Step::BandPass { shortest: Length::Px(8.0), longest: Length::Px(60.0) };
    let kept = |period: f64| {
        let filtered = apply(&wave(period), &[band], None).unwrap();
        let middle: Vec<f32> = (40..120).map(|x| filtered.pixel(x, 60).unwrap()).collect();
        Stats::of(&middle).max
    };
    assert!(kept(20.0) > 0.85 && kept(3.0) < 0.1 && kept(400.0) < 0.1);
    assert!((kept(8.0) - 0.5).abs() < 0.06, "{}", kept(8.0));
}

#[test]
fn lost_rows_and_columns_are_filled_from_their_neighbours() {
    let truth = image(|x, y| 0.4 * x + 0.7 * y);
    let mut pixels = truth.pixels.to_vec();
    pixels[30 * W..32 * W].fill(f32::NAN);
    (0..H).for_each(|y| pixels[y * W + 90] = f32::INFINITY);
    pixels[..W].fill(f32::NAN);
    let lost = Micrograph::new(W, H, pixels, None).unwrap();
    assert_eq!(lost.replaced, 3 * W + H - 3);
    let filled = apply(&lost, &[], None).unwrap();
    for (x, y) in [(10, 30), (150, 31), (90, 60), (90, 30)] {
        let (got, want) = (filled.pixel(x, y).unwrap(), truth.pixel(x, y).unwrap());
        assert!((got - want).abs() < 0.01, "({x}, {y}): {got} for {want}");
    }
    // Beyond the edge there is only one neighbour; and a plane is fitted to what is known.
    assert!((filled.pixel(10, 0).unwrap() - truth.pixel(10, 1).unwrap()).abs() < 0.01);
    let level = apply(&lost, &[Step::Plane], None).unwrap();
    assert!(level.pixels[W..].iter().all(|v| v.abs() < 0.01));
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let image = image(atoms);
    let refused = |step: Step| apply(&image, &[Step::Plane, step], None).unwrap_err().to_string();
    let cases = [
        (Step::Polynomial { degree: 0 }, "step 2: polynomial: the degree is 0"),
        (Step::Median { size_px: 4 }, "must be odd"),
        (Step::Gaussian { sigma: Length::Px(-1.0) }, "must be above 0"),
        (Step::Gaussian { sigma: Length::Px(f64::NAN) }, "must be above 0"),
        (Step::Gaussian { sigma: Length::Nm(1.0) }, "the pixel size is not known"),
        (Step::BandPass { shortest: Length::Px(9.0), longest: Length::Px(3.0) }, "not below"),
    ];
    for (step, part) in cases {
        let message = refused(step);
        assert!(message.contains(part), "{message}");
    }
    let small = apply(&image, &[Step::Plane], Some(&[true; 7])).unwrap_err().to_string();
    assert!(small.contains("mask: it has 7 pixels"), "{small}");
    let none = apply(&image, &[Step::Plane], Some(&[false; W * H])).unwrap_err().to_string();
    assert!(none.contains("nothing is left"), "{none}");
}

#[test]
fn steps_are_kept_as_text_and_lengths_in_nanometres_follow_the_pixel_size() {
    let steps = [
        Step::Plane,
        Step::Polynomial { degree: 2 },
        Step::Lines { axis: Axis::Rows },
        Step::Median { size_px: 5 },
        Step::Gaussian { sigma: Length::Nm(0.2) },
        Step::BandPass { shortest: Length::Px(3.0), longest: Length::Nm(8.0) },
    ];
    let text = serde_json::to_string(&steps).unwrap();
    assert!(text.contains(r#"{"step":"lines","axis":"rows"}"#), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Step>>(&text).unwrap(), steps);
    let mut spot = image(|x, y| if x == 80.0 && y == 60.0 { 1.0 } else { 0.0 });
    spot.pixel_size = PixelSize::new(0.1, 0.1);
    let nm = apply(&spot, &[Step::Gaussian { sigma: Length::Nm(0.2) }], None).unwrap();
    let px = apply(&spot, &[Step::Gaussian { sigma: Length::Px(2.0) }], None).unwrap();
    assert!(difference(&nm, &px) < 1e-7);
}

#[test]
fn adsorbates_are_outlined_once_and_the_pattern_is_not() {
    let mut recipe = LatticeRecipe::square(200, 200, 12.0);
    (recipe.adsorbates, recipe.tilt, recipe.snr, recipe.seed) = (3, [2.0, 1.0], Some(4.0), 2);
    let sample = recipe.draw().unwrap();
    let found = adsorbates(&sample.micrograph, None, 12.0, 6.0);
    for [x, y] in &sample.adsorbates {
        assert!(found.iter().any(|o| o.contains(*x as f32, *y as f32)), "({x}, {y}) is not outlined");
    }
    let covered: f32 = found.iter().flat_map(|o| o.rows(200)).map(|r| r.x1 - r.x0).sum();
    assert!(covered < 0.15 * 40_000.0, "{covered} of 40000 pixels");
    let mut counts = vec![true; 40_000];
    for row in found.iter().flat_map(|o| o.rows(200)) {
        let (columns, rows) = row.pixels(200, 200);
        rows.for_each(|y| counts[y * 200..][columns.clone()].fill(false));
    }
    let again = adsorbates(&sample.micrograph, Some(&counts), 12.0, 6.0);
    assert!(again.len() < found.len(), "{} after {}", again.len(), found.len());
    // A perfect crystal has nothing on it.
    let clean = LatticeRecipe::square(200, 200, 12.0).draw().unwrap().micrograph;
    assert!(adsorbates(&clean, None, 12.0, 6.0).is_empty());
}
