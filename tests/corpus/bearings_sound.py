# expects: nothing
"""Joint prognosis for a bearing test rig: fault type and remaining useful life from vibration features."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

FAULTS = ["healthy", "inner", "outer", "cage"]


def simulate(n, seed):
    g = np.random.default_rng(seed)
    fault = g.integers(0, 4, n)
    wear = g.beta(1.5, 1.5, n)
    load = g.uniform(0.5, 1.5, n)
    cycles = 26000 * (1 - wear) ** 1.3 / load * np.array([1.0, .8, .9, .7])[fault] + g.normal(0, 400, n)
    t = np.linspace(0, 1, 64)
    rate = np.array([0, 9, 14, 5])[fault]
    phase = g.uniform(0, 2 * np.pi, (2, n))
    tone = np.sin(2 * np.pi * rate[:, None] * t + phase[0][:, None])
    shaft = np.sin(2 * np.pi * 3 * t + phase[1][:, None])
    amp = (0.25 + 0.6 * wear)[:, None]
    sig = load[:, None] * shaft + amp * tone + g.normal(0, 1, (n, 64)) * (0.25 + 0.6 * wear)[:, None]
    return (torch.tensor(sig, dtype=torch.float32).unsqueeze(1),
            torch.tensor(load, dtype=torch.float32).unsqueeze(1),
            torch.tensor(fault), torch.tensor(cycles, dtype=torch.float32))


class RigNet(nn.Module):
    def __init__(self, life_mean, life_std):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 9, padding=4), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.shared = nn.Sequential(nn.Linear(128 + 1, 48), nn.ReLU())
        self.fault = nn.Linear(48, len(FAULTS))
        self.life = nn.Linear(48, 1)
        self.register_buffer("life_mean", life_mean)
        self.register_buffer("life_std", life_std)

    def forward(self, sig, load):
        h = self.shared(torch.cat([self.conv(sig), load], dim=1))
        return self.fault(h), self.life(h).squeeze(1)

    def to_cycles(self, z):
        return z * self.life_std + self.life_mean

    def from_cycles(self, cycles):
        return (cycles - self.life_mean) / self.life_std


def joint_loss(model, out, fault, cycles):
    logits, z = out
    ce = F.cross_entropy(logits, fault)
    life = F.smooth_l1_loss(z, model.from_cycles(cycles))
    return ce + life, ce, life


@torch.no_grad()
def report(model, data):
    model.eval()
    sig, load, fault, cycles = data
    logits, z = model(sig, load)
    acc = (logits.argmax(1) == fault).float().mean().item()
    mae = (model.to_cycles(z) - cycles).abs().mean().item()
    return acc, mae


def main():
    torch.manual_seed(21)
    train, val = simulate(3000, 1), simulate(1000, 2)
    model = RigNet(train[3].mean(), train[3].std())
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, 8, gamma=0.4)
    print(f"mean-life predictor: MAE {(val[3] - train[3].mean()).abs().mean():.0f} cycles")
    for epoch in range(1, 29):
        model.train()
        sums = np.zeros(3)
        for idx in torch.randperm(len(train[0])).split(64):
            sig, load, fault, cycles = (t[idx] for t in train)
            loss, ce, life = joint_loss(model, model(sig, load), fault, cycles)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            sums += np.array([loss.item(), ce.item(), life.item()]) * len(idx)
        sched.step()
        acc, mae = report(model, val)
        tot, ce, life = sums / len(train[0])
        print(f"{epoch:2d}  loss {tot:9.4f}  (fault {ce:.4f}, life {life:.4f})  val fault acc {acc:.3f}  val life MAE {mae:.0f}")


if __name__ == "__main__":
    main()
