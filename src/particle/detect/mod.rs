//! Finding particles.
