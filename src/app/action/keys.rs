//! From keys to actions and from actions to keys.

use super::super::maps::Workspace;
use super::{ALL, Action};
use egui::Key;

/// The actions whose keys were pressed since the last frame; none while the user types text.
pub fn pressed(ctx: &egui::Context, workspace: Workspace) -> Vec<Action> {
    // An open menu keeps its own keys: Escape closes it.
    if ctx.text_edit_focused() || egui::Popup::is_any_open(ctx) {
        return Vec::new();
    }
    let mut actions = Vec::new();
    // Where the keyboard is in the panels, Tab goes from widget to widget and Enter presses one; else they are for particles.
    let in_panels = ctx.memory(|memory| memory.focused().is_some());
    ctx.input_mut(|input| {
        for action in ALL.iter().filter(|action| action.belongs_to(workspace)) {
            let ours = |key: Key| !(in_panels && matches!(key, Key::Tab | Key::Enter));
            for keys in action.look().keys.iter().filter(|keys| ours(keys.logical_key)) {
                if input.consume_shortcut(keys) {
                    actions.push(action.clone());
                }
            }
        }
    });
    if actions.iter().any(|action| matches!(action, Action::NextUnlabelled | Action::PreviousUnlabelled)) {
        ctx.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
    }
    actions
}

/// The keys of an action as text for menus, such as "Ctrl+S"; empty if it has none.
pub fn keys_text(ctx: &egui::Context, action: &Action) -> String {
    action.look().keys.first().map(|keys| ctx.format_shortcut(keys)).unwrap_or_default()
}
