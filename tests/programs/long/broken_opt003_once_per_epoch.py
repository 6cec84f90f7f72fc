# expects: OPT003
"""The gradients are cleared in the epoch loop, not in the batch loop."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Waves(Dataset):
    def __init__(self, count):
        generator = torch.Generator().manual_seed(5)
        self.phase = torch.rand(count, 1, generator=generator) * 6.28
        self.kind = torch.randint(0, 3, (count,), generator=generator)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        time = torch.linspace(0, 6.28, 20)
        return torch.sin((self.kind[i] + 1) * time + self.phase[i]).unsqueeze(-1), self.kind[i]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(1, 16, batch_first=True)
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        _, last = self.rnn(x)
        return self.out(last[-1])


torch.manual_seed(0)
loader = DataLoader(Waves(480), batch_size=24, shuffle=True)
model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

for epoch in range(10):
    optimizer.zero_grad()
    for x, kind in loader:
        loss = criterion(model(x), kind)
        loss.backward()
        optimizer.step()
    print(epoch, round(loss.item(), 3))
