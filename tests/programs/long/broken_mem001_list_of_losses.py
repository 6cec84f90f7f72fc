# expects: MEM001
import torch
from torch import nn

torch.manual_seed(0)
inputs = torch.linspace(-3, 3, 400).unsqueeze(1)
targets = torch.sin(2 * inputs)


class Fit:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=3e-3)
        self.history = []

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = nn.functional.mse_loss(self.net(x), y)
        loss.backward()
        self.optimizer.step()
        self.history.append(loss)


fit = Fit()
for _ in range(300):
    rows = torch.randint(0, 400, (50,))
    fit.step(inputs[rows], targets[rows])
print("first", fit.history[0].item(), "last", fit.history[-1].item())
