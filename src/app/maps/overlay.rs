//! What is drawn over image and map: lattice, window, outliers, the pointed pixel, lines and outlines.

use super::field::{Line, significant};
use crate::app::theme::UNDERLINE;
use crate::app::tiles::Placement;
use crate::lattice::{Lattice, Vector};
use crate::micrograph::PixelSize;
use crate::worker::mapping::Outlier;
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, vec2};

/// Of lattice vectors and cells.
const CELLS: Color32 = Color32::from_rgb(0x56, 0xb4, 0xe9);
/// Something is missing, something is added.
pub const MISSING: Color32 = Color32::from_rgb(0x56, 0xb4, 0xe9);
pub const ADDED: Color32 = Color32::from_rgb(0xe6, 0x9f, 0x00);
/// Cells smaller than this on screen (points) are no lines but grey.
const FINEST: f32 = 7.0;
/// Arrows from this length on have their length written beside them, points.
const ROOM: f32 = 60.0;
/// A handle is taken from so far, points.
pub const REACH: f32 = 10.0;
/// More lines than this are never drawn.
const MOST_LINES: i32 = 400;

fn screen(place: Placement, at: Vector) -> Pos2 {
    place.to_screen(at[0] as f32, at[1] as f32)
}

/// A length in pixels of the image along a direction, in nanometres too where they are known.
pub fn length(vector: Vector, size: Option<PixelSize>) -> String {
    let px = vector[0].hypot(vector[1]);
    match size {
        Some(size) => {
            let nm = (vector[0] * size.x_nm).hypot(vector[1] * size.y_nm);
            format!("{px:.1} px, {} nm", significant(nm))
        }
        None => format!("{px:.1} px"),
    }
}

/// Where a lattice lies on the image: `origin + m a + n b`.
#[derive(Clone, Copy)]
pub struct Cells {
    pub lattice: Lattice,
    pub origin: Vector,
}

impl Cells {
    fn fraction(&self, place: Placement, pos: Pos2) -> Vector {
        let at = place.to_picture(pos);
        self.lattice.fraction([f64::from(at.x) - self.origin[0], f64::from(at.y) - self.origin[1]])
    }

    /// The cell origin nearest to a point of the screen, pixels of the image.
    pub fn nearest(&self, place: Placement, pos: Pos2) -> Vector {
        let r = self.lattice.at(self.fraction(place, pos).map(f64::round));
        [self.origin[0] + r[0], self.origin[1] + r[1]]
    }

    /// Draws the borders of the cells.
    pub fn paint(&self, painter: &Painter, place: Placement) {
        if (self.lattice.spacing() as f32 * place.zoom) < FINEST {
            return;
        }
        let clip = painter.clip_rect();
        let corners = [clip.left_top(), clip.right_top(), clip.left_bottom(), clip.right_bottom()];
        let corners = corners.map(|corner| self.fraction(place, corner));
        let span = |i: usize| {
            let low = corners.iter().map(|c| c[i]).fold(f64::INFINITY, f64::min).floor();
            let high = corners.iter().map(|c| c[i]).fold(f64::NEG_INFINITY, f64::max).ceil();
            (low as i32, high as i32)
        };
        let ((m0, m1), (n0, n1)) = (span(0), span(1));
        if m1 - m0 > MOST_LINES || n1 - n0 > MOST_LINES {
            return;
        }
        let at = |m: i32, n: i32| {
            let r = self.lattice.r([m, n]);
            screen(place, [self.origin[0] + r[0], self.origin[1] + r[1]])
        };
        let stroke = Stroke::new(1.0, CELLS.gamma_multiply(0.55));
        for n in n0..=n1 {
            painter.line_segment([at(m0, n), at(m1, n)], stroke);
        }
        for m in m0..=m1 {
            painter.line_segment([at(m, n0), at(m, n1)], stroke);
        }
    }
}

/// Two vectors with their lengths; with handles at their ends where they can be dragged.
pub fn vectors(
    painter: &Painter,
    place: Placement,
    origin: Vector,
    cell: [Vector; 2],
    size: Option<PixelSize>,
    handles: bool,
) {
    let from = screen(place, origin);
    for (name, vector) in ["a", "b"].into_iter().zip(cell) {
        let along = vec2(vector[0] as f32, vector[1] as f32) * place.zoom;
        arrow(painter, from, along, Stroke::new(4.0, UNDERLINE));
        arrow(painter, from, along, Stroke::new(2.0, CELLS));
        if handles {
            painter.circle(from + along, 5.0, Color32::WHITE, Stroke::new(1.5, UNDERLINE));
        }
        // Where arrows are short there is no room for lengths; they stand in the side panel.
        let text = match along.length() > ROOM {
            true => format!("{name}  {}", length(vector, size)),
            false => name.to_owned(),
        };
        // Beyond the arrow's head, on the side to which it points.
        let anchor = match (along.x.abs() > along.y.abs(), along.x > 0.0, along.y > 0.0) {
            (true, true, _) => Align2::LEFT_CENTER,
            (true, false, _) => Align2::RIGHT_CENTER,
            (false, _, true) => Align2::CENTER_TOP,
            (false, _, false) => Align2::CENTER_BOTTOM,
        };
        let beyond = from + along + along.normalized() * 9.0;
        label(painter, beyond, anchor, &text);
    }
}

fn arrow(painter: &Painter, from: Pos2, along: Vec2, stroke: Stroke) {
    let (tip, head) = (from + along, along.normalized() * 9.0_f32.min(0.4 * along.length()));
    painter.line_segment([from, tip], stroke);
    for turn in [0.45_f32, -0.45] {
        painter.line_segment([tip, tip - egui::emath::Rot2::from_angle(turn) * head], stroke);
    }
}

