//! The lattice of an image is found where there is one, as it is, and nowhere else; its phase tells where cells begin.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use nanotheca::lattice::{
    EstimateOptions, Lattice, LockOptions, PhaseLock, Vector, estimate, propose, refine,
};
use nanotheca::micrograph::{Micrograph, format};
use nanotheca::sample::lattice::{Atom, Field, LatticeRecipe};
use std::path::PathBuf;

fn found(image: &Micrograph) -> Lattice {
    let estimate = estimate(image, &EstimateOptions::default());
    let message = estimate.message;
    estimate.found.unwrap_or_else(|| panic!("{message}")).lattice
}

fn refusal(image: &Micrograph) -> String {
    let estimate = estimate(image, &EstimateOptions::default());
    assert!(
        estimate.found.is_none(),
        "{} x {}: {} {:?}",
        image.width,
        image.height,
        estimate.message,
        estimate.peaks
    );
    estimate.message
}

fn image(width: usize, height: usize, value: impl Fn(f64, f64) -> f64) -> Micrograph {
    let pixels = (0..width * height).map(|i| value((i % width) as f64, (i / width) as f64) as f32).collect();
    Micrograph::new(width, height, pixels, None).unwrap()
}

/// Repeatable noise of standard deviation about 1.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        (0..4)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
            })
            .sum::<f64>()
            * 3.0_f64.sqrt()
    }
}

fn length(v: Vector) -> f64 {
    v[0].hypot(v[1])
}

/// Both vectors of the reduced cells agree, up to sign and order where the lattice leaves them open.
fn assert_same(got: &Lattice, want: &Lattice, tolerance: f64, what: &str) {
    for v in [want.a, want.b] {
        // A true lattice vector lies on the lattice that was found.
        let off = length(got.nearest(v)) / length(v);
        assert!(off < tolerance, "{what}: {got:?} for {want:?}, off by {off:.4}");
    }
    let ratio = got.area() / want.area();
    assert!((ratio - 1.0).abs() < 3.0 * tolerance, "{what}: a cell {ratio:.3} times as large");
}

#[test]
fn any_cell_is_found_within_three_thousandths_at_a_signal_to_noise_ratio_of_one() {
    let turned = |length: f64, degrees: f64| -> Vector {
        [length * degrees.to_radians().cos(), length * degrees.to_radians().sin()]
    };
    let cells = [
        ("square", turned(25.0, 0.0), turned(25.0, 90.0)),
        ("turned square", turned(21.3, 17.0), turned(21.3, 107.0)),
        ("rectangle", turned(14.2, -8.0), turned(33.7, 82.0)),
        ("oblique", turned(18.4, 31.0), turned(26.1, 31.0 + 74.0)),
        ("hexagonal", turned(19.7, 5.0), turned(19.7, 65.0)),
        ("small", turned(6.2, 12.0), turned(7.9, 98.0)),
    ];
    for (seed, (what, a, b)) in cells.into_iter().enumerate() {
        let mut recipe = LatticeRecipe::square(512, 400, length(a)).with_cell(a, b).unwrap();
        recipe.snr = Some(1.0);
        recipe.drift = [7.0, -5.0];
        recipe.tilt = [3.0, -2.0];
        recipe.seed = seed as u64;
        let sample = recipe.draw().unwrap();
        assert_same(&found(&sample.micrograph), &sample.lattice, 0.003, what);
    }
}

