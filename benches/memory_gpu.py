"""Memory of a training on wgpu: batch 64, K 10, 64 px, width 128, a few steps of either preset.

Needs: numpy. Usage: python benches/memory_gpu.py target/release/nanotheca
With a software driver (Mesa's llvmpipe) the driver's memory is the process's own, so its peak bounds what a card would hold; on a card
look at nvidia-smi beside it. The pictures are suits of `nanotheca cards` under ten names: only their number matters here.
"""
import pathlib, subprocess, sys, tempfile, time
import numpy as np

program = sys.argv[1]
# The program's last line tells the device: where a GPU fails, the training starts again on the CPU.
PEAK = "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], check=True, capture_output=True, text=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024); print(r.stdout.splitlines()[-1].split(';')[0])"

with tempfile.TemporaryDirectory() as scratch:
    d = pathlib.Path(scratch)
    subprocess.run([program, "cards", "--px", "64", "--labelled", "16", "--unlabelled", "16", "--validation", "4", "--out", d], check=True, stdout=subprocess.DEVNULL)
    labelled = dict(np.load(d / "labelled.npz"))
    labelled["labels"] = (np.arange(len(labelled["labels"])) % 10).astype(labelled["labels"].dtype)
    np.savez(d / "labelled.npz", **{name: labelled[name] for name in ("images", "labels")})
    for preset in ("paper", "default"):
        for device in ("cpu", "gpu"):
            began = time.time()
            words = [program, "train", "--labelled", d / "labelled.npz", "--unlabelled", d / "unlabelled.npz", "--preset", preset, "--epochs", "1", "--device", device,
                     "--out", d / "model.safetensors"]
            told = subprocess.run([sys.executable, "-c", PEAK, *map(str, words)], check=True, capture_output=True, text=True).stdout.splitlines()
            print(f"{preset}, {told[1]}: peak {float(told[0]):.0f} MiB of the whole process, {time.time() - began:.0f} s in all", flush=True)
