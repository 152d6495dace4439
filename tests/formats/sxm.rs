//! Nanonis SXM: both scan directions, forward and backward channels, both byte orders, scans that were not finished.

use super::write::{Folder, Kind, opened, refused};
use nanotheca::micrograph::format::{Format, info, open, open_page};

/// A file of `width` points and `height` lines over 6 nm x 5 nm, and its channels: name, unit, direction.
pub struct Sxm {
    pub size: [usize; 2],
    pub up: bool,
    pub big_endian: bool,
    pub tabs: bool,
    pub channels: Vec<[&'static str; 3]>,
}

impl Sxm {
    pub fn new(width: usize, height: usize) -> Self {
        let channels = vec![["Current", "A", "both"], ["Z", "m", "both"], ["LI_Demod_1_X", "", "forward"]];
        Self { size: [width, height], up: false, big_endian: true, tabs: true, channels }
    }

    pub fn header(&self) -> String {
        let [width, height] = self.size;
        let order = if self.big_endian { "MSBFIRST" } else { "LSBFIRST" };
        let direction = if self.up { "up" } else { "down" };
        let mut text = format!(
            ":NANONIS_VERSION:\n2\n:SCANIT_TYPE:\n              FLOAT            {order}\n:REC_DATE:\n 07.01.2016\n\
             :SCAN_PIXELS:\n       {width}       {height}\n:SCAN_RANGE:\n           6.000000E-9           5.000000E-9\n\
             :SCAN_DIR:\n{direction}\n:Z-CONTROLLER:\n\tName\ton\toff\n\tlog Current\t1\t0\n\n:DATA_INFO:\n"
        );
        let rows = [["Channel", "Name", "Unit", "Direction", "Calibration", "Offset"]]
            .into_iter()
            .chain(self.channels.iter().map(|[name, unit, way]| ["14", name, unit, way, "1.0E-9", "0.0E+0"]));
        for row in rows {
            text +=
                &if self.tabs { format!("\t{}\n", row.join("\t")) } else { format!("{}\n", row.join(" ")) };
        }
        text + "\n:SCANIT_END:\n\n\n"
    }

