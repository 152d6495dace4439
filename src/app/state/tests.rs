use super::*;
use crate::project::MicrographEntry;

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
fn ages_read_as_people_say_them() {
    assert_eq!([5, 300, 7300, 400_000].map(ago), ["just now", "5 min ago", "2 h ago", "4 days ago"]);
}
