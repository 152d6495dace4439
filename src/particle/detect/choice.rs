//! Which shapes, over all thresholds, are the particles.
//!
//! No single threshold suits a micrograph: a faint particle needs a low one, two bright particles that nearly touch
//! are only apart at a high one. So the thresholds are gone through from the highest to the lowest, and each shape
//! seen on the way, whole or divided at its necks, replaces the particles found inside it so far if it explains more
//! area by convex shapes than they do (compare Arteta et al., Learning to detect cells using non-overlapping extremal
//! regions, 2012).

use super::Progress;
use super::distance::neighbours;
use super::field::Field;
use super::levels::{Candidate, Level, Rules};
use super::shape::Run;
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A candidate may take at most this share of its area from choices that it does not replace.
const FOREIGN: f32 = 0.2;

/// Where choices cover this share of a shape that would join them, it is theirs.
const COVERAGE: f32 = 0.55;

/// A chosen shape and the threshold it was seen at.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub candidate: Candidate,
    pub threshold: f32,
    /// Mean of its values above the threshold.
    mean: f32,
    /// Its brightest pixel.
    pixel: u32,
}

/// Chooses the particles among the shapes of `thresholds` (ascending). Progress goes from 0 to 1.
///
/// # Errors
/// [`Error::Stopped`] as soon as `progress` returns false.
pub(super) fn choose(
    field: &Field,
    thresholds: &[f32],
    rules: &Rules,
    progress: Progress<'_>,
) -> Result<Vec<Choice>> {
    let done = AtomicUsize::new(0);
    let look = |batch: &[usize]| -> Result<Vec<Level>> {
        let level = |i: &usize| {
            // Parts change little from one threshold to the next, and are dear: every second will do.
            let level = Level::new(field, thresholds[*i], rules, i.is_multiple_of(2));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if progress(done as f32 / thresholds.len() as f32) { Ok(level) } else { Err(Error::Stopped) }
        };
        batch.par_iter().map(level).collect()
    };
    let mut order = by_level(field, thresholds);
    let mut sweep = Sweep::new(field, rules);
    let downwards: Vec<usize> = (0..thresholds.len()).rev().collect();
    let mut batches = downwards.chunks(2 * rayon::current_num_threads().max(2));
    let mut batch = batches.next().unwrap_or_default();
    let mut levels = look(batch)?;
    while !batch.is_empty() {
        // Choosing goes from threshold to threshold, one after the other: meanwhile the next ones are looked at.
        let next = batches.next().unwrap_or_default();
        let (looked, ()) = rayon::join(
            || look(next),
            || {
                for (level, i) in levels.drain(..).zip(batch) {
                    sweep.descend(level, &mut order[*i], thresholds[*i]);
                }
            },
        );
        (levels, batch) = (looked?, next);
    }
    Ok(sweep.choices.into_iter().flatten().collect())
}

/// For each threshold the pixels that reach it, but not the next.
fn by_level(field: &Field, thresholds: &[f32]) -> Vec<Vec<u32>> {
    let mut order = vec![Vec::new(); thresholds.len()];
    let Some(least) = thresholds.first() else { return order };
    for (i, v) in field.values.iter().enumerate().filter(|(_, v)| *v >= least) {
        order[thresholds.partition_point(|t| t <= v) - 1].push(i as u32);
    }
    order
}

/// The state on the way down.
struct Sweep<'a> {
    field: &'a Field,
    rules: &'a Rules,
    /// `None` once replaced.
    choices: Vec<Option<Choice>>,
    /// Index + 1 of the choice that holds a pixel.
    owner: Vec<u32>,
    forest: Forest,
    /// Room for what [`Sweep::offer`] finds out, kept from one to the next.
    shared: Vec<(usize, usize)>,
    inside: Vec<usize>,
}

impl<'a> Sweep<'a> {
    fn new(field: &'a Field, rules: &'a Rules) -> Self {
        let size = field.values.len();
        let (owner, forest) = (vec![0; size], Forest::new(size));
        Self { field, rules, choices: Vec::new(), owner, forest, shared: Vec::new(), inside: Vec::new() }
    }

