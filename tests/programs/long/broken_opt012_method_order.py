# expects: OPT012
"""A trainer class whose hooks run in the wrong order: `after_step` clips."""

import torch
import torch.nn.functional as F
from torch import nn


class Hook:
    def after_backward(self, trainer):
        pass

    def after_step(self, trainer):
        pass


class ClipHook(Hook):
    def __init__(self, max_norm):
        self.max_norm = max_norm

    def after_step(self, trainer):
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), self.max_norm, norm_type=2)


class Trainer:
    def __init__(self, model, optimizer, hooks):
        self.model, self.optimizer, self.hooks = model, optimizer, hooks

    def fit(self, x, y, iterations):
        for i in range(iterations):
            rows = torch.randint(0, len(x), (64,))
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(x[rows]), y[rows])
            loss.backward()
            for hook in self.hooks:
                hook.after_backward(self)
            self.optimizer.step()
            for hook in self.hooks:
                hook.after_step(self)
            if i % 60 == 0:
                print(i, loss.item())


torch.manual_seed(0)
x = torch.randn(900, 15)
y = (x @ torch.randn(15, 3)).argmax(1)
model = nn.Sequential(nn.Linear(15, 30), nn.ELU(), nn.Linear(30, 3))
Trainer(model, torch.optim.SGD(model.parameters(), lr=0.1), [ClipHook(1.0)]).fit(x, y, 240)
