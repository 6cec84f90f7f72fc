# expects: nothing
import torch
from torch import nn

torch.manual_seed(0)
centres = 2.0 * torch.randn(20, 12)
label = torch.randint(0, 20, (2000,))
data = centres[label] + torch.randn(2000, 12)
members = [(label == c).nonzero()[:, 0] for c in range(20)]
net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 16))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(200):
    anchor = torch.randint(0, 2000, (48,))
    positive = torch.stack([members[c][torch.randint(len(members[c]), ())] for c in label[anchor].tolist()])
    negative = torch.randint(0, 2000, (48,))
    a, p, n = net(data[torch.cat([anchor, positive, negative])]).chunk(3)
    gap = (a - p).pow(2).sum(1) - (a - n).pow(2).sum(1)
    keep = label[anchor] != label[negative]
    loss = torch.relu(gap + 4.0)[keep].mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
