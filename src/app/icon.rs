//! Small pictures for buttons, drawn with lines so that they need no font and follow the text colour.

use egui::{Atom, Button, Color32, IdSalt, Painter, Rect, Response, Shape, Stroke, Ui, pos2, vec2};

/// A picture of about 14 x 14 points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Play,
    Pause,
    Stop,
    Undo,
    Redo,
    Fit,
    Pick,
    Select,
    Exclude,
    Lasso,
    Outline,
    Measure,
    Close,
}

impl Icon {
    /// Draws the picture into `rect`.
    pub fn paint(self, painter: &Painter, rect: Rect, colour: Color32) {
        let rect = Rect::from_center_size(rect.center(), vec2(12.0, 12.0));
        let stroke = Stroke::new(1.5, colour);
        let at = |x: f32, y: f32| pos2(rect.min.x + x * 12.0, rect.min.y + y * 12.0);
        let line = |a, b| painter.line_segment([a, b], stroke);
        match self {
            Icon::Play => {
                painter.add(Shape::convex_polygon(
                    vec![at(0.15, 0.05), at(0.95, 0.5), at(0.15, 0.95)],
                    colour,
                    Stroke::NONE,
                ));
            }
            Icon::Pause => {
                painter.rect_filled(Rect::from_two_pos(at(0.15, 0.08), at(0.4, 0.92)), 1.0, colour);
                painter.rect_filled(Rect::from_two_pos(at(0.6, 0.08), at(0.85, 0.92)), 1.0, colour);
            }
            Icon::Stop => {
                painter.rect_filled(Rect::from_two_pos(at(0.12, 0.12), at(0.88, 0.88)), 1.5, colour);
            }
            Icon::Undo => arrow_back(painter, &at, stroke),
            Icon::Redo => arrow_back(painter, &|x, y| at(1.0 - x, y), stroke),
            Icon::Fit => {
                for (x, y) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
                    let inwards = |v: f32| if v < 0.5 { 0.35 } else { 0.65 };
                    line(at(x, y), at(inwards(x), y));
                    line(at(x, y), at(x, inwards(y)));
                }
            }
            Icon::Pick => {
                painter.circle_stroke(at(0.5, 0.5), 3.5, stroke);
                line(at(0.5, 0.0), at(0.5, 0.2));
                line(at(0.5, 0.8), at(0.5, 1.0));
                line(at(0.0, 0.5), at(0.2, 0.5));
                line(at(0.8, 0.5), at(1.0, 0.5));
            }
            Icon::Select => {
                let corners =
                    [at(0.05, 0.05), at(0.95, 0.05), at(0.95, 0.95), at(0.05, 0.95), at(0.05, 0.05)];
                painter.extend(Shape::dashed_line(&corners, stroke, 3.0, 2.0));
            }
            Icon::Exclude => {
                painter.rect_stroke(
                    Rect::from_two_pos(at(0.05, 0.15), at(0.95, 0.85)),
                    0.0,
                    stroke,
                    egui::StrokeKind::Middle,
                );
                line(at(0.05, 0.85), at(0.95, 0.15));
            }
            Icon::Lasso | Icon::Outline => {
                let ring: Vec<_> = (0..=16)
                    .map(|i| {
                        let angle = std::f32::consts::TAU * i as f32 / 16.0;
                        at(0.5 + 0.46 * angle.cos(), 0.42 + (0.3 + 0.1 * (2.0 * angle).sin()) * angle.sin())
                    })
                    .collect();
                if self == Icon::Lasso {
                    painter.extend(Shape::dashed_line(&ring, stroke, 3.0, 2.0));
                    line(at(0.3, 0.75), at(0.2, 1.0));
                } else {
                    painter.add(Shape::line(ring, stroke));
                    line(at(0.2, 0.7), at(0.8, 0.15));
                }
            }
            Icon::Measure => {
                line(at(0.0, 0.5), at(1.0, 0.5));
                line(at(0.0, 0.25), at(0.0, 0.75));
                line(at(1.0, 0.25), at(1.0, 0.75));
            }
            Icon::Close => {
                line(at(0.15, 0.15), at(0.85, 0.85));
                line(at(0.15, 0.85), at(0.85, 0.15));
            }
        }
    }
}

fn arrow_back(painter: &Painter, at: &dyn Fn(f32, f32) -> egui::Pos2, stroke: Stroke) {
    let bow: Vec<_> = (0..=12)
        .map(|i| {
            let angle = -std::f32::consts::FRAC_PI_2 + std::f32::consts::PI * i as f32 / 12.0;
            at(0.62 + 0.33 * angle.cos(), 0.62 + 0.33 * angle.sin())
        })
        .collect();
    painter.add(Shape::line(bow, stroke));
    painter.line_segment([at(0.05, 0.29), at(0.62, 0.29)], stroke);
    painter.line_segment([at(0.05, 0.29), at(0.32, 0.05)], stroke);
    painter.line_segment([at(0.05, 0.29), at(0.32, 0.53)], stroke);
}

/// A button with a picture before its text; a button without text is named for screen readers by `name`.
pub fn button(ui: &mut Ui, icon: Icon, name: &str, text: bool, selected: bool, enabled: bool) -> Response {
    let id = IdSalt::new("icon");
    let space = Atom::custom(id, vec2(14.0, 14.0));
    let button = if text {
        Button::new((space, name.to_owned())).selected(selected)
    } else {
        Button::new(space).selected(selected)
    };
    let (response, rect) = ui
        .add_enabled_ui(enabled, |ui| {
            let shown = button.atom_ui(ui);
            (shown.response.clone(), shown.rect(id))
        })
        .inner;
    if let Some(rect) = rect {
        let colour = if !enabled {
            ui.visuals().disable(ui.visuals().text_color())
        } else if selected {
            ui.visuals().selection.stroke.color
        } else {
            ui.style().interact(&response).fg_stroke.color
        };
        icon.paint(ui.painter(), rect, colour);
    }
    if text { response } else { response.accessible_name(name) }
}
