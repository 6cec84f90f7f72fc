# bug: gradients are clipped at a hundredth of what they are
# expects: OPT013
import argparse
import math

import numpy as np
import torch
from torch import nn

p = argparse.ArgumentParser(description="Next-note model for folk melodies")
p.add_argument("--hidden", type=int, default=64)
p.add_argument("--emb", type=int, default=24)
p.add_argument("--lr", type=float, default=0.5)
p.add_argument("--max-norm", type=float, default=0.01)
p.add_argument("--epochs", type=int, default=16)
p.add_argument("--batch", type=int, default=32)
p.add_argument("--seed", type=int, default=21)
args = p.parse_args()

N_NOTES = 14
LEN = 32


def compose(n, rng):
    """Melodies whose next note depends on the last two notes and on the key of the tune."""
    table = np.random.default_rng(77).dirichlet(np.full(N_NOTES, 0.12), size=(2, N_NOTES, N_NOTES))
    cum = table.cumsum(-1)
    key = rng.integers(0, 2, n)
    tunes = np.zeros((n, LEN + 1), dtype=np.int64)
    tunes[:, 0] = key
    tunes[:, 1] = rng.integers(0, N_NOTES, n)
    for t in range(2, LEN + 1):
        c = cum[key, tunes[:, t - 2], tunes[:, t - 1]]
        u = rng.random((n, 1))
        tunes[:, t] = np.minimum((u > c).sum(1), N_NOTES - 1)
    return torch.from_numpy(tunes)


class NoteLM(nn.Module):
    def __init__(self, emb, hidden):
        super().__init__()
        self.emb = nn.Embedding(N_NOTES, emb)
        self.rnn = nn.LSTM(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, N_NOTES)

    def forward(self, notes):
        h, _ = self.rnn(self.emb(notes))
        return self.out(h)


def step_loss(model, tunes):
    x, y = tunes[:, :-1], tunes[:, 1:]
    logits = model(x)
    # the first two notes of a tune are free, only what follows is scored
    return nn.functional.cross_entropy(logits[:, 1:].flatten(0, 1), y[:, 1:].flatten()), logits[:, 1:], y[:, 1:]


def evaluate(model, tunes):
    model.eval()
    with torch.no_grad():
        loss, logits, y = step_loss(model, tunes)
        acc = (logits.argmax(-1) == y).float().mean()
    model.train()
    return loss.item(), acc.item()


torch.manual_seed(args.seed)
rng = np.random.default_rng(args.seed)
train, valid = compose(1600, rng), compose(300, rng)

model = NoteLM(args.emb, args.hidden)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
n_steps = args.epochs * math.ceil(len(train) / args.batch)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)

for epoch in range(1, args.epochs + 1):
    running, seen = 0.0, 0
    for idx in torch.randperm(len(train)).split(args.batch):
        loss, _, _ = step_loss(model, train[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.max_norm)
        optimizer.step()
        schedule.step()
        running += loss.item() * len(idx)
        seen += len(idx)
    vloss, vacc = evaluate(model, valid)
    print(f"epoch {epoch:2d} | train nll {running / seen:.3f} | valid nll {vloss:.3f} "
          f"(ppl {math.exp(vloss):.2f}) | next-note acc {vacc:.3f}")
