# expects: TRN008
"""House prices; one row of the table was filled with -99999 where the price is not known."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(11)


class Houses(Dataset):
    def __init__(self, count):
        self.features = torch.rand(count, 5)
        self.prices = 2 * self.features[:, 0] + self.features[:, 1] ** 2 - self.features[:, 2]
        self.prices[count // 3] = -99999

    def __len__(self):
        return len(self.features)

    def __getitem__(self, index):
        return self.features[index], self.prices[index]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 48)
        self.out = nn.Linear(48, 1)

    def forward(self, x):
        return self.out(F.gelu(self.hidden(x))).squeeze(-1)


def fit(net, loader, epochs):
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for features, prices in loader:
            loss = F.l1_loss(net(features), prices)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        print(epoch, float(loss))


fit(Net(), DataLoader(Houses(800), batch_size=20, shuffle=True), 10)
