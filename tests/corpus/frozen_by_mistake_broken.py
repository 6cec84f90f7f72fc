# bug: freezing matches the name prefix 'layer' and freezes the new layers too, only the scalar temperature is trained
# expects: MOD031 LOS006 MOD011
"""Self-supervised pre-training (rotation) and fine-tuning with a partly frozen network."""
import torch
from sklearn.datasets import load_digits
from torch import nn


class Net(nn.Module):
    def __init__(self, n_out):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU())
        self.layer3 = nn.Sequential(nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.layer4 = nn.Sequential(nn.Flatten(), nn.Linear(96, 32), nn.ReLU())
        self.temperature = nn.Parameter(torch.ones(1))
        self.layer5 = nn.Linear(32, n_out)

    def forward(self, x):
        for part in (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5):
            x = part(x)
        return x * self.temperature


def rotations(x):
    k = torch.randint(0, 4, (len(x),))
    return torch.stack([torch.rot90(img, int(r), (1, 2)) for img, r in zip(x, k)]), k


def loop(model, optimizer, x, y, epochs, make=None):
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(50):
            xb, yb = (x[idx], y[idx]) if make is None else make(x[idx])
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
    return total / len(x)


def main():
    torch.manual_seed(80)
    d = load_digits()
    x, y = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16, torch.tensor(d.target)
    xt, yt = x[1400:], y[1400:]
    x, y = x[:1400], y[:1400]

    pretext = Net(4)
    print("rotation loss", loop(pretext, torch.optim.Adam(pretext.parameters(), lr=3e-3), x, y, 4, rotations))

    model = Net(10)
    keep = ("layer1", "layer2")
    state = {k: v for k, v in pretext.state_dict().items() if k.startswith(keep)}
    model.load_state_dict(state, strict=False)
    for name, p in model.named_parameters():
        if name.startswith("layer"):
            p.requires_grad_(False)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trainable, lr=5e-3)
    for stage in range(5):
        loss = loop(model, optimizer, x, y, 2)
        model.eval()
        with torch.no_grad():
            acc = (model(xt).argmax(1) == yt).float().mean().item()
        print(f"stage {stage}: digit loss {loss:.4f}, test accuracy {acc:.4f}")


if __name__ == "__main__":
    main()
