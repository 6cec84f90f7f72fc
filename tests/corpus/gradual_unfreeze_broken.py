# bug: backbone is unfrozen but never added to the optimizer, which was built only from the parameters trainable at that time (main)
# expects: OPT017
"""Pretrain on a source task, then fine-tune on a shifted one: first the head, then everything."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_task(n, rotate, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 16, generator=g)
    w = torch.randn(16, 16, generator=torch.Generator().manual_seed(99)) / 4
    v = torch.randn(16, 16, generator=torch.Generator().manual_seed(77)) / 4
    mix = torch.tanh(2 * (x @ ((1 - rotate) * w + rotate * v)))
    score = torch.stack([mix[:, 0] * mix[:, 1] + mix[:, 2], mix[:, 3] - mix[:, 4] * mix[:, 5],
                         mix[:, 6] + 0.5 * mix[:, 7]], dim=1)
    return x, score.argmax(1)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, 3)

    def forward(self, x):
        return self.head(self.backbone(x))


def train_epochs(model, optimizer, x, y, x_val, y_val, epochs, tag):
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        model.eval()
        with torch.no_grad():
            acc = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"{tag} epoch {epoch} loss {total / len(x):.3f} val acc {acc:.3f}")


def main():
    torch.manual_seed(12)
    source, source_val = make_task(4000, 0.0, 1), make_task(500, 0.0, 2)
    target, target_val = make_task(3000, 0.6, 3), make_task(500, 0.6, 4)

    model = Classifier()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    train_epochs(model, opt, *source, *source_val, epochs=6, tag="pretrain")

    model.head = nn.Linear(64, 3)
    for p in model.backbone.parameters():
        p.requires_grad = False
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=2e-3)
    train_epochs(model, opt, *target, *target_val, epochs=3, tag="head")

    for p in model.backbone.parameters():
        p.requires_grad = True
    train_epochs(model, opt, *target, *target_val, epochs=12, tag="full")


if __name__ == "__main__":
    main()
