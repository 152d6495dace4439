//! Square windows cut at any sub-pixel place.

/// How a window is cut: `side` x `side` values `pitch` pixels apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowShape {
    pub side: usize,
    /// Pixels of the picture between neighbouring values, > 0.
    pub pitch: f64,
}

impl WindowShape {
    /// From the window's middle to its outermost values, pixels.
    pub fn half(&self) -> f64 {
        0.5 * (self.side.max(1) - 1) as f64 * self.pitch
    }

    /// True if all values of a window round `centre` lie on a picture of this size.
    pub fn fits(&self, centre: [f64; 2], width: usize, height: usize) -> bool {
        let inside = |v: f64, n: usize| v - self.half() >= 0.0 && v + self.half() <= n as f64 - 1.0;
        inside(centre[0], width) && inside(centre[1], height)
    }

    /// Cuts the window round `centre` (x, y; pixels) out of `pixels` (`width` x `height`) into `out` (`side * side`).
    ///
    /// Cubic (Catmull and Rom 1974): it blurs noise and fine detail far less unevenly than the bilinear one, which leaves
    /// a pattern of its own where windows follow a lattice through all fractions of a pixel. Beyond the picture its nearest
    /// pixel.
    pub fn cut(&self, pixels: &[f32], width: usize, height: usize, centre: [f64; 2], out: &mut [f32]) {
        let side = self.side;
        let line = |middle: f64, n: usize| -> Vec<([usize; 4], [f32; 4])> {
            (0..side).map(|i| taps(middle - self.half() + i as f64 * self.pitch, n)).collect()
        };
        let (columns, rows) = (line(centre[0], width), line(centre[1], height));
        for (out, (rows, down)) in out.chunks_exact_mut(side).zip(&rows) {
            let rows = rows.map(|y| &pixels[y * width..(y + 1) * width]);
            for (out, (columns, across)) in out.iter_mut().zip(&columns) {
                let mut sum = 0.0;
                for (row, v) in rows.iter().zip(down) {
                    let [a, b, c, d] = columns.map(|x| row[x]);
                    sum += v * (a * across[0] + b * across[1] + c * across[2] + d * across[3]);
                }
                *out = sum;
            }
        }
    }
}

/// The four pixels round a place on a line of `n`, and their weights.
fn taps(at: f64, n: usize) -> ([usize; 4], [f32; 4]) {
    let low = at.floor();
    let t = (at - low) as f32;
    let (t2, t3) = (t * t, t * t * t);
    let weights = [
        0.5 * (-t3 + 2.0 * t2 - t),
        0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
        0.5 * (-3.0 * t3 + 4.0 * t2 + t),
        0.5 * (t3 - t2),
    ];
    let place = |d: f64| (low + d).clamp(0.0, n.max(1) as f64 - 1.0) as usize;
    ([place(-1.0), place(0.0), place(1.0), place(2.0)], weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_picture_where_it_lies_on_pixels_and_a_smooth_curve_between() {
        let (w, h) = (40, 30);
        let f = |x: f64, y: f64| (x * 0.31).sin() + (y * 0.23).cos();
        let pixels: Vec<f32> = (0..w * h).map(|i| f((i % w) as f64, (i / w) as f64) as f32).collect();
        let shape = WindowShape { side: 9, pitch: 1.0 };
        let mut out = vec![0.0; 81];
        shape.cut(&pixels, w, h, [20.0, 15.0], &mut out);
        assert_eq!(out[0], pixels[11 * w + 16]);
        assert_eq!(out[80], pixels[19 * w + 24]);
        shape.cut(&pixels, w, h, [20.37, 15.81], &mut out);
        for (i, v) in out.iter().enumerate() {
            let truth = f(16.37 + (i % 9) as f64, 11.81 + (i / 9) as f64);
            assert!((f64::from(*v) - truth).abs() < 2e-3, "{i}: {v} {truth}");
        }
        assert!(shape.fits([4.0, 4.0], w, h) && !shape.fits([3.9, 4.0], w, h));
        // Over the edge the nearest pixel goes on.
        shape.cut(&pixels, w, h, [0.0, 0.0], &mut out);
        assert_eq!(out[0], pixels[0]);
    }
}
