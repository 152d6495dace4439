//! What the window looks like, pixel by pixel, drawn by the software graphics driver.
//!
//! The pictures lie in `tests/snapshots`; `NANOTHECA_UPDATE_SNAPSHOTS=1` writes them anew, to be looked at before they are
//! committed. Another graphics driver may round an edge differently, so a few pixels may differ.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // a test may fail loudly

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use image::RgbaImage;
use nanotheca::app::Open;
use nanotheca::project::store;
use nanotheca::sample;
use std::path::{Path, PathBuf};
use window::Window;

/// Large enough for every pane, in points.
const SIZE: [f32; 2] = [1100.0, 720.0];
/// A pixel differs if a channel does by more than this...
const CLOSE: u8 = 24;
/// ... and a picture if more than this share of its pixels do.
const MOST: f64 = 0.0004;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// Compares the window with the picture of that name.
fn looks_like(window: &mut Window, name: &str) {
    window.settle();
    let seen = match window.harness.render() {
        Ok(seen) => seen,
        Err(error) if std::env::var_os("NANOTHECA_REQUIRE_GPU").is_none() => {
            eprintln!("{name} was not compared: {error}");
            return;
        }
        Err(error) => panic!("{name} cannot be drawn: {error}"),
    };
    let path = folder().join(format!("{name}.png"));
    if std::env::var_os("NANOTHECA_UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        seen.save(&path).unwrap();
        return;
    }
    let kept = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgba8();
    let off = differing(&kept, &seen);
    if off > MOST {
        let new = std::env::temp_dir().join(format!("nanotheca-{name}.png"));
        seen.save(&new).unwrap();
        panic!("{name}: {:.2} % of the pixels differ; see {}", 100.0 * off, new.display());
    }
}

/// Share of pixels that differ; all of them if the size does.
fn differing(kept: &RgbaImage, seen: &RgbaImage) -> f64 {
    if kept.dimensions() != seen.dimensions() {
        return 1.0;
    }
    let apart = |a: &[u8; 4], b: &[u8; 4]| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > CLOSE);
    let count = kept.pixels().zip(seen.pixels()).filter(|(a, b)| apart(&a.0, &b.0)).count();
    count as f64 / f64::from(kept.width() * kept.height())
}

/// The sample, drawn and pointed at.
fn sample_window(dir: &Path) -> Window {
    let path = sample::create(dir).unwrap();
    assert!(store::load(&path).is_ok());
    let mut window = Window::of_size(Open { project: Some(path), ..Open::default() }, SIZE);
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    // The other picture's thumbnail comes later; tiles come one by one.
    window.until("all pictures", |w| !w.shows("Opening"));
    window.harness.run_steps(60);
    window
}

#[test]
fn the_comparison_sees_what_moved() {
    let plain = RgbaImage::from_pixel(100, 100, image::Rgba([40, 40, 40, 255]));
    let mut other = plain.clone();
    other.put_pixel(3, 3, image::Rgba([60, 40, 40, 255]));
    assert_eq!(differing(&plain, &other), 0.0, "close enough");
    (0..30).for_each(|x| other.put_pixel(x, 9, image::Rgba([200, 40, 40, 255])));
    assert!(differing(&plain, &other) > MOST);
    assert_eq!(differing(&plain, &RgbaImage::new(100, 99)), 1.0);
}

#[test]
fn the_empty_window() {
    let mut window = Window::of_size(Open::default(), SIZE);
    looks_like(&mut window, "empty");
}

#[test]
fn the_canvas_with_its_particles() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = sample_window(dir.path());
    looks_like(&mut window, "canvas");
}

#[test]
fn the_contrast() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = sample_window(dir.path());
    window.press("Contrast");
    looks_like(&mut window, "contrast");
}

#[test]
fn the_palette() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = sample_window(dir.path());
    window.key(Modifiers::COMMAND, Key::P);
    looks_like(&mut window, "palette");
}

#[test]
fn an_error() {
    // Its path is seen, so it is always the same.
    let folder = std::env::temp_dir().join("nanotheca-snapshot");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("notes.mrc");
    std::fs::write(&path, "these are notes").unwrap();
    let mut window = Window::of_size(Open { images: vec![path], ..Open::default() }, SIZE);
    window.until("the message", |w| w.shows("notes.mrc: "));
    looks_like(&mut window, "error");
    std::fs::remove_dir_all(&folder).unwrap();
}
