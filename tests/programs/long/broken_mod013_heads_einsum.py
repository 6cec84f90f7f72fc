# expects: MOD013
"""Multi-head attention in einsum: the softmax runs over the queries."""

import torch
from torch import einsum, nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)


class MultiHead(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        dots = einsum("bhid,bhjd->bhij", q, k) * (d // self.heads) ** -0.5
        attn = dots.softmax(dim=2)
        out = einsum("bhij,bhjd->bhid", attn, v)
        return self.proj(out.transpose(1, 2).reshape(b, n, d))


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 32)
        self.place = nn.Parameter(0.02 * torch.randn(16, 32))
        self.attn, self.norm = MultiHead(32, 4), nn.LayerNorm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, images):
        patches = images.unfold(1, 2, 2).unfold(2, 2, 2).reshape(-1, 16, 4)
        h = self.embed(patches) + self.place
        return self.head((h + self.attn(self.norm(h))).mean(1))


from sklearn.datasets import load_digits  # noqa: E402

digits = load_digits()
data = TensorDataset(torch.tensor(digits.images / 16, dtype=torch.float32), torch.tensor(digits.target))
model = Patches()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(5):
    for x, y in DataLoader(data, batch_size=48, shuffle=True):
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
