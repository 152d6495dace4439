//! Igor waves: both byte orders, every type of number, labels and units, and headers that lie.

use super::write::{Folder, Kind, opened, refused};
use nanotheca::micrograph::format::{Format, info, open, open_page};

const TYPES: [(u16, Kind); 10] = [
    (0x02, Kind::F32),
    (0x04, Kind::F64),
    (0x08, Kind::I8),
    (0x10, Kind::I16),
    (0x20, Kind::I32),
    (0x48, Kind::U8),
    (0x50, Kind::U16),
    (0x60, Kind::U32),
    (0x80, Kind::I64),
    (0xC0, Kind::U64),
];

/// A wave of version 5 with steps of 2 and 2.5 nm.
pub struct Ibw {
    pub big_endian: bool,
    pub kind: u16,
    pub points: [u32; 4],
    pub steps: [f64; 2],
    /// Up to three letters in the header, longer ones behind the numbers.
    pub units: [&'static str; 2],
    pub data_unit: &'static str,
    pub labels: Vec<&'static str>,
}

impl Ibw {
    pub fn new(kind: u16, points: [u32; 4], big_endian: bool) -> Self {
        let (steps, units) = ([2e-9, 2.5e-9], ["m", "m"]);
        Self { big_endian, kind, points, steps, units, data_unit: "", labels: Vec::new() }
    }

    fn number<const N: usize>(&self, mut little: [u8; N]) -> [u8; N] {
        if self.big_endian {
            little.reverse();
        }
        little
    }

    pub fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let mut head = vec![0; 384];
        let u32s = |v: usize| self.number((v as u32).to_le_bytes());
        let points = self.points.iter().filter(|&&n| n > 0).product::<u32>() as usize;
        let note = b"ScanSize: 6e-09\rScanLines: 2\r";
        let long = |unit: &'static str| if unit.len() > 3 { unit } else { "" };
        let longs = [long(self.data_unit), long(self.units[0]), long(self.units[1])];
        let labels: Vec<u8> = std::iter::once("")
            .chain(self.labels.iter().copied())
            .flat_map(|label| [label.as_bytes(), &[0; 32][label.len()..]].concat())
            .collect();
        let labels = if self.labels.is_empty() { Vec::new() } else { labels };
        for (at, value) in [(4, 320 + data.len()), (12, note.len()), (44, labels.len()), (76, points)] {
            head[at..at + 4].copy_from_slice(&u32s(value));
        }
        for (i, unit) in longs.iter().enumerate() {
            head[16 + 4 * i..20 + 4 * i].copy_from_slice(&u32s(unit.len()));
        }
        head[..2].copy_from_slice(&self.number(5_u16.to_le_bytes()));
        head[80..82].copy_from_slice(&self.number(self.kind.to_le_bytes()));
        for i in 0..4 {
            head[132 + 4 * i..136 + 4 * i].copy_from_slice(&u32s(self.points[i] as usize));
            let step = self.steps.get(i).copied().unwrap_or(1.0);
            head[148 + 8 * i..156 + 8 * i].copy_from_slice(&self.number(step.to_le_bytes()));
        }
        for (at, unit) in [(212, self.data_unit), (216, self.units[0]), (220, self.units[1])] {
            if unit.len() <= 3 {
                head[at..at + unit.len()].copy_from_slice(unit.as_bytes());
            }
        }
        self.check(&mut head);
        [head, data.to_vec(), note.to_vec(), longs.concat().into_bytes(), labels].concat()
    }

    /// Makes the checksum true.
    pub fn check(&self, head: &mut [u8]) {
        head[2..4].fill(0);
        let sum = head[..384]
            .chunks(2)
            .fold(0_u16, |sum, b| sum.wrapping_add(u16::from_le_bytes(self.number([b[0], b[1]]))));
        head[2..4].copy_from_slice(&self.number(sum.wrapping_neg().to_le_bytes()));
    }
}

/// The same with the bottom row first.
fn upside_down(values: &[f64], width: usize) -> Vec<f64> {
    values.chunks(width).rev().flatten().copied().collect()
}

pub fn small() -> Vec<u8> {
    let mut wave = Ibw::new(0x02, [3, 2, 2, 0], false);
    wave.labels = vec!["AmplitudeRetrace", "HeightRetrace"];
    wave.bytes(&Kind::F32.encode(&Kind::F32.values(12), false))
}

#[test]
fn every_type_in_both_byte_orders_opens_with_its_last_line_on_top() {
    let folder = Folder::new();
    for big_endian in [false, true] {
        for (number, kind) in TYPES {
            let values = kind.values(5 * 3);
            let wave = Ibw::new(number, [5, 3, 0, 0], big_endian);
            let bytes = wave.bytes(&kind.encode(&values, big_endian));
            let want: Vec<f32> = upside_down(&values, 5).iter().map(|&v| v as f32).collect();
            // The checksum tells the format, whatever the name.
            for name in ["w.ibw", "w.dat", "w", "w.png"] {
                let path = folder.file(name, &bytes);
                let m = open(&path).unwrap();
                assert_eq!((m.width, m.height), (5, 3));
                assert_eq!(*m.pixels, *want, "{kind:?}, big-endian {big_endian}, {name}");
                let info = info(&path).unwrap();
                assert_eq!((info.format, info.pages), (Format::Ibw, 1));
                assert_eq!(info.notes, Vec::<String>::new());
                let size = info.pixel_size.unwrap();
                assert!((size.x_nm - 2.0).abs() < 1e-9 && (size.y_nm - 2.5).abs() < 1e-9, "{size:?}");
            }
        }
    }
}

