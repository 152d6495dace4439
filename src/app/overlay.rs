//! What lies over the picture beside the particles: proposals, excluded regions, the scale bar.
//!
//! Lines are thin with a dark line under them, so that they read on black and on white.

use super::marks::MOST_OUTLINES;
use super::state::Detecting;
use super::theme::{self, UNDERLINE};
use super::tiles::Placement;
use crate::particle::detect::Detection;
use crate::project::Outline;
use egui::{Color32, FontId, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

/// Thin rings round particles that are proposed and not yet accepted; dots where there are many.
pub fn proposals(painter: &Painter, place: Placement, detecting: &Detecting) {
    let seen = painter.clip_rect().expand(20.0);
    let shown = |(_, detection): &(usize, &Detection)| detection.score >= detecting.least;
    let placed = detecting.found.iter().enumerate().filter(shown);
    let visible: Vec<(usize, &Detection, Pos2)> = placed
        .map(|(i, detection)| (i, detection, place.to_screen(detection.x, detection.y)))
        .filter(|(_, _, at)| seen.contains(*at))
        .collect();
    let many = visible.len() > MOST_OUTLINES;
    let (mut shapes, mut dots) = (Vec::new(), Mesh::default());
    for (i, detection, at) in visible {
        let radius = (detection.diameter / 2.0 * place.zoom).max(3.0);
        if many {
            dots.add_colored_rect(Rect::from_center_size(at, vec2(5.0, 5.0)), UNDERLINE);
            dots.add_colored_rect(Rect::from_center_size(at, vec2(3.0, 3.0)), theme::ACCENT);
        } else {
            shapes.push(Shape::circle_stroke(at, radius, Stroke::new(2.5, UNDERLINE.gamma_multiply(0.7))));
            shapes.push(Shape::circle_stroke(at, radius, Stroke::new(1.0, theme::ACCENT)));
        }
        if detecting.current == Some(i) {
            shapes.push(Shape::circle_stroke(at, radius + 4.0, Stroke::new(2.0, Color32::WHITE)));
        }
    }
    if many {
        painter.add(dots);
    }
    painter.extend(shapes);
}

/// A region without particles: darkened and hatched.
pub fn excluded(painter: &Painter, rect: Rect) {
    let painter = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    painter.rect_filled(rect, 0.0, Color32::from_black_alpha(90));
    let line = Stroke::new(1.0, Color32::from_white_alpha(50));
    let seen = painter.clip_rect();
    // Lines of a fixed raster, so that the hatching keeps still while the picture moves under it.
    let step = 14.0;
    let mut x = ((seen.min.x - seen.height()) / step).floor() * step;
    while x < seen.max.x {
        painter.line_segment([pos2(x, seen.max.y), pos2(x + seen.height(), seen.min.y)], line);
        x += step;
    }
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, Color32::from_white_alpha(110)), StrokeKind::Inside);
}

/// A region of any outline without particles.
pub fn excluded_outline(painter: &Painter, place: Placement, outline: &Outline) {
    let corners: Vec<Pos2> = outline.corners.iter().map(|[x, y]| place.to_screen(*x, *y)).collect();
    let bounds = Rect::from_points(&corners);
    if !painter.clip_rect().intersects(bounds) {
        return;
    }
    // Strips between the outline's crossings, a few points high: an outline may be concave.
    let step = 4.0_f32;
    let seen = painter.clip_rect().intersect(bounds);
    let on_screen = Outline { corners: corners.iter().map(|c| [c.x, c.y / step]).collect() };
    let mut mesh = Mesh::default();
    for row in on_screen.rows((seen.max.y / step).ceil().max(0.0) as usize + 1) {
        let strip = Rect::from_min_max(pos2(row.x0, row.y0 * step), pos2(row.x1, row.y1 * step));
        if strip.max.y >= seen.min.y {
            mesh.add_colored_rect(strip, Color32::from_black_alpha(110));
        }
    }
    painter.add(mesh);
    painter.add(Shape::closed_line(corners, Stroke::new(1.0, Color32::from_white_alpha(150))));
}

/// An outline that is being drawn.
pub fn outline(painter: &Painter, line: Vec<Pos2>) {
    painter.add(Shape::line(line.clone(), Stroke::new(3.0, UNDERLINE)));
    painter.add(Shape::line(line, Stroke::new(1.5, Color32::WHITE)));
}

