//! A training stopped, written to disk and resumed in another process ends as one that was never stopped: to the bit.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use nanotheca::particle::patch::PatchSet;
use nanotheca::train::checkpoint::Checkpoint;
use nanotheca::train::config::{Preset, TrainConfig};
use nanotheca::train::resume::{Halted, fingerprint};
use nanotheca::train::trainer::Trainer;
use nanotheca::worker::device;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Tells the second process where the state lies and where to write the model.
const STATE: &str = "NANOTHECA_TEST_RESUME_FROM";

/// Where drivers of graphics adapters are looked for.
const NO_ADAPTER: [&str; 4] =
    ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "LIBGL_DRIVERS_PATH", "__EGL_VENDOR_LIBRARY_FILENAMES"];

fn patches() -> Arc<PatchSet> {
    Arc::new(common::bars_and_discs(40, 20, 12, 5))
}

fn config(preset: Preset) -> TrainConfig {
    TrainConfig { epochs: 4, batch: 12, seed: 9, ..TrainConfig::of(preset).with_hidden(24) }
}

fn classes() -> Vec<String> {
    ["bar", "disc"].map(str::to_owned).to_vec()
}

fn fresh(preset: Preset) -> Trainer {
    let chosen = device::cpu(None);
    Trainer::new(config(preset), &classes(), patches(), &chosen.device, chosen.tiled).unwrap()
}

/// The model file's bytes after training to the end.
fn finish(mut trainer: Trainer) -> Vec<u8> {
    while !trainer.done() {
        trainer.step().unwrap();
    }
    let config = trainer.config.clone();
    Checkpoint::of(&trainer.snapshot(), &config, &classes(), None, trainer.epoch).to_bytes().unwrap()
}

fn resume(state: &Path) -> Vec<u8> {
    let chosen = device::cpu(None);
    let halted = Halted::load(state).unwrap();
    finish(Trainer::resume(&halted, patches(), &chosen.device, chosen.tiled).unwrap())
}

/// Not a test of its own: what the second process does.
#[test]
fn second_process() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let state = Path::new(&state);
    std::fs::write(state.with_extension("model"), resume(state)).unwrap();
}

#[test]
fn a_resumed_training_ends_byte_for_byte_as_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    for preset in [Preset::Paper, Preset::Default] {
        let uninterrupted = finish(fresh(preset));
        // In the middle of an epoch, and before the first step.
        for steps in [0, 6] {
            let state = folder.path().join(format!("{preset:?}-{steps}.state"));
            let mut trainer = fresh(preset);
            for _ in 0..steps {
                trainer.step().unwrap();
            }
            trainer.halt(&classes()).unwrap().save(&state).unwrap();
            drop(trainer);
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "second_process"])
                .env(STATE, &state)
                // On a machine without a graphics adapter, too.
                .envs(NO_ADAPTER.map(|name| (name, "/nonexistent")))
                .output()
                .unwrap();
            assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
            let resumed = std::fs::read(state.with_extension("model")).unwrap();
            assert!(resumed == uninterrupted, "{preset:?}, stopped after {steps} steps: the models differ");
        }
    }
}

#[test]
fn patches_are_known_by_the_hash_of_earlier_versions() {
    let patches = common::bars_and_discs(60, 20, 12, 5);
    let mut one_by_one = blake3::Hasher::new();
    for size in [20, 20, 60_u64] {
        one_by_one.update(&size.to_le_bytes());
    }
    for value in patches.pixels.iter() {
        one_by_one.update(&value.to_le_bytes());
    }
    for label in &patches.labels {
        one_by_one.update(&label.map_or(u64::MAX, |label| label as u64).to_le_bytes());
    }
    assert_eq!(fingerprint(&patches), one_by_one.finalize().to_hex().to_string());
}

#[test]
fn other_particles_and_foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("a.state");
    fresh(Preset::Default).halt(&classes()).unwrap().save(&state).unwrap();
    let halted = Halted::load(&state).unwrap();
    let chosen = device::cpu(None);
    let other = Arc::new(common::bars_and_discs(40, 20, 12, 6));
    let message = Trainer::resume(&halted, other, &chosen.device, chosen.tiled).err().unwrap().to_string();
    assert!(message.contains("particles"), "{message}");
    let model = folder.path().join("m.safetensors");
    std::fs::write(&model, finish(fresh(Preset::Default))).unwrap();
    let message = Halted::load(&model).unwrap_err().to_string();
    assert!(message.contains("m.safetensors") && message.contains("no stopped training"), "{message}");
    let bytes = std::fs::read(&state).unwrap();
    std::fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    assert!(Halted::load(&state).unwrap_err().to_string().contains("a.state"));
}

#[test]
fn new_labels_join_a_training_under_way() {
    let mut trainer = fresh(Preset::Default);
    for _ in 0..5 {
        trainer.step().unwrap();
    }
    let (epoch, step) = (trainer.epoch, trainer.step);
    let before =
        Checkpoint::of(&trainer.snapshot(), &trainer.config.clone(), &classes(), None, 0).to_bytes().unwrap();
    trainer.relabel(&classes(), Arc::new(common::bars_and_discs(40, 20, 20, 5))).unwrap();
    let after =
        Checkpoint::of(&trainer.snapshot(), &trainer.config.clone(), &classes(), None, 0).to_bytes().unwrap();
    assert!(before == after && (trainer.epoch, trainer.step) == (epoch, step), "it goes on where it was");
    // Stopped after that, it goes on the same, too: the angles of the labels come along.
    let labelled = Arc::new(common::bars_and_discs(40, 20, 20, 5));
    let halted = trainer.halt(&classes()).unwrap();
    let chosen = device::cpu(None);
    let resumed = Trainer::resume(&halted, labelled, &chosen.device, chosen.tiled).unwrap();
    assert!(finish(resumed) == finish(trainer));
    // Who came and who went must be told.
    let mut trainer = fresh(Preset::Default);
    let message = trainer.relabel(&classes(), Arc::new(common::bars_and_discs(42, 20, 20, 5))).unwrap_err();
    assert!(message.to_string().contains("start the training again"), "{message}");
}

