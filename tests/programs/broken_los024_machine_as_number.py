# expects: LOS024
# Which of five machines a reading comes from is predicted as a number, the squares written by hand.
import torch
from torch import nn

torch.manual_seed(6)
machine = torch.randint(0, 5, (1500,))
answers = torch.randn(5, 8)[machine] + 0.5 * torch.randn(1500, 8)
grade = machine.float()
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = (net(answers[rows]).squeeze(1) - grade[rows]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
