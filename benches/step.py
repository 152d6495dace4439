"""One training step beside pyroVED's: pyroVED, `cargo bench --bench step`, pyroVED again, and the ratios.

Needs: PYTHON with pyroved (python3 -m venv ENV && ENV/bin/pip install pyroved). Usage: python benches/step.py PYTHON
"""
import pathlib, re, statistics, subprocess, sys

here = pathlib.Path(__file__).parent
UNITS = {"ns": 1e-6, "\u00b5s": 1e-3, "us": 1e-3, "ms": 1.0, "s": 1e3}


def theirs():
    told = subprocess.run([sys.argv[1], str(here / "pyroved_step.py")], check=True, capture_output=True, text=True).stdout
    return {int(px): float(ms) for px, ms in re.findall(r"^(\d+) px .* median (\d+) ms", told, re.M)}


def ours():
    words = ["cargo", "bench", "--bench", "step", "--", "cpu-tiles"]
    told = subprocess.run(words, check=True, capture_output=True, text=True, cwd=here.parent).stdout
    number = r"([\d.]+) (\S+)"
    for px, name, *middle in re.findall(rf"step (\d+) px[^/]*/cpu-tiles/(.+?)\s+time:\s+\[\S+ \S+ {number}", told):
        yield int(px), name, float(middle[0]) * UNITS[middle[1]]


before = theirs(); steps = list(ours()); after = theirs()
for px, name, ms in steps:
    reference = statistics.mean((before[px], after[px]))
    print(f"{px} px, {name}: {ms:.1f} ms; pyroVED {before[px]:.0f} and {after[px]:.0f} ms: {reference / ms:.1f}x faster")
