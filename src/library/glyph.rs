//! Text on pictures: digits, signs and the letters of units, five by seven pixels each.

use image::{Rgb, RgbImage};

const WIDTH: u32 = 5;
const HEIGHT: u32 = 7;

/// A character and its rows, the leftmost pixel in bit 4.
const GLYPHS: [(char, [u8; 7]); 29] = [
    ('0', [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e]),
    ('1', [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e]),
    ('2', [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f]),
    ('3', [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e]),
    ('4', [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02]),
    ('5', [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e]),
    ('6', [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e]),
    ('7', [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08]),
    ('8', [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e]),
    ('9', [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c]),
    ('.', [0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c]),
    ('-', [0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00]),
    ('+', [0x00, 0x04, 0x04, 0x1f, 0x04, 0x04, 0x00]),
    ('%', [0x18, 0x19, 0x02, 0x04, 0x08, 0x13, 0x03]),
    ('/', [0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x00]),
    ('a', [0x00, 0x00, 0x0e, 0x01, 0x0f, 0x11, 0x0f]),
    ('d', [0x01, 0x01, 0x0d, 0x13, 0x11, 0x11, 0x0f]),
    ('e', [0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e]),
    ('g', [0x00, 0x0f, 0x11, 0x11, 0x0f, 0x01, 0x0e]),
    ('m', [0x00, 0x00, 0x1a, 0x15, 0x15, 0x11, 0x11]),
    ('n', [0x00, 0x00, 0x16, 0x19, 0x11, 0x11, 0x11]),
    ('p', [0x00, 0x00, 0x1e, 0x11, 0x1e, 0x10, 0x10]),
    ('r', [0x00, 0x00, 0x16, 0x19, 0x10, 0x10, 0x10]),
    ('s', [0x00, 0x00, 0x0e, 0x10, 0x0e, 0x01, 0x1e]),
    ('u', [0x00, 0x00, 0x11, 0x11, 0x11, 0x13, 0x0d]),
    ('x', [0x00, 0x00, 0x11, 0x0a, 0x04, 0x0a, 0x11]),
    ('z', [0x00, 0x00, 0x1f, 0x02, 0x04, 0x08, 0x1f]),
    ('V', [0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04]),
    ('²', [0x0c, 0x12, 0x04, 0x08, 0x1e, 0x00, 0x00]),
];

/// Height of a line, pixels.
pub(super) fn height(scale: u32) -> u32 {
    HEIGHT * scale
}

/// Width of a text, pixels.
pub(super) fn width(text: &str, scale: u32) -> u32 {
    text.chars().count() as u32 * (WIDTH + 1) * scale
}

/// Draws a text, its upper left corner at `x, y`; characters that are not known leave a gap, what lies outside is cut.
pub(super) fn draw(picture: &mut RgbImage, text: &str, [x0, y0]: [u32; 2], scale: u32, colour: Rgb<u8>) {
    for (i, c) in text.chars().enumerate() {
        let Some((_, rows)) = GLYPHS.iter().find(|(known, _)| *known == c) else { continue };
        let left = x0 + i as u32 * (WIDTH + 1) * scale;
        for y in 0..HEIGHT * scale {
            for x in 0..WIDTH * scale {
                let on = rows[(y / scale) as usize] >> (WIDTH - 1 - x / scale) & 1 == 1;
                let inside = left + x < picture.width() && y0 + y < picture.height();
                if on && inside {
                    picture.put_pixel(left + x, y0 + y, colour);
                }
            }
        }
    }
}

/// A value with as many digits as a range needs to be read to a hundredth.
pub(super) fn number(value: f32, range: f32) -> String {
    let range = range.abs();
    if !(1e-3..1e5).contains(&range) && range > 0.0 {
        return format!("{value:.1e}");
    }
    let digits = (2.0 - range.max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_their_range_allows() {
        assert_eq!(number(5.0, 5.0), "5");
        assert_eq!(number(-0.0001, 1.0), "0");
        assert_eq!(number(0.125, 0.25), "0.125");
        assert_eq!(number(250.0, 500.0), "250");
        assert_eq!(number(2.5e-7, 1e-6), "2.5e-7");
    }

    #[test]
    fn every_glyph_fits_its_five_columns_and_is_known_once() {
        for (i, (c, rows)) in GLYPHS.iter().enumerate() {
            assert!(rows.iter().all(|r| *r < 32) && rows.iter().any(|r| *r > 0), "{c}");
            assert!(GLYPHS[..i].iter().all(|(other, _)| other != c), "{c}");
        }
    }
}
