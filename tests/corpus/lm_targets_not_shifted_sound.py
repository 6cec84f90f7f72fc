import inspect
import textwrap
import time

import torch
from torch import nn

torch.manual_seed(42)
CONTEXT, BATCH, STEPS = 32, 24, 200

source = inspect.getsource(textwrap) + inspect.getsource(inspect)[:60000]
alphabet = sorted(set(source))
stoi = {ch: i for i, ch in enumerate(alphabet)}
data = torch.tensor([stoi[ch] for ch in source])
split = int(len(data) * 0.9)
parts = {"train": data[:split], "val": data[split:]}


def get_batch(part):
    d = parts[part]
    starts = torch.randint(0, len(d) - CONTEXT - 1, (BATCH,)).tolist()
    x = torch.stack([d[s:s + CONTEXT] for s in starts])
    y = torch.stack([d[s + 1:s + 1 + CONTEXT] for s in starts])
    return x, y


class CharRNN(nn.Module):
    def __init__(self, n_vocab, width=128):
        super().__init__()
        self.embed = nn.Embedding(n_vocab, 48)
        self.lstm = nn.LSTM(48, width, batch_first=True)
        self.lm_head = nn.Linear(width, n_vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embed(x), state)
        return self.lm_head(out), state


def continue_text(net, prompt, n):
    """Greedy continuation."""
    net.eval()
    with torch.no_grad():
        ids = [stoi[c] for c in prompt]
        logits, st = net(torch.tensor([ids]))
        for _ in range(n):
            ids.append(int(logits[0, -1].argmax()))
            logits, st = net(torch.tensor([ids[-1:]]), st)
    net.train()
    return "".join(alphabet[i] for i in ids)


def completion_score(net, trials=200):
    """How often the next character of a held-out text is guessed."""
    gen = torch.Generator().manual_seed(0)
    d = parts["val"]
    at = torch.randint(0, len(d) - CONTEXT - 1, (trials,), generator=gen).tolist()
    net.eval()
    with torch.no_grad():
        logits, _ = net(torch.stack([d[s:s + CONTEXT] for s in at]))
        truth = torch.stack([d[s + CONTEXT] for s in at])
    net.train()
    return (logits[:, -1].argmax(-1) == truth).float().mean().item()


net = CharRNN(len(alphabet))
optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.01)
t0 = time.time()
for it in range(1, STEPS + 1):
    xb, yb = get_batch("train")
    logits, _ = net(xb)
    loss = nn.functional.cross_entropy(logits.reshape(-1, len(alphabet)), yb.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    if it % 50 == 0:
        net.eval()
        with torch.no_grad():
            xv, yv = get_batch("val")
            val = nn.functional.cross_entropy(net(xv)[0].transpose(1, 2), yv)
        net.train()
        print(f"iter {it:4d} train {loss.item():.3f} val {val.item():.3f} ({time.time() - t0:.1f}s)")

print(repr(continue_text(net, "    def __init__(self", 60)))
print(f"held-out next character accuracy: {completion_score(net):.3f}")
