# expects: TRN015
"""Which of four gestures? Stops once the accuracy has not risen for a few rounds: but the best one is kept as a loss."""

import torch
from torch import nn

torch.manual_seed(1)


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best, self.waited = patience, 1.0, 0

    def stop(self, score):
        if score > self.best:
            self.best, self.waited = score, 0
        else:
            self.waited += 1
        return self.waited >= self.patience


def gestures(count):
    kind = torch.randint(0, 4, (count,))
    time = torch.linspace(0, 6.28, 24)
    wave = torch.sin((kind[:, None] + 1) * time + 0.6 * torch.randn(count, 1))
    return wave + 1.2 * torch.randn(count, 24), kind


def main():
    x, y = gestures(3000)
    held_out, truth = gestures(800)
    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.003)
    stopping = EarlyStopping(patience=6)
    for epoch in range(80):
        for rows in torch.randperm(len(x)).split(50):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            score = (model(held_out).argmax(1) == truth).float().mean().item()
        print(f"epoch {epoch}: accuracy {score:.3f}")
        if stopping.stop(score):
            break


main()
