//! The cells of an image one by one, each found once.
//!
//! From the cell that fits best the others are reached step by step, the best first: a neighbour is looked for where the
//! lattice says it is, and the phase there corrects the place. So each cell has indices of its own, a displacement field
//! comes without unwrapping, and no cell is counted twice.

use super::Vector;
use super::cell::{Lattice, norm};
use super::phase::PhaseLock;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// A neighbour's phase may correct its expected place by this share of the shortest lattice vector; where it says more, or
/// fits the mean cell worse than [`TRUSTED`], the expectation stands.
const CORRECTION: f64 = 0.35;
const TRUSTED: f64 = 0.3;
/// Places tried for the first cell.
const STARTS: usize = 200;
/// Two origins closer than this share of the shortest lattice vector are the same cell, reached on two ways round a defect.
const SAME: f64 = 0.5;

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Place in the lattice, counted from the cell that fits best.
    pub index: [i32; 2],
    /// Origin, pixels of the image.
    pub origin: Vector,
    /// 0..=1: correlation with the mean cell.
    pub agreement: f64,
}

/// All cells whose origins lie on an image.
#[derive(Clone, Debug)]
pub struct Cells {
    lattice: Lattice,
    cells: Vec<Cell>,
    /// Cells by place, for neighbours.
    bins: HashMap<[i32; 2], Vec<usize>>,
    bin: f64,
}

impl Cells {
    /// Finds the cells of an image of `width` x `height` pixels.
    pub fn find(lock: &PhaseLock, width: usize, height: usize) -> Self {
        let lattice = *lock.lattice();
        let short = lattice.lengths()[0];
        let mut found = Self { lattice, cells: Vec::new(), bins: HashMap::new(), bin: short };
        let inside = |r: Vector| {
            r[0] >= -0.5 && r[1] >= -0.5 && r[0] < width as f64 - 0.5 && r[1] < height as f64 - 0.5
        };
        let mut queue = BinaryHeap::new();
        let mut taken: HashSet<[i32; 2]> = HashSet::new();
        queue.push(Candidate(start(lock, &inside)));
        while let Some(Candidate(next)) = queue.pop() {
            if taken.contains(&next.index) || found.crowded(next.origin, SAME * short) {
                continue;
            }
            taken.insert(next.index);
            found.push(next);
            for step in [[1, 0], [-1, 0], [0, 1], [0, -1]] {
                let index = [next.index[0] + step[0], next.index[1] + step[1]];
                let r = lattice.r(step);
                let expected = [next.origin[0] + r[0], next.origin[1] + r[1]];
                if taken.contains(&index) || !inside(expected) {
                    continue;
                }
                queue.push(Candidate(look(lock, index, expected, CORRECTION * short)));
            }
        }
        found.cells.sort_by_key(|c| (c.index[1], c.index[0]));
        found.rebin();
        found
    }

    /// The mean lattice.
    pub fn lattice(&self) -> &Lattice {
        &self.lattice
    }

    /// The cells, row by row of the lattice.
    pub fn all(&self) -> &[Cell] {
        &self.cells
    }

    /// Indices into [`Self::all`] of the cells with origins within `radius` pixels of a place.
    pub fn near(&self, place: Vector, radius: f64) -> impl Iterator<Item = usize> + '_ {
        let [low, high] = [-radius, radius].map(|d| place.map(|v| ((v + d) / self.bin).floor() as i32));
        let bins = (low[1]..=high[1]).flat_map(move |y| (low[0]..=high[0]).map(move |x| [x, y]));
        bins.filter_map(|b| self.bins.get(&b)).flatten().copied().filter(move |&i| {
            let o = self.cells[i].origin;
            (o[0] - place[0]).hypot(o[1] - place[1]) <= radius
        })
    }

    /// How far each origin lies from a perfect lattice, pixels; the median along each axis is 0.
    pub fn displacement(&self) -> Vec<Vector> {
        let off = |c: &Cell| {
            let ideal = self.lattice.r(c.index);
            [c.origin[0] - ideal[0], c.origin[1] - ideal[1]]
        };
        let mut all: Vec<Vector> = self.cells.iter().map(off).collect();
        for axis in 0..2 {
            let mut values: Vec<f64> = all.iter().map(|u| u[axis]).collect();
            values.sort_by(f64::total_cmp);
            let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
            all.iter_mut().for_each(|u| u[axis] -= middle);
        }
        all
    }

    fn push(&mut self, cell: Cell) {
        let bin = cell.origin.map(|v| (v / self.bin).floor() as i32);
        self.bins.entry(bin).or_default().push(self.cells.len());
        self.cells.push(cell);
    }

    fn rebin(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.bins.clear();
        cells.into_iter().for_each(|c| self.push(c));
    }

    fn crowded(&self, place: Vector, apart: f64) -> bool {
        self.near(place, apart).next().is_some()
    }
}

/// The cell that fits best among those round a coarse grid of places whose neighbours all are where the lattice says: one
/// cell alone may sit on the wrong sublattice.
fn start(lock: &PhaseLock, inside: &impl Fn(Vector) -> bool) -> Cell {
    let (columns, rows, step, locks) = lock.grid();
    let most = CORRECTION * lock.lattice().lengths()[0];
    let mut nodes: Vec<usize> = (0..columns * rows).collect();
    nodes.sort_by(|&p, &q| locks[q].agreement.total_cmp(&locks[p].agreement).then(p.cmp(&q)));
    let cell = |node: usize| {
        let centre = [((node % columns) * step) as f64, ((node / columns) * step) as f64];
        let o = locks[node].offset;
        Cell { index: [0, 0], origin: [centre[0] + o[0], centre[1] + o[1]], agreement: locks[node].agreement }
    };
    let confirmed = |c: &Cell| {
        let round = (-1..=1).flat_map(|m| (-1..=1).map(move |n| [m, n]));
        round
            .map(|step| lock.lattice().r(step))
            .map(|r| [c.origin[0] + r[0], c.origin[1] + r[1]])
            .filter(|place| inside(*place) && look(lock, [0, 0], *place, most).agreement > 0.0)
            .count()
    };
    let candidates = nodes.iter().step_by(nodes.len().div_ceil(STARTS).max(1)).map(|&node| cell(node));
    let none = Cell { index: [0, 0], origin: [0.0; 2], agreement: 0.0 };
    // The first of those with the most confirmations is the one that fits best.
    candidates
        .filter(|c| inside(c.origin))
        .fold((none, 0), |best, c| {
            let n = confirmed(&c);
            if n > best.1 { (c, n) } else { best }
        })
        .0
}

/// The cell expected at a place, where its phase says it is.
fn look(lock: &PhaseLock, index: [i32; 2], expected: Vector, most: f64) -> Cell {
    let found = lock.near(expected, CORRECTION);
    let trusted = found.agreement >= TRUSTED && norm(found.offset) <= most;
    let offset = if trusted { found.offset } else { [0.0; 2] };
    let agreement = if trusted { found.agreement } else { 0.0 };
    Cell { index, origin: [expected[0] + offset[0], expected[1] + offset[1]], agreement }
}

/// Ordered by agreement, then by index, so that the same image gives the same cells.
struct Candidate(Cell);

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.agreement.total_cmp(&other.0.agreement).then_with(|| other.0.index.cmp(&self.0.index))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}
