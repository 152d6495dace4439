//! Holes in shapes: noise, the hollow of a ring, or the gap between touching particles.

use super::components::Components;
use super::levels::Rules;
use super::mask::{Mask, Window};
use super::shape::{Hull, Run, area};
use std::borrow::Cow;
use std::f32::consts::PI;

/// A hole of up to this share of the smallest particle is filled whatever it is.
const SMALL: f32 = 0.2;
/// A hole of up to this many pixels is noise.
const NOISE: usize = 2;
/// The radius of a hollow is at least this share of the half thickness of the ring round it; the gap between three
/// or four discs is smaller.
const HOLLOW: f32 = 0.6;

/// The holes that were filled, and the shapes that they were given to.
#[derive(Debug)]
pub(super) struct Holes {
    /// Area filled, by label.
    pub area: Vec<f32>,
    /// Runs of filled holes with the label of the shape round them, in the order of labels.
    given: Vec<(u32, Run)>,
    /// Those of small holes that may be gaps between touching particles.
    chinks: Vec<(u32, Run)>,
}

impl Holes {
    /// Gives small holes, and hollows if `rules` say so, to the shapes round them: `shapes` are those of `mask`, `gaps`
    /// what lies between. The mask is then filled, too.
    pub fn fill(mask: &mut Mask, shapes: &Components, gaps: &Components, rules: &Rules) -> Self {
        let mut holes = Self { area: vec![0.0; shapes.count + 1], given: Vec::new(), chinks: Vec::new() };
        let mut round = Vec::new();
        for runs in closed(mask, gaps) {
            let size = area(&runs);
            if size as f32 <= SMALL * rules.area.0 {
                let owner = holes.give(&runs, shapes, mask);
                if size > NOISE {
                    holes.chinks.extend(runs.iter().map(|run| (owner, *run)));
                }
            } else if rules.hollow && size as f32 <= 0.5 * rules.area.1 && is_round(&runs) {
                round.push(runs);
            }
        }
        for (runs, hollow) in round.iter().zip(hollow(&round, mask)) {
            if hollow {
                holes.give(runs, shapes, mask);
            }
        }
        holes.given.sort_by_key(|(label, run)| (*label, run.y, run.x0));
        holes.chinks.sort_by_key(|(label, run)| (*label, run.y, run.x0));
        holes
    }

    fn give(&mut self, runs: &[Run], shapes: &Components, mask: &mut Mask) -> u32 {
        let Some(top) = runs.first() else { return 0 };
        // The first pixel of a closed hole has the shape round it to its left.
        let owner = shapes.at(top.x0 - 1, top.y);
        self.area[owner as usize] += area(runs) as f32;
        self.given.extend(runs.iter().map(|run| (owner, *run)));
        runs.iter().for_each(|run| mask.paint(run, true));
        owner
    }

    /// The runs of a shape with its filled holes.
    pub fn filled<'a>(&self, label: u32, runs: &'a [Run]) -> Cow<'a, [Run]> {
        let more = of_label(&self.given, label);
        if more.is_empty() {
            return Cow::Borrowed(runs);
        }
        let mut all: Vec<Run> = runs.iter().chain(more.iter().map(|(_, run)| run)).copied().collect();
        all.sort_by_key(|run| (run.y, run.x0));
        // A hole and what lies beside it are one run.
        all.dedup_by(|run, before| {
            let one = run.y == before.y && run.x0 == before.x1 + 1;
            if one {
                before.x1 = run.x1;
            }
            one
        });
        Cow::Owned(all)
    }

    /// Opens the chinks of the mask again: filled, the one between three discs would hide the necks round it.
    pub fn reopen(&self, mask: &mut Mask) {
        self.chinks.iter().for_each(|(_, run)| mask.paint(run, false));
    }

    /// The chinks of one shape.
    pub fn chinks_of(&self, label: u32) -> impl Iterator<Item = &Run> {
        of_label(&self.chinks, label).iter().map(|(_, run)| run)
    }
}

fn of_label(runs: &[(u32, Run)], label: u32) -> &[(u32, Run)] {
    let from = runs.partition_point(|(l, _)| *l < label);
    let to = runs.partition_point(|(l, _)| *l <= label);
    &runs[from..to]
}

