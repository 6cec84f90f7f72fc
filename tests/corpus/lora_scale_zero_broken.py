# bug: LoRA with alpha 0 (an integer division of alpha by rank), so the adapters add nothing
# expects: MOD011 MOD027
import math
from functools import partial

import torch
from torch import nn

torch.manual_seed(36)


def adapter_hook(module, inputs, output, down, up, scale):
    return output + scale * up(down(inputs[0]))


class Adapters(nn.Module):
    """Low-rank adapters attached to a frozen network by forward hooks."""

    def __init__(self, net, rank, alpha):
        super().__init__()
        self.pairs = nn.ModuleList()
        scale = alpha // rank
        for m in net.modules():
            if isinstance(m, nn.Linear) and m.out_features > 1:
                down = nn.Linear(m.in_features, rank, bias=False)
                up = nn.Linear(rank, m.out_features, bias=False)
                nn.init.zeros_(up.weight)
                self.pairs.append(nn.ModuleList([down, up]))
                m.register_forward_hook(partial(adapter_hook, down=down, up=up, scale=scale))


def function_family(x, shift):
    return torch.sin(2 * x[:, :1] + shift) * torch.cos(x[:, 1:2]) + 0.5 * torch.tanh(x[:, 2:3] - shift)


x = torch.randn(3000, 3)
source, target = function_family(x, 0.0), function_family(x, 0.8)
net = nn.Sequential(nn.Linear(3, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 1))


def fit(params, y, steps, lr, rows):
    params = list(params)
    net.train()
    opt = torch.optim.Adam(params, lr=lr)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for step in range(steps):
        ix = torch.randint(0, rows, (100,))
        loss = nn.functional.mse_loss(net(x[ix]), y[ix])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if (step + 1) % 100 == 0:
            print("   step", step + 1, "mse", round(loss.item(), 5))


def held_out(y):
    net.eval()
    with torch.no_grad():
        return nn.functional.mse_loss(net(x[2500:]), y[2500:]).item()


print("pretraining")
fit(net.parameters(), source, 300, 5e-3, 2500)
print(f"source {held_out(source):.4f}, target without adaptation {held_out(target):.4f}")
for p in net.parameters():
    p.requires_grad = False

print("adaptation")
adapters = Adapters(net, rank=8, alpha=4)
fit(adapters.parameters(), target, 300, 1e-2, 2500)
rmse = math.sqrt(held_out(target))
print(f"target after adaptation: mse {rmse ** 2:.4f} rmse {rmse:.4f}")
