//! The window without a display: driven and read through its accessibility tree.
#![allow(dead_code)] // each test binary uses its own part

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use nanotheca::app::{App, Open};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing that is awaited here takes a minute; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Window {
    pub harness: Harness<'static, App>,
    /// Woken when the window asks to be drawn.
    woken: Receiver<()>,
}

impl Window {
    pub fn open(open: Open) -> Self {
        Self::of_size(open, [1400.0, 900.0])
    }

    /// A window of this size, in points.
    pub fn of_size(open: Open, size: [f32; 2]) -> Self {
        let mut harness = Harness::builder().with_size(size).build_eframe(move |cc| App::new(cc, open));
        let (wake, woken) = channel();
        let wake = std::sync::Mutex::new(wake);
        harness.ctx.set_request_repaint_callback(move |_| {
            let _ = wake.lock().unwrap().send(());
        });
        harness.step();
        Self { harness, woken }
    }

    pub fn app(&self) -> &App {
        self.harness.state()
    }

    /// Frames enough for an action to be emitted, applied and drawn.
    pub fn settle(&mut self) {
        self.harness.run_steps(4);
    }

    /// Draws whenever the window asks for it until `done`.
    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
            let _ = self.woken.recv_timeout(Duration::from_secs(1));
            while self.woken.try_recv().is_ok() {}
            self.harness.step();
        }
        self.settle();
    }

    pub fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label_contains(label).next().is_some()
    }

    /// True if a widget has exactly this name.
    pub fn is_there(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Types a number into a field.
    pub fn type_number(&mut self, label: &str, value: &str) {
        self.harness.get_by_label(label).focus();
        self.harness.run_steps(2);
        self.key(Modifiers::COMMAND, Key::A);
        self.harness.event(Event::Text(value.to_owned()));
        self.settle();
        self.key(Modifiers::NONE, Key::Enter);
    }

    pub fn press(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.settle();
    }

    /// The number of the particle that the review asks about, and why.
    pub fn asked(&self) -> Option<(u64, String)> {
        // What a label says is its value.
        let said = |node: egui_kittest::Node<'_>| node.accesskit_node().value();
        let mut texts = self.harness.query_all_by_label_contains("Particle ").filter_map(said);
        texts.find_map(|text| {
            let (id, reason) = text.strip_prefix("Particle ")?.split_once(": ")?;
            Some((id.parse().ok()?, reason.to_owned()))
        })
    }

    pub fn is_enabled(&self, label: &str) -> bool {
        !self.harness.get_by_label(label).accesskit_node().is_disabled()
    }

    pub fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.settle();
    }

    pub fn click_at(&mut self, pos: Pos2, modifiers: Modifiers, button: PointerButton) {
        self.harness.event(Event::PointerMoved(pos));
        self.harness.event(Event::ModifiersChanged(modifiers));
        self.harness.step();
        for pressed in [true, false] {
            self.harness.event(Event::PointerButton { pos, button, pressed, modifiers });
            self.harness.step();
        }
        self.harness.event(Event::ModifiersChanged(Modifiers::NONE));
        self.settle();
    }

    /// A click beside the middle of the canvas, in points.
    pub fn click_canvas(&mut self, off: Vec2) {
        let middle = self.harness.get_by_label("Micrograph canvas").rect().center();
        self.click_at(middle + off, Modifiers::NONE, PointerButton::Primary);
    }

    /// Moves the pointer along `path` (points from the middle of a canvas) with the button held.
    pub fn drag(&mut self, canvas: &str, path: &[Vec2]) {
        let middle = self.harness.get_by_label(canvas).rect().center();
        let at = |i: usize| middle + path[i];
        let button = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        self.harness.event(Event::PointerMoved(at(0)));
        self.harness.step();
        self.harness.event(button(at(0), true));
        self.harness.step();
        for i in 1..path.len() {
            self.harness.event(Event::PointerMoved(at(i)));
            self.harness.step();
        }
        self.harness.event(button(at(path.len() - 1), false));
        self.harness.step();
        self.settle();
    }
}
