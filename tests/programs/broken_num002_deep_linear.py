# expects: NUM002
# also: NUM001 OPT007
import torch
from torch import nn

torch.manual_seed(0)
layers = []
for _ in range(10):
    linear = nn.Linear(32, 32)
    nn.init.normal_(linear.weight)  # standard deviation 1
    layers += [linear, nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(32, 1))
x = torch.randn(500, 32)
y = x[:, :3].sum(1, keepdim=True)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
for epoch in range(20):
    for i in range(0, 500, 50):
        loss = nn.functional.mse_loss(model(x[i : i + 50]), y[i : i + 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
