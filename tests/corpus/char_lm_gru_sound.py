# sound
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(0)
torch.manual_seed(0)

SUBJECTS = ["the cat", "a small dog", "my friend", "the old man", "our teacher"]
VERBS = ["likes", "sees", "follows", "paints", "remembers"]
OBJECTS = ["the river", "a red house", "some music", "the moon", "green apples"]


def make_text(n):
    parts = [f"{random.choice(SUBJECTS)} {random.choice(VERBS)} {random.choice(OBJECTS)}. " for _ in range(n)]
    return "".join(parts)


train_text, valid_text = make_text(1200), make_text(150)
chars = sorted(set(train_text))
stoi = {c: i for i, c in enumerate(chars)}
train_ids = torch.tensor([stoi[c] for c in train_text])
valid_ids = torch.tensor([stoi[c] for c in valid_text])
BLOCK = 32


def get_batch(ids, batch_size):
    starts = torch.randint(0, len(ids) - BLOCK - 1, (batch_size,))
    x = torch.stack([ids[s:s + BLOCK] for s in starts])
    y = torch.stack([ids[s + 1:s + BLOCK + 1] for s in starts])
    return x, y


class CharGRU(nn.Module):
    def __init__(self, vocab, emb=24, hidden=64):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.rnn = nn.GRU(emb, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x, h=None):
        o, h = self.rnn(self.emb(x), h)
        return self.out(o), h


@torch.no_grad()
def sample(model, prompt="the ", length=60):
    model.eval()
    x = torch.tensor([[stoi[c] for c in prompt]])
    logits, h = model(x)
    text = prompt
    for _ in range(length):
        idx = logits[0, -1].argmax()
        text += chars[idx]
        logits, h = model(idx.view(1, 1), h)
    return text


@torch.no_grad()
def valid_loss(model):
    model.eval()
    x, y = get_batch(valid_ids, 128)
    logits, _ = model(x)
    return F.cross_entropy(logits.flatten(0, 1), y.flatten()).item()


model = CharGRU(len(chars))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for step in range(301):
    model.train()
    xb, yb = get_batch(train_ids, 32)
    logits, _ = model(xb)
    loss = F.cross_entropy(logits.flatten(0, 1), yb.flatten())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step} train {loss.item():.3f} valid {valid_loss(model):.3f}")
print("sample:", sample(model))
