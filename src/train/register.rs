//! At which angle does each labelled patch stand?
//!
//! Labels of a published set stand upright; a particle somebody clicked on a micrograph stands as it fell. Turning the
//! patches of a class against each other tells which: if nearly all fit best as they stand, they are upright, and angle
//! 0 means what the person meant by it. Else each gets the angle at which it fits the class's reference.

use super::present::{Seen, Shown};
use crate::model::VaeConfig;
use crate::particle::patch::PatchSet;
use rayon::prelude::*;
use std::f32::consts::TAU;

/// Angles compared; 5 degrees apart is finer than the model's own turns.
const STEPS: usize = 72;
/// A patch stands upright if an angle within this many steps of 0 fits as well as the best.
const NEAR: usize = 4;
/// ... within this much of the correlation.
const AS_WELL: f32 = 0.02;
/// A class stands upright if this share of its labels does.
const NEARLY_ALL: f32 = 0.9;
/// Width of what [`common_turn`] calls near: 1 - cos(15 degrees).
const NEARBY: f32 = 0.034;
/// More labels of a class than this are compared with the reference only, not with each other.
const CANDIDATES: usize = 24;
/// Bytes of turned copies that are kept at a time, a hundred thousand a label. Of a class with more labels than fit, some
/// that are spread evenly make the reference, and the others are compared with it.
const MEMORY: usize = 256 << 20;
/// Labels whose copies are made together, at most.
const TOGETHER: usize = 256;

/// Angle of each of the `labelled` patches, radians counter-clockwise; 0 for upright classes.
///
/// `labels`: the class of each patch of the set.
pub fn angles(patches: &PatchSet, model: &VaeConfig, labelled: &[usize], labels: &[u32]) -> Vec<f32> {
    angles_within(MEMORY, patches, model, labelled, labels)
}

fn angles_within(
    memory: usize,
    patches: &PatchSet,
    model: &VaeConfig,
    labelled: &[usize],
    labels: &[u32],
) -> Vec<f32> {
    let mut out = vec![0.0; labelled.len()];
    let fine =
        model.look.filter(|look| look.turns > 1).map(|look| crate::model::Look { turns: STEPS, ..look });
    let (Some(look), Some(seen)) = (fine, Seen::new(patches, &VaeConfig { look: fine, ..model.clone() }))
    else {
        return out;
    };
    let kept = (memory / (STEPS * look.inputs() * size_of::<f32>())).max(CANDIDATES);
    for class in 0..model.classes as u32 {
        let members: Vec<usize> = (0..labelled.len()).filter(|&at| labels[labelled[at]] == class).collect();
        if members.len() < 2 {
            continue;
        }
        let step = members.len().div_ceil(kept);
        let copies = |some: &[usize]| {
            let patches: Vec<usize> = some.iter().map(|&at| labelled[at]).collect();
            standard_copies(&seen, &patches)
        };
        let some: Vec<usize> = members.iter().copied().step_by(step).collect();
        let (angles, upright) =
            of_class(&some.chunks(kept.min(TOGETHER)).flat_map(copies).collect::<Vec<_>>());
        some.iter().zip(angles).for_each(|(&at, angle)| out[at] = angle);
        // Where those stand upright, so do the others.
        let Some(upright) = upright else { continue };
        let others: Vec<usize> =
            members.iter().enumerate().filter(|(i, _)| i % step > 0).map(|(_, &at)| at).collect();
        for others in others.chunks(kept.min(TOGETHER)) {
            for (&at, copies) in others.iter().zip(copies(others)) {
                out[at] = angle(best(&fit(&upright, &copies)));
            }
        }
    }
    out
}

/// The turn that most of `turns` (radians) are near to, 0 without any. A symmetric particle may be off by any of its own
/// symmetries, so that a mean would say nothing.
pub fn common_turn(turns: &[f32]) -> f32 {
    let near = |a: f32| turns.iter().map(|b| ((a - b).cos() - 1.0) / NEARBY).map(f32::exp).sum::<f32>();
    turns.iter().map(|&a| (a, near(a))).fold((0.0, f32::MIN), |best, a| if a.1 > best.1 { a } else { best }).0
}

/// All turned copies of each patch, each copy of mean 0 and length 1: `[STEPS, inputs]` a patch.
fn standard_copies(seen: &Seen, patches: &[usize]) -> Vec<Vec<f32>> {
    let copies = seen.copied(patches, &vec![Shown::default(); patches.len()], &[]);
    let inputs = copies.len() / (patches.len() * STEPS).max(1);
    let standard = |copies: &[f32]| {
        let mut copies = copies.to_vec();
        for copy in copies.chunks_exact_mut(inputs) {
            let mean = copy.iter().sum::<f32>() / inputs as f32;
            copy.iter_mut().for_each(|v| *v -= mean);
            let length = copy.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
            copy.iter_mut().for_each(|v| *v /= length);
        }
        copies
    };
    copies.par_chunks(STEPS * inputs).map(standard).collect()
}

