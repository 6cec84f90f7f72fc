# expects: OPT040
"""A small regression trained in three jobs: each takes up weights and Adam where the last one left them."""

import io

import torch
from torch import nn

STEPS, JOB = 1200, 400
torch.manual_seed(1)
x = torch.randn(2000, 30)
y = torch.tanh(x @ torch.randn(30, 2)).sum(1, keepdim=True)


class Job:
    def __init__(self, stored):
        self.net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 1))
        self.opt = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        self.done = 0
        if stored is not None:
            before = torch.load(io.BytesIO(stored))
            self.net.load_state_dict(before["net"])
            self.opt.load_state_dict(before["opt"])
            self.done = before["done"]
        self.rates = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=4e-3, total_steps=STEPS, pct_start=0.2)

    def run(self):
        for _ in range(JOB):
            rows = torch.randint(0, 2000, (64,))
            loss = nn.functional.mse_loss(self.net(x[rows]), y[rows])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.rates.step()
            self.done += 1
        print(self.done, loss.item(), self.rates.get_last_lr())
        file = io.BytesIO()
        torch.save({"net": self.net.state_dict(), "opt": self.opt.state_dict(), "done": self.done}, file)
        return file.getvalue()


stored = None
for _ in range(STEPS // JOB):
    stored = Job(stored).run()
