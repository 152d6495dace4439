"""Everything the core is held to, measured one after the other in one run: a table of what was asked and what came out.

Needs: numpy, and PYTHON with pyroved (python3 -m venv ENV && ENV/bin/pip install pyroved).
Usage: python benches/musts.py target/release/nanotheca PYTHON [--only PART ...] [--seeds 3]
The parts, in their order, with the time they take on two cores with AVX-512: step (3 min), memory (1), cost (3), race (4), demo (4), cards24 (20),
cards48 (25), recipe (15). Speed comes first, so leave the machine alone for the first ten minutes. Every part is one of the other
scripts here, whose own lines go to stderr; the table goes to stdout, line by line as it grows.
"""
import argparse, csv, json, pathlib, re, subprocess, sys, tempfile

PARTS = ["step", "memory", "cost", "race", "demo", "cards24", "cards48", "recipe"]
p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("python"); p.add_argument("--only", nargs="+", choices=PARTS, default=PARTS); p.add_argument("--seeds", type=int, default=3)
a = p.parse_args()
here = pathlib.Path(__file__).parent
verdicts = []


def told(*words):
    """What a command prints, shown on stderr as it comes."""
    child = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True, cwd=here.parent); lines = []
    for line in child.stdout:
        lines.append(line); print(" ", line, end="", file=sys.stderr, flush=True)
    if child.wait():
        sys.exit(f"{' '.join(map(str, words))} failed")
    return "".join(lines)


def row(measure, value, sign, must, aim, shown="{:.3g}", beside=""):
    """One line of the table; `sign` is what a good value is, ">=" or "<="."""
    good = lambda bound: value is not None and (value >= bound if sign == ">=" else value <= bound)
    verdict = "" if must is None else "aim" if aim is not None and good(aim) else "met" if good(must) else "MISSED"
    verdicts.append(verdict)
    text = lambda bound: "" if bound is None else f"{sign} {shown.format(bound)}"
    print(f"| {measure} | {'-' if value is None else shown.format(value)} | {text(must)} | {text(aim)} | {verdict} | {beside} |", flush=True)


def step():
    found = {(px, name): float(x) for px, name, x in re.findall(r"(\d+) px, (.+?): .* ([\d.]+)x faster", told(sys.executable, here / "step.py", a.python))}
    for px, name, must, aim in (("48", "exact", 2.5, 4), ("24", "exact", 2, 3), ("48", "default", 15, 40), ("24", "default", 15, 40), ("48", "default, sure", 15, 40), ("24", "default, sure", 15, 40)):
        row(f"step at {px} px, {name}: times faster than pyroVED", found.get((px, name)), ">=", must, aim)


def memory():
    found = {name: float(mib) for name, mib in re.findall(r"(\w+): (\d+) MiB", told(sys.executable, here / "memory.py", a.program, a.python))}
    row("peak memory of the 48 px step, part of pyroVED's: 1 /", found["pyroVED"] / found["nanotheca"], ">=", 4, 20, beside=f"{found['nanotheca']:.0f} of {found['pyroVED']:.0f} MiB")


def cost():
    rows = list(csv.DictReader(told("cargo", "bench", "--bench", "cost").splitlines()))
    of = lambda preset, classes, side, column="ms_per_step": float(next(r for r in rows if (r["preset"], r["classes"], r["side"]) == (preset, str(classes), str(side)))[column])
    row("classified and encoded at 32 px, patches/s", of("default", 4, 32, "encoded_per_s"), ">=", 20000, 50000, "{:.0f}")
    row("exact step at 96 px, times that at 48 px (linear in pixels: 4)", of("paper", 4, 96) / of("paper", 4, 48), "<=", 4.4, None)
    row("default step at K=16, times that at K=2 (linear: 8)", of("default", 16, 24) / of("default", 2, 24), "<=", 4, None)


def race():
    found = dict(re.findall(r"^(the loss|accuracy 0\.90): [\d.]+ s, 1/(\d+)", told(sys.executable, here / "race.py", a.program, a.python), re.M))
    for what, must, aim in (("the loss", 20, 60), ("accuracy 0.90", 30, 100)):
        row(f"set of cards, time to {what}, part of pyroVED's 60 epochs: 1 /", float(found[what]) if what in found else None, ">=", must, aim)


