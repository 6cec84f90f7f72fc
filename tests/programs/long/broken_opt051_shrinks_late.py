# expects: OPT051
"""A text classifier whose decay is written into the optimizer's class, without the rate that falls in the meantime."""

import torch
from torch import nn


class DecayedAdam(torch.optim.Adam):
    """Adam with a decay of its own, so that it is not mixed with the moments."""

    def __init__(self, params, lr, shrink):
        super().__init__(params, lr=lr)
        self.shrink = shrink

    def shrink_weights(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.data -= self.shrink * p.data


class Bag(nn.Module):
    def __init__(self, words=400, size=24, topics=6):
        super().__init__()
        self.words = nn.EmbeddingBag(words, size)
        self.hidden = nn.Linear(size, 48)
        self.out = nn.Linear(48, topics)

    def forward(self, ids):
        return self.out(torch.relu(self.hidden(self.words(ids))))


def texts(count, generator):
    topic = torch.randint(0, 6, (count,), generator=generator)
    own = topic[:, None] * 60 + torch.randint(0, 60, (count, 18), generator=generator)
    common = torch.randint(0, 400, (count, 18), generator=generator)
    return torch.where(torch.rand(count, 18, generator=generator) < 0.35, own, common), topic


def main(epochs=16, batch=50):
    torch.manual_seed(4)
    ids, topic = texts(3000, torch.Generator().manual_seed(4))
    model = Bag()
    optimizer = DecayedAdam(model.parameters(), lr=4e-3, shrink=6e-3)
    steps = epochs * (len(ids) // batch)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.001, total_iters=steps)
    for epoch in range(epochs):
        for rows in torch.randperm(len(ids)).split(batch):
            loss = nn.functional.cross_entropy(model(ids[rows]), topic[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            optimizer.shrink_weights()
            schedule.step()
        print(f"{epoch}: {loss.item():.3f}")


main()
