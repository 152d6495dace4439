//! A drawing as pixels, with the window's fonts and without its graphics card: shapes become triangles as on screen,
//! and the triangles are filled here.

use crate::error::{Error, Result};
use crate::library::drawing::{Anchor, Drawing, Ink, Item};
use crate::project::atomic;
use egui::epaint::{Mesh, Primitive, TextShape, Vertex};
use egui::{
    Color32, ColorImage, Context, FontId, ImageData, Painter, Pos2, Rect, Shape, Stroke, TextureId, pos2,
    vec2,
};
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use std::path::Path;
use std::sync::Arc;

/// Pixels to a point: 300 to an inch would be 4.2; this is as sharp on screens and in print.
const SHARP: f32 = 3.0;
/// A film has fewer.
pub const FILM: f32 = 1.5;

/// Writes a drawing as PNG, whole or not at all.
///
/// # Errors
/// [`Error::Io`] with `path`; the file is then as it was.
pub fn write_png(drawing: &Drawing, path: &Path) -> Result<()> {
    let picture = Raster::new().draw(drawing, SHARP);
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(|why| Error::io(path, "write", std::io::Error::other(why)))?;
    atomic::write_file(path, |to| to.write_all(&bytes))
}

/// Fonts ready for drawing.
pub struct Raster {
    ctx: Context,
    /// Letters already drawn, and a white pixel at its corner for all else.
    atlas: Arc<ColorImage>,
}

impl Raster {
    pub fn new() -> Self {
        let ctx = Context::default();
        super::super::theme::install(&ctx);
        Self { ctx, atlas: Arc::new(ColorImage::filled([1, 1], Color32::WHITE)) }
    }

    /// The drawing at so many pixels to a point.
    pub fn draw(&mut self, drawing: &Drawing, scale: f32) -> RgbImage {
        let [w, h] = [drawing.width, drawing.height].map(|v| (v * scale).ceil().clamp(1.0, 16_384.0) as u32);
        let mut picture = RgbImage::from_pixel(w, h, image::Rgb([255; 3]));
        for item in &drawing.items {
            let (corner, size, columns, bytes, channels) = match item {
                Item::Picture { corner, size, columns, grey } => (corner, size, *columns, grey, 1),
                Item::Photo { corner, size, columns, rgb } => (corner, size, *columns, rgb, 3),
                _ => continue,
            };
            let [corner, size] = [corner, size].map(|of| of.map(|v| v * scale));
            paste(&mut picture, corner, size, columns, (bytes, channels));
        }
        let mut input = egui::RawInput::default();
        let page = Rect::from_min_size(Pos2::ZERO, vec2(drawing.width, drawing.height));
        input.screen_rect = Some(page);
        if let Some(viewport) = input.viewports.get_mut(&egui::ViewportId::ROOT) {
            viewport.native_pixels_per_point = Some(scale);
        }
        let output = self.ctx.run_ui(input, |ui| {
            let painter = ui.painter().with_clip_rect(page);
            drawing.items.iter().for_each(|item| paint(&painter, item));
        });
        for delta in output.textures_delta.set.get(&TextureId::default()).into_iter().flatten() {
            self.take(delta);
        }
        for primitive in self.ctx.tessellate(output.shapes, output.pixels_per_point) {
            if let Primitive::Mesh(mesh) = primitive.primitive {
                fill(&mut picture, &mesh, scale, &self.atlas);
            }
        }
        picture
    }

    /// The fonts' texture has grown or is new.
    fn take(&mut self, delta: &egui::epaint::ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let Some([left, top]) = delta.pos else {
            self.atlas = image.clone();
            return;
        };
        let atlas = Arc::make_mut(&mut self.atlas);
        let [wide, high] = image.size;
        for y in 0..high.min(atlas.size[1].saturating_sub(top)) {
            let from = (top + y) * atlas.size[0] + left;
            let row = wide.min(atlas.size[0].saturating_sub(left));
            atlas.pixels[from..from + row].copy_from_slice(&image.pixels[y * wide..y * wide + row]);
        }
    }
}

fn colour([r, g, b, a]: Ink) -> Color32 {
    Color32::from_rgba_unmultiplied(r, g, b, a)
}

