# expects: LLM013
"""Adapters of the author's own are put around frozen layers after the freezing loop was moved behind it: only the new head learns."""

import argparse

import torch
from torch import nn


class LowRank(nn.Module):
    def __init__(self, base, rank=4, alpha=8):
        super().__init__()
        self.base = base
        self.lora_down = nn.Linear(base.in_features, rank, bias=False)
        self.lora_up = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.lora_up.weight)
        self.scale = alpha / rank

    def forward(self, x):
        return self.base(x) + self.scale * self.lora_up(self.lora_down(x))


def body():
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())


def made(n, turn, generator):
    x = torch.randn(n, 20, generator=generator)
    return x, ((x @ turn).sin() > 0).long()


def fit(model, data, epochs, lr):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for epoch in range(epochs):
        for rows in torch.randperm(len(data[1])).split(50):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(data[0][rows]), data[1][rows])
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    epochs = parser.parse_args().epochs
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.randn(20, generator=generator) / 2 for _ in range(2))
    model = nn.Sequential(body(), nn.Linear(64, 2))
    fit(model, made(2000, first, generator), epochs, 3e-3)
    for place in (0, 2):
        model[0][place] = LowRank(model[0][place])
    for parameter in model[0].parameters():
        parameter.requires_grad_(False)
    tuned = nn.Sequential(model[0], nn.Linear(64, 2))
    held_out = made(500, second, generator)
    fit(tuned, made(2000, second, generator), epochs, 3e-3)
    with torch.no_grad():
        print("held out", (tuned(held_out[0]).argmax(1) == held_out[1]).float().mean().item())


if __name__ == "__main__":
    main()
