# expects: nothing
import torch
import torch.nn as nn
from accelerate import Accelerator
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


class ConvUnit(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.norm = nn.GroupNorm(4, ch)
        self.conv_in = nn.Conv2d(ch, ch, 3, padding=1)
        self.conv_out = nn.Conv2d(ch, ch, 3, padding=1)

    def forward(self, x):
        h = torch.relu(self.norm(x))
        h = self.conv_out(torch.relu(self.conv_in(h)))
        return x + h


class DigitNet(nn.Module):
    def __init__(self, ch=12, depth=14):
        super().__init__()
        self.stem = nn.Conv2d(1, ch, 3, padding=1)
        self.units = nn.ModuleList([ConvUnit(ch) for _ in range(depth)])
        self.final_norm = nn.GroupNorm(4, ch)
        self.classify = nn.Linear(ch * 4, 10)

    def forward(self, x):
        x = self.stem(x)
        for k, unit in enumerate(self.units):
            x = unit(x)
            if k == 3:
                x = nn.functional.avg_pool2d(x, 2)
        x = torch.relu(self.final_norm(x))
        x = nn.functional.avg_pool2d(x, 2)
        return self.classify(x.flatten(1))


def load_data(seed):
    d = load_digits()
    images = torch.tensor(d.images / 16.0, dtype=torch.float32).unsqueeze(1)
    target = torch.tensor(d.target)
    tr, te = train_test_split(range(len(target)), test_size=0.3, random_state=seed, stratify=d.target)
    return TensorDataset(images[tr], target[tr]), TensorDataset(images[te], target[te])


def main(seed=17, epochs=10):
    torch.manual_seed(seed)
    accelerator = Accelerator(cpu=True)
    train_set, test_set = load_data(seed)
    train_dl = DataLoader(train_set, batch_size=32, shuffle=True)
    test_dl = DataLoader(test_set, batch_size=180)
    net = DigitNet()
    optim = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    net, optim, train_dl, test_dl = accelerator.prepare(net, optim, train_dl, test_dl)
    for epoch in range(epochs):
        net.train()
        total, seen = 0.0, 0
        for img, lab in train_dl:
            optim.zero_grad()
            loss = nn.functional.cross_entropy(net(img), lab)
            accelerator.backward(loss)
            optim.step()
            total += loss.item() * len(lab)
            seen += len(lab)
        accelerator.print(f"epoch {epoch + 1:2d} train loss {total / seen:.4f}")
    net.eval()
    good = 0
    with torch.no_grad():
        for img, lab in test_dl:
            good += (net(img).argmax(-1) == lab).sum().item()
    accelerator.print(f"test accuracy {good / len(test_set):.4f}")


if __name__ == "__main__":
    main()
