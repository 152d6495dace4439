//! The views of this workspace as pages, with their numbers.

use super::Field;
use super::run::{SpectraWork, Subject};
use crate::app::take::Taken;
use crate::app::take::pages::inked;
use crate::library::drawing::chart::{Axis, Bar, Chart, Point, Series};
use crate::library::drawing::{BLACK, BLUE, Ink, Table, cell};
use crate::library::spectra::page;
use crate::spectrum::Found;

const FAINT: Ink = [140, 145, 150, 140];
/// Round a dot.
const RIM: Ink = [110, 115, 120, 255];
/// What the model makes of a spectrum.
const MODEL: Ink = [138, 83, 0, 255];
/// Steps of a colour bar.
const STEPS: i32 = 64;

/// "peaks.csv, epoch 20. Nanotheca 0.1.0."
fn source(work: &SpectraWork, subject: &Subject) -> String {
    let epoch = work.curve.last().map_or_else(String::new, |[epoch, _]| format!(", epoch {epoch:.0}"));
    format!("{}{epoch}. Nanotheca {}.", subject.name, env!("CARGO_PKG_VERSION"))
}

fn curve<'a>(x: &'a [f64], y: &'a [f32]) -> impl Iterator<Item = [f64; 2]> + 'a {
    x.iter().zip(y).map(|(x, y)| [*x, f64::from(*y)])
}

