//! A drawing as SVG 1.1: text stays text, pictures carry their own data.

use super::{Anchor, Drawing, Ink, Item, WHITE};
use crate::library::html::escape;
use crate::library::pictures;
use base64::Engine;
use std::fmt::Write;

/// The whole file.
pub fn svg(drawing: &Drawing) -> String {
    let Drawing { width, height, title, items } = drawing;
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{width:.1}pt\" height=\"{height:.1}pt\" viewBox=\"0 0 \
         {width:.1} {height:.1}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" {}/>\n",
        escape(title),
        fill(WHITE)
    );
    let picture = |item: &&Item| matches!(item, Item::Picture { .. } | Item::Photo { .. });
    for item in items.iter().filter(picture).chain(items.iter().filter(|item| !picture(item))) {
        write_item(&mut out, item);
    }
    out.push_str("</svg>\n");
    out
}

fn write_item(out: &mut String, item: &Item) {
    // Writing into a string does not fail.
    let _ = match item {
        Item::Line { points, width, ink, dashed } => {
            let dashes = if *dashed { " stroke-dasharray=\"4 3\"" } else { "" };
            writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"{:.3}\" stroke-width=\"{width:.2}\" \
                 stroke-linejoin=\"round\"{dashes}/>",
                corners(points),
                colour(*ink),
                opacity(*ink)
            )
        }
        Item::Area { corners: points, ink } => {
            writeln!(out, "<polygon points=\"{}\" {}/>", corners(points), fill(*ink))
        }
        Item::Disc { centre: [x, y], radius, ink } => {
            writeln!(out, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" {}/>", fill(*ink))
        }
        Item::Text { at: [x, y], size, anchor, ink, upright, text } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let turn =
                if *upright { format!(" transform=\"rotate(-90 {x:.2} {y:.2})\"") } else { String::new() };
            writeln!(
                out,
                "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size}\" text-anchor=\"{anchor}\" {}{turn}>{}</text>",
                fill(*ink),
                escape(text)
            )
        }
        Item::Picture { corner, size, columns, grey } => {
            let mut png = Vec::new();
            let rows = grey.len().checked_div(*columns).unwrap_or(0);
            let written = pictures::write_grey(grey, *columns, rows, &mut png);
            written.map_or(Ok(()), |()| image(out, *corner, *size, &png))
        }
        Item::Photo { corner, size, columns, rgb } => {
            let mut png = Vec::new();
            let rows = rgb.len().checked_div(3 * columns).unwrap_or(0);
            let written = pictures::write_colour(rgb, *columns, rows, &mut png);
            written.map_or(Ok(()), |()| image(out, *corner, *size, &png))
        }
    };
}

fn image(out: &mut String, [x, y]: [f32; 2], [w, h]: [f32; 2], png: &[u8]) -> std::fmt::Result {
    let data = base64::engine::general_purpose::STANDARD.encode(png);
    writeln!(
        out,
        "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{w:.2}\" height=\"{h:.2}\" preserveAspectRatio=\"none\" \
         style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{data}\"/>"
    )
}

fn corners(points: &[[f32; 2]]) -> String {
    points.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect::<Vec<_>>().join(" ")
}

fn fill(ink: Ink) -> String {
    format!("fill=\"{}\" fill-opacity=\"{:.3}\"", colour(ink), opacity(ink))
}

fn colour([r, g, b, _]: Ink) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn opacity([.., a]: Ink) -> f32 {
    f32::from(a) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_named_stays_text_and_pictures_lie_below() {
        let mut page = Drawing { width: 90.0, height: 40.0, title: "a<b".into(), ..Drawing::default() };
        page.text([5.0, 5.0], Anchor::Start, "<script>&");
        let grey: Vec<u8> = vec![0, 255, 128, 7, 8, 9];
        let (corner, size) = ([0.0; 2], [30.0, 20.0]);
        page.items.push(Item::Picture { corner, size, columns: 3, grey: grey.into() });
        let text = svg(&page);
        assert!(text.contains("&lt;script&gt;&amp;") && text.contains("<title>a&lt;b</title>"), "{text}");
        assert!(text.find("<image").unwrap() < text.find("<text").unwrap());
        assert!(text.ends_with("</svg>\n") && text.contains("width=\"90.0pt\""));
    }
}
