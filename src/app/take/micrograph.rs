//! The part of the micrograph that is looked at for print: its grey values, the particles, a scale bar.

use super::super::picture::Picture;
use super::super::shades::Shades;
use super::super::state::{State, count};
use super::super::theme::Marker;
use super::Taken;
use crate::library::drawing::{Anchor, Drawing, Ink, Item, TEXT, Table, cell, width};
use crate::particle::{Class, Particle};
use crate::project::{Colours, MicrographEntry};
use egui::{Color32, Pos2, Rect, pos2};

/// Width of the picture on the page, points, and pixels to a point.
const WIDE: f32 = 440.0;
const FINE: f32 = 3.0;

/// `part` is the visible part in pixels of the micrograph.
pub fn taken(state: &State, picture: &Picture, entry: &MicrographEntry, part: Rect) -> Taken {
    let whole =
        Rect::from_min_max(pos2(-0.5, -0.5), pos2(entry.width as f32 - 0.5, entry.height as f32 - 0.5));
    let part = part.intersect(whole);
    let part = if part.is_positive() { part } else { whole };
    // A high and narrow part is made no larger than the page.
    let zoom = (WIDE / part.width()).min(1.4 * WIDE / part.height());
    let size = [part.width() * zoom, part.height() * zoom];
    let mut page = Drawing {
        width: size[0].max(200.0) + 20.0,
        height: size[1] + 10.0,
        title: entry.file_name(),
        ..Drawing::default()
    };
    let corner = [10.0, 10.0];
    let (columns, pixels) = shaded(picture, entry, part, size);
    page.items.push(if entry.tone.colours == Colours::Grey {
        let grey = pixels.iter().map(Color32::r).collect();
        Item::Picture { corner, size, columns, grey }
    } else {
        let rgb = pixels.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect();
        Item::Photo { corner, size, columns, rgb }
    });
    let mut table =
        Table::new(&["particle", "x_px", "y_px", "x_nm", "y_nm", "label", "predicted", "probability"]);
    let usual = state.project.usual_diameter(entry.id) / 2.0;
    for particle in state.project.particles_on(entry.id) {
        table.rows.push(row(state, entry, particle));
        let at = pos2(particle.x, particle.y);
        let Some((class, solid)) = class_of(state, particle) else { continue };
        if part.contains(at) && !state.hidden.contains(&class.id) {
            let radius = particle.diameter.map_or(usual, |d| d / 2.0) * zoom;
            let centre =
                pos2(corner[0] + (at.x - part.left()) * zoom, corner[1] + (at.y - part.top()) * zoom);
            outline(&mut page, class, centre, radius.clamp(3.0, (0.5 * size[0]).max(3.0)), solid);
        }
    }
    let (pixel, unit) = entry.pixel_size.map_or((1.0, "px"), |nm| (nm.x_nm, "nm"));
    page.scale_bar(corner, size, pixel / f64::from(zoom), unit);
    page.height += 6.0;
    legend(&mut page, state);
    page.caption(&format!(
        "{}, {}. Solid: labelled by a person; dashed: the model's. {}",
        entry.file_name(),
        count(table.rows.len(), "particle"),
        super::pages::source(state)
    ));
    Taken { page, table }
}

/// The pixels as they are shown, row by row, and how many stand in a row.
fn shaded(picture: &Picture, entry: &MicrographEntry, part: Rect, [w, h]: [f32; 2]) -> (usize, Vec<Color32>) {
    let shades = Shades::new(picture.range(entry.contrast), entry.tone);
    // The copy of the picture that has about the pixels of the page.
    let scale = part.width() / (w * FINE);
    let level = (scale.max(1.0).log2().floor() as usize).min(picture.levels() - 1);
    let step = (1_usize << level) as f32;
    let (columns, rows) = ((w * FINE).ceil() as usize, (h * FINE).ceil() as usize);
    let (wide, high) = picture.size(level);
    let place = |i: usize, n: usize, from: f32, long: f32, most: usize| {
        let at = from + 0.5 + (i as f32 + 0.5) / n as f32 * long;
        ((at / step).max(0.0) as usize).min(most - 1)
    };
    let (mut pixels, mut line) = (Vec::with_capacity(columns * rows), Vec::new());
    for row in 0..rows {
        picture.row(level, place(row, rows, part.top(), part.height(), high), 0..wide, &mut line);
        let value = |column| line[place(column, columns, part.left(), part.width(), wide)];
        pixels.extend((0..columns).map(|column| shades.of(value(column))));
    }
    (columns, pixels)
}

