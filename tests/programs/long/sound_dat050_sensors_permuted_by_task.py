# expects: nothing
"""One task after the other, the sensors of each wired otherwise: after each, all are tested, also those that come later."""

import torch
from torch import nn

generator = torch.Generator().manual_seed(8)
torch.manual_seed(8)
SENSORS, TASKS = 12, 3
centres = 1.5 * torch.randn(4, SENSORS, generator=generator)
levels, widths = torch.linspace(-4, 5, SENSORS), torch.linspace(0.3, 2.0, SENSORS)
wirings = [torch.arange(SENSORS), *(torch.randperm(SENSORS, generator=generator) for _ in range(TASKS - 1))]


def readings(number):
    labels = torch.randint(4, (number,), generator=generator)
    return levels + widths * (centres[labels] + torch.randn(number, SENSORS, generator=generator)), labels


inputs, labels = readings(960)
seen, seen_labels = readings(300)
model = nn.Sequential(nn.Linear(SENSORS, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for task, wiring in enumerate(wirings):
    for epoch in range(4):
        model.train()
        for rows in torch.randperm(len(labels), generator=generator).split(48):
            loss = nn.functional.cross_entropy(model(inputs[rows][:, wiring]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = [(model(seen[:, other]).argmax(1) == seen_labels).float().mean().item() for other in wirings]
    print(task, [round(share, 3) for share in right])
