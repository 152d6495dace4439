"""Wall time, peak memory and hold-out accuracy of the demo, for benches/README.md.

Usage: python benches/demo.py PROGRAM [SEED ...]
"""
import json, pathlib, resource, subprocess, sys, tempfile, time

for seed in sys.argv[2:] or ["1"]:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "library"; t0 = time.time()
        words = [sys.argv[1], "demo", "--device", "cpu", "--seed", seed, "--out", str(out)]
        told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        hold_out = json.loads((out / "report.json").read_text())["hold_out"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"seed {seed}: {time.time() - t0:.0f} s, peak {peak:.0f} MiB, hold-out {hold_out['accuracy']:.3f} ({hold_out['right']} of {hold_out['of']})", flush=True)
    print("  " + "\n  ".join(line for line in told.splitlines() if "urned by" in line or "alibration" in line), flush=True)
