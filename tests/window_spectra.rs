//! The spectra workspace does the user's work: driven through its accessibility tree, with no display.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod driven;

use driven::Window;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use std::path::Path;

/// The workspace with the sample peaks open.
fn open_sample() -> Window {
    let mut window = Window::open(Open::default());
    window.key(Modifiers::COMMAND, Key::Num3);
    window.press("Try with sample peaks");
    window.until("the peaks", |w| w.shows("1200 spectra of 100 points") && w.is_enabled("Learn"));
    window
}

fn type_path(window: &mut Window, path: &Path) {
    window.until("the question for a path", |w| w.is_there("Path"));
    let field = window.harness.get_by_label("Path");
    field.set_text_value_accesskit(&path.display().to_string());
    window.settle();
    window.press("OK");
}

/// Points at the middle of a plot and then at places round it until `done`.
fn point(window: &mut Window, plot: &str, done: impl Fn(&Window) -> bool) -> Pos2 {
    let rect = window.harness.get_by_label(plot).rect();
    for i in 0..400 {
        let (angle, part) = (i as f32 * 2.4, (i as f32 / 400.0).sqrt());
        let at = rect.center() + 0.45 * part * rect.size() * vec2(angle.cos(), angle.sin());
        window.harness.event(Event::PointerMoved(at));
        window.settle();
        if done(window) {
            return at;
        }
    }
    panic!("nothing is shown wherever {plot} is pointed at");
}

#[test]
fn the_empty_workspace_says_what_it_is_for_and_a_file_that_cannot_be_read_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(Open::default());
    window.press("Spectra");
    for label in ["Spectra, and what varies among them", "Open spectra…", "Open spectra to begin."] {
        assert!(window.shows(label), "{label}");
    }
    assert!(!window.is_enabled("Learn") && !window.is_enabled("Stop") && !window.is_enabled("Export…"));
    window.harness.check_accessibility();
    let path = dir.path().join("torn.csv");
    std::fs::write(&path, "1,2,3,4,5,6,7,8\n1,2,3\n").unwrap();
    window.press("Open spectra…");
    type_path(&mut window, &path);
    window.until("the reason", |w| w.shows("row 2: it has 3 values, the first spectrum 8"));
    assert!(window.is_there("Try with sample peaks"));
}

#[test]
#[cfg(unix)]
fn a_slow_file_that_was_opened_before_another_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (slow, quick) = (dir.path().join("slow.csv"), dir.path().join("quick.csv"));
    // Whoever opens a pipe waits until something is written into it.
    assert!(std::process::Command::new("mkfifo").arg(&slow).status().unwrap().success());
    std::fs::write(&quick, "1,2,3,4,5,6,7,8\n".repeat(9)).unwrap();
    let mut window = open_sample();
    window.press("Open…");
    type_path(&mut window, &slow);
    window.until("the slow one", |w| w.shows("Opening slow.csv"));
    window.press("Open…");
    type_path(&mut window, &quick);
    window.until("the quick one", |w| w.shows("9 spectra of 8 points"));
    assert!(!window.shows("Opening slow.csv"), "its spectra would take the place of those that are shown");
    std::fs::write(&slow, "1,2,3,4,5,6,7,8\n".repeat(10)).unwrap();
}

