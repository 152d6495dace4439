use super::*;
use crate::project::MicrographEntry;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn with_classes(labels: [usize; 2]) -> State {
    let mut state = State::default();
    let entry = MicrographEntry::new("/a.png", 0, 100, 100, None, "00");
    let (micrograph, edit) = state.project.add_micrograph_edit(entry);
    state.change("add micrograph", edit).unwrap();
    for (name, labels) in ["cube", "rod"].into_iter().zip(labels) {
        let (class, edit) = state.project.add_class_edit(name);
        state.change("add class", edit).unwrap();
        for i in 0..labels {
            let (_, edit) = state.project.add_particle_edit(micrograph, i as f32 * 9.0, 5.0, Some(class));
            state.change("add particle", edit).unwrap();
        }
    }
    state
}

#[test]
fn the_hint_names_the_class_that_lacks_labels() {
    let readiness = with_classes([3, 1]).readiness();
    assert_eq!(readiness, Readiness::Missing("2 more rod labels and training can start.".into()));
    let readiness = with_classes([0, 2]).readiness();
    let both = "3 more cube, 1 more rod label and training can start.";
    assert_eq!(readiness, Readiness::Missing(both.into()));
    let readiness = with_classes([2, 3]).readiness();
    assert_eq!(readiness, Readiness::Missing("1 more cube label and training can start.".into()));
}

#[test]
fn held_out_labels_do_not_count_for_training() {
    let mut state = with_classes([4, 3]);
    assert_eq!(state.readiness(), Readiness::Ready { labelled: 7, unlabelled: 0, held_out: 0 });
    let first = *state.project.particles.keys().next().unwrap();
    let edit = state.project.hold_out_edit(&[first], true).unwrap();
    state.change("hold out", edit).unwrap();
    assert_eq!(state.readiness(), Readiness::Ready { labelled: 6, unlabelled: 0, held_out: 1 });
}

#[test]
fn undo_leaves_no_selection_of_what_is_gone() {
    let mut state = with_classes([1, 0]);
    let id = *state.project.particles.keys().next().unwrap();
    state.selection.insert(id);
    while state.undo().unwrap().is_some() {}
    assert!(state.selection.is_empty() && state.class.is_none() && state.shown.is_none());
}

#[test]
fn the_nearest_particle_within_reach_is_hit() {
    let state = with_classes([3, 0]);
    let ids: Vec<_> = state.project.particles.keys().copied().collect();
    assert_eq!(state.nearest(10.0, 5.0, 4.0), Some(ids[1]));
    assert_eq!(state.nearest(10.0, 50.0, 4.0), None);
}

#[test]
fn what_a_person_did_to_a_picture_is_asked_about_and_a_picture_alone_is_not() {
    use crate::micrograph::PixelSize;
    use crate::micrograph::prepare::Step;
    use crate::project::Region;
    let mut state = State::default();
    let mut entry = MicrographEntry::new("/a.png", 0, 100, 100, PixelSize::new(0.5, 0.5), "00");
    let banner = Region { x0: 0.0, y0: 90.0, x1: 100.0, y1: 100.0 };
    // As the program proposes it.
    entry.excluded.push(banner);
    let (id, edit) = state.project.add_micrograph_edit(entry);
    state.change("add micrograph", edit).unwrap();
    assert!(state.history.is_dirty() && !state.has_unsaved_work());
    let now = |state: &State| state.project.micrograph(id).unwrap().clone();
    let seen = MicrographEntry { contrast: (1.0, 99.0), ..now(&state) };
    state.change("change the contrast", Edit::ChangeMicrograph(seen)).unwrap();
    assert!(!state.has_unsaved_work(), "how it is shown is no work");
    let region = Region { x0: 1.0, y0: 1.0, x1: 5.0, y1: 5.0 };
    for entry in [
        MicrographEntry { excluded: vec![banner, region], ..now(&state) },
        MicrographEntry { steps: vec![Step::Plane], ..now(&state) },
        MicrographEntry { pixel_size: PixelSize::new(0.25, 0.25), ..now(&state) },
        MicrographEntry { maps: serde_json::json!({ "window_px": 20.0 }), ..now(&state) },
    ] {
        state.change("change", Edit::Together(vec![Edit::ChangeMicrograph(entry)])).unwrap();
        assert!(state.has_unsaved_work());
        state.undo().unwrap();
        assert!(!state.has_unsaved_work(), "what was taken back is no work");
    }
}

#[test]
fn ages_read_as_people_say_them() {
    assert_eq!([5, 300, 7300, 400_000].map(ago), ["just now", "5 min ago", "2 h ago", "4 days ago"]);
}

/// The plain way: each particle of the shown micrograph is asked.
fn nearest(state: &State, x: f32, y: f32, reach: f32) -> Option<ParticleId> {
    let mut best: Option<(f32, ParticleId)> = None;
    for particle in state.project.particles_on(state.shown?) {
        let distance = (particle.x - x).hypot(particle.y - y);
        let near = distance <= reach.max(particle.diameter.unwrap_or(0.0) / 2.0);
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, particle.id));
        }
    }
    best.map(|(_, id)| id)
}

