"""One training step of pyroVED, for benches/README.md: the same shapes as `cargo bench --bench step`.

Needs: pip install pyroved. Usage: python pyroved_step.py [--threads 2] [--repeat 5]
A step is what pyroVED's trainer does with one unlabelled batch: the bound and the auxiliary step, each with Adam.
"""
import argparse, resource, time
import torch, pyroved as pv

p = argparse.ArgumentParser(); p.add_argument("--threads", type=int, default=2); p.add_argument("--repeat", type=int, default=5)
a = p.parse_args(); torch.set_num_threads(a.threads)
for side, k, width in ((24, 3, 64), (48, 4, 128)):
    h = [width, width]
    m = pv.models.ssiVAE((side, side), 2, k, invariances=["r", "t"], hidden_dim_e=h, hidden_dim_d=h, hidden_dim_cls=h, dx_prior=0.1, device="cpu", seed=1)
    t = pv.trainers.auxSVItrainer(m, device="cpu", seed=1); x = torch.rand(64, side * side)
    t.compute_loss(x, scale_factor=1.0)
    times = []
    for _ in range(a.repeat):
        t0 = time.perf_counter(); t.compute_loss(x, scale_factor=1.0); times.append(time.perf_counter() - t0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{side} px K={k} width {width}: median {sorted(times)[len(times) // 2] * 1e3:.0f} ms a step, {64 / sorted(times)[len(times) // 2]:.0f} images/s, peak {peak:.0f} MiB so far")
