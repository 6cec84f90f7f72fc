# bug: the outputs and losses are appended with their graphs to lists at every step, so memory grows without end
# expects: MEM001 MEM003
import resource
import statistics
import sys

import torch
import torch.nn as nn


def rss_mb():
    v = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return v / 1024 if sys.platform != "darwin" else v / 2 ** 20


class DenoisingAutoencoder(nn.Module):
    def __init__(self, n=64, width=256, code=12):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(n, width), nn.ReLU(), nn.Linear(width, code))
        self.dec = nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, n))

    def forward(self, x):
        return self.dec(self.enc(x))


def harmonics(n, gen):
    t = torch.arange(64) / 64
    a = torch.randn(n, 3, 1, generator=gen)
    p = torch.rand(n, 3, 1, generator=gen) * 6.2832
    f = torch.tensor([1.0, 2.0, 4.0]).view(1, 3, 1)
    return (a * torch.sin(6.2832 * f * t + p)).sum(1) / 1.22


gen = torch.Generator().manual_seed(71)
torch.manual_seed(71)
train_set, test_set = harmonics(4000, gen), harmonics(500, gen)
model = DenoisingAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
history, errors = [], []
before = rss_mb()

for step in range(1, 401):
    clean = train_set[torch.randint(0, 4000, (128,), generator=gen)]
    noisy = clean + 0.3 * torch.randn(clean.shape, generator=gen)
    output = model(noisy)
    loss = nn.functional.mse_loss(output, clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss)
    errors.append((model(clean) - clean).pow(2).mean(1))
    if step % 100 == 0:
        recent = statistics.fmean(float(v) for v in history[-50:])
        print(f"step {step} loss {recent:.4f} worst example {torch.cat(errors[-50:]).max().item():.3f}, peak memory +{rss_mb() - before:.0f} MB")

model.eval()
with torch.no_grad():
    noisy = test_set + 0.3 * torch.randn(test_set.shape, generator=gen)
    print(f"test mse {nn.functional.mse_loss(model(noisy), test_set).item():.4f} (noise alone 0.0900)")