/// The mean, a few spectra, and the one that is looked at beside what the model makes of it.
pub fn curves(work: &SpectraWork, subject: &Subject, looked: Option<usize>) -> Option<Taken> {
    let (x, spectra) = (&subject.spectra.x, &subject.spectra);
    let looked = looked.filter(|i| *i < spectra.count());
    let model = work.answer.as_ref().filter(|(i, _)| Some(*i) == looked);
    let mut header = vec![work.axis(), "mean".to_owned()];
    let mut columns: Vec<Vec<f64>> = vec![x.clone(), subject.mean.clone()];
    let mut lines: Vec<Series> = Vec::new();
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
    for i in &subject.few {
        lines.push(Series::new("", FAINT, 0.6, 0.0, curve(x, spectra.of(*i))));
        header.push(format!("spectrum {i}"));
        columns.push(wide(spectra.of(*i)));
    }
    let mean = x.iter().zip(&subject.mean).map(|(x, y)| [*x, *y]);
    lines.push(Series::new("mean", BLACK, 1.6, 0.0, mean));
    if let Some(i) = looked {
        lines.push(Series::new(&format!("spectrum {i}"), BLUE, 1.6, 0.0, curve(x, spectra.of(i))));
        header.push(format!("looked at: spectrum {i}"));
        columns.push(wide(spectra.of(i)));
    }
    if let Some((_, drawn)) = model {
        lines.push(Series::new("model", MODEL, 1.6, 0.0, curve(x, drawn)));
        header.push("model of it".to_owned());
        columns.push(wide(drawn));
    }
    let rows =
        (0..x.len()).map(|k| columns.iter().map(|c| cell(c.get(k).copied().unwrap_or(f64::NAN))).collect());
    let table = Table { header, rows: rows.collect() };
    let chart = Chart {
        across: Axis::named(work.axis()),
        up: Axis::named("intensity (as in the file)"),
        series: lines,
        caption: format!(
            "The mean of {} and {} of them. {}",
            super::curves::spectra(spectra.count()),
            subject.few.len(),
            source(work, subject)
        ),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

/// A dot a spectrum: two of its numbers, a third as its colour.
pub fn scatter(work: &SpectraWork, subject: &Subject, fields: [Field; 3]) -> Option<Taken> {
    let found = work.found.as_ref()?;
    let [across, up, _] = fields;
    let labels = [across, up].map(|field| field.label(&work.unit));
    let values = [across, up].map(|field| field.values(found));
    dots(work, subject, labels, values, fields[2])
}

/// The shift of each spectrum over its index, a number of it as its colour.
pub fn shift(work: &SpectraWork, subject: &Subject, colour: Field) -> Option<Taken> {
    let found = work.found.as_ref().filter(|found| found.shift.iter().any(|shift| *shift != 0.0))?;
    let index = (0..found.shift.len()).map(|i| i as f64).collect();
    let labels = ["index of the spectrum".to_owned(), Field::Shift.label(&work.unit)];
    dots(work, subject, labels, [index, found.shift.clone()], colour)
}

fn dots(
    work: &SpectraWork,
    subject: &Subject,
    labels: [String; 2],
    [xs, ys]: [Vec<f64>; 2],
    colour: Field,
) -> Option<Taken> {
    let found = work.found.as_ref()?;
    let values = colour.values(found);
    let range = colour.range(&values);
    let name = colour.label(&work.unit);
    let header = ["spectrum".to_owned(), labels[0].clone(), labels[1].clone(), format!("colour: {name}")];
    let mut table = Table { header: header.to_vec(), rows: Vec::new() };
    let mut points = Vec::new();
    for (i, ((x, y), value)) in xs.iter().zip(&ys).zip(&values).enumerate() {
        table.rows.push(vec![i.to_string(), cell(*x), cell(*y), cell(*value)]);
        // A rim round each dot: the middle of a scale is as bright as the page.
        points.push(Point { at: [*x, *y], ink: RIM, radius: 1.9 });
        points.push(Point { at: [*x, *y], ink: inked(colour.colour(*value, range)), radius: 1.6 });
    }
    let [low, high] = range.map(f64::from);
    let step = |i: i32| low + (high - low) * f64::from(i) / f64::from(STEPS - 1);
    let [across, up] = labels.map(Axis::named);
    let chart = Chart {
        across,
        up,
        series: vec![Series { ink: BLUE, points, ..Series::default() }],
        bar: Some(Bar {
            name,
            range: [low, high],
            inks: (0..STEPS).map(|i| inked(colour.colour(step(i), range))).collect(),
        }),
        caption: format!("{}. {}", super::curves::spectra(xs.len()), source(work, subject)),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

/// What the decoder draws along the latent that varies most, the others at 0; as numbers along all of them.
pub fn traversal(work: &SpectraWork, subject: &Subject) -> Option<Taken> {
    let found = work.found.as_ref()?;
    let x = &subject.spectra.x;
    let k = strongest(found)?;
    let mut header = vec![work.axis()];
    for latent in 0..found.traversals.len() {
        header.extend(found.steps.iter().map(|step| format!("z{latent} = {step:.1} sd")));
    }
    let row = |p: usize| {
        let of =
            |all: &Vec<f32>| all.chunks_exact(x.len()).map(|one| cell(f64::from(one[p]))).collect::<Vec<_>>();
        std::iter::once(cell(x[p])).chain(found.traversals.iter().flat_map(of)).collect()
    };
    let mut chart = page::traversal(found, x, &work.axis(), k)?;
    chart.caption = format!("{} {}", chart.caption, source(work, subject));
    Some(Taken { page: chart.draw(), table: Table { header, rows: (0..x.len()).map(row).collect() } })
}

fn strongest(found: &Found) -> Option<usize> {
    (0..found.latent()).max_by(|a, b| found.spread[*a].total_cmp(&found.spread[*b]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::drawing::Item;
    use crate::spectrum::Spectra;
    use std::sync::Arc;

    fn work() -> SpectraWork {
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        let mut spectra = Spectra::new(x, (0..72).map(|v| v as f32).collect()).unwrap();
        spectra.unit = "eV".into();
        let mut work = SpectraWork::default();
        work.open(Subject::new("peaks.csv", spectra));
        work.found = Some(Arc::new(Found {
            shift: (0..9).map(|i| 0.1 * f64::from(i) - 0.2).collect(),
            latents: (0..18).map(|i| if i % 2 == 0 { i as f32 / 4.0 - 1.0 } else { 0.0 }).collect(),
            sd: vec![0.1; 18],
            error: vec![0.01; 9],
            spread: vec![0.8, 0.01],
            traversals: vec![(0..16).map(|v| v as f32).collect(), vec![1.0; 16]],
            steps: vec![-2.0, 2.0],
            ..Found::default()
        }));
        work
    }

    #[test]
    fn every_view_comes_with_its_numbers() {
        let mut work = work();
        let subject = work.subject.clone().unwrap();
        let dots = scatter(&work, &subject, [Field::Latent(0), Field::Shift, Field::Error]).unwrap();
        assert_eq!(
            dots.table.header[1..],
            ["z0 (prior sd)", "shift (eV)", "colour: error (rms, units of the spectra)"]
        );
        assert_eq!(dots.table.rows[2][..2], ["2", "0"]);
        let discs = dots.page.items.iter().filter(|item| matches!(item, Item::Disc { .. })).count();
        assert!(discs >= 9, "{discs}");
        let shifts = shift(&work, &subject, Field::Error).unwrap();
        assert_eq!(shifts.table.rows[0][2], "-0.2");
        assert_eq!(shifts.table.header[3], "colour: error (rms, units of the spectra)");
        // A number has one scale, as a dot and as a pixel.
        let shifts = shift(&work, &subject, Field::Shift).unwrap();
        let range = Field::Shift.range(&Field::Shift.values(work.found.as_ref().unwrap()));
        let pixel = inked(Field::Shift.colour(-0.2, range));
        let same = |item: &Item| matches!(item, Item::Disc { ink, .. } if *ink == pixel);
        assert!(shifts.page.items.iter().any(same), "the least shift has no dot in the colour of its pixel");
        let along = traversal(&work, &subject).unwrap();
        assert_eq!(
            along.table.header,
            ["x (eV)", "z0 = -2.0 sd", "z0 = 2.0 sd", "z1 = -2.0 sd", "z1 = 2.0 sd"]
        );
        assert_eq!(along.table.rows[3], ["3", "3", "11", "1", "1"]);
        work.answer = Some((1, vec![7.0; 8].into()));
        let shown = curves(&work, &subject, Some(1)).unwrap();
        assert_eq!(shown.table.header.last().unwrap(), "model of it");
        assert_eq!(shown.table.rows[0].last().unwrap(), "7");
        let none = curves(&work, &subject, Some(9)).unwrap();
        assert_eq!(none.table.header.len(), 2 + subject.few.len(), "there is no tenth spectrum");
        // A model without shift has none to show.
        work.found = Some(Arc::new(Found { shift: vec![0.0; 9], ..Found::default() }));
        assert!(shift(&work, &subject, Field::Shift).is_none() && traversal(&work, &subject).is_none());
    }
}
