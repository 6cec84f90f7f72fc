import numpy as np
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR


class TinyTCN(nn.Module):
    def __init__(self, ch=24):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv1d(1 if i == 0 else ch, ch, 3, dilation=2 ** i) for i in range(3)])
        self.last = nn.Conv1d(ch, 1, 1)

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            x = torch.relu(conv(nn.functional.pad(x, (2 * 2 ** i, 0))))
        return self.last(x)


def mackey_glass(n, tau=17, seed=0):
    rs = np.random.RandomState(seed)
    s = list(1.2 + 0.1 * rs.randn(tau + 1))
    for _ in range(n + 200):
        s.append(s[-1] + 0.2 * s[-tau - 1] / (1 + s[-tau - 1] ** 10) - 0.1 * s[-1])
    return np.array(s[-n:], dtype=np.float32)


def main():
    torch.manual_seed(0)
    series = mackey_glass(6000)[::2]
    series = (series - series[:2400].mean()) / series[:2400].std()
    series = torch.from_numpy(series)
    train, valid = series[:2400], series[2400:]
    L, ahead = 40, 4
    model = TinyTCN()
    n_steps = 300
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    scheduler = CosineAnnealingLR(optimizer, T_max=n_steps)
    trace = []
    for step in range(n_steps):
        at = torch.randint(0, len(train) - L - ahead, (32,))
        win = train[at[:, None] + torch.arange(L + ahead)]
        out = model(win[:, None, :L])[:, 0]
        loss = (out[:, 10:] - win[:, 10 + ahead:]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        trace.append(loss.item())
        if step % 50 == 49:
            print(step + 1, "loss %.5f" % np.mean(trace[-15:]), "worst of the last 50 %.5f" % max(trace[-50:]))
    model.eval()
    with torch.no_grad():
        win = valid.unfold(0, L + ahead, 7)
        out = model(win[:, None, :L])[:, 0]
        print("held-out mse %.5f" % (out[:, -1] - win[:, -1]).pow(2).mean().item())


main()
