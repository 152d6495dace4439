//! The maps workspace does the user's work: driven through its accessibility tree, with no display.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod driven;

use driven::Window;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use std::path::{Path, PathBuf};

/// A square lattice of bright spots, 12 px apart, brighter right of the middle, one of them missing: 144 x 120.
fn write_lattice(path: &Path) {
    let mut picture = image::GrayImage::new(144, 120);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (m, n) = ((x as f32 - 6.0) / 12.0, (y as f32 - 6.0) / 12.0);
        let (dx, dy) = (12.0 * (m - m.round()), 12.0 * (n - n.round()));
        let bright = if x < 72 { 110.0 } else { 190.0 };
        let there = !(m.round() == 3.0 && n.round() == 4.0);
        let spot = if there { bright * (-(dx * dx + dy * dy) / 10.0).exp() } else { 0.0 };
        let noise = 12.0 * ((f64::from(x * 7919 + y * 104_729)).sin() * 43_758.5).fract() as f32;
        pixel.0 = [(30.0 + spot + noise).clamp(0.0, 255.0) as u8];
    }
    picture.save(path).unwrap();
}

/// The workspace with the lattice open.
fn open_lattice(dir: &Path) -> Window {
    let path: PathBuf = dir.join("spots.png");
    write_lattice(&path);
    let mut window = Window::open(Open { images: vec![path], ..Open::default() });
    window.until("the picture", |w| w.shows("Micrograph spots.png"));
    window.key(Modifiers::COMMAND, Key::Num2);
    window.until("the image", |w| w.is_there("Image canvas") && w.is_enabled("Start"));
    window
}

/// Few windows, so that an epoch is short on a busy machine, too.
fn set(window: &mut Window, epochs: &str) {
    for (name, value) in [("Epochs", epochs), ("Batch", "32"), ("Windows", "256")] {
        if !window.is_there(name) {
            window.harness.get_by_label("Advanced").click_accesskit();
            window.settle();
        }
        window.type_number(name, value);
    }
}

/// A short run on the CPU, to its end.
fn run(window: &mut Window) {
    set(window, "3");
    window.press("Start");
    window.until("the end of the run", |w| w.shows("The model stays and answers"));
}

#[test]
fn the_empty_workspace_says_what_it_is_for_and_offers_the_example() {
    let mut window = Window::open(Open::default());
    window.press("Maps");
    for label in
        ["Maps of order parameters", "Open the example (DyScO3)", "Open an image…", "Drop an image here"]
    {
        assert!(window.shows(label), "{label}");
    }
    assert!(!window.is_enabled("Start") && !window.is_enabled("Stop") && !window.is_enabled("Export…"));
    window.harness.check_accessibility();
    window.press("Particles");
    assert!(window.shows("Open sample") && window.is_there("Train"));
}

#[test]
fn keys_of_particles_do_nothing_while_maps_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_lattice(dir.path());
    window.key(Modifiers::COMMAND, Key::Num1);
    window.click_canvas(vec2(10.0, 10.0));
    assert_eq!(window.app().project().particles.len(), 1);
    window.key(Modifiers::COMMAND, Key::A);
    window.key(Modifiers::COMMAND, Key::Num2);
    for key in [Key::Delete, Key::U, Key::A, Key::D, Key::Num1] {
        window.key(Modifiers::NONE, key);
    }
    assert_eq!(window.app().project().particles.len(), 1);
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(window.app().project().particles.is_empty(), "undo is for all workspaces");
}

