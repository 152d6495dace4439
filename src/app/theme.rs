//! Colours, sizes and class markers: neutral greys, one accent, Okabe-Ito for classes.

use crate::particle::{Class, ClassId};
use egui::{Color32, CornerRadius, FontFamily, FontId, Pos2, Shape, Stroke, TextStyle, Theme, Visuals, pos2};

/// The one accent: what is chosen, what runs.
pub const ACCENT: Color32 = Color32::from_rgb(0x5b, 0x8d, 0xef);

/// Drawn under thin coloured lines, so that they read on black and on white.
pub const UNDERLINE: Color32 = Color32::from_black_alpha(170);

/// Sets fonts, spacing and colours of both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_visuals_of(Theme::Dark, dark());
    ctx.set_visuals_of(Theme::Light, light());
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, FontId::new(12.0, FontFamily::Proportional)),
            (TextStyle::Body, FontId::new(14.0, FontFamily::Proportional)),
            (TextStyle::Button, FontId::new(14.0, FontFamily::Proportional)),
            (TextStyle::Monospace, FontId::new(12.5, FontFamily::Monospace)),
            (TextStyle::Heading, FontId::new(18.0, FontFamily::Proportional)),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(8.0, 6.0);
        style.spacing.button_padding = egui::vec2(8.0, 3.0);
        style.spacing.interact_size.y = 24.0;
        style.spacing.slider_width = 130.0;
        style.animation_time = 0.08;
    });
}

struct Greys {
    panel: u32,
    raised: u32,
    sunken: u32,
    line: u32,
    text: u32,
    weak: u32,
    strong: u32,
    button: u32,
    hover: u32,
    press: u32,
    chosen: u32,
    chosen_text: u32,
}

fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

fn dark() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.error_fg_color = rgb(0xff_8a7a);
    visuals.warn_fg_color = rgb(0xf2_b84b);
    paint(
        visuals,
        &Greys {
            panel: 0x1b_1d20,
            raised: 0x23_2629,
            sunken: 0x14_1618,
            line: 0x36_3a3f,
            text: 0xd8_dadd,
            weak: 0xa3_a8ae,
            strong: 0xff_ffff,
            button: 0x2e_3237,
            hover: 0x3a_3f45,
            press: 0x47_4d54,
            chosen: 0x2c_4a7c,
            chosen_text: 0xff_ffff,
        },
    )
}

fn light() -> Visuals {
    let mut visuals = Visuals::light();
    visuals.error_fg_color = rgb(0xb3_2318);
    visuals.warn_fg_color = rgb(0x8a_5300);
    paint(
        visuals,
        &Greys {
            panel: 0xf0_f1f2,
            raised: 0xfa_fafb,
            sunken: 0xff_ffff,
            line: 0xc9_ccd0,
            text: 0x24_272a,
            weak: 0x55_5a60,
            strong: 0x00_0000,
            button: 0xe0_e2e5,
            hover: 0xd3_d6da,
            press: 0xc3_c7cc,
            chosen: 0xbf_d4fb,
            chosen_text: 0x0b_1f45,
        },
    )
}

fn paint(mut visuals: Visuals, greys: &Greys) -> Visuals {
    visuals.panel_fill = rgb(greys.panel);
    visuals.window_fill = rgb(greys.raised);
    visuals.extreme_bg_color = rgb(greys.sunken);
    visuals.faint_bg_color = rgb(greys.raised);
    visuals.code_bg_color = rgb(greys.sunken);
    visuals.window_stroke = Stroke::new(1.0, rgb(greys.line));
    visuals.weak_text_color = Some(rgb(greys.weak));
    visuals.hyperlink_color = ACCENT;
    visuals.selection.bg_fill = rgb(greys.chosen);
    visuals.selection.stroke = Stroke::new(1.0, rgb(greys.chosen_text));
    visuals.slider_trailing_fill = true;
    visuals.indent_has_left_vline = false;
    let corner = CornerRadius::same(4);
    let widgets = &mut visuals.widgets;
    for (widget, fill, text) in [
        (&mut widgets.noninteractive, greys.panel, greys.text),
        (&mut widgets.inactive, greys.button, greys.text),
        (&mut widgets.hovered, greys.hover, greys.strong),
        (&mut widgets.active, greys.press, greys.strong),
        (&mut widgets.open, greys.hover, greys.text),
    ] {
        widget.bg_fill = rgb(fill);
        widget.weak_bg_fill = rgb(fill);
        widget.bg_stroke = Stroke::NONE;
        widget.fg_stroke = Stroke::new(1.0, rgb(text));
        widget.corner_radius = corner;
        // Widgets that grow under the pointer make a calm window restless.
        widget.expansion = 0.0;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, rgb(greys.line));
    widgets.hovered.bg_stroke = Stroke::new(1.0, rgb(greys.line));
    visuals
}

