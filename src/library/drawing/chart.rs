//! A plot on paper: two axes with units, series, a legend or a colour bar, marks along the way, a caption.

use super::{Anchor, BLACK, Drawing, FAINT, GREY, Ink, Item, TEXT, width};
use crate::library::html::charts::{labelled, ticks, tidy};

/// The frame of the plot within the page.
const LEFT: f32 = 58.0;
const TOP: f32 = 14.0;
const WIDE: f32 = 360.0;
const HIGH: f32 = 270.0;
/// Room under the frame for numbers and the name of the axis.
const UNDER: f32 = 40.0;

/// One axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// Name and unit.
    pub name: String,
    /// From where to where; what lies outside is left out. All values if not given.
    pub range: Option<[f64; 2]>,
    /// Values are positive and stand at their logarithm.
    pub logarithmic: bool,
}

impl Axis {
    /// An axis over all values.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// One place of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: [f64; 2],
    pub ink: Ink,
    /// Points; 0 draws nothing, for the corners of a line.
    pub radius: f32,
}

/// Places that belong together.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// For the legend; none if empty.
    pub name: String,
    /// The colour of the legend and of the line.
    pub ink: Ink,
    /// Places are joined by a line of this width, if above 0.
    pub line: f32,
    /// Corners of the marker at size 1; a disc if empty.
    pub marker: Vec<[f32; 2]>,
    pub points: Vec<Point>,
}

impl Series {
    /// Places in one colour; a line of the width `line` joins them, if above 0.
    pub fn new(
        name: &str,
        ink: Ink,
        line: f32,
        radius: f32,
        points: impl IntoIterator<Item = [f64; 2]>,
    ) -> Self {
        let points = points.into_iter().map(|at| Point { at, ink, radius }).collect();
        Self { name: name.into(), ink, line, points, ..Self::default() }
    }
}

/// What the colours say, where they stand for a number.
#[derive(Clone, Debug)]
pub struct Bar {
    pub name: String,
    pub range: [f64; 2],
    /// From the lowest to the highest value.
    pub inks: Vec<Ink>,
}

/// A plot.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub across: Axis,
    pub up: Axis,
    pub series: Vec<Series>,
    /// Moments along the axis to the right, each with its name.
    pub marks: Vec<(f64, String)>,
    /// A faint line of equal values, for what should lie on it.
    pub diagonal: bool,
    pub bar: Option<Bar>,
    pub caption: String,
}

/// From values to points of the page.
struct Scale {
    range: [f64; 2],
    logarithmic: bool,
}

impl Scale {
    fn new(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let logarithmic = axis.logarithmic;
        let fine = |v: &f64| v.is_finite() && (!logarithmic || *v > 0.0);
        let range = axis.range.unwrap_or_else(|| {
            let [low, high] = values
                .filter(fine)
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[a, b], v| [a.min(v), b.max(v)]);
            if low > high {
                [if logarithmic { 0.1 } else { 0.0 }, 1.0]
            } else if logarithmic {
                [low / 1.1, high * 1.1]
            } else {
                // Currents are of picoamperes: only what is nothing but 0 has a range of its own.
                let span = (high - low).max(low.abs().max(high.abs()) * 1e-6);
                let room = 0.05 * if span > 0.0 { span } else { 1e-9 };
                [low - room, high + room]
            }
        });
        Self { range, logarithmic }
    }

    /// 0 at the low end, 1 at the high one; nothing outside.
    fn part(&self, value: f64) -> Option<f32> {
        let of = |v: f64| if self.logarithmic { v.log10() } else { v };
        let [low, high] = self.range.map(of);
        let part = (of(value) - low) / (high - low).max(f64::MIN_POSITIVE);
        (part.is_finite() && (-1e-6..=1.0 + 1e-6).contains(&part)).then_some(part as f32)
    }

    fn ticks(&self) -> Vec<f64> {
        let [low, high] = self.range;
        if !self.logarithmic {
            return ticks((low, high), 5.0);
        }
        let first = low.log10().floor() as i32;
        let all = (first..=first + 12).flat_map(|e| [1.0, 2.0, 5.0].map(|m| m * 10_f64.powi(e)));
        let inside: Vec<f64> = all.filter(|v| (low..=high).contains(v)).collect();
        if inside.len() < 2 { ticks((low, high), 4.0) } else { inside }
    }
}

