//! What a model learned is seen, selected and taken away in the window: driven through its accessibility tree.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use nanotheca::micrograph::PixelSize;
use nanotheca::particle::{Particle, ParticleId};
use nanotheca::project::{MicrographEntry, Project, store};
use std::path::{Path, PathBuf};
use window::Window;

const WIDE: u32 = 640;
const HIGH: u32 = 480;
const PITCH: usize = 40;

/// Discs and bars of different lengths in rows, a few of each labelled.
fn write_project(dir: &Path) -> PathBuf {
    let mut picture =
        image::GrayImage::from_fn(WIDE, HIGH, |x, y| image::Luma([50 + ((x * 7 + y * 13) % 9) as u8]));
    let mut places = Vec::new();
    let across = WIDE as usize / PITCH - 1;
    let down = HIGH as usize / PITCH - 1;
    for n in 0..across * down {
        let (x, y) = (PITCH + n % across * PITCH, PITCH + n / across * PITCH);
        let bar = n % 2 == 1;
        let long = 5 + (n / 2 % 6) as i32;
        for dy in -12_i32..=12 {
            for dx in -12_i32..=12 {
                let inside = if bar {
                    dx.abs() <= long && dy.abs() <= 3
                } else {
                    dx * dx + dy * dy <= (long - 1) * (long - 1)
                };
                if inside {
                    picture.put_pixel((x as i32 + dx) as u32, (y as i32 + dy) as u32, image::Luma([210]));
                }
            }
        }
        places.push((x as f32, y as f32));
    }
    let path = dir.join("forms.png");
    picture.save(&path).unwrap();
    let mut project = Project::new();
    let classes: Vec<_> = ["disc", "bar"]
        .into_iter()
        .map(|name| {
            let (id, edit) = project.add_class_edit(name);
            project.apply(edit).unwrap();
            id
        })
        .collect();
    let hash = store::hash_file(&path).unwrap();
    let size = PixelSize { x_nm: 0.5, y_nm: 0.5 };
    let mut entry = MicrographEntry::new(&path, 0, WIDE as usize, HIGH as usize, Some(size), hash);
    entry.bright = Some(true);
    let (micrograph, edit) = project.add_micrograph_edit(entry);
    project.apply(edit).unwrap();
    let particles = places.into_iter().enumerate().map(|(n, (x, y))| Particle {
        id: ParticleId(0),
        micrograph,
        x,
        y,
        diameter: Some(16.0),
        score: None,
        label: (n < 24).then(|| classes[n % 2]),
        held_out: n < 24 && n % 6 < 2,
    });
    let edit = project.add_particles_edit(particles.collect());
    project.apply(edit).unwrap();
    project.patch.side = 24;
    project.patch.extent_nm = None;
    project.patch.extent_px = 32.0;
    project.training = serde_json::json!({
        "epochs": 8, "hidden_encoder": [32], "hidden_decoder": [32], "hidden_classifier": [32], "latent": 2,
    });
    let path = dir.join("forms.nanotheca");
    store::save(&project, &path).unwrap();
    path
}

fn open(path: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(path.to_owned()), ..Open::default() });
    window.until("the project", |w| w.shows("Class disc") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window
}

fn trained(dir: &Path) -> Window {
    let mut window = open(&write_project(dir));
    window.press("Train");
    window.until("the end of the training", |w| w.harness.query_by_label("Done").is_some());
    window.press("Latent space");
    window.until("the scatter", |w| w.is_there("Query"));
    window.until("the newest predictions", |w| {
        let [arrived, drawn] = w.app().arrivals();
        arrived == drawn
    });
    window
}

/// What a widget holds, such as the text of a field.
fn value(window: &Window, label: &str) -> String {
    // A word before it may have the same name.
    let last = window.harness.query_all_by_label(label).last();
    last.and_then(|node| node.accesskit_node().value()).unwrap_or_default()
}

fn ids_on(window: &Window, n: usize) -> Vec<ParticleId> {
    window.app().project().particles.keys().copied().take(n).collect()
}

