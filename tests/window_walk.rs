//! The whole walk on the sample project, as a person would go it, without a display: train, look, ask, correct, learn,
//! compare, take away; and a training that goes on after a restart.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use nanotheca::particle::{ClassId, ParticleId};
use nanotheca::project::{Project, store};
use nanotheca::sample;
use nanotheca::train::resume::Halted;
use nanotheca::worker::message::Accuracy;
use nanotheca::worker::models;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use window::Window;

/// Enough that the model has learned what the labels say: from here on more epochs alone help little.
const EPOCHS: usize = 8;

const DIGITS: [Key; 4] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4];
/// Answers given to the queue.
const ANSWERS: usize = 20;

/// A person who took most rods for spheres, and one cube for an aggregate.
const SWAPPED: [(&str, &str, usize); 2] = [("rod", "sphere", 9), ("cube", "aggregate", 1)];

/// The sample project with a training of seconds, ten of its labels wrong; and what they should be.
fn sample_project(dir: &Path, epochs: usize) -> (PathBuf, BTreeMap<ParticleId, ClassId>) {
    let path = sample::create_unfinished(dir).unwrap();
    let mut project = store::load(&path).unwrap();
    let mut truth = BTreeMap::new();
    for (from, to, count) in SWAPPED {
        let [from, to] = [from, to].map(|name| project.class_named(name).unwrap().id);
        let of_class = project.particles.values().filter(|p| p.label == Some(from) && !p.held_out);
        let ids: Vec<ParticleId> =
            of_class.map(|p| p.id).filter(|id| !truth.contains_key(id)).take(count).collect();
        truth.extend(ids.iter().map(|id| (*id, from)));
        let edit = project.label_edit(&ids, Some(to)).unwrap();
        project.apply(edit).unwrap();
    }
    project.training = serde_json::json!({
        "epochs": epochs, "hidden_encoder": [32], "hidden_decoder": [32], "hidden_classifier": [64],
    });
    store::save(&project, &path).unwrap();
    (path, truth)
}

/// The class of every particle of the sample, which has the same particles in the same order.
fn classes_of_all() -> BTreeMap<ParticleId, ClassId> {
    let dir = tempfile::tempdir().unwrap();
    let whole = store::load(sample::create(dir.path()).unwrap()).unwrap();
    whole.particles.values().map(|particle| (particle.id, particle.label.unwrap())).collect()
}

fn open(path: &Path) -> Window {
    let mut window = Window::open(Open { project: Some(path.to_owned()), ..Open::default() });
    window.until("the sample", |w| w.shows("Class rod") && w.shows("Micrograph canvas"));
    let middle = window.harness.get_by_label("Micrograph canvas").rect().center();
    window.harness.event(Event::PointerMoved(middle));
    window.until("the picture", |w| w.shows("grey "));
    window
}

fn ended(window: &Window) -> bool {
    window.harness.query_by_label("Done").is_some()
}

/// The epoch that is worked on.
fn epoch(window: &Window, of: usize) -> usize {
    let ending = format!(" of {of}");
    // What a label says is its value.
    let said = |node: egui_kittest::Node<'_>| node.accesskit_node().value();
    let mut numbers = window
        .harness
        .query_all_by_label_contains(&ending)
        .filter_map(said)
        .filter_map(|text| text.strip_prefix("Epoch ")?.strip_suffix(&ending)?.parse().ok());
    numbers.next().unwrap_or(0)
}

/// What the last training kept says of itself.
fn hold_out(path: &Path) -> Accuracy {
    models::list(&models::folder(path))[0].accuracy.unwrap()
}

fn train(window: &mut Window) {
    window.press("Train");
    window.until("the end of the training", ended);
    window.until("what is left to review", |w| w.shows("to review"));
}

/// Moves the pointer with the button held.
fn drag(window: &mut Window, path: &[Pos2]) {
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(Event::PointerMoved(path[0]));
    window.harness.step();
    window.harness.event(button(path[0], true));
    window.harness.step();
    for pos in path {
        window.harness.event(Event::PointerMoved(*pos));
        window.harness.step();
    }
    window.harness.event(button(path[path.len() - 1], false));
    window.settle();
}

