//! Grey pictures on paper: tiles with names on their sides, a scale bar, a caption.

use super::{Anchor, Drawing, Ink, Item, TEXT};
use std::sync::Arc;

/// Square pictures in rows on one page.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// Side of a picture, pixels.
    pub side: usize,
    /// Pictures in a row.
    pub columns: usize,
    /// `[count, side, side]`, 0..=1, row by row from the top left.
    pub pixels: Arc<[f32]>,
    /// One pixel in a unit, if it is known.
    pub pixel: Option<(f64, &'static str)>,
    /// Names and ranges of the two directions, where tiles stand for values: left, right, bottom, top.
    pub across: String,
    pub up: String,
    pub ends: [String; 4],
    /// Drawn round each picture, where their colours say something.
    pub frames: Vec<Ink>,
    /// Written over each picture, where they have names.
    pub names: Vec<String>,
    pub caption: String,
}

/// The longer side of the pictures on the page, points.
const SIDE: f32 = 380.0;
/// Width of a frame, points.
const FRAME: f32 = 2.0;

impl Sheet {
    /// The pictures on a page of their own.
    pub fn draw(&self) -> Drawing {
        let size = (self.side * self.side).max(1);
        let count = self.pixels.len() / size;
        let columns = self.columns.clamp(1, count.max(1));
        let rows = count.div_ceil(columns).max(1);
        let tile = SIDE / columns.max(rows) as f32;
        let over = if self.names.is_empty() { 0.0 } else { 1.8 * TEXT };
        let [w, h] = [tile * columns as f32, (tile + over) * rows as f32];
        let left = if self.up.is_empty() { 10.0 } else { 20.0 + 1.6 * TEXT };
        let mut page = Drawing {
            width: (left + w + 10.0).max(220.0),
            height: 10.0 + h,
            title: self.caption.clone(),
            ..Drawing::default()
        };
        for (i, pixels) in self.pixels.chunks_exact(size).enumerate() {
            let grey: Vec<u8> = pixels.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
            let corner =
                [left + (i % columns) as f32 * tile, 10.0 + (i / columns) as f32 * (tile + over) + over];
            if let Some(name) = self.names.get(i) {
                page.text([corner[0] + 2.0, corner[1] - 0.5 * TEXT], Anchor::Start, name.as_str());
            }
            page.items.push(Item::Picture { corner, size: [tile; 2], columns: self.side, grey: grey.into() });
            if let Some(ink) = self.frames.get(i) {
                let [x, y] = corner.map(|v| v + FRAME / 2.0);
                let far = tile - FRAME;
                let corners = vec![[x, y], [x + far, y], [x + far, y + far], [x, y + far], [x, y]];
                page.line(corners, FRAME, *ink);
            }
        }
        if let Some((pixel, unit)) = self.pixel {
            // The bar lies in the lower left tile.
            let corner = [left, 10.0 + h - tile];
            page.scale_bar(corner, [tile.max(90.0), tile], pixel * self.side as f64 / f64::from(tile), unit);
        }
        if !self.across.is_empty() {
            let [from, to, low, high] = &self.ends;
            let under = page.height + 4.0 + TEXT;
            page.text([left, under], Anchor::Start, from.as_str());
            page.text([left + w, under], Anchor::End, to.as_str());
            page.text([left + w / 2.0, under], Anchor::Middle, self.across.as_str());
            page.height += 10.0 + TEXT;
            page.upright_text([8.0 + TEXT, 10.0 + h / 2.0], self.up.as_str());
            page.text([left - 4.0, 10.0 + h - 2.0], Anchor::End, low.as_str());
            page.text([left - 4.0, 10.0 + TEXT], Anchor::End, high.as_str());
        }
        page.caption(&self.caption);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_rows_from_the_top_left() {
        let pixels: Vec<f32> = (0..6).flat_map(|v| [v as f32 / 5.0; 4]).collect();
        let sheet = Sheet {
            side: 2,
            columns: 3,
            pixels: pixels.into(),
            pixel: Some((2.0, "nm")),
            caption: "six".into(),
            ..Sheet::default()
        };
        let page = sheet.draw();
        let tiles: Vec<([f32; 2], u8)> = page
            .items
            .iter()
            .filter_map(|i| {
                if let Item::Picture { corner, grey, .. } = i { Some((*corner, grey[0])) } else { None }
            })
            .collect();
        assert_eq!(tiles.iter().map(|t| t.1).collect::<Vec<_>>(), [0, 51, 102, 153, 204, 255]);
        assert!(tiles[1].0[0] > tiles[0].0[0] && tiles[3].0[1] > tiles[0].0[1]);
        assert_eq!(tiles[3].0[0], tiles[0].0[0]);
        // A tile is 4 nm: a bar of 1 nm is a quarter of it.
        assert!(page.items.iter().any(|i| matches!(i, Item::Text { text, .. } if text.ends_with(" nm"))));
    }
}
