"""Wall time, peak memory and hold-out accuracy of the demo, and of its classifier on labels alone.

Usage: python benches/demo.py PROGRAM [SEED ...]
"""
import json, pathlib, resource, subprocess, sys, tempfile, time


def demo(seed, *more):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "library"; began = time.time()
        words = [sys.argv[1], "demo", "--device", "cpu", "--seed", seed, "--out", str(out), *more]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return time.time() - began, told, json.loads((out / "report.json").read_text())["hold_out"]


for seed in sys.argv[2:] or ["1"]:
    seconds, told, found = demo(seed)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    alone = demo(seed, "--set", "labels_only=true")[2]["accuracy"]
    print(f"seed {seed}: {seconds:.0f} s, peak {peak:.0f} MiB, hold-out {found['accuracy']:.3f} ({found['right']} of {found['of']}), labels alone {alone:.3f}", flush=True)
    print("  " + "\n  ".join(line for line in told.splitlines() if "urned by" in line or "alibration" in line), flush=True)
