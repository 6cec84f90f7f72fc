# expects: nothing
"""The prompt is read in both directions, the answer from left to right; the loss is on the answer."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
VOCAB, PROMPT, ANSWER, D = 16, 6, 6, 32
T = PROMPT + ANSWER - 1
visible = torch.ones(T, T, dtype=torch.bool).tril()
visible[:, :PROMPT] = True


class PrefixLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Embedding(VOCAB, D), nn.Parameter(0.1 * torch.randn(T, D))
        self.norm1, self.qkv, self.proj = nn.LayerNorm(D), nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.norm2, self.mlp = nn.LayerNorm(D), nn.Sequential(nn.Linear(D, 64), nn.GELU(), nn.Linear(64, D))
        self.head = nn.Linear(D, VOCAB)

    def forward(self, ids):
        x = self.embed(ids) + self.place
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        x = x + self.proj(F.scaled_dot_product_attention(q, k, v, attn_mask=visible))
        return self.head(x + self.mlp(self.norm2(x)))


model = PrefixLM()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(250):
    prompt = torch.randint(0, VOCAB, (32, PROMPT))
    ids = torch.cat([prompt, prompt.flip(1)], 1)
    labels = ids[:, 1:].clone()
    labels[:, : PROMPT - 1] = -100
    loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), labels.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
