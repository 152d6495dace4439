//! Choosing where to compute, and falling back to the CPU.

use super::message::DeviceChoice;
use crate::error::{Error, Result};
use burn::tensor::Device;
use burn_wgpu::graphics::AutoGraphicsApi;
use burn_wgpu::wgpu::DeviceType;
use burn_wgpu::{RuntimeOptions, WgpuDevice, WgpuInitError, try_init_setup};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A device ready to compute.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub device: Device,
    /// For people: "CPU, 2 threads" or the name of the graphics card.
    pub name: String,
    /// True on the CPU, where the tile kernel decodes.
    pub tiled: bool,
    /// A sentence if it is not what was asked for.
    pub fallback: Option<String>,
}

/// The device for a choice. `Auto` takes a hardware GPU if there is one; `Gpu` takes any, software drivers included;
/// both fall back to the CPU, and `Gpu` says so.
pub fn choose(choice: DeviceChoice) -> Chosen {
    match choice {
        DeviceChoice::Cpu => cpu(None),
        DeviceChoice::Auto => {
            let lost =
                || LOST.load(Ordering::Relaxed).then(|| format!("The GPU {GONE}; computing on the CPU."));
            gpu(false).unwrap_or_else(|_| cpu(lost()))
        }
        DeviceChoice::Gpu => gpu(true).unwrap_or_else(|e| {
            cpu(Some(format!("No GPU could be used ({e}); computing on the CPU instead.")))
        }),
    }
}

/// The CPU, with the reason for falling back to it, if any.
pub fn cpu(fallback: Option<String>) -> Chosen {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let name = format!("CPU, {threads} thread{}", if threads == 1 { "" } else { "s" });
    Chosen { device: Device::flex(), name, tiled: true, fallback }
}

/// The best GPU that wgpu finds; `software` also accepts a driver that computes on the CPU.
///
/// # Errors
/// Why there is none.
pub fn gpu(software: bool) -> Result<Chosen> {
    if LOST.load(Ordering::Relaxed) {
        return Err(Error::Device(format!("it {GONE}")));
    }
    let adapter = open()?;
    if adapter.software && !software {
        return Err(Error::Device(format!("{} is a software driver", adapter.name)));
    }
    let device = Device::from(WgpuDevice::default());
    Ok(Chosen { device, name: format!("GPU: {}", adapter.name), tiled: false, fallback: None })
}

/// A GPU stopped answering: it is not offered any more, since this process cannot open it a second time.
pub fn give_up_the_gpu() {
    LOST.store(true, Ordering::Relaxed);
}

static LOST: AtomicBool = AtomicBool::new(false);
const GONE: &str = "stopped answering earlier; start the program again to use it";

#[derive(Clone, Debug)]
struct Adapter {
    name: String,
    software: bool,
}

/// The runtime under the tensor library registers a device once a process and refuses a second time, so what was
/// found the first time has to be remembered for as long.
static OPENED: Mutex<Option<Adapter>> = Mutex::new(None);

fn open() -> Result<Adapter> {
    let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(adapter) = &*opened {
        return Ok(adapter.clone());
    }
    // A driver may panic while it starts; that must not take the program down.
    let setup = catch_unwind(AssertUnwindSafe(|| {
        let options = RuntimeOptions::try_default()?;
        try_init_setup::<AutoGraphicsApi>(&WgpuDevice::default(), options)
    }))
    .map_err(|_| Error::Device("the graphics driver failed while starting".into()))?
    .map_err(|e| match e {
        WgpuInitError::AdapterUnavailable { .. } => Error::Device("no graphics adapter was found".into()),
        other => Error::Device(other.to_string()),
    })?;
    let info = setup.adapter.get_info();
    let adapter = Adapter { name: info.name, software: info.device_type == DeviceType::Cpu };
    *opened = Some(adapter.clone());
    Ok(adapter)
}
