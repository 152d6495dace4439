//! What people open by accident, and what is left of a download that broke off.

use super::dm_write::Dm;
use super::raster::{encoded, grey8};
use super::ser::{Ser, Shot};
use super::write::{Folder, Kind, Mrc, TiffPage, gzip, npy, npz, opened, pixels, refused, spiepy, tiff};
use super::{gwy, ibw, sxm};
use image::ImageFormat;
use nanotheca::Error;
use nanotheca::micrograph::format::{info, open};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

/// One small valid file of each format, but for text.
pub fn valid_files() -> Vec<(&'static str, Vec<u8>)> {
    let values = Kind::U16.values(5 * 3);
    let data = Kind::U16.encode(&values, false);
    let array = npy("<u2", false, &[3, 5], &data);
    let mrc = Mrc::new(6, [5, 3, 1], false).bytes(&data);
    vec![
        ("a.png", encoded(&grey8(), ImageFormat::Png)),
        ("a.bmp", encoded(&grey8(), ImageFormat::Bmp)),
        ("a.jpg", encoded(&grey8(), ImageFormat::Jpeg)),
        ("a.tif", tiff(TiffPage::grey(5, 3, 16, 1, data))),
        ("a.npz", npz(&[("images", array.clone())])),
        ("a.npy", array),
        ("a.mrc.gz", gzip(&mrc)),
        ("a.mrc", mrc),
        ("a.dat", spiepy(3, 5, &values)),
        ("a.sxm", sxm::small()),
        ("a.gwy", gwy::small()),
        ("a.ibw", ibw::small()),
        ("a.dm3", Dm { wide: false, big_endian: false }.picture(Kind::U16, [5, 3], &values)),
        ("a.dm4", Dm { wide: true, big_endian: true }.picture(Kind::U16, [5, 3], &values)),
        ("a.ser", Ser::new(false, vec![Shot::new(Kind::U16, [5, 3], &values)]).bytes()),
    ]
}

#[test]
fn an_empty_file_is_called_empty() {
    for name in ["a.mrc", "a.tif", "a.png", "a.npy", "a.npz", "a.txt", "a.jpg", "a.gz", "nothing"] {
        let error = refused(name, &[]);
        assert!(error.contains("the file is empty"), "{error}");
    }
    assert!(refused("a.mrc", &[]).contains("MRC: size"));
    assert!(refused("a.mrc.gz", &gzip(&[])).contains("gzip"));
}

#[test]
fn text_renamed_is_called_text() {
    let text = "Dear colleague,\n\nthe particles are attached.\n".repeat(60);
    for text in [&text[..100], &text] {
        let error = refused("letter.mrc", text.as_bytes());
        assert!(error.contains("MRC: header: it is text (\"Dear colleague,\")"), "{error}");
        for (name, format) in [("letter.tif", "TIFF"), ("letter.png", "PNG"), ("letter.npz", "NPZ")] {
            let error = refused(name, text.as_bytes());
            assert!(
                error.contains(&format!("{format}: signature")) && error.contains("it is text"),
                "{error}"
            );
        }
    }
}

#[test]
fn a_file_cut_short_never_gives_another_picture() {
    let folder = Folder::new();
    for (name, bytes) in valid_files() {
        let whole = open(folder.file(name, &bytes)).unwrap();
        for cut in 1..bytes.len() {
            match open(folder.file(name, &bytes[..cut])) {
                Err(Error::File { .. }) => {}
                Err(other) => panic!("{name} cut at {cut}: {other}"),
                // What is missing may be without meaning, as the end mark of a PNG.
                Ok(m) => assert_eq!(m.pixels, whole.pixels, "{name} cut at {cut}"),
            }
        }
    }
}

