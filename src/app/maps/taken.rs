//! What can be taken away of this workspace as a page: the maps themselves are exported as files of their own.

use super::run::Maps;
use super::sight::Sight;
use crate::app::shades;
use crate::app::state::count;
use crate::app::take::Taken;
use crate::app::take::pages::inked;
use crate::library::drawing::chart::{Axis, Chart, Series};
use crate::library::drawing::{BLUE, Ink, Table, cell};
use crate::micrograph::PixelSize;
use crate::project::Colours;

/// More pixels than this are not drawn one by one on a page.
const MOST: usize = 6000;
/// Corners of the drawn fit.
const FINE: usize = 200;
/// The fit of a wall, as on screen on a bright ground.
const FITTED: Ink = [138, 83, 0, 255];

/// "stm.png, seed 1, epoch 12. Nanotheca 0.1.0."
fn source(maps: &Maps) -> String {
    let name = maps.subject.as_ref().map_or("", |subject| subject.name.as_str());
    let of =
        maps.set.as_ref().map_or_else(String::new, |set| format!(", seed {}, epoch {}", set.seed, set.epoch));
    format!("{name}{of}. Nanotheca {}.", env!("CARGO_PKG_VERSION"))
}

/// A line a seed.
pub fn loss(maps: &Maps) -> Option<Taken> {
    let last = maps.curve.last()?;
    let mut table = Table::new(&["seed", "epoch", "negative_elbo_nats_per_window"]);
    for point in &maps.curve {
        table.rows.push(vec![point.seed.to_string(), point.epoch.to_string(), cell(point.loss)]);
    }
    let seeds = maps.curve.iter().map(|point| point.seed).max().unwrap_or(1);
    let of_seed = |seed: usize| {
        let share = (seed - 1) as f64 / (seeds - 1).max(1) as f64;
        let ink = if seeds == 1 { BLUE } else { inked(shades::map(Colours::Viridis, 0.2 + 0.6 * share)) };
        let own = maps.curve.iter().filter(move |point| point.seed == seed);
        Series::new(&format!("seed {seed}"), ink, 1.6, 1.2, own.map(|point| [point.epoch as f64, point.loss]))
    };
    let chart = Chart {
        across: Axis::named("epoch"),
        up: Axis::named("−ELBO (nats / window)"),
        series: (1..=seeds).map(of_seed).collect(),
        caption: format!("Training of the maps, {:.1} nats a window at the end. {}", last.loss, source(maps)),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

/// The profile that is shown, with its wall.
pub fn wall(maps: &Maps, size: Option<PixelSize>) -> Option<Taken> {
    let wall = maps.wall.as_ref()?;
    let profile = wall.result.as_ref().ok()?;
    let fit = wall.fit.as_ref().ok();
    let (nm, unit) = size.map_or((1.0, "px"), |size| (profile.nm_per_px(size), "nm"));
    let (of_value, factor) = wall.field.unit(size);
    let fitted = |d: f64| {
        fit.map_or(f64::NAN, |f| f.middle + f.half_step * (2.0 * (d - f.centre_px) / f.width_px).tanh())
            * factor
    };
    let columns = [
        format!("distance_{unit}"),
        format!("{} ({of_value})", wall.field.name()),
        "sd_over_the_breadth".into(),
        "fit".into(),
    ];
    let mut table = Table { header: columns.to_vec(), rows: Vec::new() };
    let values = profile.distance_px.iter().zip(&profile.values).zip(&profile.sd);
    for ((d, value), sd) in values {
        table.rows.push([d * nm, value * factor, sd * factor, fitted(*d)].map(cell).to_vec());
    }
    let known = profile.distance_px.iter().zip(&profile.values).filter(|(_, v)| v.is_finite());
    let mut lines = vec![Series::new("map", BLUE, 1.4, 1.2, known.map(|(d, v)| [d * nm, v * factor]))];
    let mut said = String::new();
    if fit.is_some() {
        let last = profile.distance_px.last().copied().unwrap_or(0.0);
        let at = (0..=FINE).map(|i| last * i as f64 / FINE as f64);
        lines.push(Series::new("wall", FITTED, 1.4, 0.0, at.map(|d| [d * nm, fitted(d)])));
        said = format!(" {}", wall.in_words(size));
    }
    let chart = Chart {
        across: Axis::named(format!("distance ({unit})")),
        up: Axis::named(format!("{} ({of_value})", wall.field.name())),
        series: lines,
        caption: format!("Profile averaged over {:.0} px.{said} {}", wall.line.breadth, source(maps)),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

/// The pixels in the plane of two latents, those of a drawn outline in colour.
pub fn plane(maps: &Maps, sight: &Sight) -> Option<Taken> {
    let set = maps.set.as_ref()?;
    let [i, j] = sight.axes;
    let (u, v) = (set.content.get(i)?, set.content.get(j).filter(|_| i != j)?);
    let inside =
        sight.brush.as_ref().map(|brush| &brush.inside[..]).filter(|all| all.len() == u.values.len());
    let names = [format!("z{i} (prior sd)"), format!("z{j} (prior sd)")];
    let mut header = vec!["x_px".to_owned(), "y_px".to_owned()];
    header.extend(names.clone());
    header.extend(inside.map(|_| "chosen".to_owned()));
    let known: Vec<usize> =
        (0..u.values.len()).filter(|k| u.values[*k].is_finite() && v.values[*k].is_finite()).collect();
    let every = known.len().div_ceil(MOST).max(1);
    let mut table = Table { header, rows: Vec::new() };
    let mut groups: [Vec<[f64; 2]>; 2] = Default::default();
    for k in known.iter().copied().step_by(every) {
        let at = [u.values[k], v.values[k]].map(f64::from);
        let place = u.place(k % u.width, k / u.width);
        let mut row = [place[0], place[1], at[0], at[1]].map(cell).to_vec();
        let chosen = inside.is_none_or(|inside| inside[k]);
        row.extend(inside.map(|_| u8::from(chosen).to_string()));
        table.rows.push(row);
        groups[usize::from(chosen)].push(at);
    }
    let [others, chosen] = groups;
    let [r, g, b, _] = BLUE;
    let (all, drawn) = (known.len(), others.len() + chosen.len());
    let which = if drawn < all { format!("{drawn} of {}", count(all, "pixel")) } else { count(all, "pixel") };
    let said = if inside.is_some() { ", those of the outline in colour" } else { "" };
    let [across, up] = names.map(Axis::named);
    let chart = Chart {
        across,
        up,
        series: vec![
            Series::new("", [140, 145, 150, 110], 0.0, 1.0, others.into_iter()),
            Series::new("", [r, g, b, 130], 0.0, 1.0, chosen.into_iter()),
        ],
        caption: format!("{which} by their latents{said}. {}", source(maps)),
        ..Chart::default()
    };
    Some(Taken { page: chart.draw(), table })
}

#[cfg(test)]
mod tests {
    use super::super::brush::{Brush, Choice, tests::set};
    use super::super::field::{Field, Line};
    use super::super::run::MapPoint;
    use super::super::wall::Wall;
    use super::*;
    use crate::library::drawing::Item;
    use crate::particle::Outline;
    use std::sync::Arc;

    /// Of 40 x 30 pixels whose latents rise along x and along y; the first is not known.
    fn maps() -> Maps {
        let points = (1..=3).flat_map(|epoch| {
            [1, 2].map(|seed| MapPoint { seed, epoch, loss: 100.0 / epoch as f64 + seed as f64 })
        });
        Maps { set: Some(Arc::new(set())), curve: points.collect(), ..Maps::default() }
    }

    fn discs(taken: &Taken) -> usize {
        taken.page.items.iter().filter(|item| matches!(item, Item::Disc { .. })).count()
    }

    #[test]
    fn the_loss_has_a_line_a_seed() {
        let taken = loss(&maps()).unwrap();
        assert_eq!(taken.table.rows.len(), 6);
        assert_eq!(taken.table.rows[5], ["2", "3", "35.333333333333336"]);
        let said = |name: &str| {
            taken.page.items.iter().any(|i| matches!(i, Item::Text { text, .. } if text == name))
        };
        assert!(said("seed 1") && said("seed 2") && said("epoch"));
        assert!(loss(&Maps::default()).is_none());
    }

    #[test]
    fn the_plane_has_a_dot_a_known_pixel_and_says_which_are_chosen() {
        let (maps, mut sight) = (maps(), Sight::default());
        let all = plane(&maps, &sight).unwrap();
        assert_eq!((all.table.rows.len(), discs(&all)), (1199, 1199));
        assert_eq!(all.table.header, ["x_px", "y_px", "z0 (prior sd)", "z1 (prior sd)"]);
        // The second pixel of the first row: 2 px to the right.
        assert_eq!(all.table.rows[0][..2], ["2", "0"]);
        let corners = vec![[19.0, 9.0], [41.0, 9.0], [41.0, 31.0], [19.0, 31.0]];
        sight.brush = Brush::new(Choice::Image(Outline { corners }), &set(), None, 0);
        let some = plane(&maps, &sight).unwrap();
        assert_eq!(some.table.rows.iter().filter(|row| row[4] == "1").count(), 121);
        sight.axes = [1, 1];
        assert!(plane(&maps, &sight).is_none());
    }

    #[test]
    fn a_profile_is_told_in_nanometres_where_they_are_known() {
        let line = Line { from: [4.0, 20.0], to: [70.0, 20.0], breadth: 4.0 };
        let wall_of = |field| Arc::new(Wall::measured(&set(), None, 0, field, line));
        let maps = Maps { wall: Some(wall_of(Field::Content(0))), ..maps() };
        let taken = wall(&maps, PixelSize::new(0.5, 0.5)).unwrap();
        assert_eq!(taken.table.header[..2], ["distance_nm", "z0 (prior sd)"]);
        let last: f64 = taken.table.rows.last().unwrap()[0].parse().unwrap();
        assert!((last - 33.0).abs() < 1.1, "{last}");
        let px = wall(&maps, None).unwrap();
        assert_eq!(px.table.header[0], "distance_px");
        // A map that there is not has no profile.
        let none = Maps { wall: Some(wall_of(Field::Rotation)), ..maps };
        assert!(wall(&none, None).is_none());
    }
}
