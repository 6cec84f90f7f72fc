# expects: nothing
import copy
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class Averaged:
    def __init__(self, model, decay=0.99):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, source):
        for avg, new in zip(self.model.parameters(), source.parameters()):
            avg.lerp_(new, 1 - self.decay)
        for avg, new in zip(self.model.buffers(), source.buffers()):
            avg.copy_(new)


class ResBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c), nn.ReLU(inplace=True),
            nn.Conv2d(c, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        return torch.relu(x + self.body(x))


class Trainer:
    def __init__(self, epochs=18, lr=0.05, batch_size=40, seed=17):
        torch.manual_seed(seed)
        x, y = load_digits(return_X_y=True)
        x = x.reshape(-1, 1, 8, 8).astype(np.float32)
        x_tr, x_te, y_tr, y_te = train_test_split(x, y, test_size=0.35, stratify=y, random_state=seed)
        m, s = x_tr.mean(), x_tr.std()
        self.train_x, self.train_y = torch.from_numpy((x_tr - m) / s), torch.from_numpy(y_tr)
        self.test_x, self.test_y = torch.from_numpy((x_te - m) / s), torch.from_numpy(y_te)
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
            ResBlock(24), nn.MaxPool2d(2), ResBlock(24), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(96, 10))
        self.ema = Averaged(self.net)
        self.epochs, self.batch_size = epochs, batch_size
        self.opt = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-3)
        per_epoch = -(-len(self.train_x) // batch_size)
        self.sched = torch.optim.lr_scheduler.LinearLR(self.opt, 1.0, 0.02, epochs * per_epoch)

    def shift(self, x):
        dy, dx = torch.randint(-1, 2, (2,)).tolist()
        pad = nn.functional.pad(x, (1, 1, 1, 1), value=x.min().item())
        return pad[:, :, 1 + dy:9 + dy, 1 + dx:9 + dx]

    def epoch(self):
        self.net.train()
        losses = []
        for idx in torch.randperm(len(self.train_x)).split(self.batch_size):
            logits = self.net(self.shift(self.train_x[idx]))
            loss = nn.functional.cross_entropy(logits, self.train_y[idx], label_smoothing=0.05)
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            self.ema.update(self.net)
            losses.append(loss.item())
        return sum(losses) / len(losses)

    @torch.no_grad()
    def score(self):
        pred = self.ema.model(self.test_x).argmax(1)
        return (pred == self.test_y).float().mean().item()

    def run(self):
        for e in range(self.epochs):
            loss = self.epoch()
            print(f"epoch {e + 1:2d}  train loss {loss:.4f}  test accuracy {self.score():.4f}")


if __name__ == "__main__":
    Trainer().run()
