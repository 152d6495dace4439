//! Where the templates fit: first all angles at once, then each at the likely places.

use super::super::Progress;
use super::super::field::Field;
use super::template::{Disc, Template, distinct, dot, normalise};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Places compared with the templates at most, the likeliest first.
const MOST_PLACES: usize = 60_000;
/// Steps uphill at most, field pixels.
const CLIMB: usize = 8;
/// What resembles no template more than this is not followed.
const HOPELESS: f32 = 0.25;
/// Least correlation of a place with a template averaged over all angles.
const LEAST: f32 = 0.15;

/// Where the picture correlates with a round template more than at the places about; the likeliest first.
pub(super) fn places(
    field: &Field,
    disc: &Disc,
    templates: &[Template],
    progress: Progress<'_>,
) -> Result<Vec<(usize, usize)>> {
    let (width, height) = (field.width, field.height);
    let rounds: Vec<&[f32]> = distinct(templates);
    let done = AtomicUsize::new(0);
    let rows: Vec<Vec<f32>> = (0..height)
        .into_par_iter()
        .map(|y| {
            let row = correlate_row(field, disc, &rounds, y);
            let done = done.fetch_add(1, Ordering::Relaxed);
            if done.is_multiple_of(64) && !progress(0.1 + 0.5 * done as f32 / height as f32) {
                return Err(Error::Stopped);
            }
            Ok(row)
        })
        .collect::<Result<_>>()?;
    let reach = (disc.radius / 3).max(1);
    let mut peaks: Vec<(f32, usize, usize)> = (0..height)
        .into_par_iter()
        .flat_map_iter(|y| {
            let rows = &rows;
            (0..width).filter_map(move |x| {
                let value = rows[y][x];
                let higher = |(ny, nx): (usize, usize)| {
                    let other = rows[ny][nx];
                    other > value || (other == value && (ny, nx) < (y, x))
                };
                let mut about = (y.saturating_sub(reach)..(y + reach + 1).min(height)).flat_map(|ny| {
                    (x.saturating_sub(reach)..(x + reach + 1).min(width)).map(move |nx| (ny, nx))
                });
                (value > LEAST && !about.any(higher)).then_some((value, x, y))
            })
        })
        .collect();
    peaks.par_sort_by(|a, b| b.0.total_cmp(&a.0).then((a.2, a.1).cmp(&(b.2, b.1))));
    peaks.truncate(MOST_PLACES);
    Ok(peaks.into_iter().map(|(_, x, y)| (x, y)).collect())
}

/// The highest correlation with any of the round templates at each place of a row.
fn correlate_row(field: &Field, disc: &Disc, rounds: &[&[f32]], y: usize) -> Vec<f32> {
    let (width, radius) = (field.width, disc.radius as isize);
    let mut sums = vec![vec![0.0_f32; width]; rounds.len()];
    let (mut total, mut squares) = (vec![0.0_f32; width], vec![0.0_f32; width]);
    let mut padded = vec![0.0_f32; width + 2 * disc.radius];
    let mut row_of = isize::MIN;
    for (i, (dx, dy)) in disc.offsets.iter().enumerate() {
        if *dy != row_of {
            row_of = *dy;
            let from = (y as isize + dy).clamp(0, field.height as isize - 1) as usize;
            let row = &field.values[from * width..][..width];
            padded[..disc.radius].fill(row[0]);
            padded[disc.radius..disc.radius + width].copy_from_slice(row);
            padded[disc.radius + width..].fill(row[width - 1]);
        }
        let values = &padded[(dx + radius) as usize..][..width];
        for (total, v) in total.iter_mut().zip(values) {
            *total += v;
        }
        for (squares, v) in squares.iter_mut().zip(values) {
            *squares += v * v;
        }
        for (sum, round) in sums.iter_mut().zip(rounds) {
            let weight = round[i];
            for (sum, v) in sum.iter_mut().zip(values) {
                *sum += weight * v;
            }
        }
    }
    let n = disc.offsets.len() as f32;
    (0..width)
        .map(|x| {
            let spread = (squares[x] - total[x] * total[x] / n).max(1e-6 * n).sqrt();
            sums.iter().map(|sum| sum[x] / spread).fold(f32::MIN, f32::max)
        })
        .collect()
}