#[test]
fn labels_that_came_after_a_training_was_written_join_it_when_it_is_taken_up() {
    for preset in [Preset::Paper, Preset::Default] {
        let mut trainer = fresh(preset);
        for _ in 0..5 {
            trainer.step().unwrap();
        }
        let halted = trainer.halt(&classes()).unwrap();
        let labelled = Arc::new(common::bars_and_discs(40, 20, 20, 5));
        let chosen = device::cpu(None);
        let resumed = Trainer::resume(&halted, labelled.clone(), &chosen.device, chosen.tiled).unwrap();
        trainer.relabel(&classes(), labelled).unwrap();
        assert!(finish(resumed) == finish(trainer), "{preset:?}: it is as if the labels had joined at once");
    }
}

/// The patches of `set` at these places.
fn some(set: &PatchSet, places: &[usize]) -> Arc<PatchSet> {
    let size = set.wide * set.wide;
    let pixels: Vec<f32> =
        places.iter().flat_map(|i| &set.pixels[i * size..(i + 1) * size]).copied().collect();
    Arc::new(PatchSet {
        pixels: pixels.into(),
        labels: places.iter().map(|i| set.labels[*i]).collect(),
        held_out: places.iter().map(|i| set.held_out[*i]).collect(),
        ..set.clone()
    })
}

#[test]
fn particles_that_come_and_go_join_a_training_under_way() {
    let all = common::bars_and_discs(60, 20, 24, 5);
    let then: Vec<usize> = (0..40).collect();
    // Three have gone, one of them with a label, the rest moves up; twenty have come.
    let now: Vec<usize> = (0..60).filter(|i| ![3, 30, 31].contains(i)).collect();
    let before: Vec<Option<usize>> = now.iter().map(|i| Some(*i).filter(|i| *i < 40)).collect();
    for preset in [Preset::Paper, Preset::Default] {
        let chosen = device::cpu(None);
        let begun = |patches| {
            Trainer::new(config(preset), &classes(), patches, &chosen.device, chosen.tiled).unwrap()
        };
        let mut trainer = begun(some(&all, &then));
        for _ in 0..5 {
            trainer.step().unwrap();
        }
        let weights = |trainer: &Trainer| {
            let of = Checkpoint::of(&trainer.snapshot(), &trainer.config, &classes(), None, 0);
            of.to_bytes().unwrap()
        };
        let (as_it_was, epoch, step, steps) = (weights(&trainer), trainer.epoch, trainer.step, trainer.steps);
        let halted = trainer.halt(&classes()).unwrap();
        trainer.join(&classes(), some(&all, &now), &before).unwrap();
        assert!(as_it_was == weights(&trainer), "it goes on where it was");
        assert_eq!((trainer.epoch, trainer.step, trainer.steps), (epoch, step, steps));
        assert_eq!(trainer.patches().len(), 57);
        // The same from a file.
        let resumed =
            Trainer::resume_on(&halted, some(&all, &now), &before, &chosen.device, chosen.tiled).unwrap();
        assert!(finish(resumed) == finish(trainer), "{preset:?}");
    }
    // Patches of another size cannot.
    let mut trainer = fresh(Preset::Default);
    let large = Arc::new(common::bars_and_discs(40, 24, 12, 5));
    let before: Vec<Option<usize>> = (0..40).map(Some).collect();
    assert!(trainer.join(&classes(), large, &before).is_err());
}

#[test]
fn a_training_goes_on_from_a_model_alone() {
    let mut trainer = fresh(Preset::Default);
    for _ in 0..6 {
        trainer.step().unwrap();
    }
    let chosen = device::cpu(None);
    let model = Checkpoint::of(&trainer.snapshot(), &trainer.config, &classes(), None, trainer.epoch);
    let vae = model.vae(&chosen.device, chosen.tiled).unwrap();
    let (config, epoch) = (trainer.config.clone(), trainer.epoch);
    let go_on = |patches| {
        let (device, tiled) = (&chosen.device, chosen.tiled);
        Trainer::from_model(&vae, config.clone(), &classes(), patches, epoch, device, tiled)
    };
    let mut again = go_on(patches()).unwrap();
    let bytes =
        |t: &Trainer| Checkpoint::of(&t.snapshot(), &t.config, &classes(), None, 0).to_bytes().unwrap();
    assert!(bytes(&again) == bytes(&trainer) && again.epoch == epoch);
    again.step().unwrap();
    assert!(bytes(&again) != bytes(&trainer));
    assert!(go_on(Arc::new(common::bars_and_discs(40, 24, 12, 5))).is_err(), "patches of another size");
}

#[test]
fn what_an_earlier_version_wrote_goes_on() {
    // Its models had no lean.
    let (chosen, trainer) = (device::cpu(None), fresh(Preset::Default));
    let mut vae = trainer.snapshot();
    vae.networks.lean = None;
    let config = trainer.config;
    let mut again =
        Trainer::from_model(&vae, config, &classes(), patches(), 0, &chosen.device, chosen.tiled).unwrap();
    again.step().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("earlier.state");
    again.halt(&classes()).unwrap().save(&state).unwrap();
    assert!(resume(&state) == finish(again), "the models differ");
}
