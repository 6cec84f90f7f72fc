# expects: nothing
"""A sparse linear model: most weights are to go to zero, by a penalty on their sizes that outweighs the data for them."""

import torch

torch.manual_seed(2)
x = torch.randn(2000, 60)
truth = torch.zeros(60)
truth[:4] = torch.tensor([2.0, -1.5, 1.0, 0.8])
y = x @ truth + 0.3 * torch.randn(2000)
model = torch.nn.Linear(60, 1)
torch.nn.init.normal_(model.weight)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(1500):
    rows = torch.randint(0, 2000, (64,))
    error = (model(x[rows])[:, 0] - y[rows]).pow(2).mean()
    loss = error + 0.1 * model.weight.abs().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 300 == 0:
        print(step, round(error.item(), 3), int((model.weight.abs() < 0.02).sum()))
