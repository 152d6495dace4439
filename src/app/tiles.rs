//! Textures of the micrograph on screen: square tiles of the level that fits the zoom, made when first seen.
//!
//! No texture is larger than [`TILE`], so a picture may be larger than any graphics card's limit; a few tiles are
//! made a frame, coarser ones stand in until the rest is there, so that a pan never waits.

use super::picture::Picture;
use super::shades::Shades;
use crate::project::Tone;
use egui::{Color32, ColorImage, Mesh, Rect, Shape, TextureFilter, TextureHandle, TextureOptions, pos2};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Side of a tile in its level's pixels.
pub const TILE: usize = 512;
/// Tiles kept; 512 x 512 x 4 bytes each.
const KEPT: usize = 192;
/// Time for making tiles in one frame; the rest of it belongs to everything else that is drawn.
const BUDGET: Duration = Duration::from_millis(3);

/// Magnified pixels are squares; a picture that is made smaller is smoothed.
const CRISP: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: egui::TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    level: usize,
    row: usize,
    column: usize,
}

/// The tiles of one picture.
#[derive(Default)]
pub struct Tiles {
    made: BTreeMap<Key, Made>,
    shown: Option<((f32, f32), Tone)>,
    /// How long the last tile took.
    cost: Duration,
    /// Grows when black, white or colours change: tiles of an older look stand in until they are made anew.
    look: u64,
    frame: u64,
}

struct Made {
    texture: TextureHandle,
    /// The look it was made with, and the frame it was last drawn in.
    look: u64,
    used: u64,
}

/// Where the picture lies on screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Screen position of the top-left corner of the top-left pixel.
    pub origin: egui::Pos2,
    /// Points per micrograph pixel, > 0.
    pub zoom: f32,
}

impl Tiles {
    /// Throws all tiles away, for another picture.
    pub fn clear(&mut self) {
        self.made.clear();
    }

    /// Draws the part of the picture that the painter shows, with grey values of `range` from black to white.
    ///
    /// After a change of contrast only the tiles in sight are made anew, a few a frame; the others when they are seen.
    pub fn paint(
        &mut self,
        painter: &egui::Painter,
        picture: &Picture,
        place: Placement,
        range: (f32, f32),
        tone: Tone,
    ) {
        if self.shown != Some((range, tone)) {
            self.shown = Some((range, tone));
            self.look += 1;
        }
        self.frame += 1;
        let pixels = place.zoom * painter.pixels_per_point();
        let fine = ((1.0 / pixels).log2().ceil().max(0.0) as usize).min(picture.levels() - 1);
        let coarse = picture.levels() - 1;
        let (start, mut one, mut late) = (Instant::now(), false, false);
        // Only made when a tile is.
        let mut shades: Option<Shades> = None;
        // The coarsest level is small: made at once, it stands in for what is still missing.
        for level in [coarse, fine] {
            let size = picture.size(level);
            for key in visible(size, level, place, painter.clip_rect()) {
                if self.made.get(&key).is_none_or(|made| made.look != self.look) {
                    let before = start.elapsed();
                    if level == coarse || !one || before + self.cost < BUDGET {
                        let shades = shades.get_or_insert_with(|| Shades::new(range, tone));
                        self.make(painter, picture, key, shades);
                        self.cost = start.elapsed() - before;
                        one = true;
                    } else {
                        late = true;
                    }
                }
                if let Some(made) = self.made.get_mut(&key) {
                    made.used = self.frame;
                    painter.add(textured(&made.texture, on_screen(size, key, place)));
                }
            }
            if fine == coarse {
                break;
            }
        }
        if late {
            painter.ctx().request_repaint();
        }
        self.forget_old();
    }

