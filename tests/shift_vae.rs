//! Maps of order parameters: a known field is found, the same seed gives the same maps, what cannot be mapped is refused in
//! a sentence. Spectra: the shift is where the peak is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

use burn::tensor::Device;
use nanotheca::explore::order_map::prepare;
use nanotheca::explore::spectra::{Learning, Spectra, learn};
use nanotheca::micrograph::Micrograph;
use nanotheca::model::Likelihood;
use nanotheca::order::Map;
use nanotheca::order::agree::best_fit;
use nanotheca::sample::lattice::{Field, LatticeRecipe};
use nanotheca::sample::spectra::SpectraRecipe;
use nanotheca::train::config::Preset;
use nanotheca::train::shift::{self, MapSettings, ShiftTrainer};
use nanotheca::worker::Worker;
use nanotheca::worker::mapping::{MapEvent, MapJob, MapQuery, MapSet, Plan, Summary};
use nanotheca::worker::message::{Command, DeviceChoice, Event};
use std::sync::Arc;

fn recipe(field: Field) -> LatticeRecipe {
    let square = LatticeRecipe::square(256, 256, 20.0).with_cell([19.4, 3.1], [-3.1, 19.4]).unwrap();
    LatticeRecipe { field, snr: Some(2.0), drift: [3.0, -2.0], tilt: [1.0, -1.0], seed: 5, ..square }
}

fn quick() -> MapSettings {
    MapSettings { epochs: 10, windows: 640, hidden: vec![48, 48], stride: 4, ..MapSettings::default() }
}

struct Run {
    plan: Arc<Plan>,
    maps: Arc<MapSet>,
    summary: Arc<Summary>,
    worker: Worker,
}

fn run(image: &Micrograph, settings: MapSettings) -> Run {
    let worker = Worker::spawn(|| {});
    let job =
        MapJob { run: 1, image: Arc::new(image.clone()), mask: None, settings, device: DeviceChoice::Cpu };
    worker.send(Command::Map(Box::new(job)));
    let (mut plan, mut maps) = (None, None);
    loop {
        match worker.events().recv().unwrap() {
            Event::Map(MapEvent::Planned(found)) => plan = Some(found),
            Event::Map(MapEvent::Maps(found)) => maps = Some(found),
            Event::Map(MapEvent::Finished(summary)) => {
                return Run { plan: plan.unwrap(), maps: maps.unwrap(), summary, worker };
            }
            Event::Failed { message, .. } | Event::Map(MapEvent::Failed { message, .. }) => {
                panic!("{message}")
            }
            _ => {}
        }
    }
}

fn refusal(image: &Micrograph, settings: &MapSettings) -> String {
    match prepare(image, None, settings) {
        Ok(_) => panic!("it should have been refused"),
        Err(error) => error.to_string(),
    }
}

fn thinned(map: &Map, like: &Map) -> Map {
    let value = |i: usize| map.at(like.place(i % like.width, i / like.width)).unwrap_or(f32::NAN);
    like.with((0..like.values.len()).map(value).collect()).unwrap()
}

#[test]
fn a_change_of_composition_is_found_without_a_label_or_a_model_of_the_lattice() {
    let field = Field::Composition { share: 0.3, direction: 0.6, period_px: 160.0 };
    let mut recipe = recipe(field);
    recipe.vacancies = 4;
    let sample = recipe.draw().unwrap();
    let found = run(&sample.micrograph, MapSettings { seeds: 2, ..quick() });
    let truth = thinned(&sample.field, &found.maps.content[0]);
    let r = best_fit(&found.maps.content, &truth).unwrap().r;
    assert!(r > 0.9, "|r| = {r}");
    let least = found.maps.judgements.iter().filter(|j| !j.collapsed).map(|j| j.leakage).fold(1.0, f64::min);
    assert!(least < 0.03, "leakage {least}");
    assert!(found.summary.agreement.unwrap() > 0.8, "{:?}", found.summary.agreement);
    assert_eq!(found.summary.seeds.len(), 2);
    // Every vacancy is among the outliers, as something missing.
    for v in &sample.vacancies {
        let near = |o: &&nanotheca::order::Outlier| (o.x - v[0]).hypot(o.y - v[1]) < 6.0 && o.score < 0.0;
        assert!(
            found.summary.outliers.iter().take(8).any(|o| near(&o)),
            "{v:?} {:?}",
            found.summary.outliers
        );
    }
    // Questions are answered after the run, in the image's own units.
    found.worker.send(Command::MapAsk(MapQuery::Place([128.0, 128.0])));
    let answer = loop {
        if let Event::Map(MapEvent::Answer(answer)) = found.worker.events().recv().unwrap() {
            break answer;
        }
    };
    assert_eq!(answer.window.len(), answer.side * answer.side);
    let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
    assert!((mean(&answer.window) - mean(&answer.reconstruction)).abs() < 0.05);
    assert_eq!(answer.latents.len(), found.plan.settings.latent);
}

