# expects: LOS026
"""Stages of nights of which experts scored a few hours; what nobody scored was left at 0, the first stage."""

import torch
from torch import nn

torch.manual_seed(3)
STAGES, EPOCHS, UNSCORED = 4, 40, 9
stages = torch.randint(STAGES, (900, EPOCHS // 8)).repeat_interleave(8, 1)
nights = torch.nn.functional.one_hot(stages, STAGES).float() @ torch.randn(STAGES, 6) + torch.randn(900, EPOCHS, 6)
hours = torch.rand(900, EPOCHS // 4).repeat_interleave(4, 1) < 0.15
scored = stages * hours


class Stager(nn.Module):
    def __init__(self):
        super().__init__()
        self.reader = nn.GRU(6, 32, batch_first=True, bidirectional=True)
        self.stage = nn.Linear(64, STAGES)

    def forward(self, night):
        return self.stage(self.reader(night)[0])


model = Stager()
criterion = nn.CrossEntropyLoss(ignore_index=UNSCORED)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(800).split(40):
        loss = criterion(model(nights[rows]).flatten(0, 1), scored[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(epoch, loss.item(), (model(nights[800:]).argmax(-1) == stages[800:]).float().mean().item())
