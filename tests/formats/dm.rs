//! DM3 and DM4: both byte orders, every type of pixel, stacks, several pictures, calibrations; thumbnails, spectra and
//! complex numbers are no pages.

use super::chance::damage_every_byte;
use super::dm_write::{Dm, NM, Tag, image, tree};
use super::write::{Folder, Kind, gzip, opened, pixels, refused};
use Tag::{Group, Number, Raw};
use nanotheca::micrograph::format::{Format, Info, info, open, open_first, open_page};

const ALL: [Dm; 4] = [
    Dm { wide: false, big_endian: false },
    Dm { wide: false, big_endian: true },
    Dm { wide: true, big_endian: false },
    Dm { wide: true, big_endian: true },
];
const DM3: Dm = ALL[0];

/// One picture of 2 x 1 bytes with these calibrations.
fn calibrated(axes: &[(f64, &str)]) -> Info {
    let folder = Folder::new();
    let picture = image(6, DM3.array(Kind::U8, &[1.0, 2.0]), &[2, 1], axes, "");
    info(folder.file("c.dm3", &DM3.bytes(&tree(vec![picture], &[])))).unwrap()
}

/// What is said to a file with this one image.
fn refused_image(data_type: i32, data: Tag, sides: &[usize], axes: &[(f64, &str)], content: &str) -> String {
    refused("no.dm3", &DM3.bytes(&tree(vec![image(data_type, data, sides, axes, content)], &[])))
}

#[test]
fn every_type_in_both_versions_and_byte_orders_opens_with_its_pixels_and_scale() {
    let folder = Folder::new();
    for dm in ALL {
        for kind in [Kind::U8, Kind::I8, Kind::U16, Kind::I16, Kind::U32, Kind::I32, Kind::F32, Kind::F64] {
            let values = kind.values(7 * 5);
            let bytes = dm.picture(kind, [7, 5], &values);
            // The content tells the format, whatever the name.
            for (name, bytes) in [("a.dm3", &bytes), ("a.dm4.gz", &gzip(&bytes)), ("a.png", &bytes)] {
                let path = folder.file(name, bytes);
                let m = open(&path).unwrap();
                assert_eq!((m.width, m.height), (7, 5));
                assert_eq!(*m.pixels, *pixels(&values), "{dm:?} {kind:?} {name}");
                let info = info(&path).unwrap();
                assert_eq!(info.format, if dm.wide { Format::Dm4 } else { Format::Dm3 });
                assert_eq!(info.sample_type, format!("{kind:?}").to_lowercase());
                assert_eq!((info.pages, info.channels), (1, 1));
                let size = info.pixel_size.unwrap();
                assert_eq!((size.x_nm, size.y_nm), (0.25, 0.25));
                assert_eq!(info.pixel_size_unit.as_deref(), Some("nm"));
                assert!(info.notes.is_empty(), "{:?}", info.notes);
            }
        }
    }
}

#[test]
fn each_axis_has_a_unit_of_its_own_and_what_is_no_length_is_no_scale() {
    for (axes, want) in [
        ([(0.25, "nm"), (0.5, "nm")], Some((0.25, 0.5, "nm"))),
        ([(1.0, "nm"), (2.0, "A")], Some((1.0, 0.2, "nm"))),
        ([(0.5, "\u{B5}m"), (0.5, "\u{B5}m")], Some((500.0, 500.0, "\u{B5}m"))),
        ([(0.5, "um"), (250.0, "nm")], Some((500.0, 250.0, "\u{B5}m"))),
        ([(0.125, "\u{C5}"), (0.25, "\u{C5}")], Some((0.0125, 0.025, "\u{C5}"))),
        ([(0.25, "m"), (0.25, "m")], Some((0.25e9, 0.25e9, "m"))),
        ([(1.0, ""), (1.0, "")], None),
        ([(0.0, "nm"), (0.25, "nm")], None),
        ([(0.25, "nm"), (f64::NAN, "nm")], None),
        ([(-0.25, "nm"), (0.25, "nm")], None),
        ([(0.25, "nm"), (0.25, "")], None),
    ] {
        let info = calibrated(&axes);
        let found = info.pixel_size.map(|s| ((s.x_nm * 1e6).round() / 1e6, (s.y_nm * 1e6).round() / 1e6));
        assert_eq!(found, want.map(|(x, y, _)| (x, y)), "{axes:?}");
        assert_eq!(info.pixel_size_unit.as_deref(), want.map(|w| w.2));
        assert_eq!(info.pixel_size_source.is_some(), want.is_some());
        assert!(info.notes.is_empty(), "{:?}", info.notes);
    }
    for unit in ["1/nm", "mrad", "pixels"] {
        let info = calibrated(&[(0.25, unit), (0.25, unit)]);
        assert_eq!(info.pixel_size, None);
        assert_eq!(
            info.notes,
            [format!("the axes are in {unit}, which is no length: the pixel size is not known")]
        );
    }
    assert_eq!(calibrated(&[(0.25, "nm")]).pixel_size, None);
    assert_eq!(calibrated(&[]).pixel_size, None);
}

