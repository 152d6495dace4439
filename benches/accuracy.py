"""Accuracy, angles, calibration and robustness on the card suits, beside the same classifier trained on labels alone.

Needs: numpy. Usage: python benches/accuracy.py target/release/nanotheca ROW... [--seeds 3] [--px 24] [--epochs N]
Rows are ANGLE-LABELS, as in 60-200 (rotations +-60 degrees, 200 labels a class), or cards:DIR for ready-made sets.
Prints one line a run and a mean line a row. Angles: median error after removing each suit's symmetry; `own` compares with
the drawn rotation, `seen` with what can be seen of it (shear turns a shape, too: the rotation of its polar decomposition).
"""
import argparse, csv, json, math, pathlib, subprocess, tempfile, time
import numpy as np

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("rows", nargs="+"); p.add_argument("--seeds", type=int, default=3); p.add_argument("--first", type=int, default=1)
p.add_argument("--px", type=int, default=24); p.add_argument("--epochs"); p.add_argument("--hidden"); p.add_argument("--unlabelled", default="750")
p.add_argument("--no-labels-only", action="store_true"); p.add_argument("--preset", default="default"); p.add_argument("--spoil", action="store_true")
p.add_argument("--set", action="append", default=[], help="a setting of the training, NAME=VALUE; may be repeated")
a = p.parse_args()


def run(*words):
    return subprocess.run([a.program, *map(str, words)], check=True, capture_output=True, text=True).stdout


def train(folder, seed, *more):
    words = ["train", "--labelled", folder / "labelled.npz", "--unlabelled", folder / "unlabelled.npz", "--validation", folder / "validation.npz",
             "--device", "cpu", "--seed", seed, "--preset", a.preset, "--json", "--out", folder / "model.safetensors", *more]
    words += ["--epochs", a.epochs] if a.epochs else []
    words += ["--hidden", a.hidden] if a.hidden else []
    words += [word for setting in a.set for word in ("--set", setting)]
    began = time.time(); lines = [json.loads(l) for l in run(*words).splitlines()]
    return lines[-1], time.time() - began, [l["accuracy"] for l in lines]


def judge(folder, patches, *how):
    out = folder / "out.csv"
    run("classify", "--model", folder / "model.safetensors", "--patches", patches, "--out", out, *how)
    rows = list(csv.DictReader(open(out))); truth = np.load(patches); y = truth["labels"]
    k = sum(c.startswith("p_") for c in rows[0]); q = np.array([[float(r[f"p_{c}"]) for c in range(k)] for r in rows])
    best, sure = q.argmax(1), q.max(1); right = best == y
    bins = np.minimum((sure * 15).astype(int), 14)
    ece = sum((bins == b).mean() * abs(sure[bins == b].mean() - right[bins == b].mean()) for b in range(15) if (bins == b).any())
    found = {"accuracy": right.mean(), "ece": ece}
    angle = -np.degrees(np.array([float(r["angle_rad"]) for r in rows])); symmetry = np.where(y == 3, 180.0, 360.0)
    kx, ky = np.tan(np.radians(truth["shear_deg"])).T
    for name, true in (("own", truth["angle_deg"]), ("seen", truth["angle_deg"] + np.degrees(np.arctan2(ky - kx, 2.0)))):
        error = np.abs((angle - true + symmetry / 2) % symmetry - symmetry / 2)
        found[f"angle_{name}"] = np.median(error[right]); found[f"angle_{name}_90%"] = np.quantile(error[right], 0.9)
    mu = np.array([[float(v) for c, v in r.items() if c.startswith("mu_")] for r in rows])
    for name, factor in (("scale", truth["scale"]), ("shear_sum", kx + ky), ("shear_difference", kx - ky)):
        r = [max(abs(np.corrcoef(mu[(y == c) & right, i], factor[(y == c) & right])[0, 1]) if mu[(y == c) & right, i].std() > 1e-6 else 0 for i in range(mu.shape[1])) for c in range(k)]
        found[f"r_{name}"] = np.mean(r)
    return found


def spoilt(folder, name, draw, noise, overwritten):
    """The same validation pictures under noise: drawn by the program, or laid over a ready-made set."""
    (folder / name).mkdir()
    if draw:
        run(*draw, *(["--noise", noise] if noise else []), *(["--overwritten", overwritten] if overwritten else []), "--out", folder / name)
        return folder / name / "validation.npz"
    clean = dict(np.load(folder / "validation.npz")); chance = np.random.default_rng(1); x = clean["images"]
    x = x / 255.0 if x.dtype == np.uint8 else x
    if noise:
        x = np.clip(x + noise * chance.standard_normal(x.shape), 0, 1)
    x[chance.random(x.shape) < overwritten] = 1
    np.savez(folder / name / "validation.npz", **{**clean, "images": x.astype(np.float32)})
    return folder / name / "validation.npz"


for row in a.rows:
    everything = []
    for seed in range(a.first, a.first + a.seeds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch); draw = None
            if row.startswith("cards:"):
                for name in ("labelled", "unlabelled", "validation"):
                    (folder / f"{name}.npz").symlink_to(pathlib.Path(row[6:]).resolve() / f"{name}.npz")
            else:
                angle, labels = row.split("-")
                draw = ["cards", "--px", a.px, "--angle", angle, "--labelled", labels, "--unlabelled", a.unlabelled, "--validation", 500, "--seed", seed]
                run(*draw, "--out", folder)
            last, seconds, curve = train(folder, seed)
            found = {"seconds": seconds, "loss": last["loss"], **judge(folder, folder / "validation.npz")}
            if a.spoil:
                for name, noise, overwritten in (("noise", 1.0, 0.0), ("overwritten", 0.0, 0.1)):
                    spoils = spoilt(folder, name, draw, noise, overwritten)
                    found[name] = judge(folder, spoils)["accuracy"]
                    if noise:
                        found[f"{name}_by_decoder"] = judge(folder, spoils, "--by", "decoder")["accuracy"]
            if not a.no_labels_only and a.preset == "default":
                last, _, _ = train(folder, seed, "--labels-only")
                found["labels_only"] = last["accuracy"]
            everything.append(found)
            print(row, "seed", seed, " ".join(f"{k} {v:.4g}" for k, v in found.items()), flush=True)
    print(row, "MEAN", " ".join(f"{k} {np.mean([f[k] for f in everything]):.4g}" for k in everything[0]), flush=True)
