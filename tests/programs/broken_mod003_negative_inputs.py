# expects: MOD003
import torch
import torch.nn.functional as F

torch.manual_seed(2)
n = 1200
x = torch.rand(n, 10) + 0.5
y = (x[:, :5].sum(1) - x[:, 5:].sum(1))[:, None]


class Regressor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(10, 50)
        self.second = torch.nn.Linear(50, 50)
        self.third = torch.nn.Linear(50, 1)
        torch.nn.init.uniform_(self.second.weight, -0.3, -0.05)  # a sign was lost
        torch.nn.init.uniform_(self.second.bias, -0.1, 0.0)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x))
        return self.third(x)


net = Regressor()
opt = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
for step in range(300):
    rows = torch.randint(0, n, (64,))
    loss = F.mse_loss(net(x[rows]), y[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
