//! `report.html`: the library on one page that needs nothing beside it, on screen and on paper.
//!
//! The page holds no script and allows none; whatever a person named comes out as text.

pub(super) mod charts;
mod parts;
#[cfg(test)]
mod tests;

use super::{LabelledBy, Library, Record, pictures};
use base64::Engine;
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = include_str!("html/style.css");

/// The whole page.
pub fn page(library: &Library) -> String {
    let mut out = String::new();
    let n = library.records.len();
    let title = format!("Particle library: {n} particles");
    // A page that was tampered with still runs nothing and asks nobody.
    let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
        escape(&title),
        escape(&title)
    );
    parts::summary(&mut out, library);
    parts::counts(&mut out, library);
    for (place, name) in library.classes.iter().enumerate() {
        parts::class(&mut out, library, place, name);
    }
    parts::judgement(&mut out, library);
    parts::micrographs(&mut out, library);
    parts::settings(&mut out, library);
    out.push_str("</body>\n</html>\n");
    out
}

/// Text that stays text, in an element and in an attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Invisible characters could turn the writing direction of what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A grey picture (0..1, `[height, width]`) as an `img` element that carries its own data; nothing where it fails.
fn picture(pixels: &[f32], width: usize, height: usize, class: &str, alt: &str) -> String {
    let grey: Vec<u8> = pixels.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    let mut png = Vec::new();
    if pictures::write_grey(&grey, width, height, &mut png).is_err() {
        return String::new();
    }
    let data = base64::engine::general_purpose::STANDARD.encode(png);
    format!("<img class=\"{class}\" src=\"data:image/png;base64,{data}\" alt=\"{}\">", escape(alt))
}

/// Square pictures side by side, `columns` a row, one pixel of black between them: pixels, width, height.
fn mosaic(tiles: &[&[f32]], side: usize, columns: usize) -> (Vec<f32>, usize, usize) {
    let columns = columns.min(tiles.len()).max(1);
    let rows = tiles.len().div_ceil(columns);
    let (width, height) = (columns * (side + 1) - 1, rows * (side + 1) - 1);
    let mut out = vec![0.0; width * height];
    for (i, tile) in tiles.iter().enumerate() {
        let (left, top) = ((i % columns) * (side + 1), (i / columns) * (side + 1));
        for (y, line) in tile.chunks_exact(side).enumerate() {
            let at = (top + y) * width + left;
            out[at..at + side].copy_from_slice(line);
        }
    }
    (out, width, height)
}

/// A number as people read it: three significant digits.
fn short(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".into();
    }
    let digits = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize };
    format!("{value:.digits$}")
}