#[test]
fn peaks_are_learned_looked_at_and_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = open_sample();
    assert!(window.shows("30 x 40 places") && window.shows("Each spectrum becomes a dot here"));
    window.type_number("Epochs", "4");
    window.press("Learn");
    window.until("the end of the run", |w| w.shows("The model stays and answers"));
    assert!(window.shows("4 of 4") && window.shows("z0  sd") && window.shows("z1  sd"));
    window.harness.check_accessibility();

    // A dot shows its spectrum and its numbers; a click keeps it, Escape lets it go.
    let at = point(&mut window, "Latent scatter plot", |w| w.shows("): shift ") || w.shows("): z0 "));
    window.click_at(at, Modifiers::NONE, PointerButton::Primary);
    window.harness.event(Event::PointerMoved(Pos2::new(5.0, 5.0)));
    window.settle();
    assert!(window.shows("): z0 "), "it stays");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("): z0 "));

    // The grid is tied to the same spectrum: its first pixel is spectrum 0.
    let corner = window.harness.get_by_label("Grid of shift").rect().min;
    window.harness.event(Event::PointerMoved(corner + vec2(2.0, 2.0)));
    window.settle();
    assert!(window.shows("Spectrum 0 (row 0, column 0): "));

    // What a latent means, and the shifts.
    assert!(window.is_there("Traversal of z0") && window.is_there("Traversal of z1"));
    window.press("Shift");
    point(&mut window, "Shift plot", |w| w.shows("): z0 "));

    // The chosen colour is that of both panes of dots, and what it is stands beside them.
    let bars = |w: &Window, name: &str| w.harness.query_all_by_label(&format!("Colours of {name}")).count();
    assert_eq!(bars(&window, "shift"), 2);
    window.press("Colour");
    window.press("error");
    assert_eq!((bars(&window, "shift"), bars(&window, "error")), (0, 2));

    // Each view leaves as a picture, a drawing or numbers.
    for (what, name) in [
        ("Latent scatter as Data (CSV)", "scatter.csv"),
        ("Traversal as Drawing (SVG)", "traversal.svg"),
        ("Curves as Picture (PNG)", "spectra.png"),
        ("Shift as Data (CSV)", "shift.csv"),
    ] {
        let path = dir.path().join(name);
        window.key(Modifiers::NONE, Key::Escape);
        window.key(Modifiers::COMMAND, Key::T);
        window.press(what);
        type_path(&mut window, &path);
        window.until("the file", |_| path.is_file());
    }
    let shifts = std::fs::read_to_string(dir.path().join("shift.csv")).unwrap();
    assert!(
        shifts.lines().next().unwrap().contains("colour: error"),
        "its own colour, not that of the window"
    );
    let rows = std::fs::read_to_string(dir.path().join("scatter.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 30 * 40);
    let drawing = std::fs::read_to_string(dir.path().join("traversal.svg")).unwrap();
    assert!(drawing.contains("intensity") && drawing.contains("sd"));

    // Everything into a folder.
    window.press("Export…");
    type_path(&mut window, dir.path());
    window.until("the folder", |w| w.shows("Spectra exported"));
    let out = dir.path().join("sample peaks-spectra");
    for name in
        ["spectra.csv", "spectra.json", "traversal_z0.csv", "z0.tif", "shift.png", "model.safetensors"]
    {
        assert!(out.join(name).is_file(), "{name}");
    }
    let text = std::fs::read_to_string(out.join("spectra.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["grid"], serde_json::json!([30, 40]));
    assert_eq!((&document["unit"], &document["epochs"]), (&"eV".into(), &4.into()));
}

#[test]
fn a_run_is_paused_goes_on_and_stops_and_what_was_found_stays() {
    let mut window = open_sample();
    window.type_number("Epochs", "100000");
    window.press("Learn");
    window.until("the first dots", |w| w.is_there("Latent scatter plot"));
    window.key(Modifiers::NONE, Key::T);
    window.until("the pause", |w| w.is_there("Resume"));
    window.press("Resume");
    window.until("going on", |w| w.is_there("Pause"));
    window.key(Modifiers::SHIFT, Key::T);
    window.until("the end", |w| w.shows("Stopped"));
    assert!(window.is_there("Latent scatter plot") && window.is_enabled("Learn"));
    assert!(window.is_enabled("Export…"));
}

#[test]
fn other_spectra_end_the_run_on_those_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("few.csv");
    let row = |i: usize| (0..9).map(|p| ((p + i) % 5).to_string()).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..10).map(row).collect();
    std::fs::write(&path, format!("x (nm),0,1,2,3,4,5,6,7,8\n{}\n", rows.join("\n"))).unwrap();
    let mut window = open_sample();
    window.type_number("Epochs", "100000");
    window.press("Learn");
    window.until("the first dots", |w| w.is_there("Latent scatter plot"));
    window.press("Open…");
    type_path(&mut window, &path);
    window.until("the others", |w| w.shows("10 spectra of 9 points"));
    assert!(window.shows("Nothing learned yet") && !window.is_there("Latent scatter plot"));
    window.press("Grid");
    assert!(window.shows("These spectra were not taken over a grid"));
    window.type_number("Epochs", "2");
    window.press("Learn");
    window.until("the end of the run", |w| w.shows("The model stays and answers"));
    window.press("Shift");
    assert!(window.is_there("Shift plot"));
}
