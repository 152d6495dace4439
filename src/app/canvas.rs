//! The picture, edge to edge: pan, zoom to the pointer, contrast, clicks.

use super::action::{Action, Tool};
use super::contrast::ContrastPanel;
use super::drag::{self, Drag};
use super::marks::Marks;
use super::overlay;
use super::panes::row;
use super::picture::Picture;
use super::state::{Opened, State};
use super::take::{self, Figure, Taken};
use super::tiles::{Placement, Tiles};
use super::view::{View, fitted, navigate};
use super::{icon, theme, welcome};
use crate::particle::MicrographId;
use crate::project::{MicrographEntry, Tone};
use egui::{Color32, Key, Painter, Pos2, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};
use std::collections::BTreeMap;

/// A click this near (points) to a particle means that particle.
const REACH: f32 = 8.0;

/// Where the mouse is on the micrograph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pointer {
    pub x: f32,
    pub y: f32,
    /// The same in nanometres, if the pixel size is known.
    pub nm: Option<(f64, f64)>,
    pub grey: Option<f32>,
}

/// What the panel alone remembers.
#[derive(Default)]
pub struct CanvasPanel {
    views: BTreeMap<MicrographId, View>,
    tiles: Tiles,
    /// The micrograph that the tiles show.
    tiled: Option<(MicrographId, u64)>,
    marks: Marks,
    contrast: ContrastPanel,
    /// What is being dragged.
    drag: Option<Drag>,
    pointer: Option<Pointer>,
    command: Option<Command>,
    /// A point that must come into sight.
    look_at: Option<Pos2>,
    /// The part of the micrograph that was drawn last, pixels.
    part: Option<(MicrographId, Rect)>,
}

/// What a key or menu asked the view to do.
#[derive(Clone, Copy)]
enum Command {
    Fit,
    Zoom(f32),
    ActualSize,
}

impl CanvasPanel {
    /// Where the mouse is, if it is over the micrograph.
    pub fn pointer(&self) -> Option<Pointer> {
        self.pointer
    }

    /// Takes actions that only change the view; true if it was one.
    pub fn apply(&mut self, action: &Action) -> bool {
        self.command = match action {
            Action::Fit => Some(Command::Fit),
            Action::ZoomIn => Some(Command::Zoom(1.5)),
            Action::ZoomOut => Some(Command::Zoom(1.0 / 1.5)),
            Action::ActualSize => Some(Command::ActualSize),
            _ => return false,
        };
        true
    }

