//! The worker: trains in its own thread, pauses, stops and ends at once, answers while it trains.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use common::bars_and_discs;
use crossbeam_channel::RecvTimeoutError;
use nanotheca::micrograph::Micrograph;
use nanotheca::particle::ParticleId;
use nanotheca::particle::patch::PatchSet;
use nanotheca::spectrum::Spectra;
use nanotheca::train::checkpoint::Checkpoint;
use nanotheca::train::config::Preset;
use nanotheca::train::config::TrainConfig;
use nanotheca::train::resume::Halted;
use nanotheca::worker::Worker;
use nanotheca::worker::mapping::{MapEvent, MapJob, MapProgress, MapQuery, MapSettings, MapStage};
use nanotheca::worker::message::{Command, DeviceChoice, Event, FinishReason, PreviewRequest, TrainJob};
use nanotheca::worker::spectra::{SpectraCommand, SpectraJob, SpectraTold};
use std::sync::Arc;
use std::time::Duration;

/// Far longer than anything here takes; only a worker that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(120);

fn job(epochs: usize) -> Box<TrainJob> {
    Box::new(TrainJob {
        config: TrainConfig { epochs, batch: 16, ..TrainConfig::proposed().with_hidden(16) },
        classes: vec!["bar".into(), "disc".into()],
        patches: Arc::new(bars_and_discs(48, 12, 16, 1)),
        ids: (0..48).map(ParticleId).collect(),
        validation: None,
        geometry: None,
        device: DeviceChoice::Cpu,
    })
}

/// The first event that `wanted` turns into something.
fn wait<T>(worker: &Worker, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an event in time");
        if let Event::Failed { message, details } | Event::Map(MapEvent::Failed { message, details }) = &event
        {
            panic!("{message}: {details}");
        }
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

fn epoch_done(event: Event) -> Option<()> {
    matches!(event, Event::Progress(p) if p.loss.is_some()).then_some(())
}

#[test]
fn a_run_tells_its_device_progress_predictions_and_end() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(3)));
    let name = wait(&worker, |e| if let Event::Device { name, .. } = e { Some(name) } else { None });
    assert!(name.starts_with("CPU"), "{name}");
    let mut epochs = 0;
    let mut predictions = 0;
    let reason = wait(&worker, |e| match e {
        Event::Progress(p) => {
            if let Some(loss) = p.loss {
                epochs += 1;
                assert!(loss.is_finite() && p.accuracy.is_some_and(|a| a.of == 32));
            }
            None
        }
        Event::Predictions { predictions: found, .. } => {
            predictions = found.len();
            None
        }
        Event::Finished { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!((epochs, predictions, reason), (3, 48, FinishReason::AllEpochs));
}

#[test]
fn questions_and_other_models_do_not_wait_until_many_patches_are_classified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(2)));
    wait(&worker, |e| matches!(e, Event::Finished { .. }).then_some(()));
    worker.send(Command::Save(path.clone()));
    wait(&worker, |e| matches!(e, Event::Saved(_)).then_some(()));
    let many = Arc::new(bars_and_discs(20_000, 12, 0, 2));
    let question = PreviewRequest::Manifold { class: 1, axes: (0, 1), per_side: 2, ranges: [[-1.0, 1.0]; 2] };
    worker.send(Command::Classify(many.clone()));
    worker.send(Command::Preview(question));
    let mut answered = false;
    let found = wait(&worker, |e| match e {
        Event::Preview(_) => {
            answered = true;
            None
        }
        Event::Predictions { predictions, .. } => Some(predictions.len()),
        _ => None,
    });
    assert_eq!((found, answered), (20_000, true), "the question waited");
    // What is said of patches by a model that is gone would be taken for the next one's.
    worker.send(Command::Classify(many.clone()));
    worker.send(Command::Load(path));
    wait(&worker, |e| matches!(e, Event::Loaded { .. }).then_some(()));
    worker.send(Command::Classify(Arc::new(bars_and_discs(30, 12, 0, 3))));
    let first =
        |e| if let Event::Predictions { predictions, .. } = e { Some(predictions.len()) } else { None };
    assert_eq!(wait(&worker, first), 30);
    // Who asks about all patches is told what the model can be trusted with, too.
    wait(&worker, |e| if let Event::Checked(sanity) = e { Some(sanity) } else { None });
    worker.send(Command::Classify(many));
    worker.send(Command::Forget);
    wait(&worker, |e| matches!(e, Event::Forgotten).then_some(()));
    let silent = worker.events().recv_timeout(Duration::from_millis(300));
    assert_eq!(silent.unwrap_err(), RecvTimeoutError::Timeout);
}

