//! At which angle does each labelled patch stand?
//!
//! Labels of a published set stand upright; a particle somebody clicked on a micrograph stands as it fell. Turning the
//! patches of a class against each other tells which: if nearly all fit best as they stand, they are upright, and angle
//! 0 means what the person meant by it. Else each gets the angle at which it fits the class's reference.

use super::present::{Seen, Shown};
use crate::model::VaeConfig;
use crate::particle::patch::PatchSet;
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

/// Angle of each of the `labelled` patches, radians counter-clockwise; 0 for upright classes.
///
/// `labels`: the class of each patch of the set.
pub fn angles(patches: &PatchSet, model: &VaeConfig, labelled: &[usize], labels: &[u32]) -> Vec<f32> {
    let mut out = vec![0.0; labelled.len()];
    let fine =
        model.look.filter(|look| look.turns > 1).map(|look| crate::model::Look { turns: STEPS, ..look });
    let Some(seen) =
        Seen::new(patches, &VaeConfig { look: fine, ..model.clone() }).filter(|_| fine.is_some())
    else {
        return out;
    };
    for class in 0..model.classes as u32 {
        let members: Vec<usize> = (0..labelled.len()).filter(|&at| labels[labelled[at]] == class).collect();
        if members.len() < 2 {
            continue;
        }
        let turned: Vec<Vec<f32>> = members.iter().map(|&at| standard_copies(&seen, labelled[at])).collect();
        for (&at, angle) in members.iter().zip(of_class(&turned)) {
            out[at] = angle;
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

/// All turned copies of a patch, each of mean 0 and length 1: `[STEPS, inputs]`.
fn standard_copies(seen: &Seen, patch: usize) -> Vec<f32> {
    let mut copies = seen.copies(&[patch], &[Shown::default()], &[]).values.to_vec();
    let inputs = copies.len() / STEPS;
    for copy in copies.chunks_exact_mut(inputs) {
        let mean = copy.iter().sum::<f32>() / inputs as f32;
        copy.iter_mut().for_each(|v| *v -= mean);
        let length = copy.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
        copy.iter_mut().for_each(|v| *v /= length);
    }
    copies
}

/// Correlation of `other`, turned back by each step, with `upright`: `[STEPS]`.
fn fit(upright: &[f32], other: &[f32]) -> Vec<f32> {
    other.chunks_exact(upright.len()).map(|copy| copy.iter().zip(upright).map(|(a, b)| a * b).sum()).collect()
}

fn best(fits: &[f32]) -> usize {
    (0..fits.len()).fold(0, |best, i| if fits[i] > fits[best] { i } else { best })
}

fn of_class(turned: &[Vec<f32>]) -> Vec<f32> {
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
        return vec![0.0; turned.len()];
    }
    steps.iter().map(|&step| TAU * step as f32 / STEPS as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