/// Cells of 20 px in which a few atoms differ: the weak superlattice decides.
#[test]
fn the_true_cell_of_a_weak_superlattice_is_found() {
    let atom = |x: f64, y: f64, intensity: f64| Atom { at: [x, y], intensity, sigma: 2.6, sublattice: 0 };
    let cases = [
        ("2 x 1", [40.0, 0.0], [0.0, 20.0], vec![atom(0.0, 0.0, 1.0), atom(0.5, 0.0, 0.85)]),
        ("c(2 x 2)", [20.0, 20.0], [-20.0, 20.0], vec![atom(0.0, 0.0, 1.0), atom(0.5, 0.5, 0.85)]),
        (
            "3 x 1, one atom displaced",
            [60.0, 0.0],
            [0.0, 20.0],
            vec![atom(0.0, 0.0, 1.0), atom(1.0 / 3.0, 0.07, 1.0), atom(2.0 / 3.0, 0.0, 1.0)],
        ),
    ];
    for (what, a, b, atoms) in cases {
        let mut recipe = LatticeRecipe::square(480, 480, 20.0).with_cell(a, b).unwrap();
        // The recipe's fractions belong to the cell as it was given.
        recipe.lattice = Lattice { a, b };
        recipe.atoms = atoms;
        recipe.snr = Some(2.0);
        recipe.drift = [4.0, 3.0];
        let sample = recipe.draw().unwrap();
        let estimate = estimate(&sample.micrograph, &EstimateOptions::default());
        let found = estimate.found.unwrap_or_else(|| panic!("{what}: {}", estimate.message));
        assert_same(&found.lattice, &sample.lattice, 0.003, what);
        assert!(found.confidence > 0.8, "{what}: {}", found.confidence);
    }
}

#[test]
fn a_slow_change_is_no_superlattice() {
    let fields = [
        Field::Composition { share: 0.3, direction: 0.6, period_px: 170.0 },
        Field::Polar { displacement: [2.5, 1.0], direction: 1.2, period_px: 200.0 },
        Field::Wall { displacement: [2.5, 0.0], direction: 0.4, width_px: 30.0 },
        Field::Strain { strain: 0.02, direction: 0.3 },
    ];
    for field in fields {
        for snr in [None, Some(1.0)] {
            let mut recipe = LatticeRecipe::square(512, 512, 25.0);
            (recipe.field, recipe.snr) = (field, snr);
            let sample = recipe.draw().unwrap();
            assert_same(&found(&sample.micrograph), &sample.lattice, 0.005, &format!("{field:?} {snr:?}"));
        }
    }
}

#[test]
fn where_there_is_no_lattice_the_answer_says_so() {
    let mut draw = noise(5);
    let values: Vec<f64> = (0..300 * 300).map(|_| draw()).collect();
    let white = image(300, 300, |x, y| values[y as usize * 300 + x as usize]);
    assert!(refusal(&white).contains("no peak stands out"));
    assert!(refusal(&image(200, 200, |_, _| 3.0)).contains("constant"));
    refusal(&image(200, 200, |x, y| 0.5 * x - 0.1 * y));
    refusal(&image(200, 200, |x, y| ((x - 70.0) / 40.0).tanh() + 1e-4 * x * y));
    assert!(refusal(&image(20, 300, |x, y| (x + y).sin())).contains("smaller than"));
    let fringes =
        refusal(&image(300, 300, |x, y| (0.4 * x + 0.2 * y).sin() + 0.1 * values[(x + 300.0 * y) as usize]));
    assert!(fringes.contains("one direction"), "{fringes}");
    // A real micrograph of particles: edges, text, a banner.
    for name in ["image_c_02.png", "image_c_r_02.tif"] {
        refusal(&format::open(asset("sample").join(name)).unwrap());
    }
}

#[test]
fn a_period_under_three_pixels_is_named() {
    let sample = image(256, 256, |x, y| (2.9 * x).cos() + (2.8 * y).cos());
    let message = refusal(&sample);
    assert!(message.contains("under 3 px"), "{message}");
}

#[test]
fn lost_rows_hot_pixels_and_masked_adsorbates_do_not_move_the_lattice() {
    let mut recipe = LatticeRecipe::square(400, 400, 22.0);
    (recipe.snr, recipe.adsorbates, recipe.vacancies) = (Some(3.0), 4, 6);
    let sample = recipe.draw().unwrap();
    let mut pixels = sample.micrograph.pixels.to_vec();
    pixels[90 * 400..93 * 400].fill(f32::NAN);
    pixels[120 * 400 + 77] = 1e6;
    let spoiled = Micrograph::new(400, 400, pixels, None).unwrap();
    assert_same(&found(&spoiled), &sample.lattice, 0.003, "spoiled");
    // A quarter of the image is something else; a mask leaves it out.
    let mask: Vec<bool> = (0..160_000).map(|i| i % 400 < 300).collect();
    let mut pixels = sample.micrograph.pixels.to_vec();
    for (i, v) in pixels.iter_mut().enumerate().filter(|(i, _)| !mask[*i]) {
        *v = 4.0 * ((i % 400) as f32 * 0.9).sin() * ((i / 400) as f32 * 0.83).sin();
    }
    let half = Micrograph::new(400, 400, pixels, None).unwrap();
    let estimate = estimate(&half, &EstimateOptions { mask: Some(&mask) });
    assert_same(&estimate.found.unwrap().lattice, &sample.lattice, 0.003, "masked");
}