impl Chart {
    /// The plot on a page of its own.
    pub fn draw(&self) -> Drawing {
        let values = |i: usize| self.series.iter().flat_map(|s| &s.points).map(move |p| p.at[i]);
        let x = Scale::new(&self.across, values(0));
        let y = Scale::new(&self.up, values(1));
        let place = |at: [f64; 2]| Some([LEFT + x.part(at[0])? * WIDE, TOP + (1.0 - y.part(at[1])?) * HIGH]);
        let mut page = Drawing {
            width: LEFT + WIDE + 14.0,
            height: TOP + HIGH + UNDER,
            title: self.caption.clone(),
            ..Drawing::default()
        };
        self.axes(&mut page, &x, &y);
        if self.diagonal {
            let ends = [x.range[0].max(y.range[0]), x.range[1].min(y.range[1])].map(|v| place([v, v]));
            page.dashes(ends.into_iter().flatten().collect(), 1.0, GREY);
        }
        for (at, name) in &self.marks {
            let Some([left, _]) = place([*at, y.range[0]]) else { continue };
            page.dashes(vec![[left, TOP], [left, TOP + HIGH]], 1.0, GREY);
            let anchor = if left > LEFT + 0.7 * WIDE { Anchor::End } else { Anchor::Start };
            let aside = if anchor == Anchor::End { -3.0 } else { 3.0 };
            page.text_in([left + aside, TOP + TEXT + 1.0], anchor, GREY, name.as_str());
        }
        for series in &self.series {
            draw_series(&mut page, series, &place);
        }
        page.line(
            vec![[LEFT, TOP], [LEFT + WIDE, TOP], [LEFT + WIDE, TOP + HIGH], [LEFT, TOP + HIGH], [LEFT, TOP]],
            1.0,
            BLACK,
        );
        match &self.bar {
            Some(bar) => colour_bar(&mut page, bar),
            None => self.legend(&mut page),
        }
        page.caption(&self.caption);
        page
    }

    fn axes(&self, page: &mut Drawing, x: &Scale, y: &Scale) {
        let bottom = TOP + HIGH;
        for (at, label) in labelled(x.ticks()) {
            let Some(left) = x.part(at).map(|part| LEFT + part * WIDE) else { continue };
            page.line(vec![[left, TOP], [left, bottom]], 0.6, FAINT);
            page.line(vec![[left, bottom], [left, bottom + 4.0]], 1.0, BLACK);
            page.text([left, bottom + 6.0 + TEXT], Anchor::Middle, label);
        }
        for (at, label) in labelled(y.ticks()) {
            let Some(top) = y.part(at).map(|part| TOP + (1.0 - part) * HIGH) else { continue };
            page.line(vec![[LEFT, top], [LEFT + WIDE, top]], 0.6, FAINT);
            page.line(vec![[LEFT - 4.0, top], [LEFT, top]], 1.0, BLACK);
            page.text([LEFT - 7.0, top + 0.35 * TEXT], Anchor::End, label);
        }
        let middle = LEFT + WIDE / 2.0;
        page.text(
            [middle, bottom + 12.0 + 2.0 * TEXT],
            Anchor::Middle,
            fitting(&self.across.name, WIDE + 60.0),
        );
        page.upright_text([6.0 + TEXT, TOP + HIGH / 2.0], fitting(&self.up.name, HIGH + 20.0));
    }

    /// The names of the series beside the frame, each with its marker.
    fn legend(&self, page: &mut Drawing) {
        let named: Vec<&Series> = self.series.iter().filter(|s| !s.name.is_empty()).collect();
        if named.len() < 2 {
            return;
        }
        let left = LEFT + WIDE + 18.0;
        for (i, series) in named.iter().enumerate() {
            let middle = TOP + 8.0 + i as f32 * TEXT * 1.6;
            if series.line > 0.0 {
                page.line(vec![[left - 6.0, middle], [left + 6.0, middle]], series.line, series.ink);
            }
            if series.line <= 0.0 || series.points.iter().any(|p| p.radius > 0.0) {
                page.items.push(marker(series, [left, middle], 4.0, series.ink));
            }
            page.text([left + 11.0, middle + 0.35 * TEXT], Anchor::Start, series.name.as_str());
        }
        let widest = named.iter().map(|s| width(&s.name)).fold(0.0, f32::max);
        page.width = page.width.max(left + 17.0 + widest);
    }
}

fn draw_series(page: &mut Drawing, series: &Series, place: &dyn Fn([f64; 2]) -> Option<[f32; 2]>) {
    if series.line > 0.0 {
        // What is not known, or lies outside, interrupts the line.
        for part in series.points.split(|p| place(p.at).is_none()) {
            let points: Vec<[f32; 2]> = part.iter().filter_map(|p| place(p.at)).collect();
            if points.len() > 1 {
                page.line(points, series.line, series.ink);
            }
        }
    }
    for point in series.points.iter().filter(|p| p.radius > 0.0) {
        if let Some(at) = place(point.at) {
            page.items.push(marker(series, at, point.radius, point.ink));
        }
    }
}

