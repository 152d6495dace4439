//! A second look at what a model says: what its latents mean, which particles to ask a person about, and what changed.
//!
//! Pure data in, plain data out: no window, no tensors. Only [`answers`] has a file.

pub mod answers;
pub mod compare;
#[cfg(test)]
pub(crate) mod fixture;
pub mod meaning;
pub mod pca;
pub mod query;
pub mod queue;
pub mod ranges;
pub mod suggest;
pub mod table;

pub use table::{Table, Variable};
