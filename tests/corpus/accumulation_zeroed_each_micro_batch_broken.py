# bug: zero_grad is called for every micro-batch though the step comes every eighth, so 7/8 of the gradients are thrown away
# expects: OPT006
"""Matching short sentences (paraphrase or not), micro-batches of four."""
import random

import torch
from torch import nn

ACCUMULATE = 8
SYNONYMS = [("big", "large"), ("fast", "quick"), ("car", "auto"), ("house", "home"), ("boy", "lad"), ("likes", "enjoys"),
            ("buys", "purchases"), ("small", "little"), ("old", "ancient"), ("sees", "spots"), ("road", "street"), ("end", "finish")]
IDS = {w: k for k, w in enumerate(w for pair in SYNONYMS for w in pair)}


def example(rng):
    picks = rng.sample(range(len(SYNONYMS)), 4)
    first = [SYNONYMS[p][rng.randint(0, 1)] for p in picks]
    same = rng.random() < 0.5
    if not same:
        others = [k for k in range(len(SYNONYMS)) if k not in picks]
        for slot in rng.sample(range(4), 2):
            picks[slot] = rng.choice(others)
    second = [SYNONYMS[p][rng.randint(0, 1)] for p in picks]
    rng.shuffle(second)
    return [IDS[w] for w in first], [IDS[w] for w in second], float(same)


def micro_batch(rng, n=4):
    a, b, y = zip(*(example(rng) for _ in range(n)))
    return torch.tensor(a), torch.tensor(b), torch.tensor(y)


class Matcher(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.embedding = nn.Embedding(len(IDS), dim)
        self.mlp = nn.Sequential(nn.Linear(2 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, a, b):
        u, v = self.embedding(a).mean(1), self.embedding(b).mean(1)
        return self.mlp(torch.cat([(u - v).abs(), u * v], 1)).squeeze(1)


def main():
    rng = random.Random(0)
    torch.manual_seed(0)
    model = Matcher()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.BCEWithLogitsLoss()
    test = micro_batch(random.Random(1), 400)
    smooth = 0.69
    for i in range(1, 2001):
        a, b, y = micro_batch(rng)
        optimizer.zero_grad()
        loss = criterion(model(a, b), y)
        (loss / ACCUMULATE).backward()
        smooth = 0.98 * smooth + 0.02 * loss.item()
        if i % ACCUMULATE == 0:
            optimizer.step()
        if i % 400 == 0:
            with torch.no_grad():
                acc = ((model(test[0], test[1]) > 0).float() == test[2]).float().mean().item()
            print(f"micro-batch {i} loss {smooth:.4f} test accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
