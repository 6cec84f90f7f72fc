# expects: nothing
"""Denoise small scans: clean digits are corrupted on the fly, a network restores them."""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info


class NoisyScans(Dataset):
    def __init__(self, images, sigma, seed):
        self.images = images
        self.sigma = sigma
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.images)

    def corrupt(self, img):
        stain = self.rng.normal(scale=self.sigma, size=img.shape)
        gain = self.rng.uniform(0.8, 1.2)
        return (gain * img + stain).astype(np.float32)

    def __getitem__(self, i):
        img = self.images[i]
        return self.corrupt(img), img


def init_worker(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


class Restorer(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def forward(self, x):
        return self.net(x)


def psnr(mse):
    return 10 * np.log10(1.0 / mse)


def evaluate(model, noisy, clean):
    model.eval()
    with torch.no_grad():
        return F.mse_loss(model(noisy), clean).item()


def main(seed=1, epochs=60, batch_size=25, lr=1e-3, sigma=0.45):
    torch.manual_seed(seed)
    images = (load_digits().data / 16.0).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(images))
    train_img, test_img = images[order[:1400]], images[order[1400:]]

    test_ds = NoisyScans(test_img, sigma, seed=1234)
    noisy, clean = map(torch.tensor, map(np.stack, zip(*[test_ds[i] for i in range(len(test_ds))])))

    train_ds = NoisyScans(train_img, sigma, seed=seed)
    loader = DataLoader(train_ds, batch_size=batch_size, shuffle=True, num_workers=2, worker_init_fn=init_worker)
    model = Restorer()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    print(f"noisy input: test PSNR {psnr(F.mse_loss(noisy, clean).item()):.2f} dB")
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for x, y in loader:
            loss = F.mse_loss(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(x)
        sched.step()
        if epoch % 10 == 0:
            test = evaluate(model, noisy, clean)
            print(f"epoch {epoch:3d}  train mse {total / len(train_ds):.5f}  test mse {test:.5f}  PSNR {psnr(test):.2f} dB")


if __name__ == "__main__":
    main()
