# bug: the dataset shifts the labels, and the model shifts them again
# expects: LLM002
"""Character model of short kitchen notes, in the manner of the many small GPTs."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

random.seed(21)
torch.manual_seed(21)

VERBS = ["chop", "boil", "fry", "roast", "peel", "mash", "grate", "simmer"]
FOODS = ["onions", "carrots", "potatoes", "leeks", "tomatoes", "mushrooms", "turnips", "lentils"]
TOOLS = ["in a pan", "in a pot", "on the board", "in the oven", "with butter", "with some salt"]
TIMES = ["five minutes", "ten minutes", "half an hour", "one hour"]


def note():
    s = f"{random.choice(VERBS)} the {random.choice(FOODS)} {random.choice(TOOLS)}"
    if random.random() < 0.5:
        s += f" for {random.choice(TIMES)}"
    if random.random() < 0.3:
        s += f", then {random.choice(VERBS)} the {random.choice(FOODS)}"
    return s + ".\n"


train_text = "".join(note() for _ in range(2200))
valid_text = "".join(note() for _ in range(200))
chars = sorted(set(train_text + valid_text))
stoi = {c: i for i, c in enumerate(chars)}


def encode(text):
    return torch.tensor([stoi[c] for c in text])


class TextBlocks(Dataset):
    def __init__(self, text, block=48):
        self.ids = encode(text)
        self.block = block

    def __len__(self):
        return (len(self.ids) - 1) // self.block

    def __getitem__(self, k):
        a = k * self.block
        x = self.ids[a:a + self.block]
        y = self.ids[a + 1:a + self.block + 1]
        return {"input_ids": x, "labels": y}


class Layer(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.n2 = nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, mask):
        h = self.n1(x)
        x = x + self.attn(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.ff(self.n2(x))


class NoteGPT(nn.Module):
    def __init__(self, vocab, dim=48, heads=4, layers=2, block=48):
        super().__init__()
        self.block = block
        self.wte = nn.Embedding(vocab, dim)
        self.wpe = nn.Embedding(block, dim)
        self.layers = nn.ModuleList(Layer(dim, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.lm_head = nn.Linear(dim, vocab, bias=False)
        nn.init.normal_(self.wte.weight, std=0.05)
        nn.init.normal_(self.wpe.weight, std=0.05)

    def forward(self, input_ids, labels=None):
        t = input_ids.shape[1]
        mask = torch.ones(t, t, dtype=torch.bool).triu(1)
        x = self.wte(input_ids) + self.wpe(torch.arange(t))
        for layer in self.layers:
            x = layer(x, mask)
        logits = self.lm_head(self.norm(x))
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return logits, loss

    @torch.no_grad()
    def write(self, prompt, n=60):
        ids = encode(prompt)[None]
        for _ in range(n):
            logits, _ = self(ids[:, -(self.block - 1):])
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
        return "".join(chars[i] for i in ids[0])


@torch.no_grad()
def next_char_accuracy(model, loader):
    model.eval()
    hits = seen = 0
    for batch in loader:
        ids = batch["input_ids"]
        guess = model(ids)[0][:, :-1].argmax(-1)
        hits += (guess == ids[:, 1:]).sum().item()
        seen += guess.numel()
    return hits / seen


train_loader = DataLoader(TextBlocks(train_text), batch_size=32, shuffle=True)
valid_loader = DataLoader(TextBlocks(valid_text), batch_size=64)
model = NoteGPT(len(chars))
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)

for epoch in range(4):
    model.train()
    total = 0.0
    for batch in train_loader:
        _, loss = model(**batch)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        total += loss.item()
    acc = next_char_accuracy(model, valid_loader)
    print(f"epoch {epoch + 1}  loss {total / len(train_loader):.4f}  valid next-char accuracy {acc:.4f}")

model.eval()
print(repr(model.write("roast the ")))
