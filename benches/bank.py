"""Classes under noise by comparing with known pictures instead of asking the classifier: what a generator could add. A prototype.

Needs: numpy, scipy. Usage: python benches/bank.py target/release/nanotheca [--px 24] [--angle 180] [--times 8]
3,000 clean suits of known class, each turned, moved and drawn again --times times, stand for what a decoder could draw. A noisy picture
(noise of sd 1, clipped to 0..1) goes to the class of which they explain it best: normal noise of one sd round a paler copy, summed over all
copies. The paler copy's grey and the sd are those with the best marginal likelihood of all noisy pictures; no label is looked at.
"""
import argparse, itertools, pathlib, subprocess, tempfile
import numpy as np
from scipy.ndimage import rotate, shift

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("--px", type=int, default=24); p.add_argument("--angle", type=float, default=180); p.add_argument("--times", type=int, default=8)
a = p.parse_args()
rng = np.random.default_rng(0)


def cards(folder, seed, each, *more):
    words = ["cards", "--px", a.px, "--angle", a.angle, "--labelled", 5, "--unlabelled", 5, "--validation", each, "--seed", seed, "--out", folder, *more]
    subprocess.run([a.program, *map(str, words)], check=True, capture_output=True)
    drawn = np.load(folder / "validation.npz"); images = drawn["images"].astype(np.float32)
    return (images / 255 if drawn["images"].dtype == np.uint8 else images), drawn["labels"]


def again(image):
    turned = rotate(image, rng.uniform(-1, 1) * min(a.angle, 180 if a.angle >= 180 else 20), reshape=False, order=1)
    return shift(turned, rng.uniform(-1, 1, 2) * a.px / 24, order=1)


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    noisy, truth = cards(scratch / "noisy", 1, 500, "--noise", 1.0)
    clean, suits = cards(scratch / "clean", 2, 750)
bank = np.concatenate([clean] + [np.stack([again(image) for image in clean]) for _ in range(a.times)]).reshape(-1, a.px**2)
suits = np.tile(suits, a.times + 1); noisy = noisy.reshape(len(noisy), -1)
products, squares, sums = noisy @ bank.T, (bank**2).sum(1), bank.sum(1)
best = (-np.inf, None)
for grey, pale, sd in itertools.product((0.0, 0.2, 0.34, 0.5), (0.32, 0.6, 1.0), (0.2, 0.3, 0.4, 0.5, 0.7)):
    # Squared distance from grey + pale * copy.
    apart = ((noisy - grey) ** 2).sum(1)[:, None] - 2 * pale * (products - grey * sums) + pale**2 * squares
    fit = -apart / (2 * sd**2) - a.px**2 * np.log(sd)
    each = np.stack([np.logaddexp.reduce(fit[:, suits == k], axis=1) - np.log((suits == k).sum()) for k in range(4)], 1)
    evidence = np.logaddexp.reduce(each, axis=1).mean()
    if evidence > best[0]:
        best = (evidence, each, grey, pale, sd)
_, each, grey, pale, sd = best
print(f"{a.px} px, +-{a.angle:.0f}, {len(bank)} copies, {grey} + {pale} * copy, sd {sd}: {(each.argmax(1) == truth).mean():.3f}")
