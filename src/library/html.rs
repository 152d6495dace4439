//! `report.html`: the library on one page that needs nothing beside it, on screen and on paper.
//!
//! The page holds no script and allows none; whatever a person named comes out as text.

pub(super) mod charts;
pub(super) mod parts;
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
    parts::summary(&mut out, library);
    parts::counts(&mut out, library);
    for (place, name) in library.classes.iter().enumerate() {
        parts::class(&mut out, library, place, name);
    }
    parts::judgement(&mut out, library);
    parts::micrographs(&mut out, library);
    parts::settings(&mut out, library);
    frame(&format!("Particle library: {} particles", library.records.len()), &out)
}

/// A page with its head; the title is text, the body is not.
pub(super) fn frame(title: &str, body: &str) -> String {
    let title = escape(title);
    // A page that was tampered with still runs nothing and asks nobody.
    let policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1 class=\"name\">{title}</h1>\n\
         {body}</body>\n</html>\n"
    )
}

/// A picture in colours that carries its own data, with a caption (text); nothing where it fails.
pub(super) fn figure(picture: &image::RgbImage, alt: &str, caption: &str) -> String {
    let Ok(png) = super::figure::png(picture) else { return String::new() };
    let data = base64::engine::general_purpose::STANDARD.encode(png);
    format!(
        "<figure><img class=\"map\" src=\"data:image/png;base64,{data}\" alt=\"{}\"><figcaption>{}</figcaption></figure>\n",
        escape(alt),
        escape(caption)
    )
}

/// A plot with its caption within it.
pub(super) fn plot(drawing: &super::drawing::Drawing) -> String {
    let svg = super::drawing::svg::svg(drawing);
    // Within a page it is an element, not a file.
    let element = svg.find("<svg").map_or("", |start| &svg[start..]);
    format!("<figure class=\"plot\">{element}</figure>\n")
}

/// A table of cells that are text; the first row is its head.
pub(super) fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str("<table>\n<tr>");
    for name in head {
        let _ = write!(out, "<th>{}</th>", escape(name));
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(&cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

/// A paragraph of text.
pub(super) fn paragraph(out: &mut String, class: &str, text: &str) {
    let _ = writeln!(out, "<p class=\"{class}\">{}</p>", escape(text));
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
pub(super) fn short(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".into();
    }
    let digits = if value == 0.0 { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize };
    format!("{value:.digits$}")
}
