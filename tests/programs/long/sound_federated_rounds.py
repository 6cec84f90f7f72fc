# expects: nothing
"""Federated averaging: in each round every client trains the global weights with an optimizer of its own."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
teacher = torch.randn(8, 3)
clients = []
for shift in (-0.5, 0.0, 0.5):
    x = torch.randn(240, 8) + shift
    clients.append(DataLoader(TensorDataset(x, (x @ teacher).argmax(1)), batch_size=24, shuffle=True))


def make():
    return nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))


world, local = make(), make()
for round in range(8):
    gathered = []
    for loader in clients:
        local.load_state_dict(world.state_dict())
        optimizer = torch.optim.SGD(local.parameters(), lr=0.05, momentum=0.9)
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(local(x), y).backward()
            optimizer.step()
        gathered.append({name: value.clone() for name, value in local.state_dict().items()})
    mean = {name: sum(one[name] for one in gathered) / len(gathered) for name in gathered[0]}
    world.load_state_dict(mean)