#[test]
fn it_pauses_answers_resumes_and_stops() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(1_000_000)));
    wait(&worker, epoch_done);
    worker.send(Command::Pause);
    wait(&worker, |e| matches!(e, Event::Paused).then_some(()));
    // Paused: nothing moves, but previews are answered.
    assert_eq!(
        worker.events().recv_timeout(Duration::from_millis(300)).unwrap_err(),
        RecvTimeoutError::Timeout
    );
    worker.send(Command::Preview(PreviewRequest::Manifold {
        class: 1,
        axes: (0, 1),
        per_side: 3,
        ranges: [[-1.5, 1.5]; 2],
    }));
    let images = wait(&worker, |e| if let Event::Preview(p) = e { Some(p) } else { None });
    assert_eq!(images.images.len(), 9 * 12 * 12);
    assert!(images.images.iter().all(|v| (0.0..=1.0).contains(v)));
    worker.send(Command::Resume);
    wait(&worker, epoch_done);
    worker.send(Command::Stop);
    let reason = wait(&worker, |e| if let Event::Finished { reason, .. } = e { Some(reason) } else { None });
    assert_eq!(reason, FinishReason::Stopped);
    // The model stays and can be saved and read again.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    worker.send(Command::Save(path.clone()));
    wait(&worker, |e| matches!(e, Event::Saved(_)).then_some(()));
    worker.send(Command::Load(path));
    let classes = wait(&worker, |e| if let Event::Loaded { classes, .. } = e { Some(classes) } else { None });
    assert_eq!(classes, ["bar", "disc"]);
}

#[test]
fn only_the_newest_preview_is_answered() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(1)));
    wait(&worker, |e| matches!(e, Event::Finished { .. }).then_some(()));
    worker.send(Command::Train(job(1_000_000)));
    for class in [0, 0, 0, 0, 1] {
        let latents = vec![0.0, 0.0];
        let request = PreviewRequest::At { class, latents, angle_rad: 0.0, shift: [0.0; 2], scale: 1.0 };
        worker.send(Command::Preview(request));
    }
    let mut answers = 0;
    wait(&worker, |e| {
        let Event::Preview(found) = e else { return None };
        answers += 1;
        matches!(found.request, PreviewRequest::At { class: 1, .. }).then_some(())
    });
    assert!(answers <= 2, "{answers} answers; old requests are dropped");
}

#[test]
fn dropping_it_while_it_trains_ends_the_thread() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(1_000_000)));
    wait(&worker, epoch_done);
    let events = worker.events().clone();
    drop(worker); // joins; a thread that went on would hang here
    while events.try_recv().is_ok() {}
    assert_eq!(events.recv().ok().map(|_| ()), None, "nobody sends any more");
}

#[test]
fn dropping_it_at_the_end_of_a_training_waits_for_no_look_at_all_patches() {
    let worker = Worker::spawn(|| {});
    let many = 50_000;
    let patches = bars_and_discs(many, 12, 16, 1);
    // In its shortest epoch it sees a few labels alone.
    let config = TrainConfig { epochs: 1, batch: 4096, labels_only: true, ..job(1).config };
    let held_out = vec![None; many];
    let patches = Arc::new(PatchSet { held_out, ..patches });
    worker.send(Command::Train(Box::new(TrainJob { config, patches, ids: Vec::new(), ..*job(1) })));
    wait(&worker, epoch_done);
    let events = worker.events().clone();
    drop(worker);
    assert!(!events.try_iter().any(|event| matches!(event, Event::Predictions { .. })));
}

