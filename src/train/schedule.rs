//! Which images come when.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// One part of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// Indices of unlabelled images.
    Unlabelled(Vec<usize>),
    /// Indices of labelled images, published order only.
    Labelled(Vec<usize>),
}

/// The published order: all unlabelled batches, and after every p-th (index mod p = 1) a labelled one, with
/// p = floor((S + U) / S) for S labelled and U unlabelled batches.
///
/// For S > U that rule would give p = 1 and never reach a labelled batch; then one follows every unlabelled batch.
pub fn published(unlabelled: &[usize], labelled: &[usize], batch: usize, rng: &mut impl Rng) -> Vec<Turn> {
    let batches = |all: &[usize], rng: &mut _| {
        let mut order = all.to_vec();
        order.shuffle(rng);
        order.chunks(batch).map(<[usize]>::to_vec).collect::<Vec<_>>()
    };
    let labelled = batches(labelled, rng);
    let unlabelled = batches(unlabelled, rng);
    let (s, u) = (labelled.len(), unlabelled.len());
    let mut labelled = labelled.into_iter().cycle();
    let period = (s + u).checked_div(s).unwrap_or(usize::MAX);
    let mut turns = Vec::new();
    for (i, batch) in unlabelled.into_iter().enumerate() {
        turns.push(Turn::Unlabelled(batch));
        // A single unlabelled batch has index 0 only; it, too, is followed by labels.
        let due = period < 2 || i % period == 1 || (u == 1 && i == 0);
        if due && let Some(batch) = labelled.next() {
            turns.push(Turn::Labelled(batch));
        }
    }
    turns
}

/// So many batches of one fixed size, over the shuffled images and, where they are too few, over them again in another
/// order; no step has a shape of its own.
pub fn even(images: &[usize], steps: usize, batch: usize, rng: &mut impl Rng) -> Vec<Turn> {
    let mut order = Vec::new();
    while order.len() < steps * batch && !images.is_empty() {
        let from = order.len();
        order.extend(images);
        order[from..].shuffle(rng);
    }
    order.truncate(steps * batch);
    order.chunks(batch.max(1)).map(|images| Turn::Unlabelled(images.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn kinds(unlabelled: usize, labelled: usize, batch: usize) -> String {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (u, l): (Vec<_>, Vec<_>) = ((0..unlabelled).collect(), (0..labelled).collect());
        published(&u, &l, batch, &mut rng)
            .iter()
            .map(|t| if matches!(t, Turn::Labelled(_)) { 'L' } else { 'U' })
            .collect()
    }

    #[test]
    fn labels_follow_every_pth_batch() {
        // 6 unlabelled and 2 labelled batches: p = 4, so after indices 1 and 5.
        assert_eq!(kinds(60, 20, 10), "UULUUUUL");
    }

    #[test]
    fn labels_are_seen_when_they_outnumber_the_rest() {
        assert_eq!(kinds(20, 60, 10), "ULUL");
        assert_eq!(kinds(5, 60, 10), "UL");
    }

    #[test]
    fn even_batches_cover_everything_in_one_shape() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let images: Vec<usize> = (0..25).collect();
        let turns = even(&images, 3, 10, &mut rng);
        assert_eq!(turns.len(), 3);
        let mut seen: Vec<usize> = Vec::new();
        for turn in &turns {
            let Turn::Unlabelled(batch) = turn else { panic!("only unlabelled turns") };
            assert_eq!(batch.len(), 10);
            seen.extend(batch);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, images);
    }
}
