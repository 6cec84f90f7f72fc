# bug: attention softmax normalises over the query axis (dim=1) instead of the key axis (LookupAttention.forward)
# expects: MOD013
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

N_KEYS, N_VALUES, PAIRS, QUERIES = 12, 8, 6, 2


def sample_batch(n, gen):
    """Each row holds PAIRS (key, value) pairs and QUERIES of the keys are asked for."""
    keys = torch.stack([torch.randperm(N_KEYS, generator=gen)[:PAIRS] for _ in range(n)])
    values = torch.randint(0, N_VALUES, (n, PAIRS), generator=gen)
    pick = torch.randint(0, PAIRS, (n, QUERIES), generator=gen)
    return keys, values, keys.gather(1, pick), values.gather(1, pick)


class LookupAttention(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.key_emb = nn.Embedding(N_KEYS, dim)
        self.val_emb = nn.Embedding(N_VALUES, dim)
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, dim, bias=False)
        self.wv = nn.Linear(dim, dim, bias=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, N_VALUES)

    def forward(self, keys, values, queries):
        q = self.wq(self.key_emb(queries))
        k = self.wk(self.key_emb(keys))
        v = self.wv(self.val_emb(values))
        scores = torch.einsum("bqd,bkd->bqk", q, k) / math.sqrt(q.shape[-1])
        weights = F.softmax(scores, dim=1)
        return self.head(self.norm(torch.einsum("bqk,bkd->bqd", weights, v)))


def main(steps=600, batch=64, lr=2e-3):
    torch.manual_seed(8)
    gen = torch.Generator().manual_seed(80)
    train = sample_batch(4000, gen)
    test = sample_batch(500, gen)
    model = LookupAttention()
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    warmup = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 50))
    running = []
    for step in range(1, steps + 1):
        model.train()
        idx = torch.randint(0, len(train[0]), (batch,))
        keys, values, queries, answer = (t[idx] for t in train)
        logits = model(keys, values, queries)
        loss = F.cross_entropy(logits.reshape(-1, N_VALUES), answer.reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        warmup.step()
        running.append(loss.item())
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                pred = model(*test[:3]).argmax(-1)
            acc = (pred == test[3]).float().mean().item()
            print(f"step {step} loss {sum(running[-100:]) / 100:.3f} test acc {acc:.3f}")


if __name__ == "__main__":
    main()
