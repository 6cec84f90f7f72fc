# sound: the same program without that
"""1-D convnet on simulated machine-vibration windows: which of six fault types?"""
import json

import numpy as np
import torch
import torch.nn.functional as F

CONF = json.loads("""
{"classes": 6, "length": 128, "train": 1920, "val": 600, "batch": 64, "epochs": 20,
 "base_lr": 0.25, "momentum": 0.9, "weight_decay": 0.0001, "first_cycle": 200, "cycle_growth": 2}
""")


def simulate(n, seed):
    r = np.random.default_rng(seed)
    t = np.arange(CONF["length"])
    x, y = [], r.integers(0, CONF["classes"], n)
    for k in y:
        f = r.uniform(0.05, 0.09)
        ph = r.uniform(0, 2 * np.pi)
        base = np.sin(2 * np.pi * f * t + ph)
        if k == 1:      # second harmonic
            base = base + 0.6 * np.sin(4 * np.pi * f * t + r.uniform(0, 6.28))
        elif k == 2:    # amplitude modulation
            base = base * (1 + 0.8 * np.sin(2 * np.pi * 0.015 * t + r.uniform(0, 6.28)))
        elif k == 3:    # periodic knocks
            knock = np.zeros_like(base)
            knock[r.integers(0, 20)::r.integers(17, 24)] = 2.2
            base = base + knock
        elif k == 4:    # clipping
            base = np.clip(1.5 * base, -0.75, 0.75)
        elif k == 5:    # drift of the frequency
            base = np.sin(2 * np.pi * f * t * (1 + 0.004 * t) + ph)
        x.append(base * r.uniform(0.8, 1.25) + 0.4 * r.normal(size=len(t)))
    return torch.tensor(np.stack(x)[:, None], dtype=torch.float32), torch.tensor(y)


def init_params():
    shapes = {"c1": (24, 1, 7), "c2": (32, 24, 5), "c3": (48, 32, 5), "out": (CONF["classes"], 48)}
    params = {}
    for name, shp in shapes.items():
        fan = int(np.prod(shp[1:]))
        gain = 2.0 if name != "out" else 1.0
        params[name + ".w"] = (torch.randn(shp) * (gain / fan) ** 0.5).requires_grad_()
        params[name + ".b"] = torch.zeros(shp[0], requires_grad=True)
    for name in ("c1", "c2", "c3"):
        params[name + ".g"] = torch.ones(shapes[name][0], requires_grad=True)
    return params


def forward(p, x):
    for i, name in enumerate(("c1", "c2", "c3")):
        x = F.conv1d(x, p[name + ".w"], stride=2, padding=2)
        x = F.group_norm(x, 4, p[name + ".g"], p[name + ".b"])
        x = F.silu(x)
    return F.linear(x.mean(-1), p["out.w"], p["out.b"])


torch.manual_seed(99)
xtr, ytr = simulate(CONF["train"], 1)
xva, yva = simulate(CONF["val"], 2)
params = init_params()
opt = torch.optim.SGD(params.values(), lr=CONF["base_lr"], momentum=CONF["momentum"], weight_decay=CONF["weight_decay"])
sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=CONF["first_cycle"], T_mult=CONF["cycle_growth"])

for epoch in range(CONF["epochs"]):
    tot = 0.0
    for idx in torch.randperm(len(xtr)).split(CONF["batch"]):
        opt.zero_grad()
        loss = F.cross_entropy(forward(params, xtr[idx]), ytr[idx])
        loss.backward()
        opt.step()
        sched.step()
        tot += loss.item() * len(idx)
    with torch.no_grad():
        out = forward(params, xva)
        vl, acc = F.cross_entropy(out, yva), (out.argmax(1) == yva).float().mean()
    print(f"epoch {epoch + 1:2d}  train {tot / len(xtr):.4f}  val {vl:.4f}  acc {acc:.3f}")
