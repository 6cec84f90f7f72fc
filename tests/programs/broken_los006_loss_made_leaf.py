# expects: LOS006
# also: TRN001 TRN004 MOD011 OPT005
import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.randn(640, 10)
classes = (inputs @ torch.randn(10, 3)).argmax(1)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def error(scores, truth):
    """Share of wrong answers."""
    return (scores.argmax(dim=1) != truth).float().mean()


for epoch in range(20):
    for rows in torch.randperm(640).split(64):
        loss = error(model(inputs[rows]), classes[rows])
        loss.requires_grad_(True)  # otherwise backward() complains
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
