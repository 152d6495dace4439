//! Dividing shapes that touch: at their necks, or among given points.

use super::components::{find, unite};
use super::distance::{Envelope, FEW, distances, neighbours};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Distances are flooded in steps of 1/8 pixel.
const STEP: f32 = 8.0;

/// A summit of the distance map and what lies round it.
#[derive(Clone, Copy, Debug, Default)]
struct Basin {
    summit: f32,
    /// Height of the highest pass to a basin it stays apart from.
    pass: f32,
}

/// Divides labelled shapes at their necks: a watershed of the distance map in which two basins stay apart only if
/// the pass between them is lower than `neck` times the lower of their summits.
///
/// A rod's ridge is level, so its pass is as high as its summits and it stays whole however long it is; that is what
/// a fixed height cannot do. Returns parts 1..=count (0 outside).
pub(super) fn divide(labels: &[u32], distance: &[f32], width: usize, neck: f32) -> (Vec<u32>, usize) {
    let order = descending(labels, distance);
    let mut part = vec![0_u32; labels.len()];
    let mut parent: Vec<u32> = vec![0];
    let mut basins = vec![Basin::default()];
    for &i in &order {
        let i = i as usize;
        let mut own = 0;
        for n in neighbours(i, width, labels.len()).into_iter().flatten() {
            if part[n] == 0 {
                continue;
            }
            let other = find(&mut parent, part[n]);
            if own == 0 {
                own = other;
            } else if own != other {
                let (a, b) = (basins[own as usize], basins[other as usize]);
                let lower = a.summit.min(b.summit);
                if distance[i] >= neck * lower || lower < 2.0 {
                    own = unite(&mut parent, own, other);
                    basins[own as usize] = Basin { summit: a.summit.max(b.summit), pass: a.pass.max(b.pass) };
                } else {
                    basins[own as usize].pass = a.pass.max(distance[i]);
                    basins[other as usize].pass = b.pass.max(distance[i]);
                    own = if b.summit > a.summit { other } else { own };
                }
            }
        }
        if own == 0 {
            own = parent.len() as u32;
            parent.push(own);
            basins.push(Basin { summit: distance[i], pass: 0.0 });
        }
        part[i] = own;
    }
    let mut names = vec![0_u32; parent.len()];
    let mut count = 0;
    let mut crests = vec![0_u32; labels.len()];
    for &i in &order {
        let i = i as usize;
        let root = find(&mut parent, part[i]) as usize;
        if names[root] == 0 {
            count += 1;
            names[root] = count;
        }
        part[i] = names[root];
        let basin = basins[root];
        let high = distance[i] > basin.pass.max(CREST * basin.summit) || distance[i] >= basin.summit;
        // A circle inside that of a neighbour decides nothing.
        let around = neighbours(i, width, labels.len());
        if high && !around.into_iter().flatten().any(|n| distance[n] > distance[i] + 0.8) {
            crests[i] = names[root];
        }
    }
    straighten(labels, distance, width, &crests, &mut part);
    (part, count as usize)
}

/// The crest of a basin, for [`straighten`], is what lies above this share of its summit.
const CREST: f32 = 0.6;

