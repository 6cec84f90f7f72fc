# bug: the optimizer is replaced by another after the scheduler was made, so the scheduler acts on the old one
# expects: OPT020
"""Phase one with Adam, phase two with SGD on a regression of robot-arm positions."""
import logging
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(message)s")
log = logging.getLogger()


def arm(n, seed, noise=0.0):
    g = torch.Generator().manual_seed(seed)
    joints = (torch.rand(n, 3, generator=g) * 2 - 1) * math.pi / 2
    angle = joints.cumsum(1)
    lengths = torch.tensor([1.0, 0.8, 0.5])
    xy = torch.stack([(lengths * angle.cos()).sum(1), (lengths * angle.sin()).sum(1)], 1)
    return joints, xy + noise * torch.randn(n, 2, generator=g)


class ArmNet(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))

    def forward(self, joints):
        return self.net(joints)


class Phase:
    def __init__(self, model, loader, optimizer, scheduler, epochs):
        self.model, self.loader = model, loader
        self.optimizer, self.scheduler, self.epochs = optimizer, scheduler, epochs

    def run(self):
        for _ in range(self.epochs):
            self.model.train()
            for joints, xy in self.loader:
                loss = nn.functional.mse_loss(self.model(joints), xy)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
        return loss.item()


def evaluate(model, joints, xy):
    model.eval()
    with torch.no_grad():
        return (model(joints) - xy).norm(dim=1).mean().item()


def main():
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(*arm(1500, 0, noise=0.2)), batch_size=50, shuffle=True)
    test = arm(500, 1)
    model = ArmNet()
    adam = torch.optim.Adam(model.parameters(), lr=5e-3)
    first = Phase(model, loader, adam, torch.optim.lr_scheduler.ExponentialLR(adam, 0.9), 7)
    log.info("phase 1 loss %.5f error %.4f", first.run(), evaluate(model, *test))
    sgd = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    second = Phase(model, loader, sgd, torch.optim.lr_scheduler.ExponentialLR(adam, 0.6), 7)
    log.info("phase 2 loss %.5f error %.4f", second.run(), evaluate(model, *test))
    log.info("learning rates %s", [o.param_groups[0]["lr"] for o in (adam, sgd)])


if __name__ == "__main__":
    main()