#[test]
fn a_click_in_the_patches_brings_the_particle_into_sight() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path()));
    window.key(Modifiers::NONE, Key::V);
    for _ in 0..6 {
        window.key(Modifiers::NONE, Key::Plus);
    }
    // The first disc lies in the corner of the picture, far out of sight now.
    let first = ids_on(&window, 1)[0];
    window.press("Patches");
    window.press(&format!("Patch of particle {}, disc", first.0));
    assert!(window.shows("1 particle selected"));
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("1 particle selected"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.click_at(middle, Modifiers::NONE, PointerButton::Primary);
    assert!(window.shows("1 particle selected"), "the particle is in the middle of the canvas");
}

#[test]
fn shift_takes_a_range_of_patches_and_ctrl_a_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open(&write_project(dir.path()));
    window.press("Patches");
    let patch = |window: &Window, id: ParticleId| {
        window.harness.get_by_label(&format!("Patch of particle {}, disc", id.0)).rect().center()
    };
    let ids = ids_on(&window, 9);
    let at = patch(&window, ids[0]);
    window.click_at(at, Modifiers::NONE, PointerButton::Primary);
    let at = patch(&window, ids[8]);
    window.click_at(at, Modifiers::SHIFT, PointerButton::Primary);
    // Every second particle is a disc.
    assert!(window.shows("5 particles selected"));
    window.key(Modifiers::COMMAND, Key::A);
    assert!(window.shows("12 particles selected"), "those of the pane, not of the micrograph");
    // What can be done with them stands in the status line.
    window.press("Hold the selection out");
    let held = window.app().project().particles.values().filter(|p| p.held_out && p.label.is_some()).count();
    assert!(held >= 12, "{held}");
    window.press("Delete the selection");
    assert!(!window.shows("particles selected"));
    let left = window.app().project().particles.len();
    window.press("Undo");
    assert_eq!(window.app().project().particles.len(), left + 12);
    let picture = dir.path().join("patches.png");
    window.key(Modifiers::COMMAND, Key::T);
    window.press("Patches as Picture (PNG)");
    window.until("a field for the path", |w| w.shows("This system has no file dialog"));
    window.harness.get_by_label("Path").set_text_value_accesskit(&picture.display().to_string());
    window.settle();
    window.press("OK");
    window.until("the sheet", |_| picture.is_file());
    assert!(image::open(&picture).unwrap().width() > 1000);
}

#[test]
fn what_the_model_learned_is_seen_and_selected() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = trained(dir.path());

    // Meanings: a number leads to its scatter.
    window.press("Meanings");
    window.until("the table of meanings", |w| w.shows(" and area: r "));
    window.harness.check_accessibility();
    // It may have been scrolled out of sight.
    window.harness.query_all_by_label_contains(" and area: r ").next().unwrap().click_accesskit();
    window.settle();
    assert_eq!(value(&window, "Across"), "area");
    window.press("Meanings");

    // Colours that say a number have a bar with both ends and a unit.
    window.harness.query_all_by_label("Colour").last().unwrap().click();
    window.settle();
    window.harness.query_all_by_label("area").last().unwrap().click_accesskit();
    window.settle();
    window.key(Modifiers::NONE, Key::Escape);
    window.until("the bar", |w| w.shows("Colours: area from ") && w.shows(" nm2"));

    // The threshold writes the query.
    window.press("Threshold");
    let bars = window.harness.get_by_label("Histogram of reconstruction error").rect();
    let at = |part: f32| Pos2::new(bars.left() + part * bars.width(), bars.center().y);
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(Event::PointerMoved(at(0.2)));
    window.harness.step();
    window.harness.event(button(at(0.2), true));
    window.harness.step();
    for part in [0.4, 0.6] {
        window.harness.event(Event::PointerMoved(at(part)));
        window.harness.step();
    }
    assert!(value(&window, "Query").starts_with("error > 0."), "{}", value(&window, "Query"));
    window.harness.event(button(at(0.6), false));
    window.settle();
    assert!(window.shows(" found"));
    window.press("Threshold");

    // Averages, with their variance.
    window.press("Averages");
    window.until("the averages", |w| w.shows("Averages of disc: as cut, upright, variance"));
    window.harness.check_accessibility();

    // The traversal: any two latents, ranges of the data, all of the pose.
    window.press("Manifold");
    for label in
        ["Latent to the right", "Latent upwards", "Density", "shift to the right", "shift down", "scale"]
    {
        assert!(window.shows(label), "{label}");
    }
    window.until("the manifold", |w| w.shows("Manifold: z1 to the right, z2 upwards"));
    window.harness.check_accessibility();
}