    /// Goes down to a threshold, with what was seen at it and the pixels that it adds.
    fn descend(&mut self, level: Level, pixels: &mut Vec<u32>, threshold: f32) {
        self.forest.flood(self.field, pixels, threshold);
        // They are not needed again.
        *pixels = Vec::new();
        let mut refused: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
        for part in level.parts {
            if let Err((holder, [part])) = self.offer([part], threshold) {
                refused.entry(holder).or_default().push(part);
            }
        }
        // Parts that only together make up what one choice holds.
        for parts in refused.into_values().filter(|p| p.len() > 1) {
            let _ = self.offer(parts, threshold);
        }
        for whole in level.wholes {
            let _ = self.offer([whole], threshold);
        }
    }

    /// Takes `candidates` in place of the choices that lie inside them, if they are worth more.
    ///
    /// Gives them back, with the choice that holds most of them, if they would cut into a choice they cannot replace.
    fn offer<C: AsRef<[Candidate]> + IntoIterator<Item = Candidate>>(
        &mut self,
        offered: C,
        threshold: f32,
    ) -> std::result::Result<(), (usize, C)> {
        let candidates = offered.as_ref();
        let mut shared = std::mem::take(&mut self.shared);
        self.share(candidates, &mut shared);
        let (mut inside, mut foreign, mut holder) = (std::mem::take(&mut self.inside), 0, (0, 0));
        inside.clear();
        for &(k, pixels) in &shared {
            if self.choices[k].as_ref().is_some_and(|c| 2.0 * pixels as f32 > c.candidate.area) {
                inside.push(k);
            } else {
                foreign += pixels;
                holder = if pixels >= holder.1 { (k, pixels) } else { holder };
            }
        }
        self.shared = shared;
        let total: f32 = candidates.iter().map(|c| c.area).sum();
        let taken = if foreign as f32 > FOREIGN * total {
            Err((holder.0, offered))
        } else {
            if self.are_better(candidates, &inside, total) {
                self.replace(&inside, offered, threshold);
            }
            Ok(())
        };
        self.inside = inside;
        taken
    }

