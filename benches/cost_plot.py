"""Draws the CSV of `cargo bench --bench cost` as benches/cost.svg. Needs: matplotlib. Usage: python benches/cost_plot.py FILE"""
import csv, pathlib, sys
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt

rows = [r for r in csv.DictReader(l for l in open(sys.argv[1]) if l.count(",") == 5)]
figure, (by_class, by_pixels) = plt.subplots(1, 2, figsize=(9, 3.4))
for preset, marker in (("paper", "s"), ("default", "o")):
    ours = [r for r in rows if r["preset"] == preset]
    k = sorted({(int(r["classes"]), float(r["ms_per_step"])) for r in ours if r["side"] == "24"})
    by_class.plot([x for x, _ in k], [y for _, y in k], marker=marker, label=preset)
    px = sorted({(int(r["side"]) ** 2, float(r["ms_per_step"])) for r in ours if r["classes"] == "4"})
    by_pixels.plot([x for x, _ in px], [y for _, y in px], marker=marker, label=preset)
for axis, name in ((by_class, "classes (24 px)"), (by_pixels, "pixels (4 classes)")):
    axis.set(xlabel=name, ylabel="ms a step of 64 images", xscale="log", yscale="log"); axis.grid(alpha=0.3); axis.legend()
figure.tight_layout(); figure.savefig(pathlib.Path(__file__).with_name("cost.svg"))
