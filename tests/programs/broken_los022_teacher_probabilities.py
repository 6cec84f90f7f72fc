# expects: LOS022
"""Distillation: the student's and the teacher's side both went through the same helper, once."""

import torch
import torch.nn.functional as F
from torch import nn


def fit(model, inputs, targets, objective, epochs=8, size=40, rate=3e-3):
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for picks in torch.randperm(len(inputs)).split(size):
            optimizer.zero_grad()
            value = objective(model(inputs[picks]), targets[picks])
            value.backward()
            optimizer.step()
            total += value.item()
        model.eval()
        with torch.no_grad():
            print(epoch, total, objective(model(inputs[:200]), targets[:200]).item())


torch.manual_seed(27)
teacher = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 5))
data = torch.randn(900, 12)
with torch.no_grad():
    wanted = F.softmax(4 * teacher(data), dim=-1)


def distil(scores, wanted):
    return F.kl_div(scores.log_softmax(-1), wanted, log_target=True, reduction="batchmean")


fit(nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5)), data, wanted, distil)
