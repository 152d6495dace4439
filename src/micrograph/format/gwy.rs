//! Gwyddion's own files: <http://gwyddion.net/documentation/user-guide-en/gwyfile-format.html>.
//!
//! The outermost object is a container whose components have names like paths: `/0/data` is the picture of channel 0, an
//! object of its own, and `/0/data/title` its name. The top row comes first. Masks, volumes, curves and graphs are left out.

use super::Page;
use super::channels::{self, Channel};
use super::gwy_tree::{NAME, Span, Tree, Value};
use super::sample::{ByteOrder, SampleType, read_samples};
use super::scale::Scale;
use super::source::Source;
use crate::Result;
use std::collections::BTreeMap;
use std::io::SeekFrom;

/// A picture: its size, where its numbers stand, and what is known of them.
#[derive(Default)]
struct Field {
    width: usize,
    height: usize,
    /// Length of the sides in `unit_xy`; NaN or 0 if not known.
    sides: [f64; 2],
    unit_xy: String,
    unit_z: String,
    start: u64,
}

/// # Errors
/// [`crate::Error::File`] naming the component that is missing or cannot be true.
pub(super) fn read(source: &Source, page: usize) -> Result<Page> {
    let (mut tree, kind, whole) = Tree::open(source)?;
    if kind != "GwyContainer" {
        let kind: String = kind.chars().filter(|c| !c.is_control()).take(40).collect();
        let problem = format!("the file holds a `{kind}`, not a GwyContainer: save it anew from Gwyddion 2");
        return Err(source.bad(NAME, "header", problem));
    }
    let (mut spans, mut titles) = (BTreeMap::new(), BTreeMap::new());
    while let Some((name, value)) = tree.next(whole)? {
        match (channel_of(&name), value) {
            (Some((id, "data")), Value::Object(kind, span)) if kind == "GwyDataField" => {
                spans.insert(id, span);
            }
            (Some((id, "data/title")), Value::Text(title)) => {
                titles.insert(id, title);
            }
            _ => {}
        }
    }
    let (mut fields, mut channels) = (Vec::new(), Vec::new());
    for (id, span) in spans {
        let field = field(source, &mut tree, id, span)?;
        let title = titles.remove(&id).unwrap_or_else(|| format!("channel {id}"));
        channels.push(Channel::new(&title, &field.unit_z));
        fields.push(field);
    }
    if fields.is_empty() {
        let problem =
            "there is no picture in the file, only volumes, curves or graphs: export what you need as TIFF";
        return Err(source.bad(NAME, "/0/data", problem));
    }
    source.check_page(NAME, page, fields.len())?;
    let order = channels::order(&channels, &mut |_| Ok(false))?;
    let place = order.get(page).copied().unwrap_or(page);
    let Some(field) = fields.get(place) else {
        return Err(source.bad(NAME, "page", format!("page {page} is not there")));
    };

    let count = source.pixel_count(NAME, "xres, yres", field.width, field.height)?;
    let broken = |e: std::io::Error| source.broken(NAME, "data", &e);
    let mut reader = source.reader()?;
    reader.seek(SeekFrom::Start(field.start)).map_err(broken)?;
    let mut pixels = Vec::with_capacity(count);
    let mut keep = |block: &[f32]| pixels.extend_from_slice(block);
    read_samples(&mut reader, SampleType::F64, ByteOrder::Little, count, &mut keep).map_err(broken)?;
    let [x, y] = field.sides;
    Ok(Page {
        width: field.width,
        height: field.height,
        pixels,
        pages: fields.len(),
        channels: 1,
        sample_type: SampleType::F64.name().into(),
        scale: Scale::new(
            x / field.width as f64,
            y / field.height as f64,
            &field.unit_xy,
            "xreal, yreal and si_unit_xy",
        ),
        notes: channels::note(&channels, &order).into_iter().collect(),
    })
}

/// The channel's number and the rest of a name such as `/0/data/title`.
fn channel_of(name: &str) -> Option<(u32, &str)> {
    let (id, rest) = name.strip_prefix('/')?.split_once('/')?;
    Some((id.parse().ok()?, rest))
}

/// Reads what a picture's object says, but not its pixels.
fn field(source: &Source, tree: &mut Tree<'_>, id: u32, span: Span) -> Result<Field> {
    let mut field = Field::default();
    let (mut count, mut units) = (None, [None, None]);
    tree.enter(span)?;
    while let Some((name, value)) = tree.next(span)? {
        match (name.as_str(), value) {
            ("xres", Value::Integer(n)) => field.width = n.try_into().unwrap_or_default(),
            ("yres", Value::Integer(n)) => field.height = n.try_into().unwrap_or_default(),
            ("xreal", Value::Real(side)) => field.sides[0] = side,
            ("yreal", Value::Real(side)) => field.sides[1] = side,
            ("si_unit_xy", Value::Object(_, span)) => units[0] = Some(span),
            ("si_unit_z", Value::Object(_, span)) => units[1] = Some(span),
            ("data", Value::Reals(span, n)) => (field.start, count) = (span.start, Some(n)),
            _ => {}
        }
    }
    let bad = |name: &str, problem: String| source.bad(NAME, format!("/{id}/data/{name}"), problem);
    let Field { width, height, .. } = field;
    if width == 0 || height == 0 {
        return Err(bad(
            "xres, yres",
            "they are missing or no numbers of pixels: the file is damaged".into(),
        ));
    }
    match count {
        None => return Err(bad("data", "the pixels are missing: the file is damaged".into())),
        Some(n) if width.checked_mul(height) != usize::try_from(n).ok() => {
            return Err(bad("data", format!("{width} x {height} pixels are promised, {n} are there")));
        }
        Some(_) => {}
    }
    let [xy, z] = units;
    field.unit_xy = unit(tree, xy)?;
    field.unit_z = unit(tree, z)?;
    Ok(field)
}

/// The text of a unit's object; empty if there is none.
fn unit(tree: &mut Tree<'_>, object: Option<Span>) -> Result<String> {
    let Some(span) = object else { return Ok(String::new()) };
    tree.enter(span)?;
    while let Some((name, value)) = tree.next(span)? {
        if let ("unitstr", Value::Text(unit)) = (name.as_str(), value) {
            return Ok(unit);
        }
    }
    Ok(String::new())
}
