import logging
from collections import OrderedDict

import torch
from sklearn.datasets import load_digits
from torch.nn import Linear, Sequential, Tanh
from torch.nn import functional as F

log = logging.getLogger("deep-tanh")


def deep_tanh(n_in, n_out, width, depth):
    parts = OrderedDict()
    for k in range(depth):
        parts[f"lin{k}"] = Linear(n_in if k == 0 else width, width)
        parts[f"act{k}"] = Tanh()
    parts["out"] = Linear(width, n_out)
    net = Sequential(parts)
    for name, layer in net.named_children():
        if isinstance(layer, Linear):
            torch.nn.init.xavier_normal_(layer.weight, gain=1.0 if name == "out" else 5 / 3)
            torch.nn.init.zeros_(layer.bias)
    return net


def main():
    logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s")
    logging.getLogger("torch").setLevel(logging.WARNING)
    torch.manual_seed(16)
    raw = load_digits(n_class=6)
    x = torch.tensor(raw.data, dtype=torch.float32)
    x = (x - x.mean(0)) / (x.std(0) + 0.5)
    y = torch.tensor(raw.target)
    p = torch.randperm(len(x))
    x, y = x[p], y[p]
    n = 850
    net = deep_tanh(64, 6, 64, 14)
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(14):
        net.train()
        total = 0.0
        for idx in torch.randperm(n).split(34):
            loss = F.cross_entropy(net(x[idx]), y[idx])
            sgd.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            sgd.step()
            total += loss.item()
        with torch.no_grad():
            net.eval()
            acc = (net(x[n:]).argmax(1) == y[n:]).float().mean()
        if epoch % 2:
            log.debug("epoch %d loss %.4f accuracy %.4f", epoch + 1, total / 25, acc)


main()
