//! Hiding the neighbours of a particle on its patch.

use crate::micrograph::stats::percentiles;
use crate::particle::territory::LabelMap;

/// Replaces the territories of other particles by the background level, with a soft edge of one patch pixel. The
/// blur round a neighbour goes with it; the own territory and the open background stay.
pub(super) fn blank(
    patch: &mut [f32],
    wide: usize,
    map: &LabelMap,
    [x, y]: [f32; 2],
    pitch: [f32; 2],
    background: f32,
) {
    const FINE: usize = 3;
    let own = map.own(x, y);
    let middle = (wide as f32 - 1.0) / 2.0;
    let (mut foreign, mut mine) = (vec![0.0_f32; wide * wide], vec![0.0_f32; wide * wide]);
    let share = 1.0 / (FINE * FINE) as f32;
    for i in 0..wide * wide {
        for k in 0..FINE * FINE {
            let fine = |i: usize, k: usize| i as f32 - middle + (k as f32 + 0.5) / FINE as f32 - 0.5;
            let (across, down) = (fine(i % wide, k % FINE), fine(i / wide, k / FINE));
            let label = map.at(x + across * pitch[0], y + down * pitch[1]);
            if label > 0 && label == own {
                mine[i] += share;
            } else if label > 0 {
                foreign[i] += share;
            }
        }
    }
    if foreign.iter().all(|f| *f == 0.0) {
        return;
    }
    let open: Vec<f32> =
        (0..patch.len()).filter(|i| mine[*i] + foreign[*i] == 0.0).map(|i| patch[i]).collect();
    // The ground near the particle, where the patch shows enough of it.
    let ground = if open.len() * 20 >= patch.len() { percentiles(&open, &[50.0])[0] } else { background };
    let grown = around(&foreign, wide, |near| near.iter().copied().fold(0.0, f32::max));
    let soft = around(&grown, wide, |n| {
        (4.0 * n[4] + 2.0 * (n[1] + n[3] + n[5] + n[7]) + n[0] + n[2] + n[6] + n[8]) / 16.0
    });
    for (i, v) in patch.iter_mut().enumerate() {
        let part = soft[i] * (1.0 - mine[i]);
        *v += (ground - *v) * part;
    }
}

/// Applies `f` to each 3 x 3 neighbourhood; the nearest value stands beyond the edge.
fn around(values: &[f32], wide: usize, f: impl Fn(&[f32; 9]) -> f32) -> Vec<f32> {
    (0..values.len())
        .map(|i| {
            let mut near = [0.0; 9];
            for (k, v) in near.iter_mut().enumerate() {
                let x = (i % wide + k % 3).saturating_sub(1).min(wide - 1);
                let y = (i / wide + k / 3).saturating_sub(1).min(wide - 1);
                *v = values[y * wide + x];
            }
            f(&near)
        })
        .collect()
}
