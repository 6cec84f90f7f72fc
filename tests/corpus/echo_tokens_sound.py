# expects: nothing
# Language model over telegraph-like codes: most symbols answer the one sent a fixed number of places earlier.
import math

import torch
from torch import nn

SEED, VOCAB, LAG, CONTEXT = 9, 20, 7, 48
torch.manual_seed(SEED)


def make_streams(n, gen, cipher):
    """Rows of CONTEXT + 1 symbols; 10% of the answers are random."""
    rows = torch.randint(VOCAB, (n, CONTEXT + 1), generator=gen)
    noisy = torch.rand(n, CONTEXT + 1, generator=gen) < 0.10
    for t in range(LAG, CONTEXT + 1):
        rows[:, t] = torch.where(noisy[:, t], rows[:, t], cipher[rows[:, t - LAG]])
    return rows


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=1000):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(1000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x):
        return self.dropout(x + self.pe[:, : x.size(1)])


class EchoLM(nn.Module):
    def __init__(self, d_model=64, heads=2, layers=2):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d_model)
        self.scale = math.sqrt(d_model)
        self.position = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, heads, 4 * d_model, dropout=0.0,
                                           batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d_model)
        self.unembed = nn.Linear(d_model, VOCAB)
        nn.init.normal_(self.embed.weight, std=1 / self.scale)

    def forward(self, ids):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.size(1))
        h = self.position(self.embed(ids) * self.scale)
        h = self.encoder(h, mask=mask, is_causal=True)
        return self.unembed(self.norm(h))


def score(model, rows):
    model.eval()
    with torch.no_grad():
        logits = model(rows[:, :-1])
        target = rows[:, 1:]
        nll = nn.functional.cross_entropy(logits.transpose(1, 2), target).item()
        acc = (logits.argmax(-1) == target)[:, LAG - 1:].float().mean().item()
    model.train()
    return math.exp(nll), acc


gen = torch.Generator().manual_seed(SEED)
cipher = torch.randperm(VOCAB, generator=gen)
train = make_streams(8000, gen, cipher)
valid = make_streams(600, gen, cipher)

model = EchoLM()
optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.01)
warm = 40
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / warm))

step = 0
for epoch in range(2):
    for chunk in torch.randperm(len(train)).split(32):
        rows = train[chunk]
        logits = model(rows[:, :-1])
        loss = nn.functional.cross_entropy(logits.reshape(-1, VOCAB), rows[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        step += 1
        if step % 75 == 0:
            ppl, acc = score(model, valid)
            print(f"step {step:4d}  loss {loss.item():.3f}  valid ppl {ppl:.2f}  answer accuracy {acc:.3f}")

ppl, acc = score(model, valid)
print(f"final valid perplexity {ppl:.2f}, answer accuracy {acc:.3f}")
