# expects: nothing
"""Support-ticket routing: text -> team.  Unlabelled tickets in the export are skipped."""

import random
from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

TEAMS = ["billing", "shipping", "account", "hardware", "returns"]
KEY = {
    "billing": "invoice charged card payment twice tax receipt price".split(),
    "shipping": "parcel courier late tracking delivery address lost week".split(),
    "account": "password login email locked profile reset code username".split(),
    "hardware": "screen battery broken charger noise hot cable firmware".split(),
    "returns": "refund send back size wrong label exchange unwanted".split(),
}
FILL = "hello please i my the it was is and you can help with this to have not since order thanks again today".split()


def write_ticket(team, rnd):
    n = rnd.randint(8, 18)
    text = [rnd.choice(FILL) for _ in range(n)]
    for _ in range(rnd.randint(1, 3)):
        text[rnd.randrange(n)] = rnd.choice(KEY[team])
    if rnd.random() < 0.2:  # mentions something of another team as well
        text[rnd.randrange(n)] = rnd.choice(KEY[rnd.choice(TEAMS)])
    return " ".join(text)


def export(n, rnd, unlabelled=0.0):
    rows = []
    for _ in range(n):
        k = rnd.randrange(len(TEAMS))
        rows.append({"text": write_ticket(TEAMS[k], rnd), "label": None if rnd.random() < unlabelled else k})
    return rows


class Vocabulary:
    def __init__(self, rows, min_count=2):
        c = Counter(w for r in rows for w in r["text"].split())
        self.index = {w: i + 2 for i, w in enumerate(sorted(w for w in c if c[w] >= min_count))}

    def __len__(self):
        return len(self.index) + 2

    def encode(self, text, length=20):
        ids = [self.index.get(w, 1) for w in text.split()][:length]
        return ids + [0] * (length - len(ids))


class TextCNN(nn.Module):
    def __init__(self, vocab, classes, dim=32, filters=32):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim, padding_idx=0)
        self.convs = nn.ModuleList([nn.Conv1d(dim, filters, k, padding=k // 2) for k in (1, 3)])
        self.fc = nn.Linear(2 * filters, classes)

    def forward(self, ids):
        e = self.emb(ids).transpose(1, 2)
        pooled = [F.relu(c(e)).amax(dim=2) for c in self.convs]
        return self.fc(F.dropout(torch.cat(pooled, 1), 0.2, self.training))


def tensors(rows, vocab):
    return torch.tensor([vocab.encode(r["text"]) for r in rows]), torch.tensor([r["label"] for r in rows])


rnd = random.Random(8)
torch.manual_seed(8)
raw = export(4000, rnd, unlabelled=0.15)
train_rows = [r for r in raw if r["label"] is not None]
val_rows = export(800, rnd)
vocab = Vocabulary(raw)
xt, yt = tensors(train_rows, vocab)
xv, yv = tensors(val_rows, vocab)
print(len(raw), "tickets in the export,", len(train_rows), "used for training,", len(val_rows), "for validation")

net = TextCNN(len(vocab), len(TEAMS))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(10):
    net.train()
    seen = total = 0
    for b in torch.randperm(len(xt)).split(50):
        loss = F.cross_entropy(net(xt[b]), yt[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(b)
        seen += len(b)
    net.eval()
    with torch.no_grad():
        logits = net(xv)
    print(
        f"epoch {epoch}  train loss {total / seen:.3f}  val loss {F.cross_entropy(logits, yv).item():.3f}"
        f"  val accuracy {(logits.argmax(1) == yv).float().mean().item():.3f}"
    )
