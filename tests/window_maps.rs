//! The maps workspace does the user's work: driven through its accessibility tree, with no display.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod driven;
#[path = "common/map_json.rs"]
mod promised;

use driven::Window;
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use promised::check_map_json;
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
    open_lattice_in(dir, [1400.0, 900.0])
}

/// The same in a window of this size.
fn open_lattice_in(dir: &Path, size: [f32; 2]) -> Window {
    let path: PathBuf = dir.join("spots.png");
    write_lattice(&path);
    let mut window = Window::of_size(Open { images: vec![path], ..Open::default() }, size);
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
    // What the maps are worth, and what it costs that they are smooth.
    assert!(window.shows("leakage") && window.shows("Smoothness costs") && window.shows("(roughness "));
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
    for name in [
        "two_latents.png",
        "profile.csv",
        "segments.csv",
        "segments.tif",
        "outliers.csv",
        "gpa_y.tif",
        "strain_xy.npy",
        "report.html",
        "model.safetensors",
    ] {
        assert!(maps.join(name).is_file(), "{name}");
    }
    let text = std::fs::read_to_string(maps.join("map.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    check_map_json(&document);
    // What the window wrote before the keys were shared stays.
    for key in ["judgements", "plan", "summary", "wall"] {
        assert!(document.get(key).is_some(), "{key}");
    }
    let command = document["command"].as_str().unwrap();
    assert!(command.starts_with("nanotheca map ") && command.contains("epochs=3"), "{command}");
}

#[test]
fn seeds_stand_beside_each_other_and_phase_analysis_beside_the_shift() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_lattice(dir.path());
    set(&mut window, "2");
    window.type_number("Seeds", "2");
    window.press("Start");
    window.until("the end of the run", |w| w.shows("The model stays and answers"));
    window.press("Seeds and outliers");
    for name in ["Show seed 1 z0", "Show seed 1 z1", "Show seed 2 z0", "Show seed 2 z1"] {
        assert!(window.is_there(name), "{name}");
    }
    // Large, with what the seed explains and how far all agree in the foot.
    window.harness.get_by_label("Show seed 2 z1").click_accesskit();
    window.settle();
    assert!(window.shows("−ELBO ") && (window.shows("seeds agree 0.") || window.shows("seeds agree 1.")));
    let choose = |window: &mut Window, name: &str| {
        window.press("Which map");
        window.press(name);
    };
    choose(&mut window, "phase analysis x");
    assert!(window.shows("geometric phase analysis: the reference beside the shift"));
    assert!(window.shows("between the shift and phase analysis"));
    choose(&mut window, "shift y");
    assert!(window.shows("between the shift and phase analysis"));
    choose(&mut window, "strain xy");
    assert!(window.shows("and the shear (xy)"));
    window.harness.check_accessibility();
}

#[test]
fn a_scale_typed_after_the_run_reaches_every_pane() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_lattice(dir.path());
    run(&mut window);
    window.press("Segments");
    window.press("Segment");
    window.until("the phases", |w| w.shows("phase 1") && w.shows("px²"));
    window.type_number("Pixel size", "0.05");
    window.until("areas in nanometres", |w| w.shows("nm²") && !w.shows("px²"));
    window.press("FFT");
    window.until("the spectra", |w| w.shows("1/nm") && !w.shows("1/px"));
    window.press("Wall profile");
    window.key(Modifiers::NONE, Key::W);
    window.drag("Map canvas", &[vec2(-70.0, 0.0), vec2(0.0, 0.0), vec2(70.0, 0.0)]);
    window.until("the profile", |w| w.shows("nm wide, r²") || w.shows("wall:"));
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
    assert!(window.shows("without what comes last: recon_error, gpa (phase analysis) and strain"));
    // The run and its maps are of one epoch.
    let said = window.harness.get_by_label_contains("Seed 1, after ").accesskit_node().value().unwrap();
    let epoch = said.trim_start_matches("Seed 1, after ").split(' ').next().unwrap();
    assert!(window.is_there(&format!("{epoch} of 1000")), "{said}");
    // And so are the numbers of a pixel: in the status line, and from the model.
    let middle = window.harness.get_by_label("Image canvas").rect().center();
    let mut seen = Vec::new();
    for off in [vec2(0.0, 0.0), vec2(4.0, 7.0), vec2(-9.0, 3.0), vec2(13.0, -5.0)] {
        window.harness.event(Event::PointerMoved(middle + off));
        window.harness.step();
        let said = |w: &Window| -> Option<f64> {
            let line = w.harness.query_all_by_label_contains("grey ").next()?.accesskit_node().value()?;
            line.split("z0").nth(1)?.split_whitespace().next()?.parse().ok()
        };
        let drawn = |w: &Window| {
            w.harness.query_by_role_and_label(Role::Slider, "z0")?.accesskit_node().numeric_value()
        };
        // The line shows two decimals.
        let same = |w: &Window| said(w).zip(drawn(w)).is_some_and(|(a, b)| (a - b).abs() < 0.0051);
        // The model's number comes a moment later, also to a pointer that rests.
        window.until("the same number from the model", same);
        seen.extend(said(&window));
    }
    assert!(seen.iter().any(|z0| (z0 - seen[0]).abs() > 0.01), "one for all places: {seen:?}");
}

#[test]
fn in_a_small_window_the_ways_to_begin_and_all_controls_are_in_sight() {
    let dir = tempfile::tempdir().unwrap();
    let window = open_lattice_in(dir.path(), [900.0, 600.0]);
    let rect = |name: &str| window.harness.get_by_label(name).rect();
    let pane = rect("Map canvas");
    for name in ["Open the example (DyScO3)", "Open an image…"] {
        assert!(pane.contains_rect(rect(name)), "{name} at {} of {pane}", rect(name));
    }
    let image = rect("Image canvas");
    for name in ["Fit", "Lattice"] {
        assert!(image.x_range().contains(rect(name).right()), "{name} at {} of {image}", rect(name));
    }
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