/// The window that the model sees, to scale.
pub fn window(painter: &Painter, place: Placement, centre: Vector, side: f64, size: Option<PixelSize>) {
    let rect = Rect::from_center_size(screen(place, centre), Vec2::splat(side as f32 * place.zoom));
    painter.rect_stroke(rect, 0.0, Stroke::new(3.0, UNDERLINE), StrokeKind::Middle);
    painter.rect_stroke(rect, 0.0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Middle);
    let text = format!("window {}", length([side, 0.0], size));
    label(painter, rect.left_bottom() + vec2(0.0, 4.0), Align2::LEFT_TOP, &text);
}

/// Circles of about a window's size round places that the pattern does not explain.
pub fn outliers(
    painter: &Painter,
    place: Placement,
    outliers: &[Outlier],
    least: f64,
    lattice: Option<&Lattice>,
    chosen: Option<usize>,
) {
    let px = lattice.map_or(12.0, |lattice| 0.5 * lattice.lengths()[0]);
    let radius = (px as f32 * place.zoom).clamp(5.0, 40.0);
    for (i, outlier) in outliers.iter().enumerate().filter(|(_, o)| o.score.abs() >= least) {
        let at = screen(place, [outlier.x, outlier.y]);
        if !painter.clip_rect().expand(radius).contains(at) {
            continue;
        }
        let colour = if outlier.score < 0.0 { MISSING } else { ADDED };
        painter.circle_stroke(at, radius, Stroke::new(3.5, UNDERLINE));
        painter.circle_stroke(at, radius, Stroke::new(1.8, colour));
        if chosen == Some(i) {
            painter.circle_stroke(at, radius + 5.0, Stroke::new(3.5, UNDERLINE));
            painter.circle_stroke(at, radius + 5.0, Stroke::new(1.8, Color32::WHITE));
        }
    }
}

/// The outlier at a point of the screen.
pub fn outlier_at(
    place: Placement,
    outliers: &[Outlier],
    least: f64,
    lattice: Option<&Lattice>,
    pos: Pos2,
) -> Option<usize> {
    let px = lattice.map_or(12.0, |lattice| 0.5 * lattice.lengths()[0]);
    let radius = (px as f32 * place.zoom).clamp(5.0, 40.0) + 2.0;
    let distance = |o: &Outlier| screen(place, [o.x, o.y]).distance(pos);
    let near = outliers.iter().enumerate().filter(|(_, o)| o.score.abs() >= least);
    let near = near.map(|(i, o)| (distance(o), i)).filter(|(d, _)| *d <= radius);
    near.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| i)
}

/// The pointed pixel, seen from the other pane.
pub fn cross(painter: &Painter, place: Placement, at: Vector) {
    let at = screen(place, at);
    for (width, colour) in [(3.5, UNDERLINE), (1.5, Color32::WHITE)] {
        let stroke = Stroke::new(width, colour);
        for [x, y] in [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]] {
            let out = vec2(x, y);
            painter.line_segment([at + out * 4.0, at + out * 11.0], stroke);
        }
    }
}

/// A profile's line with its breadth.
pub fn line(painter: &Painter, place: Placement, line: &Line) {
    let (a, b) = (screen(place, line.from), screen(place, line.to));
    let across = (b - a).normalized().rot90() * (0.5 * line.breadth as f32 * place.zoom);
    let band = vec![a + across, b + across, b - across, a - across];
    painter.add(Shape::convex_polygon(band, Color32::from_white_alpha(28), Stroke::new(1.0, UNDERLINE)));
    painter.line_segment([a, b], Stroke::new(3.5, UNDERLINE));
    painter.line_segment([a, b], Stroke::new(1.5, Color32::WHITE));
    for end in [a, b] {
        painter.circle(end, 3.0, Color32::WHITE, Stroke::new(1.0, UNDERLINE));
    }
}

/// Small text on a dark ground.
pub fn label(painter: &Painter, at: Pos2, anchor: Align2, text: &str) {
    let galley = painter.layout_no_wrap(text.to_owned(), FontId::proportional(12.0), Color32::WHITE);
    let rect = anchor.anchor_size(at, galley.size());
    // In sight, even where what it names reaches beyond.
    let clip = painter.clip_rect().shrink(4.0);
    let mut corner = rect.min;
    corner.x = corner.x.min(clip.max.x - rect.width()).max(clip.min.x);
    corner.y = corner.y.min(clip.max.y - rect.height()).max(clip.min.y);
    let rect = Rect::from_min_size(corner, galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 1.0)), 2.0, Color32::from_black_alpha(165));
    painter.galley(rect.min, galley, Color32::WHITE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_both_units_where_the_scale_is_known() {
        assert_eq!(length([3.0, 4.0], None), "5.0 px");
        assert_eq!(length([0.0, 50.0], PixelSize::new(0.01, 0.008)), "50.0 px, 0.400 nm");
    }

    #[test]
    fn the_nearest_mark_is_hit_and_those_hidden_are_not() {
        let place = Placement { origin: Pos2::ZERO, zoom: 1.0 };
        let marks = [(10.0, 10.0, -9.0), (30.0, 10.0, 6.0)].map(|(x, y, score)| Outlier { x, y, score });
        let at = |x: f32| outlier_at(place, &marks, 5.0, None, Pos2::new(x, 10.0));
        assert_eq!((at(12.0), at(29.0), at(80.0)), (Some(0), Some(1), None));
        assert_eq!(outlier_at(place, &marks, 7.0, None, Pos2::new(30.0, 10.0)), None);
    }
}
