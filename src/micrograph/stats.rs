//! Percentiles, minimum, maximum and mean of a picture.
