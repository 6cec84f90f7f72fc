# expects: DAT050
"""A watch on the wrist, six channels: recordings of the later people were exported with the gyroscope first."""

import math

import torch
from torch import nn

CHANNELS = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
EXPORTED = ("gyr_x", "gyr_y", "gyr_z", "acc_x", "acc_y", "acc_z")
generator = torch.Generator().manual_seed(5)


def recording(activity, seconds=2, rate=25):
    time = torch.arange(seconds * rate) / rate
    pace = (0.4, 1.8, 2.7)[activity] * (1 + 0.1 * torch.randn(1, generator=generator))
    phase = 2 * math.pi * (pace * time + torch.rand(1, generator=generator))
    size = (0.1, 0.5, 1.1)[activity]
    series = {
        "acc_x": 0.3 + size * torch.sin(phase),
        "acc_y": -0.2 + 0.6 * size * torch.sin(2 * phase),
        "acc_z": 0.98 + 0.4 * size * torch.cos(phase).abs(),
        "gyr_x": 1.2 * size * torch.cos(phase),
        "gyr_y": 2.5 * size * torch.sin(phase + 0.4),
        "gyr_z": 0.5 * size * torch.cos(2 * phase),
    }
    return {name: values + 0.08 * torch.randn(len(time), generator=generator) for name, values in series.items()}


def stacked(recordings, names):
    return torch.stack([torch.stack([one[name] for name in names]) for one in recordings])


def people(number):
    labels = torch.arange(number) % 3
    return [recording(int(label)) for label in labels], labels


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Conv1d(6, 24, 7, padding=3)
        self.deep = nn.Conv1d(24, 24, 5, padding=2)
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        x = nn.functional.gelu(self.wide(x))
        x = nn.functional.gelu(self.deep(nn.functional.max_pool1d(x, 2)))
        return self.head(x.mean(-1))


torch.manual_seed(5)
recordings, labels = people(600)
inputs = stacked(recordings, CHANNELS)
later, later_labels = people(180)
later_inputs = stacked(later, EXPORTED)

net = Recognizer()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    net.train()
    for rows in torch.randperm(600, generator=generator).split(40):
        loss = nn.functional.cross_entropy(net(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        scores = torch.cat([net(batch) for batch in later_inputs.split(60)])
    print(epoch, loss.item(), (scores.argmax(1) == later_labels).float().mean().item())
