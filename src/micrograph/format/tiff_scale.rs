//! Where a TIFF states its pixel size: OME-XML, the makers of electron microscopes, ImageJ, and the resolution tags.

use super::scale::{Scale, length, quantity};
use ::tiff::decoder::Decoder;
use ::tiff::decoder::ifd::Value;
use ::tiff::tags::{Tag, Type};
use std::io::{Read, Seek};

/// The longest text that is looked through.
const MAX_TEXT: u64 = 4 << 20;
/// A pixel above this size, in nm, is a print or screen resolution: 72 dpi is 350 µm, 2,400 dpi is 10.6 µm.
const LARGEST_PIXEL: f64 = 5_000.0;

/// What the first page says of all pages: OME and ImageJ describe a stack there and nowhere else.
pub(super) struct OfStack {
    size: (u32, u32),
    scale: Scale,
}

impl OfStack {
    /// From a decoder that stands on the first page.
    pub fn read<R: Read + Seek>(decoder: &mut Decoder<R>) -> Option<Self> {
        let description = text(decoder, Tag::ImageDescription)?;
        let scale = ome(&description).or_else(|| imagej(decoder, &description))?;
        Some(Self { size: decoder.dimensions().ok()?, scale })
    }
}

/// The pixel size of the page that the decoder stands on; `stack` is for pages behind the first and holds for those of its
/// size. Text that makes no sense is as good as none.
pub(super) fn scale<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    stack: Option<OfStack>,
    notes: &mut Vec<String>,
) -> Option<Scale> {
    let description = text(decoder, Tag::ImageDescription).unwrap_or_default();
    let size = decoder.dimensions().ok();
    ome(&description)
        .or_else(|| [34680, 34682].into_iter().find_map(|tag| fei(&text(decoder, Tag::Unknown(tag))?)))
        .or_else(|| zeiss(&text(decoder, Tag::Unknown(34118))?))
        .or_else(|| imagej(decoder, &description))
        .or_else(|| stack.filter(|stack| Some(stack.size) == size).map(|stack| stack.scale))
        .or_else(|| resolution(decoder, notes))
}

/// A tag's bytes as text, be they UTF-8 or Latin-1 (Zeiss writes its µ so).
fn text<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Option<String> {
    let entry = decoder.image_ifd().find_entry(tag)?;
    if !matches!(entry.field_type(), Type::ASCII | Type::BYTE | Type::UNDEFINED) {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(entry.count().min(MAX_TEXT)).ok()?];
    decoder.image_ifd().find_tag_bytes(tag, &mut bytes, 0).ok()??;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|e| e.as_bytes().iter().map(|&b| char::from(b)).collect()))
}

/// OME-XML: `PhysicalSizeX` and `PhysicalSizeY` of the first image; micrometres unless a unit is given.
fn ome(xml: &str) -> Option<Scale> {
    let pixels = xml.get(xml.find("<Pixels").or_else(|| xml.find(":Pixels"))?..)?;
    let pixels = pixels.get(..pixels.find('>')?)?;
    // Any blank may stand before an attribute, and either kind of quotes round its value.
    let attribute = |name: &str| {
        let mut parts = pixels.match_indices(name).map(|(at, _)| pixels.split_at(at));
        let (_, rest) = parts.find(|(before, rest)| {
            before.ends_with(char::is_whitespace) && rest[name.len()..].trim_start().starts_with('=')
        })?;
        let rest = rest[name.len()..].trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Some(rest[1..].split_once(quote)?.0)
    };
    let x: f64 = attribute("PhysicalSizeX")?.trim().parse().ok()?;
    let y: f64 = attribute("PhysicalSizeY").and_then(|v| v.trim().parse().ok()).unwrap_or(x);
    let unit_x = attribute("PhysicalSizeXUnit").unwrap_or("µm");
    let unit_y = attribute("PhysicalSizeYUnit").unwrap_or(unit_x);
    let y_in_x = y * length(unit_y)?.0 / length(unit_x)?.0;
    Scale::new(x, y_in_x, unit_x, "OME-XML PhysicalSizeX")
}

/// FEI and Thermo Fisher: lines `PixelWidth=1.2e-09`, in metres.
fn fei(ini: &str) -> Option<Scale> {
    let value = |name: &str| {
        ini.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().parse::<f64>().ok())?
        })
    };
    let x = value("PixelWidth")?;
    Scale::new(x, value("PixelHeight").unwrap_or(x), "m", "FEI metadata PixelWidth")
}

/// Zeiss SmartSEM: lines `Image Pixel Size = 1.2 nm`, or `Pixel Size = ...` in older files.
fn zeiss(metadata: &str) -> Option<Scale> {
    let value = |name: &str| {
        metadata.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| quantity(value))?
        })
    };
    let (size, unit) = value("Image Pixel Size").or_else(|| value("Pixel Size"))?;
    Scale::new(size, size, unit, "Zeiss metadata Image Pixel Size")
}

