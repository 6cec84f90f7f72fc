# expects: LOS006
import itertools

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 8, 5, padding=2)
        self.conv2 = nn.Conv1d(8, 8, 5, padding=2)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        return torch.relu(self.conv2(x)).mean(dim=2)


def waves(n):
    kind = torch.randint(0, 3, (n,))
    t = torch.linspace(0, 6.28, 32)
    frequency = torch.tensor([1.0, 3.0, 6.0])[kind].unsqueeze(1)
    return (torch.sin(frequency * t + 6.28 * torch.rand(n, 1)) + 0.1 * torch.randn(n, 32)).unsqueeze(1), kind


encoder, head = Encoder(), nn.Linear(8, 3)
optimizer = torch.optim.Adam(itertools.chain(encoder.parameters(), head.parameters()), lr=5e-3)
criterion = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(*waves(600)), batch_size=40, shuffle=True)

for epoch in range(12):
    for x, y in loader:
        with torch.no_grad():  # was meant for the validation pass
            code = encoder(x)
        loss = criterion(head(code), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
