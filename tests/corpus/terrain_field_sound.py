# expects: nothing
import os
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class FourierLift(nn.Module):
    """Random Fourier features of plane coordinates."""

    def __init__(self, n_freq, scale):
        super().__init__()
        self.register_buffer("freqs", torch.randn(2, n_freq) * scale)

    def forward(self, xy):
        phase = 2 * np.pi * xy @ self.freqs
        return torch.cat([phase.sin(), phase.cos()], dim=-1)


class TerrainField(nn.Module):
    def __init__(self, n_freq=48, scale=1.5, hidden=64):
        super().__init__()
        self.lift = FourierLift(n_freq, scale)
        self.body = nn.Sequential(
            nn.Linear(2 * n_freq, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, 1)
        )

    def forward(self, xy):
        return self.body(self.lift(xy))[:, 0]


class Surveyor:
    def __init__(self, folder):
        self.path = os.path.join(folder, "terrain.pt")
        self.model = TerrainField()
        self.opt = torch.optim.NAdam(self.model.parameters(), lr=1.5e-3)
        self.best = float("inf")

    def score(self, model, xy, h):
        model.eval()
        with torch.inference_mode():
            return F.l1_loss(model(xy), h).item()

    def step(self, xy, h):
        self.model.train()
        self.opt.zero_grad()
        loss = F.huber_loss(self.model(xy), h, delta=0.5)
        loss.backward()
        self.opt.step()
        return loss.item()

    def fit(self, train, valid, steps=3000, batch=192):
        xy, h = train
        order, at = torch.randperm(len(xy)), 0
        for i in range(1, steps + 1):
            if at + batch > len(xy):
                order, at = torch.randperm(len(xy)), 0
            pick = order[at:at + batch]
            at += batch
            loss = self.step(xy[pick], h[pick])
            if i % 300 == 0:
                mae = self.score(self.model, *valid)
                mark = ""
                if mae < self.best:
                    self.best, mark = mae, " *"
                    torch.save(self.model.state_dict(), self.path)
                print(f"step {i} loss {loss:.4f} valid mae {mae:.4f}{mark}")

    def restored(self):
        model = TerrainField()
        model.load_state_dict(torch.load(self.path, weights_only=True))
        return model


def survey(n, rng):
    xy = rng.uniform(-1, 1, (n, 2))
    x, y = xy.T
    h = np.sin(4 * x + 2 * y) + 0.7 * np.cos(6 * y - x * x * 3) + 0.8 * np.exp(-8 * ((x - 0.3) ** 2 + (y + 0.2) ** 2))
    h = h + rng.normal(0, 0.05, n)
    return torch.tensor(xy, dtype=torch.float32), torch.tensor(h, dtype=torch.float32)


if __name__ == "__main__":
    torch.manual_seed(2)
    rng = np.random.default_rng(2)
    train, valid, test = survey(6000, rng), survey(1000, rng), survey(2000, rng)
    with tempfile.TemporaryDirectory() as folder:
        job = Surveyor(folder)
        job.fit(train, valid)
        final = job.restored()
        print(f"best valid mae {job.best:.4f}")
        print(f"test mae of the saved map {job.score(final, *test):.4f}")
