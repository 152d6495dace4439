use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn state() -> State {
    let mut state = State::default();
    for (name, hash) in [("/a.png", "00"), ("/b.png", "01")] {
        let entry = MicrographEntry::new(name, 0, 500, 400, None, hash);
        let (_, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
    }
    for name in ["cube", "rod"] {
        let (_, edit) = state.project.add_class_edit(name);
        state.change("add class", edit).unwrap();
    }
    state
}

#[test]
fn new_predictions_are_taken_over_slice_by_slice() {
    let mut state = state();
    let entry = state.project.micrographs[0].clone();
    let classes: Vec<ClassId> = state.project.classes.iter().map(|class| class.id).collect();
    let n = 2 * SLICE + SLICE / 2;
    let particle = |i: usize| Particle {
        id: ParticleId(0),
        micrograph: if i % 10 == 3 { state.project.micrographs[1].id } else { entry.id },
        x: (i % 400) as f32,
        y: 7.0,
        diameter: None,
        score: None,
        label: i.is_multiple_of(100).then_some(classes[0]),
        held_out: false,
    };
    let edit = state.project.add_particles_edit((0..n).map(particle).collect());
    state.change("add", edit).unwrap();
    let ids: Arc<[ParticleId]> = state.project.particles.keys().copied().collect();
    let say = |state: &mut State, p: [f32; 2]| {
        let all = ids.iter().map(|_| crate::review::fixture::prediction(&p, &[])).collect();
        let given = classes.iter().copied().map(Some).collect();
        let before = state.results.take();
        state.results = Some(super::super::run::Results::new(ids.clone(), given, all, before.as_ref()));
    };
    let anew = |state: &State| {
        let mut fresh = Marks::default();
        fresh.refresh(state, &entry);
        fresh.marks
    };
    let mut marks = Marks::default();
    marks.refresh(&state, &entry);
    say(&mut state, [0.9, 0.1]);
    let mut frames = 0;
    while frames == 0 || marks.is_behind() {
        marks.refresh(&state, &entry);
        frames += 1;
    }
    assert_eq!((frames, &marks.marks), (3, &anew(&state)));
    // What changes meanwhile is right at once, and the rest follows; newer predictions begin again.
    say(&mut state, [0.2, 0.8]);
    marks.refresh(&state, &entry);
    let last = ids[n - 1];
    let edit = state.project.label_edit(&[last], Some(classes[0])).unwrap();
    state.change("label", edit).unwrap();
    marks.refresh(&state, &entry);
    assert_eq!(marks.mark(last), anew(&state).last());
    say(&mut state, [0.3, 0.7]);
    state.hidden.insert(classes[1]);
    state.revision += 1;
    marks.refresh(&state, &entry);
    say(&mut state, [0.8, 0.2]);
    marks.refresh(&state, &entry);
    while marks.is_behind() {
        marks.refresh(&state, &entry);
    }
    assert_eq!(marks.marks, anew(&state));
    assert!(marks.marks.len() > n / 2, "nothing is hidden any more");
}

#[test]
fn marks_that_follow_changes_are_those_made_anew() {
    let mut random = StdRng::seed_from_u64(6);
    let mut state = state();
    let mut marks = Marks::default();
    let classes: Vec<ClassId> = state.project.classes.iter().map(|class| class.id).collect();
    for _ in 0..300 {
        let all: Vec<ParticleId> = state.project.particles.keys().copied().collect();
        let one = all.get(random.random_range(0..all.len().max(1))).copied();
        let class = classes.get(random.random_range(0..3)).copied();
        match (random.random_range(0..8), one) {
            (0..3, _) => {
                let micrograph = MicrographId(random.random_range(1..3));
                let (x, y) = (random.random_range(0.0..400.0), random.random_range(0.0..300.0));
                let (_, edit) = state.project.add_particle_edit(micrograph, x, y, class);
                // Refused where undo has taken micrograph or class away.
                let _ = state.change("add", edit);
            }
            (3, Some(id)) => {
                if let Ok(edit) = state.project.label_edit(&[id], class) {
                    state.change("label", edit).unwrap();
                }
            }
            (4, Some(id)) => {
                let edit = crate::project::edit::Edit::RemoveParticles(vec![id]);
                state.change("remove", edit).unwrap();
            }
            (5, _) => {
                state.undo().unwrap();
            }
            (6, _) => {
                state.redo().unwrap();
            }
            (7, _) if random.random_range(0..4) == 0 => {
                // Not a change of the project.
                state.hidden.extend(class);
                state.revision += 1;
            }
            _ => {}
        }
        let Some(entry) = state.project.micrographs.first().cloned() else { continue };
        if random.random_range(0..3) > 0 {
            marks.refresh(&state, &entry);
            let mut fresh = Marks::default();
            fresh.refresh(&state, &entry);
            assert_eq!(marks.marks, fresh.marks);
        }
    }
    assert!(state.project.particles.len() > 10);
}
