# bug: embedding and output layer are meant to be tied but only a copy of the weights is made, so they drift apart
# expects: MOD028
import tokenize
import io
import random as _random_module
from collections import Counter

import torch
import torch.nn as nn

torch.manual_seed(77)

# word-level model of a python source
src = open(_random_module.__file__).read()
toks = [t.string for t in tokenize.generate_tokens(io.StringIO(src).readline)
        if t.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT) and t.string.strip() and len(t.string) < 20]
common = [w for w, c in Counter(toks).most_common(400)]
vocab = {"<unk>": 0, **{w: i + 1 for i, w in enumerate(common)}}
ids = torch.tensor([vocab.get(t, 0) for t in toks])
V, CTX, DIM = len(vocab), 6, 48
windows = ids.unfold(0, CTX + 1, 1)
perm = torch.randperm(len(windows))
n_val = len(windows) // 10
val, train = windows[perm[:n_val]], windows[perm[n_val:]]


class TiedLM(nn.Module):
    """Bengio-style window model with tied input and output embeddings (halves the parameters)."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, DIM)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.mix = nn.Sequential(nn.Linear(CTX * DIM, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, DIM))
        self.decoder = nn.Linear(DIM, V)
        self.decoder.weight.data = self.embedding.weight.data.clone()

    def forward(self, ctx):
        return self.decoder(self.mix(self.embedding(ctx).flatten(1)))


lm = TiedLM()
n_params = sum(p.numel() for p in lm.parameters())
optim = torch.optim.Adam(lm.parameters(), lr=3e-3)
for step in range(1, 301):
    w = train[torch.randint(len(train), (64,))]
    loss = nn.functional.cross_entropy(lm(w[:, :-1]), w[:, -1])
    optim.zero_grad()
    loss.backward()
    optim.step()
    if step % 100 == 0:
        lm.eval()
        with torch.no_grad():
            out = lm(val[:, :-1])
            vl = nn.functional.cross_entropy(out, val[:, -1]).item()
            acc = (out.argmax(1) == val[:, -1]).float().mean().item()
        lm.train()
        print(f"step {step} train {loss.item():.3f} val {vl:.3f} acc {acc:.3f}")

a, b = lm.embedding.weight.detach(), lm.decoder.weight.detach()
cos = nn.functional.cosine_similarity(a, b, dim=1).mean().item()
print(f"{n_params} parameters, mean cosine of input and output vectors {cos:.3f}")