/// ImageJ: `unit=` in the description, and pixels for each unit in the resolution tags.
fn imagej<R: Read + Seek>(decoder: &mut Decoder<R>, description: &str) -> Option<Scale> {
    if !description.starts_with("ImageJ=") {
        return None;
    }
    let unit = description.lines().find_map(|line| line.strip_prefix("unit="))?;
    let (x, y) = pixels_per_unit(decoder)?;
    let scale = Scale::new(1.0 / x, 1.0 / y, unit, "ImageJ unit and XResolution")?;
    // ImageJ takes these two over from the resolution that a printer's program wrote.
    (!matches!(unit.trim(), "inch" | "cm") || is_plausible(&scale)).then_some(scale)
}

/// Plain resolution tags, if they can belong to a microscope: programs fill in what a screen or a printer has.
fn resolution<R: Read + Seek>(decoder: &mut Decoder<R>, notes: &mut Vec<String>) -> Option<Scale> {
    let unit = match decoder.find_tag_unsigned::<u16>(Tag::ResolutionUnit).ok()? {
        Some(2) | None => "inch",
        Some(3) => "cm",
        Some(_) => return None,
    };
    let (x, y) = pixels_per_unit(decoder)?;
    let scale = Scale::new(1.0 / x, 1.0 / y, unit, "XResolution")?;
    if is_plausible(&scale) {
        return Some(scale);
    }
    notes.push(format!(
        "XResolution is {x} pixels per {unit}, a screen's or a printer's: it is not taken as a pixel size"
    ));
    None
}

fn is_plausible(scale: &Scale) -> bool {
    scale.size.x_nm <= LARGEST_PIXEL && scale.size.y_nm <= LARGEST_PIXEL
}

fn pixels_per_unit<R: Read + Seek>(decoder: &mut Decoder<R>) -> Option<(f64, f64)> {
    let mut ratio = |tag| match decoder.find_tag(tag).ok()?? {
        Value::Rational(n, d) => Some(f64::from(n) / f64::from(d)),
        Value::SRational(n, d) => Some(f64::from(n) / f64::from(d)),
        Value::Float(v) => Some(f64::from(v)),
        Value::Double(v) => Some(v),
        Value::Short(v) => Some(f64::from(v)),
        Value::Unsigned(v) => Some(f64::from(v)),
        _ => None,
    };
    let x = ratio(Tag::XResolution)?;
    let y = ratio(Tag::YResolution).unwrap_or(x);
    let good = |v: f64| v.is_finite() && v > 0.0;
    (good(x) && good(y)).then_some((x, y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ome_without_a_unit_is_in_micrometres() {
        let scale = ome(
            r#"<?xml?><OME><Image><Pixels ID="P" PhysicalSizeX="0.002" PhysicalSizeY="0.004" SizeX="8"/>"#,
        );
        let size = scale.map(|s| (s.size.x_nm, s.size.y_nm, s.unit));
        assert_eq!(size, Some((2.0, 4.0, "µm".into())));
        for (xml, nm) in [
            ("<OME><Pixels\n  ID=\"P\"\n\tPhysicalSizeX=\"0.5\"\n\tPhysicalSizeXUnit=\"nm\"\n/></OME>", 0.5),
            ("<OME><Pixels PhysicalSizeXUnit='nm' PhysicalSizeX = '0.25'/></OME>", 0.25),
            ("<OME><Pixels PhysicalSizeX=\"0.5\" PhysicalSizeXUnit=\"&#xb5;m\"/></OME>", 500.0),
        ] {
            assert_eq!(ome(xml).map(|s| (s.size.x_nm, s.size.y_nm)), Some((nm, nm)), "{xml}");
        }
        assert_eq!(ome("<OME><Pixels SizeX=\"8\"></OME>"), None);
        assert_eq!(ome("a cell in µm"), None);
    }

    #[test]
    fn the_makers_of_microscopes_write_lines_of_text() {
        let scale = fei("[User]\r\nDate=1\r\n[Scan]\r\nPixelWidth=1.25e-009\r\nPixelHeight=2.5e-009\r\n");
        assert!(scale.is_some_and(|s| (s.size.x_nm - 1.25).abs() < 1e-9 && (s.size.y_nm - 2.5).abs() < 1e-9));
        let scale = zeiss(
            "DP_X\r\nAP_PIXEL_SIZE\r\nPixel Size = 9.0 nm\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 0.5 µm\r\n",
        );
        assert!(scale.is_some_and(|s| (s.size.x_nm - 500.0).abs() < 1e-9 && s.unit == "µm"));
    }
}