#[test]
fn a_job_that_cannot_be_done_is_refused_in_words() {
    let worker = Worker::spawn(|| {});
    let mut job = job(1);
    job.config.latent = 0;
    worker.send(Command::Train(job));
    let message = loop {
        if let Event::Failed { message, .. } = worker.events().recv_timeout(PATIENCE).unwrap() {
            break message;
        }
    };
    assert!(message.contains("latent"), "{message}");
}

#[test]
fn labels_too_few_to_hold_out_judge_by_cross_validation() {
    let worker = Worker::spawn(|| {});
    let mut few = job(12);
    few.patches = Arc::new(PatchSet { held_out: vec![None; 48], ..(*few.patches).clone() });
    worker.send(Command::Validate { job: few, folds: 5, kept: None });
    let mut shares = Vec::new();
    let found = wait(&worker, |e| match e {
        Event::Folds(folds) => {
            shares.push(folds.share);
            folds.over.then_some(folds)
        }
        _ => None,
    });
    assert!(shares.is_sorted() && shares.len() > 12, "{shares:?}");
    assert_eq!((found.trained, found.of, found.accuracy.of), (5, 5, 16), "each label judges once");
    assert!(found.accuracy.right >= 10, "{found:?}");
    // Stopped in the middle it says what it knows.
    worker.send(Command::Validate { job: job(1_000_000), folds: 3, kept: None });
    wait(&worker, |e| matches!(e, Event::Folds(folds) if folds.share > 0.0).then_some(()));
    worker.send(Command::Stop);
    let found =
        wait(&worker, |e| if let Event::Folds(folds) = e { folds.over.then_some(folds) } else { None });
    assert_eq!((found.accuracy.of, found.of, found.found()), (0, 3, None));
}

/// The job with these particles alone, and labels for the first `labelled` of them.
fn only(job: &TrainJob, kept: &[usize], labelled: usize) -> Box<TrainJob> {
    let set = &job.patches;
    let size = set.wide * set.wide;
    let pixels: Vec<f32> = kept.iter().flat_map(|i| &set.pixels[i * size..(i + 1) * size]).copied().collect();
    let label = |(place, i): (usize, &usize)| Some(i % 2).filter(|_| place < labelled);
    let patches = PatchSet {
        pixels: pixels.into(),
        labels: kept.iter().enumerate().map(label).collect(),
        held_out: kept
            .iter()
            .enumerate()
            .map(|(place, i)| Some(i % 2).filter(|_| place >= labelled))
            .collect(),
        ..(**set).clone()
    };
    let ids = kept.iter().map(|i| job.ids[*i]).collect();
    Box::new(TrainJob { patches: Arc::new(patches), ids, ..job.clone() })
}

fn finished(event: Event) -> Option<FinishReason> {
    if let Event::Finished { reason, .. } = event { Some(reason) } else { None }
}

