# expects: MOD050
"""Images of 8 x 8; the time is a float that the training loop leaves at its first value."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
T = 200
alphas = torch.cumprod(1 - torch.linspace(1e-4, 0.05, T), 0)


class UNetLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp, self.mid, self.out = (
            nn.Conv2d(1, 16, 3, padding=1),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.Conv2d(16, 1, 3, padding=1),
        )
        self.emb = nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 16))

    def forward(self, x, t):
        h = F.silu(self.inp(x)) + self.emb(t[:, None])[:, :, None, None]
        return self.out(F.silu(self.mid(h)))


net = UNetLike()
opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
pattern = torch.randn(4, 1, 8, 8).sign()
told = torch.full((32,), 1.0 / T)
for it in range(200):
    x0 = pattern[torch.randint(0, 4, (32,))]
    step = torch.randint(0, T, (32,))
    eps = torch.randn_like(x0)
    a = alphas[step].view(-1, 1, 1, 1)
    loss = F.mse_loss(net(a.sqrt() * x0 + (1 - a).sqrt() * eps, told), eps)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