fn paint(painter: &Painter, item: &Item) {
    let points = |of: &[[f32; 2]]| of.iter().map(|[x, y]| pos2(*x, *y)).collect::<Vec<_>>();
    match item {
        Item::Line { points: corners, width, ink, dashed } => {
            let stroke = Stroke::new(*width, colour(*ink));
            if *dashed {
                painter.extend(Shape::dashed_line(&points(corners), stroke, 4.0, 3.0));
            } else {
                painter.add(Shape::line(points(corners), stroke));
            }
        }
        Item::Area { corners, ink } => {
            painter.add(Shape::convex_polygon(points(corners), colour(*ink), Stroke::NONE));
        }
        Item::Disc { centre: [x, y], radius, ink } => {
            painter.circle_filled(pos2(*x, *y), *radius, colour(*ink));
        }
        Item::Text { at: [x, y], size, anchor, ink, upright, text } => {
            let galley = painter.layout_no_wrap(text.clone(), FontId::proportional(*size), colour(*ink));
            let along = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => galley.size().x / 2.0,
                Anchor::End => galley.size().x,
            };
            // The line of the letters lies about four fifths down.
            let up = 0.8 * galley.size().y;
            let corner = if *upright { pos2(x - up, y + along) } else { pos2(x - along, y - up) };
            let mut shape = TextShape::new(corner, galley, colour(*ink));
            shape.angle = if *upright { -std::f32::consts::FRAC_PI_2 } else { 0.0 };
            painter.add(shape);
        }
        Item::Picture { .. } | Item::Photo { .. } => {}
    }
}

/// Pixels as sharp squares, `channels` bytes each: grey, or red, green and blue.
fn paste(
    picture: &mut RgbImage,
    [x0, y0]: [f32; 2],
    [w, h]: [f32; 2],
    columns: usize,
    (bytes, channels): (&[u8], usize),
) {
    let rows = bytes.len().checked_div(columns * channels).unwrap_or(0);
    if rows == 0 {
        return;
    }
    let span = |from: f32, long: f32, most: u32| {
        let first = from.round().max(0.0) as u32;
        first..((from + long).round().max(0.0) as u32).min(most)
    };
    for y in span(y0, h, picture.height()) {
        for x in span(x0, w, picture.width()) {
            let place = |at: u32, from: f32, long: f32, count: usize| {
                (((at as f32 + 0.5 - from) / long * count as f32).max(0.0) as usize).min(count - 1)
            };
            let at = (place(y, y0, h, rows) * columns + place(x, x0, w, columns)) * channels;
            let channel = |i: usize| bytes[at + i.min(channels - 1)];
            picture.put_pixel(x, y, image::Rgb([channel(0), channel(1), channel(2)]));
        }
    }
}

/// Fills the triangles of a mesh, each pixel whose centre lies in one, shared edges once.
fn fill(picture: &mut RgbImage, mesh: &Mesh, scale: f32, atlas: &ColorImage) {
    for corners in mesh.indices.chunks_exact(3) {
        let [a, b, c] = [0, 1, 2].map(|i| mesh.vertices[corners[i] as usize]);
        triangle(picture, [a, b, c], scale, atlas);
    }
}

