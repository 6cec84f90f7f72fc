# expects: nothing
import math
import numpy as np
import torch
from torch import nn
from sklearn.datasets import make_friedman1
from sklearn.model_selection import train_test_split


class Trainer:
    def __init__(self, model, optimizer, scheduler, base_lr, warmup_steps, batch_size=16):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.base_lr = base_lr
        self.warmup_steps = warmup_steps
        self.batch_size = batch_size
        self.loss_fn = nn.MSELoss()
        self.global_step = 0
        self.history = []

    def warmup(self, step):
        if step < self.warmup_steps:
            for group in self.optimizer.param_groups:
                group["lr"] = self.base_lr * (step + 1) / self.warmup_steps

    def train_epoch(self, x, y):
        self.model.train()
        total = 0.0
        batches = torch.randperm(len(x)).split(self.batch_size)
        for i, idx in enumerate(batches):
            self.warmup(self.global_step)
            self.optimizer.zero_grad()
            loss = self.loss_fn(self.model(x[idx]), y[idx])
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            self.global_step += 1
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def validate(self, x, y):
        self.model.eval()
        return math.sqrt(self.loss_fn(self.model(x), y).item())

    def fit(self, train, valid, epochs):
        for epoch in range(1, epochs + 1):
            train_loss = self.train_epoch(*train)
            rmse = self.validate(*valid)
            self.scheduler.step()
            self.history.append((train_loss, rmse))
            if epoch % 5 == 0 or epoch == 1:
                print(f"epoch {epoch:3d} | train mse {train_loss:.4f} | valid rmse {rmse:.4f}")
        tail = np.mean([r for _, r in self.history[-5:]])
        print(f"mean valid rmse of the last 5 epochs: {tail:.4f}")


def load(seed=3):
    x, y = make_friedman1(n_samples=4000, n_features=10, noise=0.5, random_state=seed)
    xtr, xva, ytr, yva = train_test_split(x, y, test_size=0.25, random_state=seed)
    mx, sx, my, sy = xtr.mean(0), xtr.std(0), ytr.mean(), ytr.std()
    pack = lambda a, b: (torch.tensor((a - mx) / sx, dtype=torch.float32),
                         torch.tensor((b - my) / sy, dtype=torch.float32)[:, None])
    return pack(xtr, ytr), pack(xva, yva)


def main():
    torch.manual_seed(3)
    train, valid = load()
    model = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
    lr = 0.08
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.88)
    trainer = Trainer(model, optimizer, scheduler, base_lr=lr, warmup_steps=60)
    trainer.fit(train, valid, epochs=40)


if __name__ == "__main__":
    main()
