//! A view as it leaves the program: lines, dots, text and grey pictures on a white page, for print and slides.
//!
//! A [`Chart`] or a [`picture::Sheet`] makes the [`Drawing`]; [`svg`] writes it. Beside it stand the numbers it was
//! drawn from, as a [`Table`]. Lengths are points, x to the right, y down.

pub mod chart;
pub mod gif;
pub mod picture;
pub mod svg;
mod table;

pub use chart::Chart;
pub use table::{Table, cell};

use std::sync::Arc;

/// Red, green, blue and opacity.
pub type Ink = [u8; 4];

pub const BLACK: Ink = [25, 27, 30, 255];
pub const GREY: Ink = [120, 125, 130, 255];
pub const FAINT: Ink = [222, 224, 227, 255];
pub const WHITE: Ink = [255; 4];
/// Curves of one thing only.
pub const BLUE: Ink = [31, 85, 196, 255];
pub const GREEN: Ink = [0, 122, 88, 255];

/// Size of the text on axes and in captions.
pub const TEXT: f32 = 10.0;

/// Which point of a text lies where it is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One thing on the page.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Line {
        points: Vec<[f32; 2]>,
        width: f32,
        ink: Ink,
        dashed: bool,
    },
    /// A convex outline, filled.
    Area {
        corners: Vec<[f32; 2]>,
        ink: Ink,
    },
    Disc {
        centre: [f32; 2],
        radius: f32,
        ink: Ink,
    },
    /// `at` is on the text's base line; an upright text reads from the bottom to the top.
    Text {
        at: [f32; 2],
        size: f32,
        anchor: Anchor,
        ink: Ink,
        upright: bool,
        text: String,
    },
    /// Grey pixels, row by row from the top, as sharp squares. Pictures lie below all else.
    Picture {
        corner: [f32; 2],
        size: [f32; 2],
        columns: usize,
        grey: Arc<[u8]>,
    },
    /// The same in colour: red, green and blue of each pixel.
    Photo {
        corner: [f32; 2],
        size: [f32; 2],
        columns: usize,
        rgb: Arc<[u8]>,
    },
}

/// A page of its own size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    pub width: f32,
    pub height: f32,
    /// What it shows, for those who cannot see it.
    pub title: String,
    pub items: Vec<Item>,
}

impl Drawing {
    pub fn line(&mut self, points: Vec<[f32; 2]>, width: f32, ink: Ink) {
        self.items.push(Item::Line { points, width, ink, dashed: false });
    }

    pub fn dashes(&mut self, points: Vec<[f32; 2]>, width: f32, ink: Ink) {
        self.items.push(Item::Line { points, width, ink, dashed: true });
    }

    /// A filled box from `corner` on.
    pub fn area(&mut self, [x, y]: [f32; 2], [w, h]: [f32; 2], ink: Ink) {
        let corners = vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
        self.items.push(Item::Area { corners, ink });
    }

    pub fn text(&mut self, at: [f32; 2], anchor: Anchor, text: impl Into<String>) {
        self.text_in(at, anchor, BLACK, text);
    }

    pub fn text_in(&mut self, at: [f32; 2], anchor: Anchor, ink: Ink, text: impl Into<String>) {
        self.items.push(Item::Text { at, size: TEXT, anchor, ink, upright: false, text: text.into() });
    }

    pub fn upright_text(&mut self, at: [f32; 2], text: impl Into<String>) {
        let (size, anchor, ink) = (TEXT, Anchor::Middle, BLACK);
        self.items.push(Item::Text { at, size, anchor, ink, upright: true, text: text.into() });
    }

    /// Adds a caption below all else and makes the page as much longer.
    pub fn caption(&mut self, text: &str) {
        for line in wrapped(text, self.width - 20.0) {
            self.height += TEXT * 1.4;
            self.text_in([10.0, self.height - TEXT * 0.4], Anchor::Start, GREY, line);
        }
        self.height += TEXT * 0.6;
    }

    /// A bar of a round length in the lower left of a picture that fills `size` from `corner` on; a point is
    /// `per_point` of `unit` long.
    pub fn scale_bar(&mut self, corner: [f32; 2], size: [f32; 2], per_point: f64, unit: &str) {
        let length = super::figure::round_length(0.3 * f64::from(size[0]) * per_point);
        let long = (length / per_point) as f32;
        if !long.is_finite() || long < 4.0 {
            return;
        }
        let label = format!("{} {unit}", super::glyph::number(length as f32, length as f32));
        let [left, bottom] = [corner[0] + 8.0, corner[1] + size[1] - 8.0];
        let wide = long.max(width(&label));
        self.area([left - 4.0, bottom - TEXT - 9.0], [wide + 8.0, TEXT + 13.0], [0, 0, 0, 150]);
        self.area([left + (wide - long) / 2.0, bottom - 3.0], [long, 3.0], WHITE);
        self.text_in([left + wide / 2.0, bottom - 6.0], Anchor::Middle, WHITE, label);
    }
}

/// About how wide a text is, in points: nothing here knows the fonts of those who look at it.
pub fn width(text: &str) -> f32 {
    text.chars().map(|c| if c.is_ascii() { 0.55 } else { 0.8 } * TEXT).sum()
}

/// The lines of a text that is to be no wider than `most`; a longer word stands alone.
fn wrapped(text: &str, most: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + width(word) + TEXT * 0.55 <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_stays_within_the_page_and_loses_no_word() {
        let mut page = Drawing { width: 200.0, height: 100.0, ..Drawing::default() };
        let text = "Loss of gold-rods over the epochs; new labels joined in epoch 12.";
        page.caption(text);
        let lines: Vec<&str> = page
            .items
            .iter()
            .filter_map(|item| if let Item::Text { text, .. } = item { Some(text.as_str()) } else { None })
            .collect();
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line) <= 180.0), "{lines:?}");
        assert_eq!(lines.join(" "), text);
        assert!(page.height > 100.0 + 14.0 * lines.len() as f32);
    }

    #[test]
    fn a_scale_bar_is_as_long_as_it_says() {
        let mut page = Drawing::default();
        page.scale_bar([0.0, 0.0], [300.0, 300.0], 0.5, "nm");
        // A third of 150 nm is 45; the round length below is 20 nm, 40 points.
        let bar = page.items.iter().find_map(|item| match item {
            Item::Area { corners, ink } if *ink == WHITE => Some(corners[1][0] - corners[0][0]),
            _ => None,
        });
        assert!((bar.unwrap() - 40.0).abs() < 1e-3);
        assert!(page.items.iter().any(|i| matches!(i, Item::Text { text, .. } if text == "20 nm")));
    }
}
