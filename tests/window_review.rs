//! The review queue in the window: what to label first, a conflict in which the person was right, skipping, undo, and
//! nothing asked twice, not even after a restart.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use nanotheca::app::Open;
use nanotheca::particle::{ClassId, ParticleId};
use nanotheca::project::{Project, store};
use nanotheca::sample;
use nanotheca::worker::models;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use window::Window;

const DIGITS: [Key; 4] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];

/// The sample with a training of seconds; `change` may do what it likes with it.
fn sample_project(dir: &Path, change: impl FnOnce(&mut Project)) -> PathBuf {
    let path = sample::create_unfinished(dir).unwrap();
    let mut project = store::load(&path).unwrap();
    project.training = serde_json::json!({
        "epochs": 10, "hidden_encoder": [32], "hidden_decoder": [32], "hidden_classifier": [64],
    });
    change(&mut project);
    store::save(&project, &path).unwrap();
    path
}

/// Some labels to train with are wrong, so that the model has something to contradict.
fn mislabel(project: &mut Project) {
    for (from, to) in [("rod", "sphere"), ("cube", "aggregate")] {
        let [from, to] = [from, to].map(|name| project.class_named(name).unwrap().id);
        let of_class = project.particles.values().filter(|p| p.label == Some(from) && !p.held_out);
        let ids: Vec<ParticleId> = of_class.map(|p| p.id).take(2).collect();
        let edit = project.label_edit(&ids, Some(to)).unwrap();
        project.apply(edit).unwrap();
    }
}

fn open(path: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(path.to_owned()), ..Open::default() });
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    window
}

fn id(window: &Window) -> ParticleId {
    ParticleId(window.asked().unwrap_or_else(|| panic!("no question stands")).0)
}

fn label(window: &Window, id: ParticleId) -> Option<ClassId> {
    window.app().project().particle(id).and_then(|particle| particle.label)
}

/// Presses a key and waits until another question stands, or none is left.
fn answer(window: &mut Window, key: Key) {
    let before = id(window);
    window.key(Modifiers::NONE, key);
    next_after(window, before);
}

fn next_after(window: &mut Window, before: ParticleId) {
    window.until("the next question", |w| {
        w.asked().is_some_and(|(id, _)| id != before.0) || w.shows("Nothing is left to ask")
    });
}

/// The key of the class a particle carries, or of another one.
fn key_of(window: &Window, class: ClassId, off: usize) -> Key {
    let project = window.app().project();
    DIGITS[(project.class_index(class).unwrap() + off) % project.classes.len()]
}

fn start(window: &mut Window) {
    window.press("Review");
    window.until("questions", |w| w.is_there("Start reviewing") && w.is_enabled("Start reviewing"));
    window.key(Modifiers::NONE, Key::R);
    window.until("a question", |w| w.asked().is_some());
}

