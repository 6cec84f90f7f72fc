# sound
import torch
import torch.nn as nn
import torch.nn.functional as F

DIM, CLASSES = 30, 8


class Views:
    """Two noisy, randomly scaled observations of the same hidden object."""

    def __init__(self, seed):
        world = torch.Generator().manual_seed(123)
        self.centres = torch.randn(CLASSES, 6, generator=world)
        self.render = torch.randn(6, DIM, generator=world)
        self.g = torch.Generator().manual_seed(seed)

    def objects(self, n):
        y = torch.randint(0, CLASSES, (n,), generator=self.g)
        z = self.centres[y] + 0.8 * torch.randn(n, 6, generator=self.g)
        return z, y

    def view(self, z):
        x = torch.tanh(z @ self.render * 0.4)
        x = x * (0.4 + 1.2 * torch.rand(len(x), 1, generator=self.g))
        keep = (torch.rand(x.shape, generator=self.g) > 0.15).float()
        return x * keep + 0.15 * torch.randn(x.shape, generator=self.g)


def nt_xent(z1, z2, temperature=0.1):
    n = len(z1)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / temperature
    sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(0, n)])
    return F.cross_entropy(sim, target)


@torch.no_grad()
def retrieval_accuracy(encoder, data, n=200):
    """How often the nearest second view of unseen objects is the one of the same object."""
    encoder.eval()
    z, _ = data.objects(n)
    a = F.normalize(encoder(data.view(z)), dim=1)
    b = F.normalize(encoder(data.view(z)), dim=1)
    return ((a @ b.t()).argmax(1) == torch.arange(n)).float().mean().item()


torch.manual_seed(0)
train_data = Views(seed=1)
encoder = nn.Sequential(nn.Linear(DIM, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
print(f"before training: retrieval accuracy {retrieval_accuracy(encoder, Views(seed=2)):.3f}")
for step in range(1, 501):
    encoder.train()
    z, _ = train_data.objects(64)
    loss = nt_xent(encoder(train_data.view(z)), encoder(train_data.view(z)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.4f} retrieval accuracy {retrieval_accuracy(encoder, Views(seed=2)):.3f}")
