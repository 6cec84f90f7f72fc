# bug: the adversary's optimizer also holds the encoder's parameters, so the encoder is updated to help the adversary, too
# expects: OPT021
"""Learn a code that predicts the digit's class but not its (artificial) brightness domain."""
import itertools
import logging

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

log = logging.getLogger("fair")


def build(*sizes):
    pairs = list(itertools.pairwise(sizes))
    mods = [m for a, b in pairs for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*mods[:-1])


def make_domains(x, y, g):
    domain = torch.randint(0, 2, (len(x),), generator=g)
    shifted = torch.where(domain[:, None] == 1, 0.35 + 0.65 * x, x)
    return shifted, y, domain


class Model:
    def __init__(self, alpha):
        self.alpha = alpha
        self.encoder, self.classifier, self.adversary = build(64, 48, 12), build(12, 24, 10), build(12, 32, 2)
        main = [*self.encoder.parameters(), *self.classifier.parameters()]
        self.opt_main = torch.optim.Adam(main, lr=2e-3)
        self.opt_adv = torch.optim.Adam([*self.encoder.parameters(), *self.adversary.parameters()], lr=5e-3)

    def adversary_step(self, x, d):
        loss = F.cross_entropy(self.adversary(self.encoder(x)), d)
        self.opt_adv.zero_grad()
        self.opt_main.zero_grad()
        loss.backward()
        self.opt_adv.step()
        return loss.item()

    def main_step(self, x, y, d):
        code = self.encoder(x)
        task = F.cross_entropy(self.classifier(code), y)
        confusion = F.cross_entropy(self.adversary(code), d)
        self.opt_main.zero_grad()
        (task - self.alpha * confusion.clamp(max=0.9)).backward()
        self.opt_main.step()
        return task.item()

    @torch.no_grad()
    def scores(self, x, y, d):
        code = self.encoder(x)
        return [(net(code).argmax(1) == t).float().mean().item() for net, t in ((self.classifier, y), (self.adversary, d))]


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(0)
    raw = load_digits()
    x, y, d = make_domains(torch.tensor(raw.data / 16, dtype=torch.float32), torch.tensor(raw.target), g)
    model = Model(alpha=0.5)
    for epoch in range(12):
        task = adv = 0.0
        for idx in torch.randperm(1400).split(50):
            adv += model.adversary_step(x[idx], d[idx]) / 28
            task += model.main_step(x[idx], y[idx], d[idx]) / 28
        acc, leak = model.scores(x[1400:], y[1400:], d[1400:])
        log.info("epoch %d task %.4f adversary %.4f | class accuracy %.3f domain accuracy %.3f", epoch, task, adv, acc, leak)


if __name__ == "__main__":
    main()
