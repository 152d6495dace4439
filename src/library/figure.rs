//! A map as a picture: colours, a colour bar with its range and unit, and a scale bar.

use super::glyph;
use crate::micrograph::PixelSize;
use crate::micrograph::stats::percentiles;
use crate::order::Map;
use crate::project::atomic;
use crate::{Error, Result};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};
use std::path::Path;

/// The map's longer side in the picture is at least this long, so that text is readable beside it.
const SIDE: usize = 480;
/// A larger map is drawn with fewer pixels.
pub const LARGEST: usize = 2048;
const MARGIN: u32 = 10;
const BAR: u32 = 18;
const WHITE: Rgb<u8> = Rgb([255; 3]);
const BLACK: Rgb<u8> = Rgb([20; 3]);
/// Where a map is not known.
const UNKNOWN: Rgb<u8> = Rgb([150; 3]);

/// How values become colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// From dark to bright (viridis).
    Sequential,
    /// Blue below 0, red above; the range is made symmetric.
    Diverging,
    Grey,
}

/// What the picture shows beside the map.
#[derive(Clone, Debug)]
pub struct Style {
    pub colours: Colours,
    /// Values of the two ends of the colours; by default percentiles 1 and 99.
    pub range: Option<[f32; 2]>,
    /// Unit of the values, written over the colour bar; may be empty.
    pub unit: String,
}

/// Draws the map with its colour bar and a scale bar, whose length is a round number of nanometres, or pixels of the
/// image where their size is not known.
pub fn draw(map: &Map, pixel_size: Option<PixelSize>, style: &Style) -> RgbImage {
    draw_within(map, pixel_size, style, LARGEST)
}

/// As [`draw`], with at most so many pixels along the map's longer side where it has more.
pub fn draw_within(map: &Map, pixel_size: Option<PixelSize>, style: &Style, largest: usize) -> RgbImage {
    let range = range(map, style);
    let Fit { zoom, every, w, h, scale } = Fit::new(map.width, map.height, largest);
    let labels = ticks(range).map(|v| glyph::number(v, range[1] - range[0]));
    let text = labels.iter().map(|t| glyph::width(t, scale)).max().unwrap_or(0);
    let text = text.max(glyph::width(&style.unit, scale).saturating_sub(BAR));
    let top = glyph::height(scale) + 2 * MARGIN;
    let mut picture = RgbImage::from_pixel(w + 4 * MARGIN + BAR + text, h + top + MARGIN, WHITE);
    for y in 0..h {
        for x in 0..w {
            let [u, v] = [x, y].map(|n| n as usize / zoom * every);
            let value = map.values[v * map.width + u];
            picture.put_pixel(x + MARGIN, y + top, colour(value, range, style.colours));
        }
    }
    colour_bar(&mut picture, [w + 2 * MARGIN, top, h], range, style, &labels, scale);
    scale_bar(&mut picture, [MARGIN, top, w, h], map.step * every as f64 / zoom as f64, pixel_size, scale);
    picture
}

/// Draws values that have a colour each (`of` their place, row by row) at the size of a map, with a scale bar; `step` is in
/// pixels of the image, as in [`Map`].
pub fn paint(
    [width, height]: [usize; 2],
    step: f64,
    pixel_size: Option<PixelSize>,
    of: impl Fn(usize) -> Rgb<u8>,
    largest: usize,
) -> RgbImage {
    let Fit { zoom, every, w, h, scale } = Fit::new(width, height, largest);
    let mut picture = RgbImage::from_fn(w, h, |x, y| {
        let [u, v] = [x, y].map(|n| n as usize / zoom * every);
        of(v * width + u)
    });
    scale_bar(&mut picture, [0, 0, w, h], step * every as f64 / zoom as f64, pixel_size, scale);
    picture
}

/// One picture and, to its right, a smaller one, on white.
pub fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let width = left.width() + MARGIN + right.width();
    let mut both = RgbImage::from_pixel(width, left.height().max(right.height()), WHITE);
    for (x, y, pixel) in left.enumerate_pixels() {
        both.put_pixel(x, y, *pixel);
    }
    for (x, y, pixel) in right.enumerate_pixels() {
        both.put_pixel(left.width() + MARGIN + x, y, *pixel);
    }
    both
}

