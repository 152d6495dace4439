use super::*;
use egui::KeyboardShortcut;

#[test]
fn no_two_actions_share_a_key() {
    let mut all: Vec<KeyboardShortcut> =
        ALL.iter().flat_map(|action| action.look().keys.iter().copied()).collect();
    let count = all.len();
    all.sort_by_key(|keys| format!("{keys:?}"));
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn what_has_more_modifiers_is_asked_first() {
    let keys = |action: &Action| action.look().keys.to_vec();
    for (i, first) in ALL.iter().enumerate() {
        for (later, key) in
            ALL[i + 1..].iter().flat_map(|later| keys(later).into_iter().map(move |key| (later, key)))
        {
            let hides = |own: &KeyboardShortcut| {
                own.logical_key == key.logical_key && key.modifiers.matches_logically(own.modifiers)
            };
            assert!(!keys(first).iter().any(hides), "{first:?} takes the keys of {later:?}");
        }
    }
}

#[test]
fn no_lone_letter_or_digit_deletes() {
    for action in ALL.iter().filter(|action| matches!(action, Action::Delete | Action::SelectNone)) {
        for keys in action.look().keys {
            assert!(keys.logical_key.name().len() > 1, "{:?}", keys.logical_key);
        }
    }
}

#[test]
fn every_action_with_a_key_has_a_name() {
    for action in ALL {
        let look = action.look();
        assert!(!look.name.is_empty() && !look.keys.is_empty(), "{action:?}");
    }
}
