# expects: no-rule-yet
# Jet shapes: each jet is an unordered set of a varying number of particles; a deep-set network estimates
# the true girth (momentum-weighted radius) from what the detector reconstructs.
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Jets(Dataset):
    """Particle features: transverse momentum (GeV), eta and phi relative to the axis, charge, track quality."""

    def __init__(self, n, seed):
        g = np.random.default_rng(seed)
        self.parts, girth = [], []
        for _ in range(n):
            m = int(np.clip(np.exp(g.normal(2.0, 0.95)), 4, 120))
            width = 0.15 * np.exp(g.normal(0, 0.35))
            pt = 1 + g.gamma(2.0, 3.0, m)
            eta, phi = g.normal(0, width, m), g.normal(0, width, m)
            girth.append((pt * np.hypot(eta, phi)).sum() / pt.sum())
            qual = g.uniform(0.2, 1.0, m)
            charge = g.choice([-1, 0, 1], m)
            pt = pt * np.exp(g.normal(0, 0.06, m))
            eta, phi = eta + g.normal(0, 0.008, m) / qual, phi + g.normal(0, 0.008, m) / qual
            self.parts.append(torch.tensor(np.stack([pt, eta, phi, charge, qual], 1), dtype=torch.float32))
        self.target = torch.tensor(np.log(girth), dtype=torch.float32)

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, i):
        return self.parts[i], self.target[i]


def collate(jets):
    sets, targets = zip(*jets)
    return nn.utils.rnn.pad_sequence(sets, batch_first=True), torch.stack(targets)


class GirthNet(nn.Module):
    def __init__(self, mean, std, offset, width=40):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("offset", offset)
        self.phi = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.rho = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, x):
        x = (x - self.mean) / self.std
        present = (x != 0).any(-1, keepdim=True).float()
        pooled = (self.phi(x) * present).sum(1) / present.sum(1)
        return self.rho(pooled).squeeze(1) + self.offset


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        pred = torch.cat([model(x) for x, _ in loader])
    true = loader.dataset.target
    return 1 - ((pred - true) ** 2).mean() / true.var(unbiased=False)


def main(epochs=18, batch_size=32):
    torch.manual_seed(0)
    train, valid = Jets(3000, seed=10), Jets(1000, seed=20)
    every = torch.cat(train.parts)
    model = GirthNet(every.mean(0), every.std(0), train.target.mean())
    loaders = (DataLoader(train, batch_size, shuffle=True, collate_fn=collate), DataLoader(valid, 250, collate_fn=collate))
    optim = torch.optim.Adam(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(optim, max_lr=4e-3, total_steps=epochs * len(loaders[0]))
    criterion = nn.MSELoss()
    for ep in range(epochs):
        model.train()
        tot = 0
        for x, y in loaders[0]:
            loss = criterion(model(x), y)
            optim.zero_grad(set_to_none=True)
            loss.backward()
            optim.step()
            sched.step()
            tot += loss.item() * len(y)
        print(f"{ep:>3} loss {tot / len(train):.4f} valid R2 {evaluate(model, loaders[1]):.4f}")


if __name__ == "__main__":
    main()
