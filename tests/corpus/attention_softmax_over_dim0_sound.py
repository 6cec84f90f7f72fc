# sound: attention pooling normalised over the time steps
"""Attention pooling: multiple-instance learning, is there a 'hot' instance in the bag?"""
import logging

import torch
from torch import nn

logging.basicConfig(level=logging.INFO, format="[%(levelname)s] %(message)s")
N_INSTANCES, DIM = 12, 10


class AttentionMIL(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU())
        self.attention = nn.Sequential(nn.Linear(hidden, 16), nn.Tanh(), nn.Linear(16, 1))
        self.classifier = nn.Linear(hidden, 1)

    def forward(self, bags):
        h = self.encoder(bags)
        a = torch.softmax(self.attention(h), dim=1)
        pooled = (a * h).sum(1)
        return self.classifier(pooled).squeeze(-1)


class BagGenerator:
    def __init__(self, seed):
        self.g = torch.Generator().manual_seed(seed)
        self.direction = nn.functional.normalize(torch.ones(DIM), dim=0)

    def draw(self, n):
        x = torch.randn(n, N_INSTANCES, DIM, generator=self.g)
        y = torch.randint(0, 2, (n,), generator=self.g)
        where = torch.randint(0, N_INSTANCES, (n,), generator=self.g)
        x[torch.arange(n), where] += y[:, None] * 3.5 * self.direction
        return x, y.float()


def main(steps=400, batch_size=50, lr=3e-3):
    torch.manual_seed(70)
    model = AttentionMIL(DIM, 32)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    criterion = nn.BCEWithLogitsLoss()
    source, held_out = BagGenerator(0), BagGenerator(1)
    x_test, y_test = held_out.draw(500)
    smooth = None
    for step in range(1, steps + 1):
        x, y = source.draw(batch_size)
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 80 == 0:
            with torch.no_grad():
                acc = ((model(x_test) > 0) == y_test.bool()).float().mean().item()
            logging.info("step %d smoothed loss %.4f test accuracy %.3f", step, smooth, acc)


if __name__ == "__main__":
    main()