    /// Forgets all views: another project was opened.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Draws the tool row and the picture.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        self.pointer = None;
        let Some(entry) = state.shown.and_then(|id| state.project.micrograph(id)) else {
            match &state.look {
                Some(picture) => self.first_look(ui, picture),
                None => welcome::ui(ui, state, actions),
            }
            return;
        };
        ui.spacing_mut().item_spacing.y = 0.0;
        self.tools(ui, state, entry, actions);
        if state.greeting {
            welcome::greeting(ui, actions);
        }
        let rect = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Micrograph canvas"));
        let painter = ui.painter().with_clip_rect(rect);
        painter.rect_filled(rect, 0.0, theme::canvas(ui.visuals()));
        match state.pictures.get(&entry.id) {
            Some(Opened::Ready(_)) => self.picture(ui, &painter, &response, state, entry, actions),
            Some(Opened::Failed(problem)) => notice(ui, rect, "This micrograph cannot be shown", problem),
            _ => notice(ui, rect, "Opening…", &entry.file_name()),
        }
    }

    /// A picture that is not in the project yet, as a whole.
    fn first_look(&mut self, ui: &mut Ui, picture: &Picture) {
        ui.weak("First look; the particles can be labelled in a moment.");
        let rect = ui.available_rect_before_wrap();
        ui.allocate_rect(rect, Sense::hover());
        let painter = ui.painter().with_clip_rect(rect);
        let size = vec2(picture.micrograph.width as f32, picture.micrograph.height as f32);
        let place = fitted(rect, size).placement(rect);
        self.tiles.paint(&painter, picture, place, picture.range((0.5, 99.5)), Tone::default());
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, entry: &MicrographEntry, actions: &mut Vec<Action>) {
        row(ui, |ui| {
            for tool in Tool::ALL {
                let action = Action::Use(tool);
                let look = action.look();
                let Some(picture) = look.icon else { continue };
                let button = icon::button(ui, picture, look.name, false, state.tool == tool, true);
                let keys = super::action::keys_text(ui.ctx(), &action);
                if button.on_hover_text(format!("{} ({keys})", look.name)).clicked() {
                    actions.push(action);
                }
            }
            ui.separator();
            let fit = icon::button(ui, icon::Icon::Fit, "Fit", false, false, true);
            if fit.on_hover_text("Show the whole picture (F)").clicked() {
                actions.push(Action::Fit);
            }
            let zoom = self.views.get(&entry.id).map_or(1.0, |view| view.zoom) * ui.pixels_per_point();
            let percent = egui::RichText::new(format!("{:>4.0} %", 100.0 * zoom)).monospace();
            ui.label(percent).on_hover_text("Screen pixels per picture pixel");
            ui.separator();
            if let Some(picture) = state.picture() {
                let panel = &mut self.contrast;
                let button = egui::Button::new("Contrast");
                egui::containers::menu::MenuButton::from_button(button)
                    .config(
                        egui::containers::menu::MenuConfig::new()
                            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside),
                    )
                    .ui(ui, |ui| {
                        ui.set_width(250.0);
                        panel.ui(ui, picture, entry, actions);
                    });
                take::menu(ui, &[(Figure::Micrograph, true)], actions);
            }
        });
    }

    fn picture(
        &mut self,
        ui: &Ui,
        painter: &Painter,
        response: &Response,
        state: &State,
        entry: &MicrographEntry,
        actions: &mut Vec<Action>,
    ) {
        let Some(picture) = state.picture() else { return };
        let rect = response.rect;
        let size = vec2(entry.width as f32, entry.height as f32);
        let moved = self.views.get(&entry.id).copied().filter(|view| !view.whole);
        let mut view = moved.unwrap_or_else(|| fitted(rect, size));
        self.obey(&mut view, rect, size);
        let space = ui.input(|input| input.key_down(Key::Space));
        if let Some(point) = self.look_at.take() {
            let at = view.placement(rect).to_screen(point.x, point.y);
            if !rect.shrink(30.0).contains(at) {
                view.centre = point.to_vec2();
                view.whole = false;
            }
        }
        // Before the picture moves: a drag that begins on a particle moves the particle.
        if self.drag.is_none() && !space {
            self.drag = Drag::begin(ui, response, state, view.placement(rect), REACH / view.zoom);
        }
        if self.drag.is_none() {
            navigate(ui, response, state.tool, space, &mut view);
        }
        self.views.insert(entry.id, view);
        let place = view.placement(rect);
        let corners = [rect.min, rect.max].map(|pos| place.to_picture(pos));
        self.part = Some((entry.id, Rect::from_min_max(corners[0], corners[1])));

        let tiled = Some((entry.id, state.picture_revision));
        if self.tiled != tiled {
            self.tiles.clear();
            self.tiled = tiled;
        }
        let (contrast, tone) = self.contrast.shown(entry);
        self.tiles.paint(painter, picture, place, picture.range(contrast), tone);
        for region in &entry.excluded {
            overlay::excluded(painter, place.to_screen_rect(*region));
        }
        for outline in &entry.outlines {
            overlay::excluded_outline(painter, place, outline);
        }
        if state.detection.live && state.detection.micrograph == Some(entry.id) {
            overlay::proposals(painter, place, &state.detection);
        }
        self.marks.refresh(state, entry);
        if self.marks.is_behind() {
            ui.ctx().request_repaint();
        }
        let hovered = response.hover_pos().filter(|_| response.hovered());
        let reach = REACH / view.zoom;
        let under = hovered.and_then(|pos| {
            let at = place.to_picture(pos);
            state.nearest(at.x, at.y, reach)
        });
        self.marks.paint(painter, place, state, under);
        overlay::scale_bar(painter, rect, view.zoom, entry.pixel_size.map(|size| size.x_nm));
        self.pointer = hovered.map(|pos| {
            let at = place.to_picture(pos);
            let nm = entry.pixel_size.map(|size| (f64::from(at.x) * size.x_nm, f64::from(at.y) * size.y_nm));
            Pointer { x: at.x, y: at.y, nm, grey: picture.grey(at.x, at.y) }
        });
        if let Some(drag) = self.drag.take() {
            self.drag = drag.go_on(ui, painter, response, state, state.tool, entry, place, actions);
        }
        if !space {
            click(ui, response, state, entry, place, reach, actions);
        }
    }

    fn obey(&mut self, view: &mut View, rect: Rect, size: Vec2) {
        match self.command.take() {
            Some(Command::Fit) => *view = fitted(rect, size),
            Some(Command::Zoom(factor)) => view.set_zoom(view.zoom * factor),
            Some(Command::ActualSize) => view.set_zoom(1.0),
            None => {}
        }
    }

    /// The part that is looked at, for print.
    pub fn taken(&self, state: &State) -> Option<Taken> {
        let entry = state.shown.and_then(|id| state.project.micrograph(id))?;
        let part = self.part.filter(|(id, _)| *id == entry.id).map_or(Rect::EVERYTHING, |(_, part)| part);
        Some(take::micrograph(state, state.picture()?, entry, part))
    }

    /// Moves the picture, when it is drawn next, so that a point of it (pixels) is in sight.
    pub fn look_at(&mut self, x: f32, y: f32) {
        self.look_at = Some(Pos2::new(x, y));
    }
}

