//! The physical size of a pixel as files state it: with a unit, or not at all.

use crate::micrograph::PixelSize;

/// A pixel size, the unit in which the file states it, and where in the file it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub size: PixelSize,
    pub unit: String,
    pub source: String,
}

impl Scale {
    /// Nothing unless the unit is a length and both sizes are finite and above 0.
    pub fn new(x: f64, y: f64, unit: &str, source: &str) -> Option<Self> {
        let (nm, name) = length(unit)?;
        Some(Self { size: PixelSize::new(x * nm, y * nm)?, unit: name.into(), source: source.into() })
    }
}

/// Nanometres in one `unit` and the unit's usual sign; nothing if it is no length. Understands the spellings of ImageJ,
/// OME-XML and the instruments' makers.
pub(super) fn length(unit: &str) -> Option<(f64, &'static str)> {
    let unit = unit
        .trim()
        .trim_matches('"')
        .replace("\\u00B5", "µ")
        .replace("\\u00b5", "µ")
        .replace("&#181;", "µ")
        .replace("&#xB5;", "µ")
        .replace("&#xb5;", "µ")
        .replace("&#956;", "µ")
        .replace("&#197;", "Å")
        .replace("&#8491;", "Å")
        .replace('\u{3BC}', "µ")
        .replace('\u{212B}', "Å");
    // "M" is mega and "m" metre, so only words may change their case.
    let word = unit.to_lowercase();
    Some(match (unit.as_str(), word.as_str()) {
        ("m", _) | (_, "meter" | "metre" | "meters" | "metres") => (1e9, "m"),
        ("cm", _) | (_, "centimeter" | "centimetre") => (1e7, "cm"),
        ("mm", _) | (_, "millimeter" | "millimetre") => (1e6, "mm"),
        ("µm" | "um", _) | (_, "micron" | "microns" | "micrometer" | "micrometre" | "micrometers") => {
            (1e3, "µm")
        }
        ("nm", _) | (_, "nanometer" | "nanometre" | "nanometers") => (1.0, "nm"),
        ("Å" | "A", _) | (_, "angstrom" | "angstroms" | "ångström" | "ang") => (0.1, "Å"),
        ("pm", _) | (_, "picometer" | "picometre" | "picometers") => (1e-3, "pm"),
        (_, "inch" | "inches" | "in") => (2.54e7, "inch"),
        _ => return None,
    })
}

/// A number and the unit behind it, such as "1.2 nm".
pub(super) fn quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_unit_is_the_same_length() {
        for (spellings, nm) in [
            (["µm", "um", "\\u00B5m", "&#181;m", "\u{3BC}m", "micron"].as_slice(), 1e3),
            (&["Å", "A", "\u{212B}", "Angstrom"], 0.1),
            (&["nm", "nanometer", " nm "], 1.0),
            (&["m", "meter"], 1e9),
            (&["pm"], 1e-3),
            (&["inch"], 2.54e7),
        ] {
            for unit in spellings {
                assert_eq!(length(unit).map(|u| u.0), Some(nm), "{unit}");
            }
        }
        for unit in ["", "pixel", "M", "s", "nm^2"] {
            assert_eq!(length(unit), None, "{unit}");
        }
    }

    #[test]
    fn a_quantity_is_a_number_and_a_unit() {
        assert_eq!(quantity(" 1.25e-1 µm "), Some((0.125, "µm")));
        assert_eq!(quantity("3nm"), Some((3.0, "nm")));
        assert_eq!(quantity("about 3 nm"), None);
    }

    #[test]
    fn no_pixel_is_of_size_nothing() {
        assert_eq!(Scale::new(0.0, 1.0, "nm", ""), None);
        assert_eq!(Scale::new(1.0, f64::NAN, "nm", ""), None);
        assert_eq!(Scale::new(1.0, -1.0, "nm", ""), None);
    }
}