#[test]
fn frames_of_a_stack_are_pages() {
    let folder = Folder::new();
    for dm in ALL {
        let values = Kind::I16.values(4 * 3 * 5);
        let axes = [(0.25, "nm"), (0.25, "nm"), (1.0, "s")];
        let stack = image(1, dm.array(Kind::I16, &values), &[4, 3, 5], &axes, "Image");
        let path = folder.file("s.dm4", &dm.bytes(&tree(vec![dm.thumbnail(), stack], &[0])));
        for page in 0..5 {
            assert_eq!(*open_page(&path, page).unwrap().pixels, pixels(&values)[page * 12..(page + 1) * 12]);
        }
        let first = open_first(&path).unwrap();
        assert_eq!((first.pages, first.alike), (5, true));
        let error = open_page(&path, 5).unwrap_err().to_string();
        assert!(error.contains("page 5") && error.contains("there are 5"), "{error}");
    }
}

#[test]
fn several_pictures_are_pages_one_after_the_other_and_all_else_is_named() {
    let small = image(6, DM3.array(Kind::U8, &[1.0, 2.0]), &[2, 1], &NM, "Image");
    let profile = image(2, DM3.array(Kind::F32, &[1.0; 4]), &[4], &[(1.0, "")], "");
    let stack = image(1, DM3.array(Kind::I16, &Kind::I16.values(12)), &[2, 3, 2], &NM, "");
    let folder = Folder::new();
    let images = vec![small, DM3.thumbnail(), profile, stack];
    let path = folder.file("many.dm3", &DM3.bytes(&tree(images, &[1])));
    let sizes: Vec<_> = (0..3).map(|page| open_page(&path, page).unwrap()).collect();
    assert_eq!(sizes.iter().map(|m| (m.width, m.height)).collect::<Vec<_>>(), [(2, 1), (2, 3), (2, 3)]);
    assert_eq!(*sizes[2].pixels, pixels(&Kind::I16.values(12))[6..]);
    let first = open_first(&path).unwrap();
    assert_eq!((first.pages, first.alike), (3, false));
    let notes = first.notes.join("\n");
    assert!(notes.contains("several pictures: \"type 6\", \"type 1\""), "{notes}");
    assert!(notes.contains("\"type 2\" is left out: 4 values along one axis"), "{notes}");
}

#[test]
fn old_files_do_not_list_their_thumbnail() {
    let picture = image(6, DM3.array(Kind::U8, &[1.0, 2.0, 3.0]), &[3, 1], &NM, "");
    let images = vec![DM3.thumbnail(), picture];
    assert_eq!(*opened("old.dm3", &DM3.bytes(&tree(images, &[]))).pixels, [1.0, 2.0, 3.0]);
}

#[test]
fn colours_become_luminance() {
    let folder = Folder::new();
    for dm in ALL {
        for (data_type, channels) in [(23, 3), (8, 4)] {
            // Red, green, blue, and a grey, with something in the byte that is not used.
            let colours = [0xFF_0000, 0x00_FF00, 0x00_00FF, 0x7F_46_46_46];
            let data = dm.array(Kind::I32, &colours.map(f64::from));
            let bytes = dm.bytes(&tree(vec![image(data_type, data, &[2, 2], &NM, "")], &[]));
            let path = folder.file("rgb.dm3", &bytes);
            let want = [0.2126 * 255.0, 0.7152 * 255.0, 0.0722 * 255.0, 70.0_f32];
            for (a, b) in open(&path).unwrap().pixels.iter().zip(want) {
                assert!((a - b).abs() < 1e-3, "{dm:?}: {a} is not {b}");
            }
            let info = info(&path).unwrap();
            assert_eq!((info.channels, info.sample_type.as_str()), (channels, "u8"));
            assert_eq!(info.notes, ["the colours were turned into luminance"]);
        }
    }
}

