# sound: nn.MultiheadAttention with batch_first=True
"""Find the value that belongs to the queried key in a list of key-value pairs."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    n_keys: int = 8
    n_values: int = 6
    n_pairs: int = 4
    dim: int = 32
    batch: int = 64
    steps: int = 450
    lr: float = 3e-3


class Recall(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.key = nn.Embedding(cfg.n_keys, cfg.dim)
        self.value = nn.Embedding(cfg.n_values, cfg.dim)
        self.query = nn.Embedding(cfg.n_keys, cfg.dim)
        self.attention = nn.MultiheadAttention(cfg.dim, 2, batch_first=True)
        self.norm = nn.LayerNorm(cfg.dim)
        self.out = nn.Sequential(nn.Linear(cfg.dim, cfg.dim), nn.ReLU(), nn.Linear(cfg.dim, cfg.n_values))

    def forward(self, keys, values, query):
        memory = self.key(keys) + self.value(values)
        tokens = torch.cat([self.query(query).unsqueeze(1), memory], 1)
        h, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        return self.out(self.norm(tokens + h)[:, 0])


def episode(cfg, n):
    keys = torch.stack([torch.randperm(cfg.n_keys)[:cfg.n_pairs] for _ in range(n)])
    values = torch.randint(0, cfg.n_values, (n, cfg.n_pairs))
    pick = torch.randint(0, cfg.n_pairs, (n,))
    rows = torch.arange(n)
    return (keys, values, keys[rows, pick]), values[rows, pick]


def main():
    cfg = Config()
    torch.manual_seed(24)
    model = Recall(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    test_in, test_out = episode(cfg, 256)
    for step in range(1, cfg.steps + 1):
        inputs, target = episode(cfg, cfg.batch)
        loss = nn.functional.cross_entropy(model(*inputs), target)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 75 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(*test_in).argmax(-1) == test_out).float().mean().item()
            model.train()
            print(f"step {step}: loss {loss.item():.3f}, recall accuracy {acc:.3f} (guess {1 / cfg.n_values:.3f})")


if __name__ == "__main__":
    main()
