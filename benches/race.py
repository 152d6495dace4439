"""Time to pyroVED's loss and to accuracy 0.90, on the same files and the same machine, beside pyroVED's own 60 epochs.

Needs: numpy, and PYTHON with pyroved (pip install pyroved). Usage: python benches/race.py target/release/nanotheca PYTHON [DIR] [--epochs 60]
DIR holds labelled.npz, unlabelled.npz, validation.npz: benches/cards if it is left out, or another set, drawn with
`nanotheca cards --px 24 --angle 60 --labelled 50 --unlabelled 500 --validation 500 --out DIR`; then let pyroVED run to its end, --measured 60.
pyroVED runs first, two threads; its time to the end is measured over --measured epochs and scaled, its loss after all of them is
--target unless --measured is all. The default preset then trains for growing numbers of epochs, each run from the start, until its exact
loss (all pixels, all classes, beta 2) is below the target.
"""
import argparse, csv, json, pathlib, subprocess

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("python"); p.add_argument("dir", type=pathlib.Path, nargs="?", default=pathlib.Path(__file__).with_name("cards")); p.add_argument("--epochs", type=int, default=60)
p.add_argument("--measured", type=int, default=6); p.add_argument("--target", type=float, default=89.7); p.add_argument("--hidden", default="64"); p.add_argument("--seed", default="1")
a = p.parse_args()
here = pathlib.Path(__file__).parent
words = [a.python, str(here / "pyroved_cards.py"), str(a.dir), "--epochs", str(a.measured), "--hidden", a.hidden]
theirs = list(csv.DictReader(subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()))
whole = float(theirs[-1]["seconds"]) * a.epochs / a.measured
target = float(theirs[-1]["loss"]) if a.measured == a.epochs else a.target
print(f"pyroVED: {a.measured} epochs in {theirs[-1]['seconds']} s, {a.epochs} in {whole:.0f} s; loss to reach {target:.1f}", flush=True)
reached = sure = None
for epochs in (5, 8, 12, 16, 20, 25, 30, 40, 60):
    words = [a.program, "train", "--labelled", a.dir / "labelled.npz", "--unlabelled", a.dir / "unlabelled.npz", "--validation", a.dir / "validation.npz",
             "--device", "cpu", "--hidden", a.hidden, "--epochs", epochs, "--seed", a.seed, "--json", "--bound"]
    lines = [json.loads(l) for l in subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout.splitlines()]
    curve, bound = lines[:-1], lines[-1]["bound"]
    first = next((l["seconds"] for l in curve if l["accuracy"] >= 0.90), None)
    print(f"{epochs} epochs: {curve[-1]['seconds']:.1f} s, exact loss {bound:.1f}, accuracy {curve[-1]['accuracy']:.4f}, 0.90 after {first} s", flush=True)
    if first is not None:
        sure = min(first, sure or first)
    if bound <= target:
        reached = reached or curve[-1]["seconds"]
    if reached and sure:
        break
for what, seconds in (("the loss", reached), ("accuracy 0.90", sure)):
    print(f"{what}: " + (f"{seconds:.1f} s, 1/{whole / seconds:.0f} of pyroVED's {a.epochs} epochs" if seconds else "not reached"))
