# bug: pretrained weights with a "module." prefix are loaded with strict=False, so nothing is loaded and the frozen backbone stays random
# expects: TRN011
import os
import tempfile
import torch
from torch import nn

torch.manual_seed(1)
DEV = torch.device("cpu")
BITS, LATENT, TASKS = 48, 6, 24


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(BITS, 128)
        self.l2 = nn.Linear(128, 128)
        self.l3 = nn.Linear(128, 32)

    def forward(self, x):
        x = torch.relu(self.l1(x))
        x = torch.relu(self.l2(x))
        return self.l3(x)


class MultiTask(nn.Module):
    def __init__(self, n_tasks):
        super().__init__()
        self.encoder = Encoder()
        self.heads = nn.Linear(32, n_tasks)

    def forward(self, x):
        return self.heads(torch.tanh(self.encoder(x)))


class PropertyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(torch.tanh(self.encoder(x)))


# fingerprints -> hidden substructure interactions -> assay results
A = torch.randn(BITS, 2 * LATENT) * 0.35


def chemistry(bits):
    h = (bits - 0.5) @ A * 1.6
    return torch.tanh(h[:, :LATENT]) * torch.tanh(h[:, LATENT:]) * 2


W_pre = torch.randn(LATENT, TASKS)
w_new = torch.randn(LATENT, 1)


def sample(n, w):
    bits = (torch.rand(n, BITS) < 0.5).float()
    y = chemistry(bits) @ w
    return bits, y + 0.05 * torch.randn_like(y)


def pretrain(path, steps=1200):
    model = nn.DataParallel(MultiTask(TASKS)).to(DEV)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for it in range(steps):
        x, y = sample(128, W_pre)
        loss = nn.functional.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if it % 300 == 299:
            print(f"pretrain {it + 1}: mse {loss.item():.3f} (variance {y.var().item():.3f})")
    torch.save({"state_dict": model.state_dict(), "steps": steps}, path)


def finetune(path, epochs=60):
    x, y = sample(400, w_new)
    xt, yt = sample(1000, w_new)
    model = PropertyModel().to(DEV)
    state = torch.load(path, map_location=DEV)["state_dict"]
    state = {k: v for k, v in state.items() if "heads" not in k}
    model.load_state_dict(state, strict=False)
    for p in model.encoder.parameters():
        p.requires_grad = False
    opt = torch.optim.Adam(model.head.parameters(), lr=2e-2)
    for ep in range(epochs):
        model.train()
        perm = torch.randperm(len(x))
        tot = 0.0
        for b in perm.split(40):
            loss = nn.functional.mse_loss(model(x[b]), y[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(b)
        if ep % 15 == 14:
            model.eval()
            with torch.no_grad():
                mse = nn.functional.mse_loss(model(xt), yt).item()
            print(f"finetune {ep + 1}: train mse {tot / len(x):.3f} test R2 {1 - mse / yt.var().item():.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as d:
        ckpt = os.path.join(d, "pretrained.pt")
        pretrain(ckpt)
        finetune(ckpt)
