//! The bar of colours beside dots and pixels: what they stand for.

use super::{Field, signed};
use egui::{Align2, Mesh, Painter, Rect, TextStyle, Ui, vec2};

/// Its width, and that of the numbers beside it, points.
const BAR: f32 = 14.0;
const NUMBERS: f32 = 64.0;
/// What it takes beside a picture, with the gap between them.
pub const ROOM: f32 = GAP + BAR + NUMBERS;
const GAP: f32 = 8.0;
const STEPS: usize = 64;

/// Draws it to the right of `beside`, as high: the colours with the values at both ends, their unit and what they are of.
pub fn paint(ui: &Ui, painter: &Painter, field: Field, range: [f32; 2], unit: &str, beside: Rect) {
    let rect = Rect::from_min_size(beside.right_top() + vec2(GAP, 0.0), vec2(BAR, beside.height()));
    let [low, high] = range.map(f64::from);
    let mut mesh = Mesh::default();
    let step = rect.height() / STEPS as f32;
    for i in 0..STEPS {
        let value = high - (high - low) * (i as f64 + 0.5) / STEPS as f64;
        let top = rect.min + vec2(0.0, step * i as f32);
        let colour = field.colour(value, range);
        mesh.add_colored_rect(Rect::from_min_size(top, vec2(rect.width(), step)), colour);
    }
    painter.add(mesh);
    let font = TextStyle::Small.resolve(ui.style());
    let colour = ui.visuals().text_color();
    let unit = match field {
        Field::Latent(_) => "sd",
        Field::Shift => unit,
        Field::Error => "",
    };
    for (at, align, text) in [
        (rect.right_top(), Align2::LEFT_TOP, format!("{} {unit}", signed(high))),
        (rect.right_center(), Align2::LEFT_CENTER, field.name()),
        (rect.right_bottom(), Align2::LEFT_BOTTOM, signed(low)),
    ] {
        painter.text(at + vec2(4.0, 0.0), align, text, font.clone(), colour);
    }
}
