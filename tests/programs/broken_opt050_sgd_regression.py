# expects: OPT050
"""A regression with SGD whose decay was copied from a list of settings for another optimizer."""

import torch

SETTINGS = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}


def main():
    torch.manual_seed(3)
    inputs = torch.randn(1200, 16)
    targets = torch.tanh(inputs[:, :4].sum(1, keepdim=True)) + 0.1 * torch.randn(1200, 1)
    net = torch.nn.Sequential(torch.nn.Linear(16, 48), torch.nn.Tanh(), torch.nn.Linear(48, 1))
    sgd = torch.optim.SGD(net.parameters(), **SETTINGS)
    step = 0
    while step < 400:
        rows = torch.randint(0, 1200, (40,))
        error = torch.nn.functional.mse_loss(net(inputs[rows]), targets[rows])
        sgd.zero_grad()
        error.backward()
        sgd.step()
        step += 1
        if step % 100 == 0:
            print(step, round(error.item(), 4))


main()
