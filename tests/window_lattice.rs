//! The lattice before a run, cells drawn by hand, regions that do not count, and settings that stay with the project: the
//! maps workspace driven through its accessibility tree.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod driven;

use driven::Window;
use egui::{Event, Key, Modifiers, PointerButton, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use nanotheca::project::{MicrographEntry, Project, store};
use std::path::{Path, PathBuf};

const SIZE: [u32; 2] = [144, 120];

/// A square lattice of bright spots, 12 px apart, with a broad hill on it if asked for.
fn write_lattice(path: &Path, hill: bool) {
    let mut picture = image::GrayImage::new(SIZE[0], SIZE[1]);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (m, n) = ((x as f32 - 6.0) / 12.0, (y as f32 - 6.0) / 12.0);
        let (dx, dy) = (12.0 * (m - m.round()), 12.0 * (n - n.round()));
        let spot = 90.0 * (-(dx * dx + dy * dy) / 10.0).exp();
        let far = (x as f32 - 100.0).hypot(y as f32 - 40.0);
        let bump = if hill { 120.0 * (-far * far / 200.0).exp() } else { 0.0 };
        let noise = 8.0 * ((f64::from(x * 7919 + y * 104_729)).sin() * 43_758.5).fract() as f32;
        pixel.0 = [(30.0 + spot + bump + noise).clamp(0.0, 255.0) as u8];
    }
    picture.save(path).unwrap();
}

/// A saved project over one picture of spots.
fn write_project(dir: &Path, hill: bool) -> PathBuf {
    let picture = dir.join("spots.png");
    write_lattice(&picture, hill);
    let mut project = Project::new();
    let hash = store::hash_file(&picture).unwrap();
    let entry = MicrographEntry::new(&picture, 0, SIZE[0] as usize, SIZE[1] as usize, None, hash);
    let (_, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let path = dir.join("spots.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

/// The workspace with a project open and its lattice found.
fn open(project: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(project.to_owned()), ..Open::default() });
    window.until("the project", |w| w.shows("Micrograph canvas"));
    window.key(Modifiers::COMMAND, Key::Num2);
    window.until("the lattice", |w| w.is_there("Image canvas") && w.shows("confidence"));
    window
}

fn entry(window: &Window) -> MicrographEntry {
    window.app().project().micrographs[0].clone()
}

fn cell(window: &Window) -> Option<[[f64; 2]; 2]> {
    serde_json::from_value(entry(window).maps["cell"].clone()).unwrap()
}

/// Points per pixel of the image as a whole.
fn zoom(window: &Window) -> f32 {
    let canvas = window.harness.get_by_label("Image canvas").rect();
    (0.98 * (canvas.width() / SIZE[0] as f32).min(canvas.height() / SIZE[1] as f32)).min(8.0)
}

/// Drags a widget by its name.
fn drag(window: &mut Window, name: &str, by: Vec2) {
    let from = window.harness.get_by_label(name).rect().center();
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(Event::PointerMoved(from));
    window.harness.step();
    window.harness.event(button(from, true));
    window.harness.step();
    for part in [0.3, 0.6, 1.0] {
        window.harness.event(Event::PointerMoved(from + by * part));
        window.harness.step();
    }
    window.harness.event(button(from + by, false));
    window.harness.step();
    window.settle();
}

#[test]
fn the_lattice_and_what_fits_it_are_told_before_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path(), false));
    assert!(window.shows("12.0 px") && window.shows("90.0°"), "vectors and angle");
    // A window of 1 1/2 periods at least, and the residual shift of a locked one.
    assert!(window.shows("18.0 px") && window.shows("± 0.45 px"), "window and shift prior");
    assert!(window.shows("No maps yet"), "no run was needed");
    // Lengths in nanometres follow the scale.
    window.type_number("Pixel size", "0.05");
    assert!(window.shows("12.0 px, 0.600 nm"));
    window.harness.check_accessibility();
}