/// Gives every pixel to the crest whose largest inscribed circles come nearest, which cuts straight from notch to
/// notch where the flood left ragged borders. Stays within the shape: a pixel that would go to a crest of another
/// shape keeps its part.
fn straighten(labels: &[u32], distance: &[f32], width: usize, crests: &[u32], part: &mut [u32]) {
    let height = labels.len() / width.max(1);
    let least = if labels.len() < FEW { usize::MAX } else { 1 };
    let mut lowest = vec![(f32::INFINITY, 0_u32); labels.len()];
    // Columns first, stored transposed so that both passes run along memory.
    lowest.par_chunks_mut(height.max(1)).with_min_len(least).enumerate().for_each_init(
        || (Envelope::default(), Vec::new()),
        |(envelope, heights), (x, column)| {
            heights.clear();
            heights.extend((0..height).map(|y| {
                let i = y * width + x;
                if crests[i] > 0 { -distance[i] * distance[i] } else { f32::INFINITY }
            }));
            envelope.lower(heights, |y, squared, p| column[y] = (squared, (p * width + x) as u32));
        },
    );
    part.par_chunks_mut(width.max(1)).with_min_len(least).enumerate().for_each_init(
        || (Envelope::default(), Vec::new()),
        |(envelope, heights), (y, row)| {
            if row.iter().all(|p| *p == 0) {
                return;
            }
            heights.clear();
            heights.extend((0..width).map(|x| lowest[x * height + y].0));
            envelope.lower(heights, |x, _, p| {
                let crest = lowest[p * height + y].1 as usize;
                if row[x] > 0 && labels[crest] == labels[y * width + x] {
                    row[x] = crests[crest];
                }
            });
        },
    );
}

/// Inside pixels from the largest distance to the smallest; equal steps in raster order.
fn descending(labels: &[u32], distance: &[f32]) -> Vec<u32> {
    let step = |i: usize| (distance[i] * STEP) as usize;
    let largest = (0..labels.len()).filter(|i| labels[*i] > 0).map(step).max().unwrap_or(0);
    let mut starts = vec![0_usize; largest + 2];
    for i in (0..labels.len()).filter(|i| labels[*i] > 0) {
        starts[largest - step(i) + 1] += 1;
    }
    for k in 1..starts.len() {
        starts[k] += starts[k - 1];
    }
    let mut order = vec![0_u32; starts[largest + 1]];
    for i in (0..labels.len()).filter(|i| labels[*i] > 0) {
        let slot = &mut starts[largest - step(i)];
        order[*slot] = i as u32;
        *slot += 1;
    }
    order
}

/// Divides every labelled shape among the pixels `starts` in it (their index + 1 becomes the label) by a watershed
/// of its distance map; shapes without a start get 0.
pub(in crate::particle) fn divide_among(
    labels: &[u32],
    width: usize,
    height: usize,
    starts: &[Option<usize>],
) -> Vec<u32> {
    let distance = distances(labels, width, height);
    let key = |i: usize| (distance[i] * 16.0) as i32;
    let mut owner = vec![0_u32; labels.len()];
    let mut queue: BinaryHeap<(i32, Reverse<u64>, usize, u32)> = BinaryHeap::new();
    let mut turn = 0;
    for (s, start) in starts.iter().enumerate() {
        if let Some(i) = start.filter(|i| labels.get(*i).is_some_and(|l| *l > 0)) {
            turn += 1;
            queue.push((i32::MAX, Reverse(turn), i, s as u32 + 1));
        }
    }
    while let Some((_, _, i, seed)) = queue.pop() {
        if owner[i] > 0 {
            continue;
        }
        owner[i] = seed;
        for n in neighbours(i, width, labels.len()).into_iter().flatten() {
            if owner[n] == 0 && labels[n] == labels[i] {
                turn += 1;
                queue.push((key(n), Reverse(turn), n, seed));
            }
        }
    }
    owner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neck_divides_discs_but_never_a_rod() {
        let width = 120;
        let draw = |inside: &dyn Fn(f32, f32) -> bool| -> Vec<u32> {
            (0..width * 40).map(|i| u32::from(inside((i % width) as f32, (i / width) as f32))).collect()
        };
        let discs = draw(&|x, y| (x - 30.0).hypot(y - 20.0) < 14.0 || (x - 55.0).hypot(y - 20.0) < 14.0);
        let rod = draw(&|x, y| (x - 60.0).abs() < 50.0 && (y - 20.0 - 0.1 * x + 6.0).abs() < 6.0);
        assert_eq!(divide(&discs, &distances(&discs, width, 40), width, 0.75).1, 2);
        assert_eq!(divide(&rod, &distances(&rod, width, 40), width, 0.75).1, 1);
    }
}
