# expects: no-rule-yet
# Tags made-up command phrases with a small causal convolutional tagger (it has to work while the user types).
import random
import torch
from torch import nn
import torch.nn.functional as F

random.seed(4)
torch.manual_seed(4)

LEX = {
    "DET": "the a this that every some".split(),
    "ADJ": "red small open old quiet empty heavy broken".split(),
    "NOUN": "door lamp window file report table light record book switch watch test".split(),
    "VERB": "open close light record book switch watch test move send print lift".split(),
    "ADV": "slowly now twice quietly again".split(),
    "PREP": "in on under near with".split(),
}
TAGS = ["<pad>"] + sorted(LEX)
TAG_ID = {t: i for i, t in enumerate(TAGS)}
VOCAB = {w: i for i, w in enumerate(["<pad>", "<bos>"] + sorted({w for ws in LEX.values() for w in ws}))}


def noun_phrase():
    tags = ["DET"]
    while random.random() < 0.45 and len(tags) < 3:
        tags.append("ADJ")
    return tags + ["NOUN"]


def phrase():
    tags = []
    if random.random() < 0.3:
        tags.append("ADV")
    if random.random() < 0.5:
        tags += noun_phrase()
    tags += ["VERB"] + noun_phrase()
    while random.random() < 0.4 and len(tags) < 14:
        tags += ["PREP"] + noun_phrase()
    if random.random() < 0.35:
        tags.append("ADV")
    return [random.choice(LEX[t]) for t in tags], tags


def encode(words, tags, size=20):
    """Word and tag ids of one phrase, both of length `size`; the phrase starts with <bos>."""
    w = [VOCAB["<bos>"]] + [VOCAB[x] for x in words]
    t = [TAG_ID[x] for x in tags]
    w += [VOCAB["<pad>"]] * (size - len(w))
    t += [TAG_ID["<pad>"]] * (size - len(t))
    return w[:size], t[:size]


class CausalBlock(nn.Module):
    def __init__(self, dim, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(dim, dim, 3, dilation=dilation)
        self.norm = nn.LayerNorm(dim)

    def forward(self, h):
        z = self.conv(F.pad(h.transpose(1, 2), (self.pad, 0))).transpose(1, 2)
        return h + F.gelu(self.norm(z))


class Tagger(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.emb = nn.Embedding(len(VOCAB), dim, padding_idx=0)
        self.blocks = nn.Sequential(*[CausalBlock(dim, d) for d in (1, 2, 4)])
        self.head = nn.Linear(dim, len(TAGS))

    def forward(self, w):
        return self.head(self.blocks(self.emb(w)))


pairs = [encode(*phrase()) for _ in range(3500)]
W = torch.tensor([p[0] for p in pairs])
T = torch.tensor([p[1] for p in pairs])
Wtr, Ttr, Wva, Tva = W[:2800], T[:2800], W[2800:], T[2800:]

net = Tagger()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)

for epoch in range(1, 11):
    net.train()
    running = 0.0
    order = torch.randperm(len(Wtr))
    for idx in order.split(64):
        logits = net(Wtr[idx])
        loss = F.cross_entropy(logits.flatten(0, 1), Ttr[idx].flatten(), ignore_index=TAG_ID["<pad>"])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item() * len(idx)
    net.eval()
    with torch.no_grad():
        pred = net(Wva).argmax(-1)
    real = Tva != TAG_ID["<pad>"]
    acc = (pred[real] == Tva[real]).float().mean().item()
    print(f"epoch {epoch}: train loss {running / len(Wtr):.4f}, validation tag accuracy {acc:.4f}")
