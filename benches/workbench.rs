//! Is the window quick enough to be kept open all day? Opening, memory, proposals and frame time.
//!
//! `cargo bench --bench workbench` prints one table, with `-- maps`, `find`, `open` or `frames` that part of it alone;
//! `benches/workbench.md` holds what was measured, and where. The median alone hides the frame that stutters, so each
//! figure has its 99th percentile beside it; and because the machine may have other work, the time on the processor stands
//! beside the time on the clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)] // it may fail loudly

use egui::{Event, Modifiers, MouseWheelUnit, Pos2, TouchPhase, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use nanotheca::app::{App, Open};
use nanotheca::micrograph::Micrograph;
use nanotheca::particle::detect::{Contrast, Example, Examples, Likeness, Settings, detect, similar};
use nanotheca::particle::{Particle, ParticleId};
use nanotheca::project::{MicrographEntry, Project, source, store};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // `cargo test --benches` only asks whether it runs.
    if asked.iter().any(|argument| argument == "--test") {
        return;
    }
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|argument| argument == part);
    println!(
        "| what | on the clock: median | 99th percentile | on the processor: median | 99th percentile |"
    );
    println!("|---|---|---|---|---|");
    if wanted("maps") {
        map_frames();
    }
    if wanted("find") {
        proposals();
    }
    if !wanted("open") && !wanted("frames") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let picture = write_picture(folder.path(), 8192);
    if wanted("open") {
        opening(&picture);
    }
    if wanted("frames") {
        frames(folder.path(), &picture);
    }
}

/// How long something took.
#[derive(Clone, Copy)]
struct Took {
    clock: Duration,
    /// Of the calling thread for a frame, of all threads for a search.
    processor: Duration,
}

fn row(what: &str, times: &[Took]) {
    let at = |share: f64, of: &dyn Fn(&Took) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(of).collect();
        sorted.sort();
        sorted[((sorted.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3
    };
    let [clock, processor] = [|t: &Took| t.clock, |t: &Took| t.processor];
    println!(
        "| {what} | {:.1} ms | {:.1} ms | {:.1} ms | {:.1} ms |",
        at(0.5, &clock),
        at(0.99, &clock),
        at(0.5, &processor),
        at(0.99, &processor)
    );
}

/// Time that this thread has run.
fn of_this_thread() -> Duration {
    // Linux adds it up when a thread gives way, else only every few milliseconds.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// Time that all threads of this process have run, to a hundredth of a second.
fn of_all_threads() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, counted behind the name, which may hold anything.
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(10 * fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>())
}

/// Resident memory now and at most, MiB.
fn memory() -> (f64, f64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    };
    (field("VmRSS"), field("VmHWM"))
}

/// 10,000 discs of 24 px on a 4096 x 4096 picture with noise.
fn crowded() -> (Micrograph, Vec<Example>) {
    const SIDE: usize = 4096;
    let mut random = StdRng::seed_from_u64(1);
    let mut pixels: Vec<f32> = (0..SIDE * SIDE).map(|_| random.random_range(-0.2..0.2)).collect();
    let mut places = Vec::new();
    for row in 0..100 {
        for column in 0..100 {
            let x = 25.0 + 40.8 * column as f32 + random.random_range(-5.0..5.0);
            let y = 25.0 + 40.8 * row as f32 + random.random_range(-5.0..5.0);
            for py in (y - 13.0) as usize..=(y + 13.0) as usize {
                for px in (x - 13.0) as usize..=(x + 13.0) as usize {
                    let inside = 12.5 - (px as f32 - x).hypot(py as f32 - y);
                    pixels[py * SIDE + px] += inside.clamp(0.0, 1.0);
                }
            }
            places.push(Example { x, y, diameter: 24.0 });
        }
    }
    (Micrograph::new(SIDE, SIDE, pixels, None).unwrap(), places)
}

fn proposals() {
    let (picture, places) = crowded();
    let settings = Settings { contrast: Contrast::Bright, ..Settings::default() };
    let mut found = 0;
    let times: Vec<Took> = (0..3)
        .map(|_| timed(of_all_threads, || found = detect(&picture, &[], &settings, &|_| true).unwrap().len()))
        .collect();
    row("find particles, 4k, 10,000 particles, all threads", &times);
    println!("| ... of which found | {found} | | | |");
    let times: Vec<Took> = (0..3)
        .map(|_| {
            timed(of_all_threads, || {
                let seen = [Examples { micrograph: &picture, of: &places[..5] }];
                found = similar(&picture, &[], &seen, Likeness::default(), &|_| true).unwrap().len();
            })
        })
        .collect();
    row("pick similar, 4k, 10,000 particles, all threads", &times);
    println!("| ... of which found | {found} | | | |");
}

fn timed(processor: impl Fn() -> Duration, work: impl FnOnce()) -> Took {
    let (before, start) = (processor(), Instant::now());
    work();
    let clock = start.elapsed();
    Took { processor: processor().saturating_sub(before), clock }
}

/// A 16-bit TIFF of `side` x `side` with a slope, discs and noise.
fn write_picture(folder: &Path, side: u32) -> PathBuf {
    let path = folder.join("large.tif");
    let mut state = 7_u32;
    let picture = image::ImageBuffer::<image::Luma<u16>, _>::from_fn(side, side, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let disc = if (x % 80).abs_diff(40).pow(2) + (y % 80).abs_diff(40).pow(2) < 400 { 9000 } else { 0 };
        image::Luma([(12_000 + disc + (x / 4) + (state >> 20)) as u16])
    });
    picture.save(&path).unwrap();
    path
}