fn find(window: &mut Window, query: &str) {
    window.harness.get_by_label("Query").focus();
    window.harness.step();
    window.key(Modifiers::COMMAND, Key::A);
    window.harness.get_by_label("Query").type_text(query);
    window.settle();
    window.press("Find");
}

/// A rectangle well inside the scatter's frame: the pane from under its query line to above its axis.
fn scatter(window: &Window) -> [Pos2; 2] {
    let query = window.harness.get_by_label("Query").rect();
    [query.left_bottom() + vec2(70.0, 60.0), Pos2::new(1370.0, 800.0)]
}

/// The cells of the confusion matrix: how many of a class are called what.
fn confusion(window: &Window) -> Vec<String> {
    let cells = window.harness.query_all_by_label_contains(" called ");
    let mut names: Vec<String> = cells.filter_map(|node| node.accesskit_node().label()).collect();
    names.sort();
    names
}

/// Answers so many questions of the queue with the number keys, as the truth has it.
fn answer(window: &mut Window, questions: usize, truth: &BTreeMap<ParticleId, ClassId>) {
    window.press("Review");
    window.until("questions", |w| w.is_there("Start reviewing") && w.is_enabled("Start reviewing"));
    window.key(Modifiers::NONE, Key::R);
    window.until("a question", |w| w.asked().is_some());
    for _ in 0..questions {
        let (id, reason) = window.asked().unwrap();
        let class = truth[&ParticleId(id)];
        let digit = DIGITS[window.app().project().class_index(class).unwrap()];
        window.key(Modifiers::NONE, digit);
        let label = window.app().project().particle(ParticleId(id)).unwrap().label;
        assert_eq!(label, Some(class), "particle {id}: {reason}");
        window.until("the next question", |w| w.asked().is_some_and(|(next, _)| next != id));
    }
    assert!(window.shows(&format!("{questions} answered")));
    window.press("Stop asking");
    assert!(window.asked().is_none());
}

/// A query for one particle.
fn place_of(project: &Project, id: ParticleId) -> String {
    let particle = project.particle(id).unwrap();
    let name = project.micrograph(particle.micrograph).unwrap().file_name();
    let [(x0, x1), (y0, y1)] = [particle.x, particle.y].map(|v| (v - 0.5, v + 0.5));
    format!("(micrograph = \"{name}\" and x > {x0} and x < {x1} and y > {y0} and y < {y1})")
}

/// Chooses a form of a view in the list of views and types a path.
fn take(window: &mut Window, what: &str, path: &Path) {
    window.key(Modifiers::NONE, Key::Escape);
    window.key(Modifiers::COMMAND, Key::T);
    window.press(what);
    type_path(window, path);
    window.until("the file", |_| path.is_file());
}

fn type_path(window: &mut Window, path: &Path) {
    window.until("a field for the path", |w| w.shows("This system has no file dialog"));
    window.harness.get_by_label("Path").set_text_value_accesskit(&path.display().to_string());
    window.settle();
    window.press("OK");
}

