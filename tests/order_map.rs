//! What a person chooses about a map run does what it says: where windows lie, what they are freed of, what is left out, how
//! smooth the maps are, what the model is blind to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use nanotheca::explore::order_map::{Prepared, prepare};
use nanotheca::micrograph::Micrograph;
use nanotheca::model::Invariances;
use nanotheca::order::profile::fit_wall;
use nanotheca::order::{Map, Profile, Smear};
use nanotheca::sample::lattice::{Field, LatticeRecipe};
use nanotheca::train::shift::{MapSettings, Normalisation, Places, WindowSet};
use nanotheca::worker::Worker;
use nanotheca::worker::mapping::{MapAnswer, MapEvent, MapJob, MapQuery, MapSet, Plan, Summary};
use nanotheca::worker::message::{Command, DeviceChoice, Event};
use std::sync::Arc;

const SIDE: usize = 192;

fn recipe() -> LatticeRecipe {
    LatticeRecipe { snr: Some(4.0), seed: 5, ..LatticeRecipe::square(SIDE, SIDE, 16.0) }
}

fn quick() -> MapSettings {
    MapSettings { epochs: 8, windows: 512, hidden: vec![48, 48], stride: 4, ..MapSettings::default() }
}

/// Windows that lie anywhere and are not averaged.
fn anywhere() -> MapSettings {
    MapSettings { lock: false, window_px: Some(20.0), smoothness: 0.0, ..quick() }
}

fn prepared(image: &Micrograph, mask: Option<&[bool]>, settings: &MapSettings) -> Prepared {
    prepare(image, mask, settings).unwrap()
}

fn run(
    image: &Micrograph,
    mask: Option<Vec<bool>>,
    settings: MapSettings,
) -> (Arc<Plan>, Arc<MapSet>, Arc<Summary>) {
    run_on(&Worker::spawn(|| {}), image, mask, settings)
}

fn run_on(
    worker: &Worker,
    image: &Micrograph,
    mask: Option<Vec<bool>>,
    settings: MapSettings,
) -> (Arc<Plan>, Arc<MapSet>, Arc<Summary>) {
    let mask = mask.map(Into::into);
    let job = MapJob { run: 1, image: Arc::new(image.clone()), mask, settings, device: DeviceChoice::Cpu };
    worker.send(Command::Map(Box::new(job)));
    let (mut plan, mut maps) = (None, None);
    loop {
        match worker.events().recv().unwrap() {
            Event::Map(MapEvent::Planned(found)) => plan = Some(found),
            Event::Map(MapEvent::Maps(found)) => maps = Some(found),
            Event::Map(MapEvent::Finished(summary)) => return (plan.unwrap(), maps.unwrap(), summary),
            Event::Failed { message, .. } | Event::Map(MapEvent::Failed { message, .. }) => {
                panic!("{message}")
            }
            _ => {}
        }
    }
}

