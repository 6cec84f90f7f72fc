# sound: the same program without that
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def noisy(x, sigma=0.35, g=None):
    return x + sigma * torch.randn(x.shape, generator=g)


class DenoisingAE(nn.Module):
    def __init__(self, code=24):
        super().__init__()
        self.enc1 = nn.Conv2d(1, 16, 3, stride=2, padding=1)
        self.enc2 = nn.Conv2d(16, 32, 3, padding=1)
        self.to_code = nn.Linear(32 * 16, code)
        self.from_code = nn.Linear(code, 32 * 16)
        self.up = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1)
        self.last = nn.Conv2d(16, 1, 3, padding=1)

    def encode(self, x):
        h = F.leaky_relu(self.enc2(F.leaky_relu(self.enc1(x), 0.1)), 0.1)
        return self.to_code(h.flatten(1))

    def decode(self, z):
        h = F.leaky_relu(self.from_code(z), 0.1).view(-1, 32, 4, 4)
        return self.last(F.leaky_relu(self.up(h), 0.1))

    def forward(self, x):
        return self.decode(self.encode(x))


def psnr(a, b):
    return -10 * torch.log10(F.mse_loss(a, b))


def fit(lr=2e-3, weight_decay=1e-5, steps=400, batch_size=64):
    torch.manual_seed(8)
    clean = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    clean = clean[torch.randperm(len(clean))]
    train, held_out = clean[:1500], clean[1500:]
    held_noisy = noisy(held_out, g=torch.Generator().manual_seed(0))
    print(f"noisy input: {psnr(held_noisy, held_out):.2f} dB; mean image: {psnr(train.mean(0).expand_as(held_out), held_out):.2f} dB")

    net = DenoisingAE()
    opt = torch.optim.Adam(net.parameters(), lr=lr, weight_decay=weight_decay)
    avg = None
    for step in range(1, steps + 1):
        net.train()
        x = train[torch.randint(len(train), (batch_size,))]
        loss = F.mse_loss(net(noisy(x)), x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
        if step % 100 == 0:
            net.eval()
            with torch.no_grad():
                print(f"step {step:4d}  loss {avg:.4f}  held-out PSNR {psnr(net(held_noisy), held_out):.2f} dB")
    return net


if __name__ == "__main__":
    fit()