#[test]
fn the_whole_walk_on_the_sample() {
    let dir = tempfile::tempdir().unwrap();
    let (path, truth) = sample_project(dir.path(), EPOCHS);
    let mut window = open(&path);
    train(&mut window);
    let kept = || models::list(&models::folder(&path));
    window.until("the first model", |_| kept().len() == 1);
    let before = hold_out(&path);

    // Hover: somewhere over the cloud a card comes up with what is known of a particle.
    window.press("Latent space");
    window.until("the scatter of the last epoch", |w| {
        let [arrived, drawn] = w.app().arrivals();
        arrived == drawn && w.is_there("Query")
    });
    let [corner, end] = scatter(&window);
    let mut card = false;
    for i in 0..144 {
        // From the middle outwards in rows, and still for a moment: a card does not follow a pointer that moves.
        let (row, column) = ((6 + i / 12 * 7) % 12, (6 + i * 7) % 12);
        let part = vec2(column as f32 + 0.5, row as f32 + 0.5) / 12.0;
        window.harness.event(Event::PointerMoved(corner + part * (end - corner)));
        window.harness.run_steps(4);
        card |= window.shows("Probability of rod");
        if card {
            break;
        }
    }
    assert!(card, "no card over any part of the scatter");

    // Lasso: all that lies in the plot.
    // The micrograph has a lasso, too.
    window.harness.query_all_by_label("Lasso").last().unwrap().click();
    window.settle();
    let outline: Vec<Pos2> = [Vec2::ZERO, vec2(1.0, 0.0), vec2(1.0, 1.0), vec2(0.0, 1.0)]
        .iter()
        .map(|part| corner + *part * (end - corner))
        .collect();
    drag(&mut window, &outline);
    let node = window.harness.get_by_label_contains(" particles inside.").accesskit_node();
    let said = node.label().or(node.value()).unwrap_or_default();
    let inside: usize = said.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    assert!(inside > 20, "{said}");

    // Ten labels were wrong: each is asked for by its place and given its class with a key.
    for (id, class) in &truth {
        let query = place_of(window.app().project(), *id);
        find(&mut window, &query);
        assert!(window.shows("1 particle found"), "{query}");
        let digit = DIGITS[window.app().project().class_index(*class).unwrap()];
        window.key(Modifiers::NONE, digit);
        assert_eq!(window.app().project().particle(*id).unwrap().label, Some(*class));
    }

    // The queue asks about others.
    answer(&mut window, ANSWERS, &classes_of_all());

    // A cell of the confusion matrix selects its particles.
    let cells = confusion(&window);
    let wrong = cells.iter().find_map(|cell| {
        let (classes, count) = cell.split_once(": ")?;
        let (truth, said) = classes.split_once(" called ")?;
        let count = count.parse().ok().filter(|n: &usize| *n > 0 && truth != said)?;
        Some((cell, count))
    });
    let (cell, count) = wrong.expect("ten wrong labels leave something wrong");
    window.press(cell);
    let s = if count == 1 { "" } else { "s" };
    assert!(window.shows(&format!("{count} particle{s} selected")), "{cell}");
    window.key(Modifiers::NONE, Key::Escape);

    // The training goes on with them, and the accuracy rises: by 13 of 154 when this was written.
    window.press("Learn the new labels");
    window.until("the labels to join", |w| w.shows(&format!("New labels joined in epoch {}", EPOCHS + 1)));
    window.until("the end", ended);
    window.until("the second model", |_| kept().len() == 2);
    let after = hold_out(&path);
    assert_eq!(before.of, after.of, "the same labels judge");
    assert!(after.right >= before.right + 6, "{before:?} became {after:?}");
    window.until("what changed", |w| w.shows("What changed: "));

    // Two models were kept; they are compared, and one more gets a name.
    window.press("Models");
    for model in kept() {
        window.press(&format!("Mark {}", model.name));
    }
    window.press("Compare the two");
    window.until("the comparison", |w| w.shows("get another class from"));
    window.key(Modifiers::COMMAND, Key::K);
    window.harness.get_by_label("Name").set_text_value_accesskit("after the relabelling");
    window.settle();
    window.press("Keep");
    window.until("the third model", |_| kept().len() == 3);
    assert!(kept().iter().any(|k| k.name == "after the relabelling" && !k.automatic && k.epochs > EPOCHS));

    // Views leave as picture, drawing, numbers and stacks.
    let file = |name: &str| dir.path().join(name);
    take(&mut window, "Latent space as Picture (PNG)", &file("scatter.png"));
    take(&mut window, "Latent space as Data (CSV)", &file("scatter.csv"));
    take(&mut window, "Loss as Drawing (SVG)", &file("loss.svg"));
    take(&mut window, "Confusion matrix as Drawing (SVG)", &file("confusion.svg"));
    take(&mut window, "Class averages as Stack (MRC)", &file("averages.mrcs"));
    take(&mut window, "Micrograph as Picture (PNG)", &file("micrograph.png"));
    let picture = image::open(file("scatter.png")).unwrap();
    assert!(picture.width() > 1000 && picture.height() > 800);
    let rows = std::fs::read_to_string(file("scatter.csv")).unwrap().lines().count();
    assert_eq!(rows, window.app().project().particles.len() + 1);
    let loss = std::fs::read_to_string(file("loss.svg")).unwrap();
    assert!(loss.contains("new labels") && loss.contains("loss (nats / image)"));

    // A film between two particles.
    let two: Vec<ParticleId> = truth.keys().copied().take(2).collect();
    let query = [two[0], two[1]].map(|id| place_of(window.app().project(), id)).join(" or ");
    window.press("Latent space");
    find(&mut window, &query);
    assert!(window.shows("2 particles found"));
    window.press("Manifold");
    window.harness.get_by_label("Way of the film").click();
    window.settle();
    window.press(&format!("From particle {} to particle {}", two[0].0, two[1].0));
    window.key(Modifiers::COMMAND, Key::T);
    window.until("the film", |w| w.is_enabled("Film as Film (GIF)"));
    window.press("Film as Film (GIF)");
    type_path(&mut window, &file("film.gif"));
    window.until("the film's file", |_| file("film.gif").is_file());
    assert!(std::fs::read(file("film.gif")).unwrap().starts_with(b"GIF89a"));

    // The selection alone becomes a library with its report.
    let library = file("two");
    window.key(Modifiers::COMMAND | Modifiers::ALT, Key::E);
    window.harness.get_by_label("Folder").set_text_value_accesskit(&library.display().to_string());
    window.settle();
    window.press("Export");
    window.until("the library", |_| library.join("report.html").is_file());
    let rows = std::fs::read_to_string(library.join("library.csv")).unwrap().lines().count();
    assert_eq!(rows, 3, "two particles and the header");

    // Back to the first model: it says again what it said.
    window.press("Models");
    let first = kept().into_iter().find(|kept| kept.epochs == EPOCHS).unwrap();
    window.press(&format!("Go back to {}", first.name));
    window.press("Review");
    assert_ne!(cells, Vec::<String>::new());
    window.until("what it said", |w| confusion(w) == cells);
}

