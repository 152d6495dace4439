//! Files by chance: random bytes, and valid files with random damage. Nothing may panic, and what opens is whole.

use super::bad_input::valid_files;
use super::write::Folder;
use nanotheca::Error;
use nanotheca::micrograph::format::{info, open, read_images_npz};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::PathBuf;

const NAMES: [&str; 17] = [
    "r.png", "r.jpg", "r.bmp", "r.tif", "r.mrc", "r.mrc.gz", "r.npy", "r.npz", "r.dat", "r.txt", "r.sxm",
    "r.gwy", "r.ibw", "r", "r.dm3", "r.dm4", "r.ser",
];

/// First bytes that send the rest to every reader.
const STARTS: [&[u8]; 18] = [
    b"",
    b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR",
    b"\xFF\xD8\xFF\xE0\0\x10JFIF\0",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    b"II*\0\x08\0\0\0\x08\0",
    b"MM\0*\0\0\0\x08\0\x08",
    b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0",
    b"\x93NUMPY\x01\0\x20\0",
    b"PK\x03\x04",
    b"\x1F\x8B\x08\0",
    b"\x02\0\0\0\x02\0\0\0\x01\0\0\0\x06\0\0\0",
    b"1 2 3\n4 5 6\n",
    b":NANONIS_VERSION:\n2\n:SCANIT_END:\n\n\n\x1A\x04",
    b"GWYPGwyContainer\0\x40\0\0\0/0/data\0oGwyDataField\0\x20\0\0\0",
    b"\x05\0\0\0\x58\x01\0\0",
    b"\0\0\0\x03\0\0\x02\0\0\0\0\x01\x01\0\0\0\0\x03\x15",
    b"\0\0\0\x04\0\0\0\0\0\0\x02\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\x03\x14",
    b"II\x97\x01\x10\x02\x22\x41\0\0\x52\x41\0\0\x01\0\0\0\x01\0\0\0\x1E\0\0\0\0\0\0\0\x22\0\0\0",
];

/// Opens it every way; what opens is a whole picture of finite numbers.
fn try_to_open(path: &PathBuf) {
    if let Ok(m) = open(path) {
        assert_eq!(m.pixels.len(), m.width * m.height);
        assert!(m.pixels.iter().all(|v| v.is_finite()));
        assert!(info(path).is_ok());
    }
    if let Ok(set) = read_images_npz(path) {
        assert_eq!(set.images.len(), set.n * set.height * set.width);
        assert!(set.labels.is_none_or(|l| l.len() == set.n));
    }
}

/// Sets each byte, one at a time, to 0, to 255 and to its opposite: what does not open is refused with its field.
pub fn damage_every_byte(name: &str, bytes: &[u8]) {
    let folder = Folder::new();
    for (at, &right) in bytes.iter().enumerate() {
        for wrong in BTreeSet::from([0, 255, !right]) {
            let mut damaged = bytes.to_vec();
            damaged[at] = wrong;
            match open(folder.file(name, &damaged)) {
                Ok(m) => assert!(m.pixels.iter().all(|v| v.is_finite())),
                Err(Error::File { .. }) => {}
                Err(other) => panic!("{name}, byte {at} is {wrong}: {other}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn random_bytes_never_panic(
        name in prop::sample::select(&NAMES[..]),
        start in prop::sample::select(&STARTS[..]),
        rest in vec(any::<u8>(), 0..1600),
    ) {
        let folder = Folder::new();
        try_to_open(&folder.file(name, &[start, &rest].concat()));
    }

    #[test]
    fn random_damage_never_panics(
        which in 0..valid_files().len(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (name, mut bytes) = valid_files().swap_remove(which);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let folder = Folder::new();
        try_to_open(&folder.file(name, &bytes));
    }

    #[test]
    fn random_damage_to_a_header_never_panics(
        which in 0..valid_files().len(),
        damage in vec((0_usize..256, prop::sample::select(&[0_u8, 1, 2, 4, 127, 128, 255][..])), 1..6),
    ) {
        let (name, mut bytes) = valid_files().swap_remove(which);
        let n = bytes.len();
        for (at, byte) in damage {
            bytes[at % n] = byte;
        }
        let folder = Folder::new();
        try_to_open(&folder.file(name, &bytes));
    }
}
