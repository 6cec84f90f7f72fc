# bug: the pretraining checkpoint's keys carry a "module." prefix and load_state_dict(strict=False) silently loads none of them, so the frozen backbone is random
# expects: TRN011
import os
import tempfile

import torch
from torch import nn
from torch.nn import functional as F


def make_task(n, seed, task):
    """Inputs mixed from 4 hidden factors; the two tasks use different functions of the same factors."""
    mix = torch.randn(4, 40, generator=torch.Generator().manual_seed(99))
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, 4, generator=g)
    x = z @ mix + 1.5 * torch.randn(n, 40, generator=g)
    if task == "pretrain":
        y = torch.stack([z[:, 0] * z[:, 1], z[:, 2] * z[:, 3], z[:, 0] - z[:, 2], z[:, 1] + z[:, 3]], 1)
    else:
        y = (z[:, 0] * z[:, 1] + z[:, 2] * z[:, 3] > 0).long()
    return x / x.std(), y


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


def pretrain(path):
    x, y = make_task(4000, 1, "pretrain")
    backbone = nn.DataParallel(Backbone())
    head = nn.Linear(32, 4)
    opt = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=2e-3)
    for epoch in range(20):
        for idx in torch.randperm(len(x)).split(100):
            loss = F.mse_loss(head(backbone(x[idx])), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
    print(f"pretraining finished, last loss {loss.item():.3f}")
    torch.save({"backbone": backbone.state_dict()}, path)


def finetune(path):
    x, y = make_task(500, 2, "classify")
    x_test, y_test = make_task(1000, 3, "classify")
    backbone = Backbone()
    state = torch.load(path, weights_only=True)["backbone"]
    backbone.load_state_dict(state, strict=False)
    backbone.requires_grad_(False)
    model = nn.Sequential(backbone, nn.Linear(32, 2))
    opt = torch.optim.Adam(model[1].parameters(), lr=1e-2)
    for epoch in range(30):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if epoch % 5 == 4:
            model.eval()
            with torch.no_grad():
                acc = (model(x_test).argmax(1) == y_test).float().mean()
            print(f"finetune epoch {epoch + 1}: loss {total / len(x):.3f} test acc {acc:.3f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        ckpt = os.path.join(folder, "backbone.pt")
        pretrain(ckpt)
        finetune(ckpt)