#[test]
fn new_labels_and_particles_join_a_training_that_ended_even_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (state, model) = (folder.path().join("a.training"), folder.path().join("a.safetensors"));
    let all = job(8);
    let then = only(&all, &(0..40).collect::<Vec<_>>(), 12);
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(then));
    wait(&worker, finished);
    worker.send(Command::Halt(state.clone()));
    worker.send(Command::Save(model.clone()));
    wait(&worker, |e| matches!(e, Event::Saved(path) if path == model).then_some(()));
    drop(worker);
    let halt = Halted::peek(&state).unwrap();
    assert_eq!((halt.epoch, halt.curve.len(), halt.particles.len()), (8, 8, 40));
    assert!(halt.curve.iter().all(|point| point.parts.is_some() && point.accuracy.is_some()));
    assert_eq!((halt.lineage.roles.taught.len(), halt.lineage.roles.judges.len()), (12, 28));
    // Another process: two particles have gone, eight have come, four more have labels.
    let kept: Vec<usize> = (0..48).filter(|i| ![5, 20].contains(i)).collect();
    let worker = Worker::spawn(|| {});
    worker.send(Command::Load(model.clone()));
    worker.send(Command::Relabel { job: only(&all, &kept, 16), from: Some(state.clone()) });
    let relabelled =
        |e| if let Event::Relabelled { epoch, afresh } = e { Some((epoch, afresh)) } else { None };
    assert_eq!(wait(&worker, relabelled), (9, false));
    let mut told = 0;
    let reason = wait(&worker, |e| {
        if let Event::Predictions { predictions, .. } = &e {
            told = predictions.len();
        }
        finished(e)
    });
    assert_eq!((reason, told), (FinishReason::AllEpochs, 46));
    worker.send(Command::Save(model.clone()));
    worker.send(Command::Halt(state.clone()));
    wait(&worker, |e| matches!(e, Event::Saved(path) if path == state).then_some(()));
    let made = Checkpoint::load(&model).unwrap().description;
    // The model tells its own settings: those it went on with, not those it began with.
    assert!(made.train.epochs > 8 && made.epochs == made.train.epochs && made.train.encore.is_some());
    assert_eq!(made.lineage.joined, [9]);
    // Six that judged teach now, so they judge no more; what once taught never will.
    let roles = made.lineage.roles;
    assert!(roles.judges.is_disjoint(&roles.taught) && roles.taught.len() > 16);
    let halt = Halted::peek(&state).unwrap();
    assert_eq!(halt.curve.len(), made.epochs, "the curve has the epochs from before the restart");

    // Without a state the weights go on, and that is said; other classes are refused and nothing is lost.
    worker.send(Command::Load(model));
    let mut other = only(&all, &kept, 16);
    other.classes[0] = "rod".into();
    worker.send(Command::Relabel { job: other, from: None });
    let message = wait(&worker, |e| if let Event::Refused { message } = e { Some(message) } else { None });
    assert!(message.contains("classes"), "{message}");
    worker.send(Command::Relabel { job: only(&all, &kept, 20), from: None });
    assert_eq!(wait(&worker, relabelled), (made.epochs + 1, true));
    wait(&worker, finished);
}

#[test]
fn a_refusal_leaves_the_training_under_way_as_it_was() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(1_000_000)));
    wait(&worker, epoch_done);
    let mut other = job(1);
    other.patches = Arc::new(bars_and_discs(48, 16, 16, 1));
    worker.send(Command::Relabel { job: other, from: None });
    wait(&worker, |e| matches!(e, Event::Refused { .. }).then_some(()));
    wait(&worker, epoch_done);
}

#[test]
fn what_fails_beside_a_training_does_not_end_it() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Train(job(1_000_000)));
    wait(&worker, |e| matches!(e, Event::Progress(_)).then_some(()));
    worker.send(Command::Pause);
    wait(&worker, |e| matches!(e, Event::Paused).then_some(()));
    // In the first epoch already the model answers as it is.
    let all = job(1).patches.clone();
    worker.send(Command::Classify(all.clone()));
    let told =
        |e| if let Event::Predictions { predictions, .. } = e { Some(predictions.len()) } else { None };
    assert_eq!(wait(&worker, told), all.len());
    // `wait` panics on a training that failed.
    worker.send(Command::Classify(Arc::new(bars_and_discs(48, 16, 16, 1))));
    wait(&worker, |e| matches!(e, Event::Refused { .. }).then_some(()));
    let folder = tempfile::tempdir().unwrap();
    worker.send(Command::Save(folder.path().join("no folder").join("model.safetensors")));
    wait(&worker, |e| matches!(e, Event::Refused { .. }).then_some(()));
    worker.send(Command::Resume);
    wait(&worker, epoch_done);
    worker.send(Command::Stop);
    wait(&worker, finished);
}