#[test]
fn the_same_seed_gives_the_same_maps_and_the_model_comes_back_from_its_file() {
    let sample =
        recipe(Field::Polar { displacement: [2.0, 0.0], direction: 0.4, period_px: 128.0 }).draw().unwrap();
    let settings = || MapSettings { epochs: 2, ..quick() };
    let (first, second) = (run(&sample.micrograph, settings()), run(&sample.micrograph, settings()));
    let bits = |r: &Run| r.maps.content[0].values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    assert_eq!(bits(&first), bits(&second));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    first.worker.send(Command::MapSave { run: 1, path: path.clone() });
    assert!(first.worker.events().iter().any(|e| matches!(e, Event::Map(MapEvent::Saved(_)))));
    let (vae, plan): (_, serde_json::Value) = shift::load(&path, &Device::flex(), true).unwrap();
    assert_eq!(vae.config.dims, vec![first.plan.side; 2]);
    assert_eq!(plan["window_px"], first.plan.window_px);
}

#[test]
fn a_gradient_that_explodes_leaves_the_last_good_weights() {
    let sample = recipe(Field::None).draw().unwrap();
    let settings = MapSettings { lock: false, learning_rate: 1.0, ..quick() };
    let prepared = prepare(&sample.micrograph, None, &settings).unwrap();
    let (plan, windows) = (&prepared.plan, Arc::new(prepared.draw(1).unwrap()));
    for tiled in [true, false] {
        let (settings, device) = (plan.settings.clone(), Device::flex());
        // Its gradient is the first to be no number any more: only the next step finds out.
        let likelihood = Likelihood::Gaussian { sigma: 2e-18 };
        let prior = plan.shift_prior();
        let mut trainer =
            ShiftTrainer::new(settings, windows.clone(), likelihood, prior, 1, &device, tiled).unwrap();
        let error = (0..50).find_map(|_| trainer.step().err()).expect("it explodes").to_string();
        assert!(trainer.step > 0, "the loss itself was finite at first");
        assert!(error.contains("finite"), "{error}");
        let weights = nanotheca::model::weights::to_arrays(&trainer.snapshot().networks);
        assert!(weights.values().all(|a| a.values.iter().all(|v| v.is_finite())));
    }
}

#[test]
fn the_head_start_and_the_questions_about_spectra_come_in_steps() {
    let sample = recipe(Field::None).draw().unwrap();
    let prepared = prepare(&sample.micrograph, None, &MapSettings { batch: 8, ..quick() }).unwrap();
    let (plan, windows) = (&prepared.plan, Arc::new(prepared.draw(1).unwrap()));
    let settings = plan.settings.clone();
    let (likelihood, prior) = (plan.likelihood(), plan.shift_prior());
    let mut trainer =
        ShiftTrainer::new(settings, windows, likelihood, prior, 1, &Device::flex(), true).unwrap();
    let mut shares = Vec::new();
    while let Some(share) = trainer.head_start() {
        shares.push(share);
        assert!(trainer.step().unwrap().is_none());
        assert_eq!((trainer.epoch, trainer.step), (0, 0));
    }
    assert!(shares.len() == 400 && shares[0] == 0.0 && shares.is_sorted(), "{} steps", shares.len());
    trainer.step().unwrap();
    assert_eq!(trainer.step, 1);

    let peaks = SpectraRecipe::default().draw();
    let spectra = Arc::new(Spectra::new(peaks.x, peaks.values).unwrap());
    let settings = MapSettings { hidden: vec![8], ..MapSettings::spectra(Preset::Default) };
    let mut asking = Learning::new(spectra, &settings, &Device::flex(), true).unwrap().ask();
    let mut parts = 1;
    while !asking.advance().unwrap() {
        parts += 1;
    }
    assert_eq!((parts, asking.found().unwrap().0.shift.len()), (10, 5000));
}

#[test]
fn without_phase_locking_the_model_learns_the_shift_itself() {
    let sample = recipe(Field::None).draw().unwrap();
    let settings = MapSettings {
        epochs: 2,
        windows: 400,
        stride: 8,
        hidden: vec![32, 32],
        ..MapSettings::preset(Preset::Paper)
    };
    let found = run(&sample.micrograph, settings);
    assert!(found.maps.recon_error.as_ref().unwrap().stats().mean.is_finite());
    assert!(found.maps.content.iter().all(|m| m.known().is_some()));
    // The lattice is known all the same, so the maps are judged by it.
    assert_eq!(found.maps.judgements.len(), 2);
}

