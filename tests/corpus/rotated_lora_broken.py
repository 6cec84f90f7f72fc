# bug: an integer division makes the scaling of the adapters 0
# expects: LLM013
"""Adapts a small vision transformer, trained on upright digits, to a scanner that feeds the sheets sideways.

The pretrained weights stay frozen, low-rank updates on the attention and MLP projections are trained with a new head.
"""
import math

import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = (f(x).view(b, n, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v)
        return self.o(y.transpose(1, 2).reshape(b, n, d))


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads)
        self.up, self.down = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)

    def forward(self, x):
        x = x + self.attn(self.n1(x))
        return x + self.down(F.gelu(self.up(self.n2(x))))


class TinyViT(nn.Module):
    def __init__(self, dim=48, heads=4, depth=3, classes=10):
        super().__init__()
        self.embed = nn.Linear(4, dim)
        self.pos = nn.Parameter(0.02 * torch.randn(1, 16, dim))
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, img):
        patches = F.unfold(img, 2, stride=2).transpose(1, 2)      # 16 patches of 2x2
        x = self.embed(patches) + self.pos
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(1))


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base
        self.scaling = alpha // rank
        self.A = nn.Parameter(torch.empty(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x):
        return self.base(x) + self.scaling * F.linear(F.linear(x, self.A), self.B)


def add_lora(model, rank, alpha):
    for p in model.parameters():
        p.requires_grad_(False)
    for layer in model.layers:
        for owner, names in ((layer.attn, "qkvo"), (layer, ("up", "down"))):
            for name in names:
                setattr(owner, name, LoRALinear(getattr(owner, name), rank, alpha))
    model.head = nn.Linear(model.head.in_features, model.head.out_features)
    return model


def run(model, train, valid, epochs, lr, tag):
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, epochs)
    print(f"{tag}: {sum(p.numel() for p in params)} trainable parameters")
    x, y = train
    for ep in range(1, epochs + 1):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(32):
            noisy = x[idx] + 0.3 * torch.randn_like(x[idx])
            loss = F.cross_entropy(model(noisy), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        sched.step()
        if ep % 4 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(valid[0]).argmax(1) == valid[1]).float().mean().item()
            print(f"  {tag} epoch {ep:2d}  loss {total / len(x):.3f}  val accuracy {acc:.3f}")


def main():
    torch.manual_seed(3)
    d = load_digits()
    img = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 8 - 1
    lab = torch.tensor(d.target)
    perm = torch.randperm(len(img))
    pre, tune, val = perm[:650], perm[650:1350], perm[1350:]
    sideways = torch.rot90(img, 1, (2, 3))

    model = TinyViT()
    run(model, (img[pre], lab[pre]), (img[val], lab[val]), epochs=20, lr=2e-3, tag="pretrain")
    model = add_lora(model, rank=8, alpha=4)
    run(model, (sideways[tune], lab[tune]), (sideways[val], lab[val]), epochs=16, lr=4e-3, tag="adapt")


if __name__ == "__main__":
    main()
