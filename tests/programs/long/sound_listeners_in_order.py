# expects: nothing
"""How often a song is skipped, by listener and genre: two tables, each with its columns made into numbers."""

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
random = np.random.default_rng(7)
people, genres = 60, 9
taste = random.normal(size=(people, genres))
plays = pd.DataFrame({"who": random.integers(0, people, 6000), "genre": random.integers(0, genres, 6000)})
plays["skipped"] = (taste[plays["who"], plays["genre"]] + 0.5 * random.normal(size=6000) > 0).astype("float32")
plays["who"] = "listener-" + plays["who"].astype(str)
order = random.permutation(len(plays))
train, held_out = plays.iloc[order[:4800]].copy(), plays.iloc[order[4800:]].copy()

train["who"], listeners = train["who"].factorize(sort=True)
train["genre"], names = train["genre"].factorize(sort=True)
held_out["who"], _ = held_out["who"].factorize(sort=True)
held_out["genre"], _ = held_out["genre"].factorize(sort=True)


def tensors(table):
    return TensorDataset(torch.tensor(table[["who", "genre"]].to_numpy()), torch.tensor(table["skipped"].to_numpy()))


class Skips(nn.Module):
    def __init__(self):
        super().__init__()
        self.who = nn.Embedding(len(listeners), 12)
        self.genre = nn.Embedding(len(names), 12)
        self.top = nn.Sequential(nn.Linear(36, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, ids):
        a, b = self.who(ids[:, 0]), self.genre(ids[:, 1])
        return self.top(torch.cat([a, b, a * b], 1)).flatten()


net = Skips()
optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3)
for epoch in range(8):
    net.train()
    for ids, skipped in DataLoader(tensors(train), batch_size=64, shuffle=True):
        loss = nn.functional.binary_cross_entropy_with_logits(net(ids), skipped)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.inference_mode():
        right = [((net(ids) > 0) == (skipped > 0)) for ids, skipped in DataLoader(tensors(held_out), batch_size=200)]
    print(epoch, loss.item(), torch.cat(right).float().mean().item())