/// A line along a scale bar, with its length in pixels.
pub fn measured(painter: &Painter, a: Pos2, b: Pos2, length_px: f32) {
    painter.line_segment([a, b], Stroke::new(3.5, UNDERLINE));
    painter.line_segment([a, b], Stroke::new(1.5, theme::ACCENT));
    let font = FontId::proportional(13.0);
    let galley = painter.layout_no_wrap(format!("{length_px:.1} px"), font, Color32::WHITE);
    let at = b + vec2(8.0, 8.0);
    painter.rect_filled(
        Rect::from_min_size(at, galley.size()).expand(3.0),
        2.0,
        Color32::from_black_alpha(170),
    );
    painter.galley(at, galley, Color32::WHITE);
}

/// Particles that are being moved, where they would come to lie.
pub fn moved(painter: &Painter, places: impl Iterator<Item = Pos2>) {
    for at in places {
        painter.circle_stroke(at, 7.0, Stroke::new(3.0, UNDERLINE));
        painter.circle_stroke(at, 7.0, Stroke::new(1.5, Color32::WHITE));
    }
}

/// A box that is being dragged.
pub fn box_outline(painter: &Painter, rect: Rect) {
    painter.rect_filled(rect, 0.0, theme::ACCENT.gamma_multiply(0.15));
    painter.rect_stroke(rect, 0.0, Stroke::new(3.0, UNDERLINE), StrokeKind::Middle);
    painter.rect_stroke(rect, 0.0, Stroke::new(1.0, Color32::WHITE), StrokeKind::Middle);
}

/// The longest of 1, 2, 5 x 10^n that is at most `longest`.
pub fn round_length(longest: f64) -> f64 {
    if longest <= 0.0 || !longest.is_finite() {
        return 0.0;
    }
    let decade = 10.0_f64.powf(longest.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|m| m * decade).find(|length| *length <= longest).unwrap_or(decade)
}

/// A bar of a round length at the bottom left, in nanometres if known, else in pixels.
pub fn scale_bar(painter: &Painter, rect: Rect, zoom: f32, nm_per_px: Option<f64>) {
    let pixel = nm_per_px.unwrap_or(1.0);
    let longest = (rect.width() * 0.25).min(160.0);
    let length = round_length(f64::from(longest / zoom) * pixel);
    let width = (length / pixel) as f32 * zoom;
    if width < 8.0 {
        return;
    }
    let text = match nm_per_px {
        None => format!("{length} px"),
        Some(_) if length >= 1e6 => format!("{} mm", length / 1e6),
        Some(_) if length >= 1000.0 => format!("{} µm", length / 1000.0),
        Some(_) => format!("{length} nm"),
    };
    // In a small picture a small one, so that the particle is seen beside it.
    let size = (rect.width() / 240.0).clamp(0.6, 1.0);
    let galley = painter.layout_no_wrap(text, FontId::proportional(14.0 * size), Color32::WHITE);
    let left = rect.min.x + 14.0 * size * size;
    let bottom = rect.max.y - 14.0 * size * size;
    let ground = Rect::from_min_max(
        pos2(left - 7.0 * size * size, bottom - 14.0 * size - galley.size().y),
        pos2(left + width.max(galley.size().x) + 7.0 * size * size, bottom + 6.0 * size * size),
    );
    painter.rect_filled(ground, 3.0, Color32::from_black_alpha(150));
    painter.rect_filled(
        Rect::from_min_max(pos2(left, bottom - 4.0 * size), pos2(left + width, bottom)),
        0.0,
        Color32::WHITE,
    );
    let middle = left + (width.max(galley.size().x) - galley.size().x) / 2.0;
    painter.galley(pos2(middle, bottom - 8.0 * size - galley.size().y), galley, Color32::WHITE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_bars_are_one_two_or_five() {
        for (longest, length) in [(100.0, 100.0), (199.0, 100.0), (499.9, 200.0), (7.0, 5.0), (0.03, 0.02)] {
            let found = round_length(longest);
            assert!((found - length).abs() < 1e-9 * length, "{longest}: {found}");
        }
        assert_eq!(round_length(0.0), 0.0);
    }
}
