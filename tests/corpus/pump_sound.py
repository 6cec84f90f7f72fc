# expects: nothing
"""Estimate pump wear from pressure pulses with a plain recurrent network. Trainer with callbacks."""
import torch
from torch import nn


class Callback:
    def after_backward(self, tr): ...
    def after_step(self, tr): ...
    def after_epoch(self, tr): ...


class GradientClip(Callback):
    def __init__(self, max_norm):
        self.max_norm, self.norms = max_norm, []

    def after_backward(self, tr):
        self.norms.append(nn.utils.clip_grad_norm_(tr.model.parameters(), self.max_norm).item())

    def after_epoch(self, tr):
        norms = torch.tensor(self.norms)
        tr.extra = f"grad norm median {norms.median():.2f} max {norms.max():.2f}"
        self.norms.clear()


class Printer(Callback):
    def after_epoch(self, tr):
        val, r2 = tr.validate()
        print(f"epoch {tr.epoch:2d} train {tr.train_loss:.4f} val {val:.4f} r2 {r2:.4f} | {tr.extra}")


class WearRNN(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1]).squeeze(1)


class Trainer:
    def __init__(self, model, data, valid, callbacks, lr=0.02, batch=32):
        self.model, self.data, self.valid, self.callbacks = model, data, valid, callbacks
        self.batch, self.extra = batch, ""
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.MSELoss()

    def fire(self, event):
        for cb in self.callbacks:
            getattr(cb, event)(self)

    def step(self, x, y):
        self.opt.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.fire("after_backward")
        self.opt.step()
        self.fire("after_step")
        return loss.item()

    def fit(self, epochs):
        x, y = self.data
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, epochs)
        for self.epoch in range(1, epochs + 1):
            self.model.train()
            total = 0.0
            for idx in torch.randperm(len(x)).split(self.batch):
                total += self.step(x[idx], y[idx]) * len(idx)
            self.train_loss = total / len(x)
            sched.step()
            self.fire("after_epoch")

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        x, y = self.valid
        mse = self.loss(self.model(x), y).item()
        return mse, 1 - mse / y.var(unbiased=False).item()


def pulses(n, length, gen):
    """Two channels: pressure, and a gauge that marks the two pulses whose sum is the wear index."""
    pressure = torch.rand(n, length, generator=gen)
    gauge = torch.zeros(n, length)
    first = torch.randint(0, length // 2, (n,), generator=gen)
    second = torch.randint(length // 2, length, (n,), generator=gen)
    rows = torch.arange(n)
    gauge[rows, first] = 1
    gauge[rows, second] = 1
    wear = (pressure * gauge).sum(1)
    return torch.stack([pressure, gauge], 2), wear


def main():
    torch.manual_seed(8)
    gen = torch.Generator().manual_seed(8)
    x, y = pulses(3000, 24, gen)
    vx, vy = pulses(600, 24, gen)
    mx, sx = x.mean((0, 1)), x.std((0, 1))
    my, sy = y.mean(), y.std()
    x, vx, y, vy = (x - mx) / sx, (vx - mx) / sx, (y - my) / sy, (vy - my) / sy
    trainer = Trainer(WearRNN(), (x, y), (vx, vy), [GradientClip(0.5), Printer()])
    trainer.fit(25)


if __name__ == "__main__":
    main()
