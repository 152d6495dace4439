//! Questions to a trained model: what is it, how does it lie, what varies.

pub mod bound;
pub mod drawings;
pub mod embed;
pub mod order_map;
pub mod sanity;
pub mod spectra;
pub mod traverse;
