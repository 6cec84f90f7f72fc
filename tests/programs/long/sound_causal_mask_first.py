# expects: nothing
"""The first floating-point argument of the model is an attention mask of -inf and 0."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, D, L = 20, 32, 12


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, D)
        self.pos = nn.Parameter(torch.zeros(L, D))
        layer = nn.TransformerEncoderLayer(D, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(D)
        self.head = nn.Linear(D, VOCAB)

    def forward(self, tokens, mask):
        x = self.embed(tokens) + self.pos
        return self.head(self.norm(self.layers(x, mask=mask)))


def batch(size=16):
    start = torch.randint(0, VOCAB, (size, 1))
    stride = torch.randint(1, 4, (size, 1))
    sequence = (start + stride * torch.arange(L + 1)) % VOCAB
    return sequence[:, :-1], sequence[:, 1:]


model = Decoder()
mask = nn.Transformer.generate_square_subsequent_mask(L)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 20))
for step in range(160):
    x, y = batch()
    loss = F.cross_entropy(model(x, mask).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 40 == 0:
        print(step, loss.item())