#[test]
fn answers_skips_and_undo_are_followed_and_nothing_is_asked_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample_project(dir.path(), mislabel);
    let mut window = open(&path);
    window.press("Train");
    window.until("the end of the training", |w| w.is_there("Done"));
    window.until("the model", |_| models::list(&models::folder(&path)).len() == 1);
    start(&mut window);
    assert!(window.shows("mistakes that the model expects") || window.shows("the label says"));

    // Skipped until the model contradicts a label; the key of the label that stands says that the person was right.
    let mut done: BTreeSet<ParticleId> = BTreeSet::new();
    while !window.asked().unwrap().1.contains("contradicts the label") {
        assert!(done.insert(id(&window)), "asked again");
        answer(&mut window, Key::N);
    }
    let skipped = done.len();
    assert!(!window.app().is_dirty() && window.shows("0 answered"));
    assert!(skipped == 0 || window.shows(&format!("{skipped} skipped.")));
    let conflict = id(&window);
    assert!(window.shows("; the label says "));
    let stands = label(&window, conflict).unwrap();
    let key = key_of(&window, stands, 0);
    answer(&mut window, key);
    done.insert(conflict);
    assert_eq!(label(&window, conflict), Some(stands));
    assert!(!window.app().is_dirty() && window.shows(&format!("{} answered", done.len() - skipped)));
    assert!(window.shows("0 changed something."));

    // A label; taken back, its question stands again; made again, it is answered.
    let first = id(&window);
    let before = label(&window, first);
    let key = key_of(&window, before.unwrap_or(stands), 1);
    answer(&mut window, key);
    let given = label(&window, first);
    assert!(given.is_some() && given != before);
    let second = id(&window);
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!((label(&window, first), id(&window)), (before, first));
    assert!(
        window.shows(&format!("{} answered", done.len() - skipped)) && window.shows("1 particle selected")
    );
    window.key(Modifiers::COMMAND, Key::Y);
    assert_eq!((label(&window, first), id(&window)), (given, second));
    done.insert(first);
    assert!(window.shows(&format!("{} answered", done.len() - skipped)));

    // The particle in question is removed: the next one comes, and undo brings the particle back, not the question.
    window.key(Modifiers::NONE, Key::Delete);
    next_after(&mut window, second);
    assert!(window.app().project().particle(second).is_none());
    let third = id(&window);
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(id(&window), third);
    assert!(window.app().project().particle(second).is_some());

    // What the model says, with Enter; with nothing selected the key answers all the same.
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("1 particle selected"));
    answer(&mut window, Key::Enter);
    assert!(label(&window, third).is_some());
    done.insert(third);
    let answered = format!("{} answered", done.len() - skipped);
    assert!(window.shows(&answered));

    // Out of sight it takes no key that is meant for nothing.
    let fourth = (id(&window), label(&window, id(&window)));
    window.key(Modifiers::NONE, Key::Escape);
    window.press("Latent space");
    window.key(Modifiers::NONE, Key::Num1);
    window.press("Review");
    assert_eq!((id(&window), label(&window, fourth.0)), fourth);

    // The program ends without having been asked to; the answers lie beside the project.
    drop(window);
    let kept = std::fs::read_to_string(dir.path().join("gold-unfinished.review.json")).unwrap();
    assert!(kept.contains(&format!("\"{}\"", conflict.0)));
    let mut window = open(&path);
    window.until("the offer", |w| w.shows("Nothing was lost"));
    window.press("Keep them");
    // The model as it was is loaded; what is asked now has not been asked before.
    window.press("Models");
    let name = models::list(&models::folder(&path))[0].name.clone();
    window.press(&format!("Go back to {name}"));
    window.press("Review");
    window.until("questions", |w| w.is_there("Ask on") && w.is_enabled("Ask on"));
    assert!(window.shows(&answered));
    window.press("Ask on");
    window.until("a question", |w| w.asked().is_some());
    while let Some((id, reason)) = window.asked() {
        assert!(done.insert(ParticleId(id)), "particle {id} is asked about again: {reason}");
        answer(&mut window, Key::N);
    }
    assert!(window.shows("Nothing is left to ask"));
}

#[test]
fn before_the_first_training_each_particle_gets_its_own_digit() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample_project(dir.path(), |project| {
        let ids: Vec<ParticleId> = project.particles.keys().copied().collect();
        let edit = project.label_edit(&ids, None).unwrap();
        project.apply(edit).unwrap();
        for name in ["aggregate", "cube", "sphere"] {
            let class = project.class_named(name).unwrap().id;
            let edit = project.delete_class_edit(class).unwrap();
            project.apply(edit).unwrap();
        }
    });
    let mut window = open(&path);
    window.press("Review");
    // With one class it says what it needs.
    assert!(window.shows("Add a second class: the model learns to tell kinds apart."));
    window.harness.get_by_label("New class").focus();
    window.harness.step();
    window.harness.get_by_label("New class").type_text("cube");
    window.settle();
    window.press("Add class");
    window.key(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Add a second class") && window.shows("3 more rod, 3 more cube labels"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window.press("Look at the particles");
    window.until("a look at them", |w| w.shows("Ask about a few of every look"));
    window.press("Ask about a few of every look");
    window.until("a question", |w| w.asked().is_some());

    let mut asked_of = BTreeSet::new();
    for turn in 0..6 {
        let particle = id(&window);
        assert!(asked_of.insert(particle) && window.shows("1 particle selected"));
        answer(&mut window, DIGITS[turn % 2]);
        let class = window.app().project().classes[turn % 2].id;
        assert_eq!(label(&window, particle), Some(class));
        let labelled = window.app().project().particles.values().filter(|p| p.label.is_some()).count();
        assert_eq!(labelled, turn + 1, "one key, one label");
    }
    assert!(window.is_enabled("Train"), "three of each are enough");
    // More looks than the first dozen: skipped ones do not come again.
    for _ in 0..10 {
        assert!(asked_of.insert(id(&window)));
        answer(&mut window, Key::N);
    }
    window.press("Stop asking");
    assert!(window.asked().is_none());
}