#[test]
fn a_training_stops_early_only_if_it_is_asked_to() {
    let worker = Worker::spawn(|| {});
    // A step size that teaches nothing: no epoch is better than the one before.
    let still = |patience| {
        let mut job = job(60);
        job.config.learning_rate = 1e-12;
        job.config.patience = patience;
        job
    };
    let mut epochs = 0;
    let mut run = |patience| {
        worker.send(Command::Train(still(patience)));
        let reason = wait(&worker, |e| {
            if let Event::Finished { epochs: done, .. } = &e {
                epochs = *done;
            }
            finished(e)
        });
        (reason, epochs)
    };
    assert_eq!(run(None), (FinishReason::AllEpochs, 60));
    let (reason, epochs) = run(Some(12));
    assert_eq!(reason, FinishReason::Settled);
    assert!((15..60).contains(&epochs), "{epochs}: not in the first quarter");
}

/// Maps of a square lattice of 12 px, brighter to the right.
fn map_job(epochs: usize) -> Box<MapJob> {
    let (w, h) = (160, 144);
    let value = |i: usize| {
        let [x, y] = [i % w, i / w].map(|v| v as f32);
        let off = |v: f32| 12.0 * ((v - 6.0) / 12.0 - ((v - 6.0) / 12.0).round());
        let noise = ((i as f32 * 12.9898).sin() * 43_758.547).fract();
        (1.0 + x / 160.0) * (-(off(x).powi(2) + off(y).powi(2)) / 10.0).exp() + 0.05 * noise
    };
    let image = Arc::new(Micrograph::new(w, h, (0..w * h).map(value).collect(), None).unwrap());
    let settings = MapSettings { epochs, windows: 96, batch: 32, hidden: vec![16], ..MapSettings::default() };
    Box::new(MapJob { run: 1, image, mask: None, settings, device: DeviceChoice::Cpu })
}

fn spectra_job(epochs: usize) -> Box<SpectraJob> {
    let value = |i: usize| (-0.5 * ((i % 24) as f64 - 8.0 - (i / 24 % 8) as f64).powi(2) / 4.0).exp();
    let values: Vec<f32> = (0..24 * 32).map(|i| value(i) as f32).collect();
    Box::new(SpectraJob {
        run: 1,
        name: "peaks".into(),
        spectra: Arc::new(Spectra::new((0..24).map(f64::from).collect(), values).unwrap()),
        settings: MapSettings { epochs, hidden: vec![16], ..MapSettings::spectra(Preset::Default) },
        device: DeviceChoice::Cpu,
    })
}

fn stopped(event: &Event) -> bool {
    matches!(event, Event::Map(MapEvent::Stopped))
}

/// A map run that would never end is told to by `command`, and no more is heard of it until `until`.
fn ends_the_maps(worker: &Worker, command: Command, until: impl Fn(&Event) -> bool) {
    worker.send(Command::Map(map_job(100_000)));
    wait(worker, |e| matches!(e, Event::Map(MapEvent::Maps(_))).then_some(()));
    worker.send(command);
    wait(worker, |e| stopped(&e).then_some(()));
    wait(worker, |e| {
        assert!(!matches!(e, Event::Map(_)), "the maps go on: {e:?}");
        until(&e).then_some(())
    });
}