#[test]
fn what_goes_on_after_a_restart_ends_as_if_it_had_never_stopped() {
    const EPOCHS: usize = 8;
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [(whole, _), (halved, _)] = [0, 1].map(|i| sample_project(dirs[i].path(), EPOCHS));
    // The model that was trained to the end.
    let last = |path: &Path| {
        let kept = models::list(&models::folder(path)).into_iter().find(|kept| kept.epochs == EPOCHS);
        kept.map(|kept| std::fs::read(kept.path).unwrap())
    };
    let mut window = open(&whole);
    train(&mut window);
    window.until("the model", |_| last(&whole).is_some());
    drop(window);

    let state = models::state(&halved);
    let mut window = open(&halved);
    window.press("Train");
    window.until("the second epoch", |w| epoch(w, EPOCHS) >= 2);
    window.press("Stop");
    window.until("the state", |w| state.is_file() && w.shows("A training was stopped after epoch"));
    assert!(Halted::peek(&state).unwrap().epoch < EPOCHS && last(&halved).is_none());
    drop(window);
    let mut window = open(&halved);
    window.until("the offer", |w| w.shows("A training was stopped after epoch"));
    window.press("Go on with the stopped training");
    window.until("the model", |_| last(&halved).is_some());
    // To the bit on the CPU, which is taken where there is no graphics card.
    if window.shows("CPU, ") {
        assert!(last(&halved) == last(&whole), "the models differ");
    }
}

#[test]
fn a_training_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = sample_project(dir.path(), 1000);
    let state = models::state(&path);
    let mut window = open(&path);
    window.press("Train");
    window.until("the second epoch", |w| epoch(w, 1000) >= 2);
    window.press("Stop");
    window.until("the state", |w| state.is_file() && w.shows("A training was stopped after epoch"));
    let stopped = Halted::peek(&state).unwrap().epoch;
    assert!(stopped >= 1);
    drop(window);
    let mut window = open(&path);
    window.until("the offer", |w| w.shows(&format!("A training was stopped after epoch {stopped} of 1000")));
    window.press("Go on with the stopped training");
    window.until("more epochs", |w| epoch(w, 1000) > stopped + 1);
    // The window closes in the middle of it: what was trained since is not lost.
    std::fs::remove_file(&state).unwrap();
    drop(window);
    assert!(Halted::peek(&state).unwrap().epoch > stopped);
}
