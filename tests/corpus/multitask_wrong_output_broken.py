# bug: the distance loss is computed on the detector head's output (copy and paste), so the regression head is never trained
# expects: LOS044 MOD011
"""Multi-task learning: which of two blobs, and how far from the centre."""
import logging
from typing import NamedTuple

import torch
from torch import Tensor, nn

log = logging.getLogger("multitask")


class Batch(NamedTuple):
    x: Tensor
    kind: Tensor
    distance: Tensor


class Output(NamedTuple):
    kind_logit: Tensor
    distance: Tensor


class Data:
    def __init__(self, n: int, seed: int):
        g = torch.Generator().manual_seed(seed)
        self.kind = torch.randint(0, 2, (n,), generator=g).float()
        z = torch.randn(n, 2, generator=g)
        centre = torch.stack([4 * self.kind - 2, 1 - 2 * self.kind], 1)
        self.distance = z.norm(dim=1)
        mix = torch.randn(2, 12, generator=torch.Generator().manual_seed(0))
        self.x = (z + centre) @ mix + 0.1 * torch.randn(n, 12, generator=g)

    def batches(self, size: int):
        for i in torch.randperm(len(self.x)).split(size):
            yield Batch(self.x[i], self.kind[i], self.distance[i])

    def all(self) -> Batch:
        return Batch(self.x, self.kind, self.distance)


class MultiTask(nn.Module):
    def __init__(self, d: int, width: int):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.kind_head = nn.Linear(width, 1)
        self.distance_head = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Output:
        h = self.trunk(x)
        return Output(self.kind_head(h).squeeze(-1), self.distance_head(h).squeeze(-1))


def losses(out: Output, batch: Batch) -> tuple[Tensor, Tensor]:
    kind = nn.functional.binary_cross_entropy_with_logits(out.kind_logit, batch.kind)
    distance = nn.functional.smooth_l1_loss(out.kind_logit, batch.distance)
    return kind, distance


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(12)
    train, test = Data(1200, 1), Data(400, 2)
    model = MultiTask(12, 48)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for epoch in range(12):
        model.train()
        for batch in train.batches(50):
            kind, distance = losses(model(batch.x), batch)
            optimizer.zero_grad(set_to_none=True)
            (kind + 0.5 * distance).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            b = test.all()
            out = model(b.x)
        log.info("epoch %d kind acc %.3f distance MAE %.3f", epoch, ((out.kind_logit > 0) == b.kind.bool()).float().mean(),
                 (out.distance - b.distance).abs().mean())


if __name__ == "__main__":
    main()
