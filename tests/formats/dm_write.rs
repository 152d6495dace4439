//! Writes Gatan's tag trees: both versions, both byte orders.

use super::write::Kind;

/// A tag tree.
#[derive(Clone)]
pub enum Tag {
    Group(Vec<(&'static str, Tag)>),
    Number(Kind, f64),
    Text(String),
    /// Words that describe the type, and the data.
    Raw(Vec<u64>, Vec<u8>),
}

use Tag::{Group, Number, Raw, Text};

/// Writes a tree in one of the two versions and byte orders.
#[derive(Clone, Copy, Debug)]
pub struct Dm {
    pub wide: bool,
    pub big_endian: bool,
}

/// The calibration of two axes.
pub const NM: [(f64, &str); 2] = [(0.25, "nm"), (0.25, "nm")];

fn code(kind: Kind) -> u64 {
    match kind {
        Kind::I16 => 2,
        Kind::I32 => 3,
        Kind::U16 => 4,
        Kind::U32 => 5,
        Kind::F32 => 6,
        Kind::F64 => 7,
        Kind::I8 => 9,
        Kind::U8 => 10,
        Kind::I64 => 11,
        Kind::U64 => 12,
        Kind::F16 => panic!("there is no such type"),
    }
}

fn group(members: Vec<Tag>) -> Tag {
    Group(members.into_iter().map(|tag| ("", tag)).collect())
}

/// An image of the list: its pixels with their type, its numbers of pixels, and a scale and a unit for each axis.
pub fn image(data_type: i32, data: Tag, sides: &[usize], axes: &[(f64, &str)], content: &str) -> Tag {
    let sides = sides.iter().map(|&n| Number(Kind::U32, n as f64)).collect();
    let axes = axes.iter().map(|&(scale, unit)| {
        Group(vec![
            ("Origin", Number(Kind::F32, 0.0)),
            ("Scale", Number(Kind::F32, scale)),
            ("Units", Text(unit.into())),
        ])
    });
    let image_data = vec![
        ("Calibrations", Group(vec![("Dimension", group(axes.collect()))])),
        ("Data", data),
        ("DataType", Number(Kind::I32, data_type.into())),
        ("Dimensions", group(sides)),
    ];
    let tags = Group(vec![("Meta Data", Group(vec![("Format", Text(content.into()))]))]);
    Group(vec![
        ("ImageData", Group(image_data)),
        ("ImageTags", tags),
        ("Name", Text(format!("type {data_type}"))),
    ])
}

/// The tree of a file with these images, of which these are thumbnails, and some tags that mean nothing here.
pub fn tree(images: Vec<Tag>, thumbnails: &[usize]) -> Tag {
    let bounds = Raw(vec![15, 0, 2, 0, 2, 0, 2], vec![0; 4]);
    let thumbnails = thumbnails.iter().map(|&n| Group(vec![("ImageIndex", Number(Kind::I32, n as f64))]));
    Group(vec![
        ("ApplicationBounds", bounds),
        ("ImageList", group(images)),
        ("InImageMode", Number(Kind::U8, 1.0)),
        (
            "MinVersionList",
            group(vec![Raw(vec![20, 15, 0, 1, 0, 8, 3], vec![1; 3]), Raw(vec![18, 2], vec![65; 2])]),
        ),
        ("Thumbnails", group(thumbnails.collect())),
    ])
}

impl Dm {
    pub fn array(self, kind: Kind, values: &[f64]) -> Tag {
        Raw(vec![20, code(kind), values.len() as u64], kind.encode(values, self.big_endian))
    }

    /// A file with a thumbnail of two colours and a picture.
    pub fn picture(self, kind: Kind, sides: [usize; 2], values: &[f64]) -> Vec<u8> {
        let data_type = [2, 7, 9, 1, 10, 11, 12, 6]
            [[6, 3, 9, 2, 4, 5, 7, 10].iter().position(|&c| c == code(kind)).unwrap()];
        self.bytes(&tree(
            vec![self.thumbnail(), image(data_type, self.array(kind, values), &sides, &NM, "Image")],
            &[0],
        ))
    }

    pub fn thumbnail(self) -> Tag {
        image(23, self.array(Kind::I32, &[255.0, 65_280.0]), &[2, 1], &[(1.0, ""), (1.0, "")], "")
    }

    pub fn word(self, v: u64) -> Vec<u8> {
        if self.wide { v.to_be_bytes().to_vec() } else { (v as u32).to_be_bytes().to_vec() }
    }

    /// What stands after a tag's name.
    fn body(self, tag: &Tag) -> Vec<u8> {
        let typed = |words: &[u64], data: Vec<u8>| {
            let words: Vec<u8> = words.iter().flat_map(|&w| self.word(w)).collect();
            let count = words.len() / if self.wide { 8 } else { 4 };
            [b"%%%%".to_vec(), self.word(count as u64), words, data].concat()
        };
        match tag {
            Group(members) => {
                let mut out = vec![1, 0];
                out.extend(self.word(members.len() as u64));
                for (name, member) in members {
                    let body = self.body(member);
                    out.push(if matches!(member, Group(_)) { 20 } else { 21 });
                    out.extend((name.len() as u16).to_be_bytes());
                    out.extend(name.bytes());
                    if self.wide {
                        out.extend(self.word(body.len() as u64));
                    }
                    out.extend(body);
                }
                out
            }
            Number(kind, v) => typed(&[code(*kind)], kind.encode(&[*v], self.big_endian)),
            Text(text) => {
                let units: Vec<f64> = text.encode_utf16().map(f64::from).collect();
                typed(&[20, 4, units.len() as u64], Kind::U16.encode(&units, self.big_endian))
            }
            Raw(words, data) => typed(words, data.clone()),
        }
    }

    pub fn bytes(self, root: &Tag) -> Vec<u8> {
        let body = self.body(root);
        let version: u32 = if self.wide { 4 } else { 3 };
        let order = u32::from(!self.big_endian);
        [
            version.to_be_bytes().to_vec(),
            self.word(body.len() as u64),
            order.to_be_bytes().to_vec(),
            body,
            vec![0; 8],
        ]
        .concat()
    }
}
