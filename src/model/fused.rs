//! The tile kernel as a differentiable operation of the tensor library, for the CPU.
//!
//! A training step needs `sum(w * excess)` and its gradient, and `w` is known before the decoder runs. So the forward
//! pass computes the gradient for the upstream gradient it will almost always meet, all ones times one number, and
//! the backward pass only scales it. Any other upstream gradient is honoured by running the kernel again.

use super::kernel::{self, Gradient, Inputs, Task};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData, read_sync};

/// Excess negative log likelihood of decoded rows (see [`super::likelihood`]), weighted.
#[backend_extension(Flex, Autodiff)]
pub trait SpatialDecoderOps: Backend {
    /// `weight * excess` of each row, `[rows]`; see [`kernel::Inputs`] for the other shapes.
    fn weighted_excess(
        pose: FloatTensor<Self>,
        code: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        target: FloatTensor<Self>,
        task: Task,
    ) -> FloatTensor<Self>;
}

/// The tensors of one evaluation, on the host.
#[derive(Clone, Debug)]
struct Host {
    pose: Vec<f32>,
    code: Vec<f32>,
    parameters: Vec<f32>,
    weight: Vec<f32>,
    target: Vec<f32>,
    task: Task,
}

impl Host {
    fn read<B: Backend>(tensors: [FloatTensor<B>; 5], task: Task) -> Self {
        let [pose, code, parameters, weight, target] = tensors.map(read::<B>);
        Self { pose, code, parameters, weight, target, task }
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs { pose: &self.pose, code: &self.code, parameters: &self.parameters, target: &self.target }
    }
}

fn read<B: Backend>(tensor: FloatTensor<B>) -> Vec<f32> {
    // Reading from this backend's own memory cannot fail, and f32 is the only type the model uses.
    read_sync(B::float_into_data(tensor))
        .ok()
        .and_then(|data| data.try_into_vec::<f32>().ok())
        .unwrap_or_default()
}

fn write<B: Backend, const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &B::Device,
) -> FloatTensor<B> {
    B::float_from_data(TensorData::new(values, shape), device)
}

fn times(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}

impl SpatialDecoderOps for Flex {
    fn weighted_excess(
        pose: FloatTensor<Self>,
        code: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        target: FloatTensor<Self>,
        task: Task,
    ) -> FloatTensor<Self> {
        let device = pose.device();
        let host = Host::read::<Self>([pose, code, parameters, weight, target], task);
        let excess = kernel::excess_rows(&host.task, host.inputs());
        let out = times(&excess, &host.weight);
        let rows = out.len();
        write::<Self, 1>(out, [rows], &device)
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved<D> {
    host: Host,
    excess: Vec<f32>,
    gradient: Gradient,
    device: D,
}

#[derive(Debug)]
struct WeightedExcess;

impl<B: Backend> Backward<B, 4> for WeightedExcess {
    type State = Saved<B::Device>;

    fn backward(self, ops: Ops<Self::State, 4>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let upstream = read::<B>(grads.consume::<B>(&ops.node));
        let Saved { host, excess, mut gradient, device } = ops.state;
        let factor = upstream.first().copied().unwrap_or(1.0);
        if upstream.iter().all(|&u| u == factor) {
            if factor != 1.0 {
                for part in [&mut gradient.pose, &mut gradient.code, &mut gradient.parameters] {
                    part.iter_mut().for_each(|x| *x *= factor);
                }
            }
        } else {
            let weight = times(&host.weight, &upstream);
            gradient = kernel::excess_rows_and_gradient(&host.task, host.inputs(), &weight).1;
        }
        let rows = excess.len();
        let width = host.task.widths[0];
        let [pose, code, parameters, weight] = ops.parents;
        if let Some(node) = pose {
            grads.register::<B>(node.id, write::<B, 2>(gradient.pose, [rows, 4], &device));
        }
        if let Some(node) = code {
            grads.register::<B>(node.id, write::<B, 2>(gradient.code, [rows, width], &device));
        }
        if let Some(node) = parameters {
            let count = gradient.parameters.len();
            grads.register::<B>(node.id, write::<B, 1>(gradient.parameters, [count], &device));
        }
        if let Some(node) = weight {
            grads.register::<B>(node.id, write::<B, 1>(times(&excess, &upstream), [rows], &device));
        }
    }
}

impl<B: Backend + SpatialDecoderOps, C: CheckpointStrategy> SpatialDecoderOps for Autodiff<B, C> {
    fn weighted_excess(
        pose: FloatTensor<Self>,
        code: FloatTensor<Self>,
        parameters: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        target: FloatTensor<Self>,
        task: Task,
    ) -> FloatTensor<Self> {
        let (pose, pose_node) = pose.into_parts();
        let (code, code_node) = code.into_parts();
        let (parameters, parameters_node) = parameters.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let target = target.into_primitive();
        let device = pose.device();
        match WeightedExcess
            .prepare::<C>([pose_node, code_node, parameters_node, weight_node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let host = Host::read::<B>([pose, code, parameters, weight, target], task);
                let (excess, gradient) =
                    kernel::excess_rows_and_gradient(&host.task, host.inputs(), &host.weight);
                let out = write::<B, 1>(times(&excess, &host.weight), [excess.len()], &device);
                prep.finish(Saved { host, excess, gradient, device }, out)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::weighted_excess(pose, code, parameters, weight, target, task))
            }
        }
    }
}

/// `weight * excess` of each row on the CPU backend, differentiable by the first four arguments.
///
/// # Shapes
/// `pose` `[rows, 4]`, `code` `[rows, width]`, `parameters` `[n]`, `weight` `[rows]`, `target` `[images, pixels]`;
/// result `[rows]`.
pub fn weighted_excess(
    pose: Tensor<2>,
    code: Tensor<2>,
    parameters: Tensor<1>,
    weight: Tensor<1>,
    target: Tensor<2>,
    task: Task,
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as SpatialDecoderOps>::weighted_excess(
        pose.into_dispatch(),
        code.into_dispatch(),
        parameters.into_dispatch(),
        weight.into_dispatch(),
        target.into_dispatch(),
        task,
    ))
}
