//! Gwyddion: channels by number and title, units, every type of component, and trees that lie.

use super::write::{Folder, Kind, opened, refused};
use nanotheca::micrograph::format::{Format, info, open, open_page};

/// A component: name, letter of the type, value.
pub fn part(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), &[0, kind], value].concat()
}

fn text(value: &str) -> Vec<u8> {
    [value.as_bytes(), &[0]].concat()
}

/// An object with its size.
pub fn object(kind: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    let inside = parts.concat();
    [text(kind), (inside.len() as u32).to_le_bytes().to_vec(), inside].concat()
}

fn array(size: usize, values: &[u8]) -> Vec<u8> {
    [&((values.len() / size) as u32).to_le_bytes(), values].concat()
}

fn unit(name: &str, unit: &str) -> Vec<u8> {
    part(name, b'o', &object("GwySIUnit", &[part("unitstr", b's', &text(unit))]))
}

/// A picture over 6 x 5 of a unit.
struct Field<'a> {
    size: [i32; 2],
    unit_xy: Option<&'a str>,
    unit_z: &'a str,
    values: Vec<f64>,
}

impl Field<'_> {
    fn parts(&self) -> Vec<Vec<u8>> {
        let number = |name: &str, n: i32| part(name, b'i', &n.to_le_bytes());
        let real = |name: &str, v: f64| part(name, b'd', &v.to_le_bytes());
        let mut parts = vec![
            number("xres", self.size[0]),
            number("yres", self.size[1]),
            real("xreal", 6.0),
            real("yreal", 5.0),
            real("xoff", 0.5),
        ];
        parts.extend(self.unit_xy.map(|xy| unit("si_unit_xy", xy)));
        parts.push(unit("si_unit_z", self.unit_z));
        parts.push(part("data", b'D', &array(8, &Kind::F64.encode(&self.values, false))));
        parts
    }

    fn bytes(&self) -> Vec<u8> {
        object("GwyDataField", &self.parts())
    }
}

/// 3 x 2 pixels that begin with `first`.
fn field(first: f64, unit_z: &str) -> Field<'_> {
    Field {
        size: [3, 2],
        unit_xy: Some("µm"),
        unit_z,
        values: (0..6).map(|i| first + f64::from(i)).collect(),
    }
}

fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    [b"GWYP".to_vec(), object("GwyContainer", parts)].concat()
}

pub fn small() -> Vec<u8> {
    file(&[part("/0/data", b'o', &field(1.5, "m").bytes()), part("/0/data/title", b's', &text("Height"))])
}

#[test]
fn channels_are_pages_with_the_height_first() {
    let later = Field { size: [2, 1], unit_xy: Some("m"), unit_z: "deg", values: vec![-8.0, 9.0] };
    // In no order, among everything else that such a file holds.
    let bytes = file(&[
        part("/filename", b's', &text("/home/somebody/a.gwy")),
        part("/10/data", b'o', &later.bytes()),
        part("/10/data/title", b's', &text("Phase")),
        part("/2/data/title", b's', &text("Height")),
        part("/2/data/visible", b'b', &[1]),
        part("/2/mask", b'o', &field(100.0, "").bytes()),
        part("/2/data", b'o', &field(20.0, "m").bytes()),
        part("/0/data", b'o', &field(0.0, "A").bytes()),
        part("/0/data/log", b'o', &object("GwyStringList", &[part("strings", b'S', &[0; 4])])),
        part("/0/base/range-type", b'i', &[3, 0, 0, 0]),
        part("/brick/0", b'o', &object("GwyBrick", &[part("data", b'D', &array(8, &[0; 160]))])),
    ]);
    let folder = Folder::new();
    for name in ["g.gwy", "g.dat", "g"] {
        let path = folder.file(name, &bytes);
        for (page, size, first, nm) in
            [(0, [3, 2], 20.0, 2000.0), (1, [3, 2], 0.0, 2000.0), (2, [2, 1], -8.0, 3e9)]
        {
            let m = open_page(&path, page).unwrap();
            assert_eq!(([m.width, m.height], m.pixel(0, 0)), (size, Some(first)), "page {page}");
            let x_nm = m.pixel_size.unwrap().x_nm;
            assert!((x_nm / nm - 1.0).abs() < 1e-9, "page {page}: {x_nm}");
        }
        let info = info(&path).unwrap();
        assert_eq!((info.format, info.pages, info.sample_type.as_str()), (Format::Gwy, 3, "f64"));
        assert_eq!(info.pixel_size_unit.as_deref(), Some("µm"));
        assert_eq!(info.notes, ["page 0 is Height (m), 1 channel 0 (A), 2 Phase (deg)"]);
    }
    let error = open_page(folder.file("p.gwy", &bytes), 3).unwrap_err().to_string();
    assert!(error.contains("page 3") && error.contains("there are 3"), "{error}");
}

