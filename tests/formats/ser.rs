//! SER: both versions, every type of pixel, series of pictures of different sizes, calibrations.

use super::chance::damage_every_byte;
use super::write::{Folder, Kind, gzip, opened, pixels, refused};
use nanotheca::micrograph::format::{Format, info, open, open_first, open_page};

/// A picture of a series.
#[derive(Clone)]
pub struct Shot {
    pub data_type: u16,
    pub size: [u32; 2],
    /// Metres a pixel.
    pub scale: [f64; 2],
    pub data: Vec<u8>,
}

impl Shot {
    pub fn new(kind: Kind, size: [u32; 2], values: &[f64]) -> Self {
        let all = [Kind::U8, Kind::U16, Kind::U32, Kind::I8, Kind::I16, Kind::I32, Kind::F32, Kind::F64];
        let data_type = all.iter().position(|&k| k == kind).unwrap() as u16 + 1;
        Self { data_type, size, scale: [2e-10, 4e-10], data: kind.encode(values, false) }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for scale in self.scale {
            out.extend((-1e-9_f64).to_le_bytes());
            out.extend(scale.to_le_bytes());
            out.extend(0_i32.to_le_bytes());
        }
        out.extend(self.data_type.to_le_bytes());
        out.extend(self.size.map(u32::to_le_bytes).concat());
        out.extend(&self.data);
        out
    }
}

/// A series.
#[derive(Clone)]
pub struct Ser {
    pub version: u16,
    pub content: u32,
    pub planned: u32,
    pub shots: Vec<Shot>,
}

impl Ser {
    pub fn new(wide: bool, shots: Vec<Shot>) -> Self {
        let version = if wide { 0x220 } else { 0x210 };
        Self { version, content: 0x4122, planned: shots.len() as u32, shots }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let place = |at: usize| match self.version {
            0x210 => (at as u32).to_le_bytes().to_vec(),
            _ => (at as u64).to_le_bytes().to_vec(),
        };
        let wide = place(0).len();
        let mut out = b"II\x97\x01".to_vec();
        out.extend(self.version.to_le_bytes());
        for v in [self.content, 0x4152, self.planned, self.shots.len() as u32] {
            out.extend(v.to_le_bytes());
        }
        // The list of places comes after one dimension that counts the pictures.
        let list = 22 + wide + 4 + 38;
        out.extend(place(list));
        out.extend(1_u32.to_le_bytes());
        out.extend(self.planned.to_le_bytes());
        out.extend([0.0_f64.to_le_bytes(), 1.0_f64.to_le_bytes()].concat());
        out.extend(0_u32.to_le_bytes());
        out.extend(6_u32.to_le_bytes());
        out.extend(b"Number");
        out.extend(0_u32.to_le_bytes());
        // After each picture stand eight bytes with its time.
        let (mut shots, mut times, mut body) = (Vec::new(), Vec::new(), Vec::new());
        let start = list + 2 * self.planned as usize * wide;
        for shot in &self.shots {
            shots.extend(place(start + body.len()));
            body.extend(shot.bytes());
            times.extend(place(start + body.len()));
            body.extend([0x52, 0x41, 0, 0, 1, 2, 3, 4]);
        }
        for list in [shots, times] {
            let end = out.len() + self.planned as usize * wide;
            out.extend(list);
            out.resize(end, 0);
        }
        assert_eq!(out.len(), start);
        [out, body].concat()
    }
}

/// The rows in the order in which the file has them: the lowest first.
fn upside_down(values: &[f64], width: usize) -> Vec<f64> {
    values.chunks(width).rev().flatten().copied().collect()
}

#[test]
fn every_type_in_both_versions_opens_upright_with_its_pixels_and_scale() {
    let folder = Folder::new();
    for wide in [false, true] {
        for kind in [Kind::U8, Kind::U16, Kind::U32, Kind::I8, Kind::I16, Kind::I32, Kind::F32, Kind::F64] {
            // An odd and an even number of rows.
            for height in [4, 5] {
                let values = kind.values(7 * height);
                let shot = Shot::new(kind, [7, height as u32], &upside_down(&values, 7));
                let bytes = Ser::new(wide, vec![shot]).bytes();
                for (name, bytes) in [("a.ser", &bytes), ("a.ser.gz", &gzip(&bytes)), ("a.tif", &bytes)] {
                    let path = folder.file(name, bytes);
                    let m = open(&path).unwrap();
                    assert_eq!((m.width, m.height), (7, height));
                    assert_eq!(*m.pixels, *pixels(&values), "{kind:?} {name}");
                    let info = info(&path).unwrap();
                    assert_eq!((info.format, info.pages, info.channels), (Format::Ser, 1, 1));
                    assert_eq!(info.sample_type, format!("{kind:?}").to_lowercase());
                    let size = info.pixel_size.unwrap();
                    assert!((size.x_nm - 0.2).abs() < 1e-9 && (size.y_nm - 0.4).abs() < 1e-9, "{size:?}");
                    assert_eq!(info.pixel_size_unit.as_deref(), Some("m"));
                    assert!(info.notes.is_empty(), "{:?}", info.notes);
                }
            }
        }
    }
}

