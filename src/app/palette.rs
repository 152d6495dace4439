//! All actions by name: type a few letters, choose with the arrows.

use super::action::{ALL, Action, keys_text};
use super::state::State;
use egui::{Button, Key, ScrollArea, TextEdit, Ui};

/// The actions whose names hold all words of `text`, those that begin with it first.
fn matching(text: &str) -> Vec<&'static Action> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut found: Vec<(bool, String, &Action)> = ALL
        .iter()
        .filter(|action| !matches!(action, Action::Palette))
        .map(|action| (action.look().name.to_lowercase(), action))
        .filter(|(name, _)| words.iter().all(|word| name.contains(word)))
        .map(|(name, action)| (!name.starts_with(text.trim()), name, action))
        .collect();
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    found.into_iter().map(|(_, _, action)| action).collect()
}

/// Draws the field and the list; true when it should close.
pub fn ui(
    ui: &mut Ui,
    state: &State,
    text: &mut String,
    chosen: &mut usize,
    actions: &mut Vec<Action>,
) -> bool {
    let (up, down, enter) = ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(egui::Modifiers::NONE, key);
        (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Enter))
    });
    let field = ui
        .add(TextEdit::singleline(text).hint_text("What do you want to do?").desired_width(f32::INFINITY))
        .accessible_name("Search actions");
    field.request_focus();
    let found: Vec<&Action> = matching(text).into_iter().filter(|action| action.is_possible(state)).collect();
    if field.changed() {
        *chosen = 0;
    }
    let last = found.len().saturating_sub(1);
    *chosen = (*chosen + usize::from(down)).saturating_sub(usize::from(up)).min(last);
    let mut close = false;
    ScrollArea::vertical().max_height(340.0).show(ui, |ui| {
        if found.is_empty() {
            ui.weak("No action has this in its name.");
        }
        for (place, action) in found.iter().enumerate() {
            let button = Button::selectable(place == *chosen, action.look().name)
                .right_text(keys_text(ui.ctx(), action))
                .min_size(egui::vec2(ui.available_width(), 22.0));
            let row = ui.add(button);
            if place == *chosen && (up || down) {
                row.scroll_to_me(None);
            }
            if row.clicked() || (enter && place == *chosen) {
                actions.push((*action).clone());
                close = true;
            }
        }
    });
    close
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_the_action() {
        assert_eq!(matching("und").first(), Some(&&Action::Undo));
        assert_eq!(
            matching("scale bar measure").as_slice(),
            [&Action::Use(super::super::action::Tool::Measure)]
        );
        assert!(matching("no such thing").is_empty());
        assert_eq!(matching("").len(), ALL.len() - 1);
    }
}
