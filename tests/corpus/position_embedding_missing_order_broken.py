# bug: a transformer classifier on data whose class is the order of its tokens, without any positions
# expects: LLM007
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader


class Brackets(Dataset):
    """Strings of ( and ), as many of the one as of the other: well opened and closed, or closed before opened?"""

    def __init__(self, n, length, seed):
        g = torch.Generator().manual_seed(seed)
        good, bad = [], []
        half = torch.cat([torch.ones(length // 2), -torch.ones(length // 2)])
        while len(good) < n // 2 or len(bad) < n // 2:
            s = half[torch.randperm(length, generator=g)]
            depth = s.cumsum(0)
            if depth[-3:].min() >= 0 and depth[:3].min() >= 0 and s[0] > 0:
                good.append(s)
            elif s[0] < 0:
                bad.append(s)
        rows = good[:n // 2] + bad[:n // 2]
        self.x = ((torch.stack(rows) + 1) / 2).long()
        self.y = torch.cat([torch.ones(n // 2), torch.zeros(n // 2)]).long()

    def __len__(self):
        return len(self.y)

    def __getitem__(self, k):
        return self.x[k], self.y[k]


class OrderTransformer(nn.Module):
    def __init__(self, length, d=32, heads=4, layers=2):
        super().__init__()
        self.token = nn.Embedding(2, d)
        layer = nn.TransformerEncoderLayer(d, heads, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.classify = nn.Linear(d, 2)

    def forward(self, x):
        h = self.token(x)
        return self.classify(self.encoder(h).mean(dim=1))


def run_epoch(net, loader, opt=None):
    net.train(opt is not None)
    loss_sum = correct = count = 0
    with torch.set_grad_enabled(opt is not None):
        for x, y in loader:
            logits = net(x)
            loss = nn.functional.cross_entropy(logits, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            correct += (logits.argmax(1) == y).sum().item()
            count += len(y)
    return loss_sum / count, correct / count


if __name__ == "__main__":
    torch.manual_seed(62)
    LENGTH = 10
    train = DataLoader(Brackets(2000, LENGTH, 0), batch_size=50, shuffle=True)
    test = DataLoader(Brackets(400, LENGTH, 1), batch_size=200)
    net = OrderTransformer(LENGTH)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(5):
        tr, te = run_epoch(net, train, opt), run_epoch(net, test)
        print("epoch %d: train %.4f / %.3f, test %.4f / %.3f" % (epoch, *tr, *te))