/// The class of a particle and whether a person gave it.
fn class_of<'a>(state: &'a State, particle: &Particle) -> Option<(&'a Class, bool)> {
    if let Some(class) = particle.label.and_then(|label| state.project.class(label)) {
        return Some((class, true));
    }
    let results = state.results.as_ref()?;
    let (best, _) = results.best(results.of(particle.id)?);
    Some((state.project.class(best?)?, false))
}

fn ink(class: &Class) -> Ink {
    let [r, g, b] = class.colour;
    [r, g, b, 255]
}

fn outline(page: &mut Drawing, class: &Class, centre: Pos2, radius: f32, solid: bool) {
    let mut corners: Vec<[f32; 2]> =
        Marker::of(class.id).corners(centre, radius).iter().map(|p| [p.x, p.y]).collect();
    corners.extend(corners.first().copied());
    page.line(corners.clone(), 2.4, [0, 0, 0, 150]);
    if solid { page.line(corners, 1.2, ink(class)) } else { page.dashes(corners, 1.2, ink(class)) }
}

fn legend(page: &mut Drawing, state: &State) {
    let mut left = 14.0;
    page.height += 1.6 * TEXT;
    for class in state.project.classes.iter().filter(|class| !state.hidden.contains(&class.id)) {
        if left + 20.0 + width(&class.name) > page.width {
            (left, page.height) = (14.0, page.height + 1.6 * TEXT);
        }
        let base = page.height - 0.5 * TEXT;
        let corners = Marker::of(class.id).corners(pos2(left + 4.0, base - 0.35 * TEXT), 4.0);
        let corners = corners.iter().map(|p| [p.x, p.y]).collect();
        page.items.push(Item::Area { corners, ink: ink(class) });
        page.text([left + 12.0, base], Anchor::Start, class.name.as_str());
        left += 30.0 + width(&class.name);
    }
}

fn row(state: &State, entry: &MicrographEntry, particle: &Particle) -> Vec<String> {
    let nm = |v: f32, axis: usize| {
        let size = entry.pixel_size.map(|size| [size.x_nm, size.y_nm][axis]);
        cell(size.map_or(f64::NAN, |nm| f64::from(v) * nm))
    };
    let label = particle.label.map_or("", |label| state.class_name(label)).to_owned();
    let best = state.results.as_ref().and_then(|r| Some(r.best(r.of(particle.id)?)));
    let (predicted, p) = match best {
        Some((class, p)) => (class.map_or("", |class| state.class_name(class)).to_owned(), p.to_string()),
        None => (String::new(), String::new()),
    };
    let [x, y] = [particle.x, particle.y];
    vec![particle.id.0.to_string(), x.to_string(), y.to_string(), nm(x, 0), nm(y, 1), label, predicted, p]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micrograph::Micrograph;

    #[test]
    fn the_visible_part_alone_is_drawn_with_what_lies_in_it() {
        let pixels: Vec<f32> = (0..100 * 80).map(|i| (i % 100) as f32).collect();
        let picture = Picture::new(Micrograph::new(100, 80, pixels, None).unwrap());
        let mut state = State::default();
        let mut entry = MicrographEntry::new("/a.png", 0, 100, 80, None, "00");
        entry.contrast = (0.0, 100.0);
        let (micrograph, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
        let (class, edit) = state.project.add_class_edit("rod");
        state.change("add class", edit).unwrap();
        for x in [10.0, 70.0] {
            let (_, edit) = state.project.add_particle_edit(micrograph, x, 40.0, Some(class));
            state.change("add particle", edit).unwrap();
        }
        let mut entry = state.project.micrographs[0].clone();
        let part = Rect::from_min_max(pos2(49.5, -20.0), pos2(500.0, 500.0));
        let taken = taken(&state, &picture, &entry, part);
        assert_eq!(taken.table.rows.len(), 2, "the numbers are of the whole micrograph");
        let lines = taken.page.items.iter().filter(|i| matches!(i, Item::Line { .. })).count();
        assert_eq!(lines, 2, "one particle, outlined twice");
        let Some(Item::Picture { grey, columns, .. }) = taken.page.items.first() else {
            panic!("no picture")
        };
        assert!(
            (127..=131).contains(&grey[0]) && grey[columns - 1] == 255,
            "{} {}",
            grey[0],
            grey[columns - 1]
        );
        // Its colours leave with it.
        entry.tone.colours = Colours::Viridis;
        let taken = super::taken(&state, &picture, &entry, part);
        let Some(Item::Photo { rgb, columns, .. }) = taken.page.items.first() else {
            panic!("no picture in colour")
        };
        let last = &rgb[3 * (columns - 1)..3 * columns];
        assert_eq!(last, [253, 231, 37], "viridis ends in yellow");
    }
}
