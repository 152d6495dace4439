//! NPZ files of images and labels, for training and classifying.

use super::write::{Folder, Kind, npy, npz};
use nanotheca::micrograph::format::{LabelledImages, read_images_npz};

fn read(arrays: &[(&str, Vec<u8>)]) -> nanotheca::Result<LabelledImages> {
    let folder = Folder::new();
    read_images_npz(folder.file("set.npz", &npz(arrays)))
}

fn refused(arrays: &[(&str, Vec<u8>)]) -> String {
    let error = read(arrays).unwrap_err().to_string();
    assert!(error.contains("set.npz") && error.contains("NPZ"), "{error}");
    error
}

fn bytes(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 5) as u8).collect()
}

#[test]
fn bytes_are_divided_by_255_and_labels_are_kept() {
    let labels = npy("<i8", false, &[3], &[0_i64, -1, 2].map(i64::to_le_bytes).concat());
    let other = npy("<U3", false, &[1], &[0; 12]);
    let set =
        read(&[("angle", other), ("images", npy("|u1", false, &[3, 2, 4], &bytes(24))), ("labels", labels)]);
    let set = set.unwrap();
    assert_eq!((set.n, set.height, set.width), (3, 2, 4));
    let want: Vec<f32> = (0..24).map(|i| (i * 5) as f32 / 255.0).collect();
    assert_eq!(set.images, want);
    assert_eq!(set.labels, Some(vec![0, -1, 2]));
}

#[test]
fn floats_stay_and_axis_and_byte_order_do_not_matter() {
    // images[i, y, x] = (100 i + 10 y + x) / 512, in Fortran order.
    let value = |i: usize, y: usize, x: usize| (100 * i + 10 * y + x) as f64 / 512.0;
    let mut stored = Vec::new();
    for x in 0..2 {
        for y in 0..3 {
            stored.extend((0..4).map(|i| value(i, y, x)));
        }
    }
    for (descr, kind, big_endian) in
        [("<f4", Kind::F32, false), (">f8", Kind::F64, true), ("<f2", Kind::F16, false)]
    {
        let set =
            read(&[("images", npy(descr, true, &[4, 3, 2], &kind.encode(&stored, big_endian)))]).unwrap();
        assert_eq!(set.labels, None);
        let want: Vec<f32> = (0..24).map(|k| value(k / 6, k / 2 % 3, k % 2) as f32).collect();
        assert_eq!(set.images, want, "{descr}");
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_array() {
    let images = || ("images", npy("|u1", false, &[2, 2, 2], &bytes(8)));
    let floats = |v: f32| ("images", npy("<f4", false, &[1, 1, 2], &[0.5, v].map(f32::to_le_bytes).concat()));
    let labels = |values: &[i32]| {
        let data: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        ("labels", npy("<i4", false, &[values.len()], &data))
    };
    for (arrays, words) in [
        (vec![floats(1.5)], "images: value"),
        (vec![floats(f32::NAN)], "images: value"),
        (vec![floats(-0.1)], "images: value"),
        (vec![("images", npy("<u2", false, &[1, 1, 2], &[0; 4]))], "images: type"),
        (vec![("images", npy("|u1", false, &[2, 2], &[0; 4]))], "images: shape"),
        (vec![("images", npy("|u1", false, &[0, 2, 2], &[]))], "images: shape"),
        (vec![("images", npy("|u1", false, &[9, 9, 9], &[0; 4]))], "images: shape"),
        (
            vec![("pictures", npy("|u1", false, &[1, 2, 2], &[0; 4]))],
            "images: there is no such array; the file has pictures",
        ),
        (vec![images(), labels(&[0])], "labels: shape"),
        (vec![images(), labels(&[0, -2])], "labels: value"),
        (vec![images(), ("labels", npy("<f4", false, &[2], &[0; 8]))], "labels: type"),
    ] {
        let error = refused(&arrays);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_damaged_archive_is_refused() {
    let whole = npz(&[("images", npy("|u1", false, &[3, 20, 20], &bytes(1200)))]);
    let folder = Folder::new();
    for cut in 0..whole.len() {
        assert!(read_images_npz(folder.file("cut.npz", &whole[..cut])).is_err(), "cut at {cut}");
    }
    // Every single changed byte of the packed data is found by its checksum.
    for at in 60..whole.len() - 120 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        assert!(read_images_npz(folder.file("changed.npz", &bytes)).is_err(), "byte {at}");
    }
}
