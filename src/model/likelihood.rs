//! How well a decoder logit explains a pixel: negative log likelihood and its derivative.
//!
//! The decoder's intensity is the sigmoid of its logit o, whatever the likelihood.
//!
//! What a training step compares is how much *better* one class explains an image than another. That difference is a
//! few nats between sums of hundreds, and an f32 keeps seven digits. So everything here is the *excess* over an
//! uninformed decoder (o = 0 everywhere); what that one pays is the same for every class, see [`uninformed`].

use super::Likelihood;
use burn::tensor::{Tensor, activation};

const HALF_LN_2PI: f32 = 0.918_938_5;

/// Numerically safe sigmoid.
#[inline(always)]
pub fn sigmoid(o: f32) -> f32 {
    1.0 / (1.0 + (-o).exp())
}

/// ln(1 + e^o) without overflow.
#[inline(always)]
fn softplus(o: f32) -> f32 {
    o.max(0.0) + (-o.abs()).exp().ln_1p()
}

/// ln C of the continuous Bernoulli as a function of the logit, C = o / tanh(o / 2), and its derivative.
#[inline(always)]
fn continuous_normaliser(o: f32) -> (f32, f32) {
    if o.abs() < 0.5 {
        // Both closed forms cancel near 0; these series are exact to f32 there.
        let s = o * o;
        let value = std::f32::consts::LN_2 + s / 12.0 - 7.0 * s * s / 1440.0 + 31.0 * s * s * s / 90_720.0;
        let slope = o * (1.0 / 6.0 - 7.0 * s / 360.0 + 31.0 * s * s / 15_120.0);
        (value, slope)
    } else {
        ((o / (0.5 * o).tanh()).ln(), 1.0 / o - 1.0 / o.clamp(-80.0, 80.0).sinh())
    }
}

/// -ln p(x | 0) of one pixel: what a decoder that knows nothing pays.
#[inline(always)]
pub fn uninformed(likelihood: Likelihood, x: f32) -> f32 {
    match likelihood {
        Likelihood::Bernoulli => std::f32::consts::LN_2,
        Likelihood::ContinuousBernoulli => 0.0,
        Likelihood::Gaussian { sigma } => {
            let d = (0.5 - x) / sigma;
            0.5 * d * d + sigma.ln() + HALF_LN_2PI
        }
    }
}

/// ln p(x | 0) - ln p(x | o) of one pixel and its derivative by the logit.
#[inline(always)]
pub fn excess(likelihood: Likelihood, o: f32, x: f32) -> (f32, f32) {
    match likelihood {
        Likelihood::Bernoulli => (softplus(o) - std::f32::consts::LN_2 - x * o, sigmoid(o) - x),
        Likelihood::ContinuousBernoulli => {
            let (c, slope) = continuous_normaliser(o);
            (softplus(o) - x * o - c, sigmoid(o) - x - slope)
        }
        Likelihood::Gaussian { sigma } => {
            let p = sigmoid(o);
            let d = (p - x) / sigma;
            let d0 = (0.5 - x) / sigma;
            (0.5 * (d - d0) * (d + d0), d / sigma * p * (1.0 - p))
        }
    }
}

/// [`excess`] of every pixel in plain tensor operations; both `[rows, pixels]`.
pub fn excess_tensor(likelihood: Likelihood, o: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
    match likelihood {
        Likelihood::Bernoulli => softplus_tensor(o.clone()).sub_scalar(std::f32::consts::LN_2) - x * o,
        Likelihood::ContinuousBernoulli => {
            let near = o.clone().abs().lower_elem(0.5);
            // Each branch only sees values where it is finite, or its gradient would be NaN times 0.
            let s = o.clone().mask_fill(near.clone().bool_not(), 0.0).powi_scalar(2);
            let series = s.clone().div_scalar(12.0) - s.clone().powi_scalar(2).mul_scalar(7.0 / 1440.0)
                + s.powi_scalar(3).mul_scalar(31.0 / 90_720.0)
                + std::f32::consts::LN_2;
            let far = o.clone().mask_fill(near.clone(), 1.0);
            let closed = (far.clone() / far.mul_scalar(0.5).tanh()).log();
            softplus_tensor(o.clone()) - x * o - closed.mask_where(near, series)
        }
        Likelihood::Gaussian { sigma } => {
            let p = activation::sigmoid(o);
            let (apart, together) = (p.clone().sub_scalar(0.5), p.add_scalar(0.5) - x.mul_scalar(2.0));
            (apart * together).mul_scalar(0.5 / (sigma * sigma))
        }
    }
}

/// [`uninformed`] of every pixel.
pub fn uninformed_tensor(likelihood: Likelihood, x: Tensor<2>) -> Tensor<2> {
    match likelihood {
        Likelihood::Bernoulli => x.zeros_like().add_scalar(std::f32::consts::LN_2),
        Likelihood::ContinuousBernoulli => x.zeros_like(),
        Likelihood::Gaussian { sigma } => {
            let square = x.sub_scalar(0.5).powi_scalar(2).mul_scalar(0.5 / (sigma * sigma));
            square.add_scalar(sigma.ln() + HALF_LN_2PI)
        }
    }
}

fn softplus_tensor(o: Tensor<2>) -> Tensor<2> {
    o.clone().clamp_min(0.0) + o.abs().neg().exp().log1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Likelihood; 3] =
        [Likelihood::Bernoulli, Likelihood::ContinuousBernoulli, Likelihood::Gaussian { sigma: 0.5 }];

    #[test]
    fn the_derivative_is_the_slope() {
        for likelihood in ALL {
            for o in [-9.0_f32, -2.0, -0.51, -0.3, -1e-3, 0.0, 0.2, 0.49, 0.7, 3.0, 8.0] {
                for x in [0.0_f32, 0.3, 1.0] {
                    let h = 1e-2;
                    let slope = (excess(likelihood, o + h, x).0 - excess(likelihood, o - h, x).0) / (2.0 * h);
                    let given = excess(likelihood, o, x).1;
                    assert!((slope - given).abs() < 2e-3, "{likelihood:?} at o={o}, x={x}: {slope} {given}");
                }
            }
        }
    }

    #[test]
    fn the_continuous_bernoulli_is_normalised() {
        for o in [-6.0_f32, -1.0, -0.4, 0.0, 0.3, 0.6, 5.0] {
            let n = 20_000;
            let density =
                |i: usize| (-excess(Likelihood::ContinuousBernoulli, o, (i as f32 + 0.5) / n as f32).0).exp();
            let total: f64 = (0..n).map(|i| f64::from(density(i))).sum::<f64>() / n as f64;
            assert!((total - 1.0).abs() < 1e-4, "o={o}: integral {total}");
        }
    }
}
