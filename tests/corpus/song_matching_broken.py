# bug: The temperature of a softmax/contrastive loss is far too small.
# expects: LOS050
"""Match noisy sound snippets to clean song sketches: two encoders, InfoNCE, retrieval recall."""
import torch
from torch import nn, optim
from torch.nn import functional as F


class Song:
    """A latent song vector seen through two very different, noisy views."""

    def __init__(self, seed=17, latent=12):
        g = self.g = torch.Generator().manual_seed(seed)
        self.latent = latent
        self.a1 = torch.randn(latent, 64, generator=g) / latent ** 0.5
        self.a2 = torch.randn(64, 60, generator=g) / 8
        self.b1 = torch.randn(latent, 64, generator=g) / latent ** 0.5
        self.b2 = torch.randn(64, 40, generator=g) / 8

    def draw(self, n):
        z = torch.randn(n, self.latent, generator=self.g)
        snippet = torch.tanh(1.5 * z @ self.a1) @ self.a2 + 0.25 * torch.randn(n, 60, generator=self.g)
        sketch = torch.sin(1.5 * z @ self.b1) @ self.b2 + 0.15 * torch.randn(n, 40, generator=self.g)
        return snippet, sketch


def tower(n_in, n_out=32, width=128):
    return nn.Sequential(nn.Linear(n_in, width), nn.LayerNorm(width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, n_out))


class Matcher(nn.Module):
    temperature = 0.001

    def __init__(self):
        super().__init__()
        self.left, self.right = tower(60), tower(40)

    def similarity(self, a, b):
        return F.normalize(self.left(a), dim=-1) @ F.normalize(self.right(b), dim=-1).T

    def forward(self, a, b):
        logits = self.similarity(a, b) / self.temperature
        target = torch.arange(len(a))
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def recall(model, a, b, k):
    with torch.no_grad():
        top = model.similarity(a, b).topk(k, dim=1).indices
    return (top == torch.arange(len(a))[:, None]).any(1).float().mean().item()


torch.manual_seed(17)
world = Song()
a, b = world.draw(12000)
va, vb = world.draw(400)
model = Matcher()
optimiser = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
step = 0
for epoch in range(10):
    for idx in torch.randperm(len(a)).split(128):
        loss = model(a[idx], b[idx])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
    if epoch % 2 == 1:
        with torch.no_grad():
            vl = model(va, vb).item()
        print(f"step {step}: loss {loss.item():.3f}  val loss {vl:.3f}  recall@1 {recall(model, va, vb, 1):.3f}  recall@10 {recall(model, va, vb, 10):.3f}")
