# bug: the whole-run history keeps the loss tensors themselves (with their graphs), not numbers
# expects: MEM001
"""Super-resolution of digits: 4x4 to 8x8."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class SuperRes(nn.Module):
    def __init__(self, c=24):
        super().__init__()
        self.head = nn.Conv2d(1, c, 3, padding=1)
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU())
        self.tail = nn.Sequential(nn.Conv2d(c, 4, 3, padding=1), nn.PixelShuffle(2))
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, x):
        return self.up(x) + self.tail(self.body(self.head(x)))


def psnr(a, b):
    return -10 * torch.log10(((a - b) ** 2).mean())


class Meter:
    def __init__(self):
        self.values = []

    def update(self, value):
        self.values.append(value)

    def mean(self, last):
        return float(sum(self.values[-last:]) / len(self.values[-last:]))


def main():
    torch.manual_seed(16)
    high = torch.tensor(load_digits().images / 16, dtype=torch.float32).unsqueeze(1)
    low = nn.functional.avg_pool2d(high, 2)
    train_idx, test_idx = torch.arange(1500), torch.arange(1500, len(high))
    model = SuperRes()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loss_meter, psnr_meter = Meter(), Meter()
    for epoch in range(6):
        model.train()
        for idx in train_idx[torch.randperm(1500)].split(50):
            sr = model(low[idx])
            loss = nn.functional.l1_loss(sr, high[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_meter.update(loss)
            psnr_meter.update(psnr(sr, high[idx]))
        model.eval()
        with torch.no_grad():
            base = psnr(model.up(low[test_idx]), high[test_idx]).item()
            test = psnr(model(low[test_idx]), high[test_idx]).item()
        print(f"epoch {epoch} loss {loss_meter.mean(30):.4f} train PSNR {psnr_meter.mean(30):.2f} test PSNR {test:.2f} (bilinear {base:.2f})")


if __name__ == "__main__":
    main()
