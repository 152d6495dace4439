//! Writers of the smallest valid files, and a folder to put them in.

use nanotheca::micrograph::Micrograph;
use nanotheca::micrograph::format::open;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Writes and opens.
pub fn opened(name: &str, bytes: &[u8]) -> Micrograph {
    let folder = Folder::new();
    open(folder.file(name, bytes)).unwrap_or_else(|e| panic!("{e}"))
}

/// Writes, opens, and returns the error's words.
pub fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = Folder::new();
    let error = open(folder.file(name, bytes)).expect_err(name).to_string();
    assert!(error.contains(name), "the error does not name the file: {error}");
    error
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
    ];

    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Values of a `width * height` picture that tell every pixel, sign and byte order from every other.
    pub fn values(self, n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| {
                let i = i as f64;
                match self {
                    Self::U8 => (i * 7.0) % 251.0,
                    Self::I8 => (i * 7.0) % 251.0 - 125.0,
                    Self::U16 => i * 131.0 % 65_521.0,
                    Self::I16 => i * 131.0 % 65_521.0 - 30_000.0,
                    Self::U32 | Self::U64 => i * 4099.0,
                    Self::I32 | Self::I64 => i * 4099.0 - 70_000.0,
                    Self::F16 => i * 0.25 - 3.0,
                    Self::F32 | Self::F64 => i * 0.125 - 1.5,
                }
            })
            .collect()
    }

    pub fn encode(self, values: &[f64], big_endian: bool) -> Vec<u8> {
        values
            .iter()
            .flat_map(|&v| {
                let mut bytes = match self {
                    Self::U8 => (v as u8).to_le_bytes().to_vec(),
                    Self::I8 => (v as i8).to_le_bytes().to_vec(),
                    Self::U16 => (v as u16).to_le_bytes().to_vec(),
                    Self::I16 => (v as i16).to_le_bytes().to_vec(),
                    Self::U32 => (v as u32).to_le_bytes().to_vec(),
                    Self::I32 => (v as i32).to_le_bytes().to_vec(),
                    Self::U64 => (v as u64).to_le_bytes().to_vec(),
                    Self::I64 => (v as i64).to_le_bytes().to_vec(),
                    Self::F16 => half::f16::from_f64(v).to_le_bytes().to_vec(),
                    Self::F32 => (v as f32).to_le_bytes().to_vec(),
                    Self::F64 => v.to_le_bytes().to_vec(),
                };
                if big_endian {
                    bytes.reverse();
                }
                bytes
            })
            .collect()
    }
}

/// The values as pixels.
pub fn pixels(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An MRC header; cell and sampling say 2.5 angstrom along x and 5 along y.
pub struct Mrc {
    pub mode: i32,
    pub size: [i32; 3],
    pub big_endian: bool,
    pub stamp: [u8; 4],
    pub cell: [f32; 3],
    pub extended: Vec<u8>,
    pub exttyp: [u8; 4],
}

impl Mrc {
    pub fn new(mode: i32, size: [i32; 3], big_endian: bool) -> Self {
        let stamp = if big_endian { [0x11, 0x11, 0, 0] } else { [0x44, 0x44, 0, 0] };
        let cell = [size[0] as f32 * 2.5, size[1] as f32 * 5.0, 1.0];
        Self { mode, size, big_endian, stamp, cell, extended: Vec::new(), exttyp: [0; 4] }
    }

    pub fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let mut head = vec![0; 1024];
        let order = |v: u32| if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut put = |at: usize, v: u32| head[at..at + 4].copy_from_slice(&order(v));
        for i in 0..3 {
            put(4 * i, self.size[i].cast_unsigned());
            put(28 + 4 * i, self.size[i].cast_unsigned());
            put(40 + 4 * i, self.cell[i].to_bits());
            put(64 + 4 * i, i as u32 + 1);
        }
        put(12, self.mode.cast_unsigned());
        put(92, self.extended.len() as u32);
        head[104..108].copy_from_slice(&self.exttyp);
        head[208..212].copy_from_slice(b"MAP ");
        head[212..216].copy_from_slice(&self.stamp);
        [head, self.extended.clone(), data.to_vec()].concat()
    }
}

pub fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(data);
    bytes
}