#[test]
fn pictures_of_a_series_are_pages_of_their_own_size() {
    let folder = Folder::new();
    for wide in [false, true] {
        let shots = vec![
            Shot::new(Kind::U8, [2, 1], &[1.0, 2.0]),
            Shot::new(Kind::I16, [1, 3], &[-3.0, 4.0, 5.0]),
            Shot::new(Kind::F32, [1, 1], &[0.5]),
        ];
        let mut ser = Ser::new(wide, shots);
        let path = folder.file("s.ser", &ser.bytes());
        for (page, want) in [[1.0, 2.0].as_slice(), &[5.0, 4.0, -3.0], &[0.5]].into_iter().enumerate() {
            assert_eq!(*open_page(&path, page).unwrap().pixels, *want);
        }
        let error = open_page(&path, 3).unwrap_err().to_string();
        assert!(error.contains("page 3") && error.contains("there are 3"), "{error}");
        let first = open_first(&path).unwrap();
        assert_eq!((first.pages, first.alike, first.notes.len()), (3, false, 0));
        // A recording that was stopped has room for more pictures.
        ser.planned = 20;
        let first = open_first(folder.file("stopped.ser", &ser.bytes())).unwrap();
        assert_eq!(first.pages, 3);
        assert_eq!(first.notes, ["the recording was stopped: 3 of 20 pictures are in the file"]);
    }
}

#[test]
fn a_diffraction_pattern_has_no_pixel_size() {
    let folder = Folder::new();
    for scale in
        [[1e8, 1e8], [0.0, 2e-10], [f64::NAN, f64::NAN], [-2e-10, 2e-10], [f64::INFINITY, 2e-10], [1.0, 1.0]]
    {
        let mut shot = Shot::new(Kind::U8, [2, 1], &[1.0, 2.0]);
        shot.scale = scale;
        let info = info(folder.file("d.ser", &Ser::new(false, vec![shot]).bytes())).unwrap();
        assert_eq!(info.pixel_size, None, "{scale:?}");
        assert!(info.notes[0].contains("are no length in metres"), "{:?}", info.notes);
    }
}

#[test]
fn what_is_no_picture_or_cannot_be_true_is_refused_with_its_field() {
    let good = Ser::new(true, vec![Shot::new(Kind::U16, [2, 2], &[1.0, 2.0, 3.0, 4.0])]);
    let file = |change: &dyn Fn(&mut Ser)| {
        let mut ser = good.clone();
        change(&mut ser);
        ser.bytes()
    };
    for (bytes, words) in [
        (file(&|s| s.content = 0x4120), "DataTypeID: it holds spectra, not pictures"),
        (file(&|s| s.content = 7), "DataTypeID: 0x7 is neither"),
        (file(&|s| s.version = 0x230), "SeriesVersion: version 0x230"),
        (file(&|s| s.shots.clear()), "ValidNumberElements: no picture was recorded"),
        (file(&|s| s.shots[0].data_type = 9), "DataType: its pixels are complex numbers"),
        (file(&|s| s.shots[0].data_type = 10), "DataType: its pixels are complex numbers"),
        (file(&|s| s.shots[0].data_type = 11), "DataType: 11 is none of the types"),
        (file(&|s| s.shots[0].size = [0, 2]), "ArraySizeX, ArraySizeY: 0 x 2 is no picture"),
        (file(&|s| s.shots[0].size = [u32::MAX; 2]), "ArraySizeX, ArraySizeY: 4294967295 x 4294967295"),
        (file(&|s| s.shots[0].size = [20_000; 2]), "20000 x 20000 pixels, which needs 800000000 bytes"),
    ] {
        let error = refused("no.ser", &bytes);
        assert!(error.contains("SER: ") && error.contains(words), "{error}");
    }
    // The place of the list, the number of pictures and the place of the picture.
    for (at, words) in [(22, "OffsetArrayOffset"), (18, "OffsetArrayOffset"), (72, "place of picture 0")] {
        let mut bytes = good.bytes();
        bytes[at..at + 4].copy_from_slice(&1_000_000_u32.to_le_bytes());
        let error = refused("lie.ser", &bytes);
        assert!(error.contains(&format!("SER: {words}")) && error.contains("truncated"), "{error}");
    }
}

#[test]
fn a_cut_series_is_truncated() {
    let shots = vec![Shot::new(Kind::U8, [2, 1], &[1.0, 2.0]), Shot::new(Kind::U8, [2, 1], &[3.0, 4.0])];
    let bytes = Ser::new(false, shots).bytes();
    // In the header, in the list, before the second picture; then in the only picture, behind which eight bytes stand.
    for (cut, words) in [(20, "header"), (70, "OffsetArrayOffset"), (bytes.len() - 30, "place of picture 1")]
    {
        let error = refused("cut.ser", &bytes[..cut]);
        assert!(error.contains(&format!("SER: {words}")) && error.contains("it is truncated"), "{error}");
    }
    let bytes = Ser::new(true, vec![Shot::new(Kind::U8, [2, 1], &[1.0, 2.0])]).bytes();
    let error = refused("cut.ser", &bytes[..bytes.len() - 9]);
    assert!(error.contains("picture 0 has 2 x 1 pixels, which needs 2 bytes; the file has 1"), "{error}");
}

#[test]
fn lost_points_are_replaced() {
    let shot = Shot::new(Kind::F32, [3, 1], &[1.0, f64::NAN, 3.0]);
    let m = opened("n.ser", &Ser::new(false, vec![shot]).bytes());
    assert_eq!((m.replaced, m.pixels.iter().all(|v| v.is_finite())), (1, true));
}

#[test]
fn one_wrong_byte_anywhere_never_panics() {
    for wide in [false, true] {
        let shots = vec![Shot::new(Kind::I16, [3, 2], &Kind::I16.values(6)); 2];
        damage_every_byte("d.ser", &Ser::new(wide, shots).bytes());
    }
}
