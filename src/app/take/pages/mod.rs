//! Views as pages for print, with the numbers they were drawn from.

mod averages;
mod decoded;

use super::Taken;
use crate::app::run::{EpochPoint, interval, smoothed};
use crate::app::state::State;
use crate::library::drawing::chart::{Axis, Chart, Point, Series};
use crate::library::drawing::{BLUE, GREEN, Ink, Table, cell};
use crate::train::curve::MEMORY;
use crate::worker::message::LossParts;
pub use averages::{Averages, average_page, averages, most_variance};
pub use decoded::{crowd_ink, decoded, film, patch_pixel};
use egui::Color32;

/// "gold-rods, epoch 120. Nanotheca 0.1.0.": what every caption ends with.
pub fn source(state: &State) -> String {
    let epoch = state.training.progress.as_ref().map_or_else(String::new, |p| format!(", epoch {}", p.epoch));
    format!("{}{epoch}. Nanotheca {}.", state.name(), env!("CARGO_PKG_VERSION"))
}

/// Colours of the parts of the loss, as on screen.
const SKY: Ink = [0, 114, 178, 255];
const AMBER: Ink = [168, 110, 0, 255];
const MAUVE: Ink = [156, 63, 117, 255];

/// A colour of the screen on paper.
pub fn inked(colour: Color32) -> Ink {
    colour.to_srgba_unmultiplied()
}

/// Where new labels joined, for the curves.
fn joined(state: &State) -> Vec<(f64, String)> {
    state.training.joined.iter().map(|epoch| (*epoch as f64, "new labels".to_owned())).collect()
}

fn epochs() -> Axis {
    Axis::named("epoch")
}

/// Loss over the epochs.
pub fn loss(state: &State, logarithmic: bool) -> Option<Taken> {
    let curve = &state.training.curve;
    let last = curve.last()?;
    let losses: Vec<f64> = curve.iter().map(|point| point.loss).collect();
    let smooth = smoothed(&losses, MEMORY);
    let [red, green, blue, _] = BLUE;
    let at = |point: &EpochPoint| point.epoch as f64;
    let part = |name: &str, ink: Ink, of: fn(&LossParts) -> f64| {
        let known = curve.iter().filter_map(move |p| Some([at(p), of(&p.parts?)]));
        Series::new(name, ink, 0.8, 0.0, known)
    };
    let parts = [
        part("reconstruction", SKY, |p| p.reconstruction),
        part("KL of the latents", AMBER, |p| p.kl_latent),
        part("KL of the class", MAUVE, |p| p.kl_class),
    ];
    let mut lines = vec![
        Series::new("each epoch", [red, green, blue, 115], 0.0, 2.0, curve.iter().map(|p| [at(p), p.loss])),
        Series::new("smoothed", BLUE, 1.6, 0.0, curve.iter().zip(&smooth).map(|(p, v)| [at(p), *v])),
    ];
    lines.extend(parts.into_iter().filter(|part| !part.points.is_empty()));
    let chart = Chart {
        across: epochs(),
        up: Axis {
            name: "loss (nats / image)".into(),
            logarithmic: logarithmic && losses.iter().all(|v| *v > 0.0),
            ..Axis::default()
        },
        series: lines,
        marks: joined(state),
        caption: format!("Loss, {:.1} nats an image at the end. {}", last.loss, source(state)),
        ..Chart::default()
    };
    let columns =
        ["epoch", "loss_nats_per_image", "smoothed", "reconstruction", "kl_latent", "kl_class", "new_labels"];
    let mut table = Table::new(&columns);
    for (point, smooth) in curve.iter().zip(&smooth) {
        let joined = state.training.joined.contains(&point.epoch);
        let new = u8::from(joined).to_string();
        let parts = point.parts.map_or([f64::NAN; 3], |p| [p.reconstruction, p.kl_latent, p.kl_class]);
        let [reconstruction, latent, class] = parts.map(cell);
        let epoch = point.epoch.to_string();
        table.rows.push(vec![epoch, cell(point.loss), cell(*smooth), reconstruction, latent, class, new]);
    }
    Some(Taken { page: chart.draw(), table })
}

