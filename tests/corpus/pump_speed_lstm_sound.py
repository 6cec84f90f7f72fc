# sound: the same program without that
import math
import torch
from torch import nn, optim


class SensorData:
    """Accelerometer windows (batch, time, channels): was the pump's speed rising, falling, pulsing or steady?"""

    def __init__(self, n, seed, T=30):
        g = torch.Generator().manual_seed(seed)
        t = torch.linspace(0, 1, T)
        y = torch.randint(0, 4, (n,), generator=g)
        f0 = 2 + torch.rand(n, generator=g) * 2
        rate = torch.zeros(n)
        rate[y == 1] = 4.0
        rate[y == 2] = -3.0
        start = f0 + torch.where(y == 2, 3.5, 0.0)
        phase = torch.rand(n, generator=g) * 2 * math.pi
        ang = 2 * math.pi * (start[:, None] * t + 0.5 * rate[:, None] * t ** 2) + phase[:, None]
        amp = torch.ones(n, T)
        pulse = 0.5 + 0.5 * torch.sign(torch.sin(2 * math.pi * (2 * t[None] + torch.rand(n, 1, generator=g))))
        amp[y == 3] = pulse[y == 3]
        x = torch.stack([amp * torch.sin(ang), amp * torch.cos(ang), 0.2 * torch.randn(n, T, generator=g)], -1)
        self.x = x + 0.25 * torch.randn(n, T, 3, generator=g)
        self.y = y

    def batches(self, bs, shuffle):
        idx = torch.randperm(len(self.y)) if shuffle else torch.arange(len(self.y))
        for b in idx.split(bs):
            yield self.x[b], self.y[b]


class LSTMClassifier(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_hidden, num_layers=1, batch_first=True)
        self.norm = nn.LayerNorm(n_hidden)
        self.fc = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.norm(out[:, -1]))


class Trainer:
    def __init__(self, model, train, val, lr):
        self.model, self.train_data, self.val_data = model, train, val
        self.opt = optim.Adam(model.parameters(), lr=lr)
        self.loss = nn.CrossEntropyLoss()

    def fit(self, epochs):
        for e in range(1, epochs + 1):
            self.model.train()
            s, n = 0.0, 0
            for x, y in self.train_data.batches(64, True):
                self.opt.zero_grad()
                l = self.loss(self.model(x), y)
                l.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
                self.opt.step()
                s += l.item()
                n += 1
            if e % 3 == 0 or e == 1:
                vl, va = self.evaluate()
                print(f"epoch {e:3d}  train {s / n:.4f}  val {vl:.4f}  val acc {va:.3f}", flush=True)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        tot, ok, n = 0.0, 0, 0
        for x, y in self.val_data.batches(64, False):
            o = self.model(x)
            tot += self.loss(o, y).item() * len(y)
            ok += (o.argmax(-1) == y).sum().item()
            n += len(y)
        return tot / n, ok / n


if __name__ == "__main__":
    torch.manual_seed(42)
    trainer = Trainer(LSTMClassifier(3, 48, 4), SensorData(1920, 1), SensorData(512, 2), lr=4e-3)
    trainer.fit(15)
