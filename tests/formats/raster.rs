//! PNG, JPEG and BMP.

use super::write::{opened, refused};
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, Rgba};
use std::io::Cursor;

pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// 5 x 3 pixels that differ.
pub fn grey8() -> DynamicImage {
    DynamicImage::ImageLuma8(ImageBuffer::from_fn(5, 3, |x, y| Luma([(x * 3 + y * 50) as u8])))
}

#[test]
fn grey_keeps_its_values() {
    let want: Vec<f32> = (0..15).map(|i| ((i % 5) * 3 + (i / 5) * 50) as f32).collect();
    for (name, format) in [("a.png", ImageFormat::Png), ("a.bmp", ImageFormat::Bmp)] {
        let bytes = encoded(&grey8(), format);
        for name in [name, "a.tif", "a"] {
            let m = opened(name, &bytes);
            assert_eq!((m.width, m.height), (5, 3));
            assert_eq!(*m.pixels, *want, "{name}");
            assert_eq!(m.pixel_size, None);
        }
    }
    let deep = ImageBuffer::from_fn(5, 3, |x, y| Luma([(x * 13_000 + y) as u16]));
    let m = opened("a.png", &encoded(&DynamicImage::ImageLuma16(deep), ImageFormat::Png));
    assert_eq!((m.pixel(4, 2), m.pixel(0, 1)), (Some(52_002.0), Some(1.0)));
}

#[test]
fn colour_becomes_luminance_and_alpha_is_left_out() {
    let rgb = ImageBuffer::from_fn(2, 1, |x, _| if x == 0 { Rgb([200_u8, 100, 50]) } else { Rgb([91; 3]) });
    let rgba =
        ImageBuffer::from_fn(2, 1, |x, _| if x == 0 { Rgba([200_u8, 100, 50, 3]) } else { Rgba([91; 4]) });
    let deep = ImageBuffer::from_fn(2, 1, |x, _| if x == 0 { Rgb([200_u16, 100, 50]) } else { Rgb([91; 3]) });
    for (picture, format) in [
        (DynamicImage::ImageRgb8(rgb.clone()), ImageFormat::Png),
        (DynamicImage::ImageRgb8(rgb), ImageFormat::Bmp),
        (DynamicImage::ImageRgba8(rgba), ImageFormat::Png),
        (DynamicImage::ImageRgb16(deep), ImageFormat::Png),
    ] {
        let m = opened("c.png", &encoded(&picture, format));
        assert!((m.pixels[0] - (0.2126 * 200.0 + 0.7152 * 100.0 + 0.0722 * 50.0)).abs() < 1e-3);
        assert_eq!(m.pixels[1], 91.0);
    }
    let alpha = ImageBuffer::from_fn(2, 1, |x, _| LumaA([x as u8 * 7, 100]));
    let m = opened("la.png", &encoded(&DynamicImage::ImageLumaA8(alpha), ImageFormat::Png));
    assert_eq!(*m.pixels, [0.0, 7.0]);
}

#[test]
fn jpeg_opens_to_within_its_losses() {
    let smooth = ImageBuffer::from_fn(40, 24, |x, y| Luma([(3 * x + 4 * y) as u8]));
    let m = opened("a.jpg", &encoded(&DynamicImage::ImageLuma8(smooth), ImageFormat::Jpeg));
    assert_eq!((m.width, m.height), (40, 24));
    for (i, v) in m.pixels.iter().enumerate() {
        assert!((v - (3 * (i % 40) + 4 * (i / 40)) as f32).abs() < 12.0, "pixel {i} is {v}");
    }
}

#[test]
fn a_jpeg_cut_anywhere_is_refused_though_its_decoder_would_paint_the_rest_grey() {
    let noise =
        ImageBuffer::from_fn(64, 64, |x, y| Luma([(x.wrapping_mul(2_654_435_761) ^ (y * 7919)) as u8]));
    let bytes = encoded(&DynamicImage::ImageLuma8(noise), ImageFormat::Jpeg);
    for cut in 3..bytes.len() {
        let error = refused("cut.jpg", &bytes[..cut]);
        assert!(error.contains("JPEG"), "{error}");
    }
}

#[test]
fn a_png_that_promises_more_than_the_file_holds_is_refused() {
    let mut bytes = encoded(&grey8(), ImageFormat::Png);
    for (width, height) in [(20_000_u32, 20_000_u32), (100_000, 100_000), (u32::MAX, 3)] {
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        let error = refused("lie.png", &bytes);
        assert!(error.contains("PNG"), "{error}");
    }
}