/// A picture as the bytes of a PNG file.
///
/// # Errors
/// What the encoder complains about.
pub fn png(picture: &RgbImage) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// Writes a picture as a PNG.
///
/// # Errors
/// [`Error::Io`] with `path`; the file is then as it was.
pub fn write_picture(picture: &RgbImage, path: &Path) -> Result<()> {
    let bytes = png(picture).map_err(|why| Error::io(path, "write", why))?;
    atomic::write_file(path, |to| to.write_all(&bytes))
}

/// Draws and writes a PNG; as [`draw`].
///
/// # Errors
/// [`Error::Io`] with `path`; the file is then as it was.
pub fn write_png(map: &Map, pixel_size: Option<PixelSize>, style: &Style, path: &Path) -> Result<()> {
    write_picture(&draw(map, pixel_size, style), path)
}

/// How a map of any size becomes a picture of a usual one.
struct Fit {
    /// Pixels a value takes, and values from one that is drawn to the next.
    zoom: usize,
    every: usize,
    /// Size in the picture.
    w: u32,
    h: u32,
    /// Of text.
    scale: u32,
}

impl Fit {
    fn new(width: usize, height: usize, largest: usize) -> Self {
        let longest = width.max(height);
        let (zoom, every) = (SIDE.div_ceil(longest).max(1), longest.div_ceil(largest.max(SIDE)).max(1));
        let [w, h] = [width, height].map(|n| (n.div_ceil(every) * zoom) as u32);
        Self { zoom, every, w, h, scale: (h.min(w) / 240).clamp(1, 4) }
    }
}

/// The values at the ends of the colours; never equal.
fn range(map: &Map, style: &Style) -> [f32; 2] {
    let p = percentiles(&map.values, &[1.0, 99.0]);
    let [mut low, mut high] = style.range.unwrap_or([p[0], p[1]]);
    if !(low.is_finite() && high.is_finite()) {
        [low, high] = [0.0, 1.0];
    }
    if style.colours == Colours::Diverging {
        high = low.abs().max(high.abs());
        low = -high;
    }
    if high > low { [low, high] } else { [low - 0.5, low + 0.5] }
}

/// The colour of a value.
pub fn colour(value: f32, [low, high]: [f32; 2], colours: Colours) -> Rgb<u8> {
    if !value.is_finite() {
        return UNKNOWN;
    }
    let t = f64::from(((value - low) / (high - low)).clamp(0.0, 1.0));
    let c = match colours {
        Colours::Sequential => colorous::VIRIDIS.eval_continuous(t),
        Colours::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - t),
        Colours::Grey => return Rgb([(255.0 * t).round() as u8; 3]),
    };
    Rgb([c.r, c.g, c.b])
}

/// Both ends and the middle.
fn ticks([low, high]: [f32; 2]) -> [f32; 3] {
    [low, 0.5 * (low + high), high]
}

fn colour_bar(
    picture: &mut RgbImage,
    [x0, y0, height]: [u32; 3],
    range: [f32; 2],
    style: &Style,
    labels: &[String; 3],
    scale: u32,
) {
    for y in 0..height {
        let part = 1.0 - y as f32 / (height - 1).max(1) as f32;
        let value = range[0] + part * (range[1] - range[0]);
        for x in 0..BAR {
            picture.put_pixel(x0 + x, y0 + y, colour(value, range, style.colours));
        }
    }
    let text = glyph::height(scale);
    for (i, label) in labels.iter().enumerate() {
        let y = y0 + (height - 1) * (2 - i as u32) / 2;
        fill(picture, [x0 + BAR, y, MARGIN / 2, 1], BLACK);
        let top = y.saturating_sub(text / 2).clamp(y0, (y0 + height).saturating_sub(text).max(y0));
        glyph::draw(picture, label, [x0 + BAR + MARGIN - 2, top], scale, BLACK);
    }
    glyph::draw(picture, &style.unit, [x0, MARGIN], scale, BLACK);
}

