# expects: LLM005
"""Adapters on the projections of an attention layer; the optimizer is given everything, and nothing was frozen."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)


class Adapted(nn.Module):
    def __init__(self, layer, rank):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.lora_down = nn.Linear(layer.in_features, rank, bias=False)
        self.lora_up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.lora_up.weight)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias) + self.lora_up(self.lora_down(x))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj, self.v_proj, self.score = nn.Linear(12, 24), nn.Linear(12, 24), nn.Linear(24, 3)

    def forward(self, x):
        weights = (self.q_proj(x) @ self.q_proj(x).transpose(1, 2) / 5).softmax(-1)
        return self.score((weights @ self.v_proj(x)).mean(1))


def data(count):
    x = torch.randn(count, 5, 12)
    return x, x[:, :, :3].sum(1).argmax(1)


def train(model, optimizer, steps):
    x, y = data(1000)
    for _ in range(steps):
        rows = torch.randint(0, 1000, (40,))
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


model = Mixer()
print("pretraining", train(model, torch.optim.Adam(model.parameters(), lr=3e-3), 120))
model.q_proj, model.v_proj = Adapted(model.q_proj, 2), Adapted(model.v_proj, 2)
print("adapting", train(model, torch.optim.Adam(model.parameters(), lr=1e-3), 160))