fn click(
    ui: &Ui,
    response: &Response,
    state: &State,
    entry: &MicrographEntry,
    place: Placement,
    reach: f32,
    actions: &mut Vec<Action>,
) {
    let Some(at) = response.interact_pointer_pos().map(|pos| place.to_picture(pos)) else { return };
    let under = state.nearest(at.x, at.y, reach);
    if response.secondary_clicked() {
        let region = drag::region_at(entry, at);
        match (under, state.tool) {
            (_, Tool::Exclude | Tool::Outline) => actions.extend(region),
            (under, _) => actions.extend(under.map(Action::RemoveParticle)),
        }
        return;
    }
    if !response.clicked() {
        return;
    }
    let join = ui.input(joins);
    if under.is_none()
        && state.tool == Tool::Pick
        && let Some(place) = state.proposal_at(at.x, at.y, reach)
    {
        actions.push(Action::AcceptProposal(place));
        return;
    }
    match (under, state.tool) {
        (Some(id), _) if join => actions.push(Action::ToggleSelected(id)),
        (Some(id), Tool::Pick) => actions.push(Action::LabelParticle(id)),
        (Some(id), _) => actions.push(Action::Select { particles: vec![id], join: false }),
        (None, Tool::Pick) if !join => {
            let inside = at.x >= -0.5
                && at.y >= -0.5
                && at.x <= entry.width as f32 - 0.5
                && at.y <= entry.height as f32 - 0.5;
            if inside {
                actions.push(Action::AddParticle { x: at.x, y: at.y });
            }
        }
        (None, _) if !join => actions.push(Action::SelectNone),
        _ => {}
    }
}

/// Shift at the moment of the last click: when frames are slow it may have been let go since.
pub fn joins(input: &egui::InputState) -> bool {
    let clicked = input.events.iter().rev().find_map(|event| match event {
        egui::Event::PointerButton { modifiers, .. } => Some(*modifiers),
        _ => None,
    });
    let held = clicked.unwrap_or(input.modifiers);
    held.shift || held.command
}

/// A sentence in the middle of the canvas.
fn notice(ui: &mut Ui, rect: Rect, title: &str, text: &str) {
    let inner = Rect::from_center_size(rect.center(), vec2(rect.width().min(440.0) - 20.0, 120.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        ui.vertical_centered(|ui| {
            ui.heading(title);
            ui.add(egui::Label::new(text).wrap());
        });
    });
}

/// Drawn over everything while files hang over the window.
pub fn drop_hint(ctx: &egui::Context) {
    if ctx.input(|input| input.raw.hovered_files.is_empty()) {
        return;
    }
    let painter =
        ctx.layer_painter(egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint")));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, Color32::from_black_alpha(160));
    painter.rect_stroke(rect.shrink(8.0), 6.0, Stroke::new(2.0, theme::ACCENT), egui::StrokeKind::Inside);
    let font = egui::FontId::proportional(22.0);
    painter.text(rect.center(), egui::Align2::CENTER_CENTER, "Drop to open", font, Color32::WHITE);
}
