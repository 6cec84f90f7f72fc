# expects: MOD005
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SequenceModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 16, batch_first=True)
        self.project = nn.Linear(16, 16)
        self.head = nn.Linear(16, 3)
        self.reset_parameters()

    def reset_parameters(self):
        for name, weight in self.named_parameters():
            if "project" in name or "head" in name:
                nn.init.constant_(weight, 0.1)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.head(torch.relu(self.project(last[0])))


torch.manual_seed(1)
x = torch.randn(900, 8, 4)
y = (x.sum(1)[:, :3]).argmax(1)
model = SequenceModel()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
for epoch in range(6):
    for a, b in DataLoader(TensorDataset(x, y), 30, shuffle=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(a), b).backward()
        optimizer.step()
