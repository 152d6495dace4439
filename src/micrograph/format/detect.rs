//! Which format a file has: by its first bytes, then by its extension, then by whether its numbers make sense.

use super::source::Source;
use super::{Format, dm_tags, ibw, matrix, mrc};
use crate::Result;

/// First bytes that settle it.
const SIGNATURES: &[(&[u8], Format)] = &[
    (b"\x89PNG\r\n\x1A\n", Format::Png),
    (b"\xFF\xD8\xFF", Format::Jpeg),
    (b"II*\0", Format::Tiff),
    (b"MM\0*", Format::Tiff),
    (b"II+\0", Format::Tiff),
    (b"MM\0+", Format::Tiff),
    (b"\x93NUMPY", Format::Npy),
    (b"PK\x03\x04", Format::Npz),
    (b"PK\x05\x06", Format::Npz),
    (b"II\x97\x01", Format::Ser),
    (b":NANONIS_VERSION:", Format::Sxm),
    (b"GWYP", Format::Gwy),
];

/// First bytes of files that a microscopist may well have, but that are not read here; and the way out.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"\x89HDF\r\n\x1A\n", "HDF5", "export the picture as TIFF or NPY"),
    (b"GWYO", "Gwyddion 1", "open it in Gwyddion and save it anew"),
    (b"BZh", "bzip2", "unpack it with bunzip2 first"),
    (b"\xFD7zXZ\0", "xz", "unpack it with unxz first"),
    (b"GIF8", "GIF", "save it as PNG"),
    (b"RIFF", "RIFF", "save it as PNG"),
    (b"%PDF", "PDF", "save the picture in it as PNG"),
];

/// # Errors
/// [`crate::Error::File`] for a format that is not read, naming it, and for content of no known kind.
pub(super) fn detect(source: &Source) -> Result<Format> {
    if let Some(format) = by_signature(source) {
        return Ok(format);
    }
    let named = source.extension_format();
    // A wave has no signature, but a checksum.
    if named == Some(Format::Ibw) || ibw::is_wave(source) {
        return Ok(Format::Ibw);
    }
    // An MRC header of an old writer has no signature and may start with any numbers.
    if named == Some(Format::Mrc) || named.is_none() && mrc::is_plausible(source) {
        return Ok(Format::Mrc);
    }
    if matrix::is_spiepy(source) {
        return Ok(Format::SpiePy);
    }
    if let Some((_, name, advice)) = FOREIGN.iter().find(|(start, ..)| source.head.starts_with(start)) {
        return Err(source.bad(name, "format", format!("this format is not read: {advice}")));
    }
    match named {
        Some(Format::TextMatrix) if !is_text(&source.head) => Ok(Format::SpiePy),
        Some(Format::TextMatrix) => Ok(Format::TextMatrix),
        Some(format) => {
            let problem = format!("the file does not start as {} does: {}", format.name(), source.describe());
            Err(source.bad(format.name(), "signature", problem))
        }
        None if is_text(&source.head) => Ok(Format::TextMatrix),
        None => {
            Err(source.bad("image", "format", format!("not a format that is read: {}", source.describe())))
        }
    }
}

fn by_signature(source: &Source) -> Option<Format> {
    let head = source.head.as_slice();
    if let Some((_, format)) = SIGNATURES.iter().find(|(start, _)| head.starts_with(start)) {
        return Some(*format);
    }
    // "BM" alone is too little; the size of the information header that follows is one of a few.
    if head.starts_with(b"BM")
        && matches!(head.get(14..18), Some(&[12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
    {
        return Some(Format::Bmp);
    }
    if head.get(208..211) == Some(b"MAP".as_slice()) && !is_text(head) {
        return Some(Format::Mrc);
    }
    dm_tags::version(head).map(|version| if version == 3 { Format::Dm3 } else { Format::Dm4 })
}

impl Source {
    /// The format that the extension promises.
    pub fn extension_format(&self) -> Option<Format> {
        Some(match self.extension().as_str() {
            "png" => Format::Png,
            "jpg" | "jpeg" | "jpe" => Format::Jpeg,
            "bmp" | "dib" => Format::Bmp,
            "tif" | "tiff" | "btf" | "tf8" => Format::Tiff,
            "mrc" | "mrcs" | "map" | "rec" | "st" | "ali" | "preali" => Format::Mrc,
            "npy" => Format::Npy,
            "npz" => Format::Npz,
            "dm3" => Format::Dm3,
            "dm4" => Format::Dm4,
            "ser" => Format::Ser,
            "dat" | "txt" | "csv" | "tsv" | "asc" => Format::TextMatrix,
            "sxm" => Format::Sxm,
            "gwy" => Format::Gwy,
            "ibw" => Format::Ibw,
            _ => return None,
        })
    }
}

/// True if these bytes could be the start of a text file.
pub(super) fn is_text(head: &[u8]) -> bool {
    !head.is_empty() && head.iter().all(|&b| matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x20..=0x7E | 0x80..))
}

/// The first bytes in words.
pub(super) fn describe(head: &[u8]) -> String {
    if is_text(head) {
        let start: String =
            String::from_utf8_lossy(head).chars().take_while(|c| !c.is_control()).take(24).collect();
        return format!("it is text (\"{start}\")");
    }
    let bytes: Vec<String> = head.iter().take(8).map(|b| format!("{b:02X}")).collect();
    format!("its first bytes are {}", bytes.join(" "))
}
