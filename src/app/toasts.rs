//! What was just said, in the corner for a while; a click on Details leads to the whole of it.

use super::TOAST;
use super::action::Action;
use super::state::{Level, Message};
use egui::{Align2, Area, Context, Frame, Id, Label, RichText, Ui, vec2};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Toasts at once; older ones give way, the list of messages has them all.
const MOST: usize = 3;
const WIDTH: f32 = 420.0;

/// The messages that are shown in the corner.
#[derive(Default)]
pub struct Toasts {
    shown: VecDeque<Toast>,
}

struct Toast {
    /// Its place in the list of messages.
    message: usize,
    at: Instant,
}

/// Errors take longer to read.
fn lasts(message: &Message) -> Duration {
    if message.level == Level::Error { 2 * TOAST } else { TOAST }
}

impl Toasts {
    /// Shows the message in this place of the list.
    pub fn push(&mut self, message: usize) {
        self.shown.push_back(Toast { message, at: Instant::now() });
        while self.shown.len() > MOST {
            self.shown.pop_front();
        }
    }

    /// Draws them, the latest at the bottom, and lets old ones go.
    pub fn show(&mut self, ctx: &Context, messages: &[Message], actions: &mut Vec<Action>) {
        let message = |toast: &Toast| messages.get(toast.message);
        self.shown.retain(|toast| message(toast).is_some_and(|m| toast.at.elapsed() < lasts(m)));
        // The window is drawn anew only when the next one has to go.
        let left = |toast: &Toast| Some(lasts(message(toast)?).saturating_sub(toast.at.elapsed()));
        let Some(next) = self.shown.iter().filter_map(left).min() else { return };
        ctx.request_repaint_after(next);
        let mut gone = None;
        // Where there is nothing to press on them, what lies under them can be pressed.
        let details = self.shown.iter().filter_map(message).any(|message| message.details.is_some());
        let corner = Area::new(Id::unique("toasts")).order(egui::Order::Foreground).interactable(details);
        corner.anchor(Align2::RIGHT_BOTTOM, vec2(-12.0, -40.0)).show(ctx, |ui| {
            for (place, toast) in self.shown.iter().enumerate() {
                let Some(message) = message(toast) else { continue };
                Frame::popup(ui.style()).inner_margin(10).show(ui, |ui| {
                    if one(ui, message, actions) {
                        gone = Some(place);
                    }
                });
            }
        });
        if let Some(place) = gone {
            self.shown.remove(place);
        }
    }
}

/// Draws one; true if it was closed.
fn one(ui: &mut Ui, message: &Message, actions: &mut Vec<Action>) -> bool {
    let (sign, colour) = match message.level {
        Level::Done => ("+", ui.visuals().text_color()),
        Level::Warning => ("!", ui.visuals().warn_fg_color),
        Level::Error => ("!", ui.visuals().error_fg_color),
    };
    let mut close = false;
    ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 60.0));
    ui.horizontal_top(|ui| {
        ui.label(RichText::new(sign).color(colour).strong());
        ui.vertical(|ui| {
            ui.add(Label::new(RichText::new(&message.text).color(colour)).wrap());
            if message.details.is_some() {
                ui.horizontal(|ui| {
                    if ui.small_button("Details").clicked() {
                        actions.push(Action::Messages);
                        close = true;
                    }
                    close |= ui.small_button("Dismiss").clicked();
                });
            }
        });
    });
    close
}