    /// True if candidates of an area are worth more than the choices `inside` them.
    fn are_better(&self, candidates: &[Candidate], inside: &[usize], total: f32) -> bool {
        let (mut worth, mut area) = (0.0, 0.0);
        for choice in inside.iter().filter_map(|k| self.choices[*k].as_ref()) {
            worth += choice.candidate.worth;
            area += choice.candidate.area;
        }
        let mut own: f32 = candidates.iter().map(|c| c.worth).sum();
        if inside.len() > candidates.len() {
            // At a higher threshold particles are smaller, which must not count against a split that is real.
            let coverage = (area / (COVERAGE * total)).min(1.0);
            worth *= (total * coverage / area).max(1.0);
            let dip = self.dip(inside);
            let valley =
                ((dip - self.rules.dip) / (1.5 * self.rules.dip).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
            own *= (1.0 - 0.8 * valley) / self.rules.part_trust;
        } else if candidates.len() > inside.len() && !inside.is_empty() {
            own *= self.rules.part_trust;
        }
        own > 0.0 && own >= worth
    }

    fn replace(&mut self, inside: &[usize], by: impl IntoIterator<Item = Candidate>, threshold: f32) {
        for k in inside {
            self.choices[*k] = None;
        }
        for candidate in by {
            let Some((mean, pixel)) = self.above(&candidate.runs, threshold) else { continue };
            self.paint(&candidate.runs);
            self.choices.push(Some(Choice { candidate, threshold, mean, pixel }));
        }
    }

    /// Depth of the deepest valley between two of the choices, as a share of the lower of their means.
    fn dip(&self, inside: &[usize]) -> f32 {
        let members: Vec<&Choice> =
            inside.iter().filter_map(|k| self.choices[*k].as_ref()).take(64).collect();
        let mut deepest = 0.0_f32;
        for (n, a) in members.iter().enumerate() {
            for b in &members[n + 1..] {
                let mean = a.mean.min(b.mean);
                let pass = self.forest.pass(a.pixel, b.pixel);
                deepest = deepest.max((mean - pass) / mean.max(f32::MIN_POSITIVE));
            }
        }
        deepest
    }

    /// How many pixels of the candidates each choice holds, in the order of the choices.
    fn share(&self, candidates: &[Candidate], shared: &mut Vec<(usize, usize)>) {
        shared.clear();
        for run in candidates.iter().flat_map(|c| &c.runs) {
            let row = &self.owner[run.y as usize * self.field.width..][run.x0 as usize..=run.x1 as usize];
            for same in row.chunk_by(|a, b| a == b) {
                let owner = same[0] as usize;
                match shared.last_mut() {
                    Some((last, pixels)) if *last + 1 == owner => *pixels += same.len(),
                    _ if owner > 0 && self.choices[owner - 1].is_some() => {
                        shared.push((owner - 1, same.len()));
                    }
                    _ => {}
                }
            }
        }
        shared.sort_unstable();
        shared.dedup_by(|one, sum| {
            let same = one.0 == sum.0;
            if same {
                sum.1 += one.1;
            }
            same
        });
    }

    /// Mean of the values in `runs` that reach `threshold`, and the brightest pixel.
    fn above(&self, runs: &[Run], threshold: f32) -> Option<(f32, u32)> {
        let (mut sum, mut count, mut best) = (0.0_f64, 0_u32, None);
        for run in runs {
            let start = run.y as usize * self.field.width;
            for i in start + run.x0 as usize..=start + run.x1 as usize {
                let value = self.field.values[i];
                if value >= threshold {
                    sum += f64::from(value);
                    count += 1;
                    if best.is_none_or(|b: u32| self.field.values[b as usize] < value) {
                        best = Some(i as u32);
                    }
                }
            }
        }
        Some(((sum / f64::from(count)) as f32, best?))
    }

    /// Hands the pixels of `runs` that no choice holds to the next choice.
    fn paint(&mut self, runs: &[Run]) {
        let next = self.choices.len() as u32 + 1;
        for run in runs {
            let row = &mut self.owner[run.y as usize * self.field.width..];
            for owner in &mut row[run.x0 as usize..=run.x1 as usize] {
                if *owner == 0 || self.choices[*owner as usize - 1].is_none() {
                    *owner = next;
                }
            }
        }
    }
}

/// Which pixels hang together above which threshold: a union-find forest that remembers when it grew.
struct Forest {
    /// `u32::MAX` for pixels below the present threshold.
    parent: Vec<u32>,
    size: Vec<u32>,
    /// Threshold at which a pixel was hung below its parent.
    level: Vec<f32>,
}

impl Forest {
    fn new(size: usize) -> Self {
        // What is not flooded is never looked at, so that its memory is not even touched.
        Self { parent: vec![u32::MAX; size], size: vec![0; size], level: vec![0.0; size] }
    }

    /// Adds the pixels that reach `threshold`, but no higher one.
    fn flood(&mut self, field: &Field, pixels: &[u32], threshold: f32) {
        for &i in pixels {
            self.parent[i as usize] = i;
            (self.size[i as usize], self.level[i as usize]) = (1, f32::NEG_INFINITY);
            let mut own = i as usize;
            for n in neighbours(own, field.width, self.parent.len()).into_iter().flatten() {
                if self.parent[n] == u32::MAX {
                    continue;
                }
                let other = self.root(n as u32);
                if other != own {
                    let (low, high) =
                        if self.size[own] < self.size[other] { (own, other) } else { (other, own) };
                    self.parent[low] = high as u32;
                    self.size[high] += self.size[low];
                    self.level[low] = threshold;
                    own = high;
                }
            }
        }
    }

    /// No paths are shortened, so that levels fall along each path; joining by size keeps paths short.
    fn root(&self, i: u32) -> usize {
        let mut i = i as usize;
        while self.parent[i] as usize != i {
            i = self.parent[i] as usize;
        }
        i
    }

    /// The highest threshold above which two flooded pixels hang together; minus infinity if they do not yet.
    fn pass(&self, a: u32, b: u32) -> f32 {
        let (mut a, mut b) = (a as usize, b as usize);
        let mut pass = f32::INFINITY;
        while a != b {
            let low = if self.level[a] >= self.level[b] { &mut a } else { &mut b };
            pass = pass.min(self.level[*low]);
            if self.parent[*low] as usize == *low {
                return f32::NEG_INFINITY;
            }
            *low = self.parent[*low] as usize;
        }
        pass
    }
}
