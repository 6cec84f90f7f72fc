# expects: MOD009 MOD032 MOD012
"""
Online state estimate of a pump from its event log: for every event the network says whether the pump is idle, priming,
pumping or blocked at that time. Logs have different lengths.
"""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

EVENTS = ["start", "stop", "pressure_ok", "pressure_low", "tick", "alarm", "reset", "heartbeat"]
STATES = ["idle", "priming", "pumping", "blocked"]
NOISE = ("tick", "heartbeat", "pressure_ok", "pressure_low")
IGNORE = -100

NEXT = {
    ("idle", "start"): "priming",
    ("priming", "pressure_ok"): "pumping",
    ("priming", "stop"): "idle",
    ("priming", "alarm"): "blocked",
    ("pumping", "pressure_low"): "priming",
    ("pumping", "stop"): "idle",
    ("pumping", "alarm"): "blocked",
    ("blocked", "reset"): "idle",
}


def simulate_log(gen):
    n = int(torch.randint(15, 45, (1,), generator=gen))
    state, xs, ys = "idle", [], []
    for _ in range(n):
        u = torch.rand(1, generator=gen).item()
        if u < 0.45:
            ev = NOISE[int(torch.randint(2, (1,), generator=gen))]
        else:
            ev = EVENTS[int(torch.randint(len(EVENTS), (1,), generator=gen))]
        state = NEXT.get((state, ev), state)
        xs.append(EVENTS.index(ev))
        ys.append(STATES.index(state))
    return torch.tensor(xs), torch.tensor(ys)


def collate(logs):
    events, states = zip(*logs)
    x = pad_sequence(events, padding_value=len(EVENTS))
    y = pad_sequence(states, padding_value=IGNORE)
    return x, y


class StateTracker(nn.Module):
    def __init__(self, emb=16, hidden=48):
        super().__init__()
        self.emb = nn.Embedding(len(EVENTS) + 1, emb, padding_idx=len(EVENTS))
        self.gru = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, len(STATES))

    def forward(self, x):
        h, _ = self.gru(self.emb(x))
        return self.out(h)


class Experiment:
    def __init__(self, seed=8, batch_size=32, lr=4e-3):
        torch.manual_seed(seed)
        gen = torch.Generator().manual_seed(seed)
        logs = [simulate_log(gen) for _ in range(1600)]
        self.train_dl = DataLoader(logs[:1250], batch_size, shuffle=True, collate_fn=collate)
        self.valid_dl = DataLoader(logs[1250:], batch_size, collate_fn=collate)
        self.model = StateTracker()
        self.criterion = nn.CrossEntropyLoss(ignore_index=IGNORE)
        self.optim = torch.optim.Adam(self.model.parameters(), lr=lr)

    def loss(self, x, y):
        logits = self.model(x)
        return logits, self.criterion(logits.reshape(-1, len(STATES)), y.reshape(-1))

    def train(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_dl:
            _, loss = self.loss(x, y)
            self.optim.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optim.step()
            total += loss.item()
        return total / len(self.train_dl)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        right = seen = 0
        for x, y in self.valid_dl:
            logits, _ = self.loss(x, y)
            real = y != IGNORE
            right += (logits.argmax(-1)[real] == y[real]).sum().item()
            seen += real.sum().item()
        return right / seen


if __name__ == "__main__":
    exp = Experiment()
    for epoch in range(12):
        print(f"epoch {epoch:2d} train loss {exp.train():.4f} step accuracy {exp.validate():.4f}")
