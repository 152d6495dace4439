//! How long does the hand wait while the model trains on the CPU?
//!
//! `cargo bench --bench latency` (`-- sliders` or `-- scatter` for one of the two): from a slider to its picture, through the worker; and in the window, with 100,000 particles
//! on an 8k picture whose scatter moves with the training: frames, new predictions until they are drawn, a selection of
//! half of them, and the same as a query. Times of the clock, for the training and the window share the cores; beside
//! each stands what a training step takes meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // it may fail loudly

#[path = "../tests/common/window.rs"]
mod window;

use egui::{Event as Input, Modifiers, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use nanotheca::particle::patch::PatchSet;
use nanotheca::particle::{Particle, ParticleId};
use nanotheca::project::{MicrographEntry, Project, source, store};
use nanotheca::train::config::TrainConfig;
use nanotheca::worker::Worker;
use nanotheca::worker::message::{Command, DeviceChoice, Event, PreviewRequest, TrainJob};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use window::Window;

const PARTICLES: usize = 100_000;
const SIDE: usize = 8192;
/// Points between two neighbours.
const PITCH: usize = 25;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| what | median | 95th percentile | 99th percentile | longest |");
    println!("|---|---|---|---|---|");
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    for side in [24, 48].into_iter().filter(|_| wanted("sliders")) {
        sliders(side);
    }
    if wanted("scatter") {
        let folder = tempfile::tempdir().unwrap();
        scatter(&write_project(folder.path()));
    }
}

fn row(what: &str, times: &[f64]) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    println!("| {what} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms |", at(0.5), at(0.95), at(0.99), at(1.0));
}

/// Milliseconds that this thread has run.
fn of_this_thread() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e6
}

fn since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Rings of one of four radii, with noise.
fn rings(side: usize) -> PatchSet {
    let mut random = StdRng::seed_from_u64(1);
    let (n, middle) = (4000, (side as f32 - 1.0) / 2.0);
    let mut pixels = Vec::with_capacity(n * side * side);
    for i in 0..n {
        let radius = 0.2 + 0.2 * (i % 4) as f32;
        for at in 0..side * side {
            let r = ((at % side) as f32 - middle).hypot((at / side) as f32 - middle) / middle;
            pixels.push(
                ((1.0 - ((r - radius) / 0.15).abs()).max(0.0) + random.random_range(0.0..0.1)).min(1.0),
            );
        }
    }
    let labels = (0..n).map(|i| (i < 40).then_some(i % 4)).collect();
    PatchSet { side, wide: side, pixels: pixels.into(), labels, held_out: vec![None; n] }
}

/// A slider moves thirty times a second for ten seconds; each answer counts from its own question.
fn sliders(side: usize) {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(Box::new(TrainJob {
        config: TrainConfig { epochs: 100_000, ..TrainConfig::proposed() },
        classes: (0..4).map(|c| c.to_string()).collect(),
        patches: Arc::new(rings(side)),
        ids: Vec::new(),
        validation: None,
        geometry: None,
        device: DeviceChoice::Cpu,
    })));
    let mut speed = 0.0;
    let mut times = Vec::new();
    for event in worker.events() {
        if let Event::Progress(progress) = event {
            speed = progress.images_per_second;
            if progress.epoch > 1 {
                break;
            }
        }
    }
    let begun = Instant::now();
    let mut asked = 0.0_f32;
    while begun.elapsed() < Duration::from_secs(10) {
        let question = Instant::now();
        asked += 0.01;
        let latents = vec![asked.sin(), 0.0];
        worker.send(Command::Preview(PreviewRequest::At {
            class: 0,
            latents: latents.clone(),
            angle_rad: 0.0,
            shift: [0.0; 2],
            scale: 1.0,
        }));
        for event in worker.events() {
            match event {
                Event::Preview(answer) if matches!(&answer.request, PreviewRequest::At { latents: l, .. } if *l == latents) =>
                {
                    break;
                }
                Event::Progress(progress) => speed = progress.images_per_second,
                _ => {}
            }
        }
        times.push(since(question));
        std::thread::sleep(Duration::from_millis(33).saturating_sub(question.elapsed()));
    }
    let config = TrainConfig::proposed();
    let step = 1e3 * (config.batch + config.labelled_batch) as f64 / speed;
    row(&format!("slider to picture, {side} px; a training step takes {step:.0} ms"), &times);
}

