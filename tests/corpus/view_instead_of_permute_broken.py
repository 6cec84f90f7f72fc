# bug: image patches are made with view where a permute is needed, so each 'patch' holds scrambled pixels
# expects: MOD044 MOD009 DAT009 MOD012
"""MLP-Mixer on colour patches: which corner is the bright square in?"""
import torch
import torch.nn as nn

SIZE, PATCH = 12, 4


def images(n):
    x = torch.randn(n, 3, SIZE, SIZE) * 0.6
    y = torch.randint(0, 9, (n,))
    r, c = (y // 3) * 4, (y % 3) * 4
    colour = torch.rand(n, 3)
    for k in range(n):
        x[k, :, r[k]:r[k] + 4, c[k]:c[k] + 4] += 0.8 * (1 - 2 * (k % 2)) * colour[k, :, None, None]
    return x, y


def patchify(x):
    n, c, h, w = x.shape
    gh, gw = h // PATCH, w // PATCH
    return x.view(n, gh * gw, c * PATCH * PATCH)


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token = nn.Sequential(nn.Linear(tokens, 2 * tokens), nn.GELU(), nn.Linear(2 * tokens, tokens))
        self.channel = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.token(self.n1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel(self.n2(x))


class PatchNet(nn.Module):
    """Shared energy score per patch, then a mixer."""

    def __init__(self, dim=24):
        super().__init__()
        self.embed = nn.Linear(3 * PATCH * PATCH, dim)
        self.mixer = MixerBlock(9, dim)
        self.score = nn.Linear(dim, 1)

    def forward(self, x):
        h = torch.relu(self.embed(patchify(x)))
        return self.score(self.mixer(h)).squeeze(-1)


torch.manual_seed(22)
net = PatchNet()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
xt, yt = images(400)
x, y = images(2000)
for epoch in range(8):
    net.train()
    losses = []
    for idx in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        acc = (net(xt).argmax(1) == yt).float().mean().item()
    print(f"epoch {epoch}: loss {sum(losses) / len(losses):.4f}, test accuracy {acc:.3f}")
