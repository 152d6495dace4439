"""pyroVED's own training with the published recipe on labelled.npz, unlabelled.npz and validation.npz: prints CSV epoch,seconds,loss,accuracy.

Needs: pip install pyroved numpy. Usage: python benches/pyroved_cards.py DIR [--epochs 60] [--hidden 64] [--threads 2] [--seed 1]
Seconds are wall time from the first step on, evaluation included, as for `nanotheca train`.
"""
import argparse, pathlib, time
import numpy as np, pyroved, torch

p = argparse.ArgumentParser()
p.add_argument("dir", type=pathlib.Path); p.add_argument("--epochs", type=int, default=60); p.add_argument("--hidden", type=int, default=64)
p.add_argument("--threads", type=int, default=2); p.add_argument("--seed", type=int, default=1)
a = p.parse_args()
torch.set_num_threads(a.threads)
sets = {name: np.load(a.dir / f"{name}.npz") for name in ("labelled", "unlabelled", "validation")}


def pixels(name):
    images = torch.from_numpy(sets[name]["images"]).float().flatten(1)
    return images / 255 if sets[name]["images"].dtype == np.uint8 else images


classes = int(sets["labelled"]["labels"].max()) + 1
one_hot = lambda name: torch.nn.functional.one_hot(torch.from_numpy(sets[name]["labels"]).long(), classes).float()
loaders = pyroved.utils.init_ssvae_dataloaders(pixels("unlabelled"), (pixels("labelled"), one_hot("labelled")), (pixels("validation"), one_hot("validation")), batch_size=64)
widths = [a.hidden, a.hidden]
model = pyroved.models.ssiVAE(sets["unlabelled"]["images"].shape[1:], 2, classes, invariances=["r", "t"], hidden_dim_e=widths, hidden_dim_d=widths, hidden_dim_cls=widths, dx_prior=0.1, seed=a.seed)
trainer = pyroved.trainers.auxSVItrainer(model, seed=a.seed)
began = time.time()
print("epoch,seconds,loss,accuracy")
for epoch in range(a.epochs):
    trainer.step(*loaders, aux_loss_multiplier=30, scale_factor=1 + min(epoch, 29) / 29)
    print(f"{epoch + 1},{time.time() - began:.1f},{trainer.history['training_loss'][-1]:.3f},{trainer.history['test'][-1]:.4f}", flush=True)