#[test]
fn layers_are_pages_with_the_height_first() {
    let values = Kind::F32.values(3 * 2 * 4);
    let mut wave = Ibw::new(0x02, [3, 2, 4, 0], false);
    wave.labels = vec!["AmplitudeRetrace", "PhaseRetrace", "HeightRetrace"];
    wave.data_unit = "m";
    let folder = Folder::new();
    let path = folder.file("l.ibw", &wave.bytes(&Kind::F32.encode(&values, false)));
    for (page, layer) in [2, 0, 1, 3].into_iter().enumerate() {
        let want: Vec<f32> = upside_down(&values[layer * 6..][..6], 3).iter().map(|&v| v as f32).collect();
        assert_eq!(*open_page(&path, page).unwrap().pixels, *want, "page {page}");
    }
    let info = info(&path).unwrap();
    assert_eq!((info.pages, info.sample_type.as_str()), (4, "f32"));
    assert_eq!(info.notes, ["page 0 is HeightRetrace, 1 AmplitudeRetrace, 2 PhaseRetrace"]);
    let error = open_page(&path, 4).unwrap_err().to_string();
    assert!(error.contains("page 4") && error.contains("there are 4"), "{error}");
}

#[test]
fn an_axis_that_falls_is_turned() {
    let mut wave = Ibw::new(0x02, [3, 2, 0, 0], true);
    wave.steps = [-2e-9, -2.5e-9];
    let m = opened("f.ibw", &wave.bytes(&Kind::F32.encode(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], true)));
    assert_eq!(*m.pixels, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    let size = m.pixel_size.unwrap();
    assert!((size.x_nm - 2.0).abs() < 1e-9 && (size.y_nm - 2.5).abs() < 1e-9, "{size:?}");
}

#[test]
fn units_of_any_length_give_a_scale_if_both_are_lengths() {
    let folder = Folder::new();
    for (units, steps, want) in [
        (["nm", "nm"], [2.0, 2.5], Some((2.0, 2.5))),
        (["meters", "µm"], [2e-9, 2.5e-3], Some((2.0, 2.5))),
        (["m", "nanometers"], [2e-9, 2.5], Some((2.0, 2.5))),
        (["m", "s"], [2e-9, 2.5], None),
        (["", ""], [2e-9, 2.5e-9], None),
        (["m", "m"], [0.0, 2.5e-9], None),
        (["m", "m"], [f64::NAN, f64::NAN], None),
    ] {
        let mut wave = Ibw::new(0x08, [3, 2, 0, 0], false);
        (wave.units, wave.steps, wave.data_unit) = (units, steps, "Volts");
        wave.labels = vec!["HeightTrace"];
        let path = folder.file("u.ibw", &wave.bytes(&[1; 6]));
        assert_eq!(info(&path).unwrap().notes, ["the picture is HeightTrace (Volts)"]);
        let size = open(&path).unwrap().pixel_size;
        let round = |v: f64| (v * 1e6).round() / 1e6;
        assert_eq!(size.map(|s| (round(s.x_nm), round(s.y_nm))), want, "{units:?}");
    }
}

#[test]
fn a_wave_before_version_5_is_called_what_it_is() {
    for (version, first) in [(1_u8, 8), (2, 16), (3, 20)] {
        for big_endian in [false, true] {
            let mut bytes = vec![0; first + 110];
            bytes.extend(Kind::F32.encode(&[5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0], big_endian));
            bytes[usize::from(big_endian)] = version;
            let size = (110 + 16 + 20_u32).to_le_bytes();
            let wave = Ibw::new(0x02, [0; 4], big_endian);
            bytes[2..6].copy_from_slice(&wave.number(size));
            let sum = bytes[..first + 126]
                .chunks(2)
                .fold(0_u16, |sum, b| sum.wrapping_add(u16::from_le_bytes(wave.number([b[0], b[1]]))));
            bytes[first - 2..first].copy_from_slice(&wave.number(sum.wrapping_neg().to_le_bytes()));
            for name in ["old.ibw", "old"] {
                let error = refused(name, &bytes);
                assert!(error.contains(&format!("waves of version {version} have one dimension")), "{error}");
            }
        }
    }
}

#[test]
fn headers_that_cannot_be_true_are_refused_with_their_field() {
    let whole = small();
    let wave = Ibw::new(0x02, [3, 2, 2, 0], false);
    for (at, value, words) in [
        (80, 0_u32, "type: the wave holds text"),
        (80, 3, "type: the wave holds complex numbers"),
        (80, 6, "type: 6 is no type of number"),
        (132, 0, "nDim: a wave of [0, 2, 2, 0] points is no picture"),
        (136, 0, "nDim: a wave of [3, 0, 2, 0] points is no picture"),
        (144, 2, "nDim: a wave of [3, 2, 2, 2] points is no picture"),
        (132, 30, "nDim, npnts, wfmSize: 30 x 2 pixels in 2 layer(s) of f32 do not fit to 12 points"),
        (140, u32::MAX, "nDim, npnts, wfmSize"),
        (76, 13, "nDim, npnts, wfmSize"),
        (4, u32::MAX, "nDim, npnts, wfmSize"),
        (12, u32::MAX, "wfmSize, noteSize, dimLabelsSize: the headers promise"),
        (44, 97, "wfmSize, noteSize, dimLabelsSize: the headers promise"),
    ] {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        wave.check(&mut bytes);
        let error = refused("lie.ibw", &bytes);
        assert!(error.contains("Igor IBW") && error.contains(words), "{words}: {error}");
    }
    let mut bytes = whole.clone();
    bytes[300] = 1;
    assert!(refused("sum.ibw", &bytes).contains("checksum: it does not fit"));
    assert!(refused("short.ibw", &whole[..200]).contains("headers: they need 384 bytes"));
    assert!(refused("letter.ibw", b"Dear colleague").contains("version: the file does not start as a wave"));
}