    fn make(&mut self, painter: &egui::Painter, picture: &Picture, key: Key, shades: &Shades) {
        let image = image(picture, key, shades);
        let (look, used) = (self.look, self.frame);
        match self.made.get_mut(&key) {
            Some(made) => {
                made.texture.set(image, CRISP);
                made.look = look;
            }
            None => {
                let texture = painter.ctx().load_texture("micrograph tile", image, CRISP);
                self.made.insert(key, Made { texture, look, used });
            }
        }
    }

    fn forget_old(&mut self) {
        if self.made.len() > KEPT {
            let mut ages: Vec<u64> = self.made.values().map(|made| made.used).collect();
            ages.sort_unstable();
            let oldest = ages[ages.len() - KEPT / 2];
            let frame = self.frame;
            self.made.retain(|_, made| made.used >= oldest || made.used == frame);
        }
    }
}

/// The tiles of a level that a rectangle of the screen shows.
fn visible((width, height): (usize, usize), number: usize, place: Placement, clip: Rect) -> Vec<Key> {
    let side = (TILE << number) as f32 * place.zoom;
    let span = |from: f32, to: f32, count: usize| {
        let first = (from / side).floor().max(0.0) as usize;
        let last = (to / side).ceil().max(0.0) as usize;
        first..last.min(count)
    };
    let columns = span(clip.min.x - place.origin.x, clip.max.x - place.origin.x, width.div_ceil(TILE));
    let rows = span(clip.min.y - place.origin.y, clip.max.y - place.origin.y, height.div_ceil(TILE));
    rows.flat_map(|row| columns.clone().map(move |column| Key { level: number, row, column })).collect()
}

fn on_screen((width, height): (usize, usize), key: Key, place: Placement) -> Rect {
    let step = (1_usize << key.level) as f32 * place.zoom;
    let edge = |tile: usize, size: usize| {
        let from = tile * TILE;
        (from as f32 * step, (from + TILE).min(size) as f32 * step)
    };
    let (left, right) = edge(key.column, width);
    let (top, bottom) = edge(key.row, height);
    Rect::from_min_max(place.origin + egui::vec2(left, top), place.origin + egui::vec2(right, bottom))
}

fn image(picture: &Picture, key: Key, shades: &Shades) -> ColorImage {
    let (width, height) = picture.size(key.level);
    let (x0, y0) = (key.column * TILE, key.row * TILE);
    let (x1, y1) = ((x0 + TILE).min(width), (y0 + TILE).min(height));
    let mut pixels = Vec::with_capacity((x1 - x0) * (y1 - y0));
    let mut row = Vec::with_capacity(x1 - x0);
    for y in y0..y1 {
        picture.row(key.level, y, x0..x1, &mut row);
        pixels.extend(row.iter().map(|value| shades.of(*value)));
    }
    ColorImage::new([x1 - x0, y1 - y0], pixels)
}

fn textured(texture: &TextureHandle, rect: Rect) -> Shape {
    let mut mesh = Mesh::with_texture(texture.id());
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    mesh.add_rect_with_uv(rect, whole, Color32::WHITE);
    Shape::mesh(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiles_on_screen_are_asked_for() {
        let level = (8192, 8192);
        let place = Placement { origin: pos2(-1000.0, 0.0), zoom: 1.0 };
        let clip = Rect::from_min_max(pos2(0.0, 0.0), pos2(600.0, 400.0));
        let keys: Vec<_> = visible(level, 0, place, clip).iter().map(|k| (k.row, k.column)).collect();
        assert_eq!(keys, [(0, 1), (0, 2), (0, 3)]);
    }

    #[test]
    fn tiles_meet_without_a_gap() {
        let level = (1000, 700);
        let place = Placement { origin: pos2(3.0, 5.0), zoom: 0.37 };
        let left = on_screen(level, Key { level: 1, row: 0, column: 0 }, place);
        let right = on_screen(level, Key { level: 1, row: 0, column: 1 }, place);
        assert!((left.max.x - right.min.x).abs() < 1e-3);
        assert!((right.max.x - (3.0 + 2000.0 * 0.37)).abs() < 1e-2);
    }
}