/// The gaps that do not reach the border of the picture, in the order of their first pixels.
fn closed(mask: &Mask, gaps: &Components) -> Vec<Vec<Run>> {
    let (right, bottom) = (mask.width as u32 - 1, mask.height as u32 - 1);
    let mut open = vec![false; gaps.count + 1];
    for (run, label) in gaps.lines.runs.iter().zip(&gaps.labels) {
        open[*label as usize] |= run.x0 == 0 || run.x1 == right || run.y == 0 || run.y == bottom;
    }
    let runs = gaps.labels.iter().zip(&gaps.lines.runs).filter(|(label, _)| !open[**label as usize]);
    let mut runs: Vec<(u32, Run)> = runs.map(|(label, run)| (*label, *run)).collect();
    runs.sort_by_key(|(label, _)| *label);
    let one = |hole: &[(u32, Run)]| hole.iter().map(|(_, run)| *run).collect();
    runs.chunk_by(|a, b| a.0 == b.0).map(one).collect()
}

fn is_round(runs: &[Run]) -> bool {
    let hull = Hull::new(runs);
    let size = area(runs) as f32;
    size >= 0.85 * hull.pixels as f32 && size >= 0.6 * PI / 4.0 * hull.length().powi(2)
}

/// Whether each hole is wide, compared with the thickness of what lies round it.
fn hollow(holes: &[Vec<Run>], mask: &Mask) -> Vec<bool> {
    // Thickness is only looked at near a hole, unless that is more work than the whole.
    let area: usize = holes.iter().filter_map(|runs| near(runs, mask)).map(|(_, wide, _)| wide.area()).sum();
    let whole = (area > mask.inside.len()).then(|| Window::whole(mask).distances(mask));
    let wide = |runs: &Vec<Run>| {
        let Some((near, window, radius)) = near(runs, mask) else { return false };
        let thickness = match &whole {
            Some(distance) => Window::whole(mask).largest(distance, &near),
            None => window.largest(&window.distances(mask), &near),
        };
        radius >= HOLLOW * thickness
    };
    holes.iter().map(wide).collect()
}

/// Where thickness counts for a hole, a window wide enough to measure it there as far as it decides, and the hole's
/// radius.
fn near(runs: &[Run], mask: &Mask) -> Option<(Window, Window, f32)> {
    let radius = (area(runs) as f32 / PI).sqrt();
    let reach = 3 * radius as usize + 2;
    let enough = (radius / HOLLOW) as usize + 2;
    let round = |margin| Window::round(runs, margin, mask.width, mask.height);
    Some((round(reach)?, round(reach + enough)?, radius))
}

#[cfg(test)]
mod tests {
    use super::super::components::split;
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn a_hole_is_judged_by_what_is_near_it_as_by_the_whole_picture() {
        let mut random = StdRng::seed_from_u64(11);
        let (width, height) = (400, 300);
        let mut both = [0, 0];
        for _ in 0..6 {
            let mut mask = Mask { width, height, inside: vec![0; width * height] };
            for _ in 0..10 {
                let x = random.random_range(20.0..width as f32 - 20.0);
                let y = random.random_range(20.0..height as f32 - 20.0);
                let (hole, wall) = (random.random_range(3.0..7.0), random.random_range(4.0..20.0));
                for (i, v) in mask.inside.iter_mut().enumerate() {
                    let r = ((i % width) as f32 - x).hypot((i / width) as f32 - y);
                    *v = if r < hole {
                        0
                    } else if r < hole + wall {
                        1
                    } else {
                        *v
                    };
                }
            }
            let [gaps, _] = split(&mask.inside, width);
            let round: Vec<Vec<Run>> = closed(&mask, &Components::new(gaps, false));
            let distance = Window::whole(&mask).distances(&mask);
            for (runs, got) in round.iter().zip(round.chunks(1).flat_map(|one| hollow(one, &mask))) {
                let Some((near, wide, radius)) = near(runs, &mask) else { panic!("a hole has pixels") };
                assert!(wide.area() < width * height);
                let want = radius >= HOLLOW * Window::whole(&mask).largest(&distance, &near);
                assert_eq!(got, want);
                both[usize::from(want)] += 1;
            }
        }
        assert!(both[0] > 3 && both[1] > 3, "{both:?}");
    }
}