/// Correlation of `other`, turned back by each step, with `upright`: `[STEPS]`.
fn fit(upright: &[f32], other: &[f32]) -> Vec<f32> {
    other.chunks_exact(upright.len()).map(|copy| copy.iter().zip(upright).map(|(a, b)| a * b).sum()).collect()
}

fn best(fits: &[f32]) -> usize {
    (0..fits.len()).fold(0, |best, i| if fits[i] > fits[best] { i } else { best })
}

/// Angle of a step, radians.
fn angle(step: usize) -> f32 {
    TAU * step as f32 / STEPS as f32
}

/// Angles of patches of one class, and their mean when each is turned back by its own: what another of the class is to be
/// compared with. `None` where they stand upright.
fn of_class(turned: &[Vec<f32>]) -> (Vec<f32>, Option<Vec<f32>>) {
    let inputs = turned[0].len() / STEPS;
    let upright = |i: usize| &turned[i][..inputs];
    // The reference fits the others best, whatever their angle.
    let some = turned.len().min(CANDIDATES);
    let worth = |i: usize| -> f32 {
        (0..some)
            .filter(|&j| j != i)
            .map(|j| {
                let f = fit(upright(i), &turned[j]);
                f[best(&f)]
            })
            .sum()
    };
    let reference =
        (0..some).map(|i| (i, worth(i))).fold((0, f32::MIN), |a, b| if b.1 > a.1 { b } else { a }).0;
    let mut mean = upright(reference).to_vec();
    let mut steps = vec![0; turned.len()];
    // The mean of the turned patches is a better reference than any one of them.
    for _ in 0..3 {
        let mut sum = vec![0.0; inputs];
        for (step, copies) in steps.iter_mut().zip(turned) {
            *step = best(&fit(&mean, copies));
            let copy = &copies[*step * inputs..(*step + 1) * inputs];
            sum.iter_mut().zip(copy).for_each(|(s, c)| *s += c / turned.len() as f32);
        }
        mean = sum;
    }
    let mut as_they_stand = vec![0.0; inputs];
    for i in 0..turned.len() {
        as_they_stand.iter_mut().zip(upright(i)).for_each(|(s, c)| *s += c / turned.len() as f32);
    }
    let standing = turned
        .iter()
        .filter(|copies| {
            let fits = fit(&as_they_stand, copies);
            let near =
                (0..STEPS).filter(|&s| s.min(STEPS - s) <= NEAR).map(|s| fits[s]).fold(f32::MIN, f32::max);
            near >= fits[best(&fits)] - AS_WELL * as_they_stand.iter().map(|v| v * v).sum::<f32>().sqrt()
        })
        .count();
    // Patches that stand at any angle also fit *their* blurred mean; it must be nearly as sharp as the turned one.
    let sharp = |mean: &[f32]| mean.iter().map(|v| v * v).sum::<f32>();
    if standing as f32 >= NEARLY_ALL * turned.len() as f32 && sharp(&as_they_stand) > 0.85 * sharp(&mean) {
        return (vec![0.0; turned.len()], None);
    }
    (steps.into_iter().map(angle).collect(), Some(mean))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::TrainConfig;

    #[test]
    fn the_common_turn_is_that_of_most() {
        use std::f32::consts::PI;
        let off = common_turn(&[0.5, PI + 0.5, 0.52, 0.49, 2.0]);
        assert!((off - 0.5).abs() < 0.03, "{off}");
        // Across a whole turn.
        let off = common_turn(&[3.12, -3.12, 1.0]);
        assert!(off.abs() > 3.1, "{off}");
        assert_eq!(common_turn(&[]), 0.0);
    }

    #[test]
    fn of_many_labels_some_make_the_reference_and_the_others_stand_to_it_as_to_each_other() {
        const SIDE: usize = 24;
        // A wedge, which has no symmetry, at any angle.
        let turn = |k: usize| k as f32 * 0.9;
        let wedge = |k: usize, i: usize| {
            let (x, y) = ((i % SIDE) as f32 - 11.5, (i / SIDE) as f32 - 11.5);
            let (sin, cos) = turn(k).sin_cos();
            let (u, v) = (x * cos - y * sin, x * sin + y * cos);
            if u > -7.0 && v.abs() < 0.3 * (8.0 - u) { 0.9 } else { 0.1 }
        };
        let n = 100;
        let patches = PatchSet {
            side: SIDE,
            wide: SIDE,
            pixels: (0..n).flat_map(|k| (0..SIDE * SIDE).map(move |i| wedge(k, i))).collect(),
            labels: vec![Some(0); n],
            held_out: vec![None; n],
        };
        let model = TrainConfig::proposed().model(vec![SIDE, SIDE], 2);
        let labelled: Vec<usize> = (0..n).collect();
        for memory in [MEMORY, 1] {
            let found = angles_within(memory, &patches, &model, &labelled, &vec![0; n]);
            let off = |k: usize| found[k] - turn(k);
            let wrong = (0..n).filter(|&k| (off(k) - off(0)).cos() < 10_f32.to_radians().cos()).count();
            assert_eq!(wrong, 0, "of {n}, with {memory} bytes");
        }
    }
}
