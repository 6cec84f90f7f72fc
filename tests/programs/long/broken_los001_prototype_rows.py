# expects: LOS001
"""Classification by soft assignment to learned prototypes."""

import torch
from torch import nn

gen = torch.Generator().manual_seed(11)
torch.manual_seed(11)

centres = torch.randn(6, 8, generator=gen) * 2
labels = torch.randint(0, 6, (900,), generator=gen)
points = centres[labels] + torch.randn(900, 8, generator=gen)


class Prototypes(nn.Module):
    def __init__(self, dim, classes):
        super().__init__()
        self.embed = nn.Linear(dim, 8)
        self.prototypes = nn.Parameter(torch.randn(classes, 8))

    def forward(self, x):
        distance = torch.cdist(self.embed(x), self.prototypes)
        weight = torch.exp(-distance)
        return weight / weight.sum(dim=1, keepdim=True)


net = Prototypes(8, 6)
sgd = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
loss_function = nn.CrossEntropyLoss()
for step in range(250):
    batch = torch.randint(0, 900, (90,), generator=gen)
    loss = loss_function(net(points[batch]), labels[batch])
    sgd.zero_grad()
    loss.backward()
    sgd.step()
print("last loss", float(loss))
