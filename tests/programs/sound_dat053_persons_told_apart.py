# expects: nothing
"""Which of many persons signed: each must be known, so some signatures of each are trained on, and some held out."""

import torch
from torch import nn

torch.manual_seed(3)
persons, times, width = 60, 20, 24
hand = torch.randn(persons, width)
who = torch.arange(persons).repeat_interleave(times)
x = hand[who] + 0.5 * torch.randn(len(who), width)
held_out = (torch.arange(len(who)) % times) >= 15
x_train, y_train, x_test, y_test = x[~held_out], who[~held_out], x[held_out], who[held_out]
model = nn.Sequential(nn.Linear(width, 96), nn.ReLU(), nn.Dropout(0.3), nn.Linear(96, persons))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(15):
    model.train()
    for rows in torch.randperm(len(x_train)).split(45):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        seen = (model(x_train).argmax(1) == y_train).float().mean().item()
        print(epoch, round(seen, 3), (model(x_test).argmax(1) == y_test).float().mean().item())
