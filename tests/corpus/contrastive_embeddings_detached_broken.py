# bug: both views' embeddings are detached by .data in the similarity matrix; only the regulariser reaches the encoder
# expects: LOS043 LOS006 MOD011
"""Contrastive learning on digits, evaluated by a nearest-centroid probe."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Encoder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
        )
        self.projector = nn.Sequential(nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.projector(self.conv(x))


def augment(x):
    x = torch.roll(x, (int(torch.randint(-1, 2, ())), int(torch.randint(-1, 2, ()))), (2, 3))
    scale = 0.8 + 0.4 * torch.rand(len(x), 1, 1, 1)
    return scale * x + 0.1 * torch.randn_like(x)


class NTXent(nn.Module):
    def __init__(self, temperature=0.3):
        super().__init__()
        self.temperature = temperature

    def forward(self, a, b):
        z = F.normalize(torch.cat([a, b]), dim=1)
        sim = z.data @ z.data.T / self.temperature
        sim.fill_diagonal_(float("-inf"))
        n = len(a)
        target = torch.cat([torch.arange(n) + n, torch.arange(n)])
        penalty = 1e-3 * (a.pow(2).mean() + b.pow(2).mean())
        return F.cross_entropy(sim, target) + penalty


@torch.no_grad()
def centroid_accuracy(encoder, x, y, xt, yt):
    z, zt = F.normalize(encoder(x), dim=1), F.normalize(encoder(xt), dim=1)
    centroids = F.normalize(torch.stack([z[y == c].mean(0) for c in range(10)]), dim=1)
    return ((zt @ centroids.T).argmax(1) == yt).float().mean().item()


def main():
    torch.manual_seed(0)
    d = load_digits()
    x, y = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(d.target)
    xt, yt, x, y = x[1400:], y[1400:], x[:1400], y[:1400]
    encoder, criterion = Encoder(), NTXent()
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
    print(f"random encoder: centroid accuracy {centroid_accuracy(encoder, x, y, xt, yt):.3f}")
    for epoch in range(10):
        total = 0.0
        batches = torch.randperm(len(x)).split(70)
        for idx in batches:
            loss = criterion(encoder(augment(x[idx])), encoder(augment(x[idx])))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / len(batches)
        print(f"epoch {epoch}: NT-Xent {total:.4f}, centroid accuracy {centroid_accuracy(encoder, x, y, xt, yt):.3f}")


if __name__ == "__main__":
    main()