#[test]
fn maps_end_when_a_training_goes_on_or_is_validated() {
    let worker = Worker::spawn(|| {});
    let (few, folder) = (job(2), tempfile::tempdir().unwrap());
    let finished = |e: &Event| matches!(e, Event::Finished { .. });
    worker.send(Command::Train(few.clone()));
    wait(&worker, |e| finished(&e).then_some(()));
    let state = folder.path().join("a.training");
    worker.send(Command::Halt(state.clone()));
    wait(&worker, |e| matches!(e, Event::Saved(_)).then_some(()));

    let more = Box::new(TrainJob { patches: Arc::new(bars_and_discs(48, 12, 20, 1)), ..*few.clone() });
    let labels = Command::Relabel { job: more.clone(), from: None };
    ends_the_maps(&worker, labels, finished);
    // What the model knows already is no reason to train.
    worker.send(Command::Relabel { job: more, from: None });
    let said = wait(&worker, |e| if let Event::Refused { message } = e { Some(message) } else { None });
    assert!(said.contains("is new"), "{said}");
    ends_the_maps(&worker, Command::GoOn { job: few.clone(), from: state }, finished);
    let over = |e: &Event| matches!(e, Event::Folds(folds) if folds.over);
    ends_the_maps(&worker, Command::Validate { job: few, folds: 3, kept: None }, over);
    // The model of the maps stays and answers.
    worker.send(Command::MapAsk(MapQuery::Latents(vec![0.5, 0.0])));
    wait(&worker, |e| matches!(e, Event::Map(MapEvent::Answer(_))).then_some(()));
}

#[test]
fn spectra_end_when_a_training_is_validated() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Spectra(SpectraCommand::Learn(spectra_job(100_000))));
    wait(&worker, |e| {
        matches!(e, Event::Spectra(e) if matches!(e.told, SpectraTold::Found(_))).then_some(())
    });
    worker.send(Command::Validate { job: job(2), folds: 3, kept: None });
    let ended = |e: &Event| matches!(e, Event::Spectra(e) if matches!(e.told, SpectraTold::Ended { reason: FinishReason::Stopped, .. }));
    wait(&worker, |e| ended(&e).then_some(()));
    wait(&worker, |e| {
        assert!(!matches!(e, Event::Spectra(_)), "the spectra go on: {e:?}");
        matches!(e, Event::Folds(folds) if folds.over).then_some(())
    });
}

#[test]
fn a_cross_validation_ends_when_maps_or_spectra_begin() {
    let worker = Worker::spawn(|| {});
    let maps = Command::Map(map_job(2));
    let spectra = Command::Spectra(SpectraCommand::Learn(spectra_job(2)));
    for command in [maps, spectra] {
        worker.send(Command::Validate { job: job(1_000_000), folds: 3, kept: None });
        wait(&worker, |e| matches!(e, Event::Folds(folds) if folds.share > 0.0).then_some(()));
        worker.send(command);
        wait(&worker, |e| matches!(e, Event::Folds(folds) if folds.over).then_some(()));
        wait(&worker, |e| {
            assert!(!matches!(e, Event::Folds(_)), "the cross-validation goes on: {e:?}");
            match e {
                Event::Map(MapEvent::Finished(_)) => Some(()),
                Event::Spectra(e) if matches!(e.told, SpectraTold::Ended { .. }) => Some(()),
                _ => None,
            }
        });
    }
}

