//! A map as textures over the picture, made once for each of its revisions and then only drawn.

use super::field::Grid;
use crate::app::tiles::Placement;
use egui::{
    Color32, ColorImage, Context, Mesh, Painter, Rect, Shape, TextureFilter, TextureHandle, TextureOptions,
    pos2,
};
use rayon::prelude::*;

/// Side of a texture at most; no graphics card takes less.
const LARGEST: usize = 2048;

/// Magnified values are squares; a map that is made smaller is smoothed.
pub const CRISP: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    wrap_mode: egui::TextureWrapMode::ClampToEdge,
    mipmap_mode: None,
};

/// One layer of colours on a grid of the image.
#[derive(Default)]
pub struct Layer {
    grid: Option<Grid>,
    parts: Vec<Part>,
}

struct Part {
    /// Columns and rows of the grid.
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    texture: TextureHandle,
}

impl Layer {
    /// Colours the layer anew: `colour` of the value with this index.
    pub fn set(&mut self, ctx: &Context, grid: Grid, colour: impl Fn(usize) -> Color32 + Sync) {
        if self.grid.is_none_or(|old| (old.width, old.height) != (grid.width, grid.height)) {
            self.parts.clear();
        }
        self.grid = Some(grid);
        let mut place = 0;
        for y in (0..grid.height).step_by(LARGEST) {
            for x in (0..grid.width).step_by(LARGEST) {
                let (width, height) = (LARGEST.min(grid.width - x), LARGEST.min(grid.height - y));
                let mut pixels = vec![Color32::TRANSPARENT; width * height];
                pixels.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
                    let first = (y + row) * grid.width + x;
                    out.iter_mut().enumerate().for_each(|(i, out)| *out = colour(first + i));
                });
                let image = ColorImage::new([width, height], pixels);
                match self.parts.get_mut(place) {
                    Some(part) => part.texture.set(image, CRISP),
                    None => {
                        let texture = ctx.load_texture("map layer", image, CRISP);
                        self.parts.push(Part { x, y, width, height, texture });
                    }
                }
                place += 1;
            }
        }
    }

    /// Shows nothing until it is coloured again.
    pub fn clear(&mut self) {
        self.grid = None;
        self.parts.clear();
    }

    /// Draws it where it lies on the picture; `tint` fades it.
    pub fn paint(&self, painter: &Painter, place: Placement, tint: Color32) {
        let Some(grid) = self.grid else { return };
        let corner = |x: usize, y: usize| {
            let at = |i: usize, n: usize| (grid.origin[i] + grid.step * (n as f64 - 0.5)) as f32;
            place.to_screen(at(0, x), at(1, y))
        };
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        for part in &self.parts {
            let rect =
                Rect::from_min_max(corner(part.x, part.y), corner(part.x + part.width, part.y + part.height));
            if rect.intersects(painter.clip_rect()) {
                let mut mesh = Mesh::with_texture(part.texture.id());
                mesh.add_rect_with_uv(rect, whole, tint);
                painter.add(Shape::mesh(mesh));
            }
        }
    }
}

/// White of this opacity: what textures are multiplied by.
pub fn faded(opacity: f32) -> Color32 {
    Color32::from_white_alpha((255.0 * opacity.clamp(0.0, 1.0)).round() as u8)
}
