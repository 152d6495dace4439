//! NPY and NPZ as micrographs.

use super::write::{Folder, Kind, npy, npz, opened, pixels, refused};
use nanotheca::micrograph::format::{Format, info, open_page};

const TYPES: [(Kind, &str); 11] = [
    (Kind::U8, "u1"),
    (Kind::I8, "i1"),
    (Kind::U16, "u2"),
    (Kind::I16, "i2"),
    (Kind::U32, "u4"),
    (Kind::I32, "i4"),
    (Kind::U64, "u8"),
    (Kind::I64, "i8"),
    (Kind::F16, "f2"),
    (Kind::F32, "f4"),
    (Kind::F64, "f8"),
];

/// The same array with its first axis fastest.
fn fortran(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut out = vec![0.0; values.len()];
    for (i, &v) in values.iter().enumerate() {
        let (mut rest, mut at, mut stride) = (i, 0, values.len());
        for &n in shape.iter().rev() {
            stride /= n;
            at += rest % n * stride;
            rest /= n;
        }
        out[at] = v;
    }
    out
}

#[test]
fn every_number_type_opens_in_both_byte_orders_and_both_axis_orders() {
    assert_eq!(TYPES.map(|t| t.0), Kind::ALL);
    // numpy.asfortranarray(numpy.arange(6).reshape(2, 3)).ravel("K")
    assert_eq!(fortran(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[2, 3]), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    for (kind, name) in TYPES {
        let values = kind.values(6 * 5);
        for (big_endian, sign) in [(false, '<'), (true, '>')] {
            let sign = if kind.bytes() == 1 { '|' } else { sign };
            for is_fortran in [false, true] {
                let stored = if is_fortran { fortran(&values, &[6, 5]) } else { values.clone() };
                let data = kind.encode(&stored, big_endian);
                let array = npy(&format!("{sign}{name}"), is_fortran, &[6, 5], &data);
                let m = opened("a.npy", &array);
                assert_eq!((m.width, m.height), (5, 6));
                assert_eq!(*m.pixels, *pixels(&values), "{sign}{name}, Fortran {is_fortran}");
                assert_eq!(opened("a.npz", &npz(&[("x", array)])).pixels, m.pixels);
            }
        }
    }
}

#[test]
fn a_third_axis_is_a_stack_or_a_colour() {
    let folder = Folder::new();
    for is_fortran in [false, true] {
        let shape = [4, 3, 2];
        let values = Kind::F32.values(24);
        let stored = if is_fortran { fortran(&values, &shape) } else { values.clone() };
        let array = npy("<f4", is_fortran, &shape, &Kind::F32.encode(&stored, false));
        for path in [folder.file("s.npy", &array), folder.file("s.npz", &npz(&[("stack", array.clone())]))] {
            assert_eq!(info(&path).unwrap().pages, 4);
            for page in 0..4 {
                let m = open_page(&path, page).unwrap();
                assert_eq!(*m.pixels, pixels(&values)[page * 6..page * 6 + 6], "Fortran {is_fortran}");
            }
            assert!(open_page(&path, 4).unwrap_err().to_string().contains("page 4"));
        }
        let shape = [5, 6, 3];
        let values: Vec<f64> = (0..90).map(|i| f64::from([100, 50, 200][i % 3])).collect();
        let stored = if is_fortran { fortran(&values, &shape) } else { values };
        let path = folder.file("c.npy", &npy("|u1", is_fortran, &shape, &Kind::U8.encode(&stored, false)));
        let info = info(&path).unwrap();
        assert_eq!(
            (info.format, info.width, info.height, info.pages, info.channels),
            (Format::Npy, 6, 5, 1, 3)
        );
        assert!((info.min - 71.46).abs() < 1e-3 && (info.max - 71.46).abs() < 1e-3, "{info:?}");
    }
}

#[test]
fn an_archive_opens_its_images_or_its_first_picture() {
    let picture = |v: u8| npy("|u1", false, &[1, 2], &[v, v + 1]);
    let labels = npy("<i8", false, &[2], &[0; 16]);
    let text = npy("<U3", false, &[1, 2], &[0; 24]);
    let with_images = npz(&[("labels", labels.clone()), ("a", picture(3)), ("images", picture(9))]);
    assert_eq!(*opened("i.npz", &with_images).pixels, [9.0, 10.0]);
    let first = npz(&[("labels", labels.clone()), ("text", text), ("b", picture(5)), ("a", picture(3))]);
    assert_eq!(*opened("f.npz", &first).pixels, [5.0, 6.0]);
    let error = refused("n.npz", &npz(&[("labels", labels)]));
    assert!(error.contains("NPZ: labels: shape"), "{error}");
    assert!(refused("e.npz", &npz(&[])).contains("NPZ: archive"));
}

#[test]
fn an_array_that_is_no_picture_or_longer_than_its_file_is_refused() {
    for (what, array, field) in [
        ("one axis", npy("<f4", false, &[4], &[0; 16]), "NPY: shape"),
        ("five axes", npy("<f4", false, &[1, 1, 1, 2, 2], &[0; 16]), "NPY: shape"),
        ("nothing", npy("<f4", false, &[0, 4], &[]), "NPY: shape"),
        ("too short", npy("<f4", false, &[2, 3], &[0; 23]), "NPY: shape"),
        ("a lie", npy("<f8", false, &[1 << 30, 1 << 31], &[0; 64]), "NPY: shape"),
        ("an overflow", npy("<f8", false, &[1 << 40, 1 << 40], &[0; 64]), "NPY: shape"),
        ("complex", npy("<c8", false, &[1, 2], &[0; 16]), "NPY: descr"),
        ("text", npy("<U1", false, &[1, 2], &[0; 8]), "NPY: descr"),
        ("records", npy("<f4", false, &[1, 2], &[0; 8]).into_iter().take(40).collect(), "NPY: header"),
        ("nested", [b"\x93NUMPY\x01\0\x40\0".as_slice(), &[b'('; 64]].concat(), "NPY: header"),
        (
            "a long header",
            [b"\x93NUMPY\x02\0\xFF\xFF\xFF\x7F".as_slice(), &[b' '; 64]].concat(),
            "NPY: header",
        ),
    ] {
        let error = refused("bad.npy", &array);
        assert!(error.contains(field), "{what}: {error}");
    }
}