#[test]
fn rows_of_the_table_are_sorted_and_selected() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = trained(dir.path());
    window.press("Table");
    window.harness.check_accessibility();
    let ids = ids_on(&window, 4);
    let row = |window: &Window, id: ParticleId| {
        let rect = window.harness.get_by_label(&format!("Row of particle {}", id.0)).rect();
        Pos2::new(rect.left() + 20.0, rect.center().y)
    };
    let at = row(&window, ids[0]);
    window.click_at(at, Modifiers::NONE, PointerButton::Primary);
    assert!(window.shows("1 particle selected"));
    let at = row(&window, ids[3]);
    window.click_at(at, Modifiers::SHIFT, PointerButton::Primary);
    assert!(window.shows("4 particles selected"));
    // Only these four, also while one of them is looked at.
    window.press("Only the selected");
    let shown = |window: &Window| window.harness.query_all_by_label_contains("Row of particle ").count();
    assert_eq!(shown(&window), 4);
    let at = row(&window, ids[2]);
    window.click_at(at, Modifiers::NONE, PointerButton::Primary);
    assert!(window.shows("1 particle selected") && shown(&window) == 4);
    window.press("Only the selected");
    assert!(shown(&window) > 4);
    let higher = |window: &Window| row(window, ids[0]).y < row(window, ids[1]).y;
    assert!(higher(&window));
    window.press("Sort by particle");
    let rows = window.app().project().particles.len();
    let last = *window.app().project().particles.keys().nth(rows - 1).unwrap();
    assert!(window.shows(&format!("Row of particle {}", last.0)), "the largest number is on top now");
}

#[test]
fn the_wheel_zooms_the_scatter_and_fit_brings_all_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = trained(dir.path());
    let query = window.harness.get_by_label("Query").rect();
    // Inside the plot also where the numbers of the axis are long.
    let [corner, end] = [query.left_bottom() + vec2(110.0, 60.0), Pos2::new(1370.0, 800.0)];
    let inside = |window: &mut Window| {
        window.harness.query_all_by_label("Lasso").last().unwrap().click();
        window.settle();
        let path = [corner, Pos2::new(end.x, corner.y), end, Pos2::new(corner.x, end.y)];
        let button = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        window.harness.event(Event::PointerMoved(path[0]));
        window.harness.step();
        window.harness.event(button(path[0], true));
        for pos in path {
            window.harness.event(Event::PointerMoved(pos));
            window.harness.step();
        }
        window.harness.event(button(path[3], false));
        window.settle();
        let said = window.harness.query_all_by_label_contains(" inside").next();
        let text = said.and_then(|node| node.accesskit_node().value()).unwrap_or_default();
        text.split(' ').next().and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX)
    };
    let all = inside(&mut window);
    assert!(all >= 10, "{all}");
    window.harness.event(Event::PointerMoved(corner + 0.5 * (end - corner)));
    window.settle();
    for _ in 0..12 {
        window.harness.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, 100.0),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        });
        window.settle();
    }
    let near = inside(&mut window);
    assert!(near < all / 2, "{near} of {all} are left in the plot");
    window.press("Fit the scatter");
    // A line more or less above the plot moves the outline by some points.
    let back = inside(&mut window);
    assert!(back > 3 * all / 4 && back != usize::MAX, "{back} of {all}");
}
