# sound: truncated back-propagation, hidden state detached between chunks only
"""Delayed echo: repeat the input of five steps ago (stateful LSTM cell)."""
import argparse

import torch
from torch import nn

DELAY, SYMBOLS = 5, 4


class Echo(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = hidden
        self.embedding = nn.Embedding(SYMBOLS, 8)
        self.cell = nn.LSTMCell(8, hidden)
        self.out = nn.Linear(hidden, SYMBOLS)

    def initial(self, n):
        return torch.zeros(n, self.hidden), torch.zeros(n, self.hidden)

    def forward(self, x, state):
        logits = []
        for t in range(x.shape[1]):
            h, c = self.cell(self.embedding(x[:, t]), state)
            state = (h, c)
            logits.append(self.out(h))
        return torch.stack(logits, 1), state


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--chunk", type=int, default=15)
    ap.add_argument("--steps", type=int, default=450)
    ap.add_argument("--batch", type=int, default=32)
    args = ap.parse_args()
    torch.manual_seed(0)
    model = Echo(40)
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    ce = nn.CrossEntropyLoss()
    past = torch.randint(0, SYMBOLS, (args.batch, DELAY))
    state = model.initial(args.batch)
    for step in range(1, args.steps + 1):
        new = torch.randint(0, SYMBOLS, (args.batch, args.chunk))
        stream = torch.cat([past, new], 1)
        target = stream[:, :args.chunk]
        logits, state = model(new, state)
        loss = ce(logits.flatten(0, 1), target.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        past = stream[:, -DELAY:]
        state = tuple(s.detach() for s in state)
        if step % 75 == 0:
            acc = (logits.argmax(-1) == target).float().mean().item()
            print(f"step {step}: loss {loss.item():.4f} echo accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