#[test]
fn counts_and_places_follow_every_change() {
    let mut random = StdRng::seed_from_u64(8);
    let mut state = with_classes([3, 3]);
    let other = MicrographEntry::new("/b.png", 0, 900, 700, None, "01");
    let (other, edit) = state.project.add_micrograph_edit(other);
    state.change("add micrograph", edit).unwrap();
    for round in 0..400 {
        let all = state.project.particles.keys().copied();
        let some: Vec<ParticleId> = all.filter(|_| random.random_range(0..5) == 0).collect();
        let class =
            state.project.classes.last().map(|class| class.id).filter(|_| random.random_range(0..3) > 0);
        let micrograph = if random.random_range(0..2) == 0 { MicrographId(1) } else { other };
        let edit: Option<Edit> = match random.random_range(0..9) {
            0..3 => {
                let particles = (0..random.random_range(0..6)).map(|_| Particle {
                    id: ParticleId(0),
                    micrograph,
                    x: random.random_range(0.0..99.0),
                    y: random.random_range(0.0..99.0),
                    diameter: (random.random_range(0..2) == 0).then(|| random.random_range(1.0..60.0)),
                    score: None,
                    label: class,
                    held_out: false,
                });
                let particles = particles.collect();
                Some(state.project.add_particles_edit(particles))
            }
            3 => state.project.move_particles_edit(&some, random.random_range(-9.0..9.0), 3.0).ok(),
            4 => state.project.label_edit(&some, class).ok(),
            5 => Some(Edit::RemoveParticles(some)),
            6 => match state.project.classes.first().map(|class| class.id) {
                Some(first) if random.random_range(0..4) == 0 => state.project.delete_class_edit(first).ok(),
                _ => Some(state.project.add_class_edit(format!("class {round}")).1),
            },
            7 => {
                state.undo().unwrap();
                None
            }
            _ => {
                state.redo().unwrap();
                None
            }
        };
        // One that is refused (a move out of the picture) changes nothing.
        if let Some(edit) = edit {
            let _ = state.change("change", edit);
        }
        assert_eq!(state.counts.classes, state.project.class_counts());
        assert_eq!(state.counts.micrographs, state.project.micrograph_counts());
        state.shown = Some(micrograph);
        let (x, y) = (random.random_range(0.0..100.0), random.random_range(0.0..100.0));
        for reach in [1.0, 20.0, 500.0] {
            assert_eq!(state.nearest(x, y, reach), nearest(&state, x, y, reach));
        }
    }
    assert!(state.project.particles.len() > 20, "{}", state.project.particles.len());
}

#[test]
fn examples_come_from_the_shown_micrograph_first_and_then_from_the_others() {
    let mut state = with_classes([2, 1]);
    let entry = MicrographEntry::new("/b.png", 0, 100, 100, None, "01");
    let (other, edit) = state.project.add_micrograph_edit(entry);
    state.change("add micrograph", edit).unwrap();
    let cube = state.project.classes[0].id;
    for y in [20.0, 40.0, 60.0] {
        let (_, edit) = state.project.add_particle_edit(other, 7.0, y, Some(cube));
        state.change("add particle", edit).unwrap();
    }
    let places = |state: &State| -> Vec<(u32, usize)> {
        state.examples().iter().map(|(id, of)| (id.0, of.len())).collect()
    };
    assert_eq!(places(&state), [(1, 2), (2, 3)]);
    state.shown = Some(other);
    assert_eq!(places(&state), [(2, 3), (1, 2)]);
    // A selection stands for itself, wherever it lies.
    state.selection.insert(*state.project.particles.keys().next().unwrap());
    assert_eq!(places(&state), [(1, 1)]);
}

#[test]
fn steps_that_are_tried_are_shown_and_no_edit() {
    use crate::micrograph::prepare::Step;
    let mut state = with_classes([1, 0]);
    let entry = state.project.micrographs[0].clone();
    state.prepared.arrived(entry.id, entry.preparation(), None);
    assert!(!state.prepared.is_outdated(&entry));
    state.prepared.trial = Some((entry.id, vec![Step::Plane]));
    assert!(state.prepared.is_outdated(&entry) && state.prepared.steps(&entry) == [Step::Plane]);
    let levelled = MicrographEntry { steps: vec![Step::Plane], ..entry.clone() };
    state.prepared.arrived(entry.id, levelled.preparation(), None);
    assert!(!state.prepared.is_outdated(&entry));
    // Let go without a change: back to what the project says.
    state.prepared.trial = None;
    assert!(state.prepared.is_outdated(&entry) && state.prepared.steps(&entry).is_empty());
    assert!(!state.prepared.lacks_small(&entry), "the list shows what is in the project");
}

#[test]
fn a_prediction_of_a_hidden_class_is_out_of_reach_too() {
    use crate::app::run::Results;
    use crate::particle::Prediction;
    let mut state = with_classes([1, 0]);
    let micrograph = state.project.micrographs[0].id;
    let (id, edit) = state.project.add_particle_edit(micrograph, 50.0, 50.0, None);
    state.change("add particle", edit).unwrap();
    let rod = state.project.classes[1].id;
    let prediction = Prediction {
        probabilities: vec![0.1, 0.9],
        angle_rad: 0.0,
        shift_px: [0.0; 2],
        scale: 1.0,
        mu: Vec::new(),
        sigma: Vec::new(),
        recon_error: 0.0,
    };
    let classes = state.project.classes.iter().map(|class| Some(class.id)).collect();
    state.results = Some(Results::new(vec![id].into(), classes, vec![prediction].into(), None));
    assert_eq!(state.nearest(50.0, 50.0, 3.0), Some(id));
    state.hidden.insert(rod);
    assert_eq!(state.nearest(50.0, 50.0, 3.0), None);
}