    /// The pictures as they lie on the sample, one for each direction of each channel.
    pub fn bytes(&self, pictures: &[Vec<f64>]) -> Vec<u8> {
        let backward = self.channels.iter().flat_map(|[.., way]| match *way {
            "both" => vec![false, true],
            "backward" => vec![true],
            _ => vec![false],
        });
        let mut bytes = self.header().into_bytes();
        bytes.extend([0x1A, 4]);
        for (picture, backward) in pictures.iter().zip(backward) {
            let mut lines: Vec<Vec<f64>> = picture.chunks(self.size[0]).map(<[f64]>::to_vec).collect();
            if self.up {
                lines.reverse();
            }
            for mut line in lines {
                if backward {
                    line.reverse();
                }
                bytes.extend(Kind::F32.encode(&line, self.big_endian));
            }
        }
        bytes
    }
}

/// Five pictures of 3 x 2 pixels: heights in nanometres of metres, no two alike.
fn pictures() -> Vec<Vec<f64>> {
    (0..5).map(|n| (0..6).map(|i| (f64::from(n) * 10.0 + f64::from(i)) * 1e-9).collect()).collect()
}

fn metres(picture: &[f64]) -> Vec<f32> {
    picture.iter().map(|&v| v as f32).collect()
}

pub fn small() -> Vec<u8> {
    Sxm::new(3, 2).bytes(&pictures())
}

#[test]
fn every_channel_and_direction_lies_as_the_sample_does() {
    let folder = Folder::new();
    let pictures = pictures();
    for (up, big_endian, tabs) in [(false, true, true), (true, true, true), (true, false, true)] {
        let bytes = Sxm { up, big_endian, tabs, ..Sxm::new(3, 2) }.bytes(&pictures);
        // The content tells the format, whatever the name.
        for name in ["s.sxm", "s.dat", "s"] {
            let path = folder.file(name, &bytes);
            for (page, place) in [2, 0, 1, 3, 4].into_iter().enumerate() {
                let m = open_page(&path, page).unwrap();
                assert_eq!((m.width, m.height), (3, 2));
                assert_eq!(*m.pixels, *metres(&pictures[place]), "page {page}, up {up}, {name}");
                let size = m.pixel_size.unwrap();
                assert!((size.x_nm - 2.0).abs() < 1e-9 && (size.y_nm - 2.5).abs() < 1e-9, "{size:?}");
            }
            let error = open_page(&path, 5).unwrap_err().to_string();
            assert!(error.contains("page 5") && error.contains("there are 5"), "{error}");
        }
    }
}

#[test]
fn the_header_tells_what_each_page_is() {
    let folder = Folder::new();
    let info = info(folder.file("i.sxm", &small())).unwrap();
    assert_eq!((info.format, info.pages, info.sample_type.as_str()), (Format::Sxm, 5, "f32"));
    assert_eq!(info.pixel_size_unit.as_deref(), Some("m"));
    assert_eq!(info.pixel_size_source.as_deref(), Some("SCAN_RANGE"));
    let note = "page 0 is Z forward (m), 1 Current forward (A), 2 Current backward (A), 3 Z backward (m), \
                4 LI_Demod_1_X forward";
    assert_eq!(info.notes, [note]);
}

#[test]
fn spaces_between_columns_and_one_direction_are_read() {
    let mut sxm = Sxm::new(3, 2);
    (sxm.tabs, sxm.channels) = (false, vec![["Z", "m", "backward"]]);
    let folder = Folder::new();
    let path = folder.file("b.sxm", &sxm.bytes(&pictures()[..1]));
    assert_eq!(*open(&path).unwrap().pixels, *metres(&pictures()[0]));
    assert_eq!(info(&path).unwrap().notes, ["the picture is Z backward (m)"]);
    let windows = sxm.header().replace('\n', "\r\n");
    let data = [&[0x1A, 4], Kind::F32.encode(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], true).as_slice()].concat();
    let m = opened("w.sxm", &[windows.as_bytes(), &data].concat());
    assert_eq!(*m.pixels, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
}

#[test]
fn lines_that_were_not_scanned_are_replaced_and_counted() {
    let mut sxm = Sxm::new(3, 2);
    (sxm.up, sxm.channels) = (true, vec![["Z", "m", "both"]]);
    let scanned = vec![f64::NAN, f64::NAN, f64::NAN, 1e-9, 2e-9, 6e-9];
    let m = opened("n.sxm", &sxm.bytes(&[scanned, vec![f64::NAN; 6]]));
    assert_eq!(*m.pixels, [2e-9, 2e-9, 2e-9, 1e-9, 2e-9, 6e-9]);
    assert_eq!(m.replaced, 3);
    assert_eq!(m.lost.unwrap()[..], [true, true, true, false, false, false]);
}

#[test]
fn at_constant_height_the_first_page_is_what_was_measured() {
    let mut sxm = Sxm::new(3, 2);
    sxm.channels = vec![["Z", "m", "both"], ["Input_4", "V", "forward"], ["Current", "A", "both"]];
    let measured = pictures();
    let mut flat = vec![5e-9; 6];
    flat[4] = f64::NAN;
    let folder = Folder::new();
    let path = folder.file(
        "c.sxm",
        &sxm.bytes(&[flat, vec![5e-9; 6], measured[0].clone(), measured[1].clone(), measured[2].clone()]),
    );
    assert_eq!(*open(&path).unwrap().pixels, *metres(&measured[1]));
    assert_eq!(*open_page(&path, 1).unwrap().pixels, [5e-9; 6]);
    let note = "page 0 is Current forward (A), 1 Z forward (m), 2 Z backward (m), 3 Input_4 forward (V), \
                4 Current backward (A)";
    assert_eq!(info(&path).unwrap().notes, [note]);
}

#[test]
fn a_scan_without_a_range_has_no_scale() {
    for range in ["0.0 0.0", "-1E-9 1E-9", "NaN NaN", "big", "1E-9"] {
        let text = Sxm::new(3, 2).header().replace("6.000000E-9           5.000000E-9", range);
        let m = opened("s.sxm", &[text.as_bytes(), &[0x1A, 4], &[0x40; 4 * 30]].concat());
        assert_eq!(m.pixel_size, None, "{range}");
    }
}

#[test]
fn a_header_that_cannot_be_true_is_refused_with_its_tag() {
    for (from, to, words) in [
        ("FLOAT", "SHORT", "SCANIT_TYPE: `SHORT MSBFIRST` is not FLOAT MSBFIRST"),
        (":SCANIT_TYPE:", ":SCANIT_KIND:", "SCANIT_TYPE: it is missing"),
        ("       3       2", "       3", "SCAN_PIXELS: `3` is not a number of points"),
        ("       3       2", "       3       -2", "SCAN_PIXELS: `3 -2` is not"),
        ("       3       2", "       0       2", "SCAN_PIXELS: 0 x 2 is no picture"),
        (
            "       3       2",
            "  3  4",
            "SCAN_PIXELS, DATA_INFO: the header promises 3 x 4 pixels in 5 picture(s)",
        ),
        ("       3       2", "  9000000000  9000000000", "is more than the"),
        ("down", "left", "SCAN_DIR: `left` is not up or down"),
        ("Direction", "Way", "DATA_INFO: `Channel Name Unit Way"),
        ("both", "twice", "DATA_INFO: `14 Current A twice"),
        (":DATA_INFO:", ":DATA:", "DATA_INFO: it is missing"),
        (":SCANIT_END:", ":SCANIT:", "SCANIT_END: the header has no end"),
        (":SCANIT_END:\n\n\n", ":SCANIT_END:\n\n\nx", "SCANIT_END: the bytes 1A 04 do not follow it"),
    ] {
        let text = Sxm::new(3, 2).header();
        assert!(text.contains(from), "{from}");
        let bytes = [text.replacen(from, to, 1).as_bytes(), &[0x1A, 4], &[0x40; 4 * 30]].concat();
        let error = refused("lie.sxm", &bytes);
        assert!(error.contains("Nanonis SXM") && error.contains(words), "{error}");
    }
    let mut empty = Sxm::new(3, 2);
    empty.channels.clear();
    assert!(refused("none.sxm", &empty.bytes(&[])).contains("DATA_INFO: it lists no channel"));
    let text = "Grid dim=\"30 x 30\"\r\n";
    assert!(refused("grid.sxm", text.as_bytes()).contains("Nanonis SXM: signature"));
}