/// A bar of 1, 2 or 5 times a power of ten, about a fifth of the width, in the lower left of the map.
fn scale_bar(
    picture: &mut RgbImage,
    [x0, y0, w, h]: [u32; 4],
    image_px: f64,
    pixel_size: Option<PixelSize>,
    scale: u32,
) {
    let (unit, per_px) = pixel_size.map_or(("px", image_px), |size| ("nm", size.x_nm * image_px));
    let length = round_length(0.25 * f64::from(w) * per_px);
    let bar = ((length / per_px).round() as u32).max(1);
    let label = format!("{} {unit}", glyph::number(length as f32, length as f32));
    let thick = 2 * scale + 1;
    // A picture too low for a bar has none.
    if h < 2 * MARGIN + thick || w < 2 * MARGIN {
        return;
    }
    let bottom = y0 + h - MARGIN - thick;
    let left = x0 + MARGIN;
    fill(picture, [left - 1, bottom - 1, bar + 2, thick + 2], BLACK);
    fill(picture, [left, bottom, bar, thick], WHITE);
    let above = bottom.saturating_sub(glyph::height(scale) + 2 * scale);
    // An outline keeps white text readable on bright maps.
    for (dx, dy) in [(0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (2, 2), (0, 2), (2, 0)] {
        glyph::draw(picture, &label, [left + dx, above + dy - 1], scale, BLACK);
    }
    glyph::draw(picture, &label, [left + 1, above], scale, WHITE);
}

/// The largest of 1, 2, 5 x 10^n that is not above `most`.
pub(super) fn round_length(most: f64) -> f64 {
    let unit = 10_f64.powf(most.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|v| v * unit).find(|v| *v <= most * (1.0 + 1e-9)).unwrap_or(unit)
}

fn fill(picture: &mut RgbImage, [x0, y0, w, h]: [u32; 4], colour: Rgb<u8>) {
    for y in y0..(y0 + h).min(picture.height()) {
        for x in x0..(x0 + w).min(picture.width()) {
            picture.put_pixel(x, y, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_bar_is_as_long_as_it_says() {
        // 200 values of 2 px of 0.05 nm: 20 nm wide; a quarter is 5 nm.
        let map = Map::new(200, 100, vec![0.0; 20_000], 2.0, [0.0; 2]).unwrap();
        let style = Style { colours: Colours::Grey, range: Some([0.0, 1.0]), unit: "nm".into() };
        let picture = draw(&map, PixelSize::new(0.05, 0.05), &style);
        let zoom = 3; // 480 / 200, rounded up
        let bottom = picture.height() - MARGIN - MARGIN - 2;
        let white = (MARGIN..MARGIN + 600).filter(|&x| picture.get_pixel(x, bottom) == &WHITE).count();
        assert_eq!(white, 50 * zoom);
    }

    #[test]
    fn what_is_painted_has_its_scale_bar_and_its_key() {
        // 240 values of 0.1 nm, 24 nm wide, drawn twice as large: a bar of 5 nm is 100 pixels long.
        let black = paint([240, 120], 1.0, PixelSize::new(0.1, 0.1), |_| Rgb([0; 3]), LARGEST);
        assert_eq!(black.dimensions(), (480, 240));
        let white = |y: u32| (0..480).filter(|&x| black.get_pixel(x, y) == &WHITE).count();
        assert_eq!(white(black.height() - MARGIN - 2), 100);
        assert!((200..226).any(|y| white(y) > 0), "no length is written over the bar");
        let both = beside(&black, &RgbImage::from_pixel(30, 20, Rgb([9; 3])));
        assert_eq!(both.dimensions(), (480 + MARGIN + 30, 240));
        assert_eq!(both.get_pixel(480 + MARGIN, 19).0, [9; 3]);
        // Nothing is too thin to be drawn.
        paint([4000, 1], 1.0, None, |_| Rgb([0; 3]), 512);
    }

    #[test]
    fn colours_follow_the_values_and_the_unknown_is_grey() {
        let values = vec![-2.0, 1.0, f32::NAN, 0.0];
        let map = Map::over(2, 2, values).unwrap();
        let style = Style { colours: Colours::Diverging, range: Some([-2.0, 1.0]), unit: String::new() };
        assert_eq!(range(&map, &style), [-2.0, 2.0]);
        let [low, high] = [-2.0, 2.0].map(|v| colour(v, [-2.0, 2.0], Colours::Diverging).0);
        assert!(low[2] > low[0] && high[0] > high[2]);
        let picture = draw(&map, None, &style);
        let top = glyph::height(2) + 2 * MARGIN;
        assert_eq!(picture.get_pixel(MARGIN + 10, top + 300), &UNKNOWN);
        // Nothing known at all is a grey picture, not a crash.
        let empty = Map::over(3, 3, vec![f32::NAN; 9]).unwrap();
        draw(&empty, None, &Style { range: None, ..style });
    }

    #[test]
    fn lengths_are_round() {
        for (most, want) in [(0.7, 0.5), (1.0, 1.0), (23.0, 20.0), (499.0, 200.0), (5.0, 5.0)] {
            assert!((round_length(most) - want).abs() < 1e-9, "{most}");
        }
    }
}
