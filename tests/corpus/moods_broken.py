# bug: probabilities into kl_div
# expects: LOS002
# How do listeners feel about a piece of music? Each piece was heard by 15 people, everyone chose one of six moods.
# We predict the whole distribution of the votes from audio descriptors.
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim

MOODS = ("calm", "happy", "tense", "sad", "angry", "dreamy")
cfg = dict(seed=13, n=7000, votes=15, hidden=64, dropout=0.1, lr=3e-3, wd=1e-3, epochs=45, batch=50)


def build_data(cfg):
    rng = np.random.default_rng(cfg["seed"])
    tempo = rng.normal(110, 25, cfg["n"])
    loudness = rng.normal(-14, 4, cfg["n"]) + 0.06 * (tempo - 110)
    brightness = rng.gamma(4, 500, cfg["n"])
    major = rng.random(cfg["n"])
    roughness = rng.beta(2, 5, cfg["n"])
    chroma = rng.dirichlet(np.ones(7), cfg["n"])
    z = lambda v: (v - v.mean()) / v.std()
    t, l, b, r = z(tempo), z(loudness), z(brightness), z(roughness)
    m = 2 * major - 1
    score = np.stack([
        -0.8 * l - 0.5 * t, 0.7 * t + 1.3 * m, 0.9 * r - 0.4 * m + 0.3 * l * t,
        -0.6 * t - 1.2 * m, 0.9 * l + 0.7 * r * (l > 0), -0.5 * l + 0.6 * b * (r < 0),
    ], 1)
    p = np.exp(score)
    p /= p.sum(1, keepdims=True)
    votes = np.stack([rng.multinomial(cfg["votes"], q) for q in p]) / cfg["votes"]
    X = np.column_stack([tempo, loudness, brightness, major, roughness, chroma])
    return X.astype(np.float32), votes.astype(np.float32)


def split_and_scale(X, V, seed):
    order = np.random.default_rng(seed).permutation(len(X))
    a, b = order[: int(0.75 * len(X))], order[int(0.75 * len(X)):]
    mu, sd = X[a].mean(0), X[a].std(0)
    t = torch.from_numpy
    return t((X[a] - mu) / sd), t(V[a]), t((X[b] - mu) / sd), t(V[b])


def make_model(n_in, cfg):
    return nn.Sequential(
        nn.Linear(n_in, cfg["hidden"]), nn.SiLU(), nn.Dropout(cfg["dropout"]),
        nn.Linear(cfg["hidden"], cfg["hidden"]), nn.SiLU(), nn.Dropout(cfg["dropout"]),
        nn.Linear(cfg["hidden"], len(MOODS)),
    )


def mood_loss(out, votes):
    return F.kl_div(F.softmax(out, dim=1), votes, reduction="batchmean")


def report(model, X, V):
    model.eval()
    with torch.no_grad():
        out = model(X)
        p = out.softmax(1)
    tv = 0.5 * (p - V).abs().sum(1).mean().item()
    top = (p.argmax(1) == V.argmax(1)).float().mean().item()
    return mood_loss(out, V).item(), tv, top


def run(cfg):
    torch.manual_seed(cfg["seed"])
    X, V, Xv, Vv = split_and_scale(*build_data(cfg), cfg["seed"])
    model = make_model(X.shape[1], cfg)
    opt = optim.AdamW(model.parameters(), lr=cfg["lr"], weight_decay=cfg["wd"])
    steps = math.ceil(len(X) / cfg["batch"]) * cfg["epochs"]
    sched = optim.lr_scheduler.LambdaLR(opt, lambda s: 0.5 * (1 + math.cos(math.pi * min(s / steps, 1))))
    base = 0.5 * (V.mean(0) - Vv).abs().sum(1).mean().item()
    print(f"distance of the average vote to the single pieces: {base:.3f}")
    for ep in range(cfg["epochs"]):
        model.train()
        losses = []
        for idx in torch.randperm(len(X)).split(cfg["batch"]):
            loss = mood_loss(model(X[idx]), V[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        if ep % 3 == 2:
            vl, tv, top = report(model, Xv, Vv)
            print(f"{ep + 1:3d} | train {np.mean(losses):.4f} | val {vl:.4f} | distance {tv:.4f} | top mood {top:.3f}")
    with torch.no_grad():
        p = model(Xv[:3]).softmax(1)
    for q, v in zip(p, Vv):
        print("  ".join(f"{name} {a:.2f}/{b:.2f}" for name, a, b in zip(MOODS, q.tolist(), v.tolist())))


if __name__ == "__main__":
    run(cfg)
