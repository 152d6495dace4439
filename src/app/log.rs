//! Everything that was said, oldest first: what was done, what to look at, what went wrong and the whole of why.

use super::state::{Level, Message, State, ago};
use super::theme;
use egui::{CollapsingHeader, Label, RichText, Ui};
use std::fmt::Write;

/// What the panel alone remembers.
#[derive(Default)]
pub struct LogPanel {
    /// Messages that were on screen.
    seen: usize,
    errors_only: bool,
}

impl LogPanel {
    /// Draws the pane.
    pub fn ui(&mut self, ui: &mut Ui, state: &State) {
        let messages = &state.messages;
        self.seen = messages.len();
        if messages.is_empty() {
            theme::hint(ui, "What the program has done, and what went wrong, is written down here.");
            return;
        }
        ui.horizontal(|ui| {
            ui.checkbox(&mut self.errors_only, "Only errors and warnings");
            if ui.button("Copy all").on_hover_text("As text, for a bug report.").clicked() {
                ui.ctx().copy_text(as_text(messages));
            }
        });
        ui.separator();
        egui::ScrollArea::vertical().id_salt("log").stick_to_bottom(true).auto_shrink(false).show(ui, |ui| {
            for (i, message) in messages.iter().enumerate() {
                if self.errors_only && message.level == Level::Done {
                    continue;
                }
                one(ui, i, message, i + 1 == messages.len());
            }
        });
    }

    /// Errors that were said since the pane was last looked at.
    pub fn unseen_errors(&self, state: &State) -> usize {
        // Another project may have begun a new list.
        let unseen = state.messages.iter().skip(self.seen.min(state.messages.len()));
        unseen.filter(|message| message.level == Level::Error).count()
    }
}

fn one(ui: &mut Ui, i: usize, message: &Message, last: bool) {
    let colour = match message.level {
        Level::Done => ui.visuals().text_color(),
        Level::Warning => ui.visuals().warn_fg_color,
        Level::Error => ui.visuals().error_fg_color,
    };
    ui.horizontal_top(|ui| {
        ui.add_sized(
            [72.0, 18.0],
            Label::new(RichText::new(ago(message.at.elapsed().as_secs())).small().weak()),
        );
        ui.vertical(|ui| {
            ui.add(Label::new(RichText::new(&message.text).color(colour)).wrap());
            if let Some(details) = &message.details {
                // The last one is what Details on its toast asked for.
                CollapsingHeader::new("Details").id_salt(("details", i)).default_open(last).show(ui, |ui| {
                    ui.add(Label::new(RichText::new(details).monospace()).wrap());
                });
            }
        });
    });
}

fn as_text(messages: &[Message]) -> String {
    let mut out = format!("Nanotheca {}\n", env!("CARGO_PKG_VERSION"));
    for message in messages {
        let _ =
            writeln!(out, "{:?}, {}: {}", message.level, ago(message.at.elapsed().as_secs()), message.text);
        if let Some(details) = &message.details {
            let _ = writeln!(out, "    {details}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn the_text_for_a_report_holds_everything() {
        let message = |level, text: &str, details: Option<&str>| Message {
            level,
            text: text.into(),
            details: details.map(String::from),
            at: Instant::now(),
        };
        let all = [
            message(Level::Done, "Saved", None),
            message(Level::Error, "cannot open a.tif", Some("Io { path: \"a.tif\" }")),
        ];
        let text = as_text(&all);
        for part in ["Done, just now: Saved", "Error, just now: cannot open a.tif", "    Io { path"] {
            assert!(text.contains(part), "{text}");
        }
        let state = State { messages: all.to_vec(), ..State::default() };
        assert_eq!(LogPanel::default().unseen_errors(&state), 1);
        assert_eq!(LogPanel { seen: 2, errors_only: false }.unseen_errors(&state), 0);
    }
}
