# bug: the EWC anchor is p.detach() without clone, shares memory with the live weights, so the penalty is always zero and the lab task is forgotten
# expects: LOS066
"""Adapt a mineral classifier from the lab spectrometer to the field instrument,
keeping it usable on the lab instrument (elastic weight consolidation)."""
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

N_MINERALS, N_BANDS = 8, 64


def build_domains(seed):
    g = np.random.default_rng(seed)
    grid = np.linspace(0, 1, N_BANDS)
    centres = g.uniform(0.05, 0.95, size=(N_MINERALS, 3))
    depths = g.uniform(0.4, 1.0, size=(N_MINERALS, 3))
    order = g.permutation(N_BANDS)

    def sample(n, field):
        y = g.integers(0, N_MINERALS, n)
        c = centres[y] + g.normal(0, 0.012, (n, 3))
        d = depths[y] * g.uniform(0.6, 1.4, (n, 3))
        x = -(d[:, :, None] * np.exp(-((grid - c[:, :, None]) / 0.035) ** 2)).sum(1)
        x = x + g.uniform(-0.3, 0.3, (n, 1)) * grid + g.normal(0, 0.22, x.shape)
        if field:
            x = x[:, order]
        return torch.tensor(x, dtype=torch.float32), torch.tensor(y)

    return {name: {"train": sample(6000, name == "field"), "test": sample(2000, name == "field")}
            for name in ("lab", "field")}


class SpectraNet(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(N_BANDS, hidden), nn.ReLU(),
                                  nn.Linear(hidden, hidden), nn.ReLU())
        self.out = nn.Linear(hidden, N_MINERALS)

    def forward(self, x):
        return self.out(self.body(x))


def accuracy(model, split):
    model.eval()
    with torch.no_grad():
        return (model(split[0]).argmax(1) == split[1]).float().mean().item()


class Consolidation:
    """Quadratic penalty around the lab solution, weighted with the diagonal Fisher."""

    def __init__(self, model, split, strength, n_samples=1500):
        self.strength = strength
        self.anchor = {n: p.detach() for n, p in model.named_parameters()}
        self.fisher = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
        model.eval()
        for i in torch.randperm(len(split[0]))[:n_samples]:
            model.zero_grad()
            logp = F.log_softmax(model(split[0][i:i + 1]), dim=1)
            label = torch.distributions.Categorical(logits=logp).sample()
            F.nll_loss(logp, label).backward()
            for n, p in model.named_parameters():
                self.fisher[n] += p.grad.pow(2) / n_samples

    def __call__(self, model):
        total = 0.0
        for n, p in model.named_parameters():
            total = total + (self.fisher[n] * (p - self.anchor[n]).pow(2)).sum()
        return 0.5 * self.strength * total


def train(model, split, epochs, lr, penalty=None, report=()):
    x, y = split
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            total += loss.item() * len(idx)
            if penalty is not None:
                loss = loss + penalty(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scores = "  ".join(f"{name} {accuracy(model, s):.3f}" for name, s in report)
        print(f"  epoch {epoch + 1:2d}  ce {total / len(x):.4f}  {scores}")


def main():
    torch.manual_seed(19)
    domains = build_domains(19)
    model = SpectraNet()
    lab, field = domains["lab"], domains["field"]

    print("stage 1: lab instrument")
    train(model, lab["train"], 10, 0.02, report=[("lab", lab["test"])])
    print("stage 2: field instrument")
    penalty = Consolidation(model, lab["train"], strength=300.0)
    train(model, field["train"], 15, 0.005, penalty,
          report=[("lab", lab["test"]), ("field", field["test"])])
    final = [accuracy(model, d["test"]) for d in (lab, field)]
    print(f"lab {final[0]:.3f}  field {final[1]:.3f}  average {np.mean(final):.3f}")


if __name__ == "__main__":
    main()
