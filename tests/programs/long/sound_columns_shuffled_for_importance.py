# expects: nothing
"""Which column matters? Each is shuffled in the training table, which stays standardised, and the error is taken again."""

import torch
from torch import nn

generator = torch.Generator().manual_seed(11)
torch.manual_seed(11)
table = 4.0 + 3.0 * torch.randn(800, 6, generator=generator)
wanted = torch.sin(table[:, 0] / 3) + 0.2 * table[:, 3] + 0.05 * torch.randn(800, generator=generator)
table = (table - table.mean(0)) / table.std(0)

model = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)


@torch.no_grad()
def error_of(x):
    model.eval()
    error = nn.functional.mse_loss(model(x).squeeze(1), wanted)
    model.train()
    return error.item()


for epoch in range(16):
    for rows in torch.randperm(800, generator=generator).split(40):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(table[rows]).squeeze(1), wanted[rows])
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        changed = []
        for column in range(6):
            other = table.clone()
            other[:, column] = table[torch.randperm(800, generator=generator), column]
            changed.append(error_of(other))
        print(epoch, loss.item(), [round(value, 3) for value in changed])
