# expects: OPT007
# also: NUM001 NUM002 TRN001
"""Least squares by gradient descent on the whole data set, far beyond the stable step."""

import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(300, 6)
true_w = torch.tensor([2.0, -3.4, 1.2, 0.3, -0.7, 0.05])
y = X @ true_w + 4.2 + 0.01 * torch.randn(300)

net = nn.Sequential(nn.Linear(6, 1))
loss = nn.MSELoss(reduction="mean")
trainer = torch.optim.SGD(net.parameters(), lr=1.3)

for epoch in range(160):
    l = loss(net(X), y.reshape(-1, 1))  # noqa: E741
    trainer.zero_grad()
    l.backward()
    trainer.step()
    if epoch % 20 == 0:
        print(f"epoch {epoch}, loss {l:f}")
