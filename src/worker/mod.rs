//! worker
pub mod message;
