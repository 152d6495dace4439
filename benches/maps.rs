//! How well do maps recover a known field, how free of the lattice are they, do seeds agree, and how long does it take?
//!
//! `cargo bench --bench maps` prints tables; words after `--` choose parts of it: `fields`, `real`, `time`; after
//! `real` also which settings (`default`, `paper`, `plain`) and which images (`dysco3`, `si110`, `stm`, `step`); `few` gives `paper` and `plain` a quarter of their windows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // a benchmark speaks

use nanotheca::lattice::Vector;
use nanotheca::micrograph::{Micrograph, PixelSize, format};
use nanotheca::order::agree::best_fit;
use nanotheca::order::{GpaOptions, Map, gpa};
use nanotheca::sample::lattice::{Field, LatticeRecipe};
use nanotheca::train::config::Preset;
use nanotheca::train::shift::MapSettings;
use nanotheca::worker::Worker;
use nanotheca::worker::mapping::{MapEvent, MapJob, MapSet, Plan, Summary};
use nanotheca::worker::message::{Command, DeviceChoice, Event};
use std::path::Path;
use std::sync::Arc;

type Run = (Arc<Plan>, Arc<MapSet>, Arc<Summary>);

fn run(image: &Micrograph, settings: MapSettings) -> Result<Run, String> {
    let worker = Worker::spawn(|| {});
    let job =
        MapJob { run: 1, image: Arc::new(image.clone()), mask: None, settings, device: DeviceChoice::Cpu };
    worker.send(Command::Map(Box::new(job)));
    let (mut plan, mut maps) = (None, None);
    for event in worker.events() {
        match event {
            Event::Map(MapEvent::Planned(found)) => plan = Some(found),
            Event::Map(MapEvent::Maps(found)) => maps = Some(found),
            Event::Map(MapEvent::Finished(summary)) => return Ok((plan.unwrap(), maps.unwrap(), summary)),
            Event::Failed { message, .. } | Event::Map(MapEvent::Failed { message, .. }) => {
                return Err(message);
            }
            _ => {}
        }
    }
    Err("the worker ended".into())
}

/// A turned square lattice of 25 px, noise as strong as the pattern, drift and tilt.
fn noisy(side: usize, field: Field, seed: u64) -> LatticeRecipe {
    LatticeRecipe {
        field,
        snr: Some(1.0),
        drift: [6.0, -4.0],
        tilt: [2.0, -1.5],
        seed,
        ..LatticeRecipe::square(side, side, 25.0).with_cell([24.3, 5.1], [-5.1, 24.3]).unwrap()
    }
}

fn thinned(map: &Map, like: &Map) -> Map {
    let value = |i: usize| map.at(like.place(i % like.width, i / like.width)).unwrap_or(f32::NAN);
    like.with((0..like.values.len()).map(value).collect()).unwrap()
}

fn fields(seeds: u64) {
    println!(
        "field, 512 px, SNR 1 | seed | |r| content | |r| shift | |r| phase analysis | average px | s to first / final map"
    );
    let cases: [(&str, Field); 4] = [
        (
            "wall, one sublattice +-2.5 px",
            Field::Wall { displacement: [2.5, 0.0], direction: 0.5, width_px: 40.0 },
        ),
        ("strain gradient +-2 %", Field::Strain { strain: 0.02, direction: 0.6 }),
        (
            "one sublattice +-2.5 px, wave of 256 px",
            Field::Polar { displacement: [2.5, 0.0], direction: 0.6, period_px: 256.0 },
        ),
        (
            "one sublattice +-30 % in intensity, wave of 256 px",
            Field::Composition { share: 0.3, direction: 0.6, period_px: 256.0 },
        ),
    ];
    for (name, field) in cases {
        for seed in 11..11 + seeds {
            let sample = noisy(512, field, seed).draw().unwrap();
            let settings = MapSettings { stride: 4, seed, ..MapSettings::default() };
            let (plan, maps, summary) = run(&sample.micrograph, settings).unwrap();
            let truth = thinned(&sample.field, &maps.content[0]);
            let content = best_fit(&maps.content, &truth).unwrap().r;
            let shift = best_fit(&maps.shift, &truth).unwrap().r;
            let reference = gpa(
                &sample.micrograph,
                &plan.found.as_ref().unwrap().lattice,
                &GpaOptions { step: Some(4), ..GpaOptions::default() },
            )
            .unwrap();
            let reference = match field {
                Field::Strain { .. } => best_fit(&reference.strain, &truth).unwrap().r,
                Field::Polar { .. } | Field::Wall { .. } => {
                    best_fit(&reference.displacement, &truth).unwrap().r
                }
                _ => f64::NAN,
            };
            println!(
                "{name} | {seed} | {content:.3} | {shift:.3} | {reference:.3} | {:.1} | {:.1} / {:.0}",
                plan.average_px, summary.first_map_seconds, summary.seconds
            );
        }
    }
}

