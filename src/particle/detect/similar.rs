//! Particles that look like examples: rotated templates, compared by normalised correlation.
//!
//! Correlating a large picture with every template at every angle would take minutes, so it is done in two steps. A
//! template averaged over all angles is the same however the particle is turned: its correlation with the picture
//! peaks at everything of the right size and contrast. Only those places are then compared with the templates proper.

use super::field::{Field, NOTHING};
use super::{Detection, Progress};
use crate::micrograph::Micrograph;
use crate::micrograph::stats::percentile;
use crate::particle::Region;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A particle is about so many field pixels wide.
const FINE: f32 = 10.0;
/// Radius of a template as a share of the diameter: the surroundings tell a particle from a part of one.
const REACH: f32 = 0.7;
/// Angles of a template.
const TURNS: usize = 24;
/// Examples that differ most from each other become templates.
const MOST_TEMPLATES: usize = 6;
/// Places compared with the templates at most, the likeliest first.
const MOST_PLACES: usize = 60_000;
/// Steps uphill at most, field pixels.
const CLIMB: usize = 8;
/// What resembles no template more than this is not followed.
const HOPELESS: f32 = 0.25;
/// Least correlation of a place with a template averaged over all angles.
const LEAST: f32 = 0.15;

/// A particle to look for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Example {
    /// Centre in pixels of the micrograph.
    pub x: f32,
    pub y: f32,
    /// Pixels.
    pub diameter: f32,
}

/// How alike is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Least correlation with a template, 0..=1.
    pub score: f32,
    /// Least distance of two particles as a share of their diameter, 0.1..=4.
    pub separation: f32,
}

impl Default for Likeness {
    fn default() -> Self {
        Self { score: 0.6, separation: 0.8 }
    }
}

/// Finds what looks like the examples, at any angle, outside the `excluded` regions; the best first.
///
/// [`Detection::score`] is the correlation with the template it resembles most; the examples themselves are found, too.
///
/// # Errors
/// [`Error::Invalid`] without a usable example or for a setting out of range, [`Error::Stopped`] as soon as `progress`
/// returns false.
pub fn similar(
    m: &Micrograph,
    excluded: &[Region],
    examples: &[Example],
    likeness: Likeness,
    progress: Progress<'_>,
) -> Result<Vec<Detection>> {
    if !(0.0..=1.0).contains(&likeness.score) || !(0.1..=4.0).contains(&likeness.separation) {
        return Err(Error::invalid("likeness", "the score lies in 0 to 1, the separation in 0.1 to 4"));
    }
    let sizes: Vec<f32> = examples.iter().map(|e| e.diameter).filter(|d| d.is_finite() && *d > 0.0).collect();
    if sizes.is_empty() {
        return Err(Error::invalid(
            "examples",
            "label at least one particle; what resembles it is then found",
        ));
    }
    let diameter = percentile(&sizes, 50.0).max(2.0);
    let factor = ((diameter / FINE) as usize).max(1);
    let mut field = Field::new(m, excluded, factor, 0.5, true);
    let hidden: Vec<bool> = field.values.iter().map(|v| *v == NOTHING).collect();
    field.values.iter_mut().filter(|v| **v == NOTHING).for_each(|v| *v = 0.0);
    let disc = Disc::new(REACH * diameter / factor as f32);
    if !progress(0.1) {
        return Err(Error::Stopped);
    }
    let templates = choose(&field, &disc, examples);
    if templates.is_empty() {
        return Err(Error::invalid("examples", "there is no contrast round the examples to look for"));
    }
    let places = places(&field, &disc, &templates, progress)?;
    let found = compare(&field, &disc, &templates, &places, progress)?;
    let found = found.into_iter().filter(|(_, _, score)| *score >= likeness.score);
    let found = found.filter(|(x, y, _)| !hidden[(y.round() as usize) * field.width + x.round() as usize]);
    let found = apart(found.collect(), likeness.separation * diameter / factor as f32);
    progress(1.0);
    Ok(found.into_iter().map(|(x, y, score)| detection(m, &field, diameter, x, y, score)).collect())
}

fn detection(m: &Micrograph, field: &Field, diameter: f32, x: f32, y: f32, score: f32) -> Detection {
    let (x, y, r) = (field.to_micrograph(x), field.to_micrograph(y), diameter / 2.0);
    let bounds = Region { x0: x - r, y0: y - r, x1: x + r, y1: y + r };
    let (right, bottom) = (m.width as f32 - 0.5, m.height as f32 - 0.5);
    Detection {
        x,
        y,
        diameter,
        length: diameter,
        area: std::f32::consts::PI * r * r,
        bounds,
        touches_border: bounds.x0 < -0.5 || bounds.y0 < -0.5 || bounds.x1 > right || bounds.y1 > bottom,
        score,
    }
}

/// The places of a template: whole offsets within a radius.
struct Disc {
    radius: usize,
    offsets: Vec<(isize, isize)>,
}

