# expects: DAT008 DAT014
"""Bird call identification from short audio clips: windowed frames -> log spectrum -> small network."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

RATE, CLIP = 8000, 512
SPECIES = {"wren": (2600, 900), "robin": (2200, -600), "tit": (3100, 0), "finch": (2500, -1100), "warbler": (2800, 300), "dunnock": (2300, 500)}


def synth(n, seed):
    g = np.random.default_rng(seed)
    t = np.arange(CLIP) / RATE
    names = list(SPECIES)
    y = g.integers(0, len(names), n)
    clips = np.empty((n, CLIP), np.float32)
    for i, k in enumerate(y):
        f0, sweep = SPECIES[names[k]]
        f0 = f0 + g.normal(0, 110)
        f = f0 + sweep * (t / t[-1] - 0.5) * g.uniform(0.7, 1.3)
        phase = 2 * np.pi * np.cumsum(f) / RATE + g.uniform(0, 6.28)
        clips[i] = g.uniform(0.4, 1.0) * np.sin(phase) + 0.35 * g.standard_normal(CLIP)
    return clips, y


class CallClips(Dataset):
    """Clips cut into overlapping frames and tapered; x has shape (frames, frame length)."""

    def __init__(self, clips, labels, frame=128, hop=64):
        self.clips, self.labels = clips, labels
        self.starts = range(0, clips.shape[1] - frame + 1, hop)
        self.window = np.hanning(frame).astype(np.float32)
        self.shape = (len(self.starts), frame)
        self.frames = np.empty(self.shape, np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        clip = self.clips[i] / np.abs(self.clips[i]).max()
        for row, s in enumerate(self.starts):
            np.multiply(clip[s:s + self.shape[1]], self.window, out=self.frames[row])
        return torch.from_numpy(self.frames), int(self.labels[i])


class CallNet(nn.Module):
    def __init__(self, n_frames, frame, n_out):
        super().__init__()
        bins = frame // 2 + 1
        self.per_frame = nn.Sequential(nn.Linear(bins, 32), nn.ReLU())
        self.norm = nn.BatchNorm1d(bins)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(32 * n_frames, 64), nn.ReLU(), nn.Linear(64, n_out))

    def forward(self, frames):
        spec = torch.fft.rfft(frames, dim=-1).abs().add(1e-2).log()
        spec = self.norm(spec.transpose(1, 2)).transpose(1, 2)
        return self.head(self.per_frame(spec).flatten(1))


def run_epoch(model, loader, opt=None):
    model.train(opt is not None)
    loss_sum = hits = n = 0
    with torch.set_grad_enabled(opt is not None):
        for x, y in loader:
            out = model(x)
            loss = nn.functional.cross_entropy(out, y)
            if opt is not None:
                opt.zero_grad()
                loss.backward()
                opt.step()
            loss_sum += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss_sum / n, hits / n


if __name__ == "__main__":
    torch.manual_seed(31)
    train = CallClips(*synth(4000, 1))
    valid = CallClips(*synth(800, 2))
    train_dl = DataLoader(train, batch_size=40, shuffle=True)
    valid_dl = DataLoader(valid, batch_size=200)
    model = CallNet(*train.shape, len(SPECIES))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
    for epoch in range(12):
        tl, ta = run_epoch(model, train_dl, opt)
        vl, va = run_epoch(model, valid_dl)
        print(f"epoch {epoch:2d} | train {tl:.4f} acc {ta:.3f} | valid {vl:.4f} acc {va:.3f}")