#[test]
fn an_image_larger_than_a_tile_is_seen_whole() {
    let mut recipe = LatticeRecipe::square(4200, 260, 23.0);
    recipe.snr = Some(1.0);
    let sample = recipe.draw().unwrap();
    assert_same(&found(&sample.micrograph), &sample.lattice, 0.003, "tiles");
}

fn asset(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets").join(name)
}

/// References measured in real space, by autocorrelation; see the README beside the files.
#[test]
fn periods_of_real_images_agree_with_a_reference_measured_in_real_space() {
    let references = [
        ("10_dso_8nm_none_none.png", [0.323, -49.883], [98.109, -0.430]),
        ("Si110_5nmX25us_03_none_none.png", [34.558, 12.767], [-24.432, 28.702]),
        ("image_with_defects.dat.gz", [3.583, -43.458], [39.706, 23.348]),
        ("image_with_step_edge_and_atoms.dat.gz", [34.685, 25.585], [-8.713, 42.343]),
    ];
    for (name, a, b) in references {
        let image = format::open(asset("lattices").join(name)).unwrap();
        let got = found(&image);
        let lengths = got.lengths();
        for (got, want) in lengths.iter().zip([length(a), length(b)]) {
            assert!((got / want - 1.0).abs() < 0.003, "{name}: {got:.3} for {want:.3} px");
        }
        assert_same(&got, &Lattice::new(a, b).unwrap(), 0.01, name);
    }
}

#[test]
fn windows_are_snapped_to_the_cell_at_a_signal_to_noise_ratio_of_one() {
    let mut recipe = LatticeRecipe::square(400, 400, 25.0).with_cell([24.0, 4.0], [-3.0, 27.0]).unwrap();
    (recipe.snr, recipe.tilt) = (Some(1.0), [4.0, 1.0]);
    let sample = recipe.draw().unwrap();
    let lattice = found(&sample.micrograph);
    let lock = PhaseLock::new(&sample.micrograph, &lattice, &LockOptions::default()).unwrap();
    let mut off = Vec::new();
    for y in (0..400).step_by(13) {
        for x in (0..400).step_by(11) {
            let centre = [f64::from(x), f64::from(y)];
            let snapped = lock.snap(centre);
            // The strongest atom stands at the recipe's cell origin.
            let r = [snapped[0] - recipe.origin[0], snapped[1] - recipe.origin[1]];
            off.push(length(recipe.lattice.nearest(r)));
            let moved = length([snapped[0] - centre[0], snapped[1] - centre[1]]);
            assert!(moved < 0.75 * lattice.lengths()[1], "moved by {moved}");
        }
    }
    off.sort_by(f64::total_cmp);
    let (median, most) = (off[off.len() / 2], off[off.len() * 99 / 100]);
    assert!(median < 0.35 && most < 1.5, "median {median:.2} px, 99 % within {most:.2} px");
}

#[test]
fn the_superlattice_decides_which_origin_is_the_right_one() {
    let atom = |x: f64, intensity: f64| Atom { at: [x, 0.0], intensity, sigma: 2.8, sublattice: 0 };
    let mut recipe = LatticeRecipe::square(360, 360, 20.0).with_cell([40.0, 0.0], [0.0, 20.0]).unwrap();
    recipe.lattice = Lattice { a: [40.0, 0.0], b: [0.0, 20.0] };
    recipe.atoms = vec![atom(0.0, 1.0), atom(0.5, 0.8)];
    recipe.snr = Some(2.0);
    let sample = recipe.draw().unwrap();
    let lattice = found(&sample.micrograph);
    let lock = PhaseLock::new(&sample.micrograph, &lattice, &LockOptions::default()).unwrap();
    let mut wrong = 0;
    let places: Vec<Vector> = (20..340)
        .step_by(9)
        .flat_map(|y| (20..340).step_by(7).map(move |x| [f64::from(x), f64::from(y)]))
        .collect();
    for &place in &places {
        let s = lock.snap(place);
        let r = [s[0] - recipe.origin[0], s[1] - recipe.origin[1]];
        wrong += usize::from(length(recipe.lattice.nearest(r)) > 3.0);
    }
    assert!(wrong * 100 <= places.len(), "{wrong} of {} on the weaker atom", places.len());
}

