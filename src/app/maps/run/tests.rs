use super::*;
use crate::order::Gpa;

#[test]
fn a_run_goes_through_its_phases_and_progress_does_not_end_a_pause() {
    let mut maps = Maps { phase: Phase::Starting, ..Maps::default() };
    let progress = |seed, epoch, loss| {
        let progress =
            MapProgress { seed, seeds: 2, epoch, epochs: 4, share: 1.0, loss, ..Default::default() };
        Event::Map(MapEvent::Progress(progress))
    };
    maps.take(&progress(1, 2, Some(5.0)));
    assert_eq!(maps.phase, Phase::Running);
    assert_eq!(maps.share(), Some(0.25));
    maps.take(&Event::Paused);
    maps.take(&progress(1, 3, Some(4.0)));
    assert_eq!(maps.phase, Phase::Paused);
    maps.take(&Event::Resumed);
    maps.take(&progress(2, 1, Some(4.5)));
    assert_eq!((maps.share(), maps.curve.len()), (Some(0.625), 3));
    // After the learning the bar begins anew and words say why; pausing and stopping go on as before.
    let judging = MapProgress { stage: MapStage::Judging, share: 0.4, ..MapProgress::default() };
    assert_eq!(maps.finishing(), None);
    maps.take(&Event::Map(MapEvent::Progress(judging)));
    assert_eq!((maps.share(), maps.curve.len()), (Some(0.4), 3));
    assert_eq!(maps.finishing().as_deref(), Some("judging the maps, 40 %"));
    // What fails beside the run does not end it.
    let (message, details) = ("no".to_owned(), String::new());
    maps.take(&Event::Failed { message: message.clone(), details: details.clone() });
    assert_eq!(maps.phase, Phase::Running);
    let mut failed = Maps { phase: Phase::Running, ..Maps::default() };
    failed.take(&Event::Map(MapEvent::Failed { message: message.clone(), details: details.clone() }));
    assert_eq!(failed.phase, Phase::Failed { message, details });
    maps.take(&Event::Map(MapEvent::Stopped));
    assert!(!maps.phase.is_active() && maps.share().is_none() && maps.finishing().is_none());
}

#[test]
fn strain_is_told_by_the_present_scale() {
    let mut set = crate::app::maps::brush::tests::set();
    let flat = |value: f32| set.content[0].with(vec![value; set.content[0].values.len()]).unwrap();
    set.phase_analysis = Some(Arc::new(Gpa {
        reflections: [[1, 0], [0, 1]],
        displacement: [flat(2.0), flat(3.0)],
        strain: [flat(0.02), flat(-0.01), flat(0.01)],
        rotation: flat(0.005),
        aspect: 1.0,
        quality: flat(1.0),
    }));
    let mut maps = Maps { set: Some(Arc::new(set)), ..Maps::default() };
    let shear = |maps: &Maps| Field::Strain(2).of(maps.set.as_ref().unwrap()).unwrap().values[7];
    maps.scaled(PixelSize::new(0.1, 0.1));
    assert_eq!((maps.revision, shear(&maps)), (0, 0.01));
    maps.scaled(PixelSize::new(0.1, 0.2));
    assert!(maps.revision == 1 && (shear(&maps) - 0.016_25).abs() < 1e-7);
    maps.scaled(PixelSize::new(0.1, 0.2));
    assert_eq!(maps.revision, 1, "nothing is made anew in every frame");
    maps.scaled(None);
    assert!(maps.revision == 2 && (shear(&maps) - 0.01).abs() < 1e-7);
}

#[test]
fn a_run_that_ends_early_is_told_as_it_was_when_its_maps_were_drawn() {
    let told = |ending: MapEvent| {
        let mut maps = Maps { phase: Phase::Starting, ..Maps::default() };
        for epoch in 1..=7 {
            let loss = Some(10.0 - epoch as f64);
            let progress = MapProgress { seed: 1, seeds: 1, epoch, epochs: 20, loss, ..Default::default() };
            maps.take(&Event::Map(MapEvent::Progress(progress)));
            if epoch == 5 {
                let set = MapSet { epoch, last: false, ..crate::app::maps::brush::tests::set() };
                maps.take(&Event::Map(MapEvent::Maps(Arc::new(set))));
            }
        }
        let under_way = MapProgress { seed: 1, seeds: 1, epoch: 8, epochs: 20, ..Default::default() };
        maps.take(&Event::Map(MapEvent::Progress(under_way)));
        assert_eq!(maps.loss(), Some(3.0), "while it learns that of the epoch before");
        maps.take(&Event::Map(ending));
        maps
    };
    let stopped = told(MapEvent::Stopped);
    assert!(matches!(stopped.phase, Phase::Ended { reason: FinishReason::Stopped, epochs: 5, .. }));
    let failed = told(MapEvent::Failed { message: String::new(), details: String::new() });
    for maps in [stopped, failed] {
        assert_eq!((maps.progress.unwrap().epoch, maps.loss()), (5, Some(5.0)));
    }
}