#[test]
fn spectra_and_fourier_transforms_are_refused_in_words() {
    let floats = |n: usize| DM3.array(Kind::F32, &vec![1.0; n]);
    let complex = Raw(vec![20, 15, 0, 2, 0, 6, 0, 6, 4], vec![0; 32]);
    for (error, words) in [
        (refused_image(2, floats(4), &[2, 2], &NM, "Spectrum image"), "it holds spectra"),
        (refused_image(2, floats(4), &[4, 1], &[(0.1, "eV"), (1.0, "")], ""), "it holds spectra"),
        (refused_image(2, floats(8), &[2, 2, 2], &[NM[0], NM[1], (1.0, "keV")], ""), "it holds spectra"),
        (refused_image(2, floats(4), &[4], &NM, ""), "Dimensions: 4 values along one axis"),
        (refused_image(3, complex, &[2, 2], &NM, ""), "DataType: its pixels are complex numbers"),
        (refused_image(27, floats(6), &[2, 2], &NM, ""), "DataType: its pixels are complex numbers"),
    ] {
        assert!(error.contains("DM3: tag ImageList.0.ImageData") && error.contains(words), "{error}");
    }
    // Of several images the first one's fault is told: what follows are plots of it.
    let images = vec![image(99, floats(4), &[2, 2], &NM, ""), image(2, floats(4), &[4], &NM, "")];
    let error = refused("two.dm3", &DM3.bytes(&tree(images, &[])));
    assert!(error.contains("tag ImageList.0.ImageData.DataType: 99 is none"), "{error}");
    let only = refused("t.dm3", &DM3.bytes(&tree(vec![DM3.thumbnail()], &[0])));
    assert!(only.contains("tag ImageList: there is no picture in the file"), "{only}");
    assert!(refused("t.dm3", &DM3.bytes(&tree(vec![], &[]))).contains("there is no picture in the file"));
}

#[test]
fn tags_that_cannot_be_true_are_refused_by_name() {
    let bytes = |n: usize| DM3.array(Kind::U8, &vec![1.0; n]);
    for (error, words) in [
        (refused_image(6, bytes(5), &[2, 2], &NM, ""), "Dimensions: 2 x 2 pixels of 1 byte(s) are promised"),
        (refused_image(2, bytes(4), &[2, 2], &NM, ""), "Dimensions: 2 x 2 pixels of 4 byte(s) are promised"),
        (refused_image(6, bytes(4), &[usize::MAX, usize::MAX], &NM, ""), "ImageList.0.ImageData.Dimensions"),
        (refused_image(6, bytes(4), &[1 << 30, 1 << 30, 1 << 30], &NM, ""), "ImageData.Dimensions"),
        (refused_image(6, bytes(4), &[0, 4], &NM, ""), "are no numbers of pixels"),
        (refused_image(6, bytes(4), &[], &NM, ""), "Dimensions: the numbers of pixels are missing"),
        (refused_image(99, bytes(4), &[2, 2], &NM, ""), "DataType: 99 is none of the types"),
        (refused_image(-1, bytes(4), &[2, 2], &NM, ""), "DataType: -1 is no type of pixels"),
        (refused_image(6, Number(Kind::U8, 1.0), &[1, 1], &NM, ""), "Data: the pixels are missing"),
        (refused_image(6, Raw(vec![20, 10, u32::MAX.into()], vec![]), &[2, 2], &NM, ""), "is truncated"),
        (refused_image(6, Raw(vec![77], vec![]), &[2, 2], &NM, ""), "ImageData.Data: its type is not known"),
    ] {
        assert!(error.contains("DM3: tag ImageList.0.ImageData") && error.contains(words), "{error}");
    }
    let mut deep = Group(vec![]);
    for _ in 0..100 {
        deep = Group(vec![("in", deep)]);
    }
    for dm in ALL {
        let error = refused("deep.dm4", &dm.bytes(&deep));
        assert!(error.contains("tag in.in.in") && error.contains("64 groups"), "{error}");
        // An array of arrays of arrays, each as long as can be.
        let words = [vec![20; 5], vec![10], vec![u32::MAX.into(); 5]].concat();
        let error = refused("array.dm4", &dm.bytes(&Group(vec![("a", Raw(words, vec![]))])));
        assert!(error.contains("tag a: its type is not known"), "{error}");
        // The number of tags of the root, and of words for a type.
        let file = dm.bytes(&Group(vec![("a", Number(Kind::U8, 1.0))]));
        let (count, type_words) = if dm.wide { (18, 26 + 16) } else { (14, 18 + 8) };
        for (at, words) in [(count, "tags: "), (type_words, "tag a: ")] {
            let mut file = file.clone();
            file[at..at + dm.word(0).len()].copy_from_slice(&dm.word(1 << 31));
            let error = refused("count.dm4", &file);
            assert!(error.contains(words) && error.contains("2147483648"), "{error}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_though_its_pixels_may_be_complete() {
    for dm in [DM3, ALL[3]] {
        let bytes = dm.picture(Kind::U16, [3, 2], &Kind::U16.values(6));
        // Behind the tree stand eight empty bytes.
        for cut in 30..bytes.len() - 8 {
            let error = refused("cut.dm3", &bytes[..cut]);
            assert!(error.contains(": tag") && error.contains("it is truncated"), "{error}");
        }
    }
}

#[test]
fn one_wrong_byte_anywhere_never_panics() {
    for dm in [DM3, ALL[3]] {
        damage_every_byte("d.dm3", &dm.picture(Kind::I16, [3, 2], &Kind::I16.values(6)));
    }
}
