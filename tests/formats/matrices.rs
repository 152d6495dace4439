//! Plain matrices: text with every separator, and SPIEPy's binary form.

use super::write::{Folder, opened, refused, spiepy};
use nanotheca::micrograph::format::{Format, info};

#[test]
fn numbers_open_whatever_separates_them() {
    let want = [1.5, -2.0, 3e-9, 4.0, 5.0, 6.25];
    for (name, text) in [
        ("spaces.txt", "1.5 -2  3e-9\n 4 5 6.25 \n"),
        ("tabs.dat", "1.5\t-2\t3e-9\t\r\n4\t5\t6.25\t\r\n"),
        ("commas.csv", "1.5,-2,3e-9\n4, 5, 6.25"),
        ("semicolons.csv", "1.5;-2;3e-9;\n4;5;6.25;\n"),
        ("decimal_commas.csv", "1,5;-2;3e-9\n4;5;6,25\n"),
        ("decimal_commas.asc", "1,5\t-2\t3e-9\n4\t5\t6,25\n"),
        ("comments.asc", "# Channel: Z\n% made up\n// by hand\n\n1.5 -2 3e-9\n# half way\n4 5 6.25\n\n"),
        ("mark.txt", "\u{FEFF}1.5 -2 3e-9\n4 5 6.25"),
        ("no_extension", "1.5 -2 3e-9\n4 5 6.25"),
    ] {
        let m = opened(name, text.as_bytes());
        assert_eq!((m.width, m.height), (3, 2), "{name}");
        assert_eq!(*m.pixels, want, "{name}");
        assert_eq!(m.pixel_size, None);
    }
}

#[test]
fn a_text_that_is_no_matrix_is_refused_with_the_line() {
    for (text, words) in [
        ("1 2 3\n4 5\n", "line 2: it has 2 numbers, the lines before have 3"),
        ("x,y\n1,2\n", "line 1: `x` is not a number"),
        ("# head\n1 2\n3 four\n", "line 3: `four` is not a number"),
        ("1,,2\n", "line 1: `` is not a number"),
        ("# nothing\n\n", "no line of numbers"),
        ("Dear editor,\nplease\n", "line 1: `Dear editor` is not a number"),
        (" \n\n", "no line of numbers"),
    ] {
        let error = refused("m.txt", text.as_bytes());
        assert!(error.contains("text matrix") && error.contains(words), "{error}");
    }
    let mut binary_later = "1 2\n".repeat(2000).into_bytes();
    binary_later.extend([0, 1, 2, b'\n']);
    assert!(refused("m.txt", &binary_later).contains("line 2001"));
}

#[test]
fn the_binary_matrix_of_spiepy_opens() {
    let folder = Folder::new();
    let path = folder.file("s.dat", &spiepy(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.5]));
    let info = info(&path).unwrap();
    assert_eq!((info.format, info.width, info.height), (Format::SpiePy, 3, 2));
    assert_eq!((info.sample_type.as_str(), info.min, info.max), ("f64", 1.0, 6.5));
    let bytes = spiepy(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0]);
    let error = refused("s.dat", &bytes);
    assert!(error.contains("SPIEPy matrix: rows, columns") && error.contains("truncated"), "{error}");
    assert!(refused("s.dat", &[1, 2, 3]).contains("SPIEPy matrix"));
}
