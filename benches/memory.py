"""Peak memory of exact training steps, 48 px, K 4, batch 64, width 128: the whole process, and what it adds to the same process at 12 px.

Usage: python benches/memory.py target/release/nanotheca PYTHON   (PYTHON has pyroved)
"""
import pathlib, resource, subprocess, sys, tempfile

program, python = sys.argv[1:3]
here = pathlib.Path(__file__).parent


def peak(words):
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    return float(subprocess.run([sys.executable, "-c", code, *map(str, words)], check=True, capture_output=True, text=True).stdout)


with tempfile.TemporaryDirectory() as scratch:
    for name, command in (
        ("nanotheca", lambda d: [program, "train", "--labelled", d / "labelled.npz", "--unlabelled", d / "unlabelled.npz", "--preset", "paper", "--epochs", 1, "--device", "cpu"]),
        ("pyroVED", lambda d: [python, here / "pyroved_cards.py", d, "--epochs", 1, "--hidden", 128]),
    ):
        found = []
        for px in (12, 48):
            d = pathlib.Path(scratch) / str(px)
            subprocess.run([program, "cards", "--px", str(px), "--labelled", "16", "--unlabelled", "32", "--validation", "4", "--out", str(d)], check=True, stdout=subprocess.DEVNULL)
            found.append(peak(command(d)))
        print(f"{name}: {found[1]:.0f} MiB, of which the pixels take {found[1] - found[0]:.0f} MiB", flush=True)
