//! What to label first, before there is a model: one typical particle of every kind of look.

use crate::particle::patch::PatchSet;
use rayon::prelude::*;

/// Rings round the middle of a patch whose brightness is compared.
const RINGS: usize = 10;
const TURNS: usize = 20;

/// The places of `n` patches that together show what there is, the most common look first; `taken` (one flag a patch)
/// leaves out what is labelled already, and looks near those come last.
///
/// Patches are compared by what no turn changes: mean and spread of the brightness on rings round the middle. They are
/// divided into `n` groups (k-means, Lloyd 1982, from the farthest points on) and each group's middle is proposed.
/// Fewer than `n` if there are not as many untaken ones.
pub fn first_to_label(patches: &PatchSet, taken: &[bool], n: usize) -> Vec<usize> {
    let size = (patches.wide * patches.wide).max(1);
    let looks: Vec<Vec<f32>> =
        patches.pixels.par_chunks(size).map(|p| look(p, patches.wide, patches.side)).collect();
    let is_taken = |i: usize| taken.get(i).copied().unwrap_or(false);
    let open: Vec<usize> = (0..looks.len()).filter(|i| !is_taken(*i)).collect();
    let n = n.min(open.len());
    if n == 0 {
        return Vec::new();
    }
    let mut centres = farthest(&looks, &open, n);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for _ in 0..TURNS {
        groups = vec![Vec::new(); n];
        for &i in &open {
            groups[nearest(&centres, &looks[i])].push(i);
        }
        let means: Vec<Vec<f32>> = groups
            .iter()
            .zip(&centres)
            .map(|(g, old)| mean(&looks, g).unwrap_or_else(|| old.clone()))
            .collect();
        if means == centres {
            break;
        }
        centres = means;
    }
    let labelled: Vec<Vec<f32>> =
        (0..looks.len()).filter(|i| is_taken(*i)).map(|i| looks[i].clone()).collect();
    let shown: Vec<bool> = centres
        .iter()
        .map(|c| labelled.iter().any(|l| nearest(&centres, l) == nearest(&centres, c)))
        .collect();
    let mut order: Vec<usize> = (0..n).filter(|g| !groups[*g].is_empty()).collect();
    order.sort_by_key(|g| (shown[*g], std::cmp::Reverse(groups[*g].len())));
    let middle = |g: usize| {
        groups[g].iter().copied().min_by(|a, b| {
            distance(&looks[*a], &centres[g]).total_cmp(&distance(&looks[*b], &centres[g])).then(a.cmp(b))
        })
    };
    order.into_iter().filter_map(middle).collect()
}

/// Mean and standard deviation of the brightness on each ring.
fn look(patch: &[f32], wide: usize, side: usize) -> Vec<f32> {
    let middle = (wide as f32 - 1.0) / 2.0;
    let mut sums = [[0.0_f32; 3]; RINGS];
    for (i, v) in patch.iter().enumerate() {
        let r = ((i % wide) as f32 - middle).hypot((i / wide) as f32 - middle);
        let ring = (r / (side as f32 / 2.0) * RINGS as f32) as usize;
        if let Some(sum) = sums.get_mut(ring) {
            sum[0] += 1.0;
            sum[1] += v;
            sum[2] += v * v;
        }
    }
    sums.iter()
        .flat_map(|[n, s, q]| {
            let mean = s / n.max(1.0);
            [mean, (q / n.max(1.0) - mean * mean).max(0.0).sqrt()]
        })
        .collect()
}

/// Starting points: the one nearest to the overall mean, then always the one farthest from those chosen
/// (Gonzalez 1985).
fn farthest(looks: &[Vec<f32>], open: &[usize], n: usize) -> Vec<Vec<f32>> {
    let centre = mean(looks, open).unwrap_or_default();
    let first = open
        .iter()
        .copied()
        .min_by(|a, b| distance(&looks[*a], &centre).total_cmp(&distance(&looks[*b], &centre)))
        .unwrap_or(open[0]);
    let mut chosen = vec![looks[first].clone()];
    let mut near: Vec<f32> = open.iter().map(|i| distance(&looks[*i], &looks[first])).collect();
    while chosen.len() < n {
        let Some(place) = (0..open.len()).max_by(|a, b| near[*a].total_cmp(&near[*b])) else { break };
        let next = looks[open[place]].clone();
        for (near, i) in near.iter_mut().zip(open) {
            *near = near.min(distance(&looks[*i], &next));
        }
        chosen.push(next);
    }
    chosen
}

fn nearest(centres: &[Vec<f32>], look: &[f32]) -> usize {
    (0..centres.len())
        .min_by(|a, b| distance(&centres[*a], look).total_cmp(&distance(&centres[*b], look)))
        .unwrap_or(0)
}

fn mean(looks: &[Vec<f32>], of: &[usize]) -> Option<Vec<f32>> {
    let first = of.first()?;
    let mut mean = vec![0.0; looks[*first].len()];
    for i in of {
        mean.iter_mut().zip(&looks[*i]).for_each(|(m, v)| *m += v / of.len() as f32);
    }
    Some(mean)
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 24;

    /// Discs, rods at every angle, and a few rings, in this order.
    fn patches() -> PatchSet {
        let counts = [20, 12, 4];
        let mut pixels = Vec::new();
        for (kind, count) in counts.into_iter().enumerate() {
            for k in 0..count {
                let (sin, cos) = (k as f32 * 0.7).sin_cos();
                for i in 0..SIDE * SIDE {
                    let (x, y) = ((i % SIDE) as f32 - 11.5, (i / SIDE) as f32 - 11.5);
                    let (u, v) = (x * cos - y * sin, x * sin + y * cos);
                    let inside = match kind {
                        0 => x.hypot(y) < 6.0 + 0.05 * k as f32,
                        1 => u.abs() < 9.0 && v.abs() < 2.5,
                        _ => (5.0..9.0).contains(&x.hypot(y)),
                    };
                    pixels.push(if inside { 0.9 } else { 0.1 });
                }
            }
        }
        let n = counts.iter().sum();
        PatchSet {
            side: SIDE,
            wide: SIDE,
            pixels: pixels.into(),
            labels: vec![None; n],
            held_out: vec![None; n],
        }
    }

    fn kind(place: usize) -> usize {
        usize::from(place >= 20) + usize::from(place >= 32)
    }

    #[test]
    fn one_of_each_look_the_most_common_first() {
        let found = first_to_label(&patches(), &[], 3);
        assert_eq!(found.iter().map(|i| kind(*i)).collect::<Vec<_>>(), [0, 1, 2], "{found:?}");
    }

    #[test]
    fn what_is_labelled_is_left_out_and_its_look_comes_last() {
        let mut taken = vec![false; 36];
        taken[0] = true;
        let found = first_to_label(&patches(), &taken, 3);
        assert_eq!(found.iter().map(|i| kind(*i)).collect::<Vec<_>>(), [1, 2, 0], "{found:?}");
        assert!(!found.contains(&0));
        assert!(first_to_label(&patches(), &[true; 36], 3).is_empty());
        assert_eq!(first_to_label(&patches(), &[], 1000).len(), first_to_label(&patches(), &[], 36).len());
    }
}
