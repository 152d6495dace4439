//! Decoder images as textures.

use crate::worker::message::{PreviewImages, PreviewRequest};
use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};
use std::sync::Arc;

/// A texture and what it was made from.
#[derive(Default)]
pub struct Shown {
    of: Option<(Arc<[f32]>, usize)>,
    pub texture: Option<TextureHandle>,
}

impl Shown {
    /// Shows the images side by side, or the one in place `at` of a film.
    pub fn update(&mut self, ctx: &Context, images: &PreviewImages, at: usize) {
        if self.of.as_ref().is_some_and(|(of, place)| Arc::ptr_eq(of, &images.images) && *place == at) {
            return;
        }
        self.of = Some((images.images.clone(), at));
        let Some(picture) = mosaic(images, at) else { return };
        match &mut self.texture {
            Some(texture) => texture.set(picture, TextureOptions::LINEAR),
            None => self.texture = Some(ctx.load_texture("decoder", picture, TextureOptions::LINEAR)),
        }
    }
}

/// The images side by side, the first row on top. `None` if there are too few.
fn mosaic(images: &PreviewImages, first: usize) -> Option<ColorImage> {
    let side = images.side;
    let count = images.images.len().checked_div(side * side)?;
    let (per_side, first) = match images.request {
        PreviewRequest::Manifold { per_side, .. } => (per_side, 0),
        PreviewRequest::At { .. } => (1, 0),
        PreviewRequest::Film { .. } => (1, first),
    };
    if per_side == 0 || count < first + per_side * per_side {
        return None;
    }
    let wide = side * per_side;
    let mut out = ColorImage::filled([wide, wide], Color32::BLACK);
    for tile in 0..per_side * per_side {
        let (row, column) = (tile / per_side, tile % per_side);
        let top = row * side;
        for y in 0..side {
            for x in 0..side {
                let value = images.images[((first + tile) * side + y) * side + x];
                let grey = Color32::from_gray((value.clamp(0.0, 1.0) * 255.0) as u8);
                out.pixels[(top + y) * wide + column * side + x] = grey;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_stand_row_by_row() {
        let request =
            PreviewRequest::Manifold { class: 0, axes: (0, 1), per_side: 2, ranges: [[-1.0, 1.0]; 2] };
        let images: Vec<f32> = [0.0, 0.25, 0.5, 1.0].into_iter().flat_map(|v| [v; 4]).collect();
        let picture = mosaic(&PreviewImages { request, side: 2, images: images.clone().into() }, 0).unwrap();
        let greys: Vec<u8> = picture.pixels.iter().map(Color32::r).collect();
        assert_eq!(greys, [0, 0, 63, 63, 0, 0, 63, 63, 127, 127, 255, 255, 127, 127, 255, 255]);
        let film = PreviewRequest::Film {
            class: 0,
            codes: vec![vec![0.0]; 4],
            angle_rad: 0.0,
            shift: [0.0; 2],
            scale: 1.0,
        };
        let images = PreviewImages { request: film, side: 2, images: images.into() };
        assert!(mosaic(&images, 2).unwrap().pixels.iter().all(|p| p.r() == 127));
        assert!(mosaic(&images, 4).is_none());
    }

    #[test]
    fn too_few_images_are_no_picture() {
        let request =
            PreviewRequest::Manifold { class: 0, axes: (0, 1), per_side: 2, ranges: [[-1.0, 1.0]; 2] };
        assert!(mosaic(&PreviewImages { request, side: 2, images: vec![0.0; 4].into() }, 0).is_none());
    }
}
