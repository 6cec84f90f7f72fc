# sound
import math

import torch
import torch.nn as nn
from sklearn.datasets import make_moons

STEPS = 40


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2 + 16, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2),
        )
        self.register_buffer("freqs", torch.exp(torch.linspace(0, math.log(100.0), 8)))

    def forward(self, x, t):
        a = (t.float() / STEPS)[:, None] * self.freqs
        return self.net(torch.cat([x, a.sin(), a.cos()], dim=1))


class Diffusion:
    def __init__(self):
        self.betas = torch.linspace(1e-3, 0.2, STEPS)
        self.alphas = 1 - self.betas
        self.abar = torch.cumprod(self.alphas, 0)

    def add_noise(self, x0, t, eps):
        ab = self.abar[t][:, None]
        return ab.sqrt() * x0 + (1 - ab).sqrt() * eps

    def loss(self, model, x0):
        t = torch.randint(0, STEPS, (len(x0),))
        eps = torch.randn_like(x0)
        xt = self.add_noise(x0, t, eps)
        return ((model(xt, t) - eps) ** 2).mean()

    @torch.no_grad()
    def sample(self, model, n):
        model.eval()
        x = torch.randn(n, 2)
        for i in reversed(range(STEPS)):
            eps = model(x, torch.full((n,), i))
            x = (x - self.betas[i] / (1 - self.abar[i]).sqrt() * eps) / self.alphas[i].sqrt()
            if i > 0:
                x = x + self.betas[i].sqrt() * torch.randn_like(x)
        return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def moons(n, seed):
    x = torch.tensor(make_moons(n, noise=0.05, random_state=seed)[0], dtype=torch.float32)
    return (x - torch.tensor([0.5, 0.25])) / torch.tensor([0.87, 0.5])


def main():
    torch.manual_seed(0)
    data, held_out = moons(4000, 0), moons(1000, 1)
    diffusion, model = Diffusion(), Denoiser()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    step = 0
    for epoch in range(18):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(data)).split(100):
            loss = diffusion.loss(model, data[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            step += 1
        if epoch % 3 == 2:
            dist = energy_distance(diffusion.sample(model, 1000), held_out)
            print(f"step {step} loss {total / 40:.4f} energy distance of samples {dist:.4f}")


main()