pub fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = npyz::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        zip.start_file(format!("{name}.npy"), npyz::zip::write::FileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn spiepy(rows: u32, columns: u32, values: &[f64]) -> Vec<u8> {
    let mut bytes = [rows.to_le_bytes(), columns.to_le_bytes()].concat();
    bytes.extend(Kind::F64.encode(values, false));
    bytes
}

/// A tag's value.
#[derive(Clone)]
pub enum Tag {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Ratio(u32, u32),
    Text(Vec<u8>),
}

/// A TIFF page: its tags but for where the strips or tiles are, and these.
#[derive(Clone)]
pub struct TiffPage {
    pub tags: Vec<(u16, Tag)>,
    pub chunks: Vec<Vec<u8>>,
    pub tiled: bool,
}

impl TiffPage {
    /// One sample a pixel, in a single strip. `format`: 1 unsigned, 2 signed, 3 float.
    pub fn grey(width: u32, height: u32, bits: u16, format: u16, data: Vec<u8>) -> Self {
        let tags = vec![
            (256, Tag::Long(vec![width])),
            (257, Tag::Long(vec![height])),
            (258, Tag::Short(vec![bits])),
            (262, Tag::Short(vec![1])),
            (277, Tag::Short(vec![1])),
            (278, Tag::Long(vec![height])),
            (339, Tag::Short(vec![format])),
        ];
        Self { tags, chunks: vec![data], tiled: false }
    }

    /// Sets a tag, in the place of one with the same number.
    pub fn with(mut self, tag: u16, value: Tag) -> Self {
        self.tags.retain(|t| t.0 != tag);
        self.tags.push((tag, value));
        self
    }

    pub fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|t| t.0 != tag);
        self
    }
}

/// Writes pixels first and directories last, as most programs do.
pub struct Tiff {
    pub big_endian: bool,
    pub big: bool,
}

impl Tiff {
    fn number(&self, v: u64, bytes: usize) -> Vec<u8> {
        if self.big_endian {
            v.to_be_bytes()[8 - bytes..].to_vec()
        } else {
            v.to_le_bytes()[..bytes].to_vec()
        }
    }

    pub fn bytes(&self, pages: &[TiffPage]) -> Vec<u8> {
        let wide = if self.big { 8 } else { 4 };
        let mut out = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        out.extend(self.number(if self.big { 43 } else { 42 }, 2));
        if self.big {
            out.extend([self.number(8, 2), self.number(0, 2)].concat());
        }
        let mut link = out.len();
        out.extend(vec![0; wide]);
        for page in pages {
            let (mut offsets, mut counts) = (Vec::new(), Vec::new());
            for chunk in &page.chunks {
                offsets.push(out.len() as u32);
                counts.push(chunk.len() as u32);
                out.extend(chunk);
            }
            let (at, n) = if page.tiled { (324, 325) } else { (273, 279) };
            let page = page.clone().with(at, Tag::Long(offsets)).with(n, Tag::Long(counts));
            let mut tags = page.tags;
            tags.sort_by_key(|t| t.0);
            let entries: Vec<u8> =
                tags.iter().flat_map(|(tag, value)| self.entry(&mut out, *tag, value)).collect();
            let start = self.number(out.len() as u64, wide);
            out[link..link + wide].copy_from_slice(&start);
            out.extend(self.number(tags.len() as u64, if self.big { 8 } else { 2 }));
            out.extend(entries);
            link = out.len();
            out.extend(vec![0; wide]);
        }
        out
    }

    /// A directory's entry; what does not fit into it goes to `out`.
    fn entry(&self, out: &mut Vec<u8>, tag: u16, value: &Tag) -> Vec<u8> {
        let (kind, count, mut data) = match value {
            Tag::Short(v) => {
                (3, v.len(), v.iter().flat_map(|&v| self.number(v.into(), 2)).collect::<Vec<u8>>())
            }
            Tag::Long(v) => (4, v.len(), v.iter().flat_map(|&v| self.number(v.into(), 4)).collect()),
            Tag::Ratio(n, d) => (5, 1, [self.number((*n).into(), 4), self.number((*d).into(), 4)].concat()),
            Tag::Text(v) => (2, v.len(), v.clone()),
        };
        let wide = if self.big { 8 } else { 4 };
        if data.len() > wide {
            let at = self.number(out.len() as u64, wide);
            out.extend(data);
            data = at;
        }
        data.resize(wide, 0);
        [self.number(tag.into(), 2), self.number(kind, 2), self.number(count as u64, wide), data].concat()
    }
}

/// A little-endian classic TIFF of one page.
pub fn tiff(page: TiffPage) -> Vec<u8> {
    Tiff { big_endian: false, big: false }.bytes(&[page])
}
