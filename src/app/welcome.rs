//! The first thing a person sees in a workspace: what it is for, and ways to begin.

use super::action::Action;
use super::state::State;
use egui::{Button, Rect, RichText, Ui, vec2};

/// What a workspace is for, and two ways to begin in it.
pub struct Invitation<'a> {
    pub title: &'a str,
    pub sentences: &'a [&'a str],
    /// The button that stands out, and the other one.
    pub main: (&'a str, Action),
    pub other: (&'a str, Action),
}

impl Invitation<'_> {
    /// Draws it; what more there is to say follows.
    pub fn ui(self, ui: &mut Ui, actions: &mut Vec<Action>) {
        ui.label(RichText::new(self.title).size(20.0));
        ui.add_space(10.0);
        for sentence in self.sentences {
            ui.add(egui::Label::new(*sentence).wrap());
        }
        ui.add_space(14.0);
        let wide = vec2(ui.available_width().min(260.0), 32.0);
        let main = Button::new(self.main.0).min_size(wide).fill(ui.visuals().selection.bg_fill);
        if ui.add(main).clicked() {
            actions.push(self.main.1);
        }
        ui.add_space(2.0);
        if ui.add(Button::new(self.other.0).min_size(wide)).clicked() {
            actions.push(self.other.1);
        }
        ui.add_space(14.0);
    }
}

/// Draws an invitation into the middle of an empty pane, or what is under way instead.
pub fn middle(ui: &mut Ui, under_way: Option<String>, invite: impl FnOnce(&mut Ui)) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, ui.visuals().faint_bg_color);
    let inner = Rect::from_center_size(rect.center(), vec2(rect.width().min(640.0) - 32.0, 300.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        ui.vertical_centered(|ui| match under_way {
            None => invite(ui),
            Some(what) => {
                ui.add_space(120.0);
                ui.heading(what);
            }
        });
    });
    ui.allocate_rect(rect, egui::Sense::hover());
}

/// The files that are being opened, as a sentence.
pub fn under_way(state: &State) -> Option<String> {
    (!state.under_way.is_empty()).then(|| format!("{}…", state.under_way.join("\n")))
}

/// Draws the welcome into the middle of the canvas.
pub fn ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    middle(ui, under_way(state), |ui| {
        let invitation = Invitation {
            title: "From micrographs to a classified particle library",
            sentences: &[
                "Open micrographs and let the program find the particles, or click them yourself.",
                "Label a few of each kind; a model learns to tell them apart, however they are turned.",
                "Watch it learn, correct it where it errs, and take the classified library away.",
            ],
            main: ("Open sample", Action::OpenSample),
            other: ("Open…", Action::Open),
        };
        invitation.ui(ui, actions);
        for path in state.recent.iter().take(5) {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let link = ui.link(format!("Open {name} again")).on_hover_text(path.display().to_string());
            if link.clicked() {
                actions.push(Action::OpenPaths(vec![path.clone()]));
            }
        }
        ui.label(RichText::new("Drop micrographs here").strong());
        ui.weak(
            "TIFF, PNG, JPEG, BMP, MRC, DM3, DM4, SER, SXM, IBW, GWY, NPY, tables of numbers, or a project",
        );
    });
}

/// Over the sample at the first start: what it is and what to do with it, until that is read.
pub fn greeting(ui: &mut Ui, actions: &mut Vec<Action>) {
    let frame =
        egui::Frame::new().fill(ui.visuals().faint_bg_color).inner_margin(egui::Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.take_available_width();
        ui.spacing_mut().item_spacing.y = 2.0;
        for sentence in [
            "These are gold cubes, rods, spheres and aggregates; a few of each carry labels, a click labels more.",
            "Press Train (T): a model learns to tell them apart, however they are turned.",
            "Watch it learn, correct it where it errs, and take the classified library away (Ctrl+E).",
        ] {
            ui.add(egui::Label::new(sentence).wrap());
        }
        ui.horizontal_wrapped(|ui| {
            if ui.button("Got it").clicked() {
                actions.push(Action::Greeted);
            }
            ui.weak("F1 shows all keys, Ctrl+P finds every action by name.");
        });
    });
}