#[test]
fn maps_come_while_it_learns_and_everything_follows_from_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_lattice(dir.path());
    run(&mut window);
    // The lattice, with its lengths in pixels while the scale is not known.
    assert!(window.shows("confidence") && window.shows("12.0 px"));
    // What the maps are worth.
    assert!(window.shows("leakage"));
    window.harness.check_accessibility();

    // Pointing at a pixel asks the model.
    let middle = window.harness.get_by_label("Image canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the answer", |w| w.shows("of the variance explained"));

    // An outline on the image chooses pixels; Escape lets them go.
    window.key(Modifiers::NONE, Key::O);
    window
        .drag("Image canvas", &[vec2(-60.0, -60.0), vec2(60.0, -60.0), vec2(60.0, 60.0), vec2(-60.0, 60.0)]);
    assert!(window.shows("pixels, "));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("pixels, "));

    // Phases with areas.
    window.press("Segments");
    window.press("Segment");
    window.until("the phases", |w| w.shows("phase 1") && w.shows("px²"));

    // A line across the wall.
    window.press("Wall profile");
    window.key(Modifiers::NONE, Key::W);
    window.drag("Map canvas", &[vec2(-70.0, 0.0), vec2(0.0, 0.0), vec2(70.0, 0.0)]);
    window.until("the profile", |w| w.shows("wide, r²") || w.shows("wall:"));

    // Spectra and seeds.
    window.press("FFT");
    window.until("the spectra", |w| w.shows("image, to"));
    window.press("Seeds and outliers");
    assert!(window.shows("First map after"));

    // Everything into a folder.
    window.press("Export…");
    window.until("the question for a folder", |w| w.is_there("Path"));
    let field = window.harness.get_by_label("Path");
    field.set_text_value_accesskit(&dir.path().display().to_string());
    window.settle();
    window.press("OK");
    let maps = dir.path().join("spots-maps");
    window.until("the maps", |w| w.shows("Maps exported"));
    for name in ["two_latents.png", "profile.csv", "segments.csv", "segments.tif", "outliers.csv", "map.json"]
    {
        assert!(maps.join(name).is_file(), "{name}");
    }
}

#[test]
fn a_run_is_paused_goes_on_and_stops_and_its_maps_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_lattice(dir.path());
    set(&mut window, "1000");
    window.press("Start");
    window.until("the first map", |w| w.shows("leakage"));
    window.key(Modifiers::NONE, Key::T);
    window.until("the pause", |w| w.is_there("Resume"));
    window.press("Resume");
    window.until("going on", |w| w.is_there("Pause"));
    window.key(Modifiers::SHIFT, Key::T);
    window.until("the end", |w| w.shows("Stopped"));
    assert!(window.shows("leakage") && window.is_enabled("Start"));
}

#[test]
fn an_image_without_a_lattice_says_so_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("noise.png");
    let noise = |x: u32, y: u32| ((f64::from(x * 7919 + y * 104_729)).sin() * 43_758.5).fract().abs();
    image::GrayImage::from_fn(96, 96, |x, y| image::Luma([(255.0 * noise(x, y)) as u8])).save(&path).unwrap();
    let mut window = Window::open(Open { images: vec![path], ..Open::default() });
    window.until("the picture", |w| w.shows("Micrograph noise.png"));
    window.press("Maps");
    window.until("the image", |w| w.is_enabled("Start"));
    // It is an answer, told before any run; pressing Start changes nothing, and nothing has failed.
    window.until("the answer", |w| w.shows("No lattice found"));
    window.press("Start");
    assert!(window.shows("A choice is due") && !window.shows("failed"));
    for choice in ["Draw a cell", "Give the window, 16 px to begin with", "Turn phase locking off"] {
        assert!(window.is_there(choice), "{choice}");
    }
    window.press("Draw a cell");
    assert!(window.is_there("Lattice vector a, x in pixels") && window.is_there("End of lattice vector a"));
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(window.shows("A choice is due"));
    window.press("Give the window, 16 px to begin with");
    assert!(window.shows("No maps yet") && window.shows("Windows lie anywhere"));
    set(&mut window, "2");
    window.press("Start");
    window.until("maps without a lattice", |w| w.shows("The model stays and answers"));
    assert!(window.shows("This run has no lattice"));
}
