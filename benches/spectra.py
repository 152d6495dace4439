"""The published one-dimensional model data through `nanotheca spectra`: loss, shift against the true centre, latents against the width.

Needs: numpy. Usage: python benches/spectra.py target/release/nanotheca [--preset paper|default] [--epochs N] [--seed N] [--plain]
"""
import argparse, csv, json, pathlib, subprocess, tempfile
import numpy as np

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("--preset", default="paper"); p.add_argument("--epochs"); p.add_argument("--seed", type=int, default=1)
p.add_argument("--plain", action="store_true", help="a VAE without shift"); p.add_argument("--count", type=int, default=5000)
a = p.parse_args()

# 5,000 peaks on 100 points over [-12, 12]: height 1, centre uniform in +-3, sigma 0.5 to 5, noise of 0.001 to 0.099, scaled to 0..1 together.
rng = np.random.default_rng(a.seed)
x = np.linspace(-12, 12, 100)
centre, sigma, noise = rng.uniform(-3, 3, a.count), rng.uniform(0.5, 5, a.count), rng.uniform(0.001, 0.099, a.count)
y = np.exp(-0.5 * ((x - centre[:, None]) / sigma[:, None]) ** 2) + noise[:, None] * rng.normal(size=(a.count, 100))
y = (y - y.min()) / (y.max() - y.min())
with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    np.savez(scratch / "spectra.npz", spectra=y.astype(np.float32), x=x)
    words = [a.program, "spectra", scratch / "spectra.npz", "--out", scratch / "out", "--preset", a.preset, "--device", "cpu", "--seed", str(a.seed), "--json"]
    words += ["--epochs", a.epochs] if a.epochs else []
    words += ["--dx-prior", "0"] if a.plain else []
    found = json.loads(subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout)
    rows = list(csv.DictReader(open(scratch / "out" / "spectra.csv")))
column = lambda name: np.array([float(r[name]) for r in rows])
r = lambda u, v: abs(np.corrcoef(u, v)[0, 1]) if u.std() > 1e-9 else 0.0
print(f"loss {found['loss']:.2f}  {found['seconds']:.0f} s  latent sd {[round(s, 3) for s in found['latent_sd']]}  collapsed {found['collapsed']}")
print(f"|r| shift, centre {r(column('shift'), centre):.4f}")
for k in range(len(found["latent_sd"])):
    print(f"z{k}: |r| with width {r(column(f'z{k}'), sigma):.4f}, with centre {r(column(f'z{k}'), centre):.4f}")
