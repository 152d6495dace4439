"""Would a convolutional classifier tell turned copies better than the dense one? Labels alone, card suits at 24 px, +-180 degrees.

Needs: numpy, torch. Usage: python benches/conv.py target/release/nanotheca [--labels 200 5] [--steps 800] [--threads 2]
Both look at 16 turned copies of an image, choose class and turn together and learn from labelled images in new poses (any angle, shift
0.12, stretch 0.15), with noise of up to 0.1 or of up to 1.2 over every second one. Prints accuracy, accuracy under noise of sd 1, and seconds.
"""
import argparse, math, pathlib, subprocess, tempfile, time
import numpy as np, torch
from torch import nn

p = argparse.ArgumentParser()
p.add_argument("program"); p.add_argument("--labels", type=int, nargs="+", default=[200, 5]); p.add_argument("--steps", type=int, default=800); p.add_argument("--threads", type=int, default=2)
a = p.parse_args(); torch.set_num_threads(a.threads)
PX, TURNS, K = 24, 16, 4
middle = torch.arange(PX) - (PX - 1) / 2
circle = (middle[:, None] ** 2 + middle[None] ** 2 <= (PX / 2) ** 2).flatten()


def copies(x, angle, shift, stretch):
    """[n, turns, px, px]: each image posed and turned back by every turn, one interpolation. angle [n], shift [n, 2], stretch [n, 2, 2]."""
    turn = torch.arange(TURNS) * 2 * math.pi / TURNS
    rotation = lambda t: torch.stack([torch.stack([t.cos(), -t.sin()], -1), torch.stack([t.sin(), t.cos()], -1)], -2)
    matrix = stretch[:, None] @ rotation(angle[:, None] - turn[None])
    moved = -(stretch @ rotation(angle) @ (2 * shift)[..., None])
    theta = torch.cat([matrix, moved[:, None].expand(-1, TURNS, -1, -1)], -1).flatten(0, 1)
    grid = nn.functional.affine_grid(theta, (len(theta), 1, PX, PX), align_corners=False)
    wide = x[:, None, None].expand(-1, TURNS, -1, -1, -1).flatten(0, 1)
    return nn.functional.grid_sample(wide, grid, align_corners=False).view(len(x), TURNS, PX, PX)


class Dense(nn.Module):
    def __init__(self):
        super().__init__(); self.net = nn.Sequential(nn.Linear(int(circle.sum()), 64), nn.LeakyReLU(), nn.Linear(64, 64), nn.LeakyReLU(), nn.Linear(64, K))

    def forward(self, x):
        return self.net(x.flatten(2)[..., circle]).flatten(1).log_softmax(1)


class Conv(nn.Module):
    def __init__(self):
        super().__init__(); self.net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.LeakyReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.LeakyReLU(),
                                                     nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * (PX // 4) ** 2, 64), nn.LeakyReLU(), nn.Linear(64, K))

    def forward(self, x):
        return self.net((x * circle.view(PX, PX)).flatten(0, 1)[:, None]).view(len(x), -1).log_softmax(1)


def load(path):
    d = np.load(path); x = torch.tensor(d["images"], dtype=torch.float32)
    return x / 255 if x.max() > 1.5 else x, torch.tensor(d["labels"]).long()


def accuracy(model, x, y):
    still = lambda n: (torch.zeros(n), torch.zeros(n, 2), torch.eye(2).expand(n, 2, 2))
    with torch.no_grad():
        q = torch.cat([model(copies(part, *still(len(part)))).exp().view(-1, TURNS, K).sum(1) for part in x.split(200)])
    return (q.argmax(1) == y).float().mean().item()


with tempfile.TemporaryDirectory() as scratch:
    for labels in a.labels:
        folder = pathlib.Path(scratch) / str(labels)
        draw = [a.program, "cards", "--px", str(PX), "--angle", "180", "--labelled", str(labels), "--unlabelled", "5", "--validation", "500", "--seed", "1"]
        subprocess.run([*draw, "--out", str(folder)], check=True, capture_output=True); subprocess.run([*draw, "--noise", "1.0", "--out", str(folder / "noise")], check=True, capture_output=True)
        x, y = load(folder / "labelled.npz"); clean, noisy = load(folder / "validation.npz"), load(folder / "noise" / "validation.npz")
        for most in (0.1, 1.2):
            for kind in (Dense, Conv):
                torch.manual_seed(1); model = kind(); began = time.time()
                adam = torch.optim.Adam(model.parameters(), 2e-3); falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, a.steps, 2e-5)
                for _ in range(a.steps):
                    some = torch.randint(len(x), (64,)); u = lambda limit, *shape: (2 * torch.rand(*shape) - 1) * limit
                    angle, size = u(math.pi, 64), 1 + u(0.15, 64)
                    stretch = size[:, None, None] * (torch.eye(2) + u(0.15, 64)[:, None, None] * torch.tensor([[0.0, 1], [0, 0]]) + u(0.15, 64)[:, None, None] * torch.tensor([[0.0, 0], [1, 0]]))
                    sd = torch.rand(64) * most * (torch.rand(64) < 0.5)
                    seen = copies((x[some] + sd[:, None, None] * torch.randn(64, PX, PX)).clamp(0, 1), angle, u(0.12, 64, 2), stretch)
                    log_q = model(seen).view(64, TURNS, K)[torch.arange(64), :, y[some]]
                    at = (angle / (2 * math.pi) % 1) * TURNS; low = at.floor().long() % TURNS; part = at - at.floor()
                    shares = torch.zeros(64, TURNS).scatter_add_(1, low[:, None], (1 - part)[:, None]).scatter_add_(1, ((low + 1) % TURNS)[:, None], part[:, None])
                    log_class = log_q.logsumexp(1)
                    loss = -(log_class + 0.5 * (shares * (log_q - log_class[:, None])).sum(1)).mean()
                    adam.zero_grad(); loss.backward(); adam.step(); falling.step()
                print(f"{labels} labels, noise to {most}: {kind.__name__:5} accuracy {accuracy(model, *clean):.4f}, under noise {accuracy(model, *noisy):.3f}, {time.time() - began:.0f} s", flush=True)