#[test]
fn a_lattice_the_image_does_not_show_cannot_be_locked() {
    let sample = LatticeRecipe::square(200, 200, 20.0).draw().unwrap().micrograph;
    let huge = Lattice::new([300.0, 0.0], [0.0, 20.0]).unwrap();
    let refused = PhaseLock::new(&sample, &huge, &LockOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("does not fit"), "{refused}");
    let mut draw = noise(9);
    let values: Vec<f64> = (0..200 * 200).map(|_| draw()).collect();
    let white = image(200, 200, |x, y| values[y as usize * 200 + x as usize]);
    let other = Lattice::new([17.0, 0.0], [0.0, 17.0]).unwrap();
    let refused = PhaseLock::new(&white, &other, &LockOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("no reflections"), "{refused}");
}

#[test]
fn the_proposed_window_holds_one_to_two_periods_and_the_shift_stays_below_half_of_one() {
    for (a, b) in [([20.0, 0.0], [0.0, 20.0]), ([12.0, 0.0], [3.0, 40.0]), ([98.0, 2.0], [0.0, 50.0])] {
        let lattice = Lattice::new(a, b).unwrap();
        let [short, long] = lattice.lengths();
        let proposal = propose(&lattice, 1024, 1024);
        assert!(proposal.window_px >= long && proposal.window_px <= 2.0 * long, "{proposal:?}");
        assert!(2.0 * proposal.shift_px < 0.5 * short, "{proposal:?}");
        assert!(proposal.residual_px <= proposal.shift_px && (16..=64).contains(&proposal.side));
        assert!((proposal.dx_prior(proposal.window_px / 2.0) - 1.0).abs() < 1e-9);
        assert!(propose(&lattice, 30, 500).window_px <= 30.0);
    }
}

/// Missing atoms scatter diffusely, in between the reflections; that is no larger cell.
#[test]
fn many_vacancies_make_no_supercell() {
    for (vacancies, seed) in [(20, 1), (60, 2), (120, 3)] {
        let recipe = LatticeRecipe { vacancies, seed, ..LatticeRecipe::square(512, 512, 25.0) };
        let sample = recipe.draw().unwrap();
        assert_same(&found(&sample.micrograph), &sample.lattice, 0.01, &format!("{vacancies} vacancies"));
    }
}

fn apart(a: &Lattice, b: &Lattice) -> f64 {
    let off = |p: [f64; 2], q: [f64; 2]| (p[0] - q[0]).hypot(p[1] - q[1]);
    off(a.a, b.a).max(off(a.b, b.b))
}

#[test]
fn a_roughly_drawn_cell_falls_onto_the_lattice_and_a_supercell_stays_one() {
    let mut recipe = LatticeRecipe::square(256, 256, 20.0).with_cell([19.4, 3.1], [-3.1, 19.4]).unwrap();
    recipe.snr = Some(2.0);
    let sample = recipe.draw().unwrap();
    let options = EstimateOptions::default();
    let drawn = Lattice::new([20.6, 4.2], [-2.0, 18.2]).unwrap();
    assert!(apart(&drawn, &sample.lattice) > 1.5);
    let found = refine(&sample.micrograph, &drawn, &options).unwrap();
    assert!(apart(&found, &sample.lattice) < 0.05, "{found:?} {:?}", sample.lattice);
    // Twice as long along a, as somebody may know better than the picture shows.
    let double = Lattice::new([39.6, 5.4], [-2.6, 19.0]).unwrap();
    let found = refine(&sample.micrograph, &double, &options).unwrap();
    assert!((found.area() / sample.lattice.area() - 2.0).abs() < 0.02, "{found:?}");
    let noise = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let noise = Micrograph::new(96, 96, (0..96 * 96).map(noise).collect(), None).unwrap();
    assert!(refine(&noise, &drawn, &options).is_none());
}
