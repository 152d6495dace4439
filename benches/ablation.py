"""What each ingredient of the default preset is worth: the card suits without it, and with it alone.

Needs: numpy. Usage: python benches/ablation.py target/release/nanotheca [--row 180-5] [--seeds 1] [--px 24] [--hidden 64] [--alone]
Every line is one call of benches/accuracy.py; without --alone one ingredient is left out of the whole, with it one is
added to the labelled and unlabelled bounds alone (one turn, nothing augmented, constant rate). What only saves time stays on there:
exact sums over all pixels, classes and turns would take an hour a line.
"""
import argparse, pathlib, re, subprocess, sys

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("--row", default="180-5"); p.add_argument("--seeds", default="1")
p.add_argument("--px", default="24"); p.add_argument("--hidden", default="64"); p.add_argument("--alone", action="store_true")
a = p.parse_args()

# Name, the settings without it.
INGREDIENTS = [
    ("turned copies", ["rotations=1"]),
    ("poses of labelled images", ["augmentation.angle_deg=0", "augmentation.shift=0", "augmentation.stretch=0", "augmentation.noise=0"]),
    ("of them the stretch", ["augmentation.stretch=0"]),
    ("agreement of two views", ["consistency=0"]),
    ("of it the noise", ["view_noise=0"]),
    ("falling learning rate", ["final_rate=1", "learning_rate=5e-4"]),
    ("two pairs of class and turn (eight instead)", ["most_pairs=8", "class_threshold=0"]),
    ("subset of pixels", ["pixel_share=1"]),
]
# Parts of the line above them: alone they come with it.
PARTS = ["of them the stretch", "of it the noise"]
SAVES_TIME = ["two pairs of class and turn (eight instead)", "subset of pixels"]
SHOWN = ["accuracy", "ece", "angle_seen", "r_scale", "seconds"]


def measured(settings):
    words = [sys.executable, str(pathlib.Path(__file__).with_name("accuracy.py")), a.program, a.row, "--seeds", a.seeds, "--px", a.px,
             "--hidden", a.hidden, "--no-labels-only", *(word for s in settings for word in ("--set", s))]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    numbers = dict(re.findall(r"(\S+) (\S+)", told.split(" MEAN ")[1]))
    return [numbers.get(name, "nan") for name in SHOWN]


def without(names):
    return list(dict.fromkeys(setting for name, settings in INGREDIENTS if name in names for setting in settings))


print(f"| {'with it alone' if a.alone else 'without it'} |", " | ".join(SHOWN), "|\n|---|" + "---|" * len(SHOWN))
every = [name for name, _ in INGREDIENTS if not (a.alone and name in PARTS + SAVES_TIME)]
for name in ["none of them" if a.alone else "all of them", *every]:
    settings = without([other for other in every if other != name] if a.alone else [name])
    print(f"| {name} |", " | ".join(measured(settings)), "|", flush=True)
