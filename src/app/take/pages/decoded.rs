//! What the decoder draws, as sheets: a manifold, one image, a film.

use super::source;
use crate::app::state::State;
use crate::app::take::Taken;
use crate::library::drawing::picture::Sheet;
use crate::library::drawing::{Drawing, Ink, Table};
use crate::worker::message::{PreviewImages, PreviewRequest};

/// One pixel of a patch in its unit; nothing where patches differ in scale.
pub fn patch_pixel(state: &State) -> Option<(f64, &'static str)> {
    let patch = state.geometry();
    let side = patch.side.max(1) as f64;
    let sizes: Vec<Option<f64>> =
        state.project.micrographs.iter().map(|entry| entry.pixel_size.map(|size| size.x_nm)).collect();
    let known: Option<Vec<f64>> = sizes.iter().copied().collect();
    match (patch.extent_nm, known) {
        (Some(nm), Some(_)) => Some((nm / side, "nm")),
        (Some(_), None) if sizes.iter().any(Option::is_some) => None,
        (None, Some(known)) => {
            let first = *known.first()?;
            let same = known.iter().all(|nm| (nm - first).abs() < 1e-6 * first);
            same.then_some((patch.extent_px * first / side, "nm"))
        }
        _ => Some((patch.extent_px / side, "px")),
    }
}

/// The colour of a tile's frame: how many particles lie there, of the most that lie on any.
pub fn crowd_ink(n: usize, most: usize) -> Ink {
    if n == 0 {
        return [70, 72, 76, 255];
    }
    // The root, so that few are seen, too.
    let c = colorous::VIRIDIS.eval_continuous((n as f64 / most.max(1) as f64).sqrt());
    [c.r, c.g, c.b, 255]
}

/// Decoder images on a sheet: a manifold with its axes and, if given, the particles on each tile; or one image.
pub fn decoded(state: &State, images: &PreviewImages, class: &str, density: Option<&[usize]>) -> Taken {
    let mut sheet = Sheet {
        side: images.side,
        columns: 1,
        pixels: images.images.clone(),
        pixel: patch_pixel(state),
        ..Sheet::default()
    };
    match &images.request {
        PreviewRequest::Manifold { axes, per_side, ranges, .. } => {
            sheet.columns = *per_side;
            (sheet.across, sheet.up) = (format!("z{}", axes.0 + 1), format!("z{}", axes.1 + 1));
            let [[left, right], [low, high]] = *ranges;
            sheet.ends = [left, right, low, high].map(|v| format!("{v:.2}"));
            let most = density.and_then(|counts| counts.iter().max()).copied().unwrap_or(0);
            let framed = density.filter(|_| most > 0);
            sheet.frames =
                framed.map_or_else(Vec::new, |counts| counts.iter().map(|n| crowd_ink(*n, most)).collect());
            let frames = framed.map_or_else(String::new, |_| {
                format!(" Frames: how many of its particles lie there, none (grey) to {most} (yellow).")
            });
            sheet.caption = format!(
                "{class} as the model draws it over two latents, over the range of its particles.{frames} {}",
                source(state)
            );
        }
        PreviewRequest::At { latents, angle_rad, scale, .. } => {
            sheet.caption = format!(
                "{class} as the model draws it at {}, turned by {:.0}°, scale {scale:.2}. {}",
                latents_text(latents),
                angle_rad.to_degrees(),
                source(state)
            );
        }
        PreviewRequest::Film { codes, .. } => {
            sheet.columns = 6;
            sheet.caption = format!("{class} in {} steps. {}", codes.len(), source(state));
        }
    }
    Taken { page: sheet.draw(), table: pixels(images) }
}

/// "z1 = 0.50, z2 = -1.00".
fn latents_text(latents: &[f32]) -> String {
    let one = |(i, v): (usize, &f32)| format!("z{} = {v:.2}", i + 1);
    latents.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

/// Every pixel of every image: which image, where in it, how bright.
fn pixels(images: &PreviewImages) -> Table {
    let mut table = Table::new(&["image", "x_px", "y_px", "intensity"]);
    let (side, size) = (images.side, (images.side * images.side).max(1));
    for (i, value) in images.images.iter().enumerate() {
        let (image, at) = (i / size, i % size);
        let cells = [image, at % side, at / side].map(|v| v.to_string());
        table.rows.push(cells.into_iter().chain([format!("{value:.5}")]).collect());
    }
    table
}

/// The pages of a film; each says in the same words where it stands.
pub fn film(state: &State, images: &PreviewImages, caption: &str) -> Vec<Drawing> {
    let PreviewRequest::Film { codes, .. } = &images.request else { return Vec::new() };
    let size = (images.side * images.side).max(1);
    let frame = |(code, pixels): (&Vec<f32>, &[f32])| {
        let sheet = Sheet {
            side: images.side,
            columns: 1,
            pixels: pixels.into(),
            pixel: patch_pixel(state),
            across: latents_text(code),
            caption: format!("{caption} {}", source(state)),
            ..Sheet::default()
        };
        sheet.draw()
    };
    codes.iter().zip(images.images.chunks_exact(size)).map(frame).collect()
}