fn marker(series: &Series, centre: [f32; 2], radius: f32, ink: Ink) -> Item {
    if series.marker.is_empty() {
        return Item::Disc { centre, radius, ink };
    }
    let corners =
        series.marker.iter().map(|[x, y]| [centre[0] + radius * x, centre[1] + radius * y]).collect();
    Item::Area { corners, ink }
}

/// The colours from bottom to top with both ends and the middle named.
fn colour_bar(page: &mut Drawing, bar: &Bar) {
    let left = LEFT + WIDE + 12.0;
    let step = HIGH / bar.inks.len().max(1) as f32;
    for (i, ink) in bar.inks.iter().enumerate() {
        // A little higher than a step, so that no gap shows between two.
        let top = TOP + HIGH - (i + 1) as f32 * step;
        page.area([left, top], [14.0, step + if i == 0 { 0.0 } else { 0.3 }], *ink);
    }
    let [low, high] = bar.range;
    let mut widest: f32 = 0.0;
    for part in [0.0, 0.5, 1.0] {
        let label = tidy(low + f64::from(part) * (high - low), 0.02 * (high - low));
        widest = widest.max(width(&label));
        page.text([left + 18.0, TOP + HIGH * (1.0 - part) + 0.35 * TEXT], Anchor::Start, label);
    }
    page.upright_text([left + 32.0 + widest, TOP + HIGH / 2.0], fitting(&bar.name, HIGH));
    page.width = left + 40.0 + widest;
}

/// A name cut to a length, with an ellipsis where something is missing.
fn fitting(text: &str, most: f32) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out) + TEXT > most {
            break;
        }
    }
    format!("{}…", out.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[[f64; 2]]) -> Chart {
        let point = |at: &[f64; 2]| Point { at: *at, ink: BLACK, radius: 3.0 };
        let series = Series { ink: BLACK, points: points.iter().map(point).collect(), ..Series::default() };
        Chart { series: vec![series], ..Chart::default() }
    }

    fn discs(page: &Drawing) -> Vec<[f32; 2]> {
        let disc = |item: &Item| if let Item::Disc { centre, .. } = item { Some(*centre) } else { None };
        page.items.iter().filter_map(disc).collect()
    }

    #[test]
    fn points_stand_where_their_values_say() {
        let mut chart = chart(&[[0.0, 0.0], [5.0, 10.0], [10.0, 5.0], [20.0, 1.0], [f64::NAN, 1.0]]);
        (chart.across.range, chart.up.range) = (Some([0.0, 10.0]), Some([0.0, 10.0]));
        // What lies outside and what is not known are left out.
        let expected = [[LEFT, TOP + HIGH], [LEFT + WIDE / 2.0, TOP], [LEFT + WIDE, TOP + HIGH / 2.0]];
        for (found, expected) in discs(&chart.draw()).iter().zip(expected) {
            assert!((found[0] - expected[0]).abs() < 1e-3 && (found[1] - expected[1]).abs() < 1e-3);
        }
        assert_eq!(discs(&chart.draw()).len(), 3);
    }

    #[test]
    fn a_curve_of_picoamperes_is_no_flat_line() {
        let found = discs(&chart(&[[0.0, 1e-13], [1.0, 4e-12]]).draw());
        assert!(found[0][1] - found[1][1] > 0.85 * HIGH, "{found:?}");
    }

    #[test]
    fn a_logarithmic_axis_has_decades_and_a_flat_curve_a_range() {
        let mut decades = chart(&[[1.0, 1.0], [2.0, 10.0], [3.0, 100.0]]);
        decades.up.logarithmic = true;
        let found = discs(&decades.draw());
        assert!(((found[0][1] - found[1][1]) - (found[1][1] - found[2][1])).abs() < 0.1, "{found:?}");
        for flat in [vec![[1.0, 4.0], [2.0, 4.0]], vec![[1.0, 0.0]], vec![]] {
            let page = chart(&flat).draw();
            assert_eq!(discs(&page).len(), flat.len());
        }
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        let name = "z1 – aggregate: area, r = -0.95; cube: aspect ratio, r = 0.40";
        let cut = fitting(name, 120.0);
        assert!(cut.ends_with('…') && width(&cut) <= 125.0 && name.starts_with(cut.trim_end_matches('…')));
        assert_eq!(fitting("z1", 120.0), "z1");
    }
}
