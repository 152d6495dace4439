"""How well could anyone classify the card suits under noise? An observer that knows the generator exactly.

Needs: numpy. Usage: python benches/ideal.py target/release/nanotheca [--px 24] [--angle 180] [--rounds 8]
Each round draws 4 x 8,000 clean suits from the generator and adds their likelihoods of every noisy picture (noise of sd 1,
clipped to 0..1) to the sum of their class; the most probable class is the answer. The more are drawn, the nearer it comes to
the best possible accuracy, from below.
"""
import argparse, pathlib, subprocess, tempfile
import numpy as np

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("--px", type=int, default=24); p.add_argument("--angle", default="180"); p.add_argument("--rounds", type=int, default=8)
a = p.parse_args()


def cards(folder, seed, each, *more):
    words = ["cards", "--px", a.px, "--angle", a.angle, "--labelled", 5, "--unlabelled", 5, "--validation", each, "--seed", seed, "--out", folder, *more]
    subprocess.run([a.program, *map(str, words)], check=True, capture_output=True)
    drawn = np.load(folder / "validation.npz")
    return drawn["images"].reshape(len(drawn["images"]), -1).astype(np.float32), drawn["labels"]


# A white pixel against a black one: log of the ratio of the likelihoods of what the noise left, linear in the grey between.
ends = np.float32(1.148)  # ln(Phi(0) / Phi(-1)), where it was clipped
with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    noisy, truth = cards(scratch / "noisy", 1, 500, "--noise", 1.0)
    evidence = np.where(noisy <= 0, -ends, np.where(noisy >= 1, ends, noisy - np.float32(0.5)))
    of_class = np.full((len(noisy), 4), -np.inf)
    for draw in range(1, a.rounds + 1):
        clean, labels = cards(scratch / f"clean{draw}", 1000 + draw, 8000)
        for k in range(4):
            fit = evidence @ clean[labels == k].T
            most = fit.max(1)
            of_class[:, k] = np.logaddexp(of_class[:, k], most + np.log(np.exp(fit - most[:, None]).sum(1)))
        print(f"{a.px} px, +-{a.angle}, {draw * len(clean)} suits known: {(of_class.argmax(1) == truth).mean():.3f}", flush=True)