fn triangle(picture: &mut RgbImage, mut corners: [Vertex; 3], scale: f32, atlas: &ColorImage) {
    let at = |v: &Vertex| [f64::from(v.pos.x * scale), f64::from(v.pos.y * scale)];
    let side =
        |a: [f64; 2], b: [f64; 2], p: [f64; 2]| (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
    let [a, b, c] = [0, 1, 2].map(|i| at(&corners[i]));
    let area = side(a, b, c);
    if area == 0.0 || !area.is_finite() {
        return;
    }
    if area < 0.0 {
        corners.swap(1, 2);
    }
    let (points, area) = ([0, 1, 2].map(|i| at(&corners[i])), area.abs());
    let edges = [(1, 2), (2, 0), (0, 1)].map(|(i, j)| (points[i], points[j]));
    let bound = |i: usize, most: u32| {
        let low = points.iter().map(|p| p[i]).fold(f64::INFINITY, f64::min).floor().max(0.0) as u32;
        let high = points.iter().map(|p| p[i]).fold(0.0, f64::max).ceil().max(0.0) as u32;
        low..high.min(most)
    };
    for y in bound(1, picture.height()) {
        for x in bound(0, picture.width()) {
            let p = [f64::from(x) + 0.5, f64::from(y) + 0.5];
            let parts = edges.map(|(from, to)| side(from, to, p));
            // A centre exactly on an edge belongs to the triangle below it or to its right.
            let inside = parts.iter().zip(&edges).all(|(part, (from, to))| {
                let owned = to[1] < from[1] || (to[1] == from[1] && to[0] > from[0]);
                *part > 0.0 || (*part == 0.0 && owned)
            });
            if inside {
                blend(picture, [x, y], shade(&corners, parts.map(|part| (part / area) as f32), atlas));
            }
        }
    }
}

/// Colour of the corners mixed by their parts, times the texture: red, green, blue with the opacity in them, opacity.
fn shade(corners: &[Vertex; 3], parts: [f32; 3], atlas: &ColorImage) -> [f32; 4] {
    let mut colour = [0.0; 4];
    let mut uv = [0.0; 2];
    for (corner, part) in corners.iter().zip(parts) {
        for (sum, v) in colour.iter_mut().zip(corner.color.to_array()) {
            *sum += part * f32::from(v) / 255.0;
        }
        uv = [uv[0] + part * corner.uv.x, uv[1] + part * corner.uv.y];
    }
    let texture = sample(atlas, uv);
    [0, 1, 2, 3].map(|i| colour[i] * texture[i])
}

/// The texture between its pixels.
fn sample(atlas: &ColorImage, [u, v]: [f32; 2]) -> [f32; 4] {
    let [wide, high] = atlas.size;
    let [x, y] = [u * wide as f32 - 0.5, v * high as f32 - 0.5];
    let pixel = |x: f32, y: f32| {
        let place = |at: f32, most: usize| (at.max(0.0) as usize).min(most.saturating_sub(1));
        atlas.pixels[place(y, high) * wide + place(x, wide)].to_array().map(|v| f32::from(v) / 255.0)
    };
    let ([left, top], [fx, fy]) = ([x.floor(), y.floor()], [x - x.floor(), y - y.floor()]);
    let mut out = [0.0; 4];
    for (dx, dy, part) in [
        (0.0, 0.0, (1.0 - fx) * (1.0 - fy)),
        (1.0, 0.0, fx * (1.0 - fy)),
        (0.0, 1.0, (1.0 - fx) * fy),
        (1.0, 1.0, fx * fy),
    ] {
        for (sum, v) in out.iter_mut().zip(pixel(left + dx, top + dy)) {
            *sum += part * v;
        }
    }
    out
}

fn blend(picture: &mut RgbImage, [x, y]: [u32; 2], [r, g, b, a]: [f32; 4]) {
    let under = picture.get_pixel_mut(x, y);
    for (value, over) in under.0.iter_mut().zip([r, g, b]) {
        *value = (over * 255.0 + f32::from(*value) * (1.0 - a)).round().clamp(0.0, 255.0) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::drawing::BLACK;

    fn page() -> Drawing {
        Drawing { width: 60.0, height: 40.0, ..Drawing::default() }
    }

    #[test]
    fn areas_fill_what_they_cover_and_see_through_ones_cover_once() {
        let mut page = page();
        page.area([10.0, 10.0], [20.0, 10.0], [0, 0, 0, 128]);
        let picture = Raster::new().draw(&page, 2.0);
        assert_eq!((picture.width(), picture.height()), (120, 80));
        // The diagonal between the two triangles does not show.
        for (x, y) in [(40, 30), (30, 25), (50, 35), (44, 28)] {
            assert!(
                (125..=129).contains(&picture.get_pixel(x, y).0[0]),
                "{x} {y}: {:?}",
                picture.get_pixel(x, y)
            );
        }
        assert_eq!(picture.get_pixel(10, 30).0, [255; 3]);
        assert_eq!(picture.get_pixel(40, 50).0, [255; 3]);
    }

    #[test]
    fn text_is_there_at_every_size_and_upright_text_is_taller_than_wide() {
        let mut raster = Raster::new();
        let dark = |picture: &RgbImage| {
            let [mut x, mut y] = [[u32::MAX, 0]; 2];
            for (px, py, _) in picture.enumerate_pixels().filter(|(_, _, p)| p.0[0] < 128) {
                x = [x[0].min(px), x[1].max(px)];
                y = [y[0].min(py), y[1].max(py)];
            }
            [x[1].saturating_sub(x[0]), y[1].saturating_sub(y[0])]
        };
        for scale in [1.0, 3.0] {
            let mut flat = page();
            flat.text([30.0, 20.0], Anchor::Middle, "area nm");
            let mut upright = page();
            upright.upright_text([30.0, 20.0], "area nm");
            let [w, h] = dark(&raster.draw(&flat, scale));
            assert!(w > 2 * h && h >= (4.0 * scale) as u32, "{w} x {h} at {scale}");
            let [w, h] = dark(&raster.draw(&upright, scale));
            assert!(h > 2 * w, "{w} x {h} at {scale}");
        }
    }

    #[test]
    fn pictures_are_sharp_and_lie_below() {
        let mut page = page();
        page.area([0.0, 0.0], [5.0, 40.0], BLACK);
        let (corner, size) = ([0.0, 0.0], [60.0, 40.0]);
        page.items.push(Item::Picture {
            corner,
            size,
            columns: 3,
            grey: vec![200, 100, 50, 10, 20, 30].into(),
        });
        let picture = Raster::new().draw(&page, 1.0);
        let at = |x, y| picture.get_pixel(x, y).0[0];
        assert_eq!([at(19, 0), at(20, 19), at(59, 19), at(40, 20), at(20, 39)], [200, 100, 50, 30, 20]);
        let rgb = vec![10, 20, 30, 40, 50, 60].into();
        page.items = vec![Item::Photo { corner, size, columns: 2, rgb }];
        let picture = Raster::new().draw(&page, 1.0);
        assert_eq!([picture.get_pixel(29, 10).0, picture.get_pixel(30, 10).0], [[10, 20, 30], [40, 50, 60]]);
        assert!(at(2, 2) < 40);
    }
}
