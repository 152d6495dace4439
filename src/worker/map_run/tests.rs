use super::*;
use crate::explore::order_map::residual::reconstruct;
use crate::micrograph::Micrograph;
use crate::model::vae::PixelSubset;
use crate::train::shift::MapSettings;
use crate::worker::device;
use crate::worker::mapping::MapQuery;
use crate::worker::message::DeviceChoice;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A square lattice of 12 px, brighter to the right.
fn job() -> Box<MapJob> {
    let (w, h) = (160, 144);
    let value = |i: usize| {
        let [x, y] = [i % w, i / w].map(|v| v as f32);
        let off = |v: f32| 12.0 * ((v - 6.0) / 12.0 - ((v - 6.0) / 12.0).round());
        let noise = ((i as f32 * 12.9898).sin() * 43_758.547).fract();
        (1.0 + x / 160.0) * (-(off(x).powi(2) + off(y).powi(2)) / 10.0).exp() + 0.05 * noise
    };
    let image = Micrograph::new(w, h, (0..w * h).map(value).collect(), None).unwrap();
    let settings =
        MapSettings { epochs: 2, windows: 96, batch: 32, hidden: vec![16], ..MapSettings::default() };
    Box::new(MapJob { run: 1, image: Arc::new(image), mask: None, settings, device: DeviceChoice::Cpu })
}

#[test]
fn the_work_round_the_learning_is_told_and_comes_in_parts() {
    let mut run = MapRun::new(job(), device::cpu(None));
    let (mut told, mut parts) = (Vec::new(), [0; 3]);
    loop {
        let before = told.len();
        // As if time had passed: every part is told.
        run.told = run.told.checked_sub(TELL).unwrap_or(run.told);
        let done = run.step(&mut |event| told.push(event)).unwrap();
        for event in &told[before..] {
            match event {
                MapEvent::Progress(MapProgress { stage: MapStage::Preparing, .. }) => parts[0] += 1,
                MapEvent::Progress(MapProgress { stage: MapStage::Refining, .. }) => parts[1] += 1,
                MapEvent::Progress(MapProgress { stage: MapStage::Judging, .. }) => parts[2] += 1,
                _ => {}
            }
        }
        if done {
            break;
        }
    }
    assert!(parts[0] == Preparing::PARTS && parts[1] >= 3 && parts[2] >= 5, "{parts:?}");
    let shares = |which: MapStage| -> Vec<f32> {
        let of = |e: &MapEvent| match e {
            MapEvent::Progress(p) if p.stage == which => Some(p.share),
            _ => None,
        };
        told.iter().filter_map(of).collect()
    };
    for stage in [MapStage::Refining, MapStage::Judging] {
        let shares = shares(stage);
        assert!(shares.is_sorted(), "{stage:?} {shares:?}");
        assert_eq!((shares.first(), shares.last()), (Some(&0.0), Some(&1.0)), "{stage:?}");
    }
    let [.., MapEvent::Maps(last), MapEvent::Finished(_)] = &told[..] else { panic!("no end") };
    assert!(last.last && last.recon_error.is_some() && last.phase_analysis.is_some());
    let early = told.iter().filter(|e| matches!(e, MapEvent::Maps(m) if m.last)).count();
    assert_eq!(early, 1, "only one set of maps is the last");
}

#[test]
fn the_model_that_answers_is_that_of_the_maps_told_last() {
    let mut job = job();
    job.settings.seeds = 2;
    let mut run = MapRun::new(job, device::cpu(None));
    let mut shown: Option<Vec<f32>> = None;
    let (mut told, mut silent, mut over) = (0, 0, false);
    let mut strides = std::collections::BTreeSet::new();
    while !over {
        let mut newest = None;
        let mut took = |event| {
            if let MapEvent::Maps(maps) = event {
                newest = Some(maps);
            }
        };
        // As if time had passed: maps come after every epoch.
        run.mapped = run.mapped.and_then(|at| at.checked_sub(REFRESH));
        over = run.step(&mut took).unwrap();
        if newest.is_none() && shown.is_none() {
            continue;
        }
        let model = run.model().unwrap();
        if let Some(maps) = &newest {
            // A pixel between two values of the maps is answered as the map shows it: by the value next to it.
            let z0 = &maps.content[0];
            let [x, y] = [81.0, 73.0].map(|v: f64| (v / maps.stride as f64).round() as usize);
            let answer = model.answer(&MapQuery::Place([81.0, 73.0])).unwrap().unwrap();
            let off = (answer.latents[0] - z0.values[y * z0.width + x]).abs();
            assert!(off < 1e-4, "the map and the answer differ by {off}");
            strides.insert(maps.stride);
        }
        let MapModel { run: of, vae, prepared, .. } = model;
        assert_eq!(of, 1);
        let middle = [80.0, 72.0];
        let mut window = vec![0.0; vae.config.pixels()];
        assert!(prepared.windows.at(middle, &mut window));
        let drawn = reconstruct(&vae, &window, &PixelSubset::all(&vae.config)).unwrap();
        if let Some(maps) = newest.filter(|maps| !maps.last) {
            let mut dense = Dense::new(vae, prepared, maps.stride).unwrap();
            dense.advance(usize::MAX).unwrap();
            let own = dense.maps(1, 1).unwrap();
            let bits = |set: &MapSet| set.content[0].values.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
            assert_eq!(bits(&own), bits(&maps), "the model did not draw these maps");
            (told, shown) = (told + 1, Some(drawn));
        } else if let Some(before) = &shown {
            silent += 1;
            assert_eq!(*before, drawn, "the model changed under maps that stayed");
        }
    }
    assert!(told >= 4 && silent > 5, "{told} {silent}");
    assert!(strides.len() > 1, "all maps have a value for every pixel");
}

#[test]
fn a_part_that_panics_leaves_the_model_of_the_maps() {
    let mut run = MapRun::new(job(), device::cpu(None));
    let mut maps = 0;
    let failed = catch_unwind(AssertUnwindSafe(|| {
        while !run
            .step(&mut |event| {
                maps += usize::from(matches!(event, MapEvent::Maps(_)));
                assert!(maps < 2, "a fault in the middle of the work");
            })
            .unwrap()
        {}
    }));
    assert!(failed.is_err());
    assert!(run.model().is_some(), "the maps that were told have lost their model");
    // It is over, not half way.
    assert!(run.step(&mut |_| {}).unwrap());
}