struct Window {
    harness: Harness<'static, App>,
}

impl Window {
    fn open(open: Open) -> Self {
        let harness =
            Harness::builder().with_size([1600.0, 1000.0]).build_eframe(move |cc| App::new(cc, open));
        Self { harness }
    }

    fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label_contains(label).next().is_some()
    }

    /// One frame with these events, from the input to triangles; the graphics card's work is not in it.
    fn frame(&mut self, events: &[Event], modifiers: Modifiers) -> Took {
        let input = self.harness.input_mut();
        input.events.push(Event::ModifiersChanged(modifiers));
        input.events.extend_from_slice(events);
        timed(of_this_thread, || {
            self.harness.step();
            let output = self.harness.output();
            std::hint::black_box(self.harness.ctx.tessellate(output.shapes.clone(), output.pixels_per_point));
        })
    }

    /// The slowest of the frames that a key causes: its action is done before the one after it is drawn.
    fn key(&mut self, modifiers: Modifiers, key: egui::Key) -> Took {
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        let frames = [
            self.frame(&[event(true)], modifiers),
            self.frame(&[event(false)], modifiers),
            self.frame(&[], Modifiers::NONE),
        ];
        let slowest = |of: fn(&Took) -> Duration| frames.iter().map(of).max().unwrap_or_default();
        Took { clock: slowest(|t| t.clock), processor: slowest(|t| t.processor) }
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < Duration::from_secs(300), "it never came");
            std::thread::sleep(Duration::from_millis(2));
            self.harness.step();
        }
    }

    fn canvas(&self) -> Pos2 {
        self.harness.get_by_label("Micrograph canvas").rect().center()
    }
}

/// From the start of the window to the first grey value under the pointer, and the memory that then is in use.
fn opening(picture: &Path) {
    let file = std::fs::metadata(picture).unwrap().len() as f64 / (1 << 20) as f64;
    let mut window = Window::open(Open::default());
    window.harness.step();
    let (before, _) = memory();
    drop(window);
    let (start, processor) = (Instant::now(), of_all_threads());
    let since = || Took { clock: start.elapsed(), processor: of_all_threads().saturating_sub(processor) };
    let mut window = Window::open(Open { images: vec![picture.to_owned()], ..Open::default() });
    window.until(|w| w.shows("First look") || (w.shows("Micrograph large.tif") && !w.shows("Opening")));
    row("8k x 8k 16-bit TIFF, added: first pixels, all threads", &[since()]);
    window.until(|w| w.shows("Micrograph large.tif") && !w.shows("Opening"));
    row("8k x 8k 16-bit TIFF, added: in the project, banner proposed, all threads", &[since()]);
    let (now, most) = memory();
    println!(
        "| memory of it, file {file:.0} MiB | {:.2} x the file | at most {:.2} x | | |",
        (now - before) / file,
        (most - before) / file
    );
}

