//! Holes in shapes: noise, the hollow of a ring, or the gap between touching particles.

use super::distance::distances;
use super::field::Field;
use super::levels::Rules;
use super::shape::{Hull, Run, area, components, runs_of};
use std::f32::consts::PI;

/// A hole of up to this share of the smallest particle is filled whatever it is.
const SMALL: f32 = 0.2;
/// A hole of up to this many pixels is noise.
const NOISE: usize = 2;
/// The radius of a hollow is at least this share of the half thickness of the ring round it; the gap between three
/// or four discs is smaller.
const HOLLOW: f32 = 0.6;

/// The holes that were filled.
#[derive(Debug)]
pub(super) struct Holes {
    /// Area filled, by label.
    pub area: Vec<f32>,
    /// Small holes that may be gaps between touching particles.
    chinks: Vec<Run>,
}

impl Holes {
    /// Gives small holes, and hollows if `rules` say so, to the shapes round them. `labels` are those of `mask`.
    pub fn fill(field: &Field, mask: &[bool], labels: &mut [u32], count: usize, rules: &Rules) -> Self {
        let outside: Vec<bool> = mask.iter().map(|m| !m).collect();
        let (gaps, gap_count) = components(&outside, field.width, false);
        let mut holes = Self { area: vec![0.0; count + 1], chinks: Vec::new() };
        let mut round = Vec::new();
        for runs in runs_of(&gaps, field.width, gap_count).into_iter().skip(1) {
            let size = area(&runs);
            if open(&runs, field) {
                continue;
            }
            if size as f32 <= SMALL * rules.area.0 {
                holes.give(&runs, labels, field.width);
                if size > NOISE {
                    holes.chinks.extend(&runs);
                }
            } else if rules.hollow && size as f32 <= 0.5 * rules.area.1 && is_round(&runs) {
                round.push(runs);
            }
        }
        if !round.is_empty() {
            let distance = distances(labels, field.width, field.height);
            for runs in round.iter().filter(|r| is_hollow(r, &distance, field)) {
                holes.give(runs, labels, field.width);
            }
        }
        holes
    }

    fn give(&mut self, runs: &[Run], labels: &mut [u32], width: usize) {
        let Some(top) = runs.first() else { return };
        // The first pixel of a closed hole has the shape round it to its left.
        let owner = labels[top.y as usize * width + top.x0 as usize - 1];
        self.area[owner as usize] += area(runs) as f32;
        paint(labels, runs, width, owner);
    }

    /// Opens the chinks again: filled, the one between three discs would hide the necks round it.
    pub fn reopen(&self, labels: &mut [u32], width: usize) {
        paint(labels, &self.chinks, width, 0);
    }
}

fn paint(labels: &mut [u32], runs: &[Run], width: usize, label: u32) {
    for run in runs {
        let row = run.y as usize * width;
        labels[row + run.x0 as usize..=row + run.x1 as usize].fill(label);
    }
}

/// True if the gap reaches the border of the picture.
fn open(runs: &[Run], field: &Field) -> bool {
    let (right, bottom) = (field.width as u32 - 1, field.height as u32 - 1);
    runs.iter().any(|r| r.x0 == 0 || r.x1 == right || r.y == 0 || r.y == bottom)
}

fn is_round(runs: &[Run]) -> bool {
    let hull = Hull::new(runs);
    let size = area(runs) as f32;
    size >= 0.85 * hull.pixels as f32 && size >= 0.6 * PI / 4.0 * hull.length().powi(2)
}

/// True if the hole is wide, compared with the thickness of what lies round it.
fn is_hollow(runs: &[Run], distance: &[f32], field: &Field) -> bool {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return false };
    let radius = (area(runs) as f32 / PI).sqrt();
    let reach = 3 * radius as usize + 2;
    let x0 = runs.iter().map(|r| r.x0).min().unwrap_or(0) as usize;
    let x1 = runs.iter().map(|r| r.x1).max().unwrap_or(0) as usize;
    let columns = x0.saturating_sub(reach)..(x1 + reach + 1).min(field.width);
    let rows = (first.y as usize).saturating_sub(reach)..(last.y as usize + reach + 1).min(field.height);
    let thickness =
        rows.flat_map(|y| &distance[y * field.width..][columns.clone()]).fold(0.0_f32, |a, b| a.max(*b));
    radius >= HOLLOW * thickness
}