/// Hold-out accuracy over the epochs.
pub fn accuracy(state: &State) -> Option<Taken> {
    let last = state.training.accuracy()?;
    let mut table = Table::new(&["epoch", "accuracy", "low_95", "high_95", "right", "of", "new_labels"]);
    let (mut points, mut lower, mut upper) = (Vec::new(), Vec::new(), Vec::new());
    for point in &state.training.curve {
        let Some(found) = point.accuracy.filter(|found| found.of > 0) else { continue };
        let share = found.right as f64 / found.of as f64;
        let (low, high) = interval(found).unwrap_or((f64::NAN, f64::NAN));
        let epoch = point.epoch as f64;
        points.push([epoch, share]);
        lower.push([epoch, low]);
        upper.push([epoch, high]);
        let new = u8::from(state.training.joined.contains(&point.epoch)).to_string();
        let (right, of) = (found.right.to_string(), found.of.to_string());
        let row = vec![point.epoch.to_string(), cell(share), cell(low), cell(high), right, of, new];
        table.rows.push(row);
    }
    let [red, green, blue, _] = GREEN;
    let band = [red, green, blue, 120];
    let chart = Chart {
        across: epochs(),
        up: Axis { name: "hold-out accuracy".into(), range: Some([0.0, 1.0]), ..Axis::default() },
        series: vec![
            Series::new("accuracy", GREEN, 1.6, 0.0, points.into_iter()),
            Series::new("95 % interval", band, 0.8, 0.0, lower.into_iter()),
            Series::new("", band, 0.8, 0.0, upper.into_iter()),
        ],
        marks: joined(state),
        caption: format!(
            "Accuracy on labels that training never saw: {} at the end. {}",
            super::super::training::share(last),
            source(state)
        ),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

/// Share that is right against the probability the model gives.
pub fn calibration(state: &State) -> Option<Taken> {
    let found = state.training.sanity.as_ref()?.calibration.as_ref()?;
    let most = found.filled().map(|bin| bin.particles).max()? as f32;
    let mut table = Table::new(&["probability", "share_right", "particles"]);
    let mut points = Vec::new();
    for bin in found.filled() {
        let at = [bin.confidence, bin.accuracy];
        points.push(Point { at, ink: BLUE, radius: 2.0 + 5.0 * (bin.particles as f32 / most).sqrt() });
        table.rows.push(vec![cell(at[0]), cell(at[1]), bin.particles.to_string()]);
    }
    let whole = |name: &str| Axis { name: name.into(), range: Some([0.0, 1.0]), ..Axis::default() };
    let chart = Chart {
        across: whole("probability given by the model"),
        up: whole("share that is right"),
        series: vec![Series { ink: BLUE, line: 1.2, points, ..Series::default() }],
        diagonal: true,
        caption: format!(
            "Calibration on held-out labels; larger dots stand for more particles. Off by {:.1} % on average. {}",
            100.0 * found.expected_error,
            source(state)
        ),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::drawing::Item;
    use crate::worker::message::{Accuracy, PreviewImages, PreviewRequest};

    fn trained() -> State {
        let mut state = State::default();
        for epoch in 1..=20 {
            let accuracy = Some(Accuracy { right: epoch, of: 20 });
            let loss = 300.0 / epoch as f64;
            let parts = Some(LossParts { reconstruction: loss - 9.0, kl_latent: 8.0, kl_class: 1.0 });
            state.training.curve.push(EpochPoint { epoch, loss, parts, accuracy });
        }
        state.training.joined.push(12);
        state
    }

    #[test]
    fn curves_come_with_their_numbers_and_the_moment_labels_joined() {
        let state = trained();
        for taken in [loss(&state, true), accuracy(&state)].map(Option::unwrap) {
            assert_eq!(taken.table.rows.len(), 20);
            let new = |row: &Vec<String>| row.last().is_some_and(|cell| cell == "1");
            assert_eq!(taken.table.rows.iter().position(new), Some(11));
            let text = |item: &&Item| matches!(item, Item::Text { text, .. } if text == "new labels");
            assert_eq!(taken.page.items.iter().filter(text).count(), 1);
        }
        let taken = loss(&state, false).unwrap();
        let column = |name: &str| taken.table.header.iter().position(|column| column == name).unwrap();
        let row = &taken.table.rows[9];
        assert_eq!(
            [column("reconstruction"), column("kl_latent"), column("kl_class")].map(|c| row[c].as_str()),
            ["21", "8", "1"]
        );
        assert!(
            taken
                .page
                .items
                .iter()
                .any(|i| matches!(i, Item::Text { text, .. } if text == "KL of the latents"))
        );
        let found = accuracy(&state).unwrap().table;
        let [low, high] = ["low_95", "high_95"].map(|name| {
            let column = found.header.iter().position(|column| column == name).unwrap();
            found.rows[9][column].parse::<f64>().unwrap()
        });
        assert!((low - 0.2993).abs() < 1e-3 && (high - 0.7007).abs() < 1e-3, "10 of 20: {low} {high}");
        assert!(loss(&State::default(), false).is_none() && calibration(&state).is_none());
    }

    #[test]
    fn a_manifold_names_its_latents_and_gives_every_pixel() {
        let request = PreviewRequest::Manifold {
            class: 0,
            axes: (0, 2),
            per_side: 2,
            ranges: [[-1.0, 1.5], [0.25, 2.0]],
        };
        let images = PreviewImages { request, side: 3, images: vec![0.5; 36].into() };
        let taken = decoded(&State::default(), &images, "rod", Some(&[0, 3, 1, 12]));
        let frames: Vec<Ink> = (taken.page.items.iter())
            .filter_map(|i| if let Item::Line { ink, .. } = i { Some(*ink) } else { None })
            .collect();
        assert_eq!(frames, [0, 3, 1, 12].map(|n| crowd_ink(n, 12)), "a frame a tile");
        let says = |what: &str| {
            taken.page.items.iter().any(|i| matches!(i, Item::Text { text, .. } if text.contains(what)))
        };
        assert!(says("-1.00") && says("1.50") && says("0.25") && says("12"));
        assert_eq!(taken.table.rows.len(), 36);
        assert_eq!(taken.table.rows[35], ["3", "2", "2", "0.50000"]);
        for name in ["z1", "z3"] {
            assert!(taken.page.items.iter().any(|i| matches!(i, Item::Text { text, .. } if text == name)));
        }
    }

    #[test]
    fn every_picture_of_a_film_has_a_scale_bar() {
        let codes = vec![vec![0.0], vec![1.0]];
        let request = PreviewRequest::Film { class: 0, codes, angle_rad: 0.0, shift: [0.0; 2], scale: 1.0 };
        let images = PreviewImages { request, side: 24, images: vec![0.5; 2 * 24 * 24].into() };
        let mut state = State::default();
        let entry = crate::project::MicrographEntry::new("/a.png", 0, 100, 80, None, "00");
        let (_, edit) = state.project.add_micrograph_edit(entry);
        state.change("add micrograph", edit).unwrap();
        let pages = film(&state, &images, "rod along z1.");
        assert_eq!(pages.len(), 2);
        for page in pages {
            let bar = |i: &Item| matches!(i, Item::Text { text, .. } if text.ends_with(" px"));
            assert!(page.items.iter().any(bar));
        }
    }
}
