//! Yesterday's project opens with its model, and goes on learning: new labels and particles, judged by the same labels.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use nanotheca::particle::ParticleId;
use nanotheca::project::store;
use nanotheca::sample;
use nanotheca::train::checkpoint::{Checkpoint, Description};
use nanotheca::worker::models;
use std::path::{Path, PathBuf};
use window::Window;

const EPOCHS: usize = 6;

/// The sample with a training of seconds, and no label that a person held out.
fn project(dir: &Path) -> PathBuf {
    let path = sample::create(dir).unwrap();
    let mut project = store::load(&path).unwrap();
    let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
    let edit = project.hold_out_edit(&ids, false).unwrap();
    project.apply(edit).unwrap();
    project.training = serde_json::json!({
        "epochs": EPOCHS, "hidden_encoder": [32], "hidden_decoder": [32], "hidden_classifier": [64],
    });
    store::save(&project, &path).unwrap();
    path
}

fn open(path: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(path.to_owned()), ..Open::default() });
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window
}

/// What the models kept beside the project say of themselves, the latest first.
fn kept(path: &Path) -> Vec<Description> {
    let kept = models::list(&models::folder(path));
    kept.iter().map(|kept| Checkpoint::load(&kept.path).unwrap().description).collect()
}

fn count(path: &Path) -> usize {
    models::list(&models::folder(path)).len()
}

#[test]
fn yesterday_s_project_has_its_model_and_goes_on_learning() {
    let dir = tempfile::tempdir().unwrap();
    let path = project(dir.path());
    let state = models::state(&path);
    let mut window = open(&path);
    window.press("Train");
    window.until("the end of the training", |w| w.is_there("Done"));
    window.until("model and state", |_| count(&path) == 1 && state.is_file());
    drop(window);

    // Settings of the next training are changed: the model goes on with what it learned.
    let mut changed = store::load(&path).unwrap();
    changed.patch.side += 8;
    store::save(&changed, &path).unwrap();

    // The next day: what the model says is there, nobody is told anything, and nothing has changed.
    let mut window = open(&path);
    let particles = window.app().project().particles.len();
    let said = |n: usize| format!("{n} particles, ");
    window.until("what the model says", |w| w.shows(&said(particles)));
    assert!(!window.shows("Model loaded") && !window.app().is_dirty());
    assert!(window.shows("6 of 6"), "the curve of yesterday");
    assert!(!window.shows("A training was stopped"), "it had ended");
    window.press("Review");
    assert!(window.shows("Labels that training never saw"), "some labels judge, though nobody held any out");

    // A class gets another name: it is still the one that the model learned.
    window.key(Modifiers::NONE, Key::Num4);
    window.key(Modifiers::COMMAND, Key::R);
    window.settle();
    window.harness.get_by_label("New name of rod").set_text_value_accesskit("nanorod");
    window.settle();
    window.key(Modifiers::NONE, Key::Enter);
    assert!(window.shows("Class nanorod: "));
    assert!(
        window.harness.query_all_by_label_contains("nanorod").count() > 1,
        "the review knows it by its new name"
    );

    // Particles come: they join by key, and what changed is told.
    for off in [vec2(-33.0, 41.0), vec2(57.0, -12.0)] {
        window.click_canvas(off);
    }
    let added = window.app().project().particles.len();
    assert!(added > particles, "a click adds a particle");
    window.key(Modifiers::COMMAND, Key::J);
    let joined = format!("New labels joined in epoch {}", EPOCHS + 1);
    window.until("the labels to join", |w| w.shows(&joined));
    window.until("the end", |w| w.is_there("Done"));
    window.until("the second model", |_| count(&path) == 2);
    assert!(window.shows("What changed: "));
    window.until("what it says of all", |w| w.shows(&said(added)));
    let [second, first] = <[Description; 2]>::try_from(kept(&path)).unwrap();
    let (before, now) = (&first.lineage.roles, &second.lineage.roles);
    assert!(!before.judges.is_empty() && before.judges == now.judges, "the same labels judge");
    assert!(now.taught.len() > before.taught.len() && now.taught.is_superset(&before.taught));
    assert_eq!((first.epochs, second.lineage.joined.as_slice()), (EPOCHS, &[EPOCHS + 1][..]));

    // The library tells of the model it holds, not of the settings that the next training would have.
    let library = dir.path().join("library");
    window.key(Modifiers::COMMAND, Key::E);
    window.harness.get_by_label("Folder").set_text_value_accesskit(&library.display().to_string());
    window.settle();
    window.harness.query_all_by_label("Export").last().unwrap().click();
    window.until("the library", |_| library.join("report.json").is_file());
    let table = std::fs::read_to_string(library.join("library.csv")).unwrap();
    assert!(
        table.contains("nanorod") && !table.contains(",rod,"),
        "one name in the library, by hand or by model"
    );
    let report = std::fs::read(library.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let settings = &report["settings"];
    assert_eq!(settings["training"]["epochs"], second.train.epochs);
    assert!(settings["training"]["encore"].is_object() && second.train.epochs > EPOCHS);
    assert_eq!(settings["labels_joined_before_epochs"], serde_json::json!([EPOCHS + 1]));
    let command = settings["command"].as_str().unwrap();
    assert!(command.starts_with("nanotheca export ") && command.contains(".safetensors"), "{command}");

    // Back to the first model, whose file knows the old name: it goes on from there, and says that it had to begin with a fresh optimiser.
    window.press("Models");
    let first = &models::list(&models::folder(&path))[1];
    window.harness.get_by_label(&format!("Go back to {}", first.name)).click_accesskit();
    window.until("the first model", |w| w.shows("Model loaded"));
    // The list of models lies over the pane with the sentence.
    window.until("its answer", |w| w.shows("Labels that training never saw"));
    window.key(Modifiers::COMMAND, Key::J);
    window.until("the sentence", |w| w.shows("with a fresh optimiser"));
    window.until("the third model", |_| count(&path) == 3);
    assert_eq!(kept(&path)[0].lineage.joined, [EPOCHS + 1]);
}
