# expects: nothing
"""Node classification on one fixed graph: every node sees its neighbours, and every step sees all nodes."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
nodes, classes = 240, 4
label = torch.randint(0, classes, (nodes,))
same = label[:, None] == label[None]
adjacency = (torch.rand(nodes, nodes) < torch.where(same, 0.06, 0.01)).float()
adjacency = ((adjacency + adjacency.T + torch.eye(nodes)) > 0).float()
adjacency = adjacency / adjacency.sum(1, keepdim=True)
features = 0.8 * torch.randn(nodes, 16) + torch.eye(classes, 16)[label]


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 32)
        self.second = nn.Linear(32, classes)

    def forward(self, x, a):
        x = F.dropout(F.relu(a @ self.first(x)), 0.5, self.training)
        return a @ self.second(x)


model = GCN()
train, test = torch.arange(0, 160), torch.arange(160, nodes)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=5e-4)
for epoch in range(200):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(features, adjacency)[train], label[train])
    loss.backward()
    optimizer.step()
    if epoch % 20 == 0:
        model.eval()
        with torch.no_grad():
            print(epoch, (model(features, adjacency)[test].argmax(1) == label[test]).float().mean().item())