#[test]
fn places_lie_at_random_on_a_grid_or_on_atoms() {
    let sample = recipe().draw().unwrap();
    let places = |places: Places, lock: bool| {
        let settings = MapSettings { places, lock, ..anywhere() };
        let found = prepared(&sample.micrograph, None, &settings).places(300, 1).unwrap();
        let again = prepared(&sample.micrograph, None, &settings).places(300, 1).unwrap();
        assert_eq!(found, again, "the same seed, the same places");
        found
    };
    for lock in [false, true] {
        let random = places(Places::Random, lock);
        assert_eq!(random.len(), 300);
        let grid = places(Places::Grid, lock);
        assert!((240..=300).contains(&grid.len()), "{}", grid.len());
        // All lie a whole number of steps apart, along both axes.
        for axis in 0..2 {
            let mut lines: Vec<f64> = grid.iter().map(|p| p[0][axis]).collect();
            lines.sort_by(f64::total_cmp);
            lines.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
            let step = lines[1] - lines[0];
            assert!(lines.len() < 25 && step > 5.0, "{} lines, {step} px", lines.len());
            assert!(lines.windows(2).all(|l| (l[1] - l[0] - step).abs() < 1e-6), "{lines:?}");
        }
        // The recipe's atoms: the strong one at (0.3, 0.4) of the period, the weak one half a cell further.
        let atoms = places(Places::Atoms, lock);
        assert!(atoms.len() > 150, "{}", atoms.len());
        for [[x, y], _] in &atoms {
            let far = [[0.0, 0.0], [8.0, 8.0]].map(|[u, v]: [f64; 2]| {
                let off = [(x - 4.8 - u) / 16.0, (y - 6.4 - v) / 16.0].map(|t| 16.0 * (t - t.round()));
                off[0].hypot(off[1])
            });
            assert!(far[0].min(far[1]) < 1.2, "({x}, {y}) is no atom: {far:?}");
        }
        let near = |p: &[[f64; 2]; 2]| (p[0][0] - p[1][0]).hypot(p[0][1] - p[1][1]);
        assert!(atoms.iter().chain(&grid).all(|p| (near(p) - 0.35 * 16.0).abs() < 0.1));
    }
    // Below a pixel: without noise the places are those of the atoms.
    let clean = LatticeRecipe { snr: None, ..recipe() }.draw().unwrap();
    let settings = MapSettings { places: Places::Atoms, ..anywhere() };
    for [[x, y], _] in prepared(&clean.micrograph, None, &settings).places(300, 1).unwrap() {
        let off = [(x - 4.8) / 8.0, (y - 6.4) / 8.0].map(|t| 8.0 * (t - t.round()));
        assert!(off[0].hypot(off[1]) < 0.15, "({x}, {y})");
    }
    // What `--set places=grid` reads.
    let read: MapSettings = serde_json::from_str(r#"{ "places": "grid" }"#).unwrap();
    assert_eq!(read.places, Places::Grid);
}

/// Mean, standard deviation, lowest and highest value of each window.
fn figures(set: &WindowSet) -> Vec<[f32; 4]> {
    let each = set.values.chunks_exact(set.pixels()).map(|w| {
        let n = w.len() as f32;
        let mean = w.iter().sum::<f32>() / n;
        let sd = (w.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
        let low = w.iter().copied().fold(f32::INFINITY, f32::min);
        [mean, sd, low, w.iter().copied().fold(f32::NEG_INFINITY, f32::max)]
    });
    each.collect()
}

#[test]
fn windows_are_freed_of_what_was_chosen_and_of_nothing_else() {
    // Brighter and with more contrast to the right.
    let sample = recipe().draw().unwrap();
    let pixels = sample.micrograph.pixels.iter().enumerate();
    let pixels = pixels.map(|(i, v)| {
        let part = (i % SIDE) as f32 / SIDE as f32;
        v * (0.5 + part) + 2.0 * (4.0 * part).sin()
    });
    let image = Micrograph::new(SIDE, SIDE, pixels.collect(), None).unwrap();
    let windows = |normalisation| {
        let prepared = prepared(&image, None, &MapSettings { normalisation, ..anywhere() });
        figures(&prepared.draw(1).unwrap())
    };
    let spread = |all: &[[f32; 4]], k: usize| {
        let mean = all.iter().map(|f| f[k]).sum::<f32>() / all.len() as f32;
        (mean, (all.iter().map(|f| (f[k] - mean).powi(2)).sum::<f32>() / all.len() as f32).sqrt())
    };
    let none = windows(Normalisation::None);
    assert!(spread(&none, 0).1 > 0.05 && spread(&none, 1).1 > 0.01, "brightness and contrast are kept");
    let mean = windows(Normalisation::Mean);
    assert!((spread(&mean, 0).0 - 0.5).abs() < 1e-4 && spread(&mean, 0).1 < 1e-4);
    assert!(spread(&mean, 1).1 > 0.01, "contrast is kept");
    let range = windows(Normalisation::MinMax);
    assert!(range.iter().all(|f| f[2].abs() < 1e-4 && (f[3] - 1.0).abs() < 1e-4));
    let contrast = windows(Normalisation::Contrast);
    assert!(contrast.iter().all(|f| (f[0] - 0.5).abs() < 1e-3 && (f[1] - 0.25).abs() < 1e-3));
}

#[test]
fn what_windows_are_freed_of_comes_back_in_what_is_said_of_them() {
    // In units of its own, brighter and with more contrast to the right.
    let sample = recipe().draw().unwrap();
    let pixels = sample.micrograph.pixels.iter().enumerate();
    let pixels = pixels.map(|(i, v)| {
        let part = (i % SIDE) as f32 / SIDE as f32;
        1e3 * (v * (0.8 + 0.4 * part) + 0.15 * (4.0 * part).sin())
    });
    let image = Micrograph::new(SIDE, SIDE, pixels.collect(), None).unwrap();
    let place = [96.0, 104.0];
    for lock in [true, false] {
        let found = |normalisation| {
            // The width that predicts best depends on what is left of the windows.
            let (window_px, average_px) = (Some(20.0), Some(12.0));
            let settings = MapSettings { lock, window_px, average_px, normalisation, ..quick() };
            let worker = Worker::spawn(|| {});
            let (_, maps, summary) = run_on(&worker, &image, None, settings);
            let error = maps.recon_error.as_ref().unwrap().stats().mean;
            worker.send(Command::MapAsk(MapQuery::Place(place)));
            let seen = answer(&worker);
            worker.send(Command::MapAsk(MapQuery::Latents(vec![0.0; 2])));
            (error, seen, answer(&worker), summary.outliers.len())
        };
        let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
        let sd = |v: &[f32]| (v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f32>() / v.len() as f32).sqrt();
        let (error, seen, usual, outliers) = found(Normalisation::None);
        for normalisation in [Normalisation::Mean, Normalisation::MinMax, Normalisation::Contrast] {
            let (own, also, drawn, others) = found(normalisation);
            let what = format!("{normalisation:?}, locked {lock}");
            assert!((0.75..1.25).contains(&(own / error)), "{what}: error {own}, else {error}");
            // Noise is a part of a window's contrast, so that a short run leaves some of the pattern.
            let few = outliers + if normalisation == Normalisation::Contrast { 20 } else { 2 };
            assert!(others <= few, "{what}: {others} outliers, else {outliers}");
            let pairs =
                [(&also.window, &seen.window, 0.1), (&also.reconstruction, &seen.reconstruction, 0.4)];
            // Without locking a short run draws the mean window wherever it is asked.
            let compared = if lock { 2 } else { 1 };
            for (own, other, most) in pairs.into_iter().take(compared) {
                let apart: Vec<f32> = own.iter().zip(other).map(|(a, b)| a - b).collect();
                let rms = (apart.iter().map(|v| v * v).sum::<f32>() / apart.len() as f32).sqrt();
                assert!(rms < most * sd(&seen.window), "{what}: {rms} of {}", sd(&seen.window));
            }
            let spread = sd(&seen.window);
            let off = mean(&drawn.reconstruction) - mean(&usual.reconstruction);
            assert!(!lock || off.abs() < 0.5 * spread, "{what}: {off} of {spread}");
        }
    }
}

fn answer(worker: &Worker) -> MapAnswer {
    let answered = |event| if let Event::Map(MapEvent::Answer(answer)) = event { Some(answer) } else { None };
    worker.events().iter().find_map(answered).unwrap()
}

#[test]
fn a_wall_is_as_wide_as_on_the_specimen_or_told_as_an_upper_bound() {
    for width_px in [2.0, 16.0, 70.0] {
        let field = Field::Wall { displacement: [1.5, 0.0], direction: 0.0, width_px };
        let recipe =
            LatticeRecipe { snr: Some(4.0), seed: 5, field, ..LatticeRecipe::square(400, 160, 16.0) };
        let settings = MapSettings { average_px: Some(14.0), latent: 1, ..quick() };
        let (plan, maps, _) = run(&recipe.draw().unwrap().micrograph, None, settings);
        let profile = Profile::along(&maps.content[0], [30.0, 80.0], [370.0, 80.0], 80.0).unwrap();
        let smear = Smear { sigma_px: plan.average_px, window_px: plan.window_px };
        let fit = fit_wall(&profile, &smear).unwrap();
        let [own, _] = fit.before_mean_px.unwrap_or([0.0, 0.0]);
        assert_eq!(fit.upper_bound, width_px < 50.0, "{fit:?}");
        if fit.upper_bound {
            assert!(fit.width_px > width_px && own < 0.5 * fit.width_px, "{width_px}: {fit:?}");
        } else {
            // A latent is not quite in proportion to the displacement that it follows.
            assert!(fit.width_px > own && (own - width_px).abs() < 0.25 * width_px, "{width_px}: {fit:?}");
        }
    }
}

#[test]
fn what_is_masked_is_neither_learned_nor_mapped() {
    let sample = recipe().draw().unwrap();
    let mut pixels = sample.micrograph.pixels.to_vec();
    let covered = |x: usize, y: usize| (100..170).contains(&x) && (20..90).contains(&y);
    for y in 20..90 {
        pixels[y * SIDE + 100..y * SIDE + 170].fill(9.0);
    }
    let image = Micrograph::new(SIDE, SIDE, pixels, None).unwrap();
    let mask: Vec<bool> = (0..SIDE * SIDE).map(|i| !covered(i % SIDE, i / SIDE)).collect();
    let (plan, maps, _) = run(&image, Some(mask.clone()), MapSettings { epochs: 2, ..quick() });
    let found = plan.found.as_ref().unwrap();
    assert!((found.lattice.lengths()[0] - 16.0).abs() < 0.1, "{:?}", found.lattice);
    let map = &maps.content[0];
    assert_eq!(map.at([136.0, 56.0]), None, "the middle of what is masked is not known");
    assert!(map.at([50.0, 100.0]).is_some());
    // The range that the model sees is that of the pattern, not of what covers it.
    assert!(plan.range[1] < 3.0, "{:?}", plan.range);
    for [place, _] in prepared(&image, Some(&mask), &quick()).places(200, 1).unwrap() {
        let deep = (115.0..155.0).contains(&place[0]) && (35.0..75.0).contains(&place[1]);
        assert!(!deep, "{place:?}");
    }
}

#[test]
fn there_is_no_halo_round_what_is_masked() {
    // Alike everywhere but for noise, under four adsorbates far brighter than the pattern.
    let sample = recipe().draw().unwrap();
    let middles = [[48.0, 48.0], [144.0, 50.0], [52.0, 140.0], [140.0, 146.0]];
    let away = |x: f64, y: f64| {
        let each = middles.iter().map(|m: &[f64; 2]| (x - m[0]).hypot(y - m[1]));
        each.fold(f64::INFINITY, f64::min)
    };
    let far = |i: usize| away((i % SIDE) as f64, (i / SIDE) as f64);
    let pixels = (0..SIDE * SIDE).map(|i| if far(i) < 14.0 { 9.0 } else { sample.micrograph.pixels[i] });
    let image = Micrograph::new(SIDE, SIDE, pixels.collect(), None).unwrap();
    let mask: Vec<bool> = (0..SIDE * SIDE).map(|i| far(i) >= 14.0).collect();
    for lock in [true, false] {
        let settings = MapSettings { lock, window_px: Some(20.0), average_px: Some(8.0), ..quick() };
        let (covered, maps, _) = run(&image, Some(mask.clone()), settings.clone());
        let (open, ..) = run(&sample.micrograph, None, MapSettings { epochs: 1, ..settings });
        let width = |plan: &Plan| plan.range[1] - plan.range[0];
        assert!(width(&covered) < 1.1 * width(&open), "{lock}: {:?} {:?}", covered.range, open.range);
        for map in &maps.content {
            let near = |at: [f64; 2]| away(at[0], at[1]) < 32.0;
            let places = (0..map.values.len()).filter(|i| map.values[*i].is_finite());
            let values =
                places.map(|i| (near(map.place(i % map.width, i / map.width)), f64::from(map.values[i])));
            let values: Vec<(bool, f64)> = values.collect();
            let of = |which: bool| -> Vec<f64> {
                values.iter().filter(|(near, _)| *near == which).map(|(_, v)| *v).collect()
            };
            let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
            let sd =
                |v: &[f64]| (v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / v.len() as f64).sqrt();
            let (round, rest) = (of(true), of(false));
            assert!(round.len() > 100 && rest.len() > 200, "{} {}", round.len(), rest.len());
            let (off, spread) = ((mean(&round) - mean(&rest)).abs(), sd(&rest));
            assert!(off < 0.7 * spread && sd(&round) < 1.5 * spread, "{off} {} {spread}", sd(&round));
        }
    }
}

#[test]
fn pixels_that_a_file_has_lost_are_as_if_masked() {
    let sample = recipe().draw().unwrap();
    // A steep plane and a scan that was broken off: the median of the rest stands in for what is lost.
    let lost = |i: usize| i / SIDE >= 128 && i % SIDE > 40;
    let tilted =
        |i: usize| sample.micrograph.pixels[i] + 0.05 * ((i % SIDE) as f32 + 2.0 * (i / SIDE) as f32);
    let pixels = (0..SIDE * SIDE).map(|i| if lost(i) { f32::NAN } else { tilted(i) }).collect();
    let broken = Micrograph::new(SIDE, SIDE, pixels, None).unwrap();
    let masked = Micrograph { lost: None, replaced: 0, ..broken.clone() };
    let mask: Vec<bool> = (0..SIDE * SIDE).map(|i| !lost(i)).collect();
    let settings = || MapSettings { epochs: 1, ..quick() };
    let (one, maps, _) = run(&broken, None, settings());
    let (other, same, _) = run(&masked, Some(mask), settings());
    assert_eq!((one.range, one.noise), (other.range, other.noise), "levelled alike");
    let found =
        |maps: &MapSet| maps.phase_analysis.as_ref().map(|found| found.displacement[0].values.clone());
    let bits = |values: Vec<f32>| values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    assert_eq!(found(&maps).map(bits), found(&same).map(bits), "analysed alike");
}

#[test]
fn cells_that_show_nothing_are_counted_and_left_out() {
    let sample = recipe().draw().unwrap();
    assert!(!prepared(&sample.micrograph, None, &quick()).plan.message.contains("left out"));
    let mut pixels = sample.micrograph.pixels.to_vec();
    for y in 40..136 {
        pixels[y * SIDE + 40..y * SIDE + 136].fill(0.2);
    }
    let image = Micrograph::new(SIDE, SIDE, pixels, None).unwrap();
    let message = prepared(&image, None, &quick()).plan.message;
    let cells: usize = message
        .split_once("; ")
        .and_then(|(_, rest)| rest.strip_suffix(" cells without a pattern were left out"))
        .and_then(|n| n.parse().ok())
        .unwrap_or_else(|| panic!("{message}"));
    // 36 cells have room there, but where there is no phase they may lie closer; a window that reaches into the pattern counts.
    assert!((9..=60).contains(&cells), "{cells}");
}

#[test]
fn more_smoothness_makes_smoother_maps() {
    // Little averaging, so that noise is left for the penalty.
    let field = Field::Composition { share: 0.3, direction: 0.6, period_px: 100.0 };
    let sample = LatticeRecipe { field, snr: Some(0.5), ..recipe() }.draw().unwrap();
    let measured = |smoothness: f32| {
        let settings = MapSettings { smoothness, latent: 1, average_px: Some(3.0), epochs: 16, ..quick() };
        let (_, maps, summary) = run(&sample.micrograph, None, settings);
        (maps.judgements[0].roughness, summary.seeds[0].roughness)
    };
    // Nearly none: without any the penalty is not even measured.
    let ((none, first), (some, second), (much, third)) = (measured(1e-6), measured(2.0), measured(20.0));
    assert!(some < none && much < 0.97 * none, "roughness {none} {some} {much}");
    assert!(second < 0.97 * first && third < 0.8 * first, "penalty {first} {second} {third}");
    let (without, _) = measured(0.0);
    assert!((without - none).abs() < 1e-3 * none, "{without} {none}");
}

/// |Pearson r| of two maps where both are known.
fn correlation(a: &Map, truth: impl Fn(f64, f64) -> f64) -> f64 {
    let pairs: Vec<[f64; 2]> = (0..a.values.len())
        .filter(|&i| a.values[i].is_finite())
        .map(|i| {
            let [x, y] = a.place(i % a.width, i / a.width);
            [f64::from(a.values[i]), truth(x, y)]
        })
        .collect();
    let mean = [0, 1].map(|k| pairs.iter().map(|p| p[k]).sum::<f64>() / pairs.len() as f64);
    let sum = |j: usize, k: usize| pairs.iter().map(|p| (p[j] - mean[j]) * (p[k] - mean[k])).sum::<f64>();
    (sum(0, 1) / (sum(0, 0) * sum(1, 1)).sqrt()).abs()
}

#[test]
fn a_model_blind_to_rotation_maps_how_domains_are_turned() {
    // Two domains of one lattice, turned by 4 degrees each way, that meet in the middle.
    let turned = |degrees: f64| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let recipe = recipe().with_cell([16.0 * cos, 16.0 * sin], [-16.0 * sin, 16.0 * cos]).unwrap();
        let recipe = LatticeRecipe { origin: [96.0, 96.0], snr: Some(8.0), ..recipe };
        recipe.draw().unwrap().micrograph
    };
    // From x to y is clockwise, since y points down.
    let (left, right) = (turned(4.0), turned(-4.0));
    let pixel = |i: usize| if i % SIDE < SIDE / 2 { left.pixels[i] } else { right.pixels[i] };
    let image = Micrograph::new(SIDE, SIDE, (0..SIDE * SIDE).map(pixel).collect(), None).unwrap();
    let settings = MapSettings {
        invariances: Invariances { rotation: true, translation: true, scale: false },
        cell: Some([[16.0, 0.0], [0.0, 16.0]]),
        window_px: Some(28.0),
        latent: 1,
        epochs: 60,
        head_start: false,
        ..quick()
    };
    let (_, maps, _) = run(&image, None, settings);
    let rotation = maps.rotation.as_ref().unwrap();
    let r = correlation(rotation, |x, _| if x < 96.0 { 1.0 } else { -1.0 });
    assert!(r > 0.9, "|r| = {r}");
    let mean = |x0: f64, x1: f64| {
        let places =
            (0..20 * 20).map(|i| [x0 + (x1 - x0) * f64::from(i % 20) / 19.0, 40.0 + 5.0 * f64::from(i / 20)]);
        let values: Vec<f32> = places.filter_map(|place| rotation.at(place)).collect();
        values.iter().sum::<f32>() / values.len() as f32
    };
    let (left, right) = (mean(30.0, 70.0), mean(122.0, 162.0));
    assert!((right - left - 8.0).abs() < 2.0, "{left} and {right} degrees counter-clockwise");
}

#[test]
fn without_locking_the_shift_becomes_an_offset_from_the_lattice() {
    // A perfect crystal lies on its lattice everywhere, though the pattern's place in a window runs through a period.
    // One atom a cell: where two are alike a window may be drawn from either.
    let mut recipe = LatticeRecipe { snr: Some(8.0), ..recipe() };
    recipe.atoms.truncate(1);
    let sample = recipe.draw().unwrap();
    let settings = MapSettings {
        epochs: 30,
        windows: 2048,
        batch: 48,
        shift_prior: Some(0.4),
        latent: 1,
        beta: 0.3,
        ..anywhere()
    };
    let (plan, maps, _) = run(&sample.micrograph, None, settings);
    assert!(plan.found.is_some());
    for shift in &maps.shift {
        let steps = (1..shift.values.len()).filter(|i| i % shift.width != 0);
        let jumps = steps.filter(|&i| (shift.values[i] - shift.values[i - 1]).abs() > 6.0).count();
        assert_eq!(jumps, 0, "a sawtooth of 16 px is left");
        // The sawtooth itself has 4.6 px, a ramp of the places 50.
        let sd = shift.stats().sd;
        assert!(sd < 3.0, "{sd} px");
    }
}