/// Each place, moved to where it fits best, with its highest correlation over all templates and angles.
pub(super) fn compare(
    field: &Field,
    disc: &Disc,
    templates: &[Template],
    places: &[(usize, usize)],
    progress: Progress<'_>,
) -> Result<Vec<(f32, f32, f32)>> {
    let done = AtomicUsize::new(0);
    places
        .par_iter()
        .map_init(Vec::new, |values, (x, y)| {
            let done = done.fetch_add(1, Ordering::Relaxed);
            if done.is_multiple_of(256) && !progress(0.6 + 0.4 * done as f32 / places.len() as f32) {
                return Err(Error::Stopped);
            }
            let (mut x, mut y) = (*x as isize, *y as isize);
            let mut best: (f32, Option<&Vec<f32>>) = (-1.0, None);
            // A template averaged over angles may fit a long particle best beside its middle: from there uphill, the
            // angle chosen anew at each place.
            for _ in 0..CLIMB {
                disc.at(field, x, y, values);
                normalise(values);
                let all = templates.iter().flat_map(|template| &template.turned);
                let here = all.map(|turned| (dot(turned, values), turned)).max_by(|a, b| a.0.total_cmp(&b.0));
                let Some((_, turned)) = here else { break };
                let mut next = (f32::MIN, 0, 0);
                for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
                    disc.at(field, x + dx, y + dy, values);
                    normalise(values);
                    let score = dot(turned, values);
                    if score > next.0 {
                        next = (score, dx, dy);
                    }
                }
                best = (next.0, Some(turned));
                (x, y) = (x + next.1, y + next.2);
                if (next.1, next.2) == (0, 0) || next.0 < HOPELESS {
                    break;
                }
            }
            let Some(turned) = best.1 else { return Ok((x as f32, y as f32, 0.0)) };
            let (x, y) = (x.clamp(0, field.width as isize - 1), y.clamp(0, field.height as isize - 1));
            let mut score = |dx: isize, dy: isize| {
                disc.at(field, x + dx, y + dy, values);
                normalise(values);
                dot(turned, values)
            };
            let here = score(0, 0);
            let (dx, across) = top(score(-1, 0), here, score(1, 0));
            let (dy, down) = top(score(0, -1), here, score(0, 1));
            let limit = |v: f32, size: usize| v.clamp(0.0, size as f32 - 1.0);
            Ok((
                limit(x as f32 + dx, field.width),
                limit(y as f32 + dy, field.height),
                across.max(down).clamp(0.0, 1.0),
            ))
        })
        .collect()
}

/// The top of the parabola through three neighbours, at most one place away, and its height.
fn top(before: f32, here: f32, after: f32) -> (f32, f32) {
    let bend = before - 2.0 * here + after;
    if bend >= -1e-6 {
        return (0.0, here.max(before).max(after));
    }
    let at = (0.5 * (before - after) / bend).clamp(-1.0, 1.0);
    (at, here - 0.25 * (before - after) * at)
}

/// The best of those that lie nearer to each other than `distance`; best first.
pub(super) fn apart(mut found: Vec<(f32, f32, f32)>, distance: f32) -> Vec<(f32, f32, f32)> {
    found.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.1.total_cmp(&b.1)).then(a.0.total_cmp(&b.0)));
    let cell = |v: f32| (v / distance.max(0.5)).floor() as i64;
    let mut taken: HashMap<(i64, i64), Vec<(f32, f32)>> = HashMap::new();
    found.retain(|(x, y, _)| {
        let (cx, cy) = (cell(*x), cell(*y));
        let mut about = (cy - 1..=cy + 1).flat_map(|y| (cx - 1..=cx + 1).map(move |x| (x, y)));
        let near = about.any(|key| {
            taken.get(&key).is_some_and(|all| all.iter().any(|(ox, oy)| (ox - x).hypot(oy - y) < distance))
        });
        if !near {
            taken.entry((cx, cy)).or_default().push((*x, *y));
        }
        !near
    });
    found
}