/// A class's colour.
pub fn colour(class: &Class) -> Color32 {
    let [r, g, b] = class.colour;
    Color32::from_rgb(r, g, b)
}

/// The shape that stands for a class beside its colour, for eyes and prints that see no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Hexagon,
    Wedge,
    Pentagon,
}

impl Marker {
    /// The marker of a class; it stays when other classes come and go.
    pub fn of(class: ClassId) -> Self {
        const ALL: [Marker; 7] = [
            Marker::Circle,
            Marker::Square,
            Marker::Triangle,
            Marker::Diamond,
            Marker::Hexagon,
            Marker::Wedge,
            Marker::Pentagon,
        ];
        ALL[class.0 as usize % ALL.len()]
    }

    /// Corners of the shape, convex, clockwise, of about the area of a circle of radius `r`.
    pub fn corners(self, centre: Pos2, r: f32) -> Vec<Pos2> {
        let (count, turn, grow) = match self {
            Marker::Circle => (if r > 14.0 { 40 } else { 20 }, 0.0, 1.0),
            Marker::Square => (4, 0.125, 1.25),
            Marker::Triangle => (3, -0.25, 1.4),
            Marker::Diamond => (4, 0.0, 1.3),
            Marker::Hexagon => (6, 0.0, 1.1),
            Marker::Wedge => (3, 0.25, 1.4),
            Marker::Pentagon => (5, -0.25, 1.15),
        };
        (0..count)
            .map(|i| {
                let angle = std::f32::consts::TAU * (turn + i as f32 / count as f32);
                pos2(centre.x + r * grow * angle.cos(), centre.y + r * grow * angle.sin())
            })
            .collect()
    }

    /// The filled shape with a dark outline, as it stands in lists.
    pub fn filled(self, centre: Pos2, r: f32, colour: Color32) -> Shape {
        Shape::convex_polygon(self.corners(centre, r), colour, Stroke::new(1.0, UNDERLINE))
    }
}

/// Side of the square a marker stands in beside text, points.
pub const MARKER_SIDE: f32 = 14.0;

/// Allocates a small square in a row and draws the class's marker in it.
pub fn marker(ui: &mut egui::Ui, class: &Class) {
    let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(MARKER_SIDE), egui::Sense::hover());
    ui.painter().add(Marker::of(class.id).filled(rect.center(), 5.0, colour(class)));
}

/// The ground round a micrograph: never brighter than the micrograph itself.
pub fn canvas(visuals: &Visuals) -> Color32 {
    if visuals.dark_mode { visuals.extreme_bg_color } else { rgb(0xb9_bcc0) }
}

/// Grid lines of plots: there when looked for.
pub fn grid(visuals: &Visuals) -> Color32 {
    visuals.weak_text_color().gamma_multiply(0.35)
}

/// A text cut to so many points, with an ellipsis where something is missing.
pub fn elided(ui: &egui::Ui, text: &str, most: f32) -> String {
    let font = TextStyle::Body.resolve(ui.style());
    let wide = |text: &str| {
        ui.fonts_mut(|f| f.layout_no_wrap(text.to_owned(), font.clone(), Color32::WHITE).size().x)
    };
    if wide(text) <= most {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let cut = |n: usize| format!("{}…", chars[..n].iter().collect::<String>().trim_end());
    let (mut fits, mut over) = (0, chars.len());
    while over - fits > 1 {
        let middle = usize::midpoint(fits, over);
        if wide(&cut(middle)) <= most { fits = middle } else { over = middle }
    }
    cut(fits)
}

/// A quiet sentence in the middle of an empty pane.
pub fn hint(ui: &mut egui::Ui, text: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() * 0.4).max(8.0));
        ui.add(egui::Label::new(egui::RichText::new(text).weak()).wrap());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance after WCAG 2.
    fn luminance(colour: Color32) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_reads_on_every_ground_of_both_themes() {
        for visuals in [dark(), light()] {
            let weak = visuals.weak_text_color();
            for ground in [visuals.panel_fill, visuals.window_fill, visuals.extreme_bg_color] {
                for text in [visuals.text_color(), weak, visuals.error_fg_color, visuals.warn_fg_color] {
                    let ratio = contrast(text, ground);
                    assert!(ratio >= 4.5, "{text:?} on {ground:?} is {ratio:.1}");
                }
            }
            let chosen = contrast(visuals.selection.stroke.color, visuals.selection.bg_fill);
            assert!(chosen >= 4.5, "chosen text is {chosen:.1}");
            let widgets = &visuals.widgets;
            for widget in [&widgets.inactive, &widgets.hovered, &widgets.active, &widgets.open] {
                assert!(contrast(widget.fg_stroke.color, widget.weak_bg_fill) >= 4.5);
            }
        }
    }
}
