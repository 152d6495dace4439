//! The classifier over turned copies as a differentiable operation of the tensor library, for the CPU.
//!
//! The copies are data, not a tensor: they have no gradient and need not be copied.

use super::kernel::{Kept, Rows};
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData, read_sync};

/// A dense network over many rows.
#[backend_extension(Flex, Autodiff)]
pub trait RecognitionOps: Backend {
    /// Output of every row, `[rows, outputs]`, from the flattened parameters.
    fn dense_rows(parameters: FloatTensor<Self>, rows: Rows) -> FloatTensor<Self>;
}

fn read<B: Backend>(tensor: FloatTensor<B>) -> Vec<f32> {
    // Reading from this backend's own memory cannot fail, and f32 is the only type the model uses.
    read_sync(B::float_into_data(tensor))
        .ok()
        .and_then(|data| data.try_into_vec::<f32>().ok())
        .unwrap_or_default()
}

fn output<B: Backend>(rows: &Rows, values: Vec<f32>, device: &B::Device) -> FloatTensor<B> {
    let outputs = rows.widths[rows.widths.len() - 1];
    let shape = [values.len() / outputs, outputs];
    B::float_from_data(TensorData::new(values, shape), device)
}

impl RecognitionOps for Flex {
    fn dense_rows(parameters: FloatTensor<Self>, rows: Rows) -> FloatTensor<Self> {
        let device = parameters.device();
        output::<Self>(&rows, rows.forward(&read::<Self>(parameters)), &device)
    }
}

#[derive(Clone, Debug)]
struct Saved<D> {
    rows: Rows,
    parameters: Vec<f32>,
    kept: Kept,
    device: D,
}

#[derive(Debug)]
struct DenseRows;

impl<B: Backend> Backward<B, 1> for DenseRows {
    type State = Saved<B::Device>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let upstream = read::<B>(grads.consume::<B>(&ops.node));
        let Saved { rows, parameters, kept, device } = ops.state;
        let [parent] = ops.parents;
        if let Some(node) = parent {
            let gradient = rows.gradient(&parameters, &upstream, &kept);
            let count = gradient.len();
            grads.register::<B>(node.id, B::float_from_data(TensorData::new(gradient, [count]), &device));
        }
    }
}

impl<B: Backend + RecognitionOps, C: CheckpointStrategy> RecognitionOps for Autodiff<B, C> {
    fn dense_rows(parameters: FloatTensor<Self>, rows: Rows) -> FloatTensor<Self> {
        let (parameters, node) = parameters.into_parts();
        let device = parameters.device();
        match DenseRows.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let host = read::<B>(parameters);
                let (values, kept) = rows.forward_kept(&host);
                let out = output::<B>(&rows, values, &device);
                prep.finish(Saved { rows, parameters: host, kept, device }, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::dense_rows(parameters, rows)),
        }
    }
}

/// Output of every row of a dense network on the CPU backend, `[rows, outputs]`, differentiable by the parameters.
pub fn dense_rows(parameters: Tensor<1>, rows: Rows) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as RecognitionOps>::dense_rows(parameters.into_dispatch(), rows))
}
