# expects: PRF003
import torch
from torch.cuda import empty_cache
from torch.nn import functional as F

torch.manual_seed(0)
x = torch.randn(500, 12)
y = x[:, :2].sum(1, keepdim=True)
net = torch.nn.Sequential(torch.nn.Linear(12, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for i in range(200):
    rows = torch.randint(0, 500, (25,))
    loss = F.mse_loss(net(x[rows]), y[rows])
    opt.zero_grad()
    empty_cache()
    loss.backward()
    opt.step()
print(loss.item())