/// A project of 100,000 particles on ten micrographs, 10,000 of them on the large one that is shown.
fn write_project(folder: &Path, picture: &Path) -> PathBuf {
    let mut project = Project::new();
    let mut random = StdRng::seed_from_u64(2);
    let hash = source::hash_file(picture).unwrap();
    let classes: Vec<_> = ["rod", "cube", "sphere", "none of these"]
        .into_iter()
        .map(|name| {
            let (id, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
            id
        })
        .collect();
    for i in 0..10 {
        let path = if i == 0 { picture.to_owned() } else { folder.join(format!("elsewhere-{i}.tif")) };
        let entry = MicrographEntry::new(path, 0, 8192, 8192, None, hash.as_str());
        let (micrograph, edit) = project.add_micrograph_edit(entry);
        project.apply(edit).unwrap();
        let particles = (0..10_000).map(|n| Particle {
            id: ParticleId(0),
            micrograph,
            x: random.random_range(0.0..8191.0),
            y: random.random_range(0.0..8191.0),
            diameter: Some(40.0),
            score: None,
            label: (n % 2 == 0).then(|| classes[n % classes.len()]),
            held_out: false,
        });
        let edit = project.add_particles_edit(particles.collect());
        project.apply(edit).unwrap();
    }
    let path = folder.join("many.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

/// The window's own work for a frame, without the graphics card's: still, panned, zoomed, and edited.
fn frames(folder: &Path, picture: &Path) {
    let project = write_project(folder, picture);
    let mut window = Window::open(Open { project: Some(project), ..Open::default() });
    window.until(|w| w.shows("Class rod") && w.shows("Micrograph canvas") && !w.shows("Opening"));
    (0..60).for_each(|_| window.harness.step());
    let window = &mut window;
    let many = |window: &mut Window, what: &str, act: &mut dyn FnMut(&mut Window, usize) -> Took| {
        row(what, &(0..300).map(|i| act(window, i)).collect::<Vec<_>>());
    };
    let none = Modifiers::NONE;
    many(window, "frame, 10,000 particles in view of 100,000, at rest", &mut |window, _| {
        window.frame(&[], none)
    });
    many(window, "frame, the pointer moves", &mut |window, i| {
        let to = window.canvas() + vec2(3.0 * (i % 100) as f32 - 150.0, 40.0);
        window.frame(&[Event::PointerMoved(to)], none)
    });
    many(window, "frame, zooming to the pointer and back", &mut |window, i| {
        let delta = vec2(0.0, if i % 60 < 30 { 20.0 } else { -20.0 });
        let (unit, phase, modifiers) = (MouseWheelUnit::Point, TouchPhase::Move, none);
        let source = egui::MouseWheelSource::Unknown;
        window.frame(&[Event::MouseWheel { unit, delta, phase, modifiers, source }], none)
    });
    many(window, "slowest frame of the other class for one particle", &mut |window, i| {
        if i == 0 {
            // The first that has no class yet is selected, and given one and the other in turns.
            window.key(none, egui::Key::Escape);
            window.key(none, egui::Key::Tab);
        }
        window.key(none, if i % 2 == 0 { egui::Key::Num1 } else { egui::Key::Num2 })
    });
    many(window, "slowest frame of an undo or redo of one label", &mut |window, i| {
        let shift = if i % 2 == 0 { none } else { Modifiers::SHIFT };
        window.key(Modifiers::COMMAND | shift, egui::Key::Z)
    });
    let once = |window: &mut Window, what: &str, modifiers: Modifiers, key: egui::Key| {
        row(what, &[window.key(modifiers, key)]);
    };
    once(window, "slowest frame of selecting 10,000 particles", Modifiers::COMMAND, egui::Key::A);
    once(window, "slowest frame of labelling 10,000 particles", none, egui::Key::Num2);
    once(window, "slowest frame of undoing that", Modifiers::COMMAND, egui::Key::Z);
    many(window, "frame, 10,000 particles selected, at rest", &mut |window, _| window.frame(&[], none));
}

/// The same in the maps workspace, with a value for each of 1024 x 1024 pixels: what is pointed at in the plane lights up
/// in the image, an outline round latents is looked for in all pixels.
fn map_frames() {
    let folder = tempfile::tempdir().unwrap();
    let image = nanotheca::sample::create_lattice(folder.path()).unwrap();
    let mut window = Window::open(Open { images: vec![image], ..Open::default() });
    window.until(|w| w.shows("Micrograph DyScO3.png") && !w.shows("Opening"));
    window.harness.key_press_modifiers(Modifiers::COMMAND, egui::Key::Num2);
    window.until(|w| w.shows("Image canvas"));
    window.harness.key_press(egui::Key::T);
    let mut while_learning = Vec::new();
    let start = Instant::now();
    while !window.shows("The model stays and answers") {
        assert!(start.elapsed() < Duration::from_secs(600), "the run never ended");
        while_learning.push(timed(of_this_thread, || window.harness.step()));
        std::thread::sleep(Duration::from_millis(16));
    }
    row("maps, frame while it learns, new maps included", &while_learning);
    let place = |window: &Window, name: &str| window.harness.get_by_label(name).rect().center();
    let mut many = |what: &str, act: &mut dyn FnMut(&mut Window, usize)| {
        let times = (0..200).map(|i| {
            act(&mut window, i);
            timed(of_this_thread, || window.harness.step())
        });
        row(what, &times.collect::<Vec<_>>());
    };
    many("maps of 1024 x 1024, frame at rest", &mut |_, _| {});
    let along = |i: usize| vec2((i % 100) as f32 - 50.0, (i % 37) as f32 - 18.0);
    many("maps, the pointer moves over the image", &mut |window, i| {
        let to = place(window, "Image canvas") + along(i);
        window.harness.event(Event::PointerMoved(to));
    });
    many("maps, the pointer moves over the latent plane", &mut |window, i| {
        // The plane stands right of the map.
        let map = window.harness.get_by_label("Map canvas").rect();
        window.harness.event(Event::PointerMoved(map.right_center() + vec2(200.0, 0.0) + along(i)));
    });
}