fn real(name: &str) -> Micrograph {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/lattices");
    let path = folder.join(name);
    let mut image = if name.ends_with(".gz") {
        let scratch = tempfile::tempdir().unwrap();
        let plain = scratch.path().join("image.dat");
        let mut from = flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap());
        std::io::copy(&mut from, &mut std::fs::File::create(&plain).unwrap()).unwrap();
        format::open(&plain).unwrap()
    } else {
        format::open(&path).unwrap()
    };
    let nm = if name.starts_with("10_") { 8.0 / 1024.0 } else { 5.0 / 512.0 };
    if !name.ends_with(".gz") {
        image.pixel_size = PixelSize::new(nm, nm);
    }
    image
}

/// Pixels within which an outlier is at a place marked by eye; atoms are 8 px apart.
const MARKED_WITHIN: f64 = 12.0;

/// Vacancies and adsorbate of the STM image.
fn marked() -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/lattices/vacancies.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let number = |text: &str| text.parse::<f64>().unwrap();
    reader.records().map(|row| row.unwrap()).map(|row| [number(&row[0]), number(&row[1])]).collect()
}

/// The image whose vacancies are marked.
const DEFECTS: &str = "image_with_defects.dat.gz";
/// The real images by the words that choose them.
const IMAGES: [(&str, &str); 4] = [
    ("dysco3", "10_dso_8nm_none_none.png"),
    ("si110", "Si110_5nmX25us_03_none_none.png"),
    ("stm", DEFECTS),
    ("step", "image_with_step_edge_and_atoms.dat.gz"),
];

fn reals(wants: &dyn Fn(&str) -> bool, sees: &dyn Fn(&str) -> bool, few: bool) {
    println!(
        "image | settings | leakage z0, z1 (of noise) | roughness | sd | agreement of 3 seeds | r with phase analysis | outliers | -ELBO | s to first / final map"
    );
    for (_, name) in IMAGES.into_iter().filter(|(word, _)| sees(word)) {
        let image = real(name);
        let published = MapSettings::preset(Preset::Paper);
        let windows = if few { published.windows / 4 } else { published.windows };
        let published = || MapSettings { windows, stride: 4, ..published.clone() };
        let plain = || MapSettings {
            preset: Preset::Default,
            invariances: nanotheca::model::Invariances { rotation: false, translation: false, scale: false },
            ..published()
        };
        let all = [
            ("default", MapSettings { seeds: 3, stride: 2, ..MapSettings::default() }),
            ("paper", published()),
            ("plain", plain()),
        ];
        for (what, settings) in all.into_iter().filter(|(what, _)| wants(what)) {
            match run(&image, settings) {
                Err(why) => println!("{name} | {what} | {why}"),
                Ok((_, maps, summary)) => {
                    let each = |f: &dyn Fn(&nanotheca::order::Judgement) -> String| {
                        maps.judgements.iter().map(f).collect::<Vec<_>>().join(", ")
                    };
                    println!(
                        "{name} | {what} | {} | {} | {} | {} | {:?} | {} | {:.1} | {:.1} / {:.0}",
                        each(&|j| format!(
                            "{:.2} % ({:.1} %)",
                            100.0 * j.leakage,
                            100.0 * j.leakage_of_noise
                        )),
                        each(&|j| format!("{:.1} %", 100.0 * j.roughness)),
                        each(&|j| format!("{:.2}", j.sd)),
                        summary.agreement.map_or_else(|| "-".into(), |a| format!("{a:.3}")),
                        summary.phase_analysis_r.map(|r: Vector| r.map(|v| (v * 1000.0).round() / 1000.0)),
                        summary.outliers.len(),
                        summary.seeds[0].negative_elbo,
                        summary.first_map_seconds,
                        summary.seconds
                    );
                    if what == "default" {
                        for o in summary.outliers.iter().take(30) {
                            println!("    outlier at ({:.1}, {:.1}), {:+.1} sd", o.x, o.y, o.score);
                        }
                        if name == DEFECTS {
                            let marked = marked();
                            let near = |m: &&Vector| {
                                summary
                                    .outliers
                                    .iter()
                                    .any(|o| (o.x - m[0]).hypot(o.y - m[1]) < MARKED_WITHIN)
                            };
                            let found = marked.iter().filter(near).count();
                            println!("    {found} of {} marked by eye are near an outlier", marked.len());
                        }
                    }
                }
            }
        }
    }
}

fn time() {
    println!("side | stride | s to first map | s to final map");
    for (side, stride) in [(512, 1), (1024, 1)] {
        let field = Field::Composition { share: 0.3, direction: 0.6, period_px: 256.0 };
        let sample = noisy(side, field, 3).draw().unwrap();
        let (_, _, summary) =
            run(&sample.micrograph, MapSettings { stride, ..MapSettings::default() }).unwrap();
        println!("{side} | {stride} | {:.1} | {:.1}", summary.first_map_seconds, summary.seconds);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let wants = |word: &str| words.is_empty() || words.iter().any(|w| w == word);
    if wants("fields") {
        // Three draws of each image; `one` is quicker.
        fields(if words.iter().any(|w| w == "one") { 1 } else { 3 });
    }
    if wants("real") {
        let given = |what: &str| words.iter().any(|w| w == what);
        let all_settings = !["default", "paper", "plain"].into_iter().any(given);
        let all_images = !IMAGES.into_iter().any(|(word, _)| given(word));
        reals(&|what| all_settings || given(what), &|word| all_images || given(word), given("few"));
    }
    if wants("time") {
        time();
    }
}
