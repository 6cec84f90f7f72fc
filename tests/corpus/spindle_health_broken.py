# bug: JointLoss lacks the + log_var term of uncertainty weighting, so the log variances grow without bound and the task losses are weighted away
# expects: LOS062
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

parser = argparse.ArgumentParser(description="Joint model of tool wear, spindle temperature and surface defects")
parser.add_argument("--samples", type=int, default=9000)
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--lr", type=float, default=0.02)
parser.add_argument("--width", type=int, default=96)
parser.add_argument("--seed", type=int, default=8)


def simulate(n, g):
    x = torch.randn(n, 20, generator=g)
    w1 = torch.randn(20, 12, generator=g) / 20 ** 0.5
    core = torch.sin(1.6 * x @ w1)
    mix = torch.randn(12, 3, generator=g)
    wear = core @ mix[:, 0] * 0.6 + 0.8 * core[:, 0] * core[:, 1] + 0.3 * torch.randn(n, generator=g)
    temp = 40 + 6 * (core @ mix[:, 1]) + 5 * core[:, 2] * core[:, 3] + 2.0 * torch.randn(n, generator=g)
    logit = 1.5 * (core @ mix[:, 2]) + 2 * core[:, 4] * core[:, 0] - 0.5
    defect = (torch.rand(n, generator=g) < logit.sigmoid()).float()
    return x, torch.stack([wear, temp, defect], dim=1)


class JointModel(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(20, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.wear = nn.Linear(width, 1)
        self.temp = nn.Linear(width, 1)
        self.defect = nn.Linear(width, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.wear(h)[:, 0], self.temp(h)[:, 0], self.defect(h)[:, 0]


class JointLoss(nn.Module):
    """Task losses weighted by a learned log variance for each task."""

    def __init__(self, tasks=3):
        super().__init__()
        self.log_var = nn.Parameter(torch.zeros(tasks))

    def forward(self, losses):
        losses = torch.stack(losses)
        return (torch.exp(-self.log_var) * losses).sum()


def task_losses(out, y):
    return [nn.functional.mse_loss(out[0], y[:, 0]),
            nn.functional.mse_loss(out[1], y[:, 1]),
            nn.functional.binary_cross_entropy_with_logits(out[2], y[:, 2])]


@torch.no_grad()
def report(model, loader):
    model.eval()
    outs, ys = [], []
    for x, y in loader:
        outs.append(torch.stack(model(x), dim=1))
        ys.append(y)
    o, y = torch.cat(outs), torch.cat(ys)
    r2 = 1 - ((o[:, :2] - y[:, :2]) ** 2).mean(0) / y[:, :2].var(0, unbiased=False)
    acc = ((o[:, 2] > 0).float() == y[:, 2]).float().mean()
    return r2[0].item(), r2[1].item(), acc.item()


def main():
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    g = torch.Generator().manual_seed(args.seed)
    x, y = simulate(args.samples, g)
    n_test = args.samples // 4
    train_part, test_part = random_split(range(args.samples), [args.samples - n_test, n_test], generator=g)
    tr, te = torch.tensor(list(train_part)), torch.tensor(list(test_part))
    mean, std = y[tr].mean(0), y[tr].std(0)
    mean[2], std[2] = 0.0, 1.0
    y = (y - mean) / std
    train = DataLoader(TensorDataset(x[tr], y[tr]), batch_size=args.batch_size, shuffle=True)
    test = DataLoader(TensorDataset(x[te], y[te]), batch_size=500)

    model, joint = JointModel(args.width), JointLoss()
    opt = torch.optim.SGD([{"params": model.parameters(), "weight_decay": 1e-4},
                           {"params": joint.parameters(), "weight_decay": 0.0}], lr=args.lr, momentum=0.9)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [int(0.7 * args.epochs), int(0.9 * args.epochs)], gamma=0.2)
    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for xb, yb in train:
            loss = joint(task_losses(model(xb), yb))
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        sched.step()
        if epoch % 4 == 0 or epoch == 1:
            wear, temp, acc = report(model, test)
            print(f"epoch {epoch:3d}  joint loss {total / len(train):8.4f}  "
                  f"wear R2 {wear:.3f}  temp R2 {temp:.3f}  defect acc {acc:.3f}")
    print(f"final: wear R2 {wear:.4f}  temp R2 {temp:.4f}  defect acc {acc:.4f}")


if __name__ == "__main__":
    main()
