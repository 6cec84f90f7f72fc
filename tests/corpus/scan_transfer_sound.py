# expects: nothing
"""Adapt a digit encoder to a new scanner: head first, then unfreeze the encoder stage by stage."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([
            nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.GELU()),
            nn.Sequential(nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.GELU()),
            nn.Sequential(nn.Conv2d(24, 32, 3, stride=2, padding=1), nn.GELU(),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        ])

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return x


class Classifier(nn.Module):
    def __init__(self, encoder, n_out):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(32, n_out)

    def forward(self, x):
        return self.head(self.encoder(x))


class Trainer:
    def __init__(self, model, lr, batch_size=32, seed=0):
        self.model = model
        self.lr = lr
        self.batch_size = batch_size
        self.gen = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=1e-3)

    def unfreeze(self, stage, lr_scale):
        params = list(stage.parameters())
        for p in params:
            p.requires_grad_(True)
        self.optimizer.add_param_group({"params": params, "lr": self.lr * lr_scale})
        n = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        print(f"  unfroze a stage, trainable parameters now {n}")

    def epoch(self, x, y):
        self.model.train()
        order = torch.randperm(len(x), generator=self.gen)
        total = 0.0
        for idx in order.split(self.batch_size):
            loss = F.cross_entropy(self.model(x[idx]), y[idx])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        return total / len(x)

    @torch.no_grad()
    def accuracy(self, x, y):
        self.model.eval()
        return (self.model(x).argmax(1) == y).float().mean().item()


def new_scanner(images):
    """The other device: turned a quarter, inverted, with smear and sensor noise."""
    rng = np.random.default_rng(4)
    turned = 1.0 - np.rot90(images, axes=(1, 2)).copy()
    smeared = 0.6 * turned + 0.4 * np.roll(turned, 1, axis=2)
    return smeared + rng.normal(0, 0.12, smeared.shape)


def tensor(images, mean, std):
    return torch.tensor((images - mean) / std, dtype=torch.float32).unsqueeze(1)


def main():
    torch.manual_seed(0)
    digits = load_digits()
    images = digits.images / 16.0
    target = digits.target

    # source task: the first five digits, on the old scanner
    src = target < 5
    xs, ys = images[src], target[src]
    encoder = Encoder()
    pre = Trainer(Classifier(encoder, 5), lr=2e-3, seed=1)
    x0, y0 = tensor(xs, xs.mean(), xs.std()), torch.tensor(ys)
    for _ in range(12):
        loss = pre.epoch(x0, y0)
    print(f"source pretraining done, loss {loss:.4f}")

    # target task: the other five digits, seen by the new scanner
    xt, yt = new_scanner(images[~src]), target[~src] - 5
    x_tr, x_te, y_tr, y_te = train_test_split(xt, yt, test_size=0.5, stratify=yt, random_state=2)
    mean, std = x_tr.mean(), x_tr.std()
    x_tr, x_te = tensor(x_tr, mean, std), tensor(x_te, mean, std)
    y_tr, y_te = torch.tensor(y_tr), torch.tensor(y_te)

    for p in encoder.parameters():
        p.requires_grad_(False)
    model = Classifier(encoder, 5)
    trainer = Trainer(model, lr=2e-3, seed=3)
    schedule = {4: (encoder.stages[2], 0.7), 8: (encoder.stages[1], 0.5), 12: (encoder.stages[0], 0.3)}
    for epoch in range(40):
        if epoch in schedule:
            trainer.unfreeze(*schedule[epoch])
        loss = trainer.epoch(x_tr, y_tr)
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2d} train loss {loss:.4f} train acc {trainer.accuracy(x_tr, y_tr):.4f}")
    print(f"new scanner test accuracy {trainer.accuracy(x_te, y_te):.4f}")


if __name__ == "__main__":
    main()