#[test]
fn what_cannot_be_mapped_is_refused_with_a_sentence() {
    let settings = quick();
    let noise = |i: usize| ((i as f32 * 12.9898).sin() * 43_758.547).fract();
    let aperiodic = Micrograph::new(200, 200, (0..40_000).map(noise).collect(), None).unwrap();
    let text = refusal(&aperiodic, &settings);
    assert!(text.contains("no lattice found") && text.contains("window"), "{text}");
    // With a window given, it is mapped anyway.
    assert!(prepare(&aperiodic, None, &MapSettings { window_px: Some(24.0), ..quick() }).is_ok());
    let sample = recipe(Field::None).draw().unwrap().micrograph;
    let text = refusal(&sample, &MapSettings { window_px: Some(400.0), ..quick() });
    assert!(text.contains("larger than the image"), "{text}");
    let text = refusal(&sample, &MapSettings { window_px: Some(250.0), ..quick() });
    assert!(text.contains("windows") && text.contains("smaller"), "{text}");
    let constant = Micrograph::new(64, 64, vec![3.0; 4096], None).unwrap();
    assert!(refusal(&constant, &settings).contains("equal"));
    let fine = (0..40_000).map(|i| ((i % 200) as f32 * 2.5).sin() + ((i / 200) as f32 * 2.6).sin()).collect();
    let fine = Micrograph::new(200, 200, fine, None).unwrap();
    let text = refusal(&fine, &settings);
    assert!(text.contains("under 3 px"), "{text}");
    let side = 8_300;
    assert!(side * side > nanotheca::explore::order_map::preparing::MOST_PIXELS);
    let mut pixels = vec![0.0; side * side];
    pixels[7] = 1.0;
    let huge = Micrograph::new(side, side, pixels, None).unwrap();
    let text = refusal(&huge, &settings);
    assert!(text.contains("GB") && text.contains("halve"), "{text}");
    let text = refusal(&sample, &MapSettings { latent: 0, ..quick() });
    assert!(text.contains("latent") && text.contains("1 to 8"), "{text}");
}

#[test]
fn lost_rows_and_a_constant_region_do_not_spoil_the_rest() {
    let field = Field::Composition { share: 0.3, direction: 0.6, period_px: 160.0 };
    let sample = recipe(field).draw().unwrap();
    let mut pixels = sample.micrograph.pixels.to_vec();
    pixels[100 * 256..103 * 256].fill(f32::NAN);
    for y in 10..70 {
        pixels[y * 256 + 180..y * 256 + 240].fill(0.4);
    }
    let image = Micrograph::new(256, 256, pixels, None).unwrap();
    let found = run(&image, quick());
    let mut truth = thinned(&sample.field, &found.maps.content[0]);
    // The flat region is no part of the pattern.
    for i in 0..truth.values.len() {
        let [x, y] = truth.place(i % truth.width, i / truth.width);
        if (150.0..256.0).contains(&x) && y < 100.0 {
            truth.values[i] = f32::NAN;
        }
    }
    let r = best_fit(&found.maps.content, &truth).unwrap().r;
    assert!(r > 0.85, "|r| = {r}");
}

#[test]
fn stopping_a_run_leaves_a_model_that_answers() {
    let sample = recipe(Field::None).draw().unwrap();
    let worker = Worker::spawn(|| {});
    let job = MapJob {
        run: 1,
        image: Arc::new(sample.micrograph),
        mask: None,
        settings: MapSettings { epochs: 10_000, ..quick() },
        device: DeviceChoice::Cpu,
    };
    worker.send(Command::Map(Box::new(job)));
    assert!(worker.events().iter().any(|e| matches!(e, Event::Map(MapEvent::Maps(_)))));
    worker.send(Command::Stop);
    assert!(worker.events().iter().any(|e| matches!(e, Event::Map(MapEvent::Stopped))));
    worker.send(Command::MapAsk(MapQuery::Latents(vec![0.5, 0.0])));
    assert!(worker.events().iter().any(|e| matches!(e, Event::Map(MapEvent::Answer(_)))));
}

#[test]
fn the_shift_of_a_peak_is_its_place() {
    let sample = SpectraRecipe { count: 600, ..SpectraRecipe::default() }.draw();
    let spectra = Spectra::new(sample.x.clone(), sample.values.clone()).unwrap();
    let settings = MapSettings { epochs: 40, hidden: vec![64, 64], ..MapSettings::spectra(Preset::Default) };
    let (found, _) = learn(&spectra, &settings, &Device::flex(), true, &mut |_, _| true).unwrap();
    let r = correlation(&found.shift, &sample.centre);
    assert!(r > 0.95, "r = {r}");
    assert_eq!(found.traversals.len(), 2);
    assert!(found.traversals[0].iter().all(|v| v.is_finite()));
    let mut broken = sample.values.clone();
    broken[250] = f32::NAN;
    let text = Spectra::new(sample.x, broken).unwrap_err().to_string();
    assert!(text.contains("spectrum 2") && text.contains("point 50"), "{text}");
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma).powi(2);
        bb += (y - mb).powi(2);
    }
    ab / (aa * bb).sqrt()
}
