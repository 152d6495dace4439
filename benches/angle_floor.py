"""The angle error that nobody can undercut on the card suits: "upright" is what the labels of a class show, and they are tilted.

Needs: numpy. Usage: python benches/angle_floor.py target/release/nanotheca LABELS... [--seeds 3]
An observer reads the rotation of every picture exactly (shear turns a shape, too) and knows upright from the mean of the
LABELS labelled pictures of each class. Prints its median error against the drawn rotation: for the draws that
benches/accuracy.py makes at +-180 degrees and 24 px, and the mean over 2,000 other draws.
"""
import argparse, pathlib, subprocess, tempfile
import numpy as np

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("labels", nargs="+", type=int); p.add_argument("--seeds", type=int, default=3)
a = p.parse_args()


def turn(shear_deg):
    """Rotation of a shear's polar decomposition, degrees."""
    kx, ky = np.tan(np.radians(shear_deg)).T
    return np.degrees(np.arctan2(ky - kx, 2.0))


def error(upright, suits, shear_deg):
    return np.median(np.abs(turn(shear_deg) - upright[suits]))


for labels in a.labels:
    drawn = []
    for seed in range(1, a.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            words = ["cards", "--px", 24, "--angle", 180, "--labelled", labels, "--unlabelled", 750, "--validation", 500, "--seed", seed, "--out", folder]
            subprocess.run([a.program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
            known, other = (np.load(pathlib.Path(folder) / f"{name}.npz") for name in ("labelled", "validation"))
            tilt = known["angle_deg"] + turn(known["shear_deg"])
            upright = np.array([tilt[known["labels"] == suit].mean() for suit in range(4)])
            drawn.append(error(upright, other["labels"], other["shear_deg"]))
    rng = np.random.default_rng(1); many = []
    for _ in range(2000):
        tilt = rng.uniform(-5, 5, (4, labels)) + turn(rng.uniform(-15, 15, (4 * labels, 2))).reshape(4, labels)
        many.append(error(tilt.mean(1), np.arange(800) % 4, rng.uniform(-15, 15, (800, 2))))
    print(f"{labels} labels a class: {', '.join(f'{e:.1f}' for e in drawn)}; mean {np.mean(drawn):.1f}; mean over other draws {np.mean(many):.1f} degrees", flush=True)
