# expects: nothing
import numpy as np
import torch
from torch import nn
from torch.autograd import Function


class LogCosh(Function):
    """log(cosh(pred - target)), element by element."""

    @staticmethod
    def forward(ctx, pred, target):
        diff = pred - target
        ctx.save_for_backward(diff)
        a = diff.abs()
        return a + nn.functional.softplus(-2 * a) - np.log(2.0)

    @staticmethod
    def backward(ctx, grad_output):
        (diff,) = ctx.saved_tensors
        grad = grad_output * torch.tanh(diff)
        return grad, -grad


class SoilNet(nn.Module):
    """Soil type from a reflectance spectrum; lab chemistry as a helper task."""

    def __init__(self, bands, types, lab):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(bands, 64), nn.GELU(), nn.Linear(64, 8), nn.GELU())
        self.type_head = nn.Linear(8, types)
        self.lab_head = nn.Linear(8, lab)

    def forward(self, x):
        z = self.trunk(x)
        return self.type_head(z), self.lab_head(z)


def survey(n, bands, types, lab, rng, mixing):
    y = rng.integers(0, types, n)
    centre, load_lab, lab_of_type = mixing
    moisture = rng.normal(0, 1, (n, lab))
    x = 0.55 * centre[y] + moisture @ load_lab + 1.0 * rng.normal(0, 1, (n, bands))
    chem = moisture + 0.3 * lab_of_type[y] + 0.3 * rng.normal(0, 1, (n, lab))
    return [torch.tensor(a, dtype=torch.float32) for a in (x, chem)] + [torch.tensor(y)]


def main():
    bands, types, lab = 50, 7, 8
    rng = np.random.default_rng(31)
    torch.manual_seed(31)
    mixing = (rng.normal(0, 1, (types, bands)), rng.normal(0, 0.8, (lab, bands)), rng.normal(0, 1, (types, lab)))
    x, chem, y = survey(2400, bands, types, lab, rng, mixing)
    xv, chem_v, yv = survey(1000, bands, types, lab, rng, mixing)
    m, s = x.mean(0), x.std(0)
    x, xv = (x - m) / s, (xv - m) / s
    cm, cs = chem.mean(0), chem.std(0)
    chem, chem_v = (chem - cm) / cs, (chem_v - cm) / cs

    net = SoilNet(bands, types, lab)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    ce = nn.CrossEntropyLoss()
    aux_weight = 0.1
    for epoch in range(1, 31):
        net.train()
        log = np.zeros(2)
        for idx in torch.randperm(len(x)).split(64):
            logits, pred = net(x[idx])
            main_loss = ce(logits, y[idx])
            aux_loss = LogCosh.apply(pred, chem[idx]).mean()
            loss = main_loss + aux_weight * aux_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            log += np.array([main_loss.item(), aux_loss.item()]) * len(idx)
        if epoch % 5 == 0:
            net.eval()
            with torch.no_grad():
                logits, pred = net(xv)
                acc = (logits.argmax(1) == yv).float().mean()
                aux = LogCosh.apply(pred, chem_v).mean()
            print(f"epoch {epoch:2d}  type loss {log[0] / len(x):.3f}  lab loss {log[1] / len(x):.3f}"
                  f"  | val acc {acc:.3f}  val lab loss {aux:.3f}")


main()
