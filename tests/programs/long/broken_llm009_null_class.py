# expects: LLM009
"""A class-conditional denoiser is guided by a null class, which no training example was ever given."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32) / 8 - 1
labels = torch.tensor(digits.target)
NULL, STEPS = 10, 20
kept = torch.linspace(0.99, 0.02, STEPS)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.label = nn.Embedding(11, 32)
        self.time = nn.Linear(1, 32)
        self.body = nn.Sequential(
            nn.Linear(64 + 32, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 64)
        )

    def forward(self, noisy, time, label):
        condition = self.label(label) + self.time(time[:, None].float() / STEPS)
        return self.body(torch.cat([noisy, condition], 1))


model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for step in range(600):
    rows = torch.randint(0, len(images), (64,))
    time, noise = torch.randint(0, STEPS, (64,)), torch.randn(64, 64)
    level = kept[time][:, None]
    noisy = level.sqrt() * images[rows] + (1 - level).sqrt() * noise
    loss = nn.functional.mse_loss(model(noisy, time, labels[rows]), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    x, wanted = torch.randn(16, 64), torch.arange(16) % 10
    for number in reversed(range(STEPS)):
        time = torch.full((16,), number)
        free = model(x, time, torch.full((16,), NULL))
        guided = free + 2.0 * (model(x, time, wanted) - free)
        level, before = kept[number], kept[number - 1] if number else torch.tensor(1.0)
        clean = ((x - (1 - level).sqrt() * guided) / level.sqrt()).clamp(-1, 1)
        x = before.sqrt() * clean + (1 - before).sqrt() * guided
print(loss.item(), x.abs().mean().item())
