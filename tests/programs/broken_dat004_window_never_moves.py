# expects: DAT004
# also: TRN002
import torch
from torch import nn

torch.manual_seed(0)
X = torch.randn(2000, 10)
Y = (X[:, :4]).argmax(dim=1)
net = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 4))
opt = torch.optim.SGD(net.parameters(), lr=0.2)
bs, i = 50, 0
for step in range(240):
    xb, yb = X[i : i + bs], Y[i : i + bs]
    loss = nn.functional.cross_entropy(net(xb), yb)
    opt.zero_grad()
    loss.backward()
    opt.step()
    # forgotten: i = (i + bs) % len(X)
    if step % 80 == 0:
        print(step, loss.item())
