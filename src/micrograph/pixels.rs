//! The values of a picture, shared and never copied.

use std::ops::Deref;
use std::sync::Arc;

/// Values that many hold and nobody changes. Made from a vector as it is: a shared slice would have to be written anew,
/// which for a large picture takes longer than to read it, and twice its memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels(Arc<Vec<f32>>);

impl Deref for Pixels {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(values: Vec<f32>) -> Self {
        Self(Arc::new(values))
    }
}

impl<const N: usize> From<[f32; N]> for Pixels {
    fn from(values: [f32; N]) -> Self {
        Self(Arc::new(values.into()))
    }
}

impl FromIterator<f32> for Pixels {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        Self(Arc::new(values.into_iter().collect()))
    }
}
