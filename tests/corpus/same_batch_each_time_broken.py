# bug: next(iter(loader)) inside the loop over an unshuffled loader gives the first batch every time
# expects: DAT004
"""Step-based training of a small vision transformer on digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class TinyViT(nn.Module):
    def __init__(self, dim=32, heads=4, depth=1, patch=2, n_classes=10):
        super().__init__()
        n = (8 // patch) ** 2
        self.patch = nn.Conv2d(1, dim, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, n + 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, n_classes)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.blocks(x)[:, 0]))


def main():
    torch.manual_seed(33)
    raw = load_digits()
    x = torch.tensor(raw.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    y = torch.tensor(raw.target)
    perm = torch.randperm(len(x))
    x, y = x[perm], y[perm]
    train_loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=64)
    xt, yt = x[1400:], y[1400:]

    model = TinyViT()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    max_steps = 250
    for step in range(1, max_steps + 1):
        model.train()
        xb, yb = next(iter(train_loader))
        loss = F.cross_entropy(model(xb), yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            model.eval()
            with torch.no_grad():
                out = model(xt)
            print(f"step {step}: train loss {loss.item():.4f} test loss {F.cross_entropy(out, yt).item():.4f} "
                  f"test acc {(out.argmax(1) == yt).float().mean().item():.3f}")


if __name__ == "__main__":
    main()
