//! train
pub mod config;