#[test]
fn a_wrong_byte_anywhere_gives_a_whole_picture_or_an_error() {
    let folder = Folder::new();
    for (name, bytes) in valid_files() {
        let path = folder.file(name, &bytes);
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        let mut put = |at: usize, byte: u8| {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        for (at, &right) in bytes.iter().enumerate() {
            for byte in [0, 255, !right, right ^ 1] {
                put(at, byte);
                match open(&path) {
                    Err(Error::File { .. }) => {}
                    Err(other) => panic!("{name} with {byte} at {at}: {other}"),
                    Ok(m) => {
                        assert_eq!(m.pixels.len(), m.width * m.height, "{name} with {byte} at {at}");
                        assert!(m.pixels.iter().all(|v| v.is_finite()), "{name} with {byte} at {at}");
                    }
                }
            }
            put(at, right);
        }
    }
}

#[test]
fn a_cut_mrc_or_tiff_is_called_truncated() {
    for (name, bytes) in valid_files() {
        let cut = &bytes[..bytes.len() - 3];
        let words = match name {
            "a.mrc" => "MRC: nx, ny, nz: the header promises 5 x 3 pixels",
            "a.tif" => "truncated",
            "a.mrc.gz" => "gzip: content",
            _ => continue,
        };
        assert!(refused(name, cut).contains(words), "{name}");
    }
    assert!(refused("short.mrc", &[0; 1000]).contains("MRC: header: an MRC file has at least 1024 bytes"));
}

#[test]
fn an_mrc_header_that_cannot_be_true_is_refused_with_its_field() {
    for (mode, size, words) in [
        (6, [5000, 5000, 1], "MRC: nx, ny, nz: the header promises 5000 x 5000 pixels"),
        (6, [5, 3, 1_000_000], "MRC: nx, ny, nz"),
        (6, [1 << 20, 1 << 20, 1 << 20], "MRC: nx, ny, nz"),
        (6, [0, 3, 1], "MRC: nx: 0 is no number"),
        (6, [5, -3, 1], "MRC: ny: -3 is no number"),
        (6, [5, 3, 0], "MRC: nz"),
        (4, [5, 3, 1], "MRC: mode: mode 4 is a Fourier transform"),
        (77, [5, 3, 1], "MRC: mode: 77"),
    ] {
        let error = refused("lie.mrc", &Mrc::new(mode, size, false).bytes(&[0; 30]));
        assert!(error.contains(words), "{error}");
    }
    let mut bytes = Mrc::new(6, [5, 3, 1], false).bytes(&[0; 30]);
    bytes[92..96].copy_from_slice(&(-5_i32).to_le_bytes());
    assert!(refused("lie.mrc", &bytes).contains("MRC: nsymbt"));
    bytes[92..96].copy_from_slice(&1_000_000_i32.to_le_bytes());
    assert!(refused("lie.mrc", &bytes).contains("MRC: nx, ny, nz"));
}

#[test]
fn lost_points_are_replaced_by_the_median_and_counted() {
    let values = [1.0, f64::NAN, 3.0, f64::INFINITY, 9.0, f64::NEG_INFINITY];
    let want = [1.0, 3.0, 3.0, 3.0, 9.0, 3.0];
    let f32s = Kind::F32.encode(&values, false);
    let files = [
        ("n.mrc", Mrc::new(2, [3, 2, 1], false).bytes(&f32s)),
        ("n.tif", tiff(TiffPage::grey(3, 2, 32, 3, f32s.clone()))),
        ("n.npy", npy("<f4", false, &[2, 3], &f32s)),
        ("n.dm3", Dm { wide: false, big_endian: false }.picture(Kind::F32, [3, 2], &values)),
        ("n.dat", spiepy(2, 3, &values)),
        ("n.txt", b"1 nan 3\ninf 9 -inf\n".to_vec()),
    ];
    let folder = Folder::new();
    for (name, bytes) in files {
        let path = folder.file(name, &bytes);
        let m = open(&path).unwrap();
        assert_eq!(*m.pixels, want, "{name}");
        assert_eq!(m.replaced, 3);
        assert!(m.warning().unwrap().contains("3 of 6 pixels"));
        let info = info(&path).unwrap();
        assert_eq!((info.min, info.max, info.replaced), (1.0, 9.0, 3));
        assert!(info.notes.iter().any(|n| n.contains("NaN")));
    }
    let nothing = Kind::F32.encode(&[f64::NAN; 6], false);
    let error = refused("nan.npy", &npy("<f4", false, &[2, 3], &nothing));
    assert!(error.contains("NPY: pixels: not one of the 6 values is a finite number"), "{error}");
}

#[test]
fn one_pixel_and_a_single_grey_are_pictures() {
    for (name, bytes, value) in [
        ("1.npy", npy("<f4", false, &[1, 1], &5.5_f32.to_le_bytes()), 5.5),
        ("1.mrc", Mrc::new(2, [1, 1, 1], true).bytes(&5.5_f32.to_be_bytes()), 5.5),
        ("1.tif", tiff(TiffPage::grey(1, 1, 8, 1, vec![7])), 7.0),
        ("1.txt", b"7".to_vec(), 7.0),
        ("1.dat", spiepy(1, 1, &[-2.0]), -2.0),
    ] {
        let m = opened(name, &bytes);
        assert_eq!((m.width, m.height, &*m.pixels), (1, 1, [value].as_slice()), "{name}");
        assert_eq!(m.warning(), None);
    }
    let m = opened("c.npy", &npy("|u1", false, &[8, 9], &[42; 72]));
    assert_eq!(*m.pixels, *pixels(&[42.0; 72]));
}

#[test]
fn formats_of_other_instruments_are_named() {
    let pad = [1_u8; 600];
    for (start, name) in
        [(b"\x89HDF\r\n\x1A\n".as_slice(), "HDF5"), (b"BZh91AY&SY", "bzip2"), (b"%PDF-1.7", "PDF")]
    {
        let error = refused("instrument.data", &[start, &pad].concat());
        assert!(error.contains(name) && error.contains("this format is not read"), "{error}");
    }
    assert!(refused("what.ever", &[1, 2, 3, 0, 9, 9, 9, 9]).contains("its first bytes are 01 02 03 00"));
}

#[test]
fn what_is_not_there_or_no_file_is_an_error_of_the_system() {
    let folder = Folder::new();
    assert!(matches!(open(folder.path().join("gone.mrc")), Err(Error::Io { action: "open", .. })));
    assert!(matches!(open(folder.path()), Err(Error::Io { action: "open", .. })));
}
