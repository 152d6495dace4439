//! Which part of a micrograph the canvas shows: pan, zoom to the pointer, and where its points lie on screen.

use super::action::Tool;
use super::tiles::Placement;
use crate::project::Region;
use egui::{CursorIcon, PointerButton, Pos2, Rect, Response, Ui, Vec2, vec2};

/// Points per pixel.
const ZOOM: std::ops::RangeInclusive<f32> = 0.005..=64.0;

/// The part of a micrograph that is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Micrograph pixel in the middle of the canvas.
    pub centre: Vec2,
    /// Points per pixel.
    pub zoom: f32,
    /// Nobody moved it yet: it fits the canvas whatever its size becomes.
    pub whole: bool,
}

/// The whole picture with a thin margin.
pub fn fitted(rect: Rect, size: Vec2) -> View {
    let zoom = (rect.width() / size.x).min(rect.height() / size.y) * 0.98;
    View { centre: size / 2.0 - vec2(0.5, 0.5), zoom: zoom.clamp(*ZOOM.start(), 8.0), whole: true }
}

/// Drags move the picture, the wheel zooms to the pointer.
pub fn navigate(ui: &Ui, response: &Response, tool: Tool, space: bool, view: &mut View) {
    let join = ui.input(super::canvas::joins);
    let pans = response.dragged_by(PointerButton::Middle)
        || (response.dragged_by(PointerButton::Primary) && (space || (tool == Tool::Pick && !join)));
    if pans {
        view.centre -= response.drag_delta() / view.zoom;
        view.whole = false;
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
    } else if response.hovered() {
        ui.ctx().set_cursor_icon(if space { CursorIcon::Grab } else { CursorIcon::Crosshair });
    }
    if let Some(pos) = response.hover_pos().filter(|_| response.hovered()) {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        let factor = (scroll * 0.005).exp() * pinch;
        if factor != 1.0 {
            let before = view.zoom;
            view.set_zoom(before * factor);
            // The pixel under the pointer stays under it.
            view.centre += (pos - response.rect.center()) * (1.0 / before - 1.0 / view.zoom);
        }
    }
}

impl View {
    /// Sets points per pixel, within what makes sense.
    pub fn set_zoom(&mut self, zoom: f32) {
        self.zoom = zoom.clamp(*ZOOM.start(), *ZOOM.end());
        self.whole = false;
    }

    /// Where the picture lies in a canvas.
    pub fn placement(&self, rect: Rect) -> Placement {
        Placement { origin: rect.center() - (self.centre + vec2(0.5, 0.5)) * self.zoom, zoom: self.zoom }
    }
}

impl Placement {
    /// Screen position of a point of the micrograph (pixel centres are whole numbers).
    pub fn to_screen(self, x: f32, y: f32) -> Pos2 {
        self.origin + vec2(x + 0.5, y + 0.5) * self.zoom
    }

    /// The point of the micrograph at a screen position.
    pub fn to_picture(self, pos: Pos2) -> Pos2 {
        let at = (pos - self.origin) / self.zoom;
        Pos2::new(at.x - 0.5, at.y - 0.5)
    }

    /// A region of the micrograph on screen.
    pub fn to_screen_rect(self, region: Region) -> Rect {
        Rect::from_two_pos(self.to_screen(region.x0, region.y0), self.to_screen(region.x1, region.y1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screen_and_picture_agree_and_pixel_centres_are_whole() {
        let place = Placement { origin: Pos2::new(10.0, 20.0), zoom: 4.0 };
        // The top-left pixel covers 4 points; its centre is 2 points in.
        assert_eq!(place.to_screen(0.0, 0.0), Pos2::new(12.0, 22.0));
        let there = place.to_picture(place.to_screen(31.25, 7.5));
        assert!((there - Pos2::new(31.25, 7.5)).length() < 1e-4);
    }

    #[test]
    fn a_fitted_picture_lies_inside_the_canvas() {
        let rect = Rect::from_min_size(Pos2::new(100.0, 50.0), vec2(640.0, 480.0));
        let size = vec2(8192.0, 4096.0);
        let place = fitted(rect, size).placement(rect);
        let shown = Rect::from_min_size(place.origin, size * place.zoom);
        assert!(rect.contains_rect(shown));
        assert!((shown.center() - rect.center()).length() < 0.01);
    }
}
