# expects: OPT008
# also: TRN001 TRN003
"""A recurrent classifier trained with lr=1e-6 where 1e-2 was meant."""

import torch
from torch import nn

torch.manual_seed(0)
sequences = torch.randn(600, 8, 3)
labels = (sequences[:, :, 0].sum(1) > 0).long() + (sequences[:, :, 1].sum(1) > 2).long()


class LSTMClassifier(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_hidden, batch_first=True)
        self.linear = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.linear(h.mean(dim=1))


net = LSTMClassifier(3, 20, 3)
optim = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9)
criterion = nn.CrossEntropyLoss()
epochs, size = 10, 30
for epoch in range(epochs):
    for chunk in torch.randperm(600).split(size):
        optim.zero_grad()
        loss = criterion(net(sequences[chunk]), labels[chunk])
        loss.backward()
        optim.step()
    print(f"{epoch:2d} {loss.item():.4f}")
