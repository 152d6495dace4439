//! Connected sets of pixels, found run by run: no map of labels is needed.

use super::shape::Run;

/// Runs of a picture in raster order.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub runs: Vec<Run>,
    /// Number of runs above each row, and at last that of all.
    rows: Vec<usize>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { runs: Vec::new(), rows: vec![0] }
    }
}

/// The runs of zeros and those of ones in a mask that has 0 or 1 for each pixel.
pub(super) fn split(mask: &[u8], width: usize) -> [Lines; 2] {
    let mut lines = [Lines::default(), Lines::default()];
    mask.chunks(width.max(1)).for_each(|row| add_row(&mut lines, row));
    lines
}

/// Takes in the next row of a mask.
fn add_row(lines: &mut [Lines; 2], row: &[u8]) {
    let y = lines[0].rows.len() as u32 - 1;
    let mut x = 0;
    while let Some(kind) = row.get(x) {
        let end = x + alike(&row[x..], *kind);
        lines[usize::from(*kind > 0)].runs.push(Run { y, x0: x as u32, x1: end as u32 - 1 });
        x = end;
    }
    lines.iter_mut().for_each(|lines| lines.rows.push(lines.runs.len()));
}

/// How many bytes at the start of `row` are `kind`; eight are looked at in one go.
fn alike(row: &[u8], kind: u8) -> usize {
    let all = u64::from_le_bytes([kind; 8]);
    let (words, rest) = row.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ all;
        if other != 0 {
            return 8 * i + other.trailing_zeros() as usize / 8;
        }
    }
    8 * words.len() + rest.iter().take_while(|v| **v == kind).count()
}

/// Which runs hang together.
#[derive(Clone, Debug)]
pub(super) struct Components {
    pub lines: Lines,
    /// Of each run: 1..=count, in the order of the components' first pixels.
    pub labels: Vec<u32>,
    pub count: usize,
}

impl Components {
    /// Joins runs that touch, also by their corners if `diagonal`.
    pub fn new(lines: Lines, diagonal: bool) -> Self {
        let reach = u32::from(diagonal);
        let runs = &lines.runs;
        let mut parent: Vec<u32> = (0..runs.len() as u32).collect();
        for rows in lines.rows.windows(3) {
            let mut upper = rows[0];
            for i in rows[1]..rows[2] {
                let run = runs[i];
                while upper < rows[1] && runs[upper].x1 + reach < run.x0 {
                    upper += 1;
                }
                let mut k = upper;
                while k < rows[1] && runs[k].x0 <= run.x1 + reach {
                    unite(&mut parent, i as u32, k as u32);
                    k += 1;
                }
            }
        }
        // The representative is the first run of its set, so its label is known when it is asked for.
        let mut labels = vec![0_u32; runs.len()];
        let mut count = 0;
        for i in 0..runs.len() {
            let first = find(&mut parent, i as u32) as usize;
            if first == i {
                count += 1;
                labels[i] = count;
            } else {
                labels[i] = labels[first];
            }
        }
        Self { lines, labels, count: count as usize }
    }

    /// The label at a pixel, 0 if none of the runs holds it.
    pub fn at(&self, x: u32, y: u32) -> u32 {
        let (Some(&from), Some(&to)) = (self.lines.rows.get(y as usize), self.lines.rows.get(y as usize + 1))
        else {
            return 0;
        };
        let row = &self.lines.runs[from..to];
        let place = row.partition_point(|run| run.x1 < x);
        if row.get(place).is_some_and(|run| run.x0 <= x) { self.labels[from + place] } else { 0 }
    }

    /// The runs sorted by label, and where those of each label begin: those of label l lie at `starts[l]..starts[l + 1]`.
    pub fn sorted(&self) -> (Vec<Run>, Vec<usize>) {
        let mut starts = vec![0_usize; self.count + 2];
        for label in &self.labels {
            starts[*label as usize + 1] += 1;
        }
        for l in 1..starts.len() {
            starts[l] += starts[l - 1];
        }
        let mut next = starts.clone();
        let mut runs = self.lines.runs.clone();
        for (run, label) in self.lines.runs.iter().zip(&self.labels) {
            let slot = &mut next[*label as usize];
            runs[*slot] = *run;
            *slot += 1;
        }
        (runs, starts)
    }
}

