"""Memory of a training on wgpu: batch 64, K 10, 64 px, width 128, a few steps of either preset.

Needs: numpy. Usage: python benches/memory_gpu.py target/release/nanotheca
With a software driver (Mesa's llvmpipe) the driver's memory is the process's own, so its peak bounds what a card would hold; on a card
look at nvidia-smi beside it. The pictures are suits of `nanotheca cards` under ten names: only their number matters here.
"""
import pathlib, subprocess, sys, tempfile, time
import numpy as np

program = sys.argv[1]
PEAK = "import resource, subprocess, sys; r = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024); sys.exit(r)"

with tempfile.TemporaryDirectory() as scratch:
    d = pathlib.Path(scratch)
    subprocess.run([program, "cards", "--px", "64", "--labelled", "16", "--unlabelled", "16", "--validation", "4", "--out", d], check=True, stdout=subprocess.DEVNULL)
    labelled = dict(np.load(d / "labelled.npz"))
    labelled["labels"] = (np.arange(len(labelled["labels"])) % 10).astype(labelled["labels"].dtype)
    np.savez(d / "labelled.npz", **{name: labelled[name] for name in ("images", "labels")})
    for preset in ("paper", "default"):
        for device in ("cpu", "gpu"):
            began = time.time()
            words = [program, "train", "--labelled", d / "labelled.npz", "--unlabelled", d / "unlabelled.npz", "--preset", preset, "--epochs", "1", "--device", device]
            peak = float(subprocess.run([sys.executable, "-c", PEAK, *map(str, words)], check=True, capture_output=True, text=True).stdout)
            print(f"{preset} on {device}: peak {peak:.0f} MiB of the whole process, {time.time() - began:.0f} s", flush=True)
