//! Adam (Kingma and Ba 2015) in one pass over each parameter, for the CPU.
//!
//! The library's own takes a dozen tensor operations a parameter; on small networks their overhead is a third of a
//! training step. The arithmetic is the same, operation for operation, and so is the state that is kept.

use burn::optim::{
    AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer, RecordState,
    StateSink, StateSource,
};
use burn::tensor::{Device, Tensor, TensorData};

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The optimiser of a training: in one pass on the CPU (`tiled`), in tensor operations elsewhere.
pub(crate) fn adam(tiled: bool) -> ModuleOptimizer {
    if tiled {
        ModuleOptimizer::from(OnePass)
    } else {
        AdamConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON).init()
    }
}

#[derive(Clone)]
struct OnePass;

/// Momenta that stay in memory: left alone, the library reads them back onto its default device first, which is a GPU, and
/// where there is none it fails.
#[derive(Clone)]
struct Kept<const D: usize>(AdamState<D>);

impl<const D: usize> RecordState for Kept<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, _: &Device) -> Option<Self> {
        AdamState::state_unflatten(prefix, src, &Device::flex()).map(Self)
    }
}

impl Optimizer for OnePass {
    type State<const D: usize> = Kept<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (shape, device) = (tensor.dims(), tensor.device());
        // Reading from the CPU's own memory cannot fail.
        let read = |t: Tensor<D>| t.into_data().try_into_vec::<f32>().unwrap_or_default();
        let (mut weights, gradient) = (read(tensor), read(gradient));
        let (time, mut first, mut second) = match state {
            Some(Kept(AdamState { momentum: m })) => (m.time + 1, read(m.moment_1), read(m.moment_2)),
            None => (1, vec![0.0; weights.len()], vec![0.0; weights.len()]),
        };
        let root = (1.0 - BETA_2.powi(time as i32)).sqrt();
        let (scale, epsilon) = (root / (1.0 - BETA_1.powi(time as i32)), EPSILON * root);
        let rate = rate as f32;
        let moments = first.iter_mut().zip(&mut second);
        for ((w, g), (m, v)) in weights.iter_mut().zip(&gradient).zip(moments) {
            *m = *m * BETA_1 + g * (1.0 - BETA_1);
            *v = *v * BETA_2 + g * g * (1.0 - BETA_2);
            *w -= *m * scale / (v.sqrt() + epsilon) * rate;
        }
        let write = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), &device);
        let momentum = AdaptiveMomentumState::new(time, write(first), write(second));
        (write(weights), Some(Kept(AdamState::new(momentum))))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.0.momentum = state.0.momentum.to_device(device);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::{Module, Param, ParamId};
    use burn::nn::Linear;
    use burn::optim::GradientsParams;

    #[test]
    fn one_pass_is_the_librarys_adam() {
        let device = Device::flex().autodiff();
        let data = |n: usize, by: f32| -> Vec<f32> { (0..n).map(|i| ((i as f32) * by).sin()).collect() };
        let fresh = || Linear {
            weight: Param::initialized(
                ParamId::from(1),
                Tensor::<2>::from_data(TensorData::new(data(35, 0.7), [7, 5]), &device).require_grad(),
            ),
            bias: Some(Param::initialized(
                ParamId::from(2),
                Tensor::<1>::from_data(TensorData::new(data(5, 0.3), [5]), &device).require_grad(),
            )),
        };
        let x = Tensor::<2>::from_data(TensorData::new(data(21, 1.1), [3, 7]), &device);
        let run = |mut optimizer: ModuleOptimizer| {
            let mut layer = fresh();
            for step in 0..20 {
                let loss = layer.forward(x.clone().mul_scalar(1.0 + step as f32)).powi_scalar(2).sum();
                let gradients = GradientsParams::from_grads(loss.backward(), &layer);
                layer = optimizer.step(1e-2, layer, gradients);
            }
            layer.valid().weight.val().into_data().try_into_vec::<f32>().unwrap()
        };
        for (ours, theirs) in run(adam(true)).iter().zip(run(adam(false))) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
        }
    }
}
