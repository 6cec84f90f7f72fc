# expects: MOD011
import torch
import torch.nn.functional as F
from torch import nn


class Experts(nn.Module):
    """A mixture of experts that takes the best expert by argmax."""

    def __init__(self, inputs=8, experts=4, classes=3):
        super().__init__()
        self.router = nn.Linear(inputs, experts)
        self.experts = nn.Parameter(torch.randn(experts, inputs, classes) * 0.3)

    def forward(self, x):
        choice = F.one_hot(self.router(x).argmax(-1), 4).to(x.dtype)
        return torch.einsum("be,eic,bi->bc", choice, self.experts, x)


torch.manual_seed(0)
x = torch.randn(1500, 8)
y = ((x[:, :1] > 0) * x[:, 1:4] + (x[:, :1] <= 0) * x[:, 4:7]).argmax(1)
model = Experts()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(260):
    rows = torch.randint(0, 1500, (50,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
