//! The worker: trains in its own thread, pauses, stops and ends at once, answers while it trains.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod common;

use common::bars_and_discs;
use crossbeam_channel::RecvTimeoutError;
use nanotheca::particle::patch::PatchSet;
use nanotheca::train::config::TrainConfig;
use nanotheca::worker::Worker;
use nanotheca::worker::message::{Command, DeviceChoice, Event, FinishReason, PreviewRequest, TrainJob};
use std::sync::Arc;
use std::time::Duration;

/// Far longer than anything here takes; only a worker that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(120);

fn job(epochs: usize) -> Box<TrainJob> {
    Box::new(TrainJob {
        config: TrainConfig { epochs, batch: 16, ..TrainConfig::proposed().with_hidden(16) },
        classes: vec!["bar".into(), "disc".into()],
        patches: Arc::new(bars_and_discs(48, 12, 16, 1)),
        validation: None,
        geometry: None,
        device: DeviceChoice::Cpu,
    })
}

/// The first event that `wanted` turns into something.
fn wait<T>(worker: &Worker, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = worker.events().recv_timeout(PATIENCE).expect("an event in time");
        if let Event::Failed { message, details } = &event {
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
    worker.send(Command::Validate(few));
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
    worker.send(Command::Validate(job(1_000_000)));
    wait(&worker, |e| matches!(e, Event::Folds(folds) if folds.share > 0.0).then_some(()));
    worker.send(Command::Stop);
    let found =
        wait(&worker, |e| if let Event::Folds(folds) = e { folds.over.then_some(folds) } else { None });
    assert_eq!(found.accuracy.of, 0);
}
