//! The arithmetic inside a tile: loops the compiler turns into vector instructions, and the matrix product.

use crate::model::Activation;
use gemm::Parallelism;

#[inline(always)]
pub(super) fn first_layer(
    out: &mut [f32],
    coordinates: &[f32],
    d: usize,
    weight: &[f32],
    bias: &[f32],
    code: &[f32],
) {
    let width = bias.len();
    for (h, x) in out.chunks_exact_mut(width).zip(coordinates.chunks_exact(d)) {
        for ((h, &b), &c) in h.iter_mut().zip(bias).zip(code) {
            *h = b + c;
        }
        for (axis, &x) in x.iter().enumerate() {
            for (h, &w) in h.iter_mut().zip(&weight[axis * width..(axis + 1) * width]) {
                *h += x * w;
            }
        }
        for h in h {
            *h = tanh(*h);
        }
    }
}

#[inline(always)]
pub(super) fn activate(out: &mut [f32], bias: &[f32], kind: Activation) {
    for h in out.chunks_exact_mut(bias.len()) {
        let pairs = h.iter_mut().zip(bias);
        match kind {
            Activation::Tanh => pairs.for_each(|(h, b)| *h = tanh(*h + b)),
            Activation::Relu => pairs.for_each(|(h, b)| *h = (*h + b).max(0.0)),
            Activation::LeakyRelu => pairs.for_each(|(h, b)| {
                let x = *h + b;
                *h = x.max(0.01 * x);
            }),
            Activation::Softplus => pairs.for_each(|(h, b)| {
                let x = *h + b;
                *h = x.max(0.0) + (-x.abs()).exp().ln_1p();
            }),
        }
    }
}

/// Multiplies gradients by the slope of the non-linearity, read off its output.
#[inline(always)]
pub(super) fn through(gradient: &mut [f32], output: &[f32], kind: Activation) {
    let pairs = gradient.iter_mut().zip(output);
    match kind {
        Activation::Tanh => pairs.for_each(|(g, &h)| *g *= 1.0 - h * h),
        Activation::Relu => pairs.for_each(|(g, &h)| *g = if h > 0.0 { *g } else { 0.0 }),
        Activation::LeakyRelu => pairs.for_each(|(g, &h)| *g *= if h > 0.0 { 1.0 } else { 0.01 }),
        Activation::Softplus => pairs.for_each(|(g, &h)| *g *= 1.0 - (-h).exp()),
    }
}

#[inline(always)]
pub(super) fn add(sum: &mut [f32], x: &[f32]) {
    for (s, x) in sum.iter_mut().zip(x) {
        *s += x;
    }
}

/// A dot product in eight partial sums, which the compiler can keep in one register.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8.remainder().iter().zip(b8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// tanh as a ratio of polynomials, within a few units in the last place of f32: unlike the library's, it vectorises.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let x = x.clamp(-7.905_311, 7.905_311);
    let s = x * x;
    let p = -2.760_768_5e-16 * s + 2.000_188e-13;
    let p = p * s - 8.604_672e-11;
    let p = p * s + 5.122_297e-8;
    let p = p * s + 1.485_722_4e-5;
    let p = p * s + 6.372_619e-4;
    let p = p * s + 4.893_524_6e-3;
    let q = 1.198_258_4e-6 * s + 1.185_347_1e-4;
    let q = q * s + 2.268_434_6e-3;
    let q = q * s + 4.893_525e-3;
    x * p / q
}

/// `out = a b`, or `out += a b`: `out` is `[m, n]` row-major, `a` `[m, k]` and `b` `[k, n]` with (row, column) strides.
pub(super) fn product(
    m: usize,
    n: usize,
    k: usize,
    out: &mut [f32],
    accumulate: bool,
    a: &[f32],
    (a_row, a_column): (usize, usize),
    b: &[f32],
    (b_row, b_column): (usize, usize),
) {
    let reach =
        |rows: usize, columns: usize, row: usize, column: usize| (rows - 1) * row + (columns - 1) * column;
    assert!(m > 0 && n > 0 && k > 0 && out.len() >= m * n);
    assert!(reach(m, k, a_row, a_column) < a.len() && reach(k, n, b_row, b_column) < b.len());
    // SAFETY: the two assertions above keep every element the product touches inside its slice; `out` is borrowed
    // mutably, so it overlaps neither input. The crate has no safe entry point.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_column as isize,
            a_row as isize,
            b.as_ptr(),
            b_column as isize,
            b_row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rational_tanh_is_tanh() {
        for i in -2000..=2000 {
            let x = i as f32 * 0.005;
            assert!((tanh(x) - x.tanh()).abs() < 4e-7, "{x}: {} {}", tanh(x), x.tanh());
        }
    }
}
