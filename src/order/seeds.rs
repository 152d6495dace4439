//! Models of several seeds, compared: what each is worth, which is best, and its maps beside those of the others.

use super::judge::Judgement;
use super::map::Map;
use serde::Serialize;

/// Maps whose leakage differs by less are alike in that.
const ALIKE: f64 = 0.01;

/// One seed's model, judged.
#[derive(Clone, Debug, Serialize)]
pub struct SeedReport {
    pub seed: u64,
    /// Negative ELBO a window, all pixels, beta 1, without the smoothness penalty, nats: lower explains better.
    pub negative_elbo: f64,
    /// The smoothness penalty before its weight (0: neighbours alike, 1 a latent: unrelated), and weighted, nats a window.
    pub roughness: f64,
    pub smoothness_cost: f64,
    pub judgements: Vec<Judgement>,
    /// Mean leakage of the latents that did not collapse, 0..=1; 1 if all did.
    pub leakage: f64,
    pub seconds: f64,
}

impl SeedReport {
    /// Of a model whose maps are judged; `bound` is its negative ELBO and its roughness, `smoothness` the penalty's weight.
    pub fn new(
        seed: u64,
        bound: (f64, f64),
        smoothness: f32,
        judgements: Vec<Judgement>,
        seconds: f64,
    ) -> Self {
        let alive: Vec<f64> = judgements.iter().filter(|j| !j.collapsed).map(|j| j.leakage).collect();
        let none = if judgements.is_empty() { 0.0 } else { 1.0 };
        let leakage = if alive.is_empty() { none } else { alive.iter().sum::<f64>() / alive.len() as f64 };
        let (negative_elbo, roughness) = bound;
        let smoothness_cost = f64::from(smoothness) * roughness;
        Self { seed, negative_elbo, roughness, smoothness_cost, judgements, leakage, seconds }
    }

    /// What the model explains, and what smooth maps cost it: "−ELBO 61.2 nats a window; smoothness costs 0.31 ...".
    pub fn bound_in_words(&self) -> String {
        let cost = smoothness_in_words(self.smoothness_cost, self.roughness);
        format!("−ELBO {:.2} nats a window; {cost}", self.negative_elbo)
    }
}

/// "smoothness costs 0.310 nats a window (roughness 0.155)"; both are 0 where nothing holds the maps smooth.
pub fn smoothness_in_words(cost: f64, roughness: f64) -> String {
    if cost == 0.0 && roughness == 0.0 {
        return "nothing holds the maps smooth".into();
    }
    format!("smoothness costs {cost:.3} nats a window (roughness {roughness:.3})")
}

/// The content maps of one seed, coarse, turned onto those of the best one.
#[derive(Clone, Debug)]
pub struct SeedMaps {
    pub seed: u64,
    pub content: Vec<Map>,
}

/// Order of the seeds, best first: a map that shows the lattice is worse than one that does not, and among maps alike in
/// that the one that explains the windows better is better.
pub fn rank(reports: &[SeedReport]) -> Vec<usize> {
    let steps = |leakage: f64| (leakage / ALIKE).floor() as i64;
    let mut order: Vec<usize> = (0..reports.len()).collect();
    order.sort_by(|&p, &q| {
        let (p, q) = (&reports[p], &reports[q]);
        steps(p.leakage).cmp(&steps(q.leakage)).then(p.negative_elbo.total_cmp(&q.negative_elbo))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(leakage: f64, negative_elbo: f64) -> SeedReport {
        SeedReport { leakage, ..SeedReport::new(1, (negative_elbo, 0.5), 2.0, Vec::new(), 1.0) }
    }

    #[test]
    fn a_map_free_of_the_lattice_comes_first_and_then_the_one_that_explains_more() {
        // The second shows the lattice, though it explains most; the first and the third are alike in that.
        let found = rank(&[report(0.004, 60.0), report(0.2, 50.0), report(0.009, 58.0)]);
        assert_eq!(found, [2, 0, 1]);
        // A loss that is not a number comes last among its like; a tie keeps its order.
        let odd = rank(&[report(0.0, f64::NAN), report(0.0, 60.0), report(0.0, 60.0)]);
        assert_eq!(odd, [1, 2, 0]);
        assert!(rank(&[]).is_empty());
    }

    #[test]
    fn what_smooth_maps_cost_is_told() {
        let words = report(0.0, 60.0).bound_in_words();
        assert_eq!(
            words,
            "−ELBO 60.00 nats a window; smoothness costs 1.000 nats a window (roughness 0.500)"
        );
        assert_eq!(smoothness_in_words(0.0, 0.0), "nothing holds the maps smooth");
    }

    #[test]
    fn a_seed_whose_latents_all_collapsed_leaks_all() {
        let judged = |collapsed: bool, leakage: f64| Judgement {
            leakage,
            roughness: 0.0,
            leakage_of_noise: 0.0,
            leakage_all_orders: 0.0,
            leakage_all_orders_of_noise: 0.0,
            sd: 1.0,
            collapsed,
            verdict: String::new(),
        };
        let of = |judgements: Vec<Judgement>| SeedReport::new(1, (1.0, 0.0), 0.0, judgements, 1.0).leakage;
        assert_eq!(of(vec![judged(true, 0.0), judged(true, 0.0)]), 1.0);
        assert_eq!(of(vec![judged(true, 0.9), judged(false, 0.25)]), 0.25);
        assert_eq!(of(Vec::new()), 0.0, "without a lattice nothing is known to leak");
    }
}
