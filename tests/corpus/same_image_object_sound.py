import logging

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset

logger = logging.getLogger(__name__)
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


class BufferedDigits(Dataset):
    """Decodes into one scratch buffer to spare allocations."""

    def __init__(self, images, labels):
        self._raw = images
        self._labels = labels
        self._buffer = torch.empty(1, 8, 8)

    def __len__(self):
        return len(self._raw)

    def _decode(self, i):
        self._buffer[0].copy_(torch.from_numpy(self._raw[i]))
        self._buffer.div_(8.0).sub_(1.0)

    def __getitem__(self, i):
        self._decode(i)
        return self._buffer.clone(), self._labels[i]


def batches(ds, size, rng=None):
    order = np.arange(len(ds)) if rng is None else rng.permutation(len(ds))
    for s in range(0, len(order), size):
        items = [ds[int(i)] for i in order[s:s + size]]
        yield torch.stack([x for x, _ in items]), torch.tensor([int(y) for _, y in items])


def evaluate(model, ds):
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in batches(ds, 50):
            hits += (model(x).argmax(-1) == y).sum().item()
    model.train()
    return hits / len(ds)


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    d = load_digits()
    p = rng.permutation(len(d.target))
    tr, te = p[:1300], p[1300:]
    train_ds = BufferedDigits(d.images[tr], d.target[tr])
    test_ds = BufferedDigits(d.images[te], d.target[te])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.LeakyReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.LeakyReLU(),
        nn.Flatten(), nn.Linear(512, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    step = 0
    for epoch in range(6):
        for x, y in batches(train_ds, 26, rng):
            optimizer.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            step += 1
        logger.info("epoch %d step %d loss %.4f test accuracy %.4f", epoch, step, loss.item(), evaluate(model, test_ds))


if __name__ == "__main__":
    main()
