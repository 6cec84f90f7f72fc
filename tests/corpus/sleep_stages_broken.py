# bug: the reported accuracy is a running accuracy over the training batches; no held-out nights are ever scored
# expects: TRN016
"""Sleep stage classifier on 3-channel epochs (two EEG leads + EOG)."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

STAGES = ["wake", "n1", "n2", "n3", "rem"]
LENGTH = 96


def synth_epoch(rng, stage):
    t = np.arange(LENGTH) / 32.0
    freq = {0: 9.0, 1: 6.5, 2: 5.0, 3: 2.0, 4: 6.0}[stage] + rng.normal(0, 0.7)
    amp = {0: 0.8, 1: 0.8, 2: 1.0, 3: 1.4, 4: 0.7}[stage] * rng.uniform(0.7, 1.3)
    phase = rng.uniform(0, 2 * np.pi)
    eeg = amp * np.sin(2 * np.pi * freq * t + phase)
    eeg2 = 0.7 * amp * np.sin(2 * np.pi * freq * t + phase + 0.6)
    eog = np.zeros(LENGTH)
    if stage in (0, 4):
        for _ in range(rng.integers(1, 4)):
            c = rng.uniform(0, 3)
            eog += rng.choice([-1, 1]) * np.exp(-((t - c) ** 2) / 0.02)
    x = np.stack([eeg, eeg2, eog])
    return x + rng.normal(0, 0.7, x.shape)


def make_nights(rng, n):
    p = [0.2, 0.12, 0.35, 0.18, 0.15]
    stages = rng.choice(5, size=n, p=p)
    xs = np.stack([synth_epoch(rng, s) for s in stages])
    # scorers disagree on roughly one epoch in ten
    flip = rng.random(n) < 0.10
    labels = np.where(flip, rng.choice(5, size=n, p=p), stages)
    return torch.tensor(xs, dtype=torch.float32), torch.tensor(labels)


class SleepNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(3, width, 7, padding=3), nn.GroupNorm(4, width), nn.GELU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width, 5, padding=2), nn.GroupNorm(4, width), nn.GELU(), nn.MaxPool1d(2),
            nn.Conv1d(width, width * 2, 5, padding=2), nn.GELU(), nn.MaxPool1d(4), nn.Dropout(0.2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(width * 2 * (LENGTH // 16), 64), nn.GELU(), nn.Linear(64, 5))

    def forward(self, x):
        return self.head(self.body(x))


def main():
    torch.manual_seed(11)
    rng = np.random.default_rng(11)
    x, y = make_nights(rng, 1600)
    train = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = SleepNet()
    optim = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    loss_fn = nn.CrossEntropyLoss()
    best, best_state = 0.0, None

    for epoch in range(1, 12):
        model.train()
        total = 0.0
        acc = MulticlassAccuracy(num_classes=5, average="micro")
        for xb, yb in train:
            logits = model(xb)
            loss = loss_fn(logits, yb)
            optim.zero_grad()
            loss.backward()
            optim.step()
            total += loss.item() * len(xb)
            acc.update(logits.detach(), yb)
        accuracy = acc.compute().item()
        if accuracy > best:
            best = accuracy
            best_state = {k: v.clone() for k, v in model.state_dict().items()}
        print(f"epoch {epoch:2d}  loss {total / len(x):.4f}  accuracy {accuracy:.4f}")

    model.load_state_dict(best_state)
    torch.save(model.state_dict(), "/tmp/sleepnet.pt")
    print(f"saved best model, accuracy {best:.4f}")


if __name__ == "__main__":
    main()