#[test]
fn a_cell_is_dragged_by_its_handles_refined_to_the_peaks_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path(), false));
    assert!(!window.is_there("End of lattice vector a"), "what was found is not dragged");
    window.press("Cell by hand");
    let found = cell(&window).unwrap();
    assert!((found[0][0] - 12.0).abs() < 0.1, "{found:?}");
    let by = vec2(1.5, 1.0);
    let zoom = zoom(&window);
    drag(&mut window, "End of lattice vector a", by * zoom);
    let drawn = cell(&window).unwrap();
    let off = [0, 1].map(|i| drawn[0][i] - found[0][i]);
    assert!((off[0] - 1.5).abs() < 0.3 && (off[1] - 1.0).abs() < 0.3, "{off:?}");
    assert_eq!(drawn[1], found[1]);
    window.press("Refine to the peaks");
    window
        .until("the peaks", |w| cell(w).is_some_and(|c| (c[0][0] - 12.0).abs() < 0.1 && c[0][1].abs() < 0.1));
    // A whole drag is one change.
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(cell(&window), Some(drawn));
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(cell(&window), Some(found));
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(cell(&window), None);
    assert!(!window.is_there("End of lattice vector a") && window.shows("confidence"));
}

#[test]
fn settings_of_maps_are_kept_with_the_project_and_undone() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_project(dir.path(), false);
    let mut window = open(&path);
    window.type_number("Latents", "3");
    window.press("Cell by hand");
    window.type_number("Lattice vector b, y in pixels", "13");
    assert_eq!(window.app().project().maps["latent"], 3);
    window.key(Modifiers::COMMAND, Key::Z);
    assert!((cell(&window).unwrap()[1][1] - 12.0).abs() < 0.1);
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(cell(&window).unwrap()[1][1], 13.0);
    assert!(window.app().is_dirty());
    window.key(Modifiers::COMMAND, Key::S);
    window.until("the file", |w| !w.app().is_dirty());
    drop(window);
    let window = {
        let mut window = Window::open(Open { project: Some(path), ..Open::default() });
        window.until("the project", |w| w.shows("Micrograph canvas"));
        window.key(Modifiers::COMMAND, Key::Num2);
        window.until("the image", |w| w.is_there("End of lattice vector b"));
        window
    };
    let value = |name: &str| window.harness.get_by_label(name).accesskit_node().numeric_value();
    assert_eq!(value("Lattice vector b, y in pixels"), Some(13.0));
    assert_eq!(value("Latents"), Some(3.0));
}

#[test]
fn regions_are_left_out_where_maps_are_made_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path(), false));
    window.key(Modifiers::NONE, Key::X);
    let zoom = zoom(&window);
    window.drag("Image canvas", &[vec2(-20.0, -10.0) * zoom, vec2(0.0, 0.0), vec2(20.0, 10.0) * zoom]);
    let region = entry(&window).excluded[0];
    assert!(
        (region.x1 - region.x0 - 40.0).abs() < 1.0 && (region.y1 - region.y0 - 20.0).abs() < 1.0,
        "{region:?}"
    );
    assert!(window.shows("1 region left out"));
    // An outline, too.
    window.key(Modifiers::SHIFT, Key::X);
    window.drag(
        "Image canvas",
        &[vec2(-50.0, 20.0), vec2(-30.0, 20.0), vec2(-30.0, 40.0), vec2(-50.0, 40.0)].map(|p| p * zoom),
    );
    assert_eq!(entry(&window).outlines.len(), 1);
    assert!(window.shows("2 regions left out"));
    // A right click takes one away.
    let middle = window.harness.get_by_label("Image canvas").rect().center();
    window.click_at(middle, Modifiers::NONE, PointerButton::Secondary);
    assert!(entry(&window).excluded.is_empty());
    for _ in 0..3 {
        window.key(Modifiers::COMMAND, Key::Z);
    }
    assert!(entry(&window).excluded.is_empty() && entry(&window).outlines.is_empty());
    assert!(!window.shows("left out"));
    // The tools of particles stay away.
    window.key(Modifiers::NONE, Key::P);
    window.click_at(middle, Modifiers::NONE, PointerButton::Primary);
    assert!(window.app().project().particles.is_empty());
}

#[test]
fn adsorbates_are_left_out_as_one_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path(), true));
    window.press("Adsorbates");
    window.press("Leave out adsorbates");
    window.until("the outlines", |w| w.shows("left out"));
    let outlines = entry(&window).outlines;
    assert!(outlines.iter().any(|o| o.contains(100.0, 40.0)), "{outlines:?}");
    assert!(!outlines.iter().any(|o| o.contains(30.0, 90.0)), "the pattern itself stays");
    window.key(Modifiers::COMMAND, Key::Z);
    assert!(entry(&window).outlines.is_empty());
}
