# expects: nothing
# An ordered grade from 0 to 4, each about as frequent, is rightly predicted as a number.
import torch
from torch import nn

torch.manual_seed(6)
answers = torch.randn(1500, 8)
ability = answers @ torch.randn(8) + 0.5 * torch.randn(1500)
grade = torch.bucketize(ability, ability.quantile(torch.tensor([0.2, 0.4, 0.6, 0.8]))).float()
net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(1500).split(50):
        loss = nn.functional.mse_loss(net(answers[rows]).squeeze(1), grade[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
