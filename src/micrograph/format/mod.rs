//! Readers: the format is told by content first, by extension second.