def demo():
    lines = told(sys.executable, here / "demo.py", a.program, 1, 2, 3, 4, 5)
    runs = [tuple(map(float, found)) for found in re.findall(r"^seed \d+: (\d+) s, .* hold-out ([\d.]+) .* labels alone ([\d.]+)", lines, re.M)]
    seconds, accuracies, alone = zip(*runs)
    row("sample, worst of 5 seeds", min(accuracies), ">=", 0.92, 0.97, beside=f"labels alone {min(alone):.3f}")
    row("sample, mean of 5 seeds", sum(accuracies) / 5, ">=", 0.95, None, beside=f"labels alone {sum(alone) / 5:.3f}")
    row("demo, seconds, the longest of 5", max(seconds), "<=", 90, None, "{:.0f}")


def suits(rows, px, *more):
    """Rows of benches/accuracy.py: name of the row -> means."""
    lines = told(sys.executable, here / "accuracy.py", a.program, *rows, "--px", px, "--seeds", a.seeds, "--spoil", *more)
    return {name: {k: float(v) for k, v in re.findall(r"(\S+) (\S+)", line)} for name, line in re.findall(r"^(\S+) MEAN (.*)$", lines, re.M)}


def report(title, found, must, aim, beside=""):
    row(f"{title}: accuracy", found["accuracy"], ">=", must, aim, "{:.4f}", f"labels alone {found['labels_only']:.3f}")
    row(f"{title}: median angle error, degrees", found["angle_own"], "<=", 5, 2, "{:.1f}", f"of what can be seen {found['angle_seen']:.1f}")
    row(f"{title}: calibration error", found["ece"], "<=", 0.05, 0.02)
    row(f"{title}: 10 % overwritten", found["overwritten"], ">=", 0.85, 0.95)
    row(f"{title}: noise of sd 1.0", found["noise"], ">=", 0.85, 0.95, beside=beside)
    row(f"{title}: noise of sd 1.0, by the decoder", found["noise_by_decoder"], ">=", 0.85, 0.95, beside=beside)


def cards24():
    fixed = "cards:benches/cards"
    asked = {"60-200": (0.99, 0.998), "60-50": (0.95, 0.99), fixed: (0.95, 0.99), "180-200": (0.98, 0.995), "180-5": (0.92, 0.98), "180-1": (0.70, 0.95)}
    found = suits(asked, 24, "--hidden", 64)
    for name, (must, aim) in asked.items():
        title = "set of cards, 4x50, +-60" if name == fixed else "24 px, 4x{1}, +-{0}".format(*name.split("-"))
        report(title, found[name], must, aim, "an observer who knows the generator: 0.75 to 0.81")


def cards48():
    report("48 px, 4x200, +-60", suits(["60-200"], 48)["60-200"], 0.99, 0.998)


def recipe():
    with tempfile.TemporaryDirectory() as scratch:
        cards = pathlib.Path(scratch) / "cards"
        told(a.program, "cards", "--outlines", "symbols", "--px", 48, "--angle", 60, "--labelled", 200, "--unlabelled", 3000, "--validation", 1000, "--seed", 1, "--out", cards)
        sets = [word for name in ("labelled", "unlabelled", "validation") for word in (f"--{name}", cards / f"{name}.npz")]
        lines = told(a.program, "train", *sets, "--preset", "paper", "--set", "pixel_share=0.25", "--set", "class_threshold=1e-3", "--seed", 1, "--device", "cpu", "--json").splitlines()
    accuracy = json.loads(lines[-1])["accuracy"]
    row("published recipe at 48 px: off the published 0.86 by", abs(accuracy - 0.86), "<=", 0.02, None, "{:.3f}", f"accuracy {accuracy:.3f}")


print("| measure | found | must | aim | | beside it |\n|---|---|---|---|---|---|", flush=True)
for part in PARTS:
    if part in a.only:
        globals()[part]()
asked = [v for v in verdicts if v]
print(f"\n{sum(v != 'MISSED' for v in asked)} of {len(asked)} met, {sum(v == 'aim' for v in asked)} of them as aimed at")
