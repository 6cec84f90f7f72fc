# sound: the same program without that
"""Phone menu logs: the caller picks a language early on; predict it from the whole call at hang-up."""
import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(21)
np.random.seed(21)

T = 16
LANGUAGES, KEYS = 6, 16            # event ids: 0..5 language picks, 6..21 other keys


def simulate(n):
    events = np.random.randint(LANGUAGES, LANGUAGES + KEYS, (n, T))
    pick = np.random.randint(0, LANGUAGES, n)
    events[np.arange(n), np.random.randint(0, 5, n)] = pick
    return torch.tensor(events), torch.tensor(pick)


class CallReader(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.hidden = hidden
        self.event = nn.Embedding(LANGUAGES + KEYS, 16)
        self.cell = nn.GRUCell(16, hidden)
        self.read = nn.Linear(hidden, LANGUAGES)

    def forward(self, events):
        e = self.event(events)
        h = e.new_zeros(len(e), self.hidden)
        for t in range(e.shape[1]):
            h = self.cell(e[:, t], h)
        return self.read(h)


x_train, y_train = simulate(5000)
x_val, y_val = simulate(1000)

model = CallReader()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

n_epochs, bs = 7, 64
for epoch in range(1, n_epochs + 1):
    order = np.random.permutation(len(x_train))
    losses = []
    for i in range(0, len(order), bs):
        sel = torch.from_numpy(order[i:i + bs])
        optimizer.zero_grad()
        loss = loss_fn(model(x_train[sel]), y_train[sel])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        out = model(x_val)
        acc = (out.argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch:2d}/{n_epochs}  train {np.mean(losses):.4f}  val {loss_fn(out, y_val).item():.4f}  val acc {acc:.3f}")
