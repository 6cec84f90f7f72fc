# bug: [Block()] * 6 puts the same module object into the list six times, so all layers share weights
# expects: MOD013 MOD014
"""Residual network of six blocks on digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Block(nn.Module):
    def __init__(self, dim, expansion=2):
        super().__init__()
        self.norm = nn.BatchNorm1d(dim)
        self.fc1 = nn.Linear(dim, expansion * dim)
        self.fc2 = nn.Linear(expansion * dim, dim)

    def forward(self, x):
        return x + self.fc2(F.gelu(self.fc1(self.norm(x))))


class BlockNet(nn.Module):
    def __init__(self, dim=24, depth=6, n_classes=10):
        super().__init__()
        self.embed = nn.Linear(64, dim)
        self.blocks = nn.ModuleList([Block(dim)] * depth)
        self.head = nn.Linear(dim, n_classes)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def count(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def get_data():
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32)
    x = (x - x.mean()) / x.std()
    y = torch.tensor(d.target)
    g = torch.Generator().manual_seed(0)
    p = torch.randperm(len(x), generator=g)
    return x[p[:1300]], y[p[:1300]], x[p[1300:]], y[p[1300:]]


def main():
    torch.manual_seed(45)
    x, y, xv, yv = get_data()
    model = BlockNet()
    print(f"{count(model)} trainable parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, epochs=8, steps_per_epoch=26)
    for epoch in range(8):
        model.train()
        running = 0.0
        for idx in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[idx]), y[idx])
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item() / 26
        model.eval()
        with torch.no_grad():
            logits = model(xv)
        print(f"epoch {epoch}: train loss {running:.4f} val loss {F.cross_entropy(logits, yv).item():.4f} "
              f"val acc {(logits.argmax(1) == yv).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