/// The connected sets of ones, in the order of their first pixels. `row` writes a row of the mask, of which no more is
/// held: the whole would be a quarter of a large picture's memory.
pub(super) fn shapes(
    [width, height]: [usize; 2],
    diagonal: bool,
    mut row: impl FnMut(usize, &mut [u8]),
) -> Vec<Vec<Run>> {
    let (mut lines, mut one) = ([Lines::default(), Lines::default()], vec![0; width]);
    for y in 0..height {
        row(y, &mut one);
        add_row(&mut lines, &one);
        // The gaps are not wanted.
        lines[0].runs.clear();
    }
    let [_, ones] = lines;
    let (runs, starts) = Components::new(ones, diagonal).sorted();
    starts.windows(2).skip(1).map(|s| runs[s[0]..s[1]].to_vec()).collect()
}

/// The representative of `a`, with path halving.
pub(super) fn find(parent: &mut [u32], mut a: u32) -> u32 {
    while parent[a as usize] != a {
        parent[a as usize] = parent[parent[a as usize] as usize];
        a = parent[a as usize];
    }
    a
}

/// Joins two sets under the smaller representative and returns it.
pub(super) fn unite(parent: &mut [u32], a: u32, b: u32) -> u32 {
    let (a, b) = (find(parent, a), find(parent, b));
    let (low, high) = (a.min(b), a.max(b));
    parent[high as usize] = low;
    low
}

#[cfg(test)]
mod tests {
    use super::super::shape::area;
    use super::*;

    #[test]
    fn diagonal_neighbours_join_only_where_asked() {
        let found = |diagonal| {
            shapes([2, 2], diagonal, |y, row| row.copy_from_slice(if y == 0 { &[1, 0] } else { &[0, 1] }))
        };
        assert_eq!((found(true).len(), found(false).len()), (1, 2));
    }

    /// Labels by flooding from pixel to pixel, the plain way.
    fn flooded(mask: &[u8], width: usize, kind: u8, diagonal: bool) -> Vec<u32> {
        let mut labels = vec![0_u32; mask.len()];
        let mut count = 0;
        for start in 0..mask.len() {
            if mask[start] != kind || labels[start] > 0 {
                continue;
            }
            count += 1;
            let mut open = vec![start];
            while let Some(i) = open.pop() {
                if labels[i] > 0 {
                    continue;
                }
                labels[i] = count;
                let (x, y) = ((i % width) as isize, (i / width) as isize);
                for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
                    let (u, v) = (x + dx, y + dy);
                    let there = u >= 0 && v >= 0 && u < width as isize && v < (mask.len() / width) as isize;
                    if there && (diagonal || dx == 0 || dy == 0) {
                        let n = v as usize * width + u as usize;
                        if mask[n] == kind && labels[n] == 0 {
                            open.push(n);
                        }
                    }
                }
            }
        }
        labels
    }

    #[test]
    fn runs_hang_together_as_flooded_pixels_do() {
        use rand::rngs::StdRng;
        use rand::{RngExt, SeedableRng};
        let mut random = StdRng::seed_from_u64(3);
        for round in 0..60 {
            let (width, height) = (random.random_range(1..40), random.random_range(1..30));
            let share = random.random_range(0.2..0.8);
            let mask: Vec<u8> =
                (0..width * height).map(|_| u8::from(random.random_range(0.0..1.0) < share)).collect();
            for (kind, lines) in split(&mask, width).into_iter().enumerate() {
                let diagonal = (round + kind) % 2 == 0;
                let want = flooded(&mask, width, kind as u8, diagonal);
                let got = Components::new(lines, diagonal);
                for (i, label) in want.iter().enumerate() {
                    assert_eq!(got.at((i % width) as u32, (i / width) as u32), *label, "pixel {i}");
                }
                let (runs, starts) = got.sorted();
                for l in 1..=got.count {
                    let pixels = area(&runs[starts[l]..starts[l + 1]]);
                    assert_eq!(pixels, want.iter().filter(|w| **w == l as u32).count());
                }
            }
        }
    }
}