#[test]
fn the_first_row_is_the_top_and_a_side_is_divided_by_its_pixels() {
    let m = opened("t.gwy", &small());
    assert_eq!(*m.pixels, [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
    let size = m.pixel_size.unwrap();
    assert!((size.x_nm - 2000.0).abs() < 1e-9 && (size.y_nm - 2500.0).abs() < 1e-9, "{size:?}");
}

#[test]
fn without_a_length_there_is_no_scale() {
    for unit_xy in [None, Some(""), Some("1/m"), Some("s")] {
        let bytes = Field { unit_xy, ..field(0.0, "m") }.bytes();
        assert_eq!(opened("u.gwy", &file(&[part("/0/data", b'o', &bytes)])).pixel_size, None, "{unit_xy:?}");
    }
}

#[test]
fn every_type_of_component_is_passed_over() {
    let strings = [3_u32.to_le_bytes().to_vec(), text("a"), text(""), text(&"long ".repeat(40_000))].concat();
    let objects = [2_u32.to_le_bytes().to_vec(), object("A", &[]), object("B", &[part("x", b'b', &[1])])];
    let bytes = file(&[
        part("a", b'b', &[1]),
        part("b", b'c', b"x"),
        part("c", b'i', &[7; 4]),
        part("d", b'q', &[7; 8]),
        part("e", b'd', &[7; 8]),
        part("f", b's', &text(&"long ".repeat(40_000))),
        part("g", b'C', &array(1, &[7; 9000])),
        part("h", b'I', &array(4, &[7; 8])),
        part("i", b'Q', &array(8, &[7; 16])),
        part("j", b'D', &array(8, &[])),
        part("k", b'S', &strings),
        part("l", b'O', &objects.concat()),
        part("/7/data", b'o', &field(3.0, "").bytes()),
    ]);
    let folder = Folder::new();
    // What follows the outermost object is not ours.
    let path = folder.file("a.gwy", &[bytes, vec![9; 20]].concat());
    assert_eq!(open(&path).unwrap().pixel(0, 0), Some(3.0));
    assert_eq!(info(&path).unwrap().notes, ["the picture is channel 7"]);
}

#[test]
fn a_tree_that_lies_is_refused_with_its_component() {
    let one = |parts: &[Vec<u8>]| file(&[part("/0/data", b'o', &object("GwyDataField", parts))]);
    let data = |count: u32| part("data", b'D', &[count.to_le_bytes().to_vec(), vec![0; 48]].concat());
    let with = |size: [i32; 2], count: u32| {
        let mut parts = Field { size, ..field(0.0, "m") }.parts();
        *parts.last_mut().unwrap() = data(count);
        one(&parts)
    };
    let mut long = small();
    long[17..21].copy_from_slice(&u32::MAX.to_le_bytes());
    let deep = (0..50_000).fold(Vec::new(), |inside, _| object("A", &[part("b", b'o', &inside)]));
    for (bytes, words) in [
        (with([3, 3], 6), "/0/data/data: 3 x 3 pixels are promised, 6 are there"),
        (with([-3, -2], 6), "/0/data/xres, yres: they are missing"),
        (with([i32::MAX, i32::MAX], 6), "pixels are promised, 6 are there"),
        (with([3, 2], u32::MAX), "data: it is longer than the object around it"),
        (one(&field(0.0, "m").parts()[..6]), "/0/data/data: the pixels are missing"),
        (long, "size: the header promises 4294967316 bytes"),
        (file(&[part("/0/data", b'z', &[])]), "/0/data: `z` is no type"),
        (file(&[part("/0/data/title", b's', b"endless")]), "/0/data/title: it is longer than the object"),
        (file(&[part("k", b'S', &[255; 4])]), "k: it is longer than the object"),
        (file(&[part("k", b'O', &[255; 4])]), "k: it is longer than the object"),
        (file(&[part("b", b'o', &deep)]), "/0/data: there is no picture in the file"),
        (file(&[]), "/0/data: there is no picture in the file"),
        ([b"GWYP".to_vec(), object("GwyFile", &[])].concat(), "header: the file holds a `GwyFile`"),
        (b"GWYP".to_vec(), "header: it is longer than"),
    ] {
        let error = refused("lie.gwy", &bytes);
        assert!(error.contains("Gwyddion GWY") && error.contains(words), "{words}: {error}");
    }
    assert!(
        refused("old.gwy", b"GWYOGwyContainer\0\x20\0\0\0")
            .contains("Gwyddion 1: format: this format is not read")
    );
    let parts = part("", b'b', &[0]).repeat((1 << 20) + 1);
    assert!(refused("many.gwy", &file(&[parts])).contains("components: more than 1048576 parts"));
}
