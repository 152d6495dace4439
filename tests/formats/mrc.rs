//! MRC: every mode, both byte orders, wrong stamps, extended headers, stacks, gzip.

use super::write::{Folder, Kind, Mrc, gzip, opened, pixels};
use nanotheca::micrograph::format::{Format, info, open, open_page};

const MODES: [(i32, Kind); 5] =
    [(0, Kind::I8), (1, Kind::I16), (2, Kind::F32), (6, Kind::U16), (12, Kind::F16)];

#[test]
fn every_mode_in_both_byte_orders_opens_with_its_pixels_and_scale() {
    let folder = Folder::new();
    for big_endian in [false, true] {
        for (mode, kind) in MODES {
            let values = kind.values(7 * 5);
            let bytes = Mrc::new(mode, [7, 5, 1], big_endian).bytes(&kind.encode(&values, big_endian));
            // The content tells the format, whatever the name.
            for (name, bytes) in [("a.mrc", &bytes), ("a.map.gz", &gzip(&bytes)), ("a.png", &bytes)] {
                let path = folder.file(name, bytes);
                let m = open(&path).unwrap();
                assert_eq!((m.width, m.height), (7, 5));
                assert_eq!(*m.pixels, *pixels(&values), "mode {mode}, big-endian {big_endian}, {name}");
                let info = info(&path).unwrap();
                assert_eq!(info.format, Format::Mrc);
                assert_eq!(info.pixel_size_unit.as_deref(), Some("Å"));
                let size = info.pixel_size.unwrap();
                assert!((size.x_nm - 0.25).abs() < 1e-6 && (size.y_nm - 0.5).abs() < 1e-6, "{size:?}");
            }
        }
    }
}

#[test]
fn packed_4_bit_rows_start_at_a_byte_with_the_low_half_first() {
    // 3 x 2 pixels: 1 2 3 / 15 0 9; the high half of every second byte is padding.
    let m = opened("p.mrc", &Mrc::new(101, [3, 2, 1], false).bytes(&[0x21, 0xF3, 0x0F, 0xF9]));
    assert_eq!(*m.pixels, [1.0, 2.0, 3.0, 15.0, 0.0, 9.0]);
}

#[test]
fn bytes_of_imod_have_no_sign_unless_its_flag_says_so() {
    for (flag, want) in [(0_u32, [1.0, 200.0]), (1, [1.0, -56.0])] {
        let mut bytes = Mrc::new(0, [2, 1, 1], false).bytes(&[1, 200]);
        bytes[152..156].copy_from_slice(&1_146_047_817_u32.to_le_bytes());
        bytes[156..160].copy_from_slice(&flag.to_le_bytes());
        assert_eq!(*opened("i.mrc", &bytes).pixels, want);
    }
}

#[test]
fn bytes_whose_header_says_that_they_go_up_to_255_have_no_sign() {
    for ([least, most], want) in [
        ([0.0_f32, 255.0_f32], [1.0, 200.0]),
        ([-56.0, 1.0], [1.0, -56.0]),
        ([0.0, 0.0], [1.0, -56.0]),
        ([0.0, f32::NAN], [1.0, -56.0]),
    ] {
        for big_endian in [false, true] {
            let mut bytes = Mrc::new(0, [2, 1, 1], big_endian).bytes(&[1, 200]);
            for (at, v) in [(76, least), (80, most)] {
                let v = if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
                bytes[at..at + 4].copy_from_slice(&v);
            }
            assert_eq!(*opened("b.mrc", &bytes).pixels, want, "{least} to {most}");
        }
    }
}

#[test]
fn a_wrong_or_missing_stamp_is_seen_through() {
    for big_endian in [false, true] {
        let values = Kind::I16.values(6);
        let mut mrc = Mrc::new(1, [3, 2, 1], big_endian);
        for stamp in [[0; 4], [0x44, 0x41, 0, 0], [0x44, 0x44, 0, 0], [0x11, 0x11, 0, 0]] {
            mrc.stamp = stamp;
            let mut bytes = mrc.bytes(&Kind::I16.encode(&values, big_endian));
            assert_eq!(*opened("s.mrc", &bytes).pixels, *pixels(&values), "{stamp:?}");
            // Old writers have no "MAP " either: then the extension tells, or that the length fits exactly.
            bytes[208..212].fill(0);
            assert_eq!(*opened("s.rec", &bytes).pixels, *pixels(&values), "{stamp:?}");
            assert_eq!(*opened("s.unknown", &bytes).pixels, *pixels(&values), "{stamp:?}");
        }
    }
}

#[test]
fn sections_of_a_stack_are_pages() {
    let values = Kind::U16.values(4 * 3 * 5);
    let folder = Folder::new();
    let path = folder.file("t.mrcs", &Mrc::new(6, [4, 3, 5], true).bytes(&Kind::U16.encode(&values, true)));
    assert_eq!(info(&path).unwrap().pages, 5);
    for page in 0..5 {
        assert_eq!(*open_page(&path, page).unwrap().pixels, pixels(&values)[page * 12..(page + 1) * 12]);
    }
    let error = open_page(&path, 5).unwrap_err().to_string();
    assert!(error.contains("page 5") && error.contains("there are 5"), "{error}");
}

#[test]
fn pixels_begin_after_the_extended_header_and_fei_states_a_scale_in_it() {
    for (exttyp, cell, want_nm, unit) in [
        (*b"FEI1", [0.0, 0.0, 0.0], Some(0.2), "m"),
        (*b"FEI2", [2.0, 1.0, 1.0], Some(0.2), "m"), // 1 Å in the cell means that its writer did not know
        (*b"FEI2", [10.0, 5.0, 1.0], Some(0.5), "Å"), // pixels were binned: the cell is newer
        (*b"SERI", [0.0, 0.0, 0.0], None, ""),
    ] {
        let mut mrc = Mrc::new(6, [2, 1, 1], false);
        mrc.cell = cell;
        mrc.exttyp = exttyp;
        mrc.extended = vec![7; 768];
        mrc.extended[156..164].copy_from_slice(&2e-10_f64.to_le_bytes());
        mrc.extended[164..172].copy_from_slice(&2e-10_f64.to_le_bytes());
        let folder = Folder::new();
        let path = folder.file("f.mrc", &mrc.bytes(&Kind::U16.encode(&[300.0, 4.0], false)));
        let info = info(&path).unwrap();
        assert_eq!((info.min, info.max, info.mean), (4.0, 300.0, 152.0));
        assert_eq!(info.pixel_size.map(|s| (s.x_nm * 1e6).round() / 1e6), want_nm, "{exttyp:?} {cell:?}");
        assert_eq!(info.pixel_size_unit.unwrap_or_default(), unit);
    }
}

#[test]
fn an_8k_picture_opens() {
    let folder = Folder::new();
    let path = folder.file("8k.mrc", &Mrc::new(6, [8192, 8192, 1], false).bytes(&[7, 0]));
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1024 + 2 * 8192 * 8192).unwrap();
    let m = open(&path).unwrap();
    assert_eq!((m.width, m.height, m.pixel(0, 0), m.pixel(8191, 8191)), (8192, 8192, Some(7.0), Some(0.0)));
    assert_eq!(m.pixel(8192, 0), None);
}