/// Discs and bars in rows, one a particle, ten of each with a label.
fn write_project(folder: &Path) -> PathBuf {
    let mut random = StdRng::seed_from_u64(2);
    let mut pixels = image::GrayImage::from_fn(SIDE as u32, SIDE as u32, |_, _| {
        image::Luma([random.random_range(40..60)])
    });
    let mut places = Vec::with_capacity(PARTICLES);
    for n in 0..PARTICLES {
        let across = SIDE / PITCH - 1;
        let (x, y) = (PITCH + n % across * PITCH, PITCH + n / across * PITCH);
        let half = if n % 2 == 0 { (3, 3) } else { (5, 1) };
        for py in y - half.1..=y + half.1 {
            for px in x - half.0..=x + half.0 {
                pixels.put_pixel(px as u32, py as u32, image::Luma([200]));
            }
        }
        places.push((x as f32, y as f32));
    }
    let picture = folder.join("many.png");
    pixels.save(&picture).unwrap();
    let mut project = Project::new();
    let classes: Vec<_> = ["disc", "bar"]
        .into_iter()
        .map(|name| {
            let (id, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
            id
        })
        .collect();
    let hash = source::hash_file(&picture).unwrap();
    let entry = MicrographEntry {
        bright: Some(true),
        ..MicrographEntry::new(picture, 0, SIDE, SIDE, None, hash.as_str())
    };
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let particles = places.into_iter().enumerate().map(|(n, (x, y))| Particle {
        id: ParticleId(0),
        micrograph,
        x,
        y,
        diameter: Some(8.0),
        score: None,
        label: (n < 20).then(|| classes[n % 2]),
        held_out: false,
    });
    let edit = project.add_particles_edit(particles.collect());
    project.apply(edit).unwrap();
    project.patch.side = 24;
    project.patch.extent_px = 24.0;
    project.patch.blank_neighbours = false;
    project.training = serde_json::json!({
        "epochs": 100_000, "hidden_encoder": [32], "hidden_decoder": [32], "hidden_classifier": [32],
    });
    let path = folder.join("many.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

/// What was measured while the model trains: milliseconds each, and those of the training steps meanwhile.
#[derive(Default)]
struct Times {
    samples: Vec<f64>,
    steps: Vec<f64>,
}

impl Times {
    fn take(&mut self, sample: f64, window: &Window) {
        self.samples.push(sample);
        self.steps.extend(window.app().step_ms());
    }

    fn tell(mut self, what: &str) {
        self.steps.sort_by(f64::total_cmp);
        let step = self.steps.get(self.steps.len() / 2).copied().unwrap_or(f64::NAN);
        row(
            &format!("{what} ({} times; a training step takes {step:.0} ms)", self.samples.len()),
            &self.samples,
        );
    }
}

/// Predictions that have arrived and are not drawn yet.
#[derive(Default)]
struct Arrivals {
    seen: u64,
    waiting: Vec<(u64, Instant)>,
    times: Times,
    /// The slowest of the frames from each arrival on, until half a second later.
    frames: Vec<f64>,
    watched: Option<Instant>,
}

impl Arrivals {
    /// After a frame that began at `began`: what came with it, and what it was the first to show.
    fn look(&mut self, window: &Window, began: Instant) {
        let [arrived, drawn] = window.app().arrivals();
        if arrived > self.seen {
            self.seen = arrived;
            self.waiting.push((arrived, began));
            self.watched = Some(began);
            self.frames.push(0.0);
        }
        if self.watched.is_some_and(|from| from.elapsed() < Duration::from_millis(500))
            && let Some(slowest) = self.frames.last_mut()
        {
            *slowest = slowest.max(since(began));
        }
        let done = self.waiting.iter().filter(|(revision, _)| *revision <= drawn);
        for (_, since_then) in done {
            self.times.take(since(*since_then), window);
        }
        self.waiting.retain(|(revision, _)| *revision > drawn);
    }
}

/// Samples of a selection.
const SELECTIONS: usize = 100;
/// How many arrivals are waited for, and for how long at most.
const ARRIVALS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(300);

fn scatter(project: &Path) {
    let mut window = Window::open(Open { project: Some(project.to_owned()), ..Open::default() });
    window.until("the project", |w| w.shows("Class disc") && w.shows("Micrograph canvas"));
    window.press("Train");
    window.until("predictions", |w| !w.shows("Each particle becomes a point here"));
    window.press("Latent space");
    window.until("the scatter", |w| w.is_there("Query") && w.app().arrivals()[1] > 0);
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    let mut arrivals = Arrivals { seen: window.app().arrivals()[0], ..Arrivals::default() };
    let mut frames = |what: &str, act: &dyn Fn(&mut Window, usize)| {
        let (mut clock, mut processor) = (Times::default(), Vec::new());
        for i in 0..900 {
            let (frame, before) = (Instant::now(), of_this_thread());
            act(&mut window, i);
            window.harness.step();
            processor.push(of_this_thread() - before);
            clock.take(since(frame), &window);
            arrivals.look(&window, frame);
            std::thread::sleep(Duration::from_millis(16).saturating_sub(frame.elapsed()));
        }
        clock.tell(what);
        row(&format!("{what}, on the processor"), &processor);
    };
    frames("frame at rest, scatter of 100,000 that moves with the training", &|_, _| {});
    frames("frame, the pointer moves over the picture", &|window, i| {
        let to = middle + vec2(3.0 * (i % 100) as f32 - 150.0, 40.0);
        window.harness.event(Input::PointerMoved(to));
    });
    let begun = Instant::now();
    while arrivals.times.samples.len() < ARRIVALS && begun.elapsed() < PATIENCE {
        let frame = Instant::now();
        window.harness.step();
        arrivals.look(&window, frame);
        std::thread::sleep(Duration::from_millis(16).saturating_sub(frame.elapsed()));
    }
    if !arrivals.times.samples.is_empty() {
        arrivals.times.tell("predictions of 100,000, from their arrival until they are drawn");
        row("the slowest frame of the half second after each", &arrivals.frames);
    }
    lassos(&mut window);
    queries(&mut window);
}

fn lassos(window: &mut Window) {
    let query = window.harness.get_by_label("Query").rect();
    let (corner, end) = (query.left_bottom() + vec2(70.0, 60.0), Pos2::new(1370.0, 800.0));
    let mut times = Times::default();
    for _ in 0..SELECTIONS {
        window.harness.query_all_by_label("Lasso").last().unwrap().click();
        window.settle();
        // The left half of the plot.
        let right = corner.x + (end.x - corner.x) / 2.0;
        let path = [corner, Pos2::new(right, corner.y), Pos2::new(right, end.y), Pos2::new(corner.x, end.y)];
        let button = |pos, pressed| Input::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        window.harness.event(Input::PointerMoved(path[0]));
        window.harness.step();
        window.harness.event(button(path[0], true));
        for pos in path {
            window.harness.event(Input::PointerMoved(pos));
            window.harness.step();
        }
        let began = Instant::now();
        window.harness.event(button(path[3], false));
        (0..2).for_each(|_| window.harness.step());
        times.take(since(began), window);
    }
    times.tell("a lasso round half of the plot, until it is drawn");
}

fn queries(window: &mut Window) {
    let mut times = Times::default();
    for half in 0..SELECTIONS {
        window.harness.get_by_label("Query").focus();
        window.harness.step();
        window.key(Modifiers::COMMAND, egui::Key::A);
        window.harness.get_by_label("Query").type_text(&format!("y < {}", 3850 + half));
        window.settle();
        window.harness.get_by_label("Find").click();
        let began = Instant::now();
        (0..3).for_each(|_| window.harness.step());
        times.take(since(began), window);
    }
    times.tell("a query that half of the particles fit, until they are selected (three frames)");
}
