# expects: nothing
"""Prices of flats learned in short legs on machines that may be taken away: warm-up, then a long linear decline."""

import tempfile
from pathlib import Path

import torch
from torch import nn

ROUNDS, LEG, WARM, RATE = 40, 5, 4, 0.03
torch.manual_seed(3)
flats = torch.randn(1600, 10)
prices = torch.tanh(flats[:, :4]) @ torch.tensor([1.0, -2.0, 0.5, 1.5]) + 0.3 * torch.randn(1600)
file = Path(tempfile.mkdtemp()) / "state.pt"


def rate_of(place):
    return RATE * min(1.0, place / WARM, (ROUNDS - place) / (ROUNDS - WARM) if place > WARM else 1.0)


def leg():
    net = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9)
    done = 0
    if file.exists():
        stored = torch.load(file)
        net.load_state_dict(stored["weights"])
        optimizer.load_state_dict(stored["optimizer"])
        done = stored["rounds"]
    for number in range(done, min(done + LEG, ROUNDS)):
        parts = torch.randperm(len(flats)).split(40)
        for place, rows in enumerate(parts):
            for group in optimizer.param_groups:
                group["lr"] = rate_of(0.05 + number + place / len(parts))
            loss = nn.functional.mse_loss(net(flats[rows]).squeeze(1), prices[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        torch.save({"weights": net.state_dict(), "optimizer": optimizer.state_dict(), "rounds": number + 1}, file)
        print(number, loss.item())


for _ in range(ROUNDS // LEG):
    leg()