impl Disc {
    fn new(radius: f32) -> Self {
        let whole = radius.ceil().max(2.0) as isize;
        let all = (-whole..=whole).flat_map(|dy| (-whole..=whole).map(move |dx| (dx, dy)));
        let inside = |(dx, dy): &(isize, isize)| ((dx * dx + dy * dy) as f32) <= radius.max(2.0).powi(2);
        Self { radius: whole as usize, offsets: all.filter(inside).collect() }
    }

    /// The values at the disc's places round a whole place; beyond the picture its nearest pixel.
    fn at(&self, field: &Field, x: isize, y: isize, out: &mut Vec<f32>) {
        let clamp = |v: isize, size: usize| v.clamp(0, size as isize - 1) as usize;
        out.clear();
        out.extend(self.offsets.iter().map(|(dx, dy)| {
            field.values[clamp(y + dy, field.height) * field.width + clamp(x + dx, field.width)]
        }));
    }

    /// The same round any place, turned by an angle.
    fn turned(&self, field: &Field, x: f32, y: f32, angle: f32) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        let value = |(dx, dy): &(isize, isize)| {
            let (dx, dy) = (*dx as f32, *dy as f32);
            bilinear(field, x + cos * dx - sin * dy, y + sin * dx + cos * dy)
        };
        self.offsets.iter().map(value).collect()
    }
}

fn bilinear(field: &Field, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, field.width as f32 - 1.0), y.clamp(0.0, field.height as f32 - 1.0));
    let (x0, y0) = (x as usize, y as usize);
    let (x1, y1) = ((x0 + 1).min(field.width - 1), (y0 + 1).min(field.height - 1));
    let (u, v) = (x - x0 as f32, y - y0 as f32);
    let at = |x: usize, y: usize| field.values[y * field.width + x];
    (1.0 - v) * ((1.0 - u) * at(x0, y0) + u * at(x1, y0)) + v * ((1.0 - u) * at(x0, y1) + u * at(x1, y1))
}

/// Zero mean and length one; false if there is no contrast.
fn normalise(values: &mut [f32]) -> bool {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|v| *v -= mean);
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    let contrast = length > 1e-3 * (values.len() as f32).sqrt();
    values.iter_mut().for_each(|v| *v /= length.max(f32::MIN_POSITIVE));
    contrast
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, which the compiler puts into one register.
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// One example at all angles, and averaged over them.
struct Template {
    turned: Vec<Vec<f32>>,
    round: Vec<f32>,
}

/// Templates of the examples that differ most from each other.
fn choose(field: &Field, disc: &Disc, examples: &[Example]) -> Vec<Template> {
    let to_field = |v: f32| (v + 0.5) / field.factor as f32 - 0.5;
    let step = std::f32::consts::TAU / TURNS as f32;
    let mut candidates: Vec<Template> = examples
        .iter()
        .take(64)
        .filter_map(|e| {
            let mut turned: Vec<Vec<f32>> = (0..TURNS)
                .map(|turn| disc.turned(field, to_field(e.x), to_field(e.y), turn as f32 * step))
                .collect();
            let mut round = vec![0.0; disc.offsets.len()];
            turned.iter().for_each(|t| round.iter_mut().zip(t).for_each(|(sum, v)| *sum += v));
            let contrast = turned.iter_mut().all(|t| normalise(t));
            let round_contrast = normalise(&mut round);
            (contrast && round_contrast).then_some(Template { turned, round })
        })
        .collect();
    let alike = |a: &Template, b: &Template| {
        a.turned.iter().map(|turned| dot(turned, &b.turned[0])).fold(-1.0_f32, f32::max)
    };
    let mut chosen: Vec<Template> = Vec::new();
    while chosen.len() < MOST_TEMPLATES && !candidates.is_empty() {
        let known = |c: &Template| chosen.iter().map(|t| alike(t, c)).fold(-1.0_f32, f32::max);
        let likeness: Vec<f32> = candidates.iter().map(known).collect();
        let next = (0..candidates.len()).min_by(|a, b| likeness[*a].total_cmp(&likeness[*b])).unwrap_or(0);
        if likeness[next] > 0.97 {
            break;
        }
        chosen.push(candidates.swap_remove(next));
    }
    chosen
}

/// Where the picture correlates with a round template more than at the places about; the likeliest first.
fn places(
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

/// Round templates that differ from each other.
fn distinct(templates: &[Template]) -> Vec<&[f32]> {
    let mut rounds: Vec<&[f32]> = Vec::new();
    for template in templates {
        if rounds.iter().all(|round| dot(round, &template.round) < 0.9) {
            rounds.push(&template.round);
        }
    }
    rounds
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
fn compare(
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
fn apart(mut found: Vec<(f32, f32, f32)>, distance: f32) -> Vec<(f32, f32, f32)> {
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
