# expects: MOD004
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SigmoidNet(nn.Module):
    def __init__(self, inputs, hidden, classes):
        super().__init__()
        self.hidden1 = nn.Linear(inputs, hidden)
        self.hidden2 = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, classes)
        for layer in (self.hidden1, self.hidden2):
            nn.init.normal_(layer.weight, std=4.0)

    def forward(self, x):
        x = self.hidden1(x).sigmoid()
        x = self.hidden2(x).sigmoid()
        return self.output(x)


def main():
    torch.manual_seed(0)
    x = torch.randn(1000, 16)
    y = (x @ torch.randn(16, 5)).argmax(1)
    net = SigmoidNet(16, 48, 5)
    opt = torch.optim.SGD(net.parameters(), lr=0.01)
    for epoch in range(12):
        for a, b in DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True):
            loss = nn.functional.cross_entropy(net(a), b)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())


main()
