//! A GPU that stopped answering is not offered again. A process of its own, because that holds for the whole process.
#![allow(clippy::unwrap_used, clippy::panic)] // a test that panics has failed

use nanotheca::worker::device;
use nanotheca::worker::message::DeviceChoice;

#[test]
fn a_gpu_that_was_lost_is_not_offered_again() {
    assert!(device::choose(DeviceChoice::Cpu).fallback.is_none());
    device::give_up_the_gpu();
    for choice in [DeviceChoice::Auto, DeviceChoice::Gpu] {
        let chosen = device::choose(choice);
        let why = chosen.fallback.unwrap();
        assert!(
            chosen.tiled && why.contains("stopped answering") && why.contains("start the program again"),
            "{why}"
        );
    }
    assert!(device::choose(DeviceChoice::Cpu).fallback.is_none());
    assert!(device::gpu(true).is_err());
}
