//! The settings of a training: all of them are there, each with a line of plain words, and what is typed is kept.
#![allow(clippy::unwrap_used, clippy::panic)] // A test's helpers may fail as loudly as its body.

#[path = "common/window.rs"]
mod window;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::Open;
use nanotheca::sample;
use nanotheca::train::config::TrainConfig;
use window::Window;

fn config(window: &Window) -> TrainConfig {
    serde_json::from_value(window.app().project().training.clone()).unwrap()
}

#[test]
fn every_setting_of_both_presets_is_there_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = sample::create(dir.path()).unwrap();
    let mut window = Window::of_size(Open { project: Some(path), ..Open::default() }, [1400.0, 4200.0]);
    window.until("the sample", |w| w.shows("Class rod"));
    window.press("Settings");
    window.harness.get_by_label("Advanced").click_accesskit();
    window.settle();
    let both = [
        "Epochs",
        "Batch",
        "Latents",
        "Learning rate",
        "Seed",
        "Pixels",
        "Improbable",
        "Likelihood",
        "Width",
        "Non-linearity",
        "Waves",
        "Label weight",
        "Beta",
        "Beta at first",
        "Beta rises in",
        "Off centre",
        "Falls to",
    ];
    let own = [
        "Stretch",
        "Shift",
        "Noise",
        "Labels a step",
        "Turned copies",
        "Copy resolution",
        "Agreement",
        "Sure from",
        "Noise of a view",
        "Drawn at most",
    ];
    let there = |window: &Window, name: &str| window.harness.query_all_by_label(name).next().is_some();
    for name in both.iter().chain(&own) {
        assert!(there(&window, name), "no {name}");
    }
    // A name, and a field that is called by it.
    let number = |window: &mut Window, name: &str, value: &str| {
        let is_number = |node: &egui_kittest::Node<'_>| node.accesskit_node().numeric_value().is_some();
        window.harness.query_all_by_label(name).find(is_number).unwrap().focus();
        window.harness.run_steps(2);
        window.key(Modifiers::COMMAND, Key::A);
        window.harness.event(egui::Event::Text(value.to_owned()));
        window.settle();
        window.key(Modifiers::NONE, Key::Enter);
    };
    number(&mut window, "Width", "48");
    number(&mut window, "Waves", "2");
    number(&mut window, "Sure from", "0.9");
    number(&mut window, "Learning rate", "7");
    let kept = config(&window);
    assert_eq!((kept.hidden_encoder, kept.hidden_decoder), (vec![48, 48], vec![48, 48]));
    assert_eq!((kept.waves, kept.confidence, kept.learning_rate), (2, 0.9, 0.05));
    assert!(config(&window).check().is_ok());
    window.press("Paper");
    for name in both {
        assert!(there(&window, name), "no {name} of the published recipe");
    }
    for name in own {
        assert!(!there(&window, name), "{name} is nothing to the published recipe");
    }
    assert_eq!(config(&window), TrainConfig { seed: config(&window).seed, ..TrainConfig::paper() });
}