#[test]
fn what_cannot_be_done_beside_maps_does_not_end_them_and_a_model_leaves_only_with_its_own_maps() {
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::spawn(|| {});
    let saved = |worker: &Worker, run: u64, name: &str| {
        let path = folder.path().join(name);
        worker.send(Command::MapSave { run, path: path.clone() });
        wait(worker, |e| match e {
            Event::Map(MapEvent::Saved(to)) => Some(to == path && path.is_file()),
            Event::Map(MapEvent::NotSaved(why)) => {
                assert!(why.contains("another run has begun") && !path.exists(), "{why}");
                Some(false)
            }
            _ => None,
        })
    };
    worker.send(Command::Map(map_job(2)));
    wait(&worker, |e| matches!(e, Event::Map(MapEvent::Finished(_))).then_some(()));
    assert!(saved(&worker, 1, "first"));
    // The next one has no maps yet when the export of the one before arrives.
    let second = || Box::new(MapJob { run: 2, ..*map_job(100_000) });
    worker.send(Command::Map(second()));
    assert!(!saved(&worker, 1, "late"));
    wait(&worker, |e| matches!(e, Event::Map(MapEvent::Maps(_))).then_some(()));
    assert!(saved(&worker, 2, "second") && !saved(&worker, 1, "later"));
    for wrong in [
        Command::Load(folder.path().join("nothing")),
        Command::Save(folder.path().join("no model")),
        Command::Spectra(SpectraCommand::Write {
            folder: folder.path().join("spectra"),
            unit: String::new(),
        }),
    ] {
        worker.send(wrong);
        wait(&worker, |e| matches!(e, Event::Refused { .. }).then_some(()));
    }
    worker.send(Command::Pause);
    wait(&worker, |e| matches!(e, Event::Paused).then_some(()));
    worker.send(Command::Resume);
    worker.send(Command::Stop);
    wait(&worker, |e| stopped(&e).then_some(()));
    // A run that cannot be told by an event of its own, whatever else is asked.
    let blank = Micrograph::new(64, 64, vec![1.0; 4096], None).unwrap();
    worker.send(Command::Map(Box::new(MapJob { image: Arc::new(blank), ..*second() })));
    let why = loop {
        match worker.events().recv_timeout(PATIENCE).unwrap() {
            Event::Map(MapEvent::Failed { message, .. }) => break message,
            Event::Failed { message, .. } => panic!("{message}"),
            _ => {}
        }
    };
    assert!(why.contains("all its pixels are equal"), "{why}");
    // The same for spectra under way.
    worker.send(Command::Spectra(SpectraCommand::Learn(spectra_job(100_000))));
    worker.send(Command::Load(folder.path().join("nothing")));
    wait(&worker, |e| matches!(e, Event::Refused { .. }).then_some(()));
}

#[test]
fn a_training_that_cannot_go_on_ends_the_maps_and_says_why() {
    let worker = Worker::spawn(|| {});
    worker.send(Command::Map(map_job(100_000)));
    wait(&worker, |e| matches!(e, Event::Map(MapEvent::Maps(_))).then_some(()));
    worker.send(Command::GoOn { job: job(2), from: "/nowhere.training".into() });
    wait(&worker, |e| stopped(&e).then_some(()));
    assert!(matches!(worker.events().recv_timeout(PATIENCE), Ok(Event::Failed { .. })));
}

#[test]
fn a_map_run_stops_between_any_two_parts_of_its_work() {
    let stages =
        [MapStage::Preparing, MapStage::Starting, MapStage::Learning, MapStage::Refining, MapStage::Judging];
    for stage in stages {
        // The worker goes on after an event only when it is let: what is sent meanwhile is there when it looks.
        let (let_on, gate) = crossbeam_channel::bounded::<()>(0);
        let worker = Worker::spawn(move || {
            let _ = let_on.send(());
        });
        let gate = gate; // Dropped before the worker, which else would wait for ever.
        worker.send(Command::Map(map_job(2)));
        loop {
            let event = worker.events().recv_timeout(PATIENCE).expect("an event in time");
            let failed = matches!(event, Event::Failed { .. } | Event::Map(MapEvent::Failed { .. }));
            assert!(!failed, "{event:?}");
            let reached = |p: MapProgress| p.stage == stage;
            if matches!(event, Event::Map(MapEvent::Progress(p)) if reached(p)) {
                break;
            }
            gate.recv_timeout(PATIENCE).expect("a sign of life");
        }
        worker.send(Command::Stop);
        drop(gate);
        wait(&worker, |e| {
            assert!(!matches!(e, Event::Map(MapEvent::Finished(_))), "{stage:?}: it did not stop");
            stopped(&e).then_some(())
        });
        // Whatever it was at, a dropped worker has nothing left to do.
        drop(worker);
    }
}
